"""What a file calls, seen on its YAML nodes without building tasks: enough to know which files can matter."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap.content import arguments
from ansible_reap.content.source import MAX_DEPTH, SourceError, compose_text, pairs
from ansible_reap.content.tasks import BLOCK_PARTS, TASK_LISTS, short_module
from ansible_reap.records import dataclass


class ReferenceKind(Enum):
    """What a call names."""

    TASKS = "tasks"
    ROLE = "role"
    PLAYBOOK = "playbook"


@dataclass(frozen=True, slots=True)
class Reference:
    """One call: ``name`` as written, with ``*`` for each template in it; ``entry`` is a role's ``tasks_from``."""

    kind: ReferenceKind
    name: str
    entry: str | None = None


_TASK_CALLS = frozenset({"include_tasks", "import_tasks", "include"})
_AS_WRITTEN = "as written"
"""Stands beside the arguments for all of their text, with its blanks as they are."""
_ROLE_CALLS = frozenset({"include_role", "import_role"})


def references(root: Node | None) -> list[Reference]:
    """Every call in a playbook, tasks file or a role's ``meta``."""
    if isinstance(root, SequenceNode):
        return list(_in_list(root, 0))
    if isinstance(root, MappingNode):
        return [
            found
            for key, _, value in pairs(root)
            if key == "dependencies" and isinstance(value, SequenceNode)
            for found in _roles(value)
        ]
    return []


def names_called(data: bytes) -> list[str]:
    """The names, written out, by which the text calls files, roles and entry points; none of a text that is no YAML."""
    try:
        found = references(compose_text(data))
    except SourceError:
        return []
    names = (name for each in found for name in (each.name, each.entry) if name)
    return [name for name in dict.fromkeys(names) if "*" not in name]


def pattern(text: str) -> str:
    """The text with every template replaced by ``*``."""
    out: list[str] = []
    at = 0
    while True:
        start = text.find("{{", at)
        if start < 0:
            out.append(text[at:])
            break
        out.append(text[at:start] + "*")
        end = text.find("}}", start)
        if end < 0:
            break
        at = end + 2
    return "".join(out)


def _in_list(node: Node, depth: int) -> Iterator[Reference]:
    if not isinstance(node, SequenceNode) or depth > MAX_DEPTH:
        return
    for item in node.value:
        if isinstance(item, MappingNode):
            yield from _in_mapping(item, depth)


def _in_mapping(node: MappingNode, depth: int) -> Iterator[Reference]:
    entries = pairs(node)
    for name, _, value in entries:
        if name in BLOCK_PARTS or name in TASK_LISTS:
            yield from _in_list(value, depth + 1)
        elif name == "roles":
            yield from _roles(value)
        elif "include" in name or "import_" in name:
            yield from _call(short_module(name), {**_args(entries), **_options(name, value)})
        elif name in ("action", "local_action"):
            yield from _action(value, _args(entries))


def _args(entries: list[tuple[str, Node, Node]]) -> dict[str, str]:
    """What ``args:`` gives the task, which the action's own arguments go before."""
    return {name: text for key, _, value in entries if key == "args" for name, text in _options("", value).items()}


def _action(value: Node, args: dict[str, str]) -> Iterator[Reference]:
    if isinstance(value, ScalarNode):
        name, _, rest = value.value.strip().partition(" ")
        options = _options(name, ScalarNode("", rest))
    else:
        options = _options("", value)
        name, _, rest = options.pop("module", "").strip().partition(" ")
        options.update(_options(name, ScalarNode("", rest)) if rest else {})
    if "include" in name or "import_" in name:
        yield from _call(short_module(name), {**args, **options})


def _call(name: str, options: dict[str, str]) -> Iterator[Reference]:
    if name in _TASK_CALLS:
        for path in _spellings(options):
            yield Reference(ReferenceKind.TASKS, pattern(path))
            if name == "include":
                yield Reference(ReferenceKind.PLAYBOOK, pattern(path))
    elif name == "import_playbook":
        for path in _spellings(options):
            yield Reference(ReferenceKind.PLAYBOOK, pattern(path))
    elif name in _ROLE_CALLS:
        role = options.get("name") or options.get("role")
        if role:
            entry = options.get("tasks_from")
            yield Reference(ReferenceKind.ROLE, pattern(role), pattern(entry) if entry else None)
        if options.get("handlers_from"):
            yield Reference(ReferenceKind.TASKS, f"handlers/{pattern(options['handlers_from'])}")


def _spellings(options: dict[str, str]) -> list[str]:
    """What the path of a call may be: all of its text, with quotes taken off, or its first word."""
    path = options.get("file") or options.get("_raw_params") or ""
    spelled = (arguments.unquoted(path), arguments.unquoted(options.get(_AS_WRITTEN, "")), *arguments.words(path)[:1])
    return list(dict.fromkeys(each for each in spelled if each))


def _options(name: str, value: Node) -> dict[str, str]:
    if isinstance(value, MappingNode):
        return {key: inner.value for key, _, inner in pairs(value) if isinstance(inner, ScalarNode)}
    if isinstance(value, ScalarNode) and value.value:
        found = {key: str(inner) for key, inner in arguments.split(value.value, name).items()}
        return found if "file" in found else {**found, _AS_WRITTEN: value.value.strip()}
    return {}


def _roles(value: Node) -> Iterator[Reference]:
    if not isinstance(value, SequenceNode):
        return
    for entry in value.value:
        if isinstance(entry, ScalarNode):
            name = arguments.words(entry.value)[:1]
            if name:
                yield Reference(ReferenceKind.ROLE, pattern(name[0].rstrip(",")))
        elif isinstance(entry, MappingNode):
            options = {key: inner for key, _, inner in pairs(entry)}
            role = options.get("role", options.get("name"))
            if isinstance(role, ScalarNode):
                yield Reference(ReferenceKind.ROLE, pattern(role.value))
