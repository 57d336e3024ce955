"""Thousands of replies that no honest host would give: they concern the hosts that give them, and nobody else.

Files that those replies name lie beside the folders of the hosts' jobs, and may not be touched.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from scenarios.conftest import CALLBACKS
from scenarios.plays import launch, play, reap
from scenarios.test_wait import collection_at
from support import environments
from support.server import Done, Server

ASIDE = Path(__file__).parent
EVIL = [f"evil{number}" for number in range(6)]
ITEMS = 20
ROUNDS = int(os.environ.get("HOSTILE_ROUNDS", "1"))
"""Of about 500 replies each; a release is tried with ten."""
CANARIES = ("canaries/passwd", "canaries/j1.1", "jobs/good/j1.1")
NEVER_READ = 1.0
_JOBS_OF_A_LINE = re.compile(
    r"(lost|failed|unreaped|timed out|swallowed) +(?:(\d+) hosts +\S+ +(?:(\d+) jobs|1 job each) |\S+ +\S+ +\S+ )"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]")

PLAYBOOK = play(
    launch("exit 3", name="Nobody waits", register="left", when="inventory_hostname == 'good'"),
    launch("sleep 0", name="Reaped", register="taken", when="inventory_hostname == 'fine'"),
    "- ansible.builtin.copy:\n    content: '{{ (left.ansible_job_id | default(taken.ansible_job_id)) }}'\n"
    "    dest: '{{ folder }}/id-of-{{ inventory_hostname }}'\n    mode: '0600'\n"
    "  when: inventory_hostname in ['good', 'fine']\n",
    launch("sleep 0", name="Lie", register="lies", loop=f'"{{{{ range({ITEMS}) | list }}}}"', ignore_errors="true",
           when="inventory_hostname.startswith('evil')"),
    launch("sleep 0", name="Lie again", register="", loop=f'"{{{{ range({ITEMS}) | list }}}}"', ignore_errors="true",
           no_log="true", when="inventory_hostname.startswith('evil')"),
    reap("taken", when="inventory_hostname == 'fine'"),
    "- name: Look at lies\n  ansible.builtin.async_status:\n"
    "    jid: '{{ lies.results[item].ansible_job_id | default(\"j0.0\", true) }}'\n  register: looked\n"
    # A list with NaN in it is no list to loop over up to ansible-core 2.18.
    f"  loop: '{{{{ range({ITEMS}) | list }}}}'\n  vars: {{ansible_async_dir: /asked/by/the/playbook}}\n"
    "  ignore_errors: true\n  when: inventory_hostname in ['evil0', 'evil1']\n",
    "- name: Wait for lies\n  reap.jobs.wait: {timeout: 0.1}\n  ignore_errors: true\n"
    "  when: inventory_hostname in ['evil2', 'evil3']\n",
)  # fmt: skip


KILLED = play(
    launch("exit 3", name="Left", register="left", when="inventory_hostname == 'good'"),
    launch("sleep 0", name="Left", register="taken", when="inventory_hostname == 'fine'"),
    "- ansible.builtin.copy:\n    content: '{{ (left.ansible_job_id | default(taken.ansible_job_id)) }}'\n"
    "    dest: '{{ folder }}/id-of-{{ inventory_hostname }}'\n    mode: '0600'\n"
    "  when: inventory_hostname in ['good', 'fine']\n",
    launch("sleep 0", name="Lie", register="lies", loop=f'"{{{{ range({ITEMS}) | list }}}}"', ignore_errors="true",
           when="inventory_hostname.startswith('evil')"),
    "- ansible.builtin.shell: kill -9 {{ lookup('ansible.builtin.pipe', 'ps -o ppid= -p $PPID') }}\n"
    "  when: inventory_hostname == 'good'\n",
)  # fmt: skip
"""A run that leaves everything to ``collect``."""


def problems(done: Done, folder: Path) -> list[str]:
    """What is wrong after one run."""
    wrong = problems_of_collect(done, folder)
    if done.report is not None and not any(job["host"] in EVIL for job in done.report["jobs"]):
        wrong.append("no job of a hostile host")
    for job in done.report["jobs"] if done.report is not None else ():
        is_told = job["rc"] == 3 and job["msg"] and (folder / "async" / job["jid"]).is_file()
        if job["host"] == "good" and not is_told:
            wrong.append(f"what good said of its job is gone: {job}")
    return wrong


def problems_of_collect(done: Done, folder: Path) -> list[str]:
    """What is wrong after ``collect``, and after any other run too."""
    wrong = [] if done.status == 2 else [f"status {done.status}"]
    if done.report is None:
        return [*wrong, "no report", done.output[-2000:]]
    states = {job["host"]: job["state"] for job in done.report["jobs"] if job["host"] in ("good", "fine")}
    if states != {"good": "failed", "fine": "reaped"}:
        wrong.append(f"the honest hosts' jobs: {states}")
    counts = dict(re.findall(r"^(good|fine) +: .*failed=(\d+)", done.output, re.MULTILINE))
    if counts != {"good": "1", "fine": "0"}:
        wrong.append(f"failures of the honest hosts: {counts}")
    found = re.search(r"an error of its own|Traceback", done.output)
    if found is not None:
        wrong.append("an error of ours: " + done.output[found.end() : found.end() + 600])
    return [*wrong, *_unfit(done), *_miscounted(done), *_asked_elsewhere(folder), *_touched(folder)]


def _unfit(done: Done) -> list[str]:
    recap = done.output.partition("ASYNC RECAP")[2]
    wrong = [
        f"unfit for a line: {line!r:.200}" for line in recap.splitlines() if _CONTROL.search(line) or len(line) > 900
    ]
    if _CONTROL.search(json.dumps(done.report, ensure_ascii=False)):
        wrong.append("control characters in the report")
    return wrong


def _miscounted(done: Done) -> list[str]:
    """Whether each job that was not well has one line of the recap, or is counted in one."""
    lines = done.output.partition("ASYNC RECAP")[2].splitlines()[1:]
    told: Counter[str] = Counter()
    for line in lines[: next((at for at, line in enumerate(lines) if " launched: " in line), None)]:
        if line.startswith("  ") and told:
            continue  # the hosts of the line above
        found = _JOBS_OF_A_LINE.match(line)
        if found is None:
            return [f"no line of a job: {line!r:.200}"]
        told[found[1].replace(" ", "_")] += int(found[3] or found[2] or 1)
    jobs = [job for job in (done.report or {})["jobs"] if job["state"] != "reaped"]
    words = Counter("swallowed" if job["swallowed"] else job["state"] for job in jobs)
    return [] if told == words else [f"lines for {dict(told)}, jobs {dict(words)}"]


def _asked_elsewhere(folder: Path) -> list[str]:
    """Looks at hostile hosts for what is no job of theirs."""
    asked = [json.loads(line) for line in (folder / "asked").read_text(encoding="utf-8").splitlines()]
    ours = [one for one in asked if one.get("_async_dir") != "/asked/by/the/playbook"]
    if not ours:
        return ["nobody has looked"]
    return [f"asked {one}" for one in ours if not _is_fit(one, f"{folder}/jobs/{one['host']}")]


def _is_fit(asked: dict[str, Any], own_folder: str) -> bool:
    """Whether a module that we sent to a host concerns its own folder alone."""
    if asked["module"] == "find":
        return bool(asked["paths"] == [own_folder])
    is_job = re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}", asked.get("jid", ""))
    return bool(is_job and asked["module"] == "async_status" and asked["_async_dir"] == own_folder)


def planted(folder: Path) -> None:
    """Lay out the files that nobody may touch, where hostile hosts say that their jobs are."""
    for name in CANARIES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("tweet", encoding="utf-8")
        os.utime(path, (NEVER_READ, time.time()))


def _touched(folder: Path) -> list[str]:
    """Those of them that were read or written, or have gone. A file system without access times tells of no reading."""
    changed = [
        name for name in CANARIES if not (folder / name).is_file() or (folder / name).stat().st_size != len("tweet")
    ]
    read = [name for name in CANARIES if name not in changed and (folder / name).stat().st_atime != NEVER_READ]
    return [*(f"changed: {name}" for name in changed), *(f"read: {name}" for name in read)]


@pytest.mark.slow
@pytest.mark.parametrize("core", environments.chosen_cores())
def test_what_hostile_hosts_say_concerns_them_alone(core: str, tmp_path: Path) -> None:
    settings = laid_out(tmp_path, PLAYBOOK)
    found: list[str] = []
    with Server(core, tmp_path / "server", settings) as server:
        for _ in range(ROUNDS):
            (tmp_path / "asked").unlink(missing_ok=True)
            planted(tmp_path)
            done = server.run(tmp_path, ["-i", "hosts", "site.yml", "-e", f"folder={tmp_path}", "-f", "8"], seconds=900)
            found += problems(done, tmp_path)
    assert replies(core, tmp_path, found) >= 300 * ROUNDS
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("core", environments.chosen_cores())
def test_what_hostile_hosts_say_to_collect_concerns_them_alone(core: str, tmp_path: Path) -> None:
    settings = laid_out(tmp_path, KILLED)
    found: list[str] = []
    with Server(core, tmp_path / "server", settings) as server:
        for number in range(ROUNDS):
            (tmp_path / "asked").unlink(missing_ok=True)
            planted(tmp_path)
            ledgers = {"ASYNC_REAPER_LEDGER_DIR": f"{tmp_path}/ledger{number}"}
            arguments = ["-i", "hosts", "-e", f"folder={tmp_path}", "-f", "8"]
            killed = server.run(tmp_path, [*arguments, "site.yml"], ledgers, seconds=900)
            assert killed.status == -9, killed.output
            waiting = ("-e", "wait=true", "-e", "timeout=2")
            done = server.run(tmp_path, [*arguments, *waiting, "reap.jobs.collect"], ledgers, seconds=900)
            found += problems_of_collect(done, tmp_path)
    assert replies(core, tmp_path, found) >= 100 * ROUNDS
    assert found == []


def replies(core: str, folder: Path, found: list[str]) -> int:
    served = Counter((folder / "served").read_text(encoding="utf-8").split())
    kinds = ", ".join(f"{count} to a {kind}" for kind, count in sorted(served.items()))
    print(f"{served.total()} replies of hostile hosts on ansible-core {core} ({kinds}), {len(found)} problems")
    return served.total()


def laid_out(tmp_path: Path, playbook: str) -> dict[str, str]:
    """Inventory and playbook; returns Ansible's settings."""
    python = f"ansible_python_interpreter={sys.executable}"
    local = [
        f"{host} ansible_connection=local {python} ansible_async_dir={tmp_path}/async" for host in ("good", "fine")
    ]
    evil = [f"{host} ansible_connection=hostile {python} ansible_async_dir={tmp_path}/jobs/{host}" for host in EVIL]
    (tmp_path / "hosts").write_text("\n".join([*local, *evil, ""]), encoding="utf-8")
    (tmp_path / "site.yml").write_text(playbook, encoding="utf-8")
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
        "ANSIBLE_CONNECTION_PLUGINS": str(ASIDE / "connections"),
        "HOSTILE_FOLDER": str(tmp_path),
        **collection_at(tmp_path),
    }
