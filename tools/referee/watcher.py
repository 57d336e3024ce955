"""Watches the folders of a run's status files and holds each job back until somebody has looked at it often enough.

Ansible's async wrapper writes ``<folder>/<job id>`` when a job starts and again when it ends; ``async_status`` opens it
for each look. The kernel reports both in order, so a look that was opened after the last write saw the end and one
opened before did not. No code of Ansible or of ours takes part in that.

A job that nobody looks at runs until the run has ended. A job that is looked at ends after ``looks`` looks: who waits
sees it end, who peeks does not, however fast or slow the machine is.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import select
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_OPEN, _CLOSED_UNWRITTEN, _MOVED_TO, _DELETED = 0x20, 0x10, 0x80, 0x200
_HEADER = struct.Struct("iIII")
JOB_ID = re.compile(r"^j\d+\.\d+$")


class Watcher:
    """Follows the status files of one run. ``run`` is its folder, ``looks`` is how many looks see a job running."""

    def __init__(self, run: Path, looks: int) -> None:
        self._run = run
        self._looks = looks
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._inotify: int = self._libc.inotify_init1(os.O_CLOEXEC)
        self._folders: dict[int, str] = {}
        self._seen: Counter[str] = Counter()
        self._log: list[tuple[str, str, str]] = []
        for folder in sorted((run / "async").iterdir()):
            mask = _OPEN | _CLOSED_UNWRITTEN | _MOVED_TO | _DELETED
            watch = self._libc.inotify_add_watch(self._inotify, os.fsencode(folder), mask)
            if watch < 0:
                raise OSError(ctypes.get_errno(), f"cannot watch {folder}")
            self._folders[watch] = folder.name

    def follow(self, end: int) -> None:
        """Watch until the other side of the descriptor ``end`` is closed, then write ``looks.json``."""
        while True:
            ready, _, _ = select.select([self._inotify, end], [], [])
            if self._inotify in ready:
                self._take()
            elif end in ready:
                break
        (self._run / "release" / "all").touch()
        (self._run / "looks.json").write_text(json.dumps(self._log), encoding="utf-8")

    def _take(self) -> None:
        for watch, mask, name in self._events():
            if not JOB_ID.match(name) or watch not in self._folders:
                continue
            kinds = {_OPEN: "look", _MOVED_TO: "written", _DELETED: "deleted"}
            for bit, kind in kinds.items():
                if mask & bit:
                    self._log.append((kind, self._folders[watch], name))
            if mask & _CLOSED_UNWRITTEN:
                self._seen[name] += 1
                if self._seen[name] == self._looks:
                    (self._run / "release" / name.partition(".")[0]).touch()

    def _events(self) -> Iterator[tuple[int, int, str]]:
        data = os.read(self._inotify, 65536)
        at = 0
        while at < len(data):
            watch, mask, _, length = _HEADER.unpack_from(data, at)
            at += _HEADER.size
            yield watch, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))
            at += length
