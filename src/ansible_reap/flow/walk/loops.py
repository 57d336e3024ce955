"""What a task loops over."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes

from ansible_reap.content import expressions
from ansible_reap.content.model import Task, as_list
from ansible_reap.flow.evaluation.canonical import tree_of
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Formula, conj, neg
from ansible_reap.flow.evaluation.functions import of_pattern
from ansible_reap.flow.evaluation.lists import crossed, flattened, keyed, numbered, subelements, zipped
from ansible_reap.flow.evaluation.patterns import MAX_PATTERNS, patterns
from ansible_reap.flow.evaluation.selections import selected
from ansible_reap.flow.evaluation.values import (
    MAX_ITEMS,
    NOT_PLAIN,
    UNKNOWN,
    Const,
    Seq,
    Undefined,
    Unknown,
    Value,
    alt,
    as_map,
    as_seq,
    handles,
    lifted,
    one_of,
    options,
    plain,
    taints,
)

_CHOOSING = ("selectattr", "rejectattr")
_OF_ORDER = ("list", "sort", "unique", "reverse", "shuffle")
"""Filters that leave each item as it is."""


def loop_items(evaluator: Evaluator, task: Task) -> Seq | None:
    """The items that the task loops over, one after the other; None for a task without a loop."""
    if task.loop_keyword is None:
        return None
    choices = choices_of(evaluator, task)
    if len(choices) == 1 and choices[0][0] is True:
        return choices[0][1]
    items: list[Value] = []
    for guard, seq in choices:
        items += [alt([(guard, item)]) for item in seq.items]
    return Seq(tuple(items), any(seq.is_open for _, seq in choices))


def selected_by(evaluator: Evaluator, written: list[str], variable: str) -> Formula:
    """What the loop's own ``selectattr`` and ``rejectattr`` say of each item, in the words of conditions on it."""
    found: list[Formula] = []
    node: nodes.Node | None = tree_of(written[0]) if written else None
    while isinstance(node, nodes.Filter) and node.name in (*_CHOOSING, *_OF_ORDER):
        path = plain(evaluator.value(node.args[0])) if node.name in _CHOOSING and node.args else None
        if isinstance(path, str):
            of_item = nodes.Const(f"{variable}.{path}")
            chooses = nodes.Filter(None, node.name, [of_item, *node.args[1:]], node.kwargs, None, None)
            kept = selected(evaluator, UNKNOWN, chooses, variable, by_attribute=True)
            found.append(kept if node.name == "selectattr" else neg(kept))
        node = node.node
    return conj(*found)


def choices_of(evaluator: Evaluator, task: Task) -> list[tuple[Formula, Seq]]:
    """The lists that the task may loop over, each under its condition; none for a task without a loop."""
    keyword = task.loop_keyword
    if keyword is None:
        return []
    short = keyword.removeprefix("with_").rsplit(".", 1)[-1]
    if short == "inventory_hostnames":
        return [(True, _items(evaluator, "list", of_pattern(evaluator.data(task.keywords[keyword]))))]
    if short in ("fileglob", "first_found"):
        return [(True, _files(evaluator, task.keywords[keyword], is_first=short == "first_found"))]
    written = task.keywords[keyword]
    value = evaluator.data(written) if keyword == "loop" else _written(evaluator, written)
    found = options(value)
    if handles(value):
        found = [each for each in found if not isinstance(each[1], Undefined)]  # there the task fails
    return [(guard, _items(evaluator, short, inner)) for guard, inner in found]


def _written(evaluator: Evaluator, written: Any) -> Value:
    """The loop's value; a bare name was once enough for ``with_*``."""
    if isinstance(written, str) and not expressions.is_template(written):
        tree = expressions.expression(written.strip())
        if tree is not None:
            value = evaluator.value(tree)
            if taints(value) or as_seq(value) is not None or as_map(value) is not None:
                return value
    if isinstance(written, list):
        first = written[:MAX_ITEMS]
        parts = [_written(evaluator, part) if isinstance(part, str) else evaluator.data(part) for part in first]
        return Seq((*parts, *evaluator.left(written)), len(written) > MAX_ITEMS)
    return evaluator.data(written)


def _items(evaluator: Evaluator, kind: str, value: Value) -> Seq:
    found = _by_kind(evaluator, kind, value)
    seq = as_seq(found)
    if seq is not None:
        return seq
    if isinstance(found, (Unknown, Undefined)):
        return Seq((found if isinstance(found, Unknown) else UNKNOWN,), is_open=True)
    return Seq((found,))


def _by_kind(evaluator: Evaluator, kind: str, value: Value) -> Value:
    if kind in ("loop", "list"):
        return value
    if kind == "random_choice":
        return _chosen(value)
    if kind in ("items", "nested_items"):
        return flattened(value, 1)
    if kind == "flattened":
        return flattened(value)
    if kind == "dict":
        mapping = as_map(value)
        if mapping is None:
            return Unknown(taints(value))
        return keyed(mapping)
    seq = as_seq(value)
    if kind == "together" and seq is not None:
        return zipped(list(seq.items), Const(None))
    if kind in ("nested", "cartesian") and seq is not None:
        return crossed([flattened(item, 1) for item in seq.items])
    if kind == "subelements" and seq is not None and len(seq.items) > 1:
        return subelements(evaluator, seq.items[0], plain(seq.items[1]))
    if kind == "indexed_items":
        return numbered(flattened(value, 1))
    if kind == "sequence":
        return _sequence(value)
    return Seq((Unknown(taints(value)),), is_open=True)


def _chosen(value: Value) -> Value:
    """One of the items; of an empty list none."""
    items = as_seq(value)
    if items is None:
        return Unknown(taints(value))
    return one_of(Seq(items.items, is_open=True)) if items.items or items.is_open else items


def _files(evaluator: Evaluator, written: Any, *, is_first: bool) -> Seq:
    """Names of files, as patterns; of ``with_first_found`` it is one of them."""
    names: list[str] = []
    for entry in as_list(written):
        if isinstance(entry, dict):
            folders = [f"{each}/" for each in _texts(evaluator, entry.get("paths"))] or [""]
            files = _texts(evaluator, entry.get("files"))
            names += [folder + name for folder in folders for name in files]
        else:
            names += _texts(evaluator, entry)
    if is_first:
        return Seq((Const(names[:MAX_PATTERNS]),)) if names else Seq((UNKNOWN,), is_open=True)
    return Seq(tuple(Const(name) for name in names[:MAX_PATTERNS]))


def _texts(evaluator: Evaluator, written: Any) -> list[str]:
    return [pattern for entry in as_list(written) for pattern in patterns(evaluator, entry)]


def _sequence(value: Value) -> Value:
    text = plain(value)
    if text is NOT_PLAIN or not isinstance(text, str):
        return Seq((UNKNOWN,), is_open=True)
    given = dict(part.partition("=")[::2] for part in text.split())
    try:
        start, stride = int(given.get("start", 1)), int(given.get("stride", 1))
        end = int(given["end"]) if "end" in given else start + int(given["count"]) * stride - 1
        numbers = range(start, end + 1, stride)
    except (KeyError, ValueError):
        return Seq((UNKNOWN,), is_open=True)
    return lifted([str(number) for number in numbers[:200]]) if stride > 0 else Seq((UNKNOWN,), is_open=True)
