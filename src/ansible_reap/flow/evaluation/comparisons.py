"""Values compared with one another: equal, larger, or in a list."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from ansible_reap.flow.evaluation.canonical import canonical, fitted
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj, neg
from ansible_reap.flow.evaluation.layers import Layer
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.state_tests import test
from ansible_reap.flow.evaluation.values import (
    NOT_PLAIN,
    Job,
    JobId,
    Results,
    Seq,
    Undefined,
    Value,
    options,
    plain,
    taints,
)
from ansible_reap.late_patterns import expression

_PATH = expression(r"[\w.]+")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
}
_MIRRORED = {"gt": "lt", "gteq": "lteq", "lt": "gt", "lteq": "gteq"}


def compared(evaluator: EvaluatorInterface, node: nodes.Compare, left: Value, right: Value) -> Formula:
    operand = node.ops[0]
    a, b = plain(left), plain(right)
    if a is not NOT_PLAIN and b is not NOT_PLAIN:
        try:
            return bool(_ORDER[operand.op](a, b))
        except (TypeError, KeyError):
            return False
    if isinstance(left, (JobId, Job, Results)) and operand.op in ("eq", "ne") and b in ("", None, [], {}):
        return operand.op == "ne"
    if isinstance(left, Undefined) and left.is_sure and operand.op in ("eq", "ne"):
        return False  # where it is `ne` the task fails
    about = taints(left) | taints(right)
    if isinstance(left, JobId) or isinstance(right, JobId):
        sides = [canonical(evaluator, side) for side in (node.expr, operand.expr)]
        name = "==" if operand.op in ("eq", "ne") else operand.op
        opaque = Atom(fitted(f"{sides[0]} {name} {sides[1]}"), about=about, is_opaque=True)
        return neg(opaque) if operand.op == "ne" else opaque
    if operand.op in ("eq", "ne"):
        atom: Formula
        if isinstance(b, bool) or (b is not NOT_PLAIN and isinstance(a, bool)):
            wanted = b if isinstance(b, bool) else a
            side = node.expr if isinstance(b, bool) else operand.expr
            atom = Atom(canonical(evaluator, side), about=about)
            atom = atom if wanted else neg(atom)
        elif b is not NOT_PLAIN or a is not NOT_PLAIN:
            constant, side = (b, node.expr) if b is not NOT_PLAIN else (a, operand.expr)
            if constant is None:
                atom = Atom(fitted(f"{canonical(evaluator, side)} is none"), about=about)
            elif constant in ("", [], {}):  # there is nothing in it
                nothing = neg(Atom(canonical(evaluator, side), about=about))
                return nothing if operand.op == "eq" else neg(nothing)
            else:
                atom = equal(canonical(evaluator, side), constant, about)
        else:
            sides = sorted((canonical(evaluator, node.expr), canonical(evaluator, operand.expr)))
            atom = Atom(fitted(" == ".join(sides)), about=about)
        return atom if operand.op == "eq" else neg(atom)
    if type(b) is int:
        return _above(canonical(evaluator, node.expr), operand.op, b, about)
    if type(a) is int:
        return _above(canonical(evaluator, operand.expr), _MIRRORED[operand.op], a, about)
    return Atom(canonical(evaluator, node), about=about)


def _above(subject: str, operator_name: str, bound: int, about: frozenset[int]) -> Formula:
    """An order of whole numbers as ``subject > bound`` or its opposite."""
    bound -= operator_name in ("gteq", "lt")
    is_of_state = _PATH.fullmatch(subject) is not None  # and not of how long a text is
    atom = Atom(fitted(f"{subject} > {bound}"), about=about, is_opaque=bool(about) and not is_of_state)
    return atom if operator_name in ("gt", "gteq") else neg(atom)


def equal(subject: str, constant: Any, about: frozenset[int], *, is_opaque: bool = False) -> Atom:
    value = constant if isinstance(constant, str) else None
    return Atom(fitted(f"{subject} == {constant!r}"), subject, repr(constant), value, about, is_opaque=is_opaque)


def _is_item(subject: str, item: Any, about: frozenset[int]) -> Formula:
    """Whether the subject is this item of a list: of a truth as ``x`` or its opposite, as everywhere."""
    if isinstance(item, bool):
        atom = Atom(subject, about=about)
        return atom if item else neg(atom)
    return equal(subject, item, about)


def membership(evaluator: EvaluatorInterface, needle: nodes.Expr, haystack: nodes.Expr) -> Formula:
    left, right = evaluator.value(needle), evaluator.value(haystack)
    a, b = plain(left), plain(right)
    if isinstance(b, (list, tuple, dict, str)):
        if a is not NOT_PLAIN:
            try:
                return a in b
            except TypeError:
                return False
        if isinstance(b, list) and len(b) <= 8:
            text = canonical(evaluator, needle)
            return disj(*(_is_item(text, item, taints(left)) for item in b))
    if isinstance(right, (Job, Results)) and isinstance(a, str):
        held = options(evaluator.part(right, a))
        return disj(*(conj(guard, test(evaluator, "defined", inner, haystack)) for guard, inner in held))
    text = f"{canonical(evaluator, needle)} in {canonical(evaluator, haystack)}"
    if isinstance(right, Seq) and _is_gathered(evaluator, haystack):
        return Atom(fitted(text), about=taints(left) | taints(right), is_choice=True)
    if text.startswith("inventory_hostname in groups.") and text.count(".") == 1:
        text = f"{text.partition('.')[2]!r} in group_names"
    return Atom(fitted(text), about=taints(left) | taints(right))


def _is_gathered(evaluator: EvaluatorInterface, haystack: nodes.Expr) -> bool:
    """Whether the list is a fact that tasks have put together from what they do not say: it may follow the launch."""
    if not isinstance(haystack, nodes.Name):
        return False
    return next((layer is Layer.FACTS for _, layer, _ in evaluator.scope.find(haystack.name)), False)
