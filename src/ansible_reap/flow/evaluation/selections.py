"""Which items of a list ``select``, ``reject``, ``selectattr`` and ``rejectattr`` keep."""

from __future__ import annotations

from jinja2 import nodes

from ansible_reap.flow.evaluation import ids
from ansible_reap.flow.evaluation.canonical import arguments_of, fitted, tested
from ansible_reap.flow.evaluation.comparisons import equal
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj, neg, opaque
from ansible_reap.flow.evaluation.plugin_names import first_name
from ansible_reap.flow.evaluation.scalars import as_meant
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.state_tests import asks_for_more, test
from ansible_reap.flow.evaluation.values import (
    NOT_PLAIN,
    Const,
    Job,
    JobId,
    Undefined,
    Unknown,
    Value,
    is_of_launch,
    options,
    plain,
    taints,
)


def selected(evaluator: EvaluatorInterface, item: Value, node: nodes.Filter, of: str, *, by_attribute: bool) -> Formula:
    """Whether ``select``/``selectattr`` keeps the item; ``of`` is the item as text."""
    at, value, is_its_items = 0, item, False
    if by_attribute:
        if not node.args:
            return True
        path = str(plain(evaluator.value(node.args[0])))
        value = evaluator.follow(value, path.split("."))
        at = 1
        own = next((inner.loop_var for _, inner in options(item) if isinstance(inner, Job)), of)
        is_its_items = path.startswith(f"{own}.")
        of = path if is_its_items else f"{of}.{path}"
    asked = _Asked(evaluator, node, at, of, is_condition=is_its_items)
    kept = disj(*(conj(guard, _kept(inner, asked)) for guard, inner in options(value)))
    return opaque(kept) if taints(item) and is_of_launch(item) else kept


class _Asked:
    """What ``select`` and its like ask of an item: a test, with its arguments.

    ``is_condition`` says that ``text`` is what a condition of the launch's own task calls the same value.
    """

    def __init__(
        self, evaluator: EvaluatorInterface, node: nodes.Filter, at: int, text: str, *, is_condition: bool
    ) -> None:
        self.evaluator = evaluator
        self.text = text
        self.is_condition = is_condition
        self.name = first_name(str(plain(evaluator.value(node.args[at])))) if len(node.args) > at else "truthy"
        given = node.args[at + 1 :]
        self.wanted = plain(evaluator.value(given[0])) if given else NOT_PLAIN
        rest = nodes.Filter(None, self.name, given, node.kwargs, node.dyn_args, node.dyn_kwargs)
        self.arguments = arguments_of(evaluator, rest)

    def atom(self, about: frozenset[int], *, is_opaque: bool = False) -> Atom:
        """The test as a condition of which no more is known."""
        return Atom(fitted(tested(self.text, self.name, self.arguments)), about=about, is_opaque=is_opaque)


def _kept(value: Value, asked: _Asked) -> Formula:
    name, wanted, text = asked.name, asked.wanted, asked.text
    if name == "undefined":
        return neg(_tested(value, "defined", asked))
    data = plain(value)
    about = taints(value)
    if name in ("equalto", "eq", "==", "ne", "!=", "sameas") and wanted is not NOT_PLAIN:
        if isinstance(value, Undefined) and value.is_sure:
            found: Formula = False
        elif data is not NOT_PLAIN:
            found = bool(data == wanted)
        elif isinstance(value, JobId) and ids.is_surely_not(value, wanted):
            found = False
        else:
            found = equal(text, wanted, about, is_opaque=isinstance(value, JobId))
        return neg(found) if name in ("ne", "!=") else found
    if name in ("truthy", "true", "falsy", "false"):
        is_converted = name in ("truthy", "falsy") and wanted is True and data is not NOT_PLAIN
        found = as_meant(data) if is_converted else _simple_truth(value, asked)
        return found if name in ("truthy", "true") else neg(found)
    if name == "in" and isinstance(wanted, list) and data is not NOT_PLAIN:
        return data in wanted
    if isinstance(value, JobId) and ids.surely_matches(value, name, wanted):
        return True
    if name == "none" and not isinstance(value, (Unknown, Undefined)):
        return data is None
    return _tested(value, name, asked)


def _tested(value: Value, name: str, asked: _Asked) -> Formula:
    if name == "defined" and not isinstance(value, (Unknown, Undefined)):
        return True
    found = test(asked.evaluator, name, value, None, "")
    if not isinstance(found, Atom):
        return found
    if name != asked.name:
        return Atom(f"{asked.text} is {name}", about=taints(value))
    return asked.atom(taints(value), is_opaque=asks_for_more(name, value))


def _simple_truth(value: Value, asked: _Asked) -> Formula:
    if isinstance(value, Const):
        return bool(value.value)
    if isinstance(value, Undefined) and value.is_sure:
        return False
    if isinstance(value, (Unknown, Undefined)):
        if asked.is_condition and asked.name in ("truthy", "falsy") and not asked.arguments:
            return Atom(fitted(asked.text), about=taints(value))
        atom = asked.atom(taints(value))
        return neg(atom) if asked.name in ("falsy", "false") else atom
    return True
