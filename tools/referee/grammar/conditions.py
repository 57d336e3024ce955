"""Conditions: over switches given from outside, hosts, facts set before, and the same one written in another way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from referee.grammar import forms
from referee.grammar.chance import Chance

When: TypeAlias = "str | list[str] | bool"

_ASSERTED = (
    "{0}",
    "{0} | bool",
    "{0} == true",
    "{0} is true",
    "not (not {0})",
    "{0} | default(false)",
    "({0})",
    "{0} and true",
    "{0} in [true]",
    "{0} is not false",
    "true if {0} else false",
    "({0} | ternary(1, 0)) == 1",
)
_DENIED = ("not {0}", "not {0} | bool", "{0} == false", "{0} is false", "{0} != true", "not ({0} | default(false))")


GROUP_TESTS = ("inventory_hostname in groups['some']", "inventory_hostname in groups.some", "'some' in group_names")


@dataclass(frozen=True)
class Condition:
    """A conjunction: each part is a switch or host test and whether it must hold."""

    parts: tuple[tuple[str, bool], ...]

    def written(self, chance: Chance) -> When:
        """In one of the ways in which people write it."""
        chance = chance.spelling
        parts = [_part(test, holds, chance) for test, holds in self.parts]
        if len(parts) == 1:
            return parts[0]
        chance_ = chance.weighted({"list": 3, "and": 2, "demorgan": 1})
        if chance_ == "list":
            return parts
        if chance_ == "and":
            return " and ".join(_in_brackets(part) for part in parts)
        return "not (" + " or ".join(_in_brackets(_part(test, not holds, chance)) for test, holds in self.parts) + ")"

    def opposite(self) -> Condition:
        """Of a single test: the other way round."""
        ((test, holds),) = self.parts
        return Condition(((test, not holds),))


@dataclass(frozen=True)
class Conditions:
    """What a project's conditions are made of: its switches and its hosts."""

    chance: Chance
    switches: tuple[str, ...]
    hosts: tuple[str, ...]
    derived: list[str] = field(default_factory=list)
    """A test of a variable that a switch decides. Then none is of the switch itself: both may be set from outside."""

    def any(self) -> Condition:
        """One over a switch, two, or a host."""
        chance = self.chance
        kind = chance.weighted(
            {
                "switch": 0 if self.derived else 6,
                "two": 0 if self.derived else 2,
                "host": 2 if len(self.hosts) > 1 else 0,
                "derived": 5 if self.derived else 0,
                "group": 0.4,
            }
        )
        if kind == "derived":
            return Condition(((chance.one(self.derived), chance.true(0.85)),))
        if kind == "group":
            group = chance.one(GROUP_TESTS)
            chance.note(f"condition {group}")
            return Condition(((group, chance.true(0.85)),))
        if kind == "host":
            return Condition(((f"inventory_hostname == '{chance.one(self.hosts)}'", chance.true(0.8)),))
        count = 2 if kind == "two" and len(self.switches) > 1 else 1
        return Condition(tuple((name, chance.true(0.85)) for name in chance.some(self.switches, count)))

    def switch(self) -> Condition:
        """One over one switch, or over what it decides."""
        if self.derived:
            return Condition(((self.derived[0], self.chance.true(0.85)),))
        return Condition(((self.chance.one(self.switches), self.chance.true(0.85)),))

    def narrower(self, than: Condition) -> Condition:
        """The same and one thing more."""
        return Condition(than.parts + self.any().parts)

    def wider(self, than: Condition) -> Condition | None:
        """The same without one of its parts; None where it then has none."""
        rest = than.parts[1:]
        return Condition(rest) if rest else None


def _in_brackets(part: str) -> str:
    """As a part of a longer condition."""
    return f"({part})" if " or " in part or " if " in part else part


def _part(test: str, holds: bool, chance: Chance) -> str:
    if " " in test:
        if holds:
            return test
        if test.count("==") != 1 or " or " in test:
            return f"not ({test})"
        return test.replace("==", "!=") if chance.true(0.5) else f"not ({test})"
    if chance.true(0.3):
        written = chance.one(forms.ASSERTED if holds else forms.DENIED)
        chance.note(f"condition {written}")
        return written.format(test)
    return chance.one(_ASSERTED if holds else _DENIED).format(test)
