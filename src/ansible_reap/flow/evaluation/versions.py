"""``x is version(...)``: of an order and its opposite one text."""

from __future__ import annotations

from jinja2 import nodes

from ansible_reap.flow.evaluation.canonical import canonical, fitted
from ansible_reap.flow.evaluation.formulas import Atom, Formula, neg
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.state_tests import asks_for_more
from ansible_reap.flow.evaluation.values import Undefined, options, plain, taints

_PARAMETERS = ("version", "operator", "strict", "version_type")
_ORDERS = {
    **dict.fromkeys(("==", "=", "eq"), ("eq", True)),
    **dict.fromkeys(("!=", "<>", "ne"), ("eq", False)),
    **dict.fromkeys(("<", "lt"), ("lt", True)),
    **dict.fromkeys((">=", "ge"), ("lt", False)),
    **dict.fromkeys((">", "gt"), ("gt", True)),
    **dict.fromkeys(("<=", "le"), ("gt", False)),
}
"""Operator -> the order, and whether that must hold (ansible-core 2.16 to 2.22)."""


def test(evaluator: EvaluatorInterface, node: nodes.Test) -> Formula:
    """The test as a formula, whichever way its arguments are given."""
    value = evaluator.value(node.node)
    held = [inner for _, inner in options(value)]
    if all(isinstance(inner, Undefined) and inner.is_sure for inner in held):
        return False
    is_opaque = any(asks_for_more("version", inner) for inner in held)
    given = dict(zip(_PARAMETERS, node.args, strict=False)) | {str(pair.key): pair.value for pair in node.kwargs}
    operator = plain(evaluator.value(given["operator"])) if "operator" in given else "eq"
    is_spread = node.dyn_args is not None or node.dyn_kwargs is not None or len(node.args) > len(_PARAMETERS)
    if is_spread or not isinstance(operator, str) or operator not in _ORDERS or not given.keys() <= set(_PARAMETERS):
        return Atom(canonical(evaluator, node), about=taints(value), is_opaque=is_opaque)
    order, holds = _ORDERS[operator]
    others = [f"{name}={canonical(evaluator, given[name])}" for name in ("strict", "version_type") if name in given]
    told = ", ".join([canonical(evaluator, given["version"]) if "version" in given else "", order, *others])
    text = fitted(f"{canonical(evaluator, node.node)} is version({told})")
    atom = Atom(text, about=taints(value), is_opaque=is_opaque)
    return atom if holds else neg(atom)
