"""Which variable a name means at one point of the walk: layers in Ansible's order of precedence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from ansible_reap.flow.evaluation import bounds
from ansible_reap.records import dataclass


class Layer(Enum):
    """Where a variable comes from, highest precedence first."""

    LOOP = "loop"
    PARAMS = "params"
    FACTS = "facts"
    INCLUDED = "included"
    """What ``include_vars`` read: constants there are settings, not this call's own."""
    TASK = "task"
    ROLE = "role"
    PLAY = "play"
    INVENTORY = "inventory"
    DEFAULTS = "defaults"
    MAGIC = "magic"


CALLED = frozenset({Layer.LOOP, Layer.PARAMS, Layer.FACTS, Layer.TASK})
"""Layers whose constants are this call's own; the others are settings that a user may change."""

CACHEABLE = "ansible_facts."
"""Before the name of a fact that ``cacheable`` has put into ``ansible_facts`` too (ansible-core 2.16 and 2.22)."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Plain data from several inventories: any of them may be the one in use."""

    name: str
    raws: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Layers of variables, highest first: each holds Values, or plain data whose templates are still to come."""

    layers: tuple[tuple[Layer, Mapping[str, Any]], ...]

    def find(self, name: str, below: int = 0) -> Iterator[tuple[int, Layer, Any]]:
        """The definitions of a name from layer ``below`` on, the one that counts first."""
        bounds.spend(len(self.layers))
        for number in range(below, len(self.layers)):
            layer, entries = self.layers[number]
            if name in entries:
                yield number, layer, entries[name]

    def is_left_open(self, name: str) -> bool:
        """Whether nothing here sets the name, but a task or Ansible itself may: it is one thing in all scopes."""
        return all(layer in (Layer.FACTS, Layer.MAGIC) for _, layer, _ in self.find(name))

    def may_mean(self, text: str) -> bool:
        """Whether the text may name a variable of this very call, rather than settings alone."""
        called = [entries for layer, entries in self.layers if layer in CALLED]
        bounds.spend(sum(map(len, called)) // 20)
        return any(name in text for entries in called for name in entries)

    def of_the_play(self) -> Scope:
        """The scope in which what the play itself says counts as this call's own too."""
        return Scope(tuple((Layer.TASK if layer is Layer.PLAY else layer, entries) for layer, entries in self.layers))

    def by_default(self) -> Scope:
        """The scope in which the project's own settings count as if nobody could set them otherwise."""
        own = (Layer.INCLUDED, Layer.ROLE, Layer.PLAY, Layer.DEFAULTS)
        return Scope(tuple((Layer.TASK if layer in own else layer, entries) for layer, entries in self.layers))

    def with_layer(self, layer: Layer, entries: Mapping[str, Any]) -> Scope:
        """The scope with a layer put on top."""
        return Scope(((layer, entries), *self.layers)) if entries else self
