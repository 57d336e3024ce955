"""What bears ``async`` or ``poll`` and is no task: plays, entries of ``roles``, blocks and the like."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_reap.content import expressions
from ansible_reap.content.library import Library
from ansible_reap.content.model import Place, Task, as_list
from ansible_reap.content.roles import Finder, Role
from ansible_reap.content.tasks import Content, TaskBlock
from ansible_reap.flow.walk.record import UseRecord

ROLE = "a role"
DEPENDENCY = "a dependency"
_KEYWORDS = frozenset({"async", "poll"})


def bearers(content: Content) -> Iterator[Task]:
    """Those of a file that bear one of the keywords, each seen as a task, of a module that none can have."""
    return (bearer for bearer in _candidates(content) if not _KEYWORDS.isdisjoint(bearer.keywords))


def _candidates(content: Content) -> Iterator[Task]:
    for play in content.plays:
        kind = "a play" if play.imports is None else "import_playbook"
        yield _as_task(play.block.place, play.end_line, kind, play.block.keywords, play.name)
        yield from _roles(ROLE, play.roles)
    yield from _roles(DEPENDENCY, content.dependencies)
    for step in content.steps():
        if isinstance(step, TaskBlock):
            yield step.as_task()
        elif isinstance(apply := step.args.get("apply"), dict):
            yield _as_task(step.place, step.end_line, "an apply", apply, step.name)


def _roles(kind: str, entries: Iterable[tuple[Place, Any]]) -> Iterator[Task]:
    for place, entry in entries:
        if isinstance(entry, dict):
            name = entry.get("role", entry.get("name"))
            yield _as_task(place, place.line, kind, entry, None if name is None else str(name))


def _as_task(place: Place, end_line: int, kind: str, keywords: Mapping[str, Any], name: str | None) -> Task:
    return Task(
        place=place, end_line=end_line, name=name, action=kind, module=kind, args={}, keywords=keywords, block=None
    )


class ParametersRead:
    """Which roles, and tasks on the way from an entry of ``roles``, read a variable that is called like a keyword."""

    def __init__(self, library: Library, uses: Iterable[UseRecord]) -> None:
        self._library = library
        self._uses = uses
        self._by_way: dict[str, set[str]] | None = None
        self._finder: Finder | None = None
        self._paths = sorted(library.project.yaml)
        self._by_role: dict[str, frozenset[str]] = {}

    def has(self, entry: Task) -> bool:
        """Whether a task of the role, or one that the walk has come to by way of the entry, reads what that gives."""
        given = _KEYWORDS & entry.keywords.keys()
        if self._by_way is None:
            self._by_way = self._read_by_way()
        if not given.isdisjoint(self._by_way.get(str(entry.place), ())):
            return True
        return any(not given.isdisjoint(self._read_in(role)) for role in self._roles_of(entry))

    def _read_by_way(self) -> dict[str, set[str]]:
        """The names that tasks read, by the places of the calls that lead to them."""
        found: dict[str, set[str]] = defaultdict(set)
        for use in self._uses:
            names = _KEYWORDS & _names_asked(use.task)
            for setting in use.settings.all() if names else ():
                for place in setting.via:
                    found[place] |= names
        return found

    def _roles_of(self, entry: Task) -> list[Role]:
        if not entry.name:
            return []
        if self._finder is None:
            self._finder = Finder(self._library)
        return self._finder.find_roles(entry.name, posixpath.dirname(entry.path), self._finder.role_around(entry.path))

    def _read_in(self, role: Role) -> frozenset[str]:
        """The names that the tasks and the variables of a role read."""
        known = self._by_role.get(role.path)
        if known is None:
            parts = ("tasks/", "handlers/", "defaults/", "vars/")
            names = (self._read_in_file(path) for part in parts for path in self._below(role.part(part)))
            known = self._by_role[role.path] = frozenset[str]().union(*names)
        return known

    def _below(self, folder: str) -> Iterator[str]:
        at = bisect_left(self._paths, folder)
        while at < len(self._paths) and self._paths[at].startswith(folder):
            yield self._paths[at]
            at += 1

    def _read_in_file(self, path: str) -> frozenset[str]:
        content = self._library.content(path)
        tasks = [step if isinstance(step, Task) else step.as_task() for step in content.steps()]
        read = frozenset[str]().union(*map(_names_asked, tasks)) if tasks else frozenset[str]()
        return _KEYWORDS & (read if tasks else expressions.names_in(self._library.variables(path)))


def _names_asked(task: Task) -> frozenset[str]:
    """The names that a task reads, in its bare conditions too."""
    asked = [str(part) for key in ("when", "until", "that") for part in as_list(task.inherited(key))]
    return expressions.names_in([task.args, task.keywords]).union(*map(expressions.names, asked))
