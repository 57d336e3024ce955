"""Telling whether the process that kept a ledger still lives."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path


def controller_name() -> str:
    """The name of this machine, or of the container we run in."""
    return socket.gethostname()


def start_of(pid: int) -> str | None:
    """When the process started, as text to compare; None where there is no such process or nothing tells.

    A pid alone is not enough: it is given out again. On Linux the start is counted from the boot, so the boot is
    named too.
    """
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            after_name = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return None
        if after_name[0] in {"Z", "X"}:  # dead, only its parent has not heard yet
            return None
        return f"{boot}:{after_name[19]}"
    ps = shutil.which("ps")
    if ps is None:
        return None
    found = subprocess.run(
        [ps, "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return found.stdout.strip() or None


def is_running(pid: int, pid_start: str | None, controller: str) -> bool | None:
    """Whether the process is alive; None where this machine cannot tell, as for one in another container."""
    if controller != controller_name() or pid_start is None:
        return None
    return start_of(pid) == pid_start
