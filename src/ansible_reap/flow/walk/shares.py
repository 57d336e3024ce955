"""What the entries of a project may cost together, so that one that costs much leaves the others their part.

A quarter of each bound is set aside in equal parts for the entries that are still to come. The rest, and what the
earlier ones have left of their parts, is for whoever needs it first.
"""

from __future__ import annotations

from collections.abc import Collection, Set

_SET_ASIDE = 4
"""One part in so many."""


def is_used_up(most: int, taken: int, own: int, to_come: int, count: int) -> bool:
    """Whether an entry may take no more: all so far have ``taken`` so much, and ``own`` is what it took itself.

    ``to_come`` are the entries after it, of ``count`` in all.
    """
    part = most // (_SET_ASIDE * max(count, 1))
    return taken > most - part * to_come and own > part


class Shares:
    """The entries of a project, of which the walks reach more and more."""

    def __init__(self, entries: Collection[str], reached: Set[str]) -> None:
        self._count = len(entries)
        self._to_come = set(entries)
        self._reached = reached
        self._counted = 0

    def is_used_up(self, most: int, taken: int, own: int) -> bool:
        """Whether the entry that is walked may take no more."""
        if taken <= most - most // _SET_ASIDE:
            return False
        if self._counted != len(self._reached):
            self._counted = len(self._reached)
            self._to_come = {path for path in self._to_come if path not in self._reached}
        return is_used_up(most, taken, own, len(self._to_come), self._count)
