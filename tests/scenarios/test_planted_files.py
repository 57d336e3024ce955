"""What others plant in a folder of status files: ``reap.jobs.stop`` and ``sweep`` follow nothing and go on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support import environments

VERSIONS = ["2.16", "2.22"]


def module(version: str, program: str, *arguments: object) -> str:
    """Run a program that imports our modules, as on a host."""
    done = subprocess.run(
        [environments.program(f"core-{version}", "python"), "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(environments.ROOT / "collection/plugins/modules")},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


NOTE = """
import sys, pathlib, stop
stop.Job(pathlib.Path(sys.argv[1]), stop.ProcessTable()).note("Stopped by reap.jobs.stop")
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_link_beside_the_status_file_is_not_written_through(version: str, tmp_path: Path) -> None:
    precious, status = tmp_path / "shadow", tmp_path / "j1.1"
    precious.write_text("precious")
    precious.chmod(0o600)
    status.write_text('{"started": 1}')
    status.chmod(0o640)
    (tmp_path / "j1.1.tmp").symlink_to(precious)
    module(version, NOTE, status)
    assert precious.read_text() == "precious"
    assert precious.stat().st_mode & 0o777 == 0o600
    assert "Stopped by reap.jobs.stop" in status.read_text()
    assert not status.is_symlink()
    assert status.stat().st_mode & 0o777 == 0o640
    assert not (tmp_path / "j1.1.tmp").is_symlink()


RESULTS = """
import sys, pathlib, stop
print(*(stop.Job(pathlib.Path(each), stop.ProcessTable()).result() for each in sys.argv[1:]))
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_no_status_file_makes_stop_wait_or_fail(version: str, tmp_path: Path) -> None:
    nested, pipe, giant = (tmp_path / f"j1.{number}" for number in range(3))
    nested.write_text("[" * 100_000)
    os.mkfifo(pipe)
    giant.touch()
    os.truncate(giant, 2**36)
    assert module(version, RESULTS, nested, pipe, giant) == "unreadable unreadable ended"


FIND = """
import sys, pathlib, stop
stop.SETTLE = 0
table = stop.ProcessTable(pathlib.Path(sys.argv[1]))
job = stop.Job(pathlib.Path("/jobs/j1.9"), table)
try:
    found = job.find()
except stop.UnclearError as error:
    print("unclear:", error)
else:
    print("none" if found is None else [process.pid for process in job.members(found)])
"""


class Processes:
    """Processes as /proc shows them, of a job named j1.9 and of others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, pid: int, parent: int, session: int, *command: str, group: int = 0, users: str = "") -> None:
        folder = self.folder / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} (x) S {parent} {group or pid} {session} " + "0 " * 13 + "7 0 0\n")
        (folder / "cmdline").write_text("".join(f"{word}\0" for word in command))
        (folder / "status").write_text(f"Name:\tx\nUid:\t{users or ' '.join([str(os.geteuid())] * 4)}\n")

    def add_job(self) -> None:
        """The watcher and the worker; the leader of their session has ended, as it does."""
        self.add(11, 1, 10, *WRAPPER, group=10)
        self.add(12, 11, 10, *WRAPPER)


WRAPPER = ("python3", "/home/x/.ansible/tmp/ansible-tmp-1/async_wrapper.py", "j1", "60")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_program_that_another_user_has_started_is_not_taken_for_the_job(version: str, tmp_path: Path) -> None:
    """``su root async_wrapper.py j1 60`` belongs to root, in /proc as well; who has started it is another."""
    processes = Processes(tmp_path)
    processes.add(20, 1, 20, "bash")
    processes.add(21, 20, 19, "su", "root", "async_wrapper.py", "j1", "60", users="65534 0 0 0")
    assert module(version, FIND, tmp_path) == "none"
    processes.add_job()
    assert module(version, FIND, tmp_path) == "[12]"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_whose_leader_lives_is_not_ended_for_a_job(version: str, tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    processes.add(20, 1, 20, "bash")
    processes.add(21, 20, 20, *WRAPPER)
    assert module(version, FIND, tmp_path).startswith("unclear: its processes do not get beyond the launch")
    processes.add_job()
    assert module(version, FIND, tmp_path) == "[12]"


SWEEP = """
import sys, pathlib, sweep
swept = sweep.sweep(pathlib.Path(sys.argv[1]), 1.0, set(), 10, True)
print([each["name"] for each in swept["files"]], swept["kept"]["not_ended"])
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sweep_goes_on_behind_a_file_that_cannot_be_read(version: str, tmp_path: Path) -> None:
    for number, text in enumerate(("[" * 100_000, '{"rc": 0}')):
        (tmp_path / f"j1.{number}").write_text(text)
        os.utime(tmp_path / f"j1.{number}", (1000 + number, 1000 + number))
    assert module(version, SWEEP, tmp_path) == "['j1.1'] 1"
    assert not (tmp_path / "j1.1").exists()
