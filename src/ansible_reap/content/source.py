"""Files to YAML nodes with positions, and nodes to plain data. Nothing here knows what a playbook is."""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]

STR = "tag:yaml.org,2002:str"
SEQ = "tag:yaml.org,2002:seq"
MAP = "tag:yaml.org,2002:map"


class Loader(_BaseLoader):
    """A safe loader that works out tags faster: there are no path resolvers, and most scalars are met often."""

    _tags: ClassVar[dict[str, str]] = {}

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:
        if kind is not ScalarNode:
            return SEQ if kind is SequenceNode else MAP
        if not implicit[0] or value is None:
            return STR
        tag = self._tags.get(value)
        if tag is None:
            tag = STR
            for candidate, regexp in self.yaml_implicit_resolvers.get(value[:1], ()):
                if regexp.match(value):
                    tag = candidate
                    break
            if len(self._tags) < MAX_REMEMBERED:
                self._tags[value] = tag
        return tag

    def descend_resolver(self, current_node: Node | None, current_index: Any) -> None:
        """Nothing to do without path resolvers."""

    def ascend_resolver(self) -> None:
        """Nothing to do without path resolvers."""


VAULT_HEADER = b"$ANSIBLE_VAULT"
MAX_SIZE = 32 * 1024 * 1024
MAX_FLOW_DEPTH = 400
"""libyaml's own work grows with the square of the flow depth, and its composer has no bound on the stack."""
MAX_DATA_DEPTH = 60
MAX_REMEMBERED = 20_000
_COMPACT_SIGNS = {
    b"-": (b"- - - - - - - -", b"-  -  -  -"),
    b"?": (b"? ? ", b"? - ", b"- ? ", b"? &", b"? !"),
    b"&": (b"- &",),
    b"!": (b"- !",),
}
"""What a line of many compact collections must hold, by a byte that is rare enough to be looked for first."""
_COMPACT_NESTING = rb"(?m)^(?:[ \t]*[-?](?:[ \t]+[&!]\S*)*(?=[ \t])){150}"
"""Rarely asked, and dear to compile."""
_ALIAS = re.compile(rb"\*(?<![^\s\[,{]\*)\w")
"""An asterisk first: so the search goes from one asterisk to the next."""
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Hidden(str):
    """A vaulted value: text that cannot be read here."""

    __slots__ = ()


class Unsafe(str):
    """Text under ``!unsafe``, which Ansible never templates."""

    __slots__ = ()


class SourceError(Exception):
    """A file that cannot be read or parsed; ``line`` counts from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def read(path: Path | str) -> bytes:
    """The bytes of a file. Raises SourceError where it cannot be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not make us wait
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise SourceError("cannot be read: not a regular file")
            if found.st_size > MAX_SIZE:
                raise SourceError(f"cannot be read: larger than {MAX_SIZE // 1024 // 1024} MB")
            parts = []
            while part := os.read(file, found.st_size + 1):
                parts.append(part)
        finally:
            os.close(file)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}") from None
    return b"".join(parts)


def is_vaulted(data: bytes) -> bool:
    return data.startswith(VAULT_HEADER)


def check(data: bytes) -> None:
    """Parse without keeping anything: a fifth of the cost of composing. Raises SourceError."""
    if is_vaulted(data):
        return
    if _may_have_aliases(data) or not hasattr(Loader, "raw_parse"):
        compose(data)  # only the composer knows whether an alias has its anchor
        return
    _refuse_deep_nesting(data)
    try:
        loader = Loader(data)
        try:
            loader.raw_parse()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _source_error(error, data) from None


def compose(data: bytes) -> Node | None:
    """The root node of the first document that is not empty; None for an empty or vaulted file. Raises SourceError."""
    if is_vaulted(data):
        return None
    _refuse_deep_nesting(data)
    _refuse_deep_lines(data)
    root: Node | None = None
    try:
        loader = Loader(data)
        try:
            while loader.check_node():
                node = loader.get_node()
                if root is None and node is not None and not _is_null(node):
                    root = node
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _source_error(error, data) from None
    except (RecursionError, ValueError) as error:
        raise SourceError(f"does not parse: {error}") from None
    return root


def without_statements(data: bytes) -> bytes:
    """The text with lines that hold nothing but Jinja statements blanked: what a project template makes of itself."""
    return b"\n".join(
        b"" if line.strip().startswith(b"{%") and line.strip().endswith(b"%}") else line for line in data.split(b"\n")
    )


def plain(node: Node) -> Any:
    """The node as plain data: scalars typed as YAML 1.1 does, merge keys resolved, unknown tags passed over."""
    return _Builder().build(node, 0)


def pairs(node: MappingNode) -> list[tuple[str, Node, Node]]:
    """(key, key node, value node) with merge keys resolved as Ansible does: own keys win, the first merge wins."""
    own: list[tuple[str, Node, Node]] = []
    merged: list[tuple[str, Node, Node]] = []
    _collect_pairs(node, own, merged, set())
    if not merged:
        return own
    seen = {key for key, _, _ in own}
    for entry in merged:
        if entry[0] not in seen:
            seen.add(entry[0])
            own.append(entry)
    return own


def _collect_pairs(
    node: MappingNode, own: list[tuple[str, Node, Node]], merged: list[tuple[str, Node, Node]], active: set[int]
) -> None:
    if id(node) in active or len(active) > MAX_DATA_DEPTH:
        return
    active.add(id(node))
    for key, value in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            sources = value.value if isinstance(value, SequenceNode) else [value]
            for source in sources:
                if isinstance(source, MappingNode):
                    inner: list[tuple[str, Node, Node]] = []
                    rest: list[tuple[str, Node, Node]] = []
                    _collect_pairs(source, inner, rest, active)
                    merged.extend(inner)
                    merged.extend(rest)
        elif isinstance(key, ScalarNode):
            own.append((key.value, key, value))
    active.discard(id(node))


def end_line(node: Node) -> int:
    """The last line (from 1) that the node's text stands on; a block's end mark lies at the start of what follows."""
    if isinstance(node, ScalarNode):
        mark = node.end_mark
        if node.style in ("|", ">") or (mark.column == 0 and mark.line > node.start_mark.line):
            lines = node.value.rstrip("\n").count("\n") + 1 if node.style == "|" else 0
            return int(max(node.start_mark.line + 1, min(mark.line, node.start_mark.line + 1 + lines or mark.line)))
        return int(mark.line) + 1
    if not isinstance(node, (MappingNode, SequenceNode)):
        return int(node.start_mark.line) + 1
    if node.flow_style:
        return int(node.end_mark.line) + 1
    if not node.value:
        return int(node.start_mark.line) + 1
    last = node.value[-1]
    if isinstance(node, MappingNode):
        key, value = last
        line = key.end_mark.line + 1
        # an alias stands elsewhere, and so does an empty value
        return max(line, end_line(value)) if value.start_mark.line >= key.start_mark.line else int(line)
    return max(int(node.start_mark.line) + 1, end_line(last))


def _may_have_aliases(data: bytes) -> bool:
    return b"*" in data and _ALIAS.search(data) is not None


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _refuse_deep_nesting(data: bytes) -> None:
    """Flow collections, which cost the parser time."""
    if data.count(b"[") + data.count(b"{") > MAX_FLOW_DEPTH:
        brackets = data.translate(None, _NOT_BRACKETS)
        if max(itertools.accumulate(map(_STEPS.__getitem__, brackets))) > MAX_FLOW_DEPTH:
            raise SourceError("does not parse: nested too deeply")


def _refuse_deep_lines(data: bytes) -> None:
    """Compact block collections, which cost the composer its stack."""
    is_compact = any(byte in data and any(sign in data for sign in signs) for byte, signs in _COMPACT_SIGNS.items())
    match = re.search(_COMPACT_NESTING, data) if is_compact else None
    if match is not None:
        raise SourceError("does not parse: nested too deeply", data.count(b"\n", 0, match.start()) + 1)


def _source_error(error: yaml.YAMLError, data: bytes) -> SourceError:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return SourceError(f"is not UTF-8 text (byte 0x{data[wrong.start]:02x})", data.count(b"\n", 0, wrong.start) + 1)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    line = mark.line + 1 if mark is not None else 1
    text = " ".join(str(problem).split())
    return SourceError(f"does not parse: {text}", line)


class _Builder:
    """Builds plain data; aliased nodes are built once and shared, self-references are cut."""

    def __init__(self) -> None:
        self._built: dict[int, Any] = {}

    def build(self, node: Node, depth: int) -> Any:
        if isinstance(node, ScalarNode):
            return scalar(node)
        if id(node) in self._built:
            return self._built[id(node)]
        if depth > MAX_DATA_DEPTH:
            return None
        self._built[id(node)] = None
        result: Any
        if isinstance(node, SequenceNode):
            result = [self.build(child, depth + 1) for child in node.value]
        elif isinstance(node, MappingNode):
            result = {}
            for _, key, value in pairs(node):
                plain_key = scalar(key)
                if isinstance(plain_key, Hashable):
                    result[plain_key] = self.build(value, depth + 1)
        else:
            result = None
        self._built[id(node)] = result
        return result


_TRUE = frozenset({"yes", "true", "on"})


def scalar(node: Node) -> Any:
    """A scalar's value; what does not convert stays text."""
    text: str = node.value
    tag = node.tag
    if tag == "tag:yaml.org,2002:str":
        return text
    if tag == "tag:yaml.org,2002:null":
        return None
    if tag == "tag:yaml.org,2002:bool":
        return text.lower() in _TRUE
    if tag == "tag:yaml.org,2002:int":
        return _integer(text)
    if tag == "tag:yaml.org,2002:float":
        return _floating(text)
    if tag in ("!vault", "!vault-encrypted"):
        return Hidden(text)
    if tag == "!unsafe":
        return Unsafe(text)
    return text


def _integer(text: str) -> int | str:
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    try:
        if ":" in digits:
            value = 0
            for part in digits.split(":"):
                value = value * 60 + int(part)
        elif digits.startswith(("0x", "0b")):
            value = int(digits, 0)
        elif digits.startswith("0") and len(digits) > 1:
            value = int(digits, 8)
        else:
            value = int(digits)
    except ValueError:
        return text
    return sign * value


def _floating(text: str) -> float | str:
    try:
        return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
