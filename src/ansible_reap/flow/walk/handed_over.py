"""Variables that a call hands over: Ansible templates them anew at each use, by what is set within the call too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_reap.content import expressions
from ansible_reap.flow.evaluation.layers import Scope
from ansible_reap.flow.walk import alterations
from ansible_reap.flow.walk.state import Facts


class HandedOver(dict[str, Any]):
    """The values as they are at the call; as written, once a register or fact that one is made of has been set.

    So it is with the vars of an include or import and with the parameters of a role (ansible-core 2.16 and 2.22); the
    variable of a loop is worked out at the call.
    """

    def __init__(self, values: Mapping[str, Any], written: Mapping[str, Any], scope: Scope, facts: Facts) -> None:
        super().__init__(values)
        self._written = written
        self._facts = facts
        self._time = facts.now
        self._names = {
            name: _behind(raw, scope) - {name}
            for name, raw in written.items()
            if expressions.has_templates(raw) and values.get(name) is not raw
        }

    def __getitem__(self, name: str) -> Any:
        if self._facts.now != self._time and any(map(self._is_set_since, self._names.get(name, ()))):
            return self._written[name]
        return super().__getitem__(name)

    def within(self, bound: Mapping[str, Any]) -> HandedOver:
        """The same with the variables of a loop below them."""
        for name, value in bound.items():
            self.setdefault(name, value)
        return self

    def behind(self, name: str) -> frozenset[str]:
        """The names that a variable is made of."""
        return self._names.get(name, frozenset())

    def _is_set_since(self, name: str) -> bool:
        return self._facts.then(name, self._time) is not self._facts.get(name)


def _behind(raw: object, scope: Scope) -> frozenset[str]:
    names = alterations.asked_for([raw], scope)
    layers = [entries for _, entries in scope.layers if isinstance(entries, HandedOver)]
    return names.union(*(entries.behind(name) for entries in layers for name in names))
