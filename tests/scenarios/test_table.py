"""Every launch form with every reap form and every way a job can end: one playbook a launch form, one host a cell."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from ansible_reap.runtime.ledger.reader import read_folder
from scenarios.cells import CELLS, REAPED_BY_THE_GATE, Cell, Cells, without_a_register
from scenarios.conftest import Run, Runner
from scenarios.plays import play, say
from scenarios.test_wait import collection_at

# A job to be peeked at works only when told to go on, and what becomes of the others is read in their status files: no
# part of this depends on how fast the machine is.
HOLD = (
    "{% if how == 'peek' and not (end == 'running' and how in held) %}"
    "until [ -e {{ inventory_hostname }}.go ]; do sleep 0.1; done;{% endif %}"
)
COMMANDS = {
    "well": "true",
    "badly": "echo s3cret; exit 3",
    "gone": "true",
    "detached": "true",
    "running": "{{ 'until [ -e stop ]; do sleep 0.2; done' if how == 'cleanup' or how in held else 'sleep 3' }}",
    "killed": "sleep 60",
}
LET_IT_END = """\
- name: Let it end
  ansible.builtin.shell: |
    touch {{{{ inventory_hostname }}}}.go
    {{% if end != 'running' %}}
    until grep -qs -e '"rc"' -e '"child_pid"' {{{{ status_file }}}}; do sleep 0.1; done
    {{% endif %}}
    {{% if end == 'gone' %}} rm -f {{{{ status_file }}}} {{% endif %}}
  args: {{chdir: "{{{{ playbook_dir }}}}"}}
  when: {0}
"""


@dataclass(frozen=True)
class Form:
    """A way to launch: further keywords of the launching task, and where it stands."""

    keywords: str = ""
    register: bool = True
    place: str = "site.yml"
    """The file in which the launching tasks stand, or ``handlers``."""
    serial: bool = False
    """A batch a host, so that each is the one on which ``run_once`` runs."""
    report: Mapping[str, Any] = field(default_factory=dict)
    """What the job's entry in the report must say of the form."""


FORMS = {
    "plain": Form(report={"item": None, "delegated_to": None}),
    "looped": Form("loop: [0]", report={"item": "0"}),
    "run_once": Form("run_once: true", serial=True),
    "delegated": Form("delegate_to: target", report={"delegated_to": "target"}),
    "become": Form("become: true\nbecome_method: su\nbecome_user: root"),
    "handler": Form(place="handlers"),
    "included": Form(place="more.yml"),
    "role": Form(place="roles/db/tasks/main.yml"),
    "no_log": Form("no_log: true"),
    "no_log_looped": Form("no_log: true\nloop: [s3cret]"),
    "no_log_unregistered": Form("no_log: true", register=False),
    "unregistered": Form(register=False),
}
LAUNCHES = (
    # name, condition, limit, register, more
    ("Start it", "end not in ('detached', 'killed', 'never')", "1800", "job", ""),
    ("Start it for good", "end == 'detached'", "1800", "kept", "vars: {async_reaper_detach: meant to}"),
    # Last, so that it is peeked at before it is killed.
    ("Start what takes too long", "end == 'killed'", "\"{{ 40 if how == 'peek' else 1 }}\"", "doomed", ""),
)


def launching_tasks(form: Form) -> str:
    text = ""
    for name, condition, limit, register, more in LAUNCHES:
        text += f"""\
- name: {name}
  ansible.builtin.shell: "{{{{ hold }}}} {{{{ commands[end] }}}}"
  args: {{chdir: "{{{{ playbook_dir }}}}"}}
  async: {limit}
  poll: 0
  when: {condition}
"""
        keep = f"register: {register}" if form.register else ""
        text += indent("\n".join(filter(None, (keep, form.keywords, more))), "  ") + "\n"
    return text


STARTED = "{'detached': kept, 'killed': doomed}.get(end, job)"
FIRST = f"(({STARTED}).results | default([{STARTED}]))[0]"
WAITED = "  register: waited\n  until: waited is finished\n  retries: 30\n  delay: 2\n"
DIRECT = f"""  ansible.builtin.async_status: {{jid: "{{{{ {FIRST}.ansible_job_id }}}}"}}\n{WAITED}"""
HERE = """  when: how == "{0}"\n"""
REAPS = (
    f'- name: Peek\n  ansible.builtin.async_status: {{jid: "{{{{ {FIRST}.ansible_job_id }}}}"}}\n'
    + HERE.format("peek")
    + LET_IT_END.format("end == 'gone'")
    + f"- name: Direct\n{DIRECT}"
    + HERE.format("direct")
    + f'- name: Loop\n  ansible.builtin.async_status: {{jid: "{{{{ item.ansible_job_id }}}}"}}\n{WAITED}'
    + f'  loop: "{{{{ [{FIRST}] }}}}"\n'
    + HERE.format("loop")
    + f"- name: Swallowed\n{DIRECT}  failed_when: false\n"
    + HERE.format("swallowed")
    + f"- name: Ignored\n{DIRECT}  ignore_errors: true\n"
    + HERE.format("ignored")
    + "- name: Wait\n  reap.jobs.wait:\n"
    + HERE.format("wait")
    # A reap has waited by itself.
    + LET_IT_END.format("end != 'gone' and how in ('none', 'peek', 'cleanup')")
    + f'- name: Cleanup\n  ansible.builtin.async_status: {{jid: "{{{{ {FIRST}.ansible_job_id }}}}", mode: cleanup}}\n'
    + HERE.format("cleanup")
)
LATER = f"- name: Later\n{DIRECT}"
NOTIFY = (
    '- ansible.builtin.command: "true"\n'
    f"  notify: {json.dumps([launch[0] for launch in LAUNCHES])}\n"
    "- ansible.builtin.meta: flush_handlers\n"
)


def playbook(form: Form) -> tuple[str, dict[str, str]]:
    """The playbook and the other files that it needs."""
    tasks = launching_tasks(form)
    text: dict[str, Any] = {"serial": 2} if form.serial else {}
    files: dict[str, str] = {}
    if form.place == "handlers":
        first = play(NOTIFY, REAPS, more="handlers:\n" + indent(tasks, "  "), **text)
    elif form.place == "more.yml":
        files = {"more.yml": tasks}
        first = play("- ansible.builtin.include_tasks: more.yml\n", REAPS, **text)
    elif form.place.startswith("roles/"):
        files = {form.place: tasks}
        first = play(REAPS, more="roles: [db]", **text)
    else:
        first = play(tasks, REAPS, **text)
    return first + play(LATER, hosts="'*-later'") + play(say("went on")) + play(say("was there to the end")), files


def variables(form: Form, held: tuple[str, ...]) -> str:
    file = f"{{{{ {FIRST}.results_file }}}}" if form.register else "{{ ansible_async_dir }}/j*"
    return json.dumps({"commands": COMMANDS, "hold": HOLD, "held": held, "status_file": file})


def run_table(
    run: Runner, folder: Path, form: Form, cells: Cells, held: tuple[str, ...] = ("none", "peek"), **options: str
) -> Run:
    """Run a form's table; jobs that are ``running`` run on past the end of the run for the ways in ``held``."""
    hosts = []
    for end, how in cells:
        name = f"{end}-{how}"
        own = "" if form.register else f" ansible_async_dir={folder}/async/{name}"
        hosts.append(f"{name} end={end} how={how}{own}")
        if form.serial:
            hosts.append(f"{name}-beside end=never how=never")  # a batch that fails whole would end the play
    text, files = playbook(form)
    got = run(
        text,
        hosts=hosts,
        inventory="[other]\ntarget",
        files={"group_vars/all.json": variables(form, held), **files},
        options=options,
        args=["--limit", "all:!other"],
        # so wide a recap that no host of a group is one of "and 2 more"
        env={**collection_at(folder), "ANSIBLE_FORKS": "12", "ANSIBLE_PIPELINING": "1", "COLUMNS": "400"},
        timeout=900,
    )
    (folder / "stop").touch()
    return got


def check(got: Run, form: Form, cells: Cells) -> None:
    """Hold every cell's host against what it must come to."""
    jobs = {job["host"]: job for job in got.jobs}
    wrong = []
    for (end, how), cell in cells.items():
        host = f"{end}-{how}"
        if host not in jobs:
            wrong.append(f"{host}: no job")
            continue
        wrong += [f"{host}: {problem}" for problem in _problems(got, form, jobs[host], (end, how), cell)]
    assert not wrong, "\n".join([*wrong, got.output])
    assert len(jobs) == len(got.jobs) == len(cells)
    assert got.status == 2
    assert not any(got.recap[host]["failed"] for host in got.recap if host not in jobs)
    # Nothing is left to collect but what still runs.
    running = {job["jid"] for job in got.jobs if (job["state"], job["last_seen"]) == ("unreaped", "running")}
    ledgers = read_folder(got.folder / "state" / "ansible-reap" / "ledger", pytest.fail)
    assert {launch.jid for ledger in ledgers for launch in ledger.launches} == running
    assert len(ledgers) == bool(running)


def _problems(got: Run, form: Form, job: dict[str, Any], cell: tuple[str, str], want: Cell) -> list[str]:
    (end, how), host = cell, job["host"]
    wrong = []
    found = Cell(
        job["state"],
        job["seen_by"],
        bool(got.recap[host]["failed"]),
        job["swallowed"],
        job["last_seen"] if want.last_seen else None,
    )
    if found != want:
        wrong.append(f"{found}, not {want}")
    counts = {name: got.recap[host][name] for name in ("failed", "unreachable", "rescued", "ignored")}
    if counts != {"failed": want.fails, "unreachable": 0, "rescued": 0, "ignored": how == "ignored"}:
        wrong.append(f"counted as {counts}")
    # The second play waits for jobs, so one may be left to it, whose hosts are others: the third is the next that the
    # host comes to, and there it is judged.
    took_part = tuple(f"{host} {what}" in got.stdout for what in ("went on", "was there to the end"))
    has_failed_a_task = want.seen_by == "playbook" or (want.state, want.last_seen) == ("lost", "missing")
    right = (not want.fails or not has_failed_a_task, not want.fails)
    if took_part != right:
        wrong.append(f"in the plays behind: {took_part}, not {right}")
    # alone in its row, or among the hosts of a task with jobs of one kind; with where its job was sent to
    named = any(re.search(rf"(?:  |: |, ){re.escape(host)}(?:->\w+)?(?:[ ,]|$)", line) for line in got.async_recap)
    if named != (want.fails or want.swallowed):
        wrong.append(f"in the ASYNC RECAP: {named}")
    reap = job["reap"]["task"] if job["reap"] else None
    if want.seen_by == "playbook" and reap != how.capitalize():
        wrong.append(f"seen by {reap}")
    entry = {"path": "site.yml" if form.place == "handlers" else form.place, **form.report}
    if any(job[name] != value for name, value in entry.items()):
        wrong.append(f"{job}, not {entry}")
    if job["reason"] != ("meant to" if end == "detached" else None):
        wrong.append(f"its reason: {job['reason']}")
    if "no_log" in form.keywords and any(job[name] is not None for name in ("rc", "msg", "item")):
        wrong.append(f"not hidden: {job}")
    return wrong


def check_hidden(got: Run) -> None:
    """What we say of a job, wherever that is, says nothing of what ``no_log`` hides."""
    ours = [json.dumps(got.report), *got.async_recap]
    ours += [part.partition("\n\n")[0] for part in got.stdout.split("[async_reaper : ")[1:]]
    ours += [ledger.read_text(encoding="utf-8") for ledger in (got.folder / "state").rglob("*.ledger")]
    assert not [text for text in ours if "s3cret" in text]
    assert "async_reaper_registered" not in got.output


FORM_NAMES = [
    pytest.param(name, marks=pytest.mark.skipif(os.geteuid() != 0, reason="su asks others than root for a password"))
    if name == "become"
    else name
    for name in FORMS
]


@pytest.mark.slow
@pytest.mark.parametrize("name", FORM_NAMES)
def test_each_way_to_end_and_to_reap(run: Runner, tmp_path: Path, name: str) -> None:
    form = FORMS[name]
    cells = CELLS if form.register else without_a_register(CELLS)
    got = run_table(run, tmp_path, form, cells)
    check(got, form, cells)
    if "no_log" in form.keywords:
        check_hidden(got)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORM_NAMES)
def test_the_gate_reaps_what_nobody_else_did(run: Runner, tmp_path: Path, name: str) -> None:
    form = FORMS[name]
    cells = REAPED_BY_THE_GATE if form.register else without_a_register(REAPED_BY_THE_GATE)
    got = run_table(run, tmp_path, form, cells, held=(), on_unreaped="reap")
    check(got, form, cells)
    if "no_log" in form.keywords:
        check_hidden(got)


def test_the_ways_that_matter_most(run: Runner, tmp_path: Path) -> None:
    picked = (("well", "none"), ("well", "cleanup"), ("badly", "swallowed"), ("badly", "peek"), ("gone", "ignored"))
    cells = {cell: CELLS[cell] for cell in picked}
    check(run_table(run, tmp_path, FORMS["plain"], cells), FORMS["plain"], cells)


def test_a_job_that_no_log_hides_and_nobody_registers_is_tracked_all_the_same(run: Runner, tmp_path: Path) -> None:
    form = FORMS["no_log_unregistered"]
    cells = {cell: want for cell, want in without_a_register(CELLS).items() if cell[0] in ("well", "badly", "detached")}
    got = run_table(run, tmp_path, form, cells)
    check(got, form, cells)
    check_hidden(got)
    assert "s3cret" not in got.output
