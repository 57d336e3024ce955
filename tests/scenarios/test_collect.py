"""A run that is killed loses none of its jobs: the ledger names them, ``reap.jobs.collect`` brings them home."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scenarios.conftest import CALLBACKS, SCHEMA, Run, _environment
from scenarios.test_wait import collection_at, in_matrix
from support import environments

LAUNCHES = """\
- hosts: all
  tasks:
    - name: Start one after another
      ansible.builtin.command: sh -c 'sleep {{{{ 0.2 * item }}}}; exit {{{{ 3 if item == 2 else 0 }}}}'
      async: 60
      poll: 0
      loop: "{{{{ range({items}) | list }}}}"
    - name: Start in another folder
      ansible.builtin.command: sleep 1
      async: 60
      poll: 0
      vars:
        ansible_async_dir: "{{{{ playbook_dir }}}}/elsewhere"
    - name: Start on each other's behalf
      ansible.builtin.command: sleep 0
      async: 60
      poll: 0
      delegate_to: "{{{{ item }}}}"
      loop: "{{{{ groups['all'] }}}}"
      run_once: true
    - name: Keep at it
      ansible.builtin.command: sleep 2
      async: 60
      poll: 1
"""
JOB_ID = re.compile(r'"ansible_job_id": "(j\d+\.\d+)"')
MARK = "ANSIBLE_REAP_TEST_RUN"


@dataclass
class Controller:
    """Runs that are cut short, and what is there to pick up the pieces with.

    ``hosts`` are names of local hosts, or whole lines of an inventory.
    """

    core: str
    folder: Path
    hosts: tuple[str, ...] = ("h1", "h2")
    connection: str = "local"
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        local = f"ansible_connection={self.connection} ansible_python_interpreter={sys.executable}"
        lines = [
            host if " " in host else f"{host} {local} ansible_async_dir={self.folder}/async-{host}"
            for host in self.hosts
        ]
        (self.folder / "hosts.ini").write_text("\n".join([*lines, ""]))
        self.environment = {
            **_environment(self.folder, self.folder / "report.json", "async_reaper", (CALLBACKS,), {}, {}),
            **collection_at(self.folder),
            MARK: str(self.folder),
            "ANSIBLE_CONNECTION_PLUGINS": str(CALLBACKS.parent / "tests" / "scenarios" / "connections"),
            **self.environment,
        }

    def begin(self, playbook: str) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a run; the process, and the file that its output goes to."""
        (self.folder / "site.yml").write_text(playbook)
        output = self.folder / "output"
        with output.open("wb") as stream:
            process = subprocess.Popen(
                self._command("site.yml", "-v"),
                cwd=self.folder,
                env=self.environment,
                stdout=stream,
                stderr=stream,
                stdin=subprocess.DEVNULL,
            )
        return process, output

    def run_until(self, playbook: str, launched: int, pause: float, how: signal.Signals) -> dict[str, tuple[str, str]]:
        """Run, wait until so many jobs were reported, and a moment more, then send the signal.

        Returns the host and the task of each job reported, by its id.
        """
        run, output = self.begin(playbook)
        try:
            deadline = time.monotonic() + 300
            while run.poll() is None and len(JOB_ID.findall(output.read_text())) < launched:
                assert time.monotonic() < deadline, output.read_text()
                time.sleep(0.01)
            time.sleep(pause)
            run.send_signal(how)
            run.wait(30)
        finally:
            run.kill()
            run.wait()
        self._wait_until_quiet()
        return reported(output.read_text())

    def jobs(self) -> set[str]:
        """The jobs that ``ansible-reap jobs`` lists."""
        return {job["jid"] for job in self.listed()["jobs"]}

    def listed(self) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "ansible_reap", "jobs", "--format", "json"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def collect(self, *args: str) -> Run:
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        done = subprocess.run(
            self._command("reap.jobs.collect", *args),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        found = json.loads(report.read_text()) if report.exists() else None
        if found is not None:
            jsonschema.validate(found, SCHEMA)
        return Run(done.returncode, done.stdout, done.stderr, found, self.folder)

    def status_files(self) -> set[str]:
        """All status files there are, of whatever host and folder."""
        folders = [*self.folder.glob("async-*"), self.folder / "elsewhere"]
        return {path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_file()}

    def ledgers(self) -> list[Path]:
        return list((self.folder / "state" / "ansible-reap" / "ledger").glob("*"))

    def _command(self, *args: str) -> list[str]:
        return [str(environments.program(f"core-{self.core}", "ansible-playbook")), "-i", "hosts.ini", *args]

    def _wait_until_quiet(self) -> None:
        """Wait for the workers that outlive a killed controller, and for the jobs that they start.

        Some workers never end: they write into a full pipe that nobody reads any more. Those are killed.
        """
        deadline = time.monotonic() + 300
        seen: tuple[list[int], set[str]] = ([], set())
        since = time.monotonic()
        while processes := self.processes():
            assert time.monotonic() < deadline, "some process of the run never ended"
            now = (processes, self.status_files())
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > 6:
                self.end()
            time.sleep(0.1)

    def processes(self) -> list[int]:
        """What the runs have started and what has not ended: workers and jobs, told by their environment."""
        mark = f"{MARK}={self.folder}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    found.append(int(path.name))
        return sorted(found)

    def end(self) -> None:
        """Kill what is left of the runs."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def controller(core: str, tmp_path: Path) -> Iterator[Controller]:
    made = Controller(core, tmp_path)
    yield made
    made.end()


def reported(output: str) -> dict[str, tuple[str, str]]:
    """Host and task of each job that Ansible's own output names."""
    found: dict[str, tuple[str, str]] = {}
    task = ""
    for line in output.splitlines():
        if heading := re.match(r"TASK \[(.*)\]", line):
            task = heading[1]
        host = re.match(r"\w+: \[([^ \]]+)", line)
        if host:
            found.update((jid, (host[1], task)) for jid in JOB_ID.findall(line))
    assert found.keys() == set(JOB_ID.findall(output)), output
    return found


def ids(entries: Sequence[dict[str, Any]]) -> set[str]:
    return {entry["jid"] for entry in entries}


def cut_short(controller: Controller, how: signal.Signals, items: int, chance: random.Random) -> None:
    """Cut a run short at a random moment, and account for every job there is."""
    total = len(controller.hosts) * (items + 2)
    told = controller.run_until(LAUNCHES.format(items=items), chance.randint(0, total), chance.uniform(0, 0.4), how)
    left = controller.status_files()
    listed = controller.jobs()
    # Ansible's own output comes before any other callback, so the very last job may be on the screen alone. The ledger
    # has had its task since before that began.
    waited_for = {jid for jid, (_, task) in told.items() if task == "Keep at it"}
    for jid in told.keys() - listed - waited_for:
        assert jid == list(told)[-1], "a reported job is not listed"
        begun = {(task["host"], task["task"]) for task in controller.listed().get("may_have_started", [])}
        assert told[jid] in begun, "a reported job is neither listed nor is its task"
    assert listed <= left
    got = controller.collect("-e", "wait=true")
    assert got.report is not None, got.output
    found = ids(got.report["jobs"]) | ids(got.report.get("unclaimed", []))
    assert listed == ids(got.report["jobs"])
    # Of a task that delegates by its loop no folder is known before a host has answered: that is told.
    is_open = "cannot be searched: where they went depended on what only the run knew" in " ".join(got.output.split())
    assert len(left - found) <= (2 if is_open else 0), "a status file was missed"
    assert [entry for entry in got.report["jobs"] if entry["state"] not in ("reaped", "failed")] == []
    assert controller.jobs() == set()
    assert is_open or controller.ledgers() == []


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
LIKE_ANOTHER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@in_matrix
@pytest.mark.parametrize(
    "how",
    [pytest.param(each, id=each.name, marks=[pytest.mark.slow] if each in LIKE_ANOTHER else []) for each in SIGNALS],
)
def test_a_run_cut_short_loses_none_of_its_jobs(controller: Controller, how: signal.Signals) -> None:
    cut_short(controller, how, items=4, chance=random.Random())


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(50))
def test_at_whatever_moment_it_is_cut_short(controller: Controller, moment: int) -> None:
    """Forty jobs and more: two hosts, with eighteen items, two that are delegated, and two single ones each."""
    cut_short(controller, SIGNALS[moment % len(SIGNALS)], items=18, chance=random.Random(moment))


LONG = """\
- hosts: all
  tasks:
    - name: Start what takes long
      ansible.builtin.command: sleep {seconds}
      async: 60
      poll: 0
      register: job
    - name: Do something else
      ansible.builtin.pause:
        seconds: 60
"""


def wait_until_all_are_launched(output: Path, after_it: str = "TASK [Do something else]") -> None:
    deadline = time.monotonic() + 300
    while after_it not in output.read_text():
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.05)


@pytest.fixture
def killed(controller: Controller) -> Callable[[str], set[str]]:
    """``killed(playbook)`` has both hosts launch a job and the run killed; the ids."""

    def run(playbook: str) -> set[str]:
        controller.hosts = ("h1", "h2")
        process, output = controller.begin(playbook)
        wait_until_all_are_launched(output)
        process.kill()
        process.wait()
        return set(JOB_ID.findall(output.read_text()))

    return run


def test_collect_looks_and_closes_only_what_has_ended(
    controller: Controller, killed: Callable[[str], set[str]]
) -> None:
    jids = killed(LONG.format(seconds="{{ 0 if inventory_hostname == 'h1' else 15 }}"))
    got = controller.collect()
    assert got.status == 0, got.output
    assert got.report is not None
    states = {job["host"]: (job["state"], job["last_seen"]) for job in got.report["jobs"]}
    assert states == {"h1": ("reaped", "finished"), "h2": ("unreaped", "running")}
    assert got.report["outcome"] == "reported"
    assert any("unreaped" in line and "h2" in line for line in got.async_recap)
    assert len(controller.jobs()) == 1
    assert len(controller.status_files()) == 1
    assert controller.jobs() < jids
    waited = controller.collect("-e", "wait=true")
    assert waited.states() == {"h2": ["reaped"]}
    assert controller.ledgers() == []
    assert controller.status_files() == set()
    assert "reserved name" not in got.output + waited.output


@in_matrix
def test_collect_waits_no_longer_than_it_was_told_on_the_command_line(
    controller: Controller, killed: Callable[[str], set[str]]
) -> None:
    jids = killed(LONG.format(seconds=30))
    wrong = controller.collect("-e", "wait=true", "-e", "timeout=soon")
    assert wrong.failed() == {"h1", "h2", "localhost"}
    assert "reap.jobs.collect: the extra variable timeout: " in wrong.output
    began = time.monotonic()
    got = controller.collect("-e", "wait=true", "-e", "timeout=1")
    assert got.failed() == {"h1", "h2"}
    assert time.monotonic() - began < 25, "it waited for the jobs to end"
    assert controller.jobs() == jids


def test_two_who_collect_at_once_take_no_job_for_lost(
    controller: Controller, killed: Callable[[str], set[str]]
) -> None:
    """Whoever sees the end first removes the status file; the other finds none."""
    killed(LONG.format(seconds="{{ 12 if inventory_hostname == 'h1' else 24 }}"))
    other = subprocess.Popen(
        controller._command("reap.jobs.collect", "-e", "wait=true"),
        cwd=controller.folder,
        env={**controller.environment, "ASYNC_REAPER_REPORT_PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(1.5)
    got = controller.collect("-e", "wait=true")
    said, _ = other.communicate(timeout=300)
    assert (got.status, other.returncode) == (0, 0), got.output + said
    assert "lost" not in got.output + said
    assert controller.ledgers() == []
    assert controller.status_files() == set()


@in_matrix
def test_collect_fails_for_jobs_that_failed(controller: Controller, killed: Callable[[str], set[str]]) -> None:
    killed(LONG.replace("sleep {seconds}", "sh -c 'exit {{{{ 3 if inventory_hostname == \"h1\" else 0 }}}}'").format())
    got = controller.collect()
    assert got.status == 2
    assert got.failed() == {"h1"}
    assert "1 of 1 async job failed: 'Start what takes long' at site.yml:3" in got.stdout
    # It is accounted for: nobody is told twice.
    assert controller.jobs() == set()
    assert controller.collect().status == 0


@in_matrix
def test_collect_works_without_the_callback(controller: Controller, killed: Callable[[str], set[str]]) -> None:
    jids = killed(LONG.format(seconds=0))
    controller.environment["ANSIBLE_CALLBACKS_ENABLED"] = "another"
    got = controller.collect("-v")
    assert got.status == 0, got.output
    assert got.report is None
    assert all(jid in got.stdout for jid in jids)
    assert controller.ledgers() == []


@in_matrix
def test_collect_says_which_hosts_the_inventory_lacks(
    controller: Controller, killed: Callable[[str], set[str]]
) -> None:
    killed(LONG.format(seconds=0))
    inventory = controller.folder / "hosts.ini"
    inventory.write_text(inventory.read_text().replace("h2 ", "h3 "))
    got = controller.collect()
    assert got.status == 0, got.output
    assert "1 outstanding job on 'h2', which is not in this inventory: not looked at" in " ".join(got.output.split())
    assert len(controller.jobs()) == 1


@in_matrix
def test_collect_leaves_a_run_alone_that_is_still_going(controller: Controller) -> None:
    process, output = controller.begin(LONG.format(seconds=0))
    try:
        wait_until_all_are_launched(output)
        assert controller.jobs() == set()
        got = controller.collect()
        assert got.status == 0, got.output
        assert len(controller.status_files()) == 2
        assert len(controller.ledgers()) == 1
    finally:
        process.kill()
        process.wait()
    assert len(controller.jobs()) == 2


@in_matrix
def test_check_mode_changes_nothing(controller: Controller, killed: Callable[[str], set[str]]) -> None:
    jids = killed(LONG.format(seconds=0))
    got = controller.collect("--check")
    assert got.status == 0, got.output
    assert controller.jobs() == jids
    assert controller.status_files() == jids


@in_matrix
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_planted_ledger_is_not_acted_on(controller: Controller, killed: Callable[[str], set[str]]) -> None:
    jids = killed(LONG.format(seconds=0))
    (ledger,) = controller.ledgers()
    os.chown(ledger, 12345, 12345)
    got = controller.collect()
    assert got.status == 0, got.output
    said = " ".join(got.output.split())
    assert re.search(r"async_reaper: \S[^(]*: cannot be read as a ledger \(not a file of this user\); skipped", said), (
        said
    )
    assert controller.status_files() == jids


ENDS_SOON = """\
- hosts: all
  tasks:
    - ansible.builtin.command: sh -c 'sleep 4; exit {{ 3 if inventory_hostname == "h2" else 0 }}'
      async: 60
      poll: 0
    - reap.jobs.wait:
"""


def test_what_the_workers_of_a_killed_run_see_is_there_for_collect(controller: Controller) -> None:
    """They go on waiting, and nobody hears what they see."""
    jids = set(controller.run_until(ENDS_SOON, launched=2, pause=1.5, how=signal.SIGKILL))
    assert controller.status_files() == jids
    got = controller.collect()
    assert (got.status, got.states()) == (2, {"h1": ["reaped"], "h2": ["failed"]}), got.output


SOME_FAIL = """\
- hosts: all
  tasks:
    - ansible.builtin.command: sh -c '{{ "exit 3" if inventory_hostname == "h1" else "sleep 30" }}'
      async: 60
      poll: 0
"""


def test_a_failure_that_the_gate_has_seen_and_nobody_was_told_of_is_there_for_collect(controller: Controller) -> None:
    """Ansible fails the host when the wait on the other is over."""
    controller.environment["ASYNC_REAPER_ON_UNREAPED"] = "reap"
    process, output = controller.begin(SOME_FAIL)
    wait_until_all_are_launched(output, "RUNNING HANDLER [async_reaper : Wait")
    time.sleep(3)
    process.kill()
    process.wait()
    assert "[h1]: FAILED" not in output.read_text()
    assert len(controller.jobs()) == 2
    got = controller.collect()
    assert (got.status, got.states()) == (2, {"h1": ["failed"], "h2": ["unreaped"]}), got.output


@pytest.fixture
def severed(core: str, tmp_path: Path) -> Iterator[Controller]:
    """One whose host loses the answer to each launch."""
    made = Controller(core, tmp_path, hosts=("cut",), connection="severed")
    yield made
    made.end()


def test_collect_looks_for_the_job_of_a_launch_whose_answer_was_lost(severed: Controller) -> None:
    lost = LONG.replace("register: job", "ignore_unreachable: true").replace("sleep {seconds}", "sh -c 'exit 3'")
    process, output = severed.begin(lost)
    wait_until_all_are_launched(output)
    process.kill()
    process.wait()
    assert [task["host"] for task in severed.listed()["may_have_started"]] == ["cut"]
    got = severed.collect("-e", "wait=true")
    assert got.report is not None, got.output
    assert (got.status, [job["state"] for job in got.report["unclaimed"]]) == (2, ["failed"]), got.output
    assert severed.jobs() == set()
