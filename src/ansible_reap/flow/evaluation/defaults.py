"""``x | default(y)`` in a condition: what is said of x where x is there, and of y where it is not."""

from __future__ import annotations

import copy
from collections.abc import Callable

from jinja2 import nodes

from ansible_reap.flow.evaluation.canonical import canonical
from ansible_reap.flow.evaluation.formulas import And, Atom, Formula, conj, disj, needs, neg
from ansible_reap.flow.evaluation.plugin_names import first_name
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.values import Undefined, Unknown, Value, options, plain
from ansible_reap.records import dataclass

MAX_DEFAULTS = 3
"""Defaults in one condition that are told apart."""
_ALWAYS_THERE = frozenset({"bool", "int", "float", "string", "lower", "upper", "trim", "list", "length"})
"""Filters of ansible-core 2.16 to 2.22 that give back something, or fail."""


@dataclass(frozen=True, slots=True)
class Defaulted:
    """A condition with a default in it as two."""

    asked: nodes.Expr
    """What has a default."""
    is_for_false: bool
    """Whether the default stands for what is false too."""
    kept: nodes.Expr
    """The condition without the default."""
    replaced: nodes.Expr
    """The condition on the default alone."""


def choice_of(evaluator: EvaluatorInterface, node: nodes.Node) -> Defaulted | None:
    """The innermost default on which the condition hangs; None where there is none."""
    if isinstance(node, nodes.Compare):
        return _of_sides(evaluator, node) if len(node.ops) == 1 else None
    spine: list[nodes.Expr] = []
    part: nodes.Node | None = node
    while isinstance(part, (nodes.Filter, nodes.Getattr, nodes.Getitem, nodes.Call, nodes.Test)):
        spine.append(part)
        part = part.node
    found = [place for place, part in enumerate(spine) if _is_default(part)]
    if not found or len(found) > MAX_DEFAULTS:
        return None
    default = spine[found[-1]]
    assert isinstance(default, nodes.Filter)
    given = dict(zip(("default_value", "boolean"), default.args, strict=False))
    given |= {str(pair.key): pair.value for pair in default.kwargs}
    is_for_false = plain(evaluator.value(given["boolean"])) if "boolean" in given else False
    if not isinstance(is_for_false, (bool, int)) or not isinstance(default.node, nodes.Expr):
        return None
    over = spine[: found[-1]]
    otherwise = given.get("default_value", nodes.Const(""))
    return Defaulted(default.node, bool(is_for_false), _put_on(over, default.node), _put_on(over, otherwise))


def _is_default(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Filter)
        and first_name(node.name) == "default"
        and node.node is not None
        and node.dyn_args is None
        and node.dyn_kwargs is None
    )


def _of_sides(evaluator: EvaluatorInterface, node: nodes.Compare) -> Defaulted | None:
    operand = node.ops[0]
    found = choice_of(evaluator, node.expr)
    if found is not None:
        kept, replaced = (nodes.Compare(side, node.ops) for side in (found.kept, found.replaced))
        return Defaulted(found.asked, found.is_for_false, kept, replaced)
    found = choice_of(evaluator, operand.expr)
    if found is None:
        return None
    kept, replaced = (
        nodes.Compare(node.expr, [nodes.Operand(operand.op, side)]) for side in (found.kept, found.replaced)
    )
    return Defaulted(found.asked, found.is_for_false, kept, replaced)


def _put_on(over: list[nodes.Expr], inner: nodes.Expr) -> nodes.Expr:
    """The filters and parts, outermost first, of another expression."""
    for part in reversed(over):
        again = copy.copy(part)
        again.node = inner  # type: ignore[attr-defined]
        inner = again
    return inner


def is_there(evaluator: EvaluatorInterface, node: nodes.Node) -> Formula:
    """Whether the expression is defined, as ``default`` asks."""
    if isinstance(node, nodes.Filter) and first_name(node.name) in _ALWAYS_THERE:
        return True
    return disj(*(conj(guard, _is_there(evaluator, value, node)) for guard, value in options(evaluator.value(node))))


def _is_there(evaluator: EvaluatorInterface, value: Value, node: nodes.Node) -> Formula:
    if isinstance(value, Undefined) and (value.is_sure or evaluator.folds_settings):
        return False
    if isinstance(value, Undefined) or (isinstance(value, Unknown) and not value.taints):
        return Atom(f"{canonical(evaluator, node)} is defined")
    return True


def told_apart(
    evaluator: EvaluatorInterface,
    choice: Defaulted,
    said: Callable[[nodes.Expr], Formula],
    truth: Callable[[nodes.Expr], Formula],
) -> Formula:
    """What ``said`` makes of the condition with the value and with the default, each where it counts."""
    there = is_there(evaluator, choice.asked)
    holds = conj(there, truth(choice.asked)) if choice.is_for_false and there is not False else there
    if holds is False:
        return said(choice.replaced)
    kept = said(choice.kept)
    if holds is True:
        return kept
    other = said(choice.replaced)
    if other is True:
        return disj(kept, neg(holds))
    if other is False:
        parts = holds.parts if isinstance(holds, And) else (holds,)
        return conj(*(part for part in parts if not _follows(part, kept)), kept)
    return disj(conj(holds, kept), conj(neg(holds), other))


def _follows(part: Formula, kept: Formula) -> bool:
    """Whether a condition is met wherever what is left holds: that it is there, or not false where it equals a text."""
    held = [each for each in (kept.parts if isinstance(kept, And) else (kept,)) if isinstance(each, Atom)]
    if not isinstance(part, Atom):
        return False
    return any(needs(each, part) or (each.subject == part.text and each.constant != "0") for each in held)
