"""The project's files as content, built only when asked for, and which of them can matter to async jobs at all."""

from __future__ import annotations

import gc
import re
from collections.abc import Collection
from typing import Any

from yaml.nodes import MappingNode, Node

from ansible_reap.content.call_references import Reference, references
from ansible_reap.content.call_text import CallText, call_text
from ansible_reap.content.project import Project
from ansible_reap.content.source import SourceError, check, compose, is_vaulted, plain, without_statements
from ansible_reap.content.tasks import Content, is_playbook, read_content

_ASYNC = re.compile(rb"""\basync["']?[ \t]*:""")
_LOOK = re.compile(rb"async_status|ansible_async")
_POLL = re.compile(rb"""\bpoll["']?[ \t]*:[ \t]*["']?([^\s"'#,}]*)""")
BOM = b"\xef\xbb\xbf"
MAX_KEPT = 2 * 1024 * 1024
"""Files above this size are not searched for names."""


class Library:
    """Every YAML file of a project: what is wrong with it, what it calls, what it holds."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.errors: dict[str, SourceError] = {}
        self.asynchronous: list[str] = []
        """Files in which something may be launched or looked at."""
        self.polling: list[str] = []
        """Files with ``async`` or ``poll`` in which nothing is launched or looked at."""
        self.callers: dict[str, CallText] = {}
        """Files that may call others; what they call is read when asked for."""
        self.playbooks: set[str] = set()
        """Playbooks among the files whose calls have been read."""
        self._references: dict[str, list[Reference]] = {}
        self.has_launches = False
        self._data: dict[str, bytes] = {}
        self._contents: dict[str, Content] = {}
        self._variables: dict[str, dict[str, Any]] = {}
        self._unread: set[str] = set()
        self._nodes: dict[str, Node] = {}
        """Composed, but not built yet."""
        enabled = gc.isenabled()
        gc.disable()  # composing makes many objects and no cycles
        try:
            self._survey()
        finally:
            if enabled:
                gc.enable()

    # ---- the survey

    def _survey(self) -> None:
        pending: list[str] = []
        for path in self.project.yaml:
            try:
                data = self._read(path)
            except SourceError as error:
                self._note(path, error)
                continue
            if is_vaulted(data):
                continue
            self._sort_in(path, data)
            if len(data) <= MAX_KEPT:
                self._data[path] = data
            pending.append(path)
        for path in pending:
            self._survey_file(path)
        if not self.has_launches:
            self._data.clear()

    def _sort_in(self, path: str, data: bytes) -> None:
        bears = b"async" in data and _ASYNC.search(data) is not None
        polls = _POLL.findall(data) if b"poll" in data else []
        launches = bears and (
            any(not poll.isdigit() or not poll.strip(b"0") for poll in polls) or self.project.settings.poll == 0
        )
        if launches or (b"async" in data and _LOOK.search(data) is not None) or b"ansible_job_id" in data:
            self.asynchronous.append(path)
            self.has_launches = self.has_launches or launches
        elif bears or polls:
            self.polling.append(path)

    def _survey_file(self, path: str) -> None:
        kept = self._data.get(path)
        try:
            data = kept if kept is not None else self._read(path)
            calls = call_text(data) if self.has_launches else None
            if calls is None:
                check_text(data)
            else:
                self.callers[path] = calls
                self._unread.add(path)
        except SourceError as error:
            self._note(path, error)

    def _read(self, path: str) -> bytes:
        """The file's bytes without a byte order mark, which Ansible passes over too. Raises SourceError."""
        return self.project.read(path).removeprefix(BOM)

    def _note(self, path: str, error: SourceError) -> None:
        if path not in self.project.copied:
            self.errors.setdefault(path, error)
        self._data.pop(path, None)

    def _check(self, path: str) -> None:
        try:
            kept = self._data.get(path)
            check_text(kept if kept is not None else self._read(path))
        except SourceError as error:
            self._note(path, error)

    def calls_of(self, path: str) -> list[Reference]:
        """What the file calls. It is composed for that, at the first time of asking."""
        if path in self._unread:
            self._unread.discard(path)
            root = self.node(path)
            if root is not None:
                self._nodes[path] = root
            if is_playbook(root):
                self.playbooks.add(path)
            found = references(root)
            if found:
                self._references[path] = found
        return self._references.get(path, [])

    def forget(self, kept: Collection[str]) -> None:
        """Let go of the nodes of files that do not matter."""
        self._nodes = {path: node for path, node in self._nodes.items() if path in kept}

    def check_unread(self) -> None:
        """Look for errors in the files that nobody asked for."""
        for path in sorted(self._unread):
            self._check(path)
        self._unread.clear()

    # ---- what a file holds

    def node(self, path: str) -> Node | None:
        """The file's root node; None where it is empty, vaulted or broken (which is noted)."""
        if path in self._nodes:
            return self._nodes.pop(path)
        data = self._data.get(path)
        try:
            return compose_text(data if data is not None else self._read(path))
        except SourceError as error:
            self._note(path, error)
            return None

    def content(self, path: str) -> Content:
        """Plays or tasks of a file; empty for what cannot be read."""
        known = self._contents.get(path)
        if known is None:
            handlers = path.rpartition("/")[0].rpartition("/")[2] == "handlers"
            known = read_content(path, self.node(path), handlers=handlers)
            self._contents[path] = known
        return known

    def variables(self, path: str) -> dict[str, Any]:
        """The variables of a vars file; empty for what cannot be read."""
        known = self._variables.get(path)
        if known is None:
            node = self.node(path)
            data = plain(node) if isinstance(node, MappingNode) else {}
            known = {str(key): value for key, value in data.items()}
            self._variables[path] = known
        return known

    def is_known(self, path: str) -> bool:
        """Whether the file could be read."""
        return path in self._data or path in self._contents

    def text(self, path: str) -> bytes:
        """The file's bytes, where they were kept."""
        return self._data.get(path, b"")

    def source(self, path: str) -> bytes:
        """The file's bytes, read again where they were not kept."""
        kept = self._data.get(path)
        if kept is not None:
            return kept
        try:
            return self._read(path)
        except SourceError:
            return b""


def check_text(data: bytes) -> None:
    """As ``source.check``; a project template gets a second chance without its own statements."""
    try:
        check(data)
    except SourceError:
        if b"{%" not in data:
            raise
        check(without_statements(data))


def compose_text(data: bytes) -> Node | None:
    """As ``source.compose``; a project template gets a second chance without its own statements."""
    try:
        return compose(data)
    except SourceError:
        if b"{%" not in data:
            raise
        return compose(without_statements(data))
