"""Which of many small projects to run: one with what has been run least so far."""

from __future__ import annotations

from collections import Counter

from referee import grammar
from referee.project import Project

CANDIDATES = 40
"""So many are made for each that is run; to make one takes next to nothing beside a run."""

AT_ONCE = 3
"""So many rare productions in one project are welcome; more would hide each other."""
BLUNT = (
    "nothing",
    "cleanup",
    "mutated: no wait",
    "mutated: other register",
    "limit: poll 1",
    "limit: async 0",
    "detached ",
)
"""Beginnings of the productions beside which others hardly show, as nothing is launched, or waited for."""


class Novelty:
    """Picks small projects in turn; the same ones always for a seed and the numbers so far."""

    def __init__(self) -> None:
        self._ran: Counter[str] = Counter()

    def name(self, stem: str) -> str:
        """The name of the next project, which is its seed too; ``stem`` is the seed of its candidates."""
        names = [f"{stem}.{number}" for number in range(CANDIDATES)]
        made = {name: grammar.project(name, grammar.Layout.SMALL, "0") for name in names}
        chosen = min(names, key=lambda name: self._often(made[name]))
        self._ran.update(made[chosen].notes)
        return chosen

    def _often(self, project: Project) -> tuple[int, bool, int, int]:
        """The less the better: how often its rarest productions ran, what hides them, and what else there is."""
        ran = [self._ran[note] for note in project.notes] or [0]
        rarest = min(ran)
        hides = any(note.startswith(BLUNT) for note in project.notes)
        return rarest, hides, -min(ran.count(rarest), AT_ONCE), len(ran)
