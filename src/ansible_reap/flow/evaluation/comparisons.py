"""Values compared with one another: equal, larger, or in a list."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from ansible_reap.flow.evaluation import booleans, ids
from ansible_reap.flow.evaluation.canonical import canonical, constant, fitted, is_list, key_of
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj, neg
from ansible_reap.flow.evaluation.layers import Layer
from ansible_reap.flow.evaluation.plugin_names import first_name
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

_WHOLE = frozenset({"int", "length"})
"""Filters that give back whole numbers."""
_TEXTS = frozenset({"basename", "dirname", "lower", "upper", "replace", "title", "string", "trim", "join"})
"""Filters that give back texts (Jinja, and ansible-core 2.16 to 2.22)."""
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
}
"""By Jinja's name of a comparison what it does to two values."""
_MIRRORED = {"gt": "lt", "gteq": "lteq", "lt": "gt", "lteq": "gteq"}


def compared(evaluator: EvaluatorInterface, node: nodes.Compare, left: Value, right: Value) -> Formula:
    operand = node.ops[0]
    a, b = plain(left), plain(right)
    if any(isinstance(side, nodes.Tuple) for side in (node.expr, operand.expr)):
        return Atom(canonical(evaluator, node), about=taints(left) | taints(right))  # no list equals one
    if a is not NOT_PLAIN and b is not NOT_PLAIN:
        try:
            return bool(ORDER[operand.op](a, b))
        except (TypeError, KeyError):
            return False
    if operand.op in ("eq", "ne") and _is_surely_not(left, b):
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
            is_so = booleans.is_true if wanted else booleans.is_false
            atom = is_so(evaluator, side, booleans.EQUAL, about)
        elif b is not NOT_PLAIN or a is not NOT_PLAIN:
            wanted, side = (b, node.expr) if b is not NOT_PLAIN else (a, operand.expr)
            if wanted is None:
                atom = Atom(fitted(f"{canonical(evaluator, side)} is none"), about=about)
            elif wanted in ("", [], {}):
                nothing = _is_nothing(evaluator, side, wanted, about)
                return nothing if operand.op == "eq" else neg(nothing)
            else:
                atom = equal(canonical(evaluator, side), wanted, about)
        else:
            sides = sorted((canonical(evaluator, node.expr), canonical(evaluator, operand.expr)))
            atom = Atom(fitted(" == ".join(sides)), about=about)
        return atom if operand.op == "eq" else neg(atom)
    if type(b) is int:
        return _above(evaluator, node.expr, operand.op, b, about)
    if type(a) is int:
        return _above(evaluator, operand.expr, _MIRRORED[operand.op], a, about)
    return Atom(canonical(evaluator, node), about=about)


def _is_surely_not(left: Value, data: Any) -> bool:
    """Whether a job's result, or its id, cannot be equal to some data."""
    if isinstance(left, JobId) and data is not NOT_PLAIN and ids.is_surely_not(left, data):
        return True
    return isinstance(left, (JobId, Job, Results)) and data in ("", None, [], {})


def _is_nothing(evaluator: EvaluatorInterface, side: nodes.Expr, wanted: Any, about: frozenset[int]) -> Formula:
    """Whether something is an empty text, list or dictionary: it is not true then, as 0 and false are not either."""
    text = canonical(evaluator, side)
    is_not_true = neg(Atom(text, about=about))
    if about or (_is_text(side) if wanted == "" else wanted == [] and _is_list(evaluator, side)):
        return is_not_true
    return conj(is_not_true, equal(text, wanted, about))


def _is_text(node: nodes.Expr) -> bool:
    """Whether it is a text, whatever the variables hold."""
    if isinstance(node, nodes.Filter):
        return first_name(node.name) in _TEXTS
    return isinstance(node, (nodes.Getattr, nodes.Getitem)) and key_of(node) in ("stdout", "stderr")


def _is_list(evaluator: EvaluatorInterface, node: nodes.Expr) -> bool:
    is_output = isinstance(node, (nodes.Getattr, nodes.Getitem)) and key_of(node) in ("stdout_lines", "stderr_lines")
    return is_output or is_list(evaluator, node)


def _above(evaluator: EvaluatorInterface, side: nodes.Expr, name: str, bound: int, about: frozenset[int]) -> Formula:
    """An order as ``subject > bound`` or its opposite: of whole numbers always, for of those x >= 1 is x > 0."""
    is_of_state = _is_path(side)  # and not of how long a text is
    sign = ">"
    if is_whole(side) or about:
        bound -= name in ("gteq", "lt")
    elif name in ("gteq", "lt"):
        sign = "<"
    text = fitted(f"{canonical(evaluator, side)} {sign} {bound}")
    atom = Atom(text, about=about, is_opaque=bool(about) and not is_of_state)
    return atom if (name in ("gt", "gteq")) is (sign == ">") else neg(atom)


def is_whole(node: nodes.Expr) -> bool:
    """Whether it is a whole number, whatever the variables hold."""
    return isinstance(node, nodes.Filter) and first_name(node.name) in _WHOLE


def _is_path(node: nodes.Node | None) -> bool:
    """Whether it is a variable or a part of one, be it as a number."""
    if isinstance(node, nodes.Filter):
        return first_name(node.name) in ("int", "float", "default", "bool", "first") and _is_path(node.node)
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return key_of(node) is not node and _is_path(node.node)
    return isinstance(node, nodes.Name)


def equal(subject: str, wanted: Any, about: frozenset[int], *, is_opaque: bool = False) -> Atom:
    """``subject == wanted``, of plain data."""
    value = wanted if isinstance(wanted, str) else None
    text = constant(int(wanted) if isinstance(wanted, bool) else wanted)
    return Atom(fitted(f"{subject} == {text}"), subject, text, value, about, is_opaque=is_opaque)


def _is_item(evaluator: EvaluatorInterface, needle: nodes.Expr, item: Any, about: frozenset[int]) -> Formula:
    """Whether the needle is this item of a list: of a truth as ``needle == true``, as everywhere."""
    if isinstance(item, bool):
        is_so = booleans.is_true if item else booleans.is_false
        return is_so(evaluator, needle, booleans.EQUAL, about)
    return equal(canonical(evaluator, needle), item, about)


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
            return disj(*(_is_item(evaluator, needle, item, taints(left)) for item in b))
    if isinstance(right, (Job, Results)) and isinstance(a, str):
        held = options(evaluator.part(right, a))
        return disj(*(conj(guard, test(evaluator, "defined", inner, haystack, "")) for guard, inner in held))
    text = f"{canonical(evaluator, needle)} in {canonical(evaluator, haystack)}"
    if isinstance(right, Seq) and _is_gathered(evaluator, haystack):
        return Atom(fitted(text), about=taints(left) | taints(right), is_choice=True)
    group = _own_group(evaluator, needle, haystack)
    text = f"{group!r} in group_names" if group is not None else text
    return Atom(fitted(text), about=taints(left) | taints(right))


def _own_group(evaluator: EvaluatorInterface, needle: nodes.Expr, haystack: nodes.Expr) -> str | None:
    """The group of which it is asked whether the host is in it; ``all`` is not in ``group_names``."""
    if canonical(evaluator, needle) != "inventory_hostname" or not isinstance(haystack, (nodes.Getattr, nodes.Getitem)):
        return None
    key = key_of(haystack)
    is_of_groups = isinstance(haystack.node, nodes.Name) and haystack.node.name == "groups"
    return key if is_of_groups and isinstance(key, str) and key != "all" else None


def _is_gathered(evaluator: EvaluatorInterface, haystack: nodes.Expr) -> bool:
    """Whether the list is a fact that tasks have put together from what they do not say: it may follow the launch."""
    if not isinstance(haystack, nodes.Name):
        return False
    return next((layer is Layer.FACTS for _, layer, _ in evaluator.scope.find(haystack.name)), False)
