"""An expression as a condition: a formula in which everything known of jobs and constants is decided.

The rest becomes atoms in one normal form. What a ``when`` says as a whole is read in ``conditions``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from ansible_reap.flow.evaluation import booleans, versions
from ansible_reap.flow.evaluation.canonical import arguments_of, canonical
from ansible_reap.flow.evaluation.comparisons import compared, membership
from ansible_reap.flow.evaluation.defaults import choice_of, told_apart
from ansible_reap.flow.evaluation.formulas import Atom, Formula, atoms, conj, disj, is_large, neg, opaque
from ansible_reap.flow.evaluation.plugin_names import first_name
from ansible_reap.flow.evaluation.scalars import as_bool, as_meant
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.state_tests import STATE_TESTS, test
from ansible_reap.flow.evaluation.values import (
    NOT_PLAIN,
    Const,
    Job,
    JobId,
    Map,
    Results,
    Seq,
    Undefined,
    Unknown,
    Value,
    is_of_launch,
    options,
    plain,
    taints,
)
from ansible_reap.records import dataclass

_AS_EMPTY = frozenset({"list", "sort", "unique", "length", "count", "dict2items"})
"""Filters that leave nothing of what is empty, and something of all else that they take."""
_AS_MEANT = frozenset({"string", "trim", "lower"})
"""Filters that make a text of a number or a boolean which the filter ``bool`` reads as it reads that."""
_NARROWING = frozenset({"select", "reject", "selectattr", "rejectattr", "list", "unique", "sort"})
"""Filters that leave nothing of an empty list."""
_OPPOSITES = {"undefined": "defined", "falsy": "truthy"}
_COMPARING = {"eq": "eq", "equalto": "eq", "==": "eq", "ne": "ne", "!=": "ne", "in": "in"} | {
    **dict.fromkeys(("gt", "greaterthan", ">"), "gt"),
    **dict.fromkeys(("lt", "lessthan", "<"), "lt"),
    **dict.fromkeys(("ge", ">="), "gteq"),
    **dict.fromkeys(("le", "<="), "lteq"),
}
"""Tests of Jinja that say what an operator says."""


@dataclass(frozen=True, slots=True)
class _Conversion:
    """How something is made a boolean."""

    function: Callable[[Any], bool]
    of_others: bool
    """What a list, a dictionary or a job becomes."""
    form: str
    """What the text of a condition ends in that asks for it; nothing where the truth itself is asked for."""


_BOOL = _Conversion(as_bool, of_others=False, form=booleans.AS_BOOL)
_MEANT = _Conversion(as_meant, of_others=True, form=" is truthy(True)")
_AS_IT_IS = _Conversion(bool, of_others=True, form="")


def truth(evaluator: EvaluatorInterface, node: nodes.Node) -> Formula:
    """The expression as a formula."""
    if isinstance(node, (nodes.Not, nodes.And, nodes.Or, nodes.CondExpr)):
        return _truth(evaluator, node)
    choice = choice_of(evaluator, node)
    if choice is not None:
        return told_apart(evaluator, choice, evaluator.truth, evaluator.truth)
    return _without_state(evaluator, node, _truth(evaluator, node))


def _without_state(evaluator: EvaluatorInterface, node: nodes.Node, said: Formula) -> Formula:
    """What is said of jobs, opaque where nothing of it was had after the launch.

    All that a launch's own result tells of a job's state is decided: what is left asks it for something else.
    """
    about = {number for atom in atoms(said) if not atom.is_opaque for number in atom.about}
    if not about:
        return said
    held = [value for value in map(evaluator.name, _words(node)) if not about.isdisjoint(taints(value))]
    is_all_held = about <= frozenset().union(*map(taints, held))
    return opaque(said) if is_all_held and all(map(is_of_launch, held)) else said


def _words(node: nodes.Node) -> set[str]:
    """What may be names of variables in an expression: of one that is looked up, its attributes and texts too."""
    found = {name.name for name in (node, *node.find_all(nodes.Name)) if isinstance(name, nodes.Name)}
    if found & {"hostvars", "vars", "lookup", "query", "q"}:
        found |= {part.attr for part in (node, *node.find_all(nodes.Getattr)) if isinstance(part, nodes.Getattr)}
        found |= {text.value for text in node.find_all(nodes.Const) if isinstance(text.value, str)}
    return found


def _truth(evaluator: EvaluatorInterface, node: nodes.Node) -> Formula:
    if isinstance(node, nodes.Const):
        return bool(node.value)
    if isinstance(node, nodes.Not):
        return neg(truth(evaluator, node.node))
    if isinstance(node, nodes.And):
        return conj(truth(evaluator, node.left), truth(evaluator, node.right))
    if isinstance(node, nodes.Or):
        return disj(truth(evaluator, node.left), truth(evaluator, node.right))
    if isinstance(node, nodes.Test):
        return _test(evaluator, node)
    if isinstance(node, nodes.Compare):
        return _comparison(evaluator, node)
    if isinstance(node, nodes.CondExpr):
        guard = truth(evaluator, node.test)
        other: Formula = truth(evaluator, node.expr2) if node.expr2 is not None else False
        return disj(conj(guard, truth(evaluator, node.expr1)), conj(neg(guard), other))
    if isinstance(node, nodes.Filter) and first_name(node.name) == "bool" and node.node is not None:
        return _converted(evaluator, node.node, _BOOL)
    if (
        isinstance(node, nodes.Filter)
        and first_name(node.name) in _AS_EMPTY
        and node.node is not None
        and not node.args
    ):
        return truth(evaluator, node.node)
    if isinstance(node, nodes.Filter) and node.name in STATE_TESTS and node.node is not None and not node.args:
        # `x | failed`: how tests were written before Ansible 2.5
        return _test(evaluator, nodes.Test(node.node, node.name, [], [], None, None))
    if isinstance(node, nodes.Concat) and any(_is_never_empty(part) for part in node.nodes):
        return True  # be it the text "False" (ansible-core 2.16; from 2.19 on a condition must not be a text)
    value = evaluator.value(node)
    return disj(*(conj(guard, _truthy(evaluator, inner, node)) for guard, inner in options(value)))


def _is_never_empty(node: nodes.Node) -> bool:
    """Whether something is left of a part of a text, whatever it comes to."""
    return isinstance(node, (nodes.Not, nodes.Test, nodes.Compare)) or (
        isinstance(node, nodes.Const) and str(node.value) != ""
    )


def _truthy(evaluator: EvaluatorInterface, value: Value, node: nodes.Node) -> Formula:
    if isinstance(value, Const):
        return bool(value.value)  # of a text whether it is empty: "no" and "0" are true (ansible-core 2.16 to 2.22)
    if isinstance(value, Map) and not value.entries and value.rest is None:
        return False
    if isinstance(value, (Job, JobId, Results, Map)):
        return True
    if isinstance(value, Seq) and (value.items or not value.is_open) and not _may_be_of_empty_lists(value, node):
        return _holds_something(value)
    if isinstance(value, Undefined) and value.is_sure:
        return False
    atom = booleans.stands(canonical(evaluator, node), taints(value))
    if isinstance(node, nodes.Filter) and node.name in _NARROWING and node.node is not None:
        return conj(atom, truth(evaluator, node.node))  # what is left of a list was in it
    return atom


def _may_be_of_empty_lists(value: Seq, node: nodes.Node) -> bool:
    """Whether a list was opened up of which nothing is known but what may have been empty lists."""
    is_flat = isinstance(node, nodes.Filter) and first_name(node.name) == "flatten"
    parts = [inner for item in value.items for _, inner in options(item)] if is_flat else []
    return bool(parts) and all(isinstance(inner, Unknown) for inner in parts)


def _converted(evaluator: EvaluatorInterface, node: nodes.Node, how: _Conversion) -> Formula:
    """The truth of a value that is made a boolean first."""

    def inner(part: nodes.Node) -> Formula:
        return _converted(evaluator, part, how)

    if isinstance(node, (nodes.Not, nodes.Test, nodes.Compare)):
        return truth(evaluator, node)
    if isinstance(node, nodes.And):
        return conj(truth(evaluator, node.left), inner(node.right))
    if isinstance(node, nodes.Or):
        return disj(inner(node.left), conj(neg(truth(evaluator, node.left)), inner(node.right)))
    if isinstance(node, nodes.CondExpr):
        guard = truth(evaluator, node.test)
        other: Formula = inner(node.expr2) if node.expr2 is not None else False
        return disj(conj(guard, inner(node.expr1)), conj(neg(guard), other))
    if isinstance(node, nodes.Filter) and (first_name(node.name) == "bool" or node.name in STATE_TESTS):
        return truth(evaluator, node)
    if isinstance(node, nodes.Filter) and node.name in _AS_MEANT and node.node is not None and not node.args:
        data = plain(evaluator.value(node.node))
        if isinstance(data, int) and how is _BOOL:
            return inner(node.node)  # "0" and "False" mean what 0 and false do
    choice = choice_of(evaluator, node)
    if choice is not None:
        return told_apart(evaluator, choice, inner, evaluator.truth)
    found: list[Formula] = []
    for guard, value in options(evaluator.value(node)):
        data = plain(value)
        if data is not NOT_PLAIN and not isinstance(value, Undefined):
            held: Formula = how.function(data)
        elif isinstance(value, (Job, JobId, Results, Map, Seq)) and not how.of_others:
            held = False
        else:
            held = _truthy(evaluator, value, node)
            if how.form and not taints(value) and not booleans.is_boolean(node):
                held = conj(held, booleans.converted(canonical(evaluator, node), how.form))
        found.append(conj(guard, held))
    return disj(*found)


def _is_truthy(evaluator: EvaluatorInterface, node: nodes.Test) -> Formula | None:
    """The test ``truthy``; None where it is not known whether it converts."""
    written = [*node.args, *(pair.value for pair in node.kwargs if pair.key == "convert_bool")]
    converts = plain(evaluator.value(written[0])) if written else False
    if not isinstance(converts, bool):
        return None
    return _converted(evaluator, node.node, _MEANT if converts else _AS_IT_IS)


def _holds_something(seq: Seq) -> Formula:
    """Whether anything is left in the list, where conditions decide on which of its items are."""
    found = disj(*(guard for item in seq.items for guard, _ in options(item)))
    return True if is_large(found) else found


def _test(evaluator: EvaluatorInterface, node: nodes.Test) -> Formula:
    name = first_name(node.name)
    if name in _OPPOSITES:
        opposite = nodes.Test(node.node, _OPPOSITES[name], node.args, node.kwargs, node.dyn_args, node.dyn_kwargs)
        return neg(_test(evaluator, opposite))
    if name == "truthy":
        held = _is_truthy(evaluator, node)
        return held if held is not None else Atom(canonical(evaluator, node), about=taints(evaluator.value(node.node)))
    if name in _COMPARING and len(node.args) == 1:
        return truth(evaluator, nodes.Compare(node.node, [nodes.Operand(_COMPARING[name], node.args[0])]))
    if name == "contains" and len(node.args) == 1:
        return membership(evaluator, node.args[0], node.node)
    if name == "regex" and not node.kwargs:  # it searches, unless match_type says otherwise
        return _test(evaluator, nodes.Test(node.node, "search", node.args, [], node.dyn_args, node.dyn_kwargs))
    wanted = _wanted(evaluator, name, node.args)
    if wanted is not None:
        return _is_the(evaluator, node.node, wanted)
    if name == "version":
        return versions.test(evaluator, node)
    value, arguments = evaluator.value(node.node), arguments_of(evaluator, node)
    found = [(guard, test(evaluator, name, inner, node.node, arguments)) for guard, inner in options(value)]
    if any(isinstance(said, Atom) and said.is_opaque for _, said in found):
        return Atom(canonical(evaluator, node), about=taints(value), is_opaque=True)
    return disj(*(conj(guard, said) for guard, said in found))


def _wanted(evaluator: EvaluatorInterface, name: str, arguments: list[nodes.Expr]) -> bool | None:
    """Which of the two truths a test asks for; None for any other test."""
    if name in ("true", "false") and not arguments:
        return name == "true"
    value = plain(evaluator.value(arguments[0])) if name == "sameas" and len(arguments) == 1 else None
    return value if isinstance(value, bool) else None


def _is_the(evaluator: EvaluatorInterface, node: nodes.Expr, wanted: bool) -> Formula:
    """``x is true`` and ``x is false``: the very thing, but for what is 0 or 1 on one version of Ansible."""
    found: list[Formula] = []
    for guard, value in options(evaluator.value(node)):
        data = plain(value)
        if isinstance(value, (Unknown, Undefined)):
            is_so = booleans.is_true if wanted else booleans.is_false
            held = is_so(evaluator, node, booleans.SAME, taints(value))
        else:
            held = isinstance(data, (bool, int)) and data == wanted
        found.append(conj(guard, held))
    return disj(*found)


def _comparison(evaluator: EvaluatorInterface, node: nodes.Compare) -> Formula:
    if len(node.ops) != 1:
        return Atom(canonical(evaluator, node), about=taints(evaluator.value(node.expr)))
    operand = node.ops[0]
    if operand.op in ("in", "notin"):
        found = membership(evaluator, node.expr, operand.expr)
        return found if operand.op == "in" else neg(found)
    counted = _counted(evaluator, node.expr, operand)
    if counted is not None:
        return counted
    left, right = evaluator.value(node.expr), evaluator.value(operand.expr)
    parts: list[Formula] = []
    for under, first in options(left):
        for also, second in options(right):
            parts.append(conj(under, also, compared(evaluator, node, first, second)))
    return disj(*parts) if len(parts) <= 30 else Atom(canonical(evaluator, node), about=taints(left) | taints(right))


def _counted(evaluator: EvaluatorInterface, left: nodes.Expr, operand: nodes.Operand) -> Formula | None:
    """``x | length > 0`` and its like: whether there is anything in x."""
    if not (isinstance(left, nodes.Filter) and left.name in ("length", "count") and left.node is not None):
        return None
    bound = plain(evaluator.value(operand.expr))
    if (operand.op, bound) in (("gt", 0), ("ne", 0), ("gteq", 1)):
        wanted = True
    elif (operand.op, bound) in (("eq", 0), ("lt", 1), ("lteq", 0)):
        wanted = False
    else:
        return None
    found = truth(evaluator, left.node)
    return found if wanted else neg(found)
