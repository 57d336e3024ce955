"""Thousands of replies that no honest host would give: they concern the hosts that give them, and nobody else."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

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
"""Of about 700 replies each; a release is tried with eight."""
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
    "    jid: '{{ item.ansible_job_id | default(\"j0.0\", true) }}'\n"
    "  register: looked\n  loop: '{{ lies.results }}'\n  vars: {ansible_async_dir: /asked/by/the/playbook}\n"
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
    return [*wrong, *_unfit(done), *_asked_elsewhere(folder)]


def _unfit(done: Done) -> list[str]:
    recap = done.output.partition("ASYNC RECAP")[2]
    wrong = [
        f"unfit for a line: {line!r:.200}" for line in recap.splitlines() if _CONTROL.search(line) or len(line) > 900
    ]
    if _CONTROL.search(json.dumps(done.report, ensure_ascii=False)):
        wrong.append("control characters in the report")
    return wrong


def _asked_elsewhere(folder: Path) -> list[str]:
    """Looks at hostile hosts for what is no job of theirs."""
    asked = [json.loads(line) for line in (folder / "asked").read_text(encoding="utf-8").splitlines()]
    ours = [one for one in asked if one.get("_async_dir") == "/jobs/of/this/host"]
    if not ours:
        return ["nobody has looked"]
    odd = [one for one in ours if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}", one.get("jid", ""))]
    return [f"looked at {one}" for one in odd]


@pytest.mark.slow
@pytest.mark.parametrize("core", environments.chosen_cores())
def test_what_hostile_hosts_say_concerns_them_alone(core: str, tmp_path: Path) -> None:
    settings = laid_out(tmp_path, PLAYBOOK)
    found: list[str] = []
    with Server(core, tmp_path / "server", settings) as server:
        for _ in range(ROUNDS):
            (tmp_path / "asked").unlink(missing_ok=True)
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
    served = len((folder / "served").read_text(encoding="utf-8").splitlines())
    print(f"{served} replies of hostile hosts on ansible-core {core}, {len(found)} problems")
    return served


def laid_out(tmp_path: Path, playbook: str) -> dict[str, str]:
    """Inventory and playbook; returns Ansible's settings."""
    python = f"ansible_python_interpreter={sys.executable}"
    local = [
        f"{host} ansible_connection=local {python} ansible_async_dir={tmp_path}/async" for host in ("good", "fine")
    ]
    evil = [f"{host} ansible_connection=hostile {python} ansible_async_dir=/jobs/of/this/host" for host in EVIL]
    (tmp_path / "hosts").write_text("\n".join([*local, *evil, ""]), encoding="utf-8")
    (tmp_path / "site.yml").write_text(playbook, encoding="utf-8")
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
        "ANSIBLE_CONNECTION_PLUGINS": str(ASIDE / "connections"),
        "HOSTILE_FOLDER": str(tmp_path),
        **collection_at(tmp_path),
    }
