"""The command in a process of its own, with bounds on what it may cost: for input that is made to do harm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SECONDS = 5
"""Processor time that any of these may cost, user and system."""
MEGABYTES = 200
BOUNDED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({2 * SECONDS}, {2 * SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from ansible_reap.cli import main
sys.exit(main(sys.argv[1:]))
"""
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


def _peak_memory(pid: int) -> float:
    """Megabytes that the process has used at most, asked of the kernel until it ends.

    What wait4 says counts the memory of the process that it was forked from, which is a whole test run.
    """
    peak = 0.0
    while True:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found is None:  # it has ended and waits to be asked for its status
            return peak
        if "pytest" not in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace"):
            peak = max(peak, int(found[1]) / 1024)
        time.sleep(0.005)


def run(*arguments: str | Path, cwd: Path) -> Ended:
    """The command in a process of its own, which is stopped where it goes beyond the bounds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([sys.executable, "-c", BOUNDED, *map(str, arguments)], cwd=cwd, stdout=out, stderr=err)
        peak = _peak_memory(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape"))
    assert usage.ru_utime + usage.ru_stime < SECONDS
    assert peak < MEGABYTES
    return Ended(child.returncode, *texts)


def assert_is_told_well(ended: Ended) -> None:
    assert ended.status in (0, 1, 2)
    assert "Traceback" not in ended.err
    assert "please report" not in ended.err + ended.out
    assert not CONTROL.search(ended.err.replace("\n", "")), ended.err
    assert not CONTROL.search(ended.out.replace("\n", "")), ended.out
    assert max(map(len, ended.err.splitlines()), default=0) < 2000


def on_a_terminal(arguments: list[str], root: Path, variables: dict[str, str]) -> str:
    """What the command prints where its standard output is a terminal; its status is 1."""
    ours, theirs = os.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "ansible_reap", *arguments], cwd=root, env={**environment, **variables}, stdout=theirs
    ) as process:
        os.close(theirs)
        chunks = []
        try:
            while chunk := os.read(ours, 65536):
                chunks.append(chunk)
        except OSError:  # the terminal's other end has closed
            pass
        assert process.wait(60) == 1
    os.close(ours)
    return b"".join(chunks).decode()
