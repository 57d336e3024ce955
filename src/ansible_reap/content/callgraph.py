"""Which files can matter to async jobs: those in which something is launched or reaped, and whoever may call them."""

from __future__ import annotations

import fnmatch
import posixpath
from collections import defaultdict
from collections.abc import Iterable

from ansible_reap.content.calltext import telling_word
from ansible_reap.content.library import Library
from ansible_reap.content.references import Kind, Reference

MAX_REACH = 200


class CallGraph:
    """Who calls whom, by name alone: too many rather than too few.

    A file's calls are read only when its text holds the name of a file that matters, or calls by template.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._by_key: dict[str, list[str]] = defaultdict(list)
        self._found: dict[tuple[str, str], bool] = {}
        self._mentioned: dict[tuple[str, str], bool] = {}
        self._reach: dict[str, frozenset[str]] = {}
        self._exact: dict[str, set[str]] = defaultdict(set)
        self._open: dict[str, set[str]] = defaultdict(set)
        """By pattern."""
        self._anything: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        """By a pattern that says nothing at all, and by the folder near which the caller looks."""
        self._is_called: dict[str, bool] = {}
        self._waiting: dict[bytes, list[str]] = defaultdict(list)
        self._seen: set[str] = set()
        self._mattering = self._spread()

    @property
    def mattering(self) -> frozenset[str]:
        return self._mattering

    def matters(self, path: str) -> bool:
        """Whether a launch or reap stands in the file or in anything it may call."""
        return path in self._mattering

    def is_called(self, path: str) -> bool:
        """Whether something calls the file by its own name."""
        known = self._is_called.get(path)
        if known is None:
            known = self._is_called[path] = any(self._exact.get(key) for key in _keys_of(path))
        return known

    # ---- upwards: who may call what matters

    def _spread(self) -> frozenset[str]:
        library = self._library
        mattering = set(library.asynchronous)
        for path, calls in library.callers.items():
            if path in mattering or calls.is_templated:
                self._read(path)
            else:
                for word in calls.words:
                    self._waiting[word].append(path)
        pending = [*mattering, *(main for path in mattering for main in _role_mains(path))]
        seen: set[str] = set()
        orphans: list[str] = []
        while pending or orphans:
            if pending:
                path = pending.pop()
                fresh = [key for key in _keys_of(path) if key not in seen]
                seen.update(fresh)
                found = {caller for key in fresh for caller in self._callers(key)}
                if not any(self._exact.get(key) for key in _keys_of(path)):
                    orphans.append(path)
            else:
                found = self._open_callers(orphans.pop())
            for caller in found - mattering:
                mattering.add(caller)
                pending += [caller, *_role_mains(caller)]
        self._waiting.clear()
        library.forget(mattering)
        return frozenset(mattering)

    def _read(self, path: str) -> None:
        self._seen.add(path)
        for reference in self._library.calls_of(path):
            for key in _keys_wanted(reference):
                if "*" not in key:
                    self._exact[key].add(path)
                elif _is_open(key):
                    self._anything[key][_surroundings(path)].add(path)
                else:
                    self._open[key].add(path)

    def _callers(self, key: str) -> set[str]:
        """The files that may call whatever has this key, once those are read whose text has its name."""
        for path in self._waiting.pop(telling_word(key.rsplit(" ", maxsplit=1)[-1]), ()):
            if path not in self._seen:
                self._read(path)
        found = set(self._exact.get(key, ()))
        for wanted, group in self._open.items():
            if fnmatch.fnmatchcase(key, wanted):
                found |= group
        return found

    def _open_callers(self, path: str) -> set[str]:
        """Callers whose text says nothing of the name: of a file that nothing calls by its name, those nearby."""
        found: set[str] = set()
        above = _folders_above(path)
        for key in _keys_of(path):
            kind = key.split(" ")[0]
            for wanted, groups in self._anything.items():
                if wanted.split(" ")[0] == kind and fnmatch.fnmatchcase(key, wanted):
                    found.update(*(groups.get(folder, ()) for folder in (groups if kind != "file" else above)))
        return found

    # ---- downwards: what a file may call

    def mentions(self, path: str, names: Iterable[str]) -> bool:
        """Whether the file, or anything it may call, has one of the names in its text."""
        return any(self._mentions(path, name) for name in names)

    def _mentions(self, path: str, name: str) -> bool:
        key = (path, name)
        known = self._mentioned.get(key)
        if known is None:
            reach = self._reach.get(path)
            if reach is None:
                reach = self._reach[path] = self._reachable(path)
            known = self._mentioned[key] = any(self._has(member, name) for member in reach)
        return known

    def _has(self, path: str, name: str) -> bool:
        key = (path, name)
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = name.encode() in self._library.text(path)
        return known

    def _reachable(self, path: str) -> frozenset[str]:
        seen = {path}
        pending = [path]
        while pending and len(seen) < MAX_REACH:
            fresh = sorted(self.called_files(pending.pop()) - seen)
            seen.update(fresh)
            pending += fresh
        return frozenset(seen)

    def called_files(self, path: str) -> set[str]:
        """The files that a file may call, by name alone."""
        return set().union(*(self._targets(reference) for reference in self._library.calls_of(path)))

    def called_playbooks(self, path: str) -> list[str]:
        """The playbooks that a playbook imports, by their place."""
        folder = path.rpartition("/")[0]
        known = self._library.playbooks
        found: list[str] = []
        for reference in self._library.calls_of(path):
            if reference.kind is Kind.PLAYBOOK:
                full = posixpath.normpath(posixpath.join(folder, reference.name))
                found += fnmatch.filter(known, full) if "*" in full else [full]
                if "/" not in reference.name and reference.name.count(".") >= 2:
                    found += [each for each in known if _stem(each) == reference.name.rpartition(".")[2]]
        return found

    def _targets(self, reference: Reference) -> list[str]:
        if not self._by_key:
            for path in self._library.project.yaml:
                for key in _keys_of(path):
                    self._by_key[key].append(path)
        return [path for key in _keys_wanted(reference) for path in self._matching(key)]

    def _matching(self, key: str) -> list[str]:
        if "*" in key and key not in self._by_key:
            names = fnmatch.filter(list(self._by_key), key)
            self._by_key[key] = [path for name in names for path in self._by_key[name]]
        return self._by_key.get(key, [])


def _is_open(key: str) -> bool:
    return not key.split(" ", 1)[1].strip("* ")


def _surroundings(caller: str) -> str:
    """The folder in or below which a file lies that the caller may mean: its role's, else its own; "" is the root."""
    folder = caller.rpartition("/")[0]
    for part in ("tasks", "handlers"):
        if f"/{part}/" in f"/{folder}/":
            return f"/{folder}/".rpartition(f"/{part}/")[0].strip("/")
    return folder


def _folders_above(path: str) -> list[str]:
    """The folders that the file lies in or below, the root among them."""
    folders = [""]
    at = path.find("/")
    while at >= 0:
        folders.append(path[:at])
        at = path.find("/", at + 1)
    return folders


def _role_mains(path: str) -> list[str]:
    """Whoever calls the role may run this file: handlers and meta come with the role's tasks."""
    folder = path.rpartition("/")[0]
    role, _, part = folder.rpartition("/")
    if part in ("handlers", "meta", "tasks"):
        return [f"{role}/tasks/main.yml", f"{role}/tasks/main.yaml"]
    return []


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


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rsplit(".", 1)[0] if name.endswith((".yml", ".yaml")) else name
