"""``reap.jobs.stop`` ends exactly the jobs that were chosen, at whatever moment, and their status files say so."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scenarios.conftest import Run, Runner
from scenarios.test_collect import MARK, Controller, wait_until_all_are_launched
from scenarios.test_wait import collection_at
from support import environments

in_matrix = pytest.mark.parametrize("core", environments.side_cores(), indirect=True)

TREE = """\
- hosts: h1
  tasks:
    - name: Start a tree
      ansible.builtin.shell: |
        timeout 300 sleep 300 &
        setsid sleep 299 &
        echo $! > {folder}/left
        trap 'echo bye > {folder}/bye; exit 0' TERM
        sleep 298 &
        wait
      async: 600
      poll: 0
    - name: Start another
      ansible.builtin.command: sleep 297
      async: 600
      poll: 0
- hosts: h2
  tasks:
    - name: Start a tree
      ansible.builtin.command: sleep 296
      async: 600
      poll: 0
"""


class Jobs(Controller):
    """Runs that leave jobs behind, and the playbook that stops them."""

    def stop(self, *args: str) -> tuple[Run, list[dict[str, Any]]]:
        """The run of ``reap.jobs.stop``, and the jobs that it spoke of."""
        done = subprocess.run(
            self._command("reap.jobs.stop", "-v", *args),
            cwd=self.folder,
            env={**self.environment, "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        jobs = []
        for line in done.stdout.splitlines():
            _head, found, rest = line.partition(" => {")
            if found and '"jobs"' in rest:
                jobs += json.loads("{" + rest)["jobs"]
        return Run(done.returncode, done.stdout, done.stderr, None, self.folder), jobs

    def status(self, jid: str) -> dict[str, Any]:
        (path,) = self.folder.glob(f"async*/{jid}")
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def alive(self) -> set[int]:
        """What runs of the jobs: whatever was started by this test, zombies left out."""
        return {pid for pid in self.processes() if _state(pid) != "Z"}


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@pytest.fixture
def connection() -> str:
    """How the hosts are reached."""
    return "local"


on_another_machine = pytest.mark.parametrize("connection", ["beside ansible_host=there"])
"""To the inventory the hosts are one machine then, and not the controller."""


@pytest.fixture
def jobs(core: str, tmp_path: Path, connection: str) -> Iterator[Jobs]:
    made = Jobs(core, tmp_path, connection=connection, environment={"ASYNC_REAPER_ON_UNREAPED": "report"})
    yield made
    made.end()


def all_started(jobs: Jobs, *commands: str) -> set[int]:
    """What runs of the jobs, of ``TREE`` by default, once each of them has come to its last command."""
    wanted = set(commands) or {f"sleep {seconds}" for seconds in (300, 299, 298, 297, 296)}
    end = time.monotonic() + 60
    while True:
        alive = jobs.alive()
        missing = wanted - {_command_line(pid) for pid in alive}
        if not missing:
            return alive
        assert time.monotonic() < end, f"never started: {missing}"
        time.sleep(0.05)


def _command_line(pid: int) -> str:
    try:
        return " ".join(Path(f"/proc/{pid}/cmdline").read_text().split("\0")).strip()
    except OSError:
        return ""


def session_of(pid: int) -> int:
    return os.getsid(pid)


def outcomes(found: list[dict[str, Any]]) -> dict[str, str]:
    return {job["task"]: job["outcome"] for job in found}


def test_it_ends_what_was_chosen_and_nothing_else(jobs: Jobs) -> None:
    leave(jobs, TREE.format(folder=jobs.folder))
    by_place = {(job["host"], job["task"]): job["jid"] for job in jobs.listed()["jobs"]}
    chosen = by_place["h1", "Start a tree"]
    before = all_started(jobs)
    left = int((jobs.folder / "left").read_text())

    asked, told = jobs.stop("--check", "-e", "task=*tree", "--limit", "h1,localhost")
    assert asked.status == 0, asked.output
    assert [(job["jid"], job["outcome"]) for job in told] == [(chosen, "stopped")]
    assert jobs.alive() == before
    assert not jobs.status(chosen).get("failed")

    done, told = jobs.stop("-e", f"jid={chosen}")
    assert done.status == 0, done.output
    (job,) = told
    assert (job["jid"], job["outcome"], job["left"], job["state"]) == (chosen, "stopped", [left], "failed")
    assert (jobs.folder / "bye").read_text() == "bye\n", "the job had no time to end in good order"
    assert jobs.status(chosen) == {
        "failed": True,
        "msg": "Stopped by reap.jobs.stop (SIGTERM)",
        "ansible_job_id": chosen,
    }
    sessions = {session_of(pid) for pid in jobs.alive()}
    assert len(sessions) == 3, "not just the other two jobs, and what had left the first"
    assert left in jobs.alive()
    assert jobs.jobs() == set(by_place.values()) - {chosen}, "it is accounted for in the ledger, and no other is"

    again, told = jobs.stop("-e", f"jid={chosen}", "--limit", "h1,localhost")
    assert again.status == 0
    assert {job["host"]: job["outcome"] for job in told} == {"h1": "already_ended", "localhost": "not_found"}


@in_matrix
def test_collect_stops_what_runs_have_left_at_work(jobs: Jobs) -> None:
    """``timeout`` leads a process group of its own within the job; it ends too, and what has left the job does not."""
    leave(jobs, TREE.format(folder=jobs.folder))
    jids = jobs.jobs()
    all_started(jobs)
    left = int((jobs.folder / "left").read_text())
    groups = {os.getpgid(pid) for pid in jobs.alive() if session_of(pid) != session_of(left)}
    assert len(groups) > len({os.getsid(pid) for pid in jobs.alive()}), "no child has a group of its own"
    got = jobs.collect("-e", "stop=true")
    assert got.status == 0, got.output
    assert jobs.alive() == {left}
    assert jobs.jobs() == set()
    assert {jobs.status(jid)["msg"] for jid in jids} <= {
        "Stopped by reap.jobs.stop (SIGTERM)",
        "Stopped by reap.jobs.stop (SIGKILL)",
    }
    assert len(jids) == 3


def handed_on(jobs: Jobs) -> dict[str, Any]:
    """The jobs of the only ledger as an artifact hands them on, and the ledger gone, as with its container."""
    (path,) = jobs.ledgers()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.unlink()
    return {line["jid"]: line for line in lines if line["kind"] == "launch"}


def write_artifact(jobs: Jobs, handed: dict[str, Any]) -> tuple[str, ...]:
    """The artifact as extra variable of a command line."""
    (jobs.folder / "artifact.json").write_text(json.dumps({"async_reaper_outstanding": handed}))
    return ("-e", "@artifact.json")


@pytest.mark.slow
@in_matrix
@on_another_machine
def test_collect_stops_what_an_artifact_alone_names(jobs: Jobs) -> None:
    leave(jobs, TREE.format(folder=jobs.folder))
    handed = handed_on(jobs)
    before = all_started(jobs)
    left = int((jobs.folder / "left").read_text())
    args = write_artifact(jobs, handed)

    looked = jobs.collect(*args, "-e", "stop=true", "--check")
    assert looked.status == 0, looked.output
    assert looked.output.count("would be stopped") == len(handed) == 3
    assert {job["last_seen"] for job in looked.jobs} == {"running"}
    assert jobs.alive() == before

    got = jobs.collect(*args, "-e", "stop=true")
    assert got.status == 0, got.output
    assert jobs.alive() == {left}
    for jid in handed:
        assert jobs.status(jid)["msg"] == "Stopped by reap.jobs.stop (SIGTERM)"
        assert f"job {jid}: stopped: " in got.output
    # Who comes later learns what has become of them.
    again = jobs.collect(*args)
    assert again.failed() == {"h1", "h2"}
    assert {job["msg"] for job in again.jobs} == {"Stopped by reap.jobs.stop (SIGTERM)"}


@pytest.mark.slow
@in_matrix
@on_another_machine
def test_stop_chooses_among_the_jobs_of_an_artifact_too(jobs: Jobs) -> None:
    leave(jobs, TREE.format(folder=jobs.folder))
    handed = handed_on(jobs)
    before = all_started(jobs)
    args = write_artifact(jobs, handed)
    _none, told = jobs.stop(*args, "-e", "run=2026-11-22T10:00:00Z-4711")
    assert told == []
    assert jobs.alive() == before
    done, told = jobs.stop(*args, "-e", "task=*another")
    assert done.status == 0, done.output
    assert outcomes(told) == {"Start another": "stopped"}
    # Where an artifact says that a job is does not keep the others from being searched for its id.
    (jid,) = [jid for jid, job in handed.items() if job["host"] == "h2"]
    done, told = jobs.stop(*args, "-e", f"jid={jid}", "--limit", "h1,h2")
    assert {job["host"]: job["outcome"] for job in told} == {"h1": "not_found", "h2": "stopped"}, done.output
    assert len(told) == 2


LIVE = """\
- hosts: h1
  gather_facts: false
  tasks:
    - name: Start
      ansible.builtin.command: sleep 295
      async: 600
      poll: 0
    - name: Do something else
      ansible.builtin.pause: {seconds: 500}
"""


@in_matrix
@on_another_machine
def test_an_artifact_ends_no_job_of_a_run_that_is_still_going(jobs: Jobs) -> None:
    """It names the job under the host's own name and under that of another host which is the same machine."""
    process, output = jobs.begin(LIVE)
    try:
        wait_until_all_are_launched(output)
        (path,) = jobs.ledgers()
        (line,) = (found for found in map(json.loads, path.read_text().splitlines()) if found["kind"] == "launch")
        before = {pid for pid in all_started(jobs, "sleep 295") if _command_line(pid) == "sleep 295"}
        site = {**line["site"], "access": {"variables": [["ansible_async_dir", f"{jobs.folder}/async-h1"]]}}
        handed = {"one": line, "other": {**line, "host": "h2", "site": site}}
        got = jobs.collect(*write_artifact(jobs, handed), "-e", "stop=true")
        assert got.status == 0, got.output
        assert "stopped" not in got.output
        assert before <= jobs.alive()
        assert "started" in jobs.status(line["jid"])
    finally:
        process.kill()
        process.wait()


@in_matrix
@on_another_machine
def test_an_artifact_that_names_another_folder_has_nothing_ended_nor_written(jobs: Jobs) -> None:
    """The wrapper's own environment says where the status file is: else that would go on saying that the job runs."""
    leave(jobs, TREE.format(folder=jobs.folder))
    handed = handed_on(jobs)
    before = all_started(jobs)
    elsewhere = jobs.folder / "elsewhere"
    elsewhere.mkdir()
    for number, job in enumerate(handed.values()):
        job["site"]["access"] = {"variables": [["ansible_async_dir", str(elsewhere)]]}
        if number:
            (elsewhere / job["jid"]).write_text('{"started": 1, "finished": 0}')
    files = {path.name: path.read_text() for path in elsewhere.iterdir()}
    done, told = jobs.stop(*write_artifact(jobs, handed), "-e", "task=*")
    assert done.status == 0, done.output
    assert [job["outcome"] for job in told] == ["not_found"] * 3
    assert jobs.alive() == before
    assert {path.name: path.read_text() for path in elsewhere.iterdir()} == files


def test_an_id_that_a_ledger_has_on_a_host_outside_the_play_is_looked_for_on_the_others(jobs: Jobs) -> None:
    """Two hosts may have given one id; where both are in the play, the one that the ledger names is meant."""
    leave(jobs, TREE.format(folder=jobs.folder))
    (jid,) = [job["jid"] for job in jobs.listed()["jobs"] if job["task"] == "Start another"]
    (jobs.folder / "async-h2" / jid).write_text('{"rc": 0, "changed": true}')
    _, both = jobs.stop("--check", "-e", f"jid={jid}", "--limit", "h1,h2")
    assert [(job["host"], job["outcome"]) for job in both] == [("h1", "stopped")]
    _, alone = jobs.stop("--check", "-e", f"jid={jid}", "--limit", "h2")
    assert [(job["host"], job["outcome"]) for job in alone] == [("h2", "already_ended")]


def test_jobs_that_a_play_has_stopped_do_not_fail_it(run: Runner, tmp_path: Path) -> None:
    got = run(
        """
        - hosts: h1
          tasks:
            - name: Start
              ansible.builtin.command: sleep 300
              async: 600
              poll: 0
            - name: Stop it
              reap.jobs.stop:
                tasks: [Start]
        """,
        env=collection_at(tmp_path),
    )
    assert got.status == 0, got.output
    job = got.only_job()
    assert (job["state"], job["msg"], job["reap"]["task"]) == ("failed", "Stopped by reap.jobs.stop", "Stop it")


@in_matrix
def test_nothing_is_stopped_unless_something_is_chosen(run: Runner, tmp_path: Path) -> None:
    got = run(
        """
        - hosts: h1
          tasks:
            - name: Nothing said
              reap.jobs.stop:
              ignore_errors: true
            - name: No id
              reap.jobs.stop:
                jid: ../../etc/passwd
        """,
        env=collection_at(tmp_path),
    )
    assert got.status == 2
    assert "say which jobs to end, by jid, tasks or run" in got.stdout + got.stderr
    assert "'../../etc/passwd' is not a job id" in got.stdout + got.stderr
    assert "exception" not in got.stdout + got.stderr, "there is none to be told of"


@in_matrix
def test_a_job_whose_wrapper_has_gone_is_left_alone(jobs: Jobs) -> None:
    leave(jobs, TREE.format(folder=jobs.folder))
    (jid,) = [job["jid"] for job in jobs.listed()["jobs"] if job["task"] == "Start another"]
    token = jid.partition(".")[0].encode()
    killed = set()
    for pid in jobs.processes():
        with contextlib.suppress(OSError):
            if token in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
    before = jobs.alive() - killed  # one that was just killed may still be listed
    done, told = jobs.stop("-e", "task=*another")
    assert done.status == 0, done.output
    assert outcomes(told) == {"Start another": "not_found"}
    assert "its wrapper has gone without a result" in told[0]["detail"]
    assert jobs.alive() == before


WORK = """\
#!/bin/sh
set -e
{work}
touch {folder}/done-{number}
echo '{{"rc": 0}}'
"""
ENDS_SOON = "setsid sleep 600 > {folder}/log 2>&1 & timeout 100 sleep 20 & other=$!; sleep 20; wait $other"
"""Whichever of its processes is touched, such a job does not come to its end; the one that has left it stays."""
GOES_ON = ": < {folder}/over"
"""It reads from a pipe, and has no process that comes and goes."""


class Wrapped:
    """A job started by ansible-core's own wrapper, as its connection plugins do; sixty plays would take too long."""

    def __init__(self, core: str, folder: Path, number: int, work: str) -> None:
        self.number = number
        self._folder = folder
        python = environments.program(f"core-{core}", "python")
        (source,) = python.parent.parent.glob("lib/python*/site-packages/ansible/modules/async_wrapper.py")
        # In its own folder modules of the standard library's names would be found. An earlier job may be reading it.
        wrapper = folder / source.name
        if not wrapper.exists():
            shutil.copy(source, wrapper)
        script = folder / f"work-{number}"
        script.write_text(WORK.format(folder=folder, number=number, work=work.format(folder=folder)))
        script.chmod(0o755)
        token = f"j{4711_000_000 + number}"
        self.token = token.encode()
        takes_flag = "<preserve_tmp> <module_path>" in source.read_text()
        rest = ["true", str(script), str(script)] if takes_flag else [str(script), "_", "-preserve_tmp"]
        self._launcher = subprocess.Popen(
            [python, wrapper, token, "600", *rest],
            env={**os.environ, "ANSIBLE_ASYNC_DIR": str(folder / "async"), MARK: str(folder)},
            stdout=subprocess.PIPE,
            text=True,
        )

        self.path = folder / "async" / f"{token}.{self._launcher.pid}"

    @property
    def is_chosen(self) -> bool:
        """It is one of the fifty that are stopped, not of the ten that nobody chose."""
        return self.number % 6 != 0

    def reported(self) -> None:
        """Wait until the wrapper has told the job's id, as Ansible does."""
        output, _errors = self._launcher.communicate(timeout=120)
        assert json.loads(output)["ansible_job_id"] == self.path.name

    @property
    def is_done(self) -> bool:
        return (self._folder / f"done-{self.number}").exists()

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    @property
    def has_ended(self) -> bool:
        return self.path.exists() and "started" not in self.status


NOTING = """\
import json, os, signal, sys, stop

signalled = []

def pid_of(handle):
    with open(f"/proc/self/fdinfo/{handle}") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))

def noting(send, pid_of):
    def noted(target, *args):
        signalled.append(pid_of(target))
        return send(target, *args)
    return noted

os.kill = noting(os.kill, int)
os.killpg = noting(os.killpg, lambda group: -group)
if hasattr(signal, "pidfd_send_signal"):
    signal.pidfd_send_signal = noting(signal.pidfd_send_signal, pid_of)
job, = stop.end_jobs([sys.argv[1]], 1.0, False)
print(json.dumps({**job, "signalled": signalled}))
"""
"""What the module does on the host, and to which processes it sends a signal."""


@dataclass(frozen=True)
class Process:
    """One of the machine's processes; with its start, in ticks since the boot, it is the same one and no later one."""

    pid: int
    start: int
    session: int
    command: bytes
    is_of_test: bool

    @property
    def key(self) -> tuple[int, int]:
        return self.pid, self.start


def process_list(folder: Path) -> list[Process]:
    """All processes of this machine but those that have ended."""
    mark = f"{MARK}={folder}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            fields = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                command, environment = ((path / name).read_bytes() for name in ("cmdline", "environ"))
                marked = mark in environment.split(b"\0")
                found.append(Process(int(path.name), int(fields[19]), int(fields[3]), command, marked))
    return found


class Watch:
    """What has gone of this machine's processes, and would not have gone by itself.

    Others work on this machine too: of their processes those count that were sent a signal. Of this test's own
    processes all count but those of the jobs that end, be it for the stop or at their time.
    """

    def __init__(self, folder: Path, jobs: list[Wrapped]) -> None:
        self._folder = folder
        self._jobs = jobs
        self._ending: set[int] = set()
        """Sessions of jobs that end, also of those whose wrapper has gone before its children."""

    def look(self) -> list[Process]:
        """What there is now."""
        found = process_list(self._folder)
        self._ending |= {each.session for each in found if self._is_wrapper(each, chosen=True)} - {os.getsid(0)}
        return found

    def touched(self, before: list[Process], signalled: set[int]) -> list[Process]:
        still = {process.key for process in self.look()}
        return [each for each in before if each.key not in still and not self._goes_by_itself(each, signalled)]

    def _goes_by_itself(self, process: Process, signalled: set[int]) -> bool:
        if not process.is_of_test:
            return process.pid not in signalled
        # A launch is over when the job has its own processes: those are of a session whose leader has ended.
        is_of_launch = process.session in (process.pid, os.getsid(0)) and self._is_wrapper(process, chosen=False)
        return is_of_launch or process.session in self._ending or self._is_wrapper(process, chosen=True)

    def _is_wrapper(self, process: Process, *, chosen: bool) -> bool:
        words = process.command.split(b"\0")
        return os.fsencode(self._folder / "async_wrapper.py") in words and any(
            job.token in words for job in self._jobs if job.is_chosen is chosen
        )


@pytest.mark.slow
def test_at_any_moment_of_a_jobs_life_only_that_job_is_ended(jobs: Jobs) -> None:
    """Fifty jobs are stopped at random moments, among ten more and processes that resemble them."""
    chance = random.Random(4711)
    resembling = ["sh", "-c", "sleep 500 & wait $!", "async_wrapper.py", "j4711000001", "600"]
    # The last leads a process group of its own in this test's session, which is the launches' session too.
    alike = (["sleep", "500"], resembling, ["timeout", "500", "sleep", "500"])
    decoys = [
        subprocess.Popen(
            each,
            start_new_session=alone,
            env={**os.environ, MARK: str(jobs.folder)},
        )
        for each in alike
        for alone in (False, True)
    ]
    os.mkfifo(jobs.folder / "over")
    told: dict[int, dict[str, Any]] = {}
    started: list[Wrapped] = []
    wrongly: list[str] = []
    watch = Watch(jobs.folder, started)
    stoppers = []

    def end(job: Wrapped) -> None:
        before = watch.look()
        found = _end(jobs, job)
        wrongly.extend(f"{job.path.name}: {each}" for each in watch.touched(before, set(found["signalled"])))
        told[job.number] = {**found, "compared": sum(process.is_of_test for process in before)}

    try:
        for number in range(60):
            job = Wrapped(jobs.core, jobs.folder, number, ENDS_SOON if number % 6 else GOES_ON)
            started.append(job)
            if job.is_chosen and number % 5:
                job.reported()
            if job.is_chosen:
                stoppers.append(threading.Timer(chance.uniform(0, 24), end, [job]))
                stoppers[-1].start()
        for stopper in stoppers:
            stopper.join()
        assert len(told) == 50, "a stop has failed"
        assert wrongly == []
        assert all(decoy.poll() is None for decoy in decoys)
        deadline = time.monotonic() + 120
        while going := [job for job in started if not job.has_ended]:
            assert time.monotonic() < deadline, [(job.path.name, told.get(job.number)) for job in going]
            with contextlib.suppress(OSError):  # nobody reads any more
                os.close(os.open(jobs.folder / "over", os.O_WRONLY | os.O_NONBLOCK))
            time.sleep(0.2)
    finally:
        for decoy in decoys:
            decoy.kill()
            decoy.wait()
        for job in started:
            job._launcher.communicate()
    told_right(started, told)


def told_right(started: list[Wrapped], told: dict[int, dict[str, Any]]) -> None:
    """Each job's status file, what was said of it and what it has done agree."""
    counts = dict.fromkeys(("stopped", "already_ended", "not_found"), 0)
    for job in started:
        # Between its last step and the result that the wrapper writes a job can be stopped like at any other moment.
        is_stopped = "Stopped by" in job.status.get("msg", "")
        assert is_stopped or job.is_done == (job.status.get("rc") == 0), (job.path.name, job.status)
        if not job.is_chosen:
            assert job.is_done, "a job that nobody chose was touched"
            continue
        outcome = told[job.number]["outcome"]
        if outcome == "already_ended" and told[job.number]["processes"] == 0:
            assert job.is_done, "a job that had not been ended was touched"
        counts[outcome] += 1
        assert (outcome == "stopped") == ("Stopped by" in job.status.get("msg", "")), (told[job.number], job.status)
    compared = [each["compared"] for each in told.values()]
    print(f"of fifty: {counts}; {min(compared)} to {max(compared)} processes of the test's own looked after each time")
    assert min(counts["stopped"], counts["already_ended"]) >= 5, f"the moments did not cover a job's life: {counts}"


def test_a_job_that_has_no_status_file_yet_gets_one_that_says_it_was_stopped(jobs: Jobs) -> None:
    """It is written a moment after the job's processes are there; whoever waits would wait for it in vain."""
    os.mkfifo(jobs.folder / "over")
    job = Wrapped(jobs.core, jobs.folder, 6, GOES_ON)
    job.reported()
    job.path.unlink()
    assert _end(jobs, job)["outcome"] == "stopped"
    assert job.status == {
        "failed": True,
        "msg": "Stopped by reap.jobs.stop (SIGTERM)",
        "ansible_job_id": job.path.name,
    }


def _end(jobs: Jobs, job: Wrapped) -> dict[str, Any]:
    """What the module does on the host."""
    done = subprocess.run(
        [environments.program(f"core-{jobs.core}", "python"), "-c", NOTING, str(job.path)],
        env={**os.environ, "PYTHONPATH": str(environments.ROOT / "collection/plugins/modules")},
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    return dict(json.loads(done.stdout))


def leave(jobs: Jobs, playbook: str) -> None:
    """Run a playbook that leaves its jobs outstanding."""
    (jobs.folder / "site.yml").write_text(playbook)
    subprocess.run(
        jobs._command("site.yml"), cwd=jobs.folder, env=jobs.environment, capture_output=True, check=True, timeout=400
    )
