"""The project's files as content, built only when asked for, and which of them can matter to async jobs at all."""

from __future__ import annotations

import fnmatch
import gc
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from yaml.nodes import MappingNode, Node

from ansible_reap.content.project import Project
from ansible_reap.content.references import Kind, Reference, references
from ansible_reap.content.source import SourceError, check, compose, is_vaulted, plain, without_statements
from ansible_reap.content.tasks import Content, is_playbook, read_content

_CALL_WORDS = (b"include", b"import_", b"role", b"dependencies", b"hosts")
_CALL_LINE = re.compile(
    rb"""^[ \t-]*["']?(?:ansible\.(?:builtin|legacy)\.)?"""
    rb"""(?:include|import_|(?:roles?|hosts|dependencies|action|local_action)["']?[ \t]*:)""",
    re.MULTILINE,
)
"""A line with which a call may start: cheaper than composing a file that calls nothing."""
MAX_KEPT = 2 * 1024 * 1024
"""Files above this size are not searched for names."""


class Library:
    """Every YAML file of a project: what is wrong with it, what it calls, what it holds."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.errors: dict[str, SourceError] = {}
        self.asynchronous: list[str] = []
        """Files in whose text ``async`` or ``poll`` stands."""
        self.playbooks: list[str] = []
        self.references: dict[str, list[Reference]] = {}
        self.has_launches = False
        self._data: dict[str, bytes] = {}
        self._contents: dict[str, Content] = {}
        self._variables: dict[str, dict[str, Any]] = {}
        self._mattering: set[str] | None = None
        self._by_key: dict[str, list[str]] = defaultdict(list)
        self._found: dict[tuple[str, str], bool] = {}
        self._reach: dict[str, frozenset[str]] = {}
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
                data = self.project.read(path)
            except SourceError as error:
                self.errors[path] = error
                continue
            if is_vaulted(data):
                continue
            is_async = b"async" in data
            if is_async or b"poll" in data:
                self.asynchronous.append(path)
                self.has_launches = self.has_launches or (
                    is_async and (b"poll" in data or self.project.settings.poll == 0)
                )
            if len(data) <= MAX_KEPT:
                self._data[path] = data
            pending.append(path)
        for path in pending:
            self._survey_file(path)
        if not self.has_launches:
            self._data.clear()

    def _survey_file(self, path: str) -> None:
        kept = self._data.get(path)
        try:
            data = kept if kept is not None else self.project.read(path)
            if not (self.has_launches and _may_call(data)):
                check_text(data)
                return
            root = compose_text(data)
        except SourceError as error:
            self.errors[path] = error
            self._data.pop(path, None)
            return
        if is_playbook(root):
            self.playbooks.append(path)
        found = references(root)
        if found:
            self.references[path] = found

    # ---- what a file holds

    def node(self, path: str) -> Node | None:
        """The file's root node; None where it is empty, vaulted or broken (which is noted)."""
        data = self._data.get(path)
        try:
            return compose_text(data if data is not None else self.project.read(path))
        except SourceError as error:
            self.errors.setdefault(path, error)
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

    def text(self, path: str) -> bytes:
        """The file's bytes, where they were kept."""
        return self._data.get(path, b"")

    # ---- which files matter

    def matters(self, path: str) -> bool:
        """Whether a launch or reap stands in the file or in anything it may call."""
        if self._mattering is None:
            self._mattering = self._spread()
        return path in self._mattering

    def mentions(self, path: str, names: Iterable[str]) -> bool:
        """Whether the file, or anything it may call, has one of the names in its text."""
        reach = self._reach.get(path)
        if reach is None:
            reach = self._reach[path] = self._reachable(path)
        return any(self._has(member, name) for name in names for member in reach)

    def _has(self, path: str, name: str) -> bool:
        key = (path, name)
        if key not in self._found:
            self._found[key] = name.encode() in self.text(path)
        return self._found[key]

    def _reachable(self, path: str) -> frozenset[str]:
        seen = {path}
        pending = [path]
        while pending and len(seen) < 200:
            for reference in self.references.get(pending.pop(), ()):
                for target in self._targets(reference):
                    if target not in seen:
                        seen.add(target)
                        pending.append(target)
        return frozenset(seen)

    def _spread(self) -> set[str]:
        exact: dict[str, set[str]] = defaultdict(set)
        open_names: dict[str, set[str]] = defaultdict(set)
        for path, found in self.references.items():
            for reference in found:
                for key in _keys_wanted(reference):
                    (open_names if "*" in key else exact)[key].add(path)
        known: dict[str, list[set[str]]] = {}

        def callers(key: str) -> list[set[str]]:
            if key not in known:
                fitting = [group for wanted, group in open_names.items() if fnmatch.fnmatchcase(key, wanted)]
                known[key] = [exact.get(key, set()), *fitting]
            return known[key]

        mattering = set(self.asynchronous)
        pending = list(mattering)
        for path in self.asynchronous:
            pending += self._role_mains(path)
        seen: set[str] = set()
        while pending:
            for key in _keys_of(pending.pop()):
                if key in seen:
                    continue
                seen.add(key)
                for group in callers(key):
                    for caller in group - mattering:
                        mattering.add(caller)
                        pending.append(caller)
                        pending += self._role_mains(caller)
        return mattering

    def _role_mains(self, path: str) -> list[str]:
        """Whoever calls the role may run this file: handlers and meta come with the role's tasks."""
        folder = path.rpartition("/")[0]
        role, _, part = folder.rpartition("/")
        if part in ("handlers", "meta", "tasks"):
            return [f"{role}/tasks/main.yml", f"{role}/tasks/main.yaml"]
        return []

    def _targets(self, reference: Reference) -> list[str]:
        """The files that a call may mean, by name alone: too many rather than too few."""
        if not self._by_key:
            for path in self.project.yaml:
                for key in _keys_of(path):
                    self._by_key[key].append(path)
        return [path for key in _keys_wanted(reference) for path in self._matching(key)]

    def called_files(self, path: str) -> list[str]:
        """The files that a file may call, by name alone."""
        return [target for reference in self.references.get(path, ()) for target in self._targets(reference)]

    def called_playbooks(self, path: str) -> list[str]:
        """The playbooks that a playbook imports, by their place."""
        folder = path.rpartition("/")[0]
        found: list[str] = []
        for reference in self.references.get(path, ()):
            if reference.kind is Kind.PLAYBOOK:
                full = posixpath.normpath(posixpath.join(folder, reference.name))
                found += fnmatch.filter(self.playbooks, full) if "*" in full else [full]
                if "/" not in reference.name and reference.name.count(".") >= 2:
                    found += [known for known in self.playbooks if _stem(known) == reference.name.rpartition(".")[2]]
        return found

    def _matching(self, key: str) -> list[str]:
        if "*" in key and key not in self._by_key:
            self._by_key[key] = [
                path for name in fnmatch.filter(list(self._by_key), key) for path in self._by_key[name]
            ]
        return self._by_key.get(key, [])


def _keys_of(path: str) -> list[str]:
    """The names under which a call may mean the file."""
    stem = _stem(path)
    keys = [f"file {stem}"]
    folder, _, _ = path.rpartition("/")
    owner, _, part = folder.rpartition("/")
    role = owner.rpartition("/")[2]
    if part in ("tasks", "handlers", "meta") and stem == "main":
        keys.append(f"role {role}")
    if part == "tasks":
        keys.append(f"entry {role} {stem}")
    return keys


def _keys_wanted(reference: Reference) -> list[str]:
    if reference.kind is not Kind.ROLE:
        return [f"file {_stem(reference.name)}"]
    name = reference.name.rstrip("/").rpartition("/")[2].rpartition(".")[2]
    if reference.entry is None:
        return [f"role {name}"]
    return [f"role {name}", f"entry {name} {_stem(reference.entry)}"]


def _may_call(data: bytes) -> bool:
    if not any(word in data for word in _CALL_WORDS):
        return False
    return _CALL_LINE.search(data) is not None or data.lstrip()[:1] in (b"[", b"{")


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rsplit(".", 1)[0] if name.endswith((".yml", ".yaml")) else name


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
