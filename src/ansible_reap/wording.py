"""Words for messages that several parts share."""

from __future__ import annotations

from collections.abc import Iterable

MAX_WORD = 120
"""Characters of a word of others in a message."""


def not_checked(error: Exception) -> str:
    """What is said of a place or rule at which we crashed."""
    return f"was not checked: {type(error).__name__}: {error}; please report this"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 job`` or ``3 jobs``; ``many`` where that is not made with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def seconds_text(seconds: float) -> str:
    """Seconds as they are written in a playbook, with as many digits as mean something: ``4.2 s``, ``310 s``."""
    return f"{seconds:.1f} s" if seconds < 10 and seconds != int(seconds) else f"{seconds:.0f} s"


def duration(seconds: float) -> str:
    """A length of time as people say it: ``4.2 s``, ``45 s``, ``5 min 30 s``, ``1 h 05 min``, ``2 d 3 h``."""
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60:02} s" if whole % 60 else "")
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60} h" + (f" {minutes % 60:02} min" if minutes % 60 else "")
    hours = round(seconds / 3600)
    return f"{hours // 24} d" + (f" {hours % 24} h" if hours % 24 else "")


def short_duration(seconds: float) -> str:
    """``duration`` for a column: whole seconds and no blanks, as in ``45s``, ``5m30s``, ``1h05m``, ``2d3h``."""
    return duration(round(seconds)).replace(" min", "m").replace(" ", "")


def rough_duration(seconds: float) -> str:
    """A guess at a length of time, without digits that mean nothing: ``40 s``, ``4 min``, ``2.2 h``, ``3 d``."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    hours = seconds / 3600
    if hours < 48:
        return f"{hours:.0f} h" if hours >= 9.95 else f"{hours:.1f}".removesuffix(".0") + " h"
    return f"{round(hours / 24)} d"


def shortened(word: str) -> str:
    """A word of others as a message names it: no more of it than is needed to find it."""
    return word if len(word) <= MAX_WORD else f"{word[:MAX_WORD]}..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, or nothing where none is near.

    Near is a slip in three letters, or a word that begins or ends with what was written.
    """
    candidates = list(known)
    if len(word) > 2 * max(map(len, candidates), default=0):
        return ""  # no slip of any of them, and the work grows with the length
    slips = {name: _slips(word, name) for name in candidates}
    nearest = min(candidates, key=lambda name: slips[name], default="")
    if nearest and slips[nearest] <= max(1, len(word) // 3):
        return f"; did you mean '{nearest}'?"
    longer = [name for name in candidates if len(word) > 2 and (name.startswith(word) or name.endswith(word))]
    return f"; did you mean '{longer[0]}'?" if longer else ""


def _slips(one: str, other: str) -> int:
    """How many letters are missing, added, wrong or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, their in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != their))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == their:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
