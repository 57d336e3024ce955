"""The bounds that an analysis has reached: what lies behind one is unknown, and that is told once for each launch.

Values and formulas do not know which task they are worked out for. So they leave a word here, with the launches whose
jobs it concerns, and the walk that handles the task picks it up.
"""

from __future__ import annotations

from collections.abc import Iterable

_met: dict[int, str] = {}
_count = 0
_spent = 0


def met(what: str, launches: Iterable[int]) -> None:
    """A bound keeps what becomes of these launches' jobs from being known; ``what`` says which, and what to do."""
    global _count  # noqa: PLW0603 - like _met: who works out a value does not know for whom
    _count += 1
    for number in launches:
        _met.setdefault(number, what)


def spend(work: int) -> None:
    """Counts what is done for values and formulas, in units that take about a microsecond each."""
    global _spent  # noqa: PLW0603 - as above
    _spent += work


def spent() -> int:
    """What has been done so far, of all analyses of this process."""
    return _spent


def count() -> int:
    """How often a bound has been reached so far."""
    return _count


def taken() -> dict[int, str]:
    """The word left for each launch since the last call."""
    if not _met:
        return {}
    found = dict(_met)
    _met.clear()
    return found
