"""Ledgers and status files read again and again: only what has changed is read anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ansible_reap.jobs import LastSeen
from ansible_reap.printable import file_name
from ansible_reap.reading import SourceError, parse_json, read
from ansible_reap.records import replace
from ansible_reap.runtime.events.replies import has_failed
from ansible_reap.runtime.ledger.lines import LineError
from ansible_reap.runtime.ledger.processes import is_running
from ansible_reap.runtime.ledger.reader import LedgerFile, RunLedger, ledger_names
from ansible_reap.runtime.ledger.writer import SUFFIX
from ansible_reap.runtime.tracking.info import LOCAL_CONNECTIONS, JobInfo

MAX_STATUS = 8 * 1024 * 1024
"""Bytes of a status file that is read; it holds what the job printed."""
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
"""What Ansible takes for the controller unless the inventory says otherwise."""


class LedgerWatch:
    """The ledgers in a folder, as often as one asks."""

    def __init__(self, folder: Path, warn: Callable[[str], None], leave_out: str = "") -> None:
        """``warn`` is called once for each file that cannot be read.

        Files whose names begin with ``leave_out`` are not read; it is for a run that wants the others' only.
        """
        self._folder = folder
        self._leave_out = leave_out
        self._warn = warn
        self._files: dict[str, LedgerFile] = {}
        self._known: dict[str, tuple[object, RunLedger]] = {}
        self._bad: set[str] = set()

    def read(self) -> list[RunLedger]:
        """All ledgers, oldest first. A folder that is not there has none.

        Raises:
            OSError: the folder exists but cannot be listed.
        """
        names = [name for name in ledger_names(self._folder) if self._is_meant(name)]
        found = {name: self._one(name) for name in names}
        self._known = {name: each for name, each in found.items() if each is not None}
        self._files = {name: file for name, file in self._files.items() if name in self._known}
        return sorted((ledger for _sign, ledger in self._known.values()), key=lambda ledger: ledger.run.started)

    def _is_meant(self, name: str) -> bool:
        return name.endswith(SUFFIX) and not (self._leave_out and name.startswith(self._leave_out))

    def _one(self, name: str) -> tuple[object, RunLedger] | None:
        path = self._folder / name
        try:
            status = path.lstat()
            sign = _sign(status)
            known = self._known.get(name)
            if known is not None and known[0] == sign:
                run = known[1].run
                alive = is_running(run.pid, run.pid_start, run.controller)
                if alive is not None:
                    return sign, replace(known[1], alive=alive)
            return sign, self._files.setdefault(name, LedgerFile(path)).read()
        except FileNotFoundError:  # its run has ended well just now
            return None
        except (OSError, LineError) as error:
            if name not in self._bad:
                self._bad.add(name)
                reason = getattr(error, "strerror", None) or error
                self._warn(f"{file_name(str(path))}: cannot be read as a ledger ({reason}); skipped")
            return None


class StatusWatch:
    """What the status files on this machine say of jobs: those of local connections, and of nobody else.

    A host may name any file as its job's. So one is opened only where the playbook led the launch to this machine, in
    the folder that its settings name, and read as any file of others: regular, and of bounded size.
    """

    def __init__(self) -> None:
        self._ended: dict[tuple[str, str], LastSeen] = {}
        self._running: dict[tuple[str, str], object] = {}
        """By what the file would be known to have changed since it said so."""
        self._paths: dict[tuple[str, str], str | None] = {}

    def look(self, job: JobInfo) -> LastSeen | None:
        """Whether the job runs or how it ended; None where its file is not here, or not ours to read."""
        which = (job.host, job.jid)
        if which in self._ended:
            return self._ended[which]
        if which not in self._paths:
            self._paths[which] = _path(job)
        path = self._paths[which]
        if path is None:
            return None
        try:
            sign = _sign(os.stat(path))  # noqa: PTH116 - for each job, each second
            if self._running.get(which) == sign:
                return LastSeen.RUNNING
            raw = read(path, MAX_STATUS)
        except (OSError, ValueError, SourceError):
            return None
        try:
            data = parse_json(raw)
        except SourceError:  # somebody is about to write it
            data = None
        if not isinstance(data, dict):
            return LastSeen.RUNNING if which in self._running else None
        if "started" in data and not data.get("finished"):
            self._running[which] = sign
            return LastSeen.RUNNING
        self._ended[which] = LastSeen.FAILED if has_failed(data) else LastSeen.FINISHED
        return self._ended[which]


def _sign(status: os.stat_result) -> object:
    """What differs once a file was written."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def _path(job: JobInfo) -> str | None:
    """The job's status file; None where it is not on this machine, or not ours to read."""
    folder = _folder(job) if _is_local(job) else None
    return None if folder is None else str(folder / job.jid)


def _is_local(job: JobInfo) -> bool:
    """The playbook led the launch to this machine: by the name of the host, or by its connection."""
    access = job.access
    stated = dict(access.variables).get("ansible_connection")
    if stated is not None:
        return stated in LOCAL_CONNECTIONS
    # A task on localhost may bear the default connection, and the inventory overrides it.
    return access.connection in LOCAL_CONNECTIONS or (access.delegate_to or job.host) in _THIS_MACHINE


def _folder(job: JobInfo) -> Path | None:
    """The folder of status files by the settings of the playbook, of the environment, or of Ansible; without ``~``."""
    account = (job.access.become_user or "root") if job.access.become else ""
    named = job.site.async_dir or os.environ.get("ANSIBLE_ASYNC_DIR") or "~/.ansible_async"
    if (job.access.home or account) and named.startswith("~/"):
        named = f"{job.access.home or f'~{account}'}{named[1:]}"
    try:
        folder = Path(named).expanduser()
    except RuntimeError:  # no such account here
        return None
    return folder if folder.is_absolute() and "{{" not in named else None
