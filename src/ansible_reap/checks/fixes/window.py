"""Fix: give a wait that gives up too early more tries."""

from __future__ import annotations

import math
from typing import NamedTuple

from ansible_reap.checks.evidence import conditions
from ansible_reap.checks.evidence.result_readers import tests_failure_of
from ansible_reap.checks.finding import Edit, Fix
from ansible_reap.checks.fixes.keywords import put
from ansible_reap.checks.fixes.layout import find
from ansible_reap.flow.analysis import Analysis, Reap
from ansible_reap.timing import DEFAULT_DELAY, FIX_MARGIN


class Tries(NamedTuple):
    """What makes a wait last long enough."""

    retries: int
    delay: float
    """Seconds."""
    edit: Edit


def widen(analysis: Analysis, reap: Reap, limit: float) -> Fix | None:
    """Tries enough to outlast the limit (seconds) and the kill step; None where the numbers are not written there."""
    found = tries(analysis, reap, limit)
    if found is None:
        return None
    covers = f"which covers the limit of {limit:g} s and {FIX_MARGIN} s more"
    return Fix(
        f"wait {found.retries} x {found.delay:g} s, {covers}", (found.edit, *_asking_for_failure(analysis, reap))
    )


def _asking_for_failure(analysis: Analysis, reap: Reap) -> tuple[Edit, ...]:
    """A ``failed_when`` that holds while the job runs would hide its failure once the wait outlasts it."""
    register = reap.task.keywords.get("register")
    if not isinstance(register, str):
        return ()
    if not conditions.holds_until_the_end(reap.task.keywords.get("failed_when"), register):
        return ()
    if tests_failure_of(analysis, reap.task):
        return ()  # its author lets it pass here, and sees to it there
    asked = put(analysis, reap.task, {"failed_when": f"{register} is failed"}, "fail where the job has")
    return asked.edits if asked else ()


def tries(analysis: Analysis, reap: Reap, limit: float) -> Tries | None:
    """The change of ``retries`` by which the wait outlasts the limit (seconds)."""
    item = find(analysis, reap.task)
    until = item.entry("until") if item else None
    if item is None or until is None:
        return None
    delay = item.number("delay") if item.entry("delay") else DEFAULT_DELAY
    if not delay or delay <= 0:
        return None
    retries = math.ceil((limit + FIX_MARGIN) / delay)
    if item.entry("retries") is None:
        return Tries(retries, delay, item.after(until.last, f"{' ' * item.indent}retries: {retries}\n"))
    edit = item.with_scalar("retries", str(retries)) if item.number("retries") is not None else None
    return Tries(retries, delay, edit) if edit else None
