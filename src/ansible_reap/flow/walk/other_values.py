"""The same words in two scopes: another condition, where a variable has another value in each of them."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from ansible_reap.content import expressions
from ansible_reap.flow.evaluation.conditions import MAX_PARTS, condition, unread
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, atoms, conj, disj, neg, settled
from ansible_reap.flow.evaluation.layers import Choices, Layer, Scope
from ansible_reap.flow.evaluation.values import Const, Lazy, Undefined, plain
from ansible_reap.flow.walk import alterations, special
from ansible_reap.flow.walk.variables import GroupVariables
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass

OVERRIDDEN = "set for all: "
"""How the text of a condition begins that a run meets in which somebody else sets the variables named after it."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What a variable is set to in one scope."""

    key: str
    raw: Any
    is_weak: bool
    """An inventory may set it otherwise."""


def _is_weak(source: _Source | None) -> bool:
    return source is not None and source.is_weak


_OF_FACT = _Source("a fact", Undefined(is_sure=True), is_weak=False)
_FACT = expression(r"\bansible_facts(?:\.(?!get\b|keys\b|items\b)(\w+)|(?:\[|\.get\()\s*['\"](\w+)['\"])")
_ABSENT = _Source("", Undefined(is_sure=True), is_weak=True)


class OtherValues:
    """Which values settings had when they were first asked, and what conditions come to where they are others."""

    def __init__(self, inventory: GroupVariables, *, injects_facts: bool) -> None:
        self._inventory = inventory
        self._injects_facts = injects_facts
        self._first: dict[str, _Source] = {}
        self.knows_files = True
        """Whether all the variables of the play itself are known."""
        self.knows_roles = False
        """Whether those of its roles are, so that what is not found is not there."""

    def asked(self, evaluator: Evaluator, written: Any, now: int) -> Formula:
        """The condition in the words of the scope in which its variables were first asked; ``now`` is the step.

        Where that one and this give them differing values, whoever sets them for all (extra variables, an inventory)
        still makes both the same.
        """
        if isinstance(written, list):
            return conj(
                *(
                    condition(evaluator, [part]) if isinstance(part, list) else self.asked(evaluator, part, now)
                    for part in written[:MAX_PARTS]
                ),
                unread(evaluator, written[MAX_PARTS:]),
            )
        said = condition(evaluator, written)
        if isinstance(said, bool) or not self.knows_files:
            return said
        differing, through, varies = self._compared(str(written), evaluator.scope)
        if varies:
            return alterations.unsettled(said, f"{written} {now}")
        if not differing:
            return said
        before = _folded(evaluator, written, through | {name: first.raw for name, (first, _) in differing.items()})
        here = _folded(evaluator, written, through | {name: source.raw for name, (_, source) in differing.items()})
        if before == here and not any(differing.keys() & alterations.asked_words(atom.text) for atom in atoms(here)):
            return said
        is_known = isinstance(before, bool) and isinstance(here, bool)
        if any(self._is_unclear(name, sources, is_known=is_known) for name, sources in differing.items()):
            keys = sorted(f"{name}={source.key}" for name, (_, source) in differing.items())
            return alterations.unsettled(said, f"{written} {keys}")
        for_all = Atom(OVERRIDDEN + ", ".join(sorted(differing)))
        return disj(conj(said, disj(for_all, neg(before))), conj(neg(for_all), here))

    def may_be_what_it_was(self, name: str, raw: Any) -> bool:
        """Whether the variable was this where it was first asked for."""
        first = self._first.get(name)
        return first is not None and first.key == repr(raw)

    def _compared(self, text: str, scope: Scope) -> tuple[dict[str, tuple[_Source, _Source]], dict[str, str], bool]:
        """The variables behind a condition that were set otherwise when first asked; the templates that lead to them.

        And whether one of them varies by itself.
        """
        differing: dict[str, tuple[_Source, _Source]] = {}
        through: dict[str, str] = {}
        seen = set[str]()
        fresh: Set[str] = alterations.asked_words(text)
        texts = [text]
        may_lack = alterations.asks_if_there(text)
        for _ in range(alterations.MAX_LEVELS):
            fresh = fresh - seen
            seen |= fresh
            behind = set[str]()
            for name in fresh:
                source, raw = self._source(name, scope)
                given = self._inventory.of_hosts.of(name) if source is _ABSENT or _is_weak(source) else ""
                if any(expressions.is_template(each) and alterations.VARIES.search(each) for each in (raw, given)):
                    return {}, {}, True
                behind |= expressions.names_in(raw) if isinstance(raw, (str, list, dict)) else frozenset()
                texts.append(str(raw))
                if self._is_no_fact(name, source):
                    return {}, {}, True
                if source is None or (source is _ABSENT and not (may_lack and self.knows_roles)):
                    continue
                if expressions.is_template(raw):
                    through[name] = raw
                first = self._first.setdefault(name, source)
                if first.key != source.key:
                    differing[name] = first, source
            fresh = behind
        facts = {f"ansible_{name}" for each in texts for found in _FACT.findall(each) for name in found if name}
        is_other = any(self._first.setdefault(name, _OF_FACT) is not _OF_FACT for name in facts)
        return ({}, {}, True) if is_other else (differing, through, False)

    def _is_no_fact(self, name: str, source: _Source | None) -> bool:
        """Whether a variable is something else than the fact that was asked before under its other name.

        ``ansible_facts.x`` is ``ansible_x`` too, unless a setting is off or somebody sets the variable (ansible-core
        2.16 to 2.22). What is asked first under the variable's name is remembered.
        """
        if not name.startswith("ansible_") or name == "ansible_facts" or source is None:
            return False
        if source is _ABSENT and self._injects_facts:
            return False
        return self._first.setdefault(name, source) is _OF_FACT

    def _source(self, name: str, scope: Scope) -> tuple[_Source | None, Any]:
        """Where a setting comes from (None: it is none), and what is written there."""
        for _, layer, raw in scope.find(name):
            if layer in (Layer.ROLE, Layer.PLAY):
                return _Source(repr(raw), raw, is_weak=False), raw
            if layer is Layer.INVENTORY:
                if self._inventory.is_for_all(name):
                    return _Source("in any inventory", raw, is_weak=False), raw
                continue
            if layer is Layer.DEFAULTS:
                return _Source(repr(raw), raw, is_weak=True), raw
            if layer is Layer.MAGIC and name in special.KNOWN:
                value = plain(raw) if isinstance(raw, Const) else raw
                return _Source(repr(value), value, is_weak=False), value
            written = raw.written if isinstance(raw, Lazy) else raw
            return None, written if layer not in (Layer.FACTS, Layer.MAGIC) else None
        return _ABSENT, None

    def _is_unclear(self, name: str, sources: tuple[_Source, _Source], *, is_known: bool) -> bool:
        """Whether nobody can tell what the variable holds; ``is_known``: what the condition comes to is known."""
        if any(isinstance(source.raw, Choices) for source in sources):
            return True
        if not is_known and any(expressions.has_templates(source.raw) for source in sources):
            return True
        return any(source.is_weak for source in sources) and self._inventory.may_be_set(name)


def _folded(evaluator: Evaluator, written: Any, values: dict[str, Any]) -> Formula:
    """The condition with these values for some of its variables."""
    return settled(condition(Evaluator(evaluator.scope.with_layer(Layer.LOOP, values)), written))
