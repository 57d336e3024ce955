"""Run times measured by real runs, kept, shared, and held against the limits that they were measured under."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_reap.cli import main
from ansible_reap.history.database import parse_address
from ansible_reap.history.estimate import round_up
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.runs import LaunchHistory, gather
from ansible_reap.history.store import Store
from ansible_reap.runtime.remote.status_file import STEP
from scenarios.conftest import CALLBACKS, Runner, start
from scenarios.test_wait import collection_at
from support import environments

RUNS = 10
PLAYBOOK = """\
- hosts: all
  gather_facts: false
  vars:
    takes: 0.1
    what: a while
  roles:
    - db
  tasks:
    - name: Wait for {{ what }}
      nap: {log: "{{ playbook_dir }}/log"}
      async: 3600
      poll: 0
      register: wait
    - name: Collect the while
      ansible.builtin.async_status: {jid: "{{ wait.ansible_job_id }}"}
      register: waited
      until: waited is finished
      retries: 80
      delay: 1
"""
ROLE = """\
- name: Start the backup
  ansible.builtin.command: ./work {{ inventory_hostname }} tight {{ takes }}
  args: {chdir: "{{ playbook_dir }}"}
  async: 30
  poll: 0
  register: tight
- name: Start the backup
  ansible.builtin.command: ./work {{ inventory_hostname }} roomy {{ takes }}
  args: {chdir: "{{ playbook_dir }}"}
  async: 600
  poll: 0
  register: roomy
- name: Wait for both
  ansible.builtin.async_status: {jid: "{{ item.ansible_job_id }}"}
  loop: ["{{ tight }}", "{{ roomy }}"]
  register: done
  until: done is finished
  retries: 210
  delay: 3
"""
WORK = """\
#!/bin/sh
# Work that takes $3 seconds and writes down how long it really took.
a=$(date +%s%N); sleep "$3"; b=$(date +%s%N)
echo "$2 $((b - a))" >> log
"""
NAP = """\
import time
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({"log": {"type": "path"}})
began = time.time_ns()
time.sleep(1)
with open(module.params["log"], "a") as log:
    log.write(f"nap {time.time_ns() - began}\\n")
module.exit_json(changed=True)
"""
CONFIG = """\
rules:
  async-timeout:
    headroom: 20  # lets a limit be too tight that even a busy machine keeps
"""
FILES = {
    "ansible.cfg": "[defaults]\n",
    ".ansible-reap.yml": CONFIG,
    "roles/db/tasks/main.yml": ROLE,
    "library/nap.py": NAP,
    "work": WORK,
}
SLACK = 3.0
"""Seconds that a process may need to start on a busy machine."""


def reap(*args: object) -> tuple[int, str]:
    """What ``ansible-reap`` says, and its exit status."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = main([str(each) for each in args])
    return status, said.getvalue()


def kept(folder: Path) -> list[Observation]:
    address = parse_address(str(folder / "state" / "ansible-reap" / "history.db"))
    assert address is not None
    return Store(address).observations()


def by_task(histories: list[LaunchHistory]) -> dict[tuple[str, int], LaunchHistory]:
    return {(each.identity.task, each.identity.position): each for each in histories}


@pytest.mark.slow
@pytest.mark.parametrize("version", environments.chosen_cores())
def test_ten_runs_are_measured_shared_and_held_against_their_limits(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "site"
    project.mkdir()
    (project / "work").write_text(WORK)
    (project / "work").chmod(0o755)
    for number in range(1, RUNS + 1):
        got = start(version, project, PLAYBOOK, files=FILES, args=("-e", f"takes={number * 0.3:.1f}"))
        assert got.status == 0, got.output
        assert "async_reaper" not in got.stderr, got.output
    monkeypatch.setenv("XDG_STATE_HOME", str(project / "state"))
    _the_store_has_every_job_with_the_time_that_it_really_took(project)
    _the_command_shows_and_shares_the_same_numbers(project, tmp_path)
    _check_reports_the_tight_limit_with_its_numbers_and_the_roomy_one_not(project, tmp_path)
    _check_reads_the_local_store_only_when_told_to(project)


def _the_store_has_every_job_with_the_time_that_it_really_took(project: Path) -> None:
    found = by_task(gather(kept(project)))
    assert {key: len(each.runs) for key, each in found.items()} == {
        ("Start the backup", 0): RUNS,
        ("Start the backup", 1): RUNS,
        ("Wait for {{ what }}", 0): RUNS,
    }
    real: dict[str, list[float]] = {}
    for line in (project / "log").read_text().splitlines():
        kind, nanoseconds = line.split()
        real.setdefault(kind, []).append(int(nanoseconds) / 1e9)
    kinds = {
        "tight": ("Start the backup", 0),
        "roomy": ("Start the backup", 1),
    }
    for kind, key in kinds.items():
        measured = [each.time for each in found[key].runs]
        late = [time.seconds - truth for time, truth in zip(measured, real[kind], strict=True)]
        # command reports its own start and end: exact but for the start of its process.
        assert all(-0.01 <= each <= SLACK for each in late), late
        assert all(each.uncertainty == 0 for each in measured)
    # A module that reports none is timed from outside; between the looks nobody knows.
    for run, truth in zip(found["Wait for {{ what }}", 0].runs, real["nap"], strict=True):
        assert 0 < run.time.uncertainty <= run.time.seconds
        assert run.time.seconds - run.time.uncertainty - SLACK <= truth <= run.time.seconds
    assert {each.core for each in kept(project)} != {""}


def _the_command_shows_and_shares_the_same_numbers(project: Path, tmp_path: Path) -> None:
    status, shown = reap("history", "show", "--format", "json", "--project-dir", project)
    assert status == 0
    launches = {(each["task"], each["position"]): each for each in json.loads(shown)["launches"]}
    tight = launches["Start the backup", 0]
    assert (tight["where"], tight["limit_s"], tight["runs"]) == ("role:db/tasks/main.yml", 30, RUNS)
    assert tight["max_s"] == max(
        each.time.seconds for each in by_task(gather(kept(project)))["Start the backup", 0].runs
    )
    status, _ = reap("history", "export", "--project-dir", project)
    assert status == 0
    committed = json.loads((project / ".ansible-reap" / "history.json").read_text())
    exported = {(each["task"], each["position"]): each for each in committed["launches"]}
    assert exported.keys() == launches.keys()
    for key, each in exported.items():
        for figure in ("median_s", "p95_s", "max_s", "bound_s"):
            assert each[figure] == pytest.approx(launches[key][figure], abs=0.06)
        assert each["level"] == pytest.approx(RUNS / (RUNS + 1), abs=0.001)
    other = tmp_path / "other.db"
    bring = ("import", project / ".ansible-reap/history.json", "--store", other, "--project-dir", project)
    assert reap("history", *bring)[0] == 0
    assert "0 runs added" in reap("history", *bring)[1]
    _, again = reap("history", "show", "--format", "json", "--project-dir", project, "--store", other)
    assert [each["runs"] for each in json.loads(again)["launches"]] == [RUNS] * len(launches)


def _check_reports_the_tight_limit_with_its_numbers_and_the_roomy_one_not(project: Path, tmp_path: Path) -> None:
    reap("history", "export", "--project-dir", project)
    elsewhere = tmp_path / "checked-out-elsewhere"
    shutil.copytree(project, elsewhere, ignore=shutil.ignore_patterns("state", "async", "ansible"))
    role = elsewhere / "roles" / "db" / "tasks" / "main.yml"
    role.write_text("# Lines have moved.\n\n\n" + role.read_text())
    for folder, line in ((project, 1), (elsewhere, 4)):
        findings = timeouts(folder)
        assert [(each["path"], each["line"]) for each in findings] == [("roles/db/tasks/main.yml", line)]
        (finding,) = findings
        assert finding["tag"] == "async-timeout[headroom]"
        exported = json.loads((project / ".ansible-reap/history.json").read_text())["launches"]
        tight = next(each for each in exported if each["limit_s"] == 30)
        assert (
            f"{RUNS} runs took {tight['median_s']:.1f} s at the median and {tight['max_s']:.1f} s at worst"
            in finding["message"]
        )
        assert f"use {round_up(20 * tight['bound_s'])} s or more" in finding["message"]


def _check_reads_the_local_store_only_when_told_to(project: Path) -> None:
    (project / ".ansible-reap" / "history.json").unlink(missing_ok=True)
    assert timeouts(project) == []
    assert len(timeouts(project, "--history", "local")) == 1
    assert timeouts(project, "--history", "none") == []


def timeouts(folder: Path, *options: str) -> list[dict[str, Any]]:
    _, said = reap("check", "--format", "json", "--project-dir", folder, "--select", "async-timeout", *options)
    findings: list[dict[str, Any]] = json.loads(said)["findings"]
    return [each for each in findings if each["tag"] != "async-timeout[window]"]


@pytest.mark.parametrize("way", ["look", *(pytest.param(way, marks=pytest.mark.slow) for way in ("gate", "wait"))])
def test_a_job_that_does_not_time_itself_is_timed_by_its_status_file(run: Runner, tmp_path: Path, way: str) -> None:
    """Nobody looks while it runs: it has long ended when somebody does."""
    last = "- reap.jobs.wait:\n" if way == "wait" else ""
    playbook = f"""\
    - hosts: all
      gather_facts: false
      tasks:
        - name: Short
          nap: {{log: "{{{{ playbook_dir }}}}/log"}}
          async: 600
          poll: 0
        - ansible.builtin.command: sleep 7
        {last}
    """
    options = {"on_unreaped": {"look": "report", "gate": "reap", "wait": "fail"}[way]}
    got = run(playbook, files={"ansible.cfg": "", "library/nap.py": NAP}, options=options, env=collection_at(tmp_path))
    assert got.status == 0, got.output
    (known,) = kept(got.folder)
    assert known.outcome is Ending.FINISHED
    truth = int((got.folder / "log").read_text().split()[1]) / 1e9
    assert 0 < known.uncertainty <= STEP
    assert truth <= known.seconds <= truth + known.uncertainty + SLACK
    assert not known.is_blurred


def test_a_job_killed_at_its_limit_is_an_at_least(run: Runner) -> None:
    playbook = """\
    - hosts: all
      tasks:
        - name: Too long
          ansible.builtin.command: sleep 30
          async: 2
          poll: 0
          register: job
        - ansible.builtin.async_status: {jid: "{{ job.ansible_job_id }}"}
          register: result
          until: result is finished
          retries: 20
          delay: 1
          ignore_errors: true
    """
    got = run(playbook, files={"ansible.cfg": ""})
    assert [(each.outcome, each.seconds, each.limit) for each in kept(got.folder)] == [(Ending.TIMED_OUT, 2, 2)]


def test_a_store_out_of_reach_costs_one_warning_and_nothing_else(run: Runner) -> None:
    playbook = """\
    - hosts: all
      tasks:
        - ansible.builtin.command: "true"
          async: 10
          poll: 1
    """
    got = run([playbook, playbook], options={"history": "postgresql://reaper:secret@127.0.0.1:9/x"})
    assert got.status == 0, got.output
    assert (got.stdout + got.stderr).count("history: ") == 1, got.output
    assert "secret" not in got.stdout + got.stderr


@pytest.mark.parametrize("value", ["", "off.db"])
def test_an_empty_option_keeps_nothing_and_a_path_is_used(run: Runner, value: str) -> None:
    playbook = """\
    - hosts: all
      tasks:
        - ansible.builtin.command: "true"
          async: 10
          poll: 1
    """
    got = run(playbook, options={"history": value and str(value)})
    assert got.status == 0, got.output
    assert not (got.folder / "state" / "ansible-reap" / "history.db").exists()
    assert (got.folder / "off.db").exists() == bool(value)


PLAIN = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Work
      ansible.builtin.command: sleep {{ takes | default(0) }}
      async: 60
      poll: 1
"""


def begin(core: str, folder: Path, *args: str) -> subprocess.Popen[bytes]:
    """Start a run of the folder's playbook in a process group of its own."""
    return subprocess.Popen(
        [environments.program(f"core-{core}", "ansible-playbook"), "-i", "hosts.ini", "site.yml", *args],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
            "XDG_STATE_HOME": str(folder / "state"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_a_killed_run_leaves_the_store_readable(core: str, tmp_path: Path) -> None:
    start(core, tmp_path, PLAIN, files={"ansible.cfg": ""})
    assert len(kept(tmp_path)) == 1
    with begin(core, tmp_path, "-e", "takes=20") as process:
        time.sleep(2.5)
        os.killpg(process.pid, signal.SIGKILL)
    assert [each.outcome for each in kept(tmp_path)] == [Ending.FINISHED]
    start(core, tmp_path, PLAIN)
    assert len(kept(tmp_path)) == 2


@pytest.mark.slow
def test_runs_killed_at_any_moment_leave_the_store_whole(core: str, tmp_path: Path) -> None:
    start(core, tmp_path, PLAIN, files={"ansible.cfg": ""})
    began = time.monotonic()
    begin(core, tmp_path).communicate(timeout=120)
    whole = time.monotonic() - began
    store = tmp_path / "state" / "ansible-reap" / "history.db"
    known = len(kept(tmp_path))
    assert known == 2
    for share in (0.2, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0):
        with begin(core, tmp_path) as process:
            time.sleep(share * whole)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        found = kept(tmp_path)
        assert known <= len(found) <= known + 1  # a run is there, or it is not
        assert {each.outcome for each in found} == {Ending.FINISHED}
        known = len(found)
        with contextlib.closing(sqlite3.connect(store)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    start(core, tmp_path, PLAIN)
    assert len(kept(tmp_path)) == known + 1
    assert not list(store.parent.glob("*journal*"))


@pytest.mark.slow
def test_twenty_real_runs_at_once_are_all_kept(core: str, tmp_path: Path) -> None:
    start(core, tmp_path, PLAIN, files={"ansible.cfg": ""})
    runs = [begin(core, tmp_path, "-e", "takes=1") for _ in range(20)]
    for process in runs:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0
        assert b"history" not in said
    found = kept(tmp_path)
    assert len(found) == 21
    assert len({each.run for each in found}) == 21
