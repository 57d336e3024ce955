"""Ledgers and status files read again and again: only what has changed is read anew."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ansible_reap.jobs import LastSeen
from ansible_reap.runtime.ledger.lines import LineError
from ansible_reap.runtime.ledger.processes import is_running
from ansible_reap.runtime.ledger.reader import RunLedger, read_file
from ansible_reap.runtime.ledger.writer import SUFFIX
from ansible_reap.runtime.tracking.info import JobInfo


class LedgerWatch:
    """The ledgers in a folder, as often as one asks."""

    def __init__(self, folder: Path, warn: Callable[[str], None], leave_out: str = "") -> None:
        """``warn`` is called once for each file that cannot be read.

        Files whose names begin with ``leave_out`` are not read; it is for a run that wants the others' only.
        """
        self._folder = folder
        self._leave_out = leave_out
        self._warn = warn
        self._known: dict[str, tuple[object, RunLedger]] = {}
        self._bad: set[str] = set()

    def read(self) -> list[RunLedger]:
        """All ledgers, oldest first. A folder that is not there has none.

        Raises:
            OSError: the folder exists but cannot be listed.
        """
        try:
            names = [entry.name for entry in os.scandir(self._folder) if self._is_meant(entry.name)]
        except FileNotFoundError:
            names = []
        found = {name: self._one(name) for name in names}
        self._known = {name: each for name, each in found.items() if each is not None}
        return sorted((ledger for _sign, ledger in self._known.values()), key=lambda ledger: ledger.run.started)

    def _is_meant(self, name: str) -> bool:
        return name.endswith(SUFFIX) and not (self._leave_out and name.startswith(self._leave_out))

    def _one(self, name: str) -> tuple[object, RunLedger] | None:
        path = self._folder / name
        try:
            status = path.lstat()
            sign = (status.st_ino, status.st_size, status.st_mtime_ns)
            known = self._known.get(name)
            if known is not None and known[0] == sign:
                run = known[1].run
                alive = is_running(run.pid, run.pid_start, run.controller)
                if alive is not None:
                    return sign, replace(known[1], alive=alive)
            return sign, read_file(path)
        except FileNotFoundError:  # its run has ended well just now
            return None
        except (OSError, LineError) as error:
            if name not in self._bad:
                self._bad.add(name)
                self._warn(f"{path}: cannot be read as a ledger ({getattr(error, 'strerror', None) or error}); skipped")
            return None


class StatusWatch:
    """What the status files on this machine say of jobs: those of local connections, and of nobody else.

    A job's id is unique, so a file of that name at the path that the launch gave is the job's own.
    """

    def __init__(self) -> None:
        self._ended: dict[str, LastSeen] = {}
        self._running: set[str] = set()

    def look(self, job: JobInfo) -> LastSeen | None:
        """Whether the job runs or how it ended; None where its file is not here, or not ours to read."""
        if job.jid in self._ended:
            return self._ended[job.jid]
        path = Path(job.results_file or "")
        if path.name != job.jid or not path.is_absolute():
            return None
        try:
            data = json.loads(path.read_bytes())
        except OSError:
            return None
        except ValueError:  # somebody is about to write it
            data = None
        if not isinstance(data, dict):
            return LastSeen.RUNNING if job.jid in self._running else None
        if "started" in data and not data.get("finished"):
            self._running.add(job.jid)
            return LastSeen.RUNNING
        code = data.get("rc")
        has_failed = bool(data.get("failed")) or (isinstance(code, int) and code != 0)
        self._ended[job.jid] = LastSeen.FAILED if has_failed else LastSeen.FINISHED
        return self._ended[job.jid]
