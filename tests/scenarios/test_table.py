"""Every launch form with every reap form and every way a job can end: one playbook a launch form, one host a cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import pytest

from scenarios.conftest import Run, Runner
from scenarios.plays import play, say
from support import environments

# A job says when it is about to end, and one to be peeked at ends only when told, however slow the machine is.
END = "touch {{ inventory_hostname }}.done"
COMMANDS = {
    "well": END,
    "badly": f"{END}; exit 3",
    "gone": END,
    "killed": "sleep 60",
    "detached": END,
}
HOLD = "until [ -e go ]; do sleep 0.1; done;"
LET_IT_END = """\
- name: Let it end
  ansible.builtin.shell: |
    touch go
    {% if end == 'killed' %} sleep 12 {% else %}
    until [ -e {{ inventory_hostname }}.done ]; do sleep 0.1; done; sleep 1
    {% endif %}
  args: {chdir: "{{ playbook_dir }}"}
"""


@dataclass(frozen=True)
class Cell:
    """What a job that ends so and is reaped so must come to."""

    state: str
    seen_by: str | None
    fails: bool
    swallowed: bool = False
    last_seen: str | None = None


UNREAPED = Cell("unreaped", None, fails=True, last_seen="finished")
CELLS = {
    ("well", "direct"): Cell("reaped", "playbook", fails=False),
    ("well", "loop"): Cell("reaped", "playbook", fails=False),
    ("well", "later"): Cell("reaped", "playbook", fails=False),
    ("well", "wait"): Cell("reaped", "playbook", fails=False),
    ("well", "swallowed"): Cell("reaped", "playbook", fails=False),
    ("well", "none"): UNREAPED,
    ("well", "peek"): UNREAPED,
    ("well", "cleanup"): Cell("unreaped", None, fails=True, last_seen="missing"),
    ("badly", "direct"): Cell("failed", "playbook", fails=True),
    ("badly", "loop"): Cell("failed", "playbook", fails=True),
    ("badly", "later"): Cell("failed", "playbook", fails=True),
    ("badly", "wait"): Cell("failed", "playbook", fails=True),
    ("badly", "swallowed"): Cell("failed", "playbook", fails=False, swallowed=True),
    ("badly", "ignored"): Cell("failed", "playbook", fails=False, swallowed=True),
    ("badly", "none"): Cell("failed", "gate", fails=True),
    ("badly", "peek"): Cell("failed", "gate", fails=True),
    ("badly", "cleanup"): Cell("unreaped", None, fails=True, last_seen="missing"),
    ("gone", "direct"): Cell("lost", None, fails=True),
    ("gone", "ignored"): Cell("lost", "gate", fails=False, swallowed=True),
    ("gone", "wait"): Cell("lost", None, fails=True),
    ("gone", "none"): Cell("lost", "gate", fails=True),
    ("detached", "none"): Cell("detached", None, fails=False),
    ("detached", "direct"): Cell("reaped", "playbook", fails=False),
}
KILLED = {
    ("killed", "direct"): Cell("timed_out", "playbook", fails=True),
    ("killed", "swallowed"): Cell("timed_out", "playbook", fails=False, swallowed=True),
    ("killed", "none"): Cell("timed_out", "gate", fails=True),
    ("killed", "wait"): Cell("timed_out", "playbook", fails=True),
}
# A job id that nobody registered cannot be reaped by hand.
UNREGISTERED = {cell: CELLS[cell] for cell in CELLS if cell[1] in ("none", "wait")}

FORMS = {
    "plain": "",
    "looped": "loop: [0]",
    "delegated": "delegate_to: target",
    "become": "become: true\nbecome_method: su\nbecome_user: root",
    "no_log": "no_log: true",
    "no_log_looped": "no_log: true\nloop: [0]",
}


def launching_tasks(more: str, *, register: bool = True, limit: int = 300) -> str:
    """Two launches, so that one of them can stand under the detach marker."""
    text = ""
    for condition, extra in (("!=", ""), ("==", "\n  vars: {async_reaper_detach: meant to}")):
        name = "Start it" if condition == "!=" else "Start it for good"
        keep = ("register: job" if condition == "!=" else "register: kept") if register else ""
        text += f"""\
- name: {name}
  ansible.builtin.shell: "{{{{ hold if how == 'peek' else '' }}}} {{{{ commands[end] }}}}"
  args: {{chdir: "{{{{ playbook_dir }}}}"}}
  async: {limit}
  poll: 0
  when: end {condition} "detached"{extra}
"""
        text += indent("\n".join(filter(None, (keep, more))), "  ") + "\n"
    return text


STARTED = "(job if end != 'detached' else kept)"
FIRST = f"({STARTED}.results[0] if {STARTED}.results is defined else {STARTED})"
WAITED = "  register: waited\n  until: waited is finished\n  retries: 60\n  delay: 1\n"
DIRECT = f"""  ansible.builtin.async_status: {{jid: "{{{{ {FIRST}.ansible_job_id }}}}"}}\n{WAITED}"""
HERE = """  when: how == "{0}"\n"""
REAPS = (
    f'- name: Peek\n  ansible.builtin.async_status: {{jid: "{{{{ {FIRST}.ansible_job_id }}}}"}}\n'
    + HERE.format("peek")
    + LET_IT_END
    + "- name: Lose it\n  ansible.builtin.file:\n    state: absent\n"
    + '    path: "{{ (job.results | default([job]))[0].results_file }}"\n'
    + '  when: end == "gone" and job is defined\n'
    + "- name: Lose it unseen\n  ansible.builtin.shell: rm -f {{ ansible_async_dir }}/j*\n"
    + '  when: end == "gone" and job is not defined\n'
    + f"- name: Direct\n{DIRECT}"
    + HERE.format("direct")
    + f'- name: Loop\n  ansible.builtin.async_status: {{jid: "{{{{ item.ansible_job_id }}}}"}}\n{WAITED}'
    + f'  loop: "{{{{ [{FIRST}] }}}}"\n'
    + HERE.format("loop")
    + f"- name: Swallowed\n{DIRECT}  failed_when: false\n"
    + HERE.format("swallowed")
    + f"- name: Ignored\n{DIRECT}  ignore_errors: true\n"
    + HERE.format("ignored")
    + f'- name: Clean up\n  ansible.builtin.async_status: {{jid: "{{{{ {FIRST}.ansible_job_id }}}}", mode: cleanup}}\n'
    + HERE.format("cleanup")
    + "- name: Wait\n  reap.jobs.wait:\n"
    + HERE.format("wait")
)
LATER = f"- name: Later\n{DIRECT}" + HERE.format("later")


def check(got: Run, cells: dict[tuple[str, str], Cell]) -> None:
    """Hold every cell's host against what it must come to."""
    jobs = {job["host"]: job for job in got.jobs}
    wrong = []
    for (end, how), cell in cells.items():
        host = f"{end}-{how}"
        job = jobs.get(host)
        if job is None:
            wrong.append(f"{host}: no job")
            continue
        found = Cell(
            job["state"],
            job["seen_by"],
            bool(got.recap[host]["failed"]),
            job["swallowed"],
            job["last_seen"] if cell.last_seen else None,
        )
        if found != cell:
            wrong.append(f"{host}: {found}, not {cell}")
        if (f"{host} went on" in got.stdout) == cell.fails:
            wrong.append(f"{host}: later plays")
        named = any(f"  {host}" in line for line in got.async_recap)
        if named != (cell.fails or cell.swallowed):
            wrong.append(f"{host}: in the ASYNC RECAP: {named}")
    assert not wrong, "\n".join([*wrong, got.output])
    assert len(jobs) == len(got.jobs) == len(cells)
    assert got.status == 2


def run_table(
    run: Runner,
    tmp_path: Path,
    cells: dict[tuple[str, str], Cell],
    tasks: str,
    *,
    files: dict[str, str] | None = None,
    more: str = "",
    **options: str,
) -> Run:
    jobs = tmp_path / "collections" / "ansible_collections" / "reap"
    jobs.mkdir(parents=True)
    (jobs / "jobs").symlink_to(environments.ROOT / "collection")
    hosts = [f"{end}-{how} end={end} how={how}" for end, how in cells]
    playbook = play(tasks, REAPS, gather_facts="false", more=more) + play(LATER) + play(say("went on"))
    return run(
        playbook,
        hosts=hosts,
        inventory="[other]\ntarget",
        files={"group_vars/all.yml": f"commands: {COMMANDS}\nhold: {HOLD}\n", **(files or {})},
        options=options,
        args=["--limit", "all:!other"],
        env={"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"), "ANSIBLE_FORKS": "12"},
        timeout=280,
    )


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_each_way_to_end_and_to_reap(run: Runner, tmp_path: Path, form: str) -> None:
    check(run_table(run, tmp_path, CELLS, launching_tasks(FORMS[form])), CELLS)


def test_the_ways_that_matter_most(run: Runner, tmp_path: Path) -> None:
    picked = (("well", "none"), ("well", "cleanup"), ("badly", "swallowed"), ("badly", "peek"), ("gone", "ignored"))
    cells = {cell: CELLS[cell] for cell in picked}
    check(run_table(run, tmp_path, cells, launching_tasks("")), cells)


def test_a_job_that_no_log_hides_and_nobody_registers_is_tracked_all_the_same(run: Runner, tmp_path: Path) -> None:
    cells = {cell: want for cell, want in UNREGISTERED.items() if cell[0] != "gone"}
    got = run_table(run, tmp_path, cells, launching_tasks("no_log: true", register=False))
    check(got, cells)
    assert "touch" not in got.stdout.replace("touch go", "")
    assert "touch" not in str(got.report)
    assert all(job["rc"] is None and job["msg"] is None and job["item"] is None for job in got.jobs)
    assert "async_reaper_registered" not in got.output


@pytest.mark.slow
@pytest.mark.parametrize("where", ["handler", "include", "role"])
def test_launches_from_other_places(run: Runner, tmp_path: Path, where: str) -> None:
    tasks = launching_tasks("")
    if where == "include":
        got = run_table(run, tmp_path, CELLS, "- ansible.builtin.include_tasks: more.yml\n", files={"more.yml": tasks})
    elif where == "role":
        files = {"roles/db/tasks/main.yml": tasks}
        got = run_table(run, tmp_path, CELLS, "", files=files, more="roles: [db]")
    else:
        notify = (
            '- ansible.builtin.command: "true"\n  notify: [Start it, Start it for good]\n'
            "- ansible.builtin.meta: flush_handlers\n"
        )
        got = run_table(run, tmp_path, CELLS, notify, more="handlers:\n" + indent(tasks, "  "))
    check(got, CELLS)


@pytest.mark.slow
def test_jobs_killed_at_their_limit(run: Runner, tmp_path: Path) -> None:
    got = run_table(run, tmp_path, KILLED, launching_tasks("", limit=1))
    check(got, KILLED)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_gate_reaps_what_nobody_else_did(run: Runner, tmp_path: Path, form: str) -> None:
    cells = {
        ("well", "none"): Cell("reaped", "gate", fails=False),
        ("well", "peek"): Cell("reaped", "gate", fails=False),
        ("well", "direct"): Cell("reaped", "playbook", fails=False),
        ("badly", "none"): Cell("failed", "gate", fails=True),
        ("gone", "none"): Cell("lost", "gate", fails=True),
        ("detached", "none"): Cell("detached", None, fails=False),
    }
    check(run_table(run, tmp_path, cells, launching_tasks(FORMS[form]), on_unreaped="reap"), cells)
