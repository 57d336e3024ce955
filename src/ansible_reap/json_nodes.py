"""JSON text to the nodes that YAML has. Ansible tries to read a file as JSON, as Python does, before it does as YAML.

The two differ: YAML refuses halves of characters (``"\\ud83d\\ude00"``), long keys and tabs, takes ``1e2`` and ``NaN``
for text and folds unusual breaks of lines, and of JSON alone Ansible takes ``{"__ansible_unsafe": "text"}`` for a text.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable
from json import decoder

from yaml import Mark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap.late_patterns import expression
from ansible_reap.reading import RefusedError
from ansible_reap.yaml_nodes import MAP, MAX_VALUES, SEQ, STR, TOO_MANY

_scan: Callable[[str, int], tuple[str, int]] = decoder.scanstring  # type: ignore[attr-defined]
"""What Python's own reader reads a text in quotes with."""
_BREAK = expression(r"\r\n?|\n")
_BLANKS = expression(r"[ \t\n\r]*")
_BARE = expression(r"[^\s,\]}]+")
"""A number or a word; what can be none has been refused before."""
_PREFIX = "tag:yaml.org,2002:"
_WORDS = {
    "true": ("bool", "true"),
    "false": ("bool", "false"),
    "null": ("null", "null"),
    "NaN": ("float", ".nan"),
    "Infinity": ("float", ".inf"),
    "-Infinity": ("float", "-.inf"),
}
STAND_IN = b"ansible_unsafe"
"""What a text has that may hold such a mapping and mean different things to releases of Ansible."""
_UNSAFE, _VAULT = "__ansible_unsafe", "__ansible_vault"
"""Keys of a mapping that stands for a text, up to ``AnsibleJSONDecoder`` of ansible-core 2.18 and since."""


def is_json(data: bytes) -> bool:
    """Whether the bytes are a list or a mapping in JSON, as Python's reader takes it."""
    return _text(data) is not None


def compose(data: bytes, max_depth: int) -> Node | None:
    """The root node of a list or a mapping in JSON; None for whatever else. Raises RefusedError."""
    text = _text(data)
    return None if text is None else _Composer(text, max_depth).root()


def _text(data: bytes) -> str | None:
    if data.lstrip(b" \t\r\n")[:1] not in (b"[", b"{"):
        return None
    try:
        text = data.decode("utf-8")
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return text


class _Composer:
    """Goes through a text that is known to be JSON."""

    def __init__(self, text: str, max_depth: int) -> None:
        self._text = text
        self._lines = [0, *(found.end() for found in _BREAK.finditer(text))]
        self._max_depth = max_depth
        self._values = 0

    def root(self) -> Node:
        return self._node(self._next(0), 1)[0]

    def _node(self, at: int, depth: int) -> tuple[Node, int]:
        """The value that begins there, and where it ends."""
        self._count(at)
        first = self._text[at]
        if first not in '[{"':
            return self._bare(at)
        if first == '"':
            return self._string(at)
        if depth > self._max_depth:
            raise RefusedError("does not parse: nested too deeply", self._mark(at).line + 1)
        return self._list(at, depth) if first == "[" else self._mapping(at, depth)

    def _count(self, at: int) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise RefusedError(TOO_MANY, self._mark(at).line + 1)

    def _list(self, at: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        end = self._next(at + 1)
        while self._text[end] != "]":
            item, end = self._node(end, depth + 1)
            items.append(item)
            end = self._behind(end)
        end += 1
        return SequenceNode(SEQ, items, self._mark(at), self._mark(end), flow_style=True), end

    def _mapping(self, at: int, depth: int) -> tuple[Node, int]:
        entries: list[tuple[Node, Node]] = []
        end = self._next(at + 1)
        while self._text[end] != "}":
            self._count(end)
            key, end = self._string(end)
            value, end = self._node(self._next(self._next(end) + 1), depth + 1)
            entries.append((key, value))
            end = self._behind(end)
        end += 1
        stand_in = self._stand_in(entries)
        if stand_in is not None:
            return stand_in, end
        return MappingNode(MAP, entries, self._mark(at), self._mark(end), flow_style=True), end

    def _stand_in(self, entries: list[tuple[Node, Node]]) -> Node | None:
        """The text that Ansible takes a mapping for."""
        marked = {key.value: value for key, value in entries if key.value in (_UNSAFE, _VAULT)}
        if not marked:
            return None
        value = next(iter(marked.values()))
        if len(marked) > 1 or value.tag != STR:
            problem = (
                f"has {next(iter(marked))!r} with no text or beside another such key: Ansible's releases differ in it"
            )
            raise RefusedError(problem, int(value.start_mark.line) + 1)
        tag = "!unsafe" if _UNSAFE in marked else "!vault"
        return ScalarNode(tag, value.value, value.start_mark, value.end_mark, style='"')

    def _string(self, at: int) -> tuple[Node, int]:
        value, end = _scan(self._text, at + 1)
        return ScalarNode(STR, value, self._mark(at), self._mark(end), style='"'), end

    def _bare(self, at: int) -> tuple[Node, int]:
        found = _BARE.match(self._text, at)
        assert found is not None
        word, end = found.group(), found.end()
        kind, value = _WORDS.get(word) or ("int" if word.lstrip("-").isdigit() else "float", word)
        return ScalarNode(_PREFIX + kind, value, self._mark(at), self._mark(end)), end

    def _next(self, at: int) -> int:
        found = _BLANKS.match(self._text, at)
        assert found is not None
        return found.end()

    def _behind(self, at: int) -> int:
        """Where the next entry begins, or the bracket stands that ends them."""
        at = self._next(at)
        return self._next(at + 1) if self._text[at] == "," else at

    def _mark(self, at: int) -> Mark:
        line = bisect_right(self._lines, at) - 1
        return Mark("", at, line, at - self._lines[line], None, 0)
