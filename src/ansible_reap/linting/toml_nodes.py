"""A table of a TOML file as YAML's nodes, with lines, so that one reader of settings reads both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from yaml import Mark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_PREFIX = "tag:yaml.org,2002:"


class TomlError(Exception):
    """A file that cannot be used; ``line`` counts from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def table(text: str, path: Sequence[str]) -> Node | None:
    """The table at this path; None where there is none. Raises TomlError."""
    try:
        tomllib = import_module("tomllib")  # new in Python 3.11
    except ImportError:
        header = f"[{'.'.join(path)}"
        line = next((n for n, each in enumerate(text.splitlines(), 1) if each.startswith(header)), 1)
        raise TomlError("needs Python 3.11 or newer to be read: use .ansible-reap.yml", line) from None
    try:
        value: Any = tomllib.loads(text)
    except ValueError as error:
        told = re.search(r"at line (\d+)", str(error))
        raise TomlError(f"does not parse: {error}", int(told[1]) if told else 1) from error
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else _Writer(text).node(value, 0)


class _Writer:
    """Makes nodes. tomllib tells no lines: a key's is the first below its table's that begins with it."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def node(self, value: object, line: int) -> Node:
        """The node of a value that stands at a line (from 0)."""
        mark = Mark("", 0, line, 0, "", 0)
        if isinstance(value, dict):
            pairs = []
            for key, each in value.items():
                at = self._line_of(key, line)
                pairs.append((ScalarNode(f"{_PREFIX}str", key, Mark("", 0, at, 0, "", 0)), self.node(each, at)))
            return MappingNode(f"{_PREFIX}map", pairs, mark)
        if isinstance(value, list):
            return SequenceNode(f"{_PREFIX}seq", [self.node(each, line) for each in value], mark)
        if isinstance(value, bool):
            return ScalarNode(f"{_PREFIX}bool", str(value).lower(), mark)
        kind = {int: "int", float: "float"}.get(type(value), "str")
        return ScalarNode(_PREFIX + kind, str(value), mark)

    def _line_of(self, key: str, start: int) -> int:
        """Where a key is set, or a table of its name begins, from a line on."""
        name = rf"[\"']?{re.escape(key)}[\"']?"
        sign = re.compile(rf"\s*{name}\s*[=.]|\s*\[[^\]]*{name}\s*[\].]|.*[{{,]\s*{name}\s*=")
        return next((n for n in range(start, len(self._lines)) if sign.match(self._lines[n])), start)
