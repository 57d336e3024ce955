"""What the ledgers of earlier runs still hold."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from ansible_reap.jobs import JobState
from ansible_reap.printable import file_name
from ansible_reap.records import dataclass, field
from ansible_reap.runtime.ledger.lines import Answer, Closing, Intent, LineError, RunRecord, decode
from ansible_reap.runtime.ledger.processes import is_running
from ansible_reap.runtime.ledger.writer import SUFFIX
from ansible_reap.runtime.tracking.info import Access, JobInfo


@dataclass(frozen=True, slots=True)
class RunLedger:
    """The ledger of one run.

    ``launches`` and ``intents`` are those not yet accounted for; ``named`` has every launch that the
    file ever named, and ``damaged`` counts lines that could not be read.
    """

    path: Path
    run: RunRecord
    launches: tuple[JobInfo, ...]
    intents: tuple[Intent, ...]
    named: tuple[JobInfo, ...]
    alive: bool
    locked: bool
    damaged: int = 0
    states: Mapping[str, JobState] = field(default_factory=dict)
    """How the jobs ended that are accounted for, by their ids."""

    @property
    def is_accounted_for(self) -> bool:
        """Whether no job and no launching task is left to come back for."""
        return not self.launches and not self.intents


def read_folder(folder: Path, warn: Callable[[str], None]) -> list[RunLedger]:
    """The ledgers in a folder, oldest first. A folder that is not there has none; what cannot be read is warned of.

    Raises:
        OSError: the folder exists but cannot be listed.
    """
    ledgers = []
    for name in ledger_names(folder):
        try:
            ledger = read_file(folder / name)
        except FileNotFoundError:  # its run has ended well just now
            continue
        except (OSError, LineError) as error:
            reason = getattr(error, "strerror", None) or error
            warn(f"{file_name(str(folder / name))}: cannot be read as a ledger ({reason}); skipped")
            continue
        ledgers.append(ledger)
    return sorted(ledgers, key=lambda ledger: ledger.run.started)


def ledger_names(folder: Path) -> list[str]:
    """The names of the ledgers in a folder. A folder that is not there has none.

    Where others may write to the folder, what belongs to another user is passed over: it can claim nothing.

    Raises:
        OSError: the folder exists but cannot be listed.
    """
    try:
        is_shared = bool(folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))
        entries = [entry for entry in os.scandir(folder) if entry.name.endswith(SUFFIX)]
    except FileNotFoundError:
        return []
    return sorted(entry.name for entry in entries if not is_shared or _is_ours(entry))


def _is_ours(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_uid in (os.geteuid(), 0)
    except FileNotFoundError:  # its run has ended well just now
        return False


def read_file(path: Path) -> RunLedger:
    """One ledger. A torn last line, or a damaged one, costs only itself.

    Raises:
        OSError: the file cannot be read, or belongs to another user.
        LineError: it does not begin with a run.
    """
    return LedgerFile(path).read()


class LedgerFile:
    """One ledger as often as one asks. Whoever writes it adds lines, so only what is new is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget()

    def _forget(self) -> None:
        self._inode = self._changed = self._size = 0
        self._offset = 0
        """Of the first line that has not been read as a whole."""
        self._run: RunRecord | None = None
        self._launches: dict[str, JobInfo] = {}
        self._intents: dict[tuple[str, str], dict[Access, Intent]] = {}
        self._states: dict[str, JobState] = {}
        self._damaged = 0

    def read(self) -> RunLedger:
        """The ledger as it is now.

        Raises:
            OSError: the file cannot be read, or belongs to another user.
            LineError: it does not begin with a run.
        """
        fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            # What a ledger says is looked up, and cleaned up, on hosts with our rights: only our own word counts.
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise PermissionError(1, "not a file of this user")
            is_as_it_was = (status.st_size, status.st_mtime_ns) == (self._size, self._changed)
            if status.st_ino != self._inode or not (is_as_it_was or status.st_size > self._size):
                self._forget()
            file.seek(self._offset)
            text = file.read()
            locked = _is_locked(fd)
        self._inode, self._changed, self._size = status.st_ino, status.st_mtime_ns, status.st_size
        lines, torn = _split(text)
        if self._run is None:
            first = decode(lines.pop(0)) if lines else None
            if not isinstance(first, RunRecord):
                raise LineError("it does not begin with a run")
            self._run = first
        for line in filter(None, lines):
            self._take(line)
        self._offset += len(text) - len(torn)
        return self._as_it_is(self._run, locked=locked, is_torn=bool(torn))

    def _take(self, line: bytes) -> None:
        try:
            record = decode(line)
        except LineError:
            self._damaged += 1
            return
        if isinstance(record, JobInfo):
            self._launches.setdefault(record.jid, record)
        elif isinstance(record, Intent):
            self._intents.setdefault((record.key, record.host), {})[record.site.access] = record
        elif isinstance(record, Answer):
            self._intents.pop((record.key, record.host), None)
        elif isinstance(record, Closing):
            self._states[record.jid] = record.state

    def _as_it_is(self, run: RunRecord, *, locked: bool, is_torn: bool) -> RunLedger:
        alive = is_running(run.pid, run.pid_start, run.controller)
        return RunLedger(
            path=self._path,
            run=run,
            launches=tuple(launch for jid, launch in self._launches.items() if jid not in self._states),
            intents=tuple(intent for several in self._intents.values() for intent in several.values()),
            named=tuple(self._launches.values()),
            # The lock is inherited by the workers of a killed controller, so it only decides where the process cannot
            # be seen.
            alive=locked if alive is None else alive,
            locked=locked,
            damaged=self._damaged + is_torn,
            states=dict(self._states),
        )


def _split(text: bytes) -> tuple[list[bytes], bytes]:
    """The lines, and what follows the last of them and is none yet. A last line may lack only its end."""
    *lines, last = text.split(b"\n")
    try:
        decode(last)
    except LineError:
        return lines, last
    return [*lines, last], b""


def _is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_UN)
    return False
