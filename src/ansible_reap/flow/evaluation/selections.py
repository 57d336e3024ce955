"""Which items of a list ``select``, ``reject``, ``selectattr`` and ``rejectattr`` keep."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes

from ansible_reap.flow.evaluation.comparisons import equal
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj, neg, opaque
from ansible_reap.flow.evaluation.scalars import as_meant
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.state_tests import asks_for_more, test
from ansible_reap.flow.evaluation.values import (
    NOT_PLAIN,
    Const,
    JobId,
    Undefined,
    Unknown,
    Value,
    is_of_launch,
    options,
    plain,
    taints,
)


def selected(evaluator: EvaluatorInterface, item: Value, node: nodes.Filter, *, by_attribute: bool) -> Formula:
    """Whether ``select``/``selectattr`` keeps the item."""
    arguments = [plain(evaluator.value(argument)) for argument in node.args]
    value, at, text = item, 0, "item"
    if by_attribute:
        if not arguments:
            return True
        text = str(arguments[0])
        value = evaluator.follow(value, text.split("."))
        at = 1
        text = text if text.startswith("item.") else f"item.{text}"
    name = str(arguments[at]).rsplit(".", 1)[-1] if len(arguments) > at else "truthy"
    wanted = arguments[at + 1] if len(arguments) > at + 1 else NOT_PLAIN
    kept = disj(*(conj(guard, _kept(evaluator, inner, name, wanted, text)) for guard, inner in options(value)))
    return opaque(kept) if taints(item) and is_of_launch(item) else kept


def _kept(evaluator: EvaluatorInterface, value: Value, name: str, wanted: Any, text: str) -> Formula:
    if name == "undefined":
        return neg(_kept(evaluator, value, "defined", wanted, text))
    data = plain(value)
    about = taints(value)
    if name in ("equalto", "eq", "==", "ne", "!=", "sameas") and wanted is not NOT_PLAIN:
        if isinstance(value, Undefined) and value.is_sure:
            found: Formula = False
        elif data is not NOT_PLAIN:
            found = bool(data == wanted)
        else:
            found = equal(text, wanted, about, is_opaque=isinstance(value, JobId))
        return neg(found) if name in ("ne", "!=") else found
    if name in ("truthy", "true", "falsy", "false"):
        is_converted = name in ("truthy", "falsy") and wanted is True and data is not NOT_PLAIN
        found = as_meant(data) if is_converted else _simple_truth(value, text)
        return found if name in ("truthy", "true") else neg(found)
    if name == "in" and isinstance(wanted, list) and data is not NOT_PLAIN:
        return data in wanted
    if name == "none" and not isinstance(value, (Unknown, Undefined)):
        return data is None
    if name == "defined" and not isinstance(value, (Unknown, Undefined)):
        return True
    found = test(evaluator, name, value, None)
    is_opaque = asks_for_more(name, value)
    return Atom(f"{text} {name} {wanted!r}", about=about, is_opaque=is_opaque) if isinstance(found, Atom) else found


def _simple_truth(value: Value, text: str) -> Formula:
    if isinstance(value, Const):
        return bool(value.value)
    if isinstance(value, Undefined) and value.is_sure:
        return False
    if isinstance(value, (Unknown, Undefined)):
        return Atom(text, about=taints(value))
    return True
