"""YAML text to nodes with positions, and nodes to plain data, within bounds. Nothing here knows what a file is for."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Hashable, Iterator
from typing import Any, ClassVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap.late_patterns import expression
from ansible_reap.reading import RefusedError, SourceError

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]

__all__ = ["SourceError"]

STR = "tag:yaml.org,2002:str"
SEQ = "tag:yaml.org,2002:seq"
MAP = "tag:yaml.org,2002:map"
MERGE = "tag:yaml.org,2002:merge"
_UNDECIDED = "!undecided"
"""The tag of a value that hangs on the release of PyYAML."""
_MERGE_KEY = expression(rb"<<[ \t]*(?:[:,}\]#\r\n\xc2\xe2]|\Z)")
"""A merge key as it is written, before any break of a line too; a here document is none."""
_MERGE_TAGS = (b"!!", b"!<", b"%TAG")
"""How a tag may begin by which any key is one."""


class YamlLoader(_BaseLoader):
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

    # nothing to do without path resolvers: what takes as many arguments and costs least
    descend_resolver: ClassVar[Any] = operator.is_
    ascend_resolver: ClassVar[Any] = bool


MAX_DEPTH = 200
"""Collections within each other. libyaml's composer goes down on the stack (up to PyYAML 6.0.3 without any bound), and
the work of its scanner grows with the square of the depth of flow collections."""
MAX_EXPANSION = 4_000_000
"""What aliases may add to a document, in characters, once each is replaced by what it stands for."""
NODE_WEIGHT = 16
"""What a node counts besides its characters."""
MAX_VALUES = 100_000
"""Nodes of a document, each of which takes a third of a kilobyte. The largest of those that real projects have their
Ansible read has some 15,000."""
TOO_MANY = f"does not parse: more than {MAX_VALUES:,} values in one document; split it"
"""What is said where that is so."""
MAX_TAG_DIRECTIVES = 100
"""``%TAG`` lines of a file: libyaml compares each with all before it."""
MAX_DATA_DEPTH = 60
MAX_REMEMBERED = 20_000
MAX_INTEGER = 64
"""Characters of a whole number; a longer one stays text."""
_DEEP_INDENT = b" " * (MAX_DEPTH // 2)
_COMPACT_LINE = rb"[ \t]*(?:(?:[-?:]|[&!]\S*)[ \t]+){30}"
"""A line that begins many collections."""
_COMPACT_NESTING = expression(rb"\n" + _COMPACT_LINE)
"""It has a literal in front, which is searched for at the speed of memory."""
_COMPACT_FIRST_LINE = expression(_COMPACT_LINE)
_ODD_BREAKS = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")
"""What ends a line besides the usual: libyaml keeps to YAML 1.1."""
_ALIAS = expression(rb"\*(?<![^\s\[,{]\*)[\w-]")
"""An asterisk first: so the search goes from one asterisk to the next."""
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPEN = -1
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_TAG_DIRECTIVE = expression(rb"(?<![\t -~])%TAG")
"""Where a line begins, in whatever way it is ended before."""
_SIGNS = {b":": 2, b"?": 2} | dict.fromkeys((b"\n", b",", b"-", b"[", b"{", b"\r", b"\x85", b"\xa8", b"\xa9"), 1)
"""Nodes that may stand at a sign: a mapping may begin with a key and have no sign of its own."""


class Hidden(str):
    """What cannot be read here: a vaulted value, and what stands deeper in data than is gone into."""

    __slots__ = ()


class Undecided(Hidden):
    """Stands for a value that hangs on the release of PyYAML."""

    __slots__ = ()


class Unsafe(str):
    """Text under ``!unsafe``, which Ansible never templates."""

    __slots__ = ()


def compose(data: bytes) -> Node | None:
    """The root node of the first document that is not empty; None for an empty file. Raises SourceError.

    Depth and aliases are bounded, and no node stands within itself: whoever walks the nodes comes to an end.
    """
    _refuse(data)
    root: Node | None = None
    try:
        loader = YamlLoader(data)
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
    if root is not None and b"*" in data and _ALIAS.search(data) is not None:
        _refuse_expansion(root)
    return root


def check(data: bytes) -> None:
    """Whether the text parses, without keeping anything of it. Raises SourceError."""
    if (b"*" in data and _ALIAS.search(data) is not None) or not hasattr(YamlLoader, "raw_parse"):
        compose(data)  # only the composer knows whether an alias has its anchor
        return
    _refuse(data)
    try:
        loader = YamlLoader(data)
        try:
            loader.raw_parse()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _source_error(error, data) from None


def _refuse(data: bytes) -> None:
    """Look for what must not get into the composer. Raises SourceError."""
    if data.startswith(_UTF_16):
        raise SourceError(f"is not UTF-8 text (byte 0x{data[0]:02x})")
    if data.count(b"%TAG") > MAX_TAG_DIRECTIVES:
        directives = [found.start() for found in _TAG_DIRECTIVE.finditer(data)]
        if len(directives) > MAX_TAG_DIRECTIVES:
            line = data.count(b"\n", 0, directives[MAX_TAG_DIRECTIVES]) + 1
            raise RefusedError(f"does not parse: more than {MAX_TAG_DIRECTIVES} %TAG directives", line)
    if _may_be_deep(data) or (len(data) > MAX_VALUES and _most_values(data) > MAX_VALUES):
        _refuse_events(data)


def _most_values(data: bytes) -> int:
    """More nodes than these the text cannot have; a quick look at the bytes."""
    return 2 + sum(data.count(sign) * nodes for sign, nodes in _SIGNS.items())


def _may_be_deep(data: bytes) -> bool:
    """Whether the text might hold more collections within each other than MAX_DEPTH; a quick look at the bytes.

    A collection within another in block style begins further right in its line, and in flow style it has a bracket.
    """
    has_brackets = data.count(b"[") + data.count(b"{") > MAX_DEPTH
    return (
        (has_brackets and max(_flow_depths(data)) > MAX_DEPTH)
        or _DEEP_INDENT in data
        or _COMPACT_NESTING.search(data) is not None
        or _COMPACT_FIRST_LINE.match(data) is not None
        or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n"))
        or (not data.isascii() and any(sign in data for sign in _ODD_BREAKS))
    )


def _refuse_events(data: bytes) -> None:
    """Count what the composer would nest, which the parser's events do not, and the nodes that it would make."""
    depth = values = 0
    try:
        loader = YamlLoader(data)
        try:
            while loader.check_event():
                event = loader.get_event()
                if isinstance(event, yaml.NodeEvent):
                    values += 1
                    if values > MAX_VALUES:
                        raise RefusedError(TOO_MANY, _line(event.start_mark))
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                    if depth > MAX_DEPTH:
                        raise RefusedError("does not parse: nested too deeply", _line(event.start_mark))
                elif isinstance(event, yaml.CollectionEndEvent):
                    depth -= 1
                elif isinstance(event, yaml.DocumentStartEvent):
                    values = 0
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _source_error(error, data) from None


def _flow_depths(data: bytes) -> Iterator[int]:
    """The depth after each bracket, those in text and comments counted too."""
    return itertools.accumulate(map(_STEPS.__getitem__, data.translate(None, _NOT_BRACKETS)))


def _refuse_expansion(root: Node) -> None:
    """Add up what the nodes weigh as written and with each alias replaced, and how deep they are nested then."""
    weights: dict[int, int] = {}
    depths: dict[int, int] = {}
    written = 0
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, is_done = stack.pop()
        if is_done:
            own = NODE_WEIGHT
            weight = own + sum(weights[id(child)] for child in _children(node))
            depths[id(node)] = 1 + max((depths.get(id(child), 0) for child in _children(node)), default=0)
            if depths[id(node)] > MAX_DEPTH:
                raise RefusedError(
                    f"does not parse: its aliases nest it more than {MAX_DEPTH} deep", node.start_mark.line + 1
                )
        elif id(node) in weights:
            if weights[id(node)] == _OPEN:
                raise RefusedError("does not parse: an alias stands within what it names", node.start_mark.line + 1)
            continue
        elif isinstance(node, ScalarNode):
            weight = own = NODE_WEIGHT + len(node.value)
        else:
            weights[id(node)] = _OPEN
            stack.append((node, True))
            stack += [(child, False) for child in _children(node)]
            continue
        written += own
        weights[id(node)] = weight
        if weight - written > MAX_EXPANSION:
            raise RefusedError(
                f"does not parse: its aliases stand for more than {MAX_EXPANSION:,} characters",
                node.start_mark.line + 1,
            )


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        return itertools.chain.from_iterable(node.value)
    return iter(node.value)


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def plain(node: Node) -> Any:
    """The node as plain data: scalars typed as YAML 1.1 does, merge keys resolved, unknown tags passed over."""
    return _Builder().build(node, 0)


def pairs(node: MappingNode) -> list[tuple[str, Node, Node]]:
    """(key, key node, value node) with merge keys resolved as PyYAML does; of a key that stands twice the last counts.

    Releases of PyYAML differ in some of it: a value that hangs on the release is hidden.
    """
    if all(key.tag != MERGE for key, _ in node.value):
        return _flattened(node, 0, is_new=False)
    before = {entry[0]: entry for entry in _flattened(node, 0, is_new=False)}
    since = {entry[0]: entry for entry in _flattened(node, 0, is_new=True)}
    return [entry if _alike(entry[2], since[key][2]) else _undecided(entry) for key, entry in before.items()]


def may_merge(data: bytes) -> bool:
    """Whether the text may hold a merge key; a quick look at the bytes."""
    is_written = b"<<" in data and _MERGE_KEY.search(data) is not None
    return is_written or any(sign in data for sign in _MERGE_TAGS)


def refuse_undecided(root: Node, data: bytes) -> None:
    """Raise RefusedError for a mapping of which some value hangs on the release of PyYAML that merges it."""
    if not may_merge(data):
        return
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, ScalarNode) or id(node) in seen:
            continue
        seen.add(id(node))
        stack += _children(node)
        if isinstance(node, MappingNode) and any(key.tag == MERGE for key, _ in node.value):
            name = next((name for name, _, value in pairs(node) if value.tag == _UNDECIDED), None)
            if name is not None:
                problem = f"merges several values of {name!r}: PyYAML takes another from 6.0.4 on than before"
                raise RefusedError(problem, _line(node.start_mark))


def _undecided(entry: tuple[str, Node, Node]) -> tuple[str, Node, Node]:
    name, key, value = entry
    return name, key, ScalarNode(_UNDECIDED, "", value.start_mark, value.end_mark)


def _alike(one: Node, other: Node) -> bool:
    if one is other:
        return True
    if isinstance(one, ScalarNode) and isinstance(other, ScalarNode):
        return bool(one.tag == other.tag and one.value == other.value)
    return type(one) is type(other) and bool(plain(one) == plain(other))


def _flattened(node: MappingNode, depth: int, *, is_new: bool) -> list[tuple[str, Node, Node]]:
    """Whatever stands in the mapping: what is merged before its own, of several merge keys one behind the other.

    Up to PyYAML 6.0.3 the sources of a list stand in the other order, so that the first one wins. From 6.0.4 on the
    last one wins, but a key that comes by two ways counts once, at its first place, and so do keys of one character.
    """
    own: list[tuple[str, Node, Node]] = []
    merged: list[tuple[str, Node, Node]] = []
    if depth > MAX_DEPTH:
        return own  # what is composed is no deeper
    seen: set[int | str] = set()
    for key, value in node.value:
        if key.tag != MERGE:
            if isinstance(key, ScalarNode):
                own.append((key.value, key, value))
            continue
        sources = value.value if isinstance(value, SequenceNode) else [value]
        for source in sources if is_new else reversed(sources):
            for entry in _flattened(source, depth + 1, is_new=is_new) if isinstance(source, MappingNode) else ():
                identity = id(entry[1]) if len(entry[0]) > 1 else entry[0]
                if not (is_new and identity in seen):
                    seen.add(identity)
                    merged.append(entry)
    return merged + own if merged else own


def _source_error(error: yaml.YAMLError, data: bytes) -> SourceError:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return SourceError(f"is not UTF-8 text (byte 0x{data[wrong.start]:02x})", data.count(b"\n", 0, wrong.start) + 1)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    text = " ".join(str(problem).split())
    return SourceError(f"does not parse: {text}", _line(mark))


def _line(mark: Any) -> int:
    return int(mark.line) + 1 if mark is not None else 1


class _Builder:
    """Builds plain data; aliased nodes are built once and shared."""

    def __init__(self) -> None:
        self._built: dict[int, Any] = {}

    def build(self, node: Node, depth: int) -> Any:
        if isinstance(node, ScalarNode):
            return scalar(node)
        if id(node) in self._built:
            return self._built[id(node)]
        if depth > MAX_DATA_DEPTH:
            return Hidden()  # what is deeper is not known
        result: Any = None
        if isinstance(node, SequenceNode):
            result = [self.build(child, depth + 1) for child in node.value]
        elif isinstance(node, MappingNode):
            result = {}
            for _, key, value in pairs(node):
                plain_key = scalar(key)
                if isinstance(plain_key, Hashable):
                    result[plain_key] = self.build(value, depth + 1)
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
    if tag == _UNDECIDED:
        return Undecided()
    if tag in ("!vault", "!vault-encrypted"):
        return Hidden(text)
    if tag == "!unsafe":
        return Unsafe(text)
    return text


def _integer(text: str) -> int | str:
    if len(text) > MAX_INTEGER:
        return text
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
