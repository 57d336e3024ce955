"""The hosts behind the pattern of a play, by each inventory of the project. Which one is in use is not known."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from yaml.nodes import MappingNode

from ansible_reap.content.inventory import hosts_of, inventory_texts, is_no_ini, may_move_hosts, note_members
from ansible_reap.content.places import YAML_ENDINGS, is_among_tests
from ansible_reap.content.source import SourceError, compose, plain
from ansible_reap.late_patterns import expression

if TYPE_CHECKING:
    from ansible_reap.content.project import Project

MAX_PARTS = 50
"""Parts of a pattern, and levels of groups in each other."""
_EVERY = frozenset({"all", "*"})
_PART = expression(r"(?:[^,\s:\[]|\[[^\[\],\s]*\]?)+")
_SUBSCRIPT = expression(r"(?P<of>[^\[]+)\[(?:(?P<one>-?\d{1,9})|(?P<first>\d{1,9})[:-](?P<last>\d{0,9}))\]")
_PLAIN_HOST = expression(r"[\w.-]+")
_OF_A_GROUP = frozenset({"hosts", "children", "vars"})
_Hosts = frozenset[str]


class HostGroups:
    """Read when a play is first compared with another one."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[tuple[str, str], list[tuple[_Hosts, _Hosts]]] = {}

    def pairs(self, one: str, other: str) -> list[tuple[_Hosts, _Hosts]]:
        """By each inventory that knows the first pattern, the hosts of both; none where one of them cannot be told."""
        if "{" in one + other:
            return []
        known = self._known.get((one, other))
        if known is None:
            known = self._known[one, other] = self._pairs(one, other)
        return known

    def _pairs(self, one: str, other: str) -> list[tuple[_Hosts, _Hosts]]:
        found: list[tuple[_Hosts, _Hosts]] = []
        for groups in self._inventories:
            hosts = _matching(one, groups)
            if hosts:
                others = _matching(other, groups)
                if others is None:
                    return []
                found.append((hosts, others))
        return found

    @cached_property
    def _inventories(self) -> list[Mapping[str, _Hosts]]:
        """What each inventory says, and all of them together; none where one of them is not understood."""
        together: tuple[dict[str, set[str]], dict[str, set[str]]] = {}, {}
        found: list[Mapping[str, _Hosts]] = []
        for path, text in inventory_texts(self._project):
            if is_among_tests(path) or (path.endswith(YAML_ENDINGS) and not _names_hosts(text)):
                continue
            read = _of_yaml(text) if path.endswith(YAML_ENDINGS) else _of_ini(text)
            if read is None:
                return []
            found.append(_as_groups(*read))
            for all_names, names in zip(together, read, strict=True):
                for name, held in names.items():
                    all_names.setdefault(name, set()).update(held)
        return [] if not found or may_move_hosts(self._project) else [*found, _as_groups(*together)]


_Read = tuple[dict[str, set[str]], dict[str, set[str]]]
"""By group its own hosts, and the groups in it."""


def _names_hosts(text: bytes) -> bool:
    return b"hosts" in text or b"children" in text or b"plugin" in text


def _of_ini(text: bytes) -> _Read | None:
    members: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    return None if is_no_ini(text) or not note_members(text, members, children) else (members, children)


def _of_yaml(text: bytes) -> _Read | None:
    try:
        root = compose(text)
    except SourceError:
        return None
    data = plain(root) if isinstance(root, MappingNode) else None
    members: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    return (members, children) if isinstance(data, dict) and _note_groups(data, members, children, 0) else None


def _note_groups(data: dict[Any, Any], members: dict[str, set[str]], children: dict[str, set[str]], depth: int) -> bool:
    """Take in groups as YAML has them; False where something is none, or a name stands for several."""
    for name, group in data.items():
        if not (isinstance(group, dict) or group is None) or depth > MAX_PARTS:
            return False
        held = group or {}
        hosts, inner = held.get("hosts") or {}, held.get("children") or {}
        if not (set(held) <= _OF_A_GROUP and isinstance(hosts, dict) and isinstance(inner, dict)):
            return False
        if not all(isinstance(host, str) and _PLAIN_HOST.fullmatch(host) for host in hosts):
            return False
        members.setdefault(str(name), set()).update(hosts)
        for host in hosts:
            members.setdefault(host, set()).add(host)
        children.setdefault(str(name), set()).update(map(str, inner))
        if not _note_groups(inner, members, children, depth + 1):
            return False
    return True


def _as_groups(members: dict[str, set[str]], children: dict[str, set[str]]) -> Mapping[str, _Hosts]:
    found = hosts_of(members, children)
    return {**found, "all": frozenset().union(*found.values())}


def _matching(pattern: str, groups: Mapping[str, _Hosts]) -> _Hosts | None:
    """The hosts that a pattern means; None where that cannot be told."""
    parts = _PART.findall(pattern)
    if len(parts) > MAX_PARTS:
        return None
    kinds: dict[str, list[_Hosts]] = {"": [], "&": [], "!": []}
    for part in parts:
        kind = part[0] if part[0] in "&!" else ""
        hosts = _named(part.removeprefix(kind), groups)
        if hosts is None:
            return None
        kinds[kind].append(hosts)
    found = frozenset[str]().union(*kinds[""]) if kinds[""] else groups["all"]
    return found.intersection(*kinds["&"]).difference(*kinds["!"])


def _named(name: str, groups: Mapping[str, _Hosts]) -> _Hosts | None:
    """The hosts of one part: a group, a host, all that a name with ``*`` matches, or as many of those as there are."""
    if name in _EVERY:
        return groups["all"]
    subscript = _SUBSCRIPT.fullmatch(name)
    if subscript is not None:
        held = _named(subscript["of"], groups)
        one, first, last = subscript.group("one", "first", "last")
        return held if held is not None and _is_whole(one, first, last, len(held)) else None
    if name.startswith("~") or "[" in name:
        return None
    if "*" in name or "?" in name:
        return frozenset().union(*_by_glob(name, groups))
    return groups.get(name)


def _by_glob(name: str, groups: Mapping[str, _Hosts]) -> Iterator[_Hosts]:
    return (hosts for each, hosts in groups.items() if fnmatch.fnmatchcase(each, name))


def _is_whole(one: str | None, first: str | None, last: str | None, count: int) -> bool:
    """Whether a subscript leaves none of so many hosts out."""
    if one is not None:
        return count == 1 and int(one) in (0, -1)
    return int(first or 0) == 0 and (not last or int(last) >= count - 1)
