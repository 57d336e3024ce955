"""Which ansible-core versions a role or collection says it supports; read only when a check asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from yaml.nodes import MappingNode, ScalarNode

from ansible_reap.late_patterns import expression
from ansible_reap.reading import MAX_DIGITS, MAX_SETTINGS, SourceError, read
from ansible_reap.yaml_nodes import compose, pairs

Version = tuple[int, ...]

_ROLE_PARTS = frozenset({"tasks", "handlers"})
_SHIPPED = frozenset({"roles", "playbooks"})
"""The folders of a collection whose files its users run, besides its playbooks at the top; not its own tests."""
_OWN_TESTS = frozenset({"molecule", "tests"})
"""What lies below is run by the project's developers, on a version of their choice."""
_SPECIFIER = expression(r"(>=|<=|==|!=|~=|>|<)?\s*v?(\d+(?:\.\d+)*)", re.ASCII)


def admits(root: str, path: str, core: Version) -> bool:
    """Whether the role and the collection that the file belongs to support this ansible-core, as in ``(2, 16)``.

    False where neither says anything. Both must admit it where both speak: a role of a collection runs nowhere else.
    """
    said = [allows(statement, core) for statement in _statements(root, path)]
    return bool(said) and all(said)


def allows(statement: str, core: Version) -> bool:
    """Whether a version, or specifiers as in ``>=2.15.0,<2.17``, let any release of this ansible-core pass."""
    for part in statement.split(","):
        match = _SPECIFIER.match(part.strip())
        if match is None:
            return False
        bound = tuple(int(number[:MAX_DIGITS]) for number in match[2].split("."))
        series = bound[: len(core)]
        if match[1] in (None, ">=", ">") and core < series:
            return False
        if match[1] == "~=" and (core < series or core[:1] != bound[:1] or (len(bound) > 2 and core != series)):
            return False
        if match[1] == "<" and core >= series and not (core == series and any(bound[len(core) :])):
            return False
        if (match[1] == "<=" and core > series) or (match[1] == "==" and core != series):
            return False
    return True


def _statements(root: str, path: str) -> Iterator[str]:
    parts = PurePosixPath(path).parts
    if not _OWN_TESTS.isdisjoint(parts[:-1]):
        return
    folder = len(parts) - 1
    for below, stem, keys in (
        (_ROLE_PARTS, "main", ("galaxy_info", "min_ansible_version")),
        (_SHIPPED, "runtime", ("requires_ansible",)),
    ):
        owners = [depth for depth in range(folder - 1, -1, -1) if parts[depth] in below]
        for depth in (folder, *owners):
            said = _said(str(Path(root, *parts[:depth], "meta", stem)), *keys)
            if said:
                yield said
                break


@lru_cache(maxsize=512)
def _said(stem: str, *keys: str) -> str | None:
    """The text under the keys of a metadata file, unconverted: ``2.20`` is no number."""
    for ending in (".yml", ".yaml"):
        try:
            node = compose(read(stem + ending, MAX_SETTINGS))
        except SourceError:
            continue
        for key in keys:
            values = {name: value for name, _, value in pairs(node)} if isinstance(node, MappingNode) else {}
            node = values.get(key)
        if isinstance(node, ScalarNode) and node.value.strip():
            return str(node.value)
    return None
