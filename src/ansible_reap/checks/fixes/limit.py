"""Fix: raise a limit that is too tight, and the waits for its job with it."""

from __future__ import annotations

import math

from ansible_reap.checks.finding import Edit, Fix
from ansible_reap.checks.fixes.layout import find
from ansible_reap.checks.fixes.window import tries
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.timing import FIX_MARGIN


def raised(analysis: Analysis, task: Task, launch: Launch | None, limit: float) -> Fix | None:
    """Write another limit (seconds), and tries enough into each wait that would end before it.

    None where a number is not written in the task itself.
    """
    item = find(analysis, task)
    edit = item.with_scalar("async", f"{limit:g}") if item and item.number("async") is not None else None
    if edit is None:
        return None
    edits: list[Edit] = [edit]
    for reap in launch.reaps if launch else ():
        budget = reap.budget
        if budget is None or (budget.known and min(budget.values) >= limit):
            continue
        wider = tries(analysis, reap, limit)
        if wider is None:
            return None
        edits.append(wider.edit)
    longer = f", with {FIX_MARGIN} s more to wait" if len(edits) > 1 else ""
    return Fix(f"raise the limit to {math.ceil(limit)} s{longer}", tuple(edits), is_safe=False)
