"""Keywords that do nothing are taken out."""

from __future__ import annotations

from ansible_reap.checks.finding import Fix
from ansible_reap.checks.fixes.layout import find
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis


def drop(analysis: Analysis, task: Task, *keys: str) -> Fix | None:
    """Take these keywords out of the task, with the comments on their lines."""
    item = find(analysis, task)
    present = [key for key in keys if key in task.keywords]
    if item is None or any(item.entry(key) is None for key in present):
        return None
    edits = item.without(*present)
    if not edits or len(edits) == len(item.entries):
        return None
    return Fix(f"take out {' and '.join(present)}", tuple(edits))
