"""How a worker tells the process that runs the play what it saw of jobs, without Ansible in between.

A task's result goes to every callback, to logs and to whoever drives Ansible, and from ansible-core 2.22 it is masked
on the way. What our own actions see is for us alone and has to be exact. So it goes into a file without a name, which
the process that runs the play has opened before it forked the worker.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import pickle
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from ansible_reap.records import replace
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.tracker import Origin, Sighting

_READ_AT_ONCE = 1 << 20


class Look(NamedTuple):
    """What a worker saw of one job, or why it could not look."""

    job: JobInfo
    sighting: Sighting | None = None
    error: str | None = None
    origin: Origin = Origin.RUN
    is_cleaned: bool = False
    """It has removed the job's status file."""


class Letter(NamedTuple):
    """What one task saw on one host."""

    host: str
    task: str
    """The identifier that all copies of the task share."""
    looks: tuple[Look, ...]


class Mailbox:
    """Letters from workers."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self._offset = 0
        self._torn = b""
        self._unread: list[Letter] = []

    def open(self) -> None:
        """Make the file. Called before a worker that may write is forked; a second call does nothing.

        Raises:
            OSError: no temporary file can be made.
        """
        if self._fd is not None:
            return
        self._fd, path = tempfile.mkstemp(prefix="ansible-reap-")  # for the owner only
        os.unlink(path)  # noqa: PTH108 - mkstemp gives a plain string
        # Several workers write at the same time, and each write goes to the end as a whole.
        fcntl.fcntl(self._fd, fcntl.F_SETFL, fcntl.fcntl(self._fd, fcntl.F_GETFL) | os.O_APPEND)

    def post(self, letter: Letter) -> None:
        """Send a letter, from within a worker.

        Raises:
            OSError: it cannot be written.
        """
        # How a job is reached is known on the other side, and goes nowhere else.
        looks = tuple(look._replace(job=replace(look.job, route=None, told_folder=None)) for look in letter.looks)
        line = base64.b64encode(pickle.dumps(letter._replace(looks=looks)))
        # What was cut off by a full disk must not spoil the next letter, so each begins on a line of its own.
        whole = b"\n" + line + b"\n"
        if self._fd is None:
            raise OSError("there is no temporary file")
        if os.write(self._fd, whole) < len(whole):
            raise OSError("the temporary file system is full")

    def take(self, host: str, task: str) -> Sequence[Look] | None:
        """What the task has told of the host since the last call; None where it has told nothing at all."""
        self._receive()
        mine = [letter for letter in self._unread if (letter.host, letter.task) == (host, task)]
        self._unread = [letter for letter in self._unread if letter not in mine]
        return [look for letter in mine for look in letter.looks] if mine else None

    def _receive(self) -> None:
        if self._fd is None:
            return
        read = self._torn
        while chunk := os.pread(self._fd, _READ_AT_ONCE, self._offset):
            self._offset += len(chunk)
            read += chunk
        *lines, self._torn = read.split(b"\n")
        for line in filter(None, lines):
            try:
                letter = pickle.loads(base64.b64decode(line, validate=True))  # noqa: S301 - a fork of this process wrote it
            except (binascii.Error, pickle.UnpicklingError, EOFError):
                continue
            if isinstance(letter, Letter):
                self._unread.append(letter)
