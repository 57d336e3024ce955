"""A wait that gives up too early gets more tries."""

from __future__ import annotations

import math

from ansible_reap.checks.finding import Fix
from ansible_reap.checks.fixes.layout import find
from ansible_reap.flow.analysis import Analysis, Reap
from ansible_reap.timing import DEFAULT_DELAY, FIX_MARGIN


def widen(analysis: Analysis, reap: Reap, limit: float) -> Fix | None:
    """Tries enough to outlast the limit (seconds) and the kill step; None where the numbers are not written there."""
    item = find(analysis, reap.task)
    if item is None or item.entry("until") is None:
        return None
    delay = item.number("delay") if item.entry("delay") else DEFAULT_DELAY
    if not delay or delay <= 0:
        return None
    retries = math.ceil((limit + FIX_MARGIN) / delay)
    if item.entry("retries") is None:
        until = item.entry("until")
        edit = item.after(until.last, f"{' ' * item.indent}retries: {retries}\n") if until else None
    elif item.number("retries") is not None:
        edit = item.with_scalar("retries", str(retries))
    else:
        edit = None
    if edit is None:
        return None
    return Fix(f"wait {retries} x {delay:g} s, which covers the limit of {limit:g} s and {FIX_MARGIN} s more", (edit,))
