"""A run whose jobs are answered for, or only told of, is as without us: handlers, events, output apart from ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

from scenarios.conftest import CALLBACKS, start
from scenarios.plays import launch, play, reap
from scenarios.test_equivalence import FILES, HANDLER, HERE, LATER, NOTIFY, TRUE, VARYING, Case, in_order, recorded
from support import environments

QUICK = launch("exit 0")
ENDED = "- ansible.builtin.command: sleep 1\n"
DETACHED = launch("sleep 1", vars="{async_reaper_detach: lives on}")
REAPED = QUICK + ENDED + reap()
COUNT = "{{ lookup('ansible.builtin.pipe', 'echo x >> counted; wc -l < counted') }}".replace("'", '"')
"""Each time it is worked out adds a line to a file."""
ONCE = "lookup('ansible.builtin.pipe', 'echo x >> counted')"
PYTHON = f"{{{{ ['{sys.executable}', {ONCE}] | first }}}}".replace("'", '"')
RESULTS = "'{{ job.results }}'"
COUNTED = "- ansible.builtin.command: cat counted\n"
REAPING_HANDLER = """
    handlers:
      - name: Reap it
        ansible.builtin.async_status: {jid: "{{ job.ansible_job_id }}"}
"""
BACKWARDS = """
    handlers:
      - name: first
        ansible.builtin.debug: {msg: FIRST RAN}
      - name: second
        ansible.builtin.command: "true"
        notify: first
"""
AT_LAST = """
    post_tasks:
      - ansible.builtin.command: "true"
        notify: second
"""
ROLE = {
    **FILES,
    "roles/db/tasks/main.yml": REAPED,
    "roles/db/handlers/main.yml": "- name: Role handler\n  ansible.builtin.debug: {msg: handler}\n  listen: later\n",
}
LISTEN = "handlers:\n  - name: Listening\n    ansible.builtin.debug: {msg: heard}\n    listen: [one, two]\n"
REPORT = ("-e", "async_reaper_on_unreaped=report")
NOTIFY_SECOND = "- ansible.builtin.command: 'true'\n  notify: second\n"
ON_H2 = "  when: inventory_hostname == 'h2'\n"
FALSE = "- ansible.builtin.command: 'false'\n"

CASES = {
    "reaped": Case(play(REAPED) + LATER),
    "detached": Case(play(DETACHED) + LATER),
    "loop": Case(
        play(launch("exit 0", loop="[1, 2]") + ENDED + reap(jid="item.ansible_job_id", loop="'{{ job.results }}'"))
    ),
    "a handler that reaps": Case(play(launch("exit 0", notify="Reap it"), ENDED, more=REAPING_HANDLER)),
    "handlers around jobs": Case(play(TRUE + NOTIFY, REAPED, TRUE + NOTIFY, more=HANDLER) + LATER),
    "handlers backwards": Case(play(REAPED, NOTIFY_SECOND, more=BACKWARDS) + LATER),
    "handlers backwards, detached": Case(play(DETACHED, NOTIFY_SECOND, more=BACKWARDS) + LATER),
    "handlers backwards, told of": Case(play(launch("sleep 3"), more=BACKWARDS + AT_LAST) + LATER, REPORT),
    "handlers that listen": Case(play(REAPED, TRUE + "  notify: [one, two]\n", more=LISTEN) + LATER),
    "a handler that fails": Case(play(REAPED, TRUE + NOTIFY, more=HANDLER.replace('"true"', '"false"')) + LATER),
    "force_handlers": Case(play(DETACHED, TRUE + NOTIFY, FALSE + ON_H2, more=HANDLER, force_handlers="true") + LATER),
    "role with handlers": Case(play(TRUE + "  notify: later\n", more="roles: [db]") + LATER),
    "role included": Case(play("- ansible.builtin.include_role: {name: db}\n", TRUE + "  notify: later\n") + LATER),
    "told of": Case(play(launch("sleep 3")) + LATER, REPORT),
    "told of on one host": Case(play(launch("sleep 3") + ON_H2, TRUE + NOTIFY, more=HANDLER) + LATER, REPORT),
    "told of, serial": Case(play(launch("sleep 3"), TRUE + NOTIFY, more=HANDLER, serial=1) + LATER, REPORT),
    "told of, a play that fails": Case(play(launch("sleep 3"), FALSE + ON_H2) + LATER, REPORT),
    "free": Case(play(REAPED, hosts="h1", strategy="free") + LATER),
    "free with handlers": Case(play(DETACHED, TRUE + NOTIFY, more=HANDLER, hosts="h1", strategy="free") + LATER),
    "free, told of": Case(
        play(launch("sleep 3"), more=BACKWARDS + AT_LAST, hosts="h1", strategy="free") + LATER, REPORT
    ),
    "host_pinned": Case(play(REAPED, hosts="h1", strategy="host_pinned") + LATER),
    "rescued": Case(
        play("- block:\n    - ansible.builtin.command: 'false'\n  rescue:\n", indent(REAPED, "    ")) + LATER
    ),
    "run_once": Case(play(launch("exit 0", run_once="true") + ENDED + reap(run_once="true")) + LATER),
    "delegated": Case(play(launch("exit 0", delegate_to="h1") + ENDED + reap(delegate_to="h1")) + LATER),
    "no_log": Case(play(launch("exit 0", no_log="true") + ENDED + reap(no_log="true")) + LATER),
    "ignored failure": Case(play(launch("exit 1") + ENDED + reap(ignore_errors="true")) + LATER),
    "any_errors_fatal": Case(play(REAPED, FALSE + ON_H2, any_errors_fatal="true") + LATER),
    "a lookup with side effects in a name": Case(
        play(launch("exit 0", name=f"'Start {COUNT}'"), ENDED, reap(), COUNTED)
    ),
    "a lookup with side effects in vars": Case(
        play(launch("exit 0", vars=f"{{async_reaper_detach: lives, ansible_python_interpreter: '{PYTHON}'}}"), COUNTED)
    ),
    "a lookup with side effects in a loop": Case(
        play(launch("exit 0", loop=f"['{COUNT}']"), ENDED, reap(jid="job.results[0].ansible_job_id"), COUNTED)
    ),
    "tags": Case(play(launch("exit 0", tags="[a]") + ENDED + reap(tags="[a]"), TRUE) + LATER, ("--tags", "a")),
    "poll": Case(play("- ansible.builtin.command: sleep 0.1\n  async: 10\n  poll: 1\n") + LATER),
}
OFTEN = ("handlers backwards", "handlers backwards, told of", "free, told of", "a lookup with side effects in vars")
_RETRY = re.compile(r"^FAILED - RETRYING|^\"?v2_runner_retry|ASYNC (OK|POLL|FAILED) on ")
_IDS = re.compile(r"\bj?[0-9]{6,}\.[0-9]+\b")


def outcome(core: str, folder: Path, case: Case, *, with_us: bool) -> tuple[int, list[str], list[str]]:
    """Exit status, output and other callbacks' events, apart from what is ours."""
    got, heard = recorded(core, folder, case, ROLE, with_us=with_us)
    output = [*without_ours(got.stdout.replace(str(folder), "")), *got.stderr.replace(str(folder), "").splitlines()]
    return got.status, output, in_order([line for line in heard if not is_ours(line)])


def without_ours(output: str) -> list[str]:
    """The lines, without ASYNC RECAP and the gate's handlers, retries and what differs between any two runs."""
    blocks = re.split(r"\n(?=[A-Z]{4,} (?:\[|\*|RECAP|HANDLER))", _IDS.sub("~", VARYING.sub("~", output)))
    kept = [block for block in blocks if not block.startswith(("ASYNC RECAP", "RUNNING HANDLER [async_reaper"))]
    return [line for block in kept for line in block.splitlines() if line and not _RETRY.search(line)]


def is_ours(event: str) -> bool:
    return "async_reaper" in event or '"FlushTask"' in event or '"attempts"' in event


@pytest.mark.parametrize("core", environments.chosen_cores(), indirect=True)
@pytest.mark.parametrize(
    "name", [name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_a_run_with_answered_jobs_is_as_without_us(core: str, tmp_path: Path, name: str) -> None:
    without = outcome(core, tmp_path / "without", CASES[name], with_us=False)
    assert outcome(core, tmp_path / "with_us", CASES[name], with_us=True) == without
    assert without[2]


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 30


@pytest.mark.parametrize("core", environments.chosen_cores(), indirect=True)
def test_only_the_document_stands_on_standard_output(core: str, tmp_path: Path) -> None:
    got = start(
        core,
        tmp_path,
        play(launch("sleep 1"), launch("sleep 1", name="Twin")),
        env={"ANSIBLE_STDOUT_CALLBACK": "json"},
        callback_folders=(CALLBACKS, HERE / "documents"),
    )
    assert got.status == 2, got.output
    assert json.loads(got.stdout) == {"processed": ["h1"]}
    assert "ASYNC RECAP" in got.stderr
    assert got.stderr.count("unreaped  h1") == 2


@pytest.mark.slow
@pytest.mark.parametrize("core", environments.chosen_cores(), indirect=True)
def test_progress_does_not_stand_beside_a_document(core: str, tmp_path: Path) -> None:
    got = start(
        core,
        tmp_path,
        play(launch("sleep 50", limit=90)),  # the first word comes after 30 s of waiting
        options={"on_unreaped": "reap"},
        env={"ANSIBLE_STDOUT_CALLBACK": "json"},
        callback_folders=(CALLBACKS, HERE / "documents"),
    )
    assert got.status == 0, got.output
    assert json.loads(got.stdout) == {"processed": ["h1"]}
    assert "1 outstanding" in got.stderr


@pytest.mark.parametrize("core", environments.chosen_cores(), indirect=True)
def test_nothing_is_said_in_the_console(core: str, tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text(f"h1 ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    done = subprocess.run(
        [environments.program(f"core-{core}", "ansible-console"), "-i", "hosts.ini", "h1"],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
        },
        input="command echo hello\nexit\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "hello" in done.stdout, done.stdout + done.stderr
    assert "async_reaper" not in done.stdout + done.stderr
    assert "ASYNC RECAP" not in done.stdout + done.stderr
