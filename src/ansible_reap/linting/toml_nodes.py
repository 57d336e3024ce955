"""A table of a TOML file as YAML's nodes, with lines, so that one reader of settings reads both."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from yaml import Mark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap.late_patterns import expression

_PREFIX = "tag:yaml.org,2002:"

MOST_PARTS = 30
"""Parts of a dotted key; the time that tomllib takes for one grows with their square."""
MOST_DOTS = 20_000
"""Dots of all keys together; tomllib keeps about a kilobyte for each."""
MOST_VALUES = 20_000
"""Keys and values in our table."""

_PART = expression(r"""[ \t]*(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*""")
_WORD = expression(r""""([^"\n]*)"|'([^'\n]*)'|([\w-]+)""")
_BLANKS = expression(r"\s*")


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
    _refuse_long_keys(text)
    try:
        value: Any = tomllib.loads(text)
    except RecursionError:
        raise TomlError("does not parse: nested too deeply") from None
    except ValueError as error:
        told = re.search(r"at line (\d+)", str(error))
        raise TomlError(f"does not parse: {error}", int(told[1]) if told else 1) from error
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else _Writer(text).node(value, 0)


def _refuse_long_keys(text: str) -> None:
    """Raises TomlError. Text that merely looks like a dotted key counts too."""
    parts = dots = 0
    for piece in text.split("."):
        is_part = _PART.fullmatch(piece) is not None
        parts = parts + 1 if is_part else 0
        dots += is_part
        if parts > MOST_PARTS:
            raise TomlError(f"does not parse: a key of more than {MOST_PARTS} parts")
        if dots > MOST_DOTS:
            raise TomlError(f"does not parse: its keys have more than {MOST_DOTS:,} dots")


class _Writer:
    """Makes nodes. tomllib gives no line numbers: a key is looked for from its table's line on."""

    def __init__(self, text: str) -> None:
        self._count = 0
        self._lines: dict[str, list[int]] = {}
        for number, line in enumerate(text.splitlines()):
            is_header = line.lstrip().startswith("[")
            for word in _WORD.finditer(line):
                blanks = _BLANKS.match(line, word.end())
                sign = line[blanks.end() : blanks.end() + 1] if blanks else ""
                if sign in ("=", ".") or (sign == "]" and is_header):
                    self._lines.setdefault(word[1] or word[2] or word[3] or "", []).append(number)

    def node(self, value: object, line: int) -> Node:
        """The node of a value that stands at a line (from 0)."""
        mark = Mark("", 0, line, 0, "", 0)
        self._count += 1
        if self._count > MOST_VALUES:
            raise TomlError(f"has more than {MOST_VALUES:,} values", line + 1)
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
        lines = self._lines.get(key, [])
        at = bisect_left(lines, start)
        return lines[at] if at < len(lines) else start
