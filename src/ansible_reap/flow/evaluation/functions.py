"""Calls in templates: lookups, ``range``, ``dict`` and the methods of values."""

from __future__ import annotations

from jinja2 import nodes

from ansible_reap.flow.evaluation import ids
from ansible_reap.flow.evaluation.host_sets import HostSet
from ansible_reap.flow.evaluation.lists import crossed, entries, flattened, keyed, numbered, subelements, zipped
from ansible_reap.flow.evaluation.scalars import string_method
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.values import (
    ABSENT,
    NOT_PLAIN,
    UNDEFINED,
    UNKNOWN,
    Const,
    JobId,
    Map,
    Seq,
    Undefined,
    Unknown,
    Value,
    as_map,
    as_seq,
    mapped,
    options,
    plain,
    taints,
)

MAX_RANGE = 200
"""Numbers of a range that are listed."""


def apply(evaluator: EvaluatorInterface, node: nodes.Call) -> Value:
    """The value of a call."""
    name = node.node.name if isinstance(node.node, nodes.Name) else None
    if name in ("lookup", "query", "q") and node.args:
        return _lookup(evaluator, node)
    if name == "range":
        return _range(evaluator, node)
    if name == "dict":
        return _dictionary(evaluator, node)
    if isinstance(node.node, nodes.Getattr):
        return _method(evaluator, node.node, node)
    return evaluator.anything(node)


def _lookup(evaluator: EvaluatorInterface, node: nodes.Call) -> Value:
    plugin = str(plain(evaluator.value(node.args[0]))).rsplit(".", 1)[-1]
    arguments = [evaluator.value(argument) for argument in node.args[1:]]
    if plugin == "vars" and arguments:
        names = [plain(argument) for argument in arguments]
        values = [evaluator.name(name) if isinstance(name, str) else Unknown(evaluator.live) for name in names]
        is_list = len(values) > 1 or _called(node) != "lookup" or any(pair.key == "wantlist" for pair in node.kwargs)
        return Seq(tuple(values)) if is_list else values[0]
    if plugin == "list" and arguments:
        return _as_they_are(arguments, _called(node) == "lookup" and not node.kwargs)
    if plugin in ("items", "flattened") and arguments:
        return flattened(arguments[0] if len(arguments) == 1 else Seq(tuple(arguments)), 1)
    listed = _of_lists(evaluator, plugin, arguments) if _called(node) != "lookup" else None
    if listed is not None:
        return listed
    mapping = as_map(arguments[0]) if arguments else None
    if plugin == "dict" and mapping is not None:
        return keyed(mapping)
    if plugin == "inventory_hostnames" and len(arguments) == 1:
        return of_pattern(arguments[0])
    if plugin == "index_of" and len(arguments) == 3 and plain(arguments[1]) == "eq":
        return _position(arguments[0], arguments[2])
    found = frozenset().union(*(taints(argument) for argument in arguments))
    # a file that is rendered may name any variable
    return Unknown(found | evaluator.live if plugin in ("template", "NOT_PLAIN") else found)


def _of_lists(evaluator: EvaluatorInterface, plugin: str, arguments: list[Value]) -> Value | None:
    """What ``query`` makes of lists by a plugin that ``with_nested`` and its like use; None by any other."""
    if plugin == "nested":
        return crossed([flattened(argument, 1) for argument in arguments])
    if plugin == "together":
        return zipped(arguments, Const(None))
    if plugin == "indexed_items":
        return numbered(flattened(Seq(tuple(arguments)), 1))
    if plugin == "subelements" and len(arguments) > 1:
        return subelements(evaluator, arguments[0], plain(arguments[1]))
    return None


def _as_they_are(arguments: list[Value], is_unwrapped: bool) -> Value:
    """The arguments as a list of as many: ``query('list', [])`` has a part. ``lookup`` gives a single one by itself.

    Seen on ansible-core 2.16 and 2.22.
    """
    if len(arguments) > 1:
        return Seq(tuple(arguments))
    if is_unwrapped:
        return arguments[0]
    return mapped(arguments[0], lambda value: value if isinstance(value, Undefined) else Seq((value,)))


def _called(node: nodes.Call) -> str | None:
    return node.node.name if isinstance(node.node, nodes.Name) else None


def of_pattern(value: Value) -> Value:
    """The hosts of a pattern."""
    text = plain(value)
    return Unknown(taints(value), HostSet((text,)) if isinstance(text, str) else None)


def _dictionary(evaluator: EvaluatorInterface, node: nodes.Call) -> Value:
    """``dict(a=1)``, ``dict(mapping)`` and ``dict(pairs)``."""
    found: list[tuple[str, Value]] = []
    rest: Value | None = None
    if node.args:
        base = evaluator.value(node.args[0])
        mapping, pairs = as_map(base), as_seq(base)
        if mapping is not None:
            found, rest = list(mapping.entries), mapping.rest
        elif pairs is None:
            return Unknown(taints(base))
        for pair in pairs.items if pairs is not None else ():
            row = as_seq(pair)
            if row is None or len(row.items) != 2:
                return Unknown(taints(base))
            key = plain(row.items[0])
            if isinstance(key, (str, int, float, bool)) and not (pairs is not None and pairs.is_open):
                found.append((str(key), row.items[1]))
            else:
                rest = row.items[1] if rest is None else Unknown(taints(rest) | taints(row.items[1]))
    found += [(pair.key, evaluator.value(pair.value)) for pair in node.kwargs]
    return Map(tuple(dict(found).items()), rest)


def _position(among: Value, wanted: Value) -> Value:
    """The place of something in a list that is written out; unknown for any other."""
    known, item = plain(among), plain(wanted)
    if isinstance(known, list) and item is not NOT_PLAIN and item in known:
        return Const(known.index(item))
    return UNKNOWN


def _range(evaluator: EvaluatorInterface, node: nodes.Call) -> Value:
    bounds = [plain(evaluator.value(argument)) for argument in node.args]
    if bounds and all(isinstance(bound, int) for bound in bounds):
        try:
            numbers = range(*bounds)
        except (TypeError, ValueError):
            return UNKNOWN
        return Seq(tuple(Const(number) for number in numbers[:MAX_RANGE]), is_open=bool(numbers[MAX_RANGE:]))
    return Seq((UNKNOWN,), is_open=True)


def _method(evaluator: EvaluatorInterface, method: nodes.Getattr, node: nodes.Call) -> Value:
    base = evaluator.value(method.node)
    if method.attr == "keys" and isinstance(base, Unknown):
        return base
    arguments = [evaluator.value(argument) for argument in node.args]
    if method.attr == "get" and arguments:
        found = evaluator.part(base, plain(arguments[0]))
        default = arguments[1] if len(arguments) > 1 else Const(None)
        # A key that is there keeps its value; what nothing here defines is for somebody else to say.
        kept = {ABSENT: default, UNDEFINED: UNKNOWN}
        return mapped(found, lambda value: kept[value] if isinstance(value, Undefined) else value)
    if method.attr in ("values", "items", "keys") and as_map(base) is not None:
        return entries(as_map(base), method.attr)
    if method.attr == "index" and len(arguments) == 1:
        return _position(base, arguments[0])
    if method.attr in ("append", "extend", "update"):
        return evaluator.anything(node)
    if method.attr == "format" and not node.kwargs:
        return evaluator.filled(base, "{}", arguments)
    given = [plain(argument) for argument in arguments]
    if any(isinstance(inner, JobId) for _, inner in options(base)) and not node.kwargs and NOT_PLAIN not in given:
        return mapped(base, lambda value: _of_text(value, method.attr, given))
    if isinstance(base, Const) and isinstance(base.value, str):
        return string_method(base.value, method.attr, [plain(argument) for argument in arguments])
    return Unknown(frozenset().union(taints(base), *(taints(argument) for argument in arguments)))


def _of_text(value: Value, name: str, arguments: list[object]) -> Value:
    """What a method of texts gives back for an id, or for a text."""
    if isinstance(value, JobId):
        return ids.by_method(value, name, arguments)
    is_text = isinstance(value, Const) and isinstance(value.value, str)
    return string_method(plain(value), name, arguments) if is_text else Unknown(taints(value))
