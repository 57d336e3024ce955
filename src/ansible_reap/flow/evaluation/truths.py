"""An expression as a condition: a formula in which everything known of jobs and constants is decided.

The rest becomes atoms in one normal form. What a ``when`` says as a whole is read in ``conditions``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from ansible_reap.flow.evaluation.canonical import canonical, cut
from ansible_reap.flow.evaluation.formulas import Atom, Formula, atoms, conj, disj, is_large, neg, replaced_atoms
from ansible_reap.flow.evaluation.layers import Layer
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.values import (
    NOT_PLAIN,
    Const,
    Job,
    JobId,
    Map,
    Results,
    Seq,
    Stage,
    Undefined,
    Unknown,
    Value,
    held_by,
    options,
    plain,
    taints,
    with_jobs,
)
from ansible_reap.late_patterns import expression
from ansible_reap.records import replace

_FALSE_TEXT = frozenset({"", "false", "no", "off", "n", "f", "0", "0.0"})
"""Texts that count as false."""
_TRUE_TEXT = frozenset({"yes", "on", "1", "true"})
"""Texts of which the filter ``bool`` makes true; of every other it makes false (ansible-core 2.16 to 2.22)."""
_NO_TEXT = frozenset({"n", "no", "f", "false", "off", "0", "0.0"})
"""Texts that mean false where Ansible converts them strictly (ansible-core 2.16 to 2.22)."""
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
STATE_TESTS = {
    "changed": True,
    "change": True,
    "started": True,
    "succeeded": True,
    "success": True,
    "successful": True,
    "finished": False,
    "failed": False,
    "failure": False,
    "skipped": False,
    "skip": False,
    "unreachable": False,
    "timedout": False,
}
"""Test of a result -> what it says of a job that has just been launched (ansible-core 2.16 to 2.22)."""
_STATE_KEYS = {"changed": "changed", "change": "changed", "failed": "failed", "failure": "failed"} | {
    "skipped": "skipped",
    "skip": "skipped",
    "finished": "finished",
    "unreachable": "unreachable",
}
"""Tests of a result that say no more than one of its keys."""
_NARROWING = frozenset({"select", "reject", "selectattr", "rejectattr", "list", "unique", "sort"})
"""Filters that leave nothing of an empty list."""
_OF_SKIPPED = frozenset({"skipped", "skip", "succeeded", "success", "successful", "finished"})
"""Tests that hold for the result of what was skipped (seen on ansible-core 2.16 and 2.22)."""
_CHANGED = frozenset({"changed", "change"})
_SUCCESS = frozenset({"succeeded", "success", "successful"})
_ALWAYS_SETTLED = frozenset({"skipped", "skip", "started"})


def truth(evaluator: EvaluatorInterface, node: nodes.Node) -> Formula:
    """The expression as a formula."""
    if isinstance(node, (nodes.Not, nodes.And, nodes.Or, nodes.CondExpr)):
        return _truth(evaluator, node)
    return _without_state(evaluator, node, _truth(evaluator, node))


def _without_state(evaluator: EvaluatorInterface, node: nodes.Node, said: Formula) -> Formula:
    """What is said of jobs, opaque where nothing of it was had after the launch.

    All that a launch's own result tells of a job's state is decided: what is left asks it for something else.
    """
    about = {number for atom in atoms(said) if not atom.is_opaque for number in atom.about}
    if not about:
        return said
    held = [value for value in map(evaluator.name, _words(node)) if not about.isdisjoint(taints(value))]
    is_of_launch = about <= frozenset().union(*map(taints, held)) and all(map(_is_of_launch, held))
    return _opaque(said) if is_of_launch else said


def _words(node: nodes.Node) -> set[str]:
    """What may be names of variables in an expression: of one that is looked up, its attributes and texts too."""
    found = {name.name for name in (node, *node.find_all(nodes.Name)) if isinstance(name, nodes.Name)}
    if found & {"hostvars", "vars", "lookup", "query", "q"}:
        found |= {part.attr for part in (node, *node.find_all(nodes.Getattr)) if isinstance(part, nodes.Getattr)}
        found |= {text.value for text in node.find_all(nodes.Const) if isinstance(text.value, str)}
    return found


def _opaque(said: Formula) -> Formula:
    return replaced_atoms(said, lambda atom: replace(atom, is_opaque=True) if atom.about else atom, lambda _: True)


def _is_of_launch(value: Value | None) -> bool:
    """Whether the value holds no job but as its launch has told of it."""
    stack: list[Value | None] = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, Unknown) and part.taints:
            return False
        if isinstance(part, Job):
            if part.stage not in (Stage.LAUNCHED, Stage.SKIPPED):
                return False
            stack.append(part.item)
        else:
            stack.extend(held_by(part))
    return True


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
    if isinstance(node, nodes.Filter) and node.name.rsplit(".", 1)[-1] == "bool" and node.node is not None:
        return _converted(evaluator, node.node, as_bool, of_others=False)
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
        return value.value.strip().lower() not in _FALSE_TEXT if isinstance(value.value, str) else bool(value.value)
    if isinstance(value, Map) and not value.entries and value.rest is None:
        return False
    if isinstance(value, (Job, JobId, Results, Map)):
        return True
    if isinstance(value, Seq) and (value.items or not value.is_open):
        return _holds_something(value)
    if isinstance(value, Undefined) and value.is_sure:
        return False
    atom = Atom(canonical(evaluator, node), about=taints(value))
    if isinstance(node, nodes.Filter) and node.name in _NARROWING and node.node is not None:
        return conj(atom, truth(evaluator, node.node))  # what is left of a list was in it
    return atom


def _converted(
    evaluator: EvaluatorInterface, node: nodes.Node, convert: Callable[[Any], bool], *, of_others: bool
) -> Formula:
    """The truth of a value that is made a boolean first; ``of_others`` is that of a list, a dictionary or a job."""

    def inner(part: nodes.Node) -> Formula:
        return _converted(evaluator, part, convert, of_others=of_others)

    if isinstance(node, (nodes.Not, nodes.Test, nodes.Compare)):
        return truth(evaluator, node)
    if isinstance(node, nodes.And):
        return conj(inner(node.left), inner(node.right))
    if isinstance(node, nodes.Or):
        return disj(inner(node.left), inner(node.right))
    if isinstance(node, nodes.CondExpr):
        guard = truth(evaluator, node.test)
        other: Formula = inner(node.expr2) if node.expr2 is not None else False
        return disj(conj(guard, inner(node.expr1)), conj(neg(guard), other))
    if isinstance(node, nodes.Filter) and (node.name.rsplit(".", 1)[-1] == "bool" or node.name in STATE_TESTS):
        return truth(evaluator, node)
    found: list[Formula] = []
    for guard, value in options(evaluator.value(node)):
        data = plain(value)
        if data is not NOT_PLAIN and not isinstance(value, Undefined):
            held: Formula = convert(data)
        elif isinstance(value, (Job, JobId, Results, Map, Seq)) and not of_others:
            held = False
        else:
            held = _truthy(evaluator, value, node)
        found.append(conj(guard, held))
    return disj(*found)


def as_bool(data: Any) -> bool:
    """What the filter ``bool`` makes of plain data (seen on ansible-core 2.16 and 2.22)."""
    return data.lower() in _TRUE_TEXT if isinstance(data, str) else bool(data == 1)


def _as_meant(data: Any) -> bool:
    """What ``truthy(convert_bool=true)`` makes of plain data: a text that means no boolean counts as what it is."""
    text = data.strip().lower() if isinstance(data, str) else None
    return bool(data) and text not in _NO_TEXT


def _is_truthy(evaluator: EvaluatorInterface, node: nodes.Test) -> Formula | None:
    """The test ``truthy``; None where it is not known whether it converts."""
    written = [*node.args, *(pair.value for pair in node.kwargs if pair.key == "convert_bool")]
    converts = plain(evaluator.value(written[0])) if written else False
    if not isinstance(converts, bool):
        return None
    return _converted(evaluator, node.node, _as_meant if converts else bool, of_others=True)


def _holds_something(seq: Seq) -> Formula:
    """Whether anything is left in the list, where conditions decide on which of its items are."""
    found = disj(*(guard for item in seq.items for guard, _ in options(item)))
    return True if is_large(found) else found


def _test(evaluator: EvaluatorInterface, node: nodes.Test) -> Formula:
    name = node.name.rsplit(".", 1)[-1]
    if name in ("undefined", "none", "falsy"):
        opposite = {"undefined": "defined", "none": "none", "falsy": "truthy"}[name]
        if name != "none":
            return neg(_test(evaluator, nodes.Test(node.node, opposite, node.args, node.kwargs, None, None)))
    if name == "truthy":
        held = _is_truthy(evaluator, node)
        return held if held is not None else Atom(canonical(evaluator, node), about=taints(evaluator.value(node.node)))
    if name == "true" and not node.args:
        return truth(evaluator, node.node)
    if name == "false" and not node.args:
        return neg(truth(evaluator, node.node))
    if name in ("eq", "equalto", "==", "sameas") and node.args:
        return _comparison(evaluator, nodes.Compare(node.node, [nodes.Operand("eq", node.args[0])]))
    value = evaluator.value(node.node)
    parts = [conj(guard, test(evaluator, name, inner, node.node)) for guard, inner in options(value)]
    if any(isinstance(part, Atom) and part.is_opaque for part in parts):
        return Atom(canonical(evaluator, node), about=taints(value), is_opaque=True)
    return disj(*parts)


def test(evaluator: EvaluatorInterface, name: str, value: Value, node: nodes.Node | None) -> Formula:
    """``value is name``; ``node`` is the expression tested, for the atom's text."""
    text = canonical(evaluator, node) if node is not None else "item"
    if name == "defined":
        if isinstance(value, Undefined):
            return False if value.is_sure else Atom(f"{text} is defined")
        if isinstance(value, Unknown):
            return Atom(f"{text} is defined", about=value.taints)
        return True
    if name == "none":
        if isinstance(value, Const):
            return value.value is None
        return Atom(f"{text} is none", about=taints(value)) if isinstance(value, (Unknown, Undefined)) else False
    if name == "finished" and isinstance(value, Results):
        return True  # it has no such key, and what has none passes for finished
    settled = _test_of_job(name, value, text)
    if settled is not None:
        return settled
    if name in ("mapping", "iterable", "sequence") and isinstance(value, (Job, Results, Seq, Map)):
        return True
    if name == "string" and isinstance(value, JobId):
        return True
    if isinstance(value, Undefined) and value.is_sure:
        return False
    if _is_opaque(name, value):
        return Atom(cut(f"{text} is {name}"), about=taints(value), is_opaque=True)
    return _state(text, name, taints(value))


def _is_opaque(name: str, value: Value) -> bool:
    """Whether a test asks a job for something else than its state, as ``match`` does."""
    return isinstance(value, JobId) or (isinstance(value, Job) and name not in STATE_TESTS)


def _test_of_job(name: str, value: Value, text: str) -> Formula | None:
    """A test of a job's state, at the stage at which the result was had; None where it is no such test."""
    job = _state_of(value)
    if name not in STATE_TESTS or job is None:
        return None
    stage, number = job
    if stage is Stage.SKIPPED:
        return name in _OF_SKIPPED
    when = _when_of(value)
    if stage is Stage.LAUNCHED and when is not True:
        launched = _test_of_job(name, with_jobs(value, _not_skipped), text)
        assert launched is not None
        return disj(conj(when, launched), neg(when) if name in _OF_SKIPPED else False)
    if name in _CHANGED and stage is Stage.LAUNCHED:
        said = _said_changed(value)
        return _state(text, name, number) if said is None else said
    if stage in (Stage.LAUNCHED, Stage.RUNNING) or name in _ALWAYS_SETTLED:
        return STATE_TESTS[name] and not (name in _CHANGED and stage is Stage.RUNNING)
    if stage is Stage.DONE and name == "finished":
        return True
    return _state(text, name, number)


def _when_of(value: Value) -> Formula:
    """Under what the launch that the value is the result of is not skipped."""
    jobs = value.items.items if isinstance(value, Results) else (value,)
    said = {job.when for job in jobs if isinstance(job, Job)}
    return said.pop() if len(said) == 1 else True


def _not_skipped(job: Job | JobId) -> Job | JobId:
    return replace(job, when=True) if isinstance(job, Job) else job


def _said_changed(value: Value) -> bool | None:
    """Whether a launch counts as changed, which its ``changed_when`` may decide."""
    jobs = value.items.items if isinstance(value, Results) else (value,)
    said = {job.changed for job in jobs if isinstance(job, Job)}
    return said.pop() if len(said) == 1 else None


def _state(text: str, name: str, about: frozenset[int]) -> Formula:
    """``x is failed`` as ``x.failed``, and ``x is succeeded`` as its opposite."""
    if name in _SUCCESS:
        return neg(Atom(cut(f"{text}.failed"), about=about))
    key = _STATE_KEYS.get(name)
    return Atom(cut(f"{text}.{key}") if key else f"{text} is {name}", about=about)


def _state_of(value: Value) -> tuple[Stage, frozenset[int]] | None:
    if isinstance(value, Job):
        return value.stage, frozenset({value.instance})
    if isinstance(value, Results):
        found = taints(value)
        stages = {item.stage for item in value.items.items if isinstance(item, Job)}
        if found and len(stages) == 1:
            return stages.pop(), found
    return None


def _comparison(evaluator: EvaluatorInterface, node: nodes.Compare) -> Formula:
    if len(node.ops) != 1:
        return Atom(canonical(evaluator, node), about=taints(evaluator.value(node.expr)))
    operand = node.ops[0]
    if operand.op in ("in", "notin"):
        found = _membership(evaluator, node.expr, operand.expr)
        return found if operand.op == "in" else neg(found)
    counted = _counted(evaluator, node.expr, operand)
    if counted is not None:
        return counted
    left, right = evaluator.value(node.expr), evaluator.value(operand.expr)
    parts: list[Formula] = []
    for under, first in options(left):
        for also, second in options(right):
            parts.append(conj(under, also, _compared(evaluator, node, first, second)))
    return disj(*parts) if len(parts) <= 30 else Atom(canonical(evaluator, node), about=taints(left) | taints(right))


def _compared(evaluator: EvaluatorInterface, node: nodes.Compare, left: Value, right: Value) -> Formula:
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
        opaque = Atom(cut(f"{sides[0]} {name} {sides[1]}"), about=about, is_opaque=True)
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
                atom = Atom(cut(f"{canonical(evaluator, side)} is none"), about=about)
            elif constant in ("", [], {}):  # there is nothing in it
                nothing = neg(Atom(canonical(evaluator, side), about=about))
                return nothing if operand.op == "eq" else neg(nothing)
            else:
                atom = _equal(canonical(evaluator, side), constant, about)
        else:
            sides = sorted((canonical(evaluator, node.expr), canonical(evaluator, operand.expr)))
            atom = Atom(cut(" == ".join(sides)), about=about)
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
    atom = Atom(cut(f"{subject} > {bound}"), about=about, is_opaque=bool(about) and not is_of_state)
    return atom if operator_name in ("gt", "gteq") else neg(atom)


def _equal(subject: str, constant: Any, about: frozenset[int], *, is_opaque: bool = False) -> Atom:
    value = constant if isinstance(constant, str) else None
    return Atom(cut(f"{subject} == {constant!r}"), subject, repr(constant), value, about, is_opaque=is_opaque)


def _is_item(subject: str, item: Any, about: frozenset[int]) -> Formula:
    """Whether the subject is this item of a list: of a truth as ``x`` or its opposite, as everywhere."""
    if isinstance(item, bool):
        atom = Atom(subject, about=about)
        return atom if item else neg(atom)
    return _equal(subject, item, about)


def _membership(evaluator: EvaluatorInterface, needle: nodes.Expr, haystack: nodes.Expr) -> Formula:
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
        return Atom(cut(text), about=taints(left) | taints(right), is_choice=True)
    if text.startswith("inventory_hostname in groups.") and text.count(".") == 1:
        text = f"{text.partition('.')[2]!r} in group_names"
    return Atom(cut(text), about=taints(left) | taints(right))


def _is_gathered(evaluator: EvaluatorInterface, haystack: nodes.Expr) -> bool:
    """Whether the list is a fact that tasks have put together from what they do not say: it may follow the launch."""
    if not isinstance(haystack, nodes.Name):
        return False
    return next((layer is Layer.FACTS for _, layer, _ in evaluator.scope.find(haystack.name)), False)


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
    return _opaque(kept) if taints(item) and _is_of_launch(item) else kept


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
            found = _equal(text, wanted, about, is_opaque=isinstance(value, JobId))
        return neg(found) if name in ("ne", "!=") else found
    if name in ("truthy", "true", "falsy", "false"):
        is_converted = name in ("truthy", "falsy") and wanted is True and data is not NOT_PLAIN
        found = _as_meant(data) if is_converted else _simple_truth(value, text)
        return found if name in ("truthy", "true") else neg(found)
    if name == "in" and isinstance(wanted, list) and data is not NOT_PLAIN:
        return data in wanted
    if name == "none" and not isinstance(value, (Unknown, Undefined)):
        return data is None
    if name == "defined" and not isinstance(value, (Unknown, Undefined)):
        return True
    found = test(evaluator, name, value, None)
    is_opaque = _is_opaque(name, value)
    return Atom(f"{text} {name} {wanted!r}", about=about, is_opaque=is_opaque) if isinstance(found, Atom) else found


def _simple_truth(value: Value, text: str) -> Formula:
    if isinstance(value, Const):
        return bool(value.value)
    if isinstance(value, Undefined) and value.is_sure:
        return False
    if isinstance(value, (Unknown, Undefined)):
        return Atom(text, about=taints(value))
    return True
