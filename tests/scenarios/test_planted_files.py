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
