"""A first look at the text of every YAML file: where something may be launched or waited for, and who may call whom.

Nothing is parsed here, and neither PyYAML nor Jinja is imported: most files of most projects concern no job, and a
project without any must not wait for more than its files being read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_reap.content.call_text import CallText, call_text
from ansible_reap.content.launch_text import BEGINS_LOOK, WAITS_FOR_ALL, Keywords, spelled_out
from ansible_reap.content.places import is_of_variables, stem
from ansible_reap.reading import VAULT_HEADER, SourceError

if TYPE_CHECKING:
    from ansible_reap.content.project import Project

BOM = b"\xef\xbb\xbf"
MAX_KEPT = 2 * 1024 * 1024
"""Files above this size are not searched for names."""
MAX_KEPT_TOGETHER = 12 * 1024 * 1024
"""Bytes that are kept of all files; what is beyond is read again when it is needed."""


class Survey:
    """What the bytes of a project's YAML files tell."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.unreadable: dict[str, SourceError] = {}
        self.asynchronous: list[str] = []
        """Files in which something may be launched or looked at."""
        self.polling: list[str] = []
        """Files with ``async`` or ``poll`` in which nothing is launched or looked at."""
        self.looking: set[str] = set()
        """Those of `asynchronous` in which something may look at a job."""
        self.has_launches = False
        self.vaulted: set[str] = set()
        """Files that are encrypted as a whole."""
        self._data: dict[str, bytes] = {}
        self._size = 0
        self._known: set[str] = set()
        self._escaped: set[str] = set()
        """Files in which an escape stands for a part of a word."""
        self._calls: dict[str, CallText] = {}
        """The calls of each file that has some."""
        self._look_at_all(list(reversed(project.yaml)))
        for path in project.unlikely:
            if self._is_named(path):
                self._look_at_all(project.add_named(path))
        self.may_hide_tasks = any(map(self._may_hide_tasks, self.vaulted))
        """Whether one of the encrypted files may hold tasks or plays."""
        if not self.concerns_jobs:
            self._data.clear()
            self._calls.clear()

    def _look_at_all(self, pending: list[str]) -> None:
        """Look at these files, and at those that they call."""
        while pending:
            path = pending.pop()
            data = self._look_at(path)
            if data:
                text = spelled_out(data) if path in self._escaped else data
                calls = call_text(text)
                if calls is not None:
                    self._calls[path] = calls
                pending += self.project.reach(path, text, calls, data)

    def _is_named(self, path: str) -> bool:
        """Whether a file's name, to which a call may add the ending of a template, stands in some text."""
        name = path.rpartition("/")[2].removesuffix(".j2").encode(errors="surrogateescape")
        return any(name in self.text(each) for each in self.project.yaml)

    def _may_hide_tasks(self, path: str) -> bool:
        """Whether tasks may stand in an encrypted file, for its place or as its name stands in a call."""
        name = stem(path).encode(errors="surrogateescape")
        return not is_of_variables(path) or any(name in calls.words for calls in self._calls.values())

    @property
    def concerns_jobs(self) -> bool:
        """Whether there is anything to analyse."""
        return bool(self.asynchronous or self.polling)

    def read(self, path: str) -> bytes:
        """The file's bytes without a byte order mark, which Ansible passes over too. Raises SourceError."""
        kept = self._data.get(path)
        return kept if kept is not None else self.project.read(path).removeprefix(BOM)

    def text(self, path: str) -> bytes:
        """The bytes that are searched for names; none of a file that is too large, vaulted or cannot be read."""
        if path not in self._known:
            return b""
        try:
            data = self.read(path)
        except SourceError:
            return b""
        return data if len(data) <= MAX_KEPT else b""

    def forget(self, path: str) -> None:
        """The file turned out to be no YAML: its text is not searched any more."""
        self._data.pop(path, None)
        self._known.discard(path)

    def is_known(self, path: str) -> bool:
        """Whether the project lists the file, and its text can be read."""
        return path in self._known

    def callers(self) -> dict[str, CallText]:
        """The files that may call others, with the words of their calls; none where nothing is launched.

        They are handed over, as the words take much room: another time there are none.
        """
        calls, self._calls = self._calls, {}
        if not self.has_launches:
            return {}
        return {path: calls[path] for path in self.project.yaml if path in calls and path in self._known}

    def _look_at(self, path: str) -> bytes:
        """Read and sort in one file; its bytes, none where it is vaulted or cannot be read."""
        try:
            data = self.project.read(path)
        except SourceError as error:
            if path not in self.project.copied:
                self.unreadable[path] = error
            return b""
        if data.startswith((BOM, VAULT_HEADER)):
            data = data.removeprefix(BOM)
            if data.startswith(VAULT_HEADER):
                self.vaulted.add(path)
                return b""
        self._known.add(path)
        self._sort_in(path, data)
        if len(data) <= MAX_KEPT and self._size + len(data) <= MAX_KEPT_TOGETHER:
            self._data[path] = data
            self._size += len(data)
        return data

    def _sort_in(self, path: str, data: bytes) -> None:
        spelled = spelled_out(data)
        if spelled is not data:
            self._escaped.add(path)
            data = spelled
        has_async = b"async" in data
        names_a_job = b"ansible_job_id" in data or WAITS_FOR_ALL in data
        if not (has_async or b"poll" in data or names_a_job):
            return  # most files of most projects
        words = Keywords.of(data)
        launches = words.bears_async and (
            words.may_be_zero or any(poll <= 0 for _, poll in self.project.settings.polls)
        )
        looks = names_a_job or (has_async and BEGINS_LOOK.search(data) is not None)
        if looks or (has_async and b"results_file" in data):
            self.looking.add(path)
        if launches or looks:
            self.asynchronous.append(path)
            self.has_launches = self.has_launches or launches
        elif words.bears_async or words.bears_poll:
            self.polling.append(path)
