"""The evaluator as those see it that it is made of: filters, calls, parts of values and truths ask it for more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from jinja2 import nodes

from ansible_reap.flow.evaluation.formulas import Formula
from ansible_reap.flow.evaluation.host_sets import HostSet
from ansible_reap.flow.evaluation.layers import Scope
from ansible_reap.flow.evaluation.values import Value


class EvaluatorInterface(Protocol):
    """What the modules below the evaluator may ask of it. ``evaluator.Evaluator`` is the one class that does it."""

    scope: Scope
    live: frozenset[int]
    """The jobs that anything unknown might mean, once the bound is hit."""
    misses_results: set[int]
    """Jobs whose id was asked of the looped register itself instead of its results."""
    folds_settings: bool
    """Whether settings (role defaults up to play vars) count as constants."""

    def within(self, scope: Scope) -> EvaluatorInterface:
        """One that asks the same in another scope."""

    def data(self, data: Any) -> Value:
        """Plain data with templates in it."""

    def name(self, name: str, below: int = 0) -> Value:
        """What the name holds."""

    def value(self, node: nodes.Node) -> Value:
        """The value of an expression."""

    def anything(self, node: nodes.Node) -> Value:
        """What comes of the names in an expression that is not understood."""

    def truth(self, node: nodes.Node) -> Formula:
        """The expression as a condition."""

    def choice(self, test: nodes.Node, yes: Value, no: Value) -> Value:
        """The condition that picks one of two values."""

    def is_hosts(self, node: nodes.Node) -> bool:
        """Whether the expression is ``hostvars`` itself."""

    def path(self, keys: object, of_hosts: HostSet | None) -> Value:
        """What the variable of these hosts holds: its name, or a list of the name and the keys in it."""

    def part(self, base: Value, key: object) -> Value:
        """``base.key`` or ``base[key]``; NOT_PLAIN as key is one that is not known."""

    def filled(self, base: Value, place: str, parts: list[Value]) -> Value:
        """A text with these in the places that it has for them."""

    def follow(self, base: Value, keys: Iterable[object]) -> Value:
        """``base[key][key]`` and so on."""
