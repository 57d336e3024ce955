"""Seeded choices by weight, and names that are used once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


class Chance:
    """Every choice that makes a project comes from here, so that a seed makes the same project always.

    How a condition or a wait is spelled comes from ``spelling``: another spelling makes a project that means the same.
    """

    def __init__(self, seed: str, spelling: str | None = None) -> None:
        self._random = random.Random(seed)
        self.spelling = self if spelling is None else Chance(f"{seed} {spelling}")
        self._names: Counter[str] = Counter()
        self.notes: list[str] = []

    def true(self, share: float) -> bool:
        """True in this share of cases."""
        return self._random.random() < share

    def one(self, choices: Sequence[Choice]) -> Choice:
        """Any of them."""
        return self._random.choice(choices)

    def weighted(self, weights: Mapping[Choice, float]) -> Choice:
        """One of the keys, by weight."""
        return self._random.choices(list(weights), list(weights.values()))[0]

    def number(self, low: int, high: int) -> int:
        """From ``low`` to ``high``, both included."""
        return self._random.randint(low, high)

    def some(self, choices: Sequence[Choice], count: int) -> list[Choice]:
        """So many of them, in any order."""
        return self._random.sample(list(choices), count)

    def name(self, stem: str) -> str:
        """``stem`` and the next number."""
        self._names[stem] += 1
        return f"{stem}{self._names[stem]}"

    def note(self, production: str) -> None:
        """Remember that a production was used."""
        self.notes.append(production)
