"""Jobs written down as they start, so that a killed run loses none of them.

One file a run, made when the first launching task is about to run and removed when every job was accounted for.
Whatever goes wrong here is one warning; the run goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from ansible_reap import ansible_cfg, files
from ansible_reap.jobs import JobState, LastSeen
from ansible_reap.runtime.ledger.lines import Answer, Closing, Intent, LineError, Record, RunRecord, decode, encode
from ansible_reap.runtime.ledger.processes import controller_name, start_of
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite
from ansible_reap.runtime.tracking.tracker import JobRecord, Listener

SUFFIX = ".ledger"
_UNBEGUN = f"{SUFFIX}.new"
"""How the name of a ledger ends until its first line is written."""
KEPT_DAYS = 90
"""A ledger that nobody has touched for this long is removed: in report mode jobs may stay uncollected for ever."""
_LONGEST_LINE = 1024 * 1024
"""Bytes of the line with which a ledger begins, at most."""
_TRIES_TO_LOCK, _MOMENT = 100, 0.002
"""How often, and after how many seconds."""


def default_folder() -> Path:
    """The ledger's folder under the user's state folder. Raises OSError where there is none."""
    return files.state_folder() / "ledger"


class Ledger(Listener):
    """The ledger of the run that is going on; listens to the run's tracker.

    Every line is a single ``write`` to a file opened for appending, so it is whole or torn, never mixed with another,
    and once written it outlives the process however that ends: the kernel has it. Only a crash of the controller's
    kernel could lose it, and against that the first line of each launching task is synchronised to the disk. That
    costs one sync a task, not one a job, and its intents are then enough for ``collect`` to find the jobs in their
    folders.
    """

    def __init__(self, folder: Path, run: RunRecord, warn: Callable[[str], None]) -> None:
        """Keep the ledger of ``run`` in ``folder``.

        Nothing is touched before the first record; ``warn`` is called once at most.
        """
        self._folder = folder
        self._run = run
        self._warn = warn
        self._warned = False
        self._given_up = False
        self._torn = False
        self._fd: int | None = None
        self._path: Path | None = None
        self._owner = os.getpid()
        self._jobs: set[str] = set()
        self._closed: set[str] = set()
        self._intents: set[tuple[str, str]] = set()
        self._synced: set[str] = set()

    @property
    def path(self) -> Path | None:
        """The file, once there is one."""
        return self._path

    def intent(self, key: str, site: LaunchSite, host: str, when: float) -> None:
        """The host is about to run a launching task. To be called before its worker starts."""
        self._intents.add((key, host))
        self._write(Intent(key, host, when, site), sync=key not in self._synced)
        self._synced.add(key)

    def answered(self, key: str, host: str) -> None:
        """The host has reported all of the task. To be called after its launches were written."""
        if (key, host) in self._intents:
            self._intents.discard((key, host))
            self._write(Answer(key, host))

    def launched(self, job: JobInfo) -> None:
        """Ansible has reported a job. It is on disk when this returns; one already known is not written twice."""
        if job.jid not in self._jobs:
            self._jobs.add(job.jid)
            self._write(job)

    def settled(self, job: JobRecord) -> None:
        """The job is accounted for: nobody needs to come back for it, unless there is a failure that was not told."""
        if not job.awaits_word:
            self._close(job.info.jid, job.state)

    def closed(self, jobs: Sequence[JobRecord], *, complete: bool = True) -> None:
        """The run is over: the file goes unless it names a job, or a task, that nobody has accounted for.

        A job that was seen ended is accounted for, and so is a lost one: the recap has told of it. ``complete``
        says that the run was not cut short, so that no worker is left that might still start a job.
        """
        if self._fd is None or self._path is None or os.getpid() != self._owner:
            return
        for job in jobs:
            if not job.is_outstanding or job.last_seen not in (None, LastSeen.RUNNING):
                self._close(job.info.jid, job.state)
        if complete:
            self._intents.clear()
        try:
            if self._jobs <= self._closed and not self._intents:
                self._path.unlink(missing_ok=True)
            os.close(self._fd)
        except OSError as error:
            self._complain(error)
        self._fd = None
        self._given_up = True

    def _close(self, jid: str, state: JobState) -> None:
        if jid in self._jobs and jid not in self._closed:
            self._closed.add(jid)
            self._write(Closing(jid, state))

    def _write(self, record: Record, *, sync: bool = False) -> None:
        if self._given_up:
            return
        try:
            fd = self._fd if self._fd is not None else self._open()
            self._put(fd, encode(record))
            if sync:
                os.fsync(fd)
        except OSError as error:
            self._complain(error)

    def _open(self) -> int:
        """Make the folder (0700) and the file (0600).

        Raises:
            OSError: it cannot be done; no second try is made in this run.
        """
        try:
            files.make_folder(self._folder)
            files.refuse_shared(self._folder)
            fd, self._path = self._begin()
        except OSError:
            self._given_up = True
            raise
        self._fd = fd
        forget_old(self._folder)
        return fd

    def _begin(self) -> tuple[int, Path]:
        """A new file that others see only when its first line is written and it is locked.

        Raises:
            OSError: it cannot be made.
        """
        fd, unbegun, path = _reserve(self._folder, self._run.run)
        try:
            self._put(fd, encode(self._run))
            _lock(fd)
            unbegun.rename(path)
        except OSError:
            os.close(fd)
            unbegun.unlink(missing_ok=True)
            raise
        return fd, path

    def _put(self, fd: int, line: bytes) -> None:
        # After a line cut off by a full disk the next begins on one of its own, else both were lost.
        whole = b"\n" + line if self._torn else line
        self._torn = True
        written = os.write(fd, whole)
        if written < len(whole):
            raise OSError(f"only {written} of {len(whole)} bytes written")
        self._torn = False

    def _complain(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            where = self._path or self._folder
            reason = error.strerror or str(error)
            self._warn(
                f"the ledger {where} cannot be written ({reason}): jobs of this run will be lost if it is killed; "
                "point ledger_dir to a folder that can be written"
            )


def _lock(fd: int) -> None:
    """Hold the file for as long as this process and its workers live.

    Others who ask whether it is held hold it themselves for a moment.
    """
    with contextlib.suppress(OSError):  # not every network file system has locks
        for _ in range(_TRIES_TO_LOCK):
            if _has_locked(fd):
                return
            time.sleep(_MOMENT)


def _has_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ledger_of_this_run(
    folder: str | None, started: float, playbook: str, base: str, core: str, warn: Callable[[str], None]
) -> Ledger:
    """The ledger of this process's run.

    ``folder`` is the option ``ledger_dir``, ``started`` seconds of the epoch, ``base`` the first playbook's folder.

    Raises:
        OSError: ``folder`` starts at the current folder, and that is gone.
    """
    when = datetime.fromtimestamp(started, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    run = RunRecord(
        run=f"{when}-{os.getpid()}",
        pid=os.getpid(),
        pid_start=start_of(os.getpid()),
        controller=controller_name(),
        started=when,
        playbooks=(playbook,),
        ansible_core=core,
        base=base,
    )
    place = ansible_cfg.resolve_path(folder) if folder else default_folder()
    return Ledger(place, run, lambda text: warn(f"async_reaper: {text}."))


def append(path: Path, record: Record) -> None:
    """Add a record to the ledger of another run that has ended.

    Raises:
        OSError: it cannot be written.
    """
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        # That run may have died in the middle of a line; an empty line is passed over.
        os.write(fd, b"\n" + encode(record))
    finally:
        os.close(fd)


def forget_old(folder: Path) -> None:
    """Remove ledgers of this user that nobody has touched for ``KEPT_DAYS``.

    Books of Ledger and hledger end in ``.ledger`` too, so what does not read as one of ours stays.
    """
    before = time.time() - KEPT_DAYS * 86400
    with contextlib.suppress(OSError):
        for path in (*folder.glob(f"*{SUFFIX}"), *folder.glob(f".*{_UNBEGUN}")):
            with contextlib.suppress(OSError, LineError):
                if path.lstat().st_mtime < before and _begins_as_ours(path):
                    path.unlink(missing_ok=True)


def _begins_as_ours(path: Path) -> bool:
    """Whether the file is a ledger of this user.

    Raises:
        OSError: it cannot be read.
        LineError: it is none.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        is_ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        return is_ours and isinstance(decode(file.readline(_LONGEST_LINE)), RunRecord)


def file_stem(run: str) -> str:
    """How the name of the run's ledger begins."""
    return re.sub(r"[^\w.-]", "-", run)


def _reserve(folder: Path, run: str) -> tuple[int, Path, Path]:
    """A new file under a name for the time being, that name, and the one it is to have, which is nobody else's.

    Two containers that share the folder may start a run with the same pid in the same second: whoever has the first
    name may give the second one.
    """
    stem = file_stem(run)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    for number in range(100):
        name = f"{stem}.{number}" if number else stem
        unbegun, path = folder / f".{name}{_UNBEGUN}", folder / f"{name}{SUFFIX}"
        with contextlib.suppress(FileExistsError):
            fd = os.open(unbegun, flags, 0o600)
            if not os.path.lexists(path):
                return fd, unbegun, path
            os.close(fd)
            unbegun.unlink()
    raise FileExistsError(17, "too many ledgers of that name", str(folder / stem))
