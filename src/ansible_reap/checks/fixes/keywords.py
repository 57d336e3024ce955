"""Fixes that remove, add or change keywords of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_reap.checks.finding import Edit, Fix
from ansible_reap.checks.fixes.layout import Item, find
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis


def drop(analysis: Analysis, task: Task, *keys: str, is_safe: bool = True) -> Fix | None:
    """Take these keywords out of the task, with the comments on their lines; None where one cannot be."""
    item = find(analysis, task)
    present = [key for key in keys if key in task.keywords]
    if item is None or not present or any(item.entry(key) is None for key in present):
        return None
    edits = item.without(*present)
    if not edits or len(edits) == len(item.entries):
        return None
    return Fix(f"take out {' and '.join(present)}", tuple(edits), is_safe)


def drop_together(analysis: Analysis, tasks: Sequence[Task], *keys: str) -> Fix | None:
    """Take the keywords out of each of the tasks. Never safe; None where it cannot be done in all of them."""
    found = [drop(analysis, task, *keys, is_safe=False) for task in tasks]
    if any(fix is None for fix in found):
        return None
    edits = [edit for fix in found if fix for edit in fix.edits]
    return Fix(f"take out {' and '.join(keys)}", tuple(edits), is_safe=False)


def drop_with_waits(analysis: Analysis, task: Task, waits: Sequence[Task], *keys: str) -> Fix | None:
    """Take the keywords out, and the tasks that wait for what they never started. Never safe."""
    fix = drop(analysis, task, *keys, is_safe=False)
    items = [find(analysis, wait) for wait in waits]
    if fix is None or any(item is None or len(item.siblings) < 2 for item in items):
        return None
    taken = [Edit(item.path, item.entries[0].first, item.last, "") for item in items if item]
    return Fix(f"{fix.description}, and the wait for a job that is never started", (*fix.edits, *taken), is_safe=False)


def put(analysis: Analysis, task: Task, values: Mapping[str, str | None], description: str) -> Fix | None:
    """Give keywords these values, as YAML on one line, or take out those whose value is None.

    Never safe: where and as whom a task runs is its author's to say. None where the layout does not allow it.
    """
    item = find(analysis, task)
    edits = changed(item, values) if item else None
    return Fix(description, tuple(edits), is_safe=False) if edits else None


def changed(item: Item, values: Mapping[str, str | None]) -> list[Edit] | None:
    """The edits that give a task's keywords other values; None where one cannot be written."""
    edits: list[Edit] = []
    added = ""
    for key, value in values.items():
        entry = item.entry(key)
        if value is None:
            taken = item.without(key)
            if taken is None:
                return None
            edits += taken
        elif entry is None:
            added += f"{' ' * item.indent}{key}: {value}\n"
        elif entry.first == item.entries[0].first:
            return None
        else:
            edits.append(Edit(item.path, entry.first, entry.last, f"{' ' * item.indent}{key}: {value}\n"))
    if added:
        edits.append(item.after(item.last, added))
    return edits
