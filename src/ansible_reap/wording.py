"""Words for messages that several parts share."""

from __future__ import annotations

from collections.abc import Iterable


def not_checked(error: Exception) -> str:
    """What is said of a place or rule at which we crashed."""
    return f"was not checked: {type(error).__name__}: {error}; please report this"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, or nothing where none is near."""
    import difflib  # noqa: PLC0415 - only an error needs it, and the start must stay fast

    candidates = list(known)
    matches = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if not matches:
        matches = [name for name in candidates if len(word) > 2 and (name.startswith(word) or name.endswith(word))][:1]
    return f"; did you mean '{matches[0]}'?" if matches else ""
