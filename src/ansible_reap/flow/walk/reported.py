"""What a task's module reports whenever it has run: that something has changed, or that nothing has."""

from __future__ import annotations

from ansible_reap.flow.walk.visit import Visit

_CHANGES = frozenset({"command", "shell", "raw", "script"})
"""Modules that always report a change, but for these arguments (seen on ansible-core 2.16 and 2.22)."""
_UNLESS = frozenset({"creates", "removes", "_variable_params"})
_CHANGES_NOTHING = frozenset({"debug", "assert", "set_fact", "stat", "ping", "pause"})
"""Modules that never do (seen there, too)."""


def changes(visit: Visit) -> bool | None:
    """Whether a task without ``changed_when`` counts as changed; None where only a run can tell."""
    module = visit.step.module
    if visit.step.loop_keyword is not None or "async" in visit.step.keywords or "." in module:
        return None
    if visit.walk.record.own.has_module(visit.step.short_name):
        return None  # whatever the project's own module of that name does
    if module in _CHANGES_NOTHING:
        return False
    if visit.keyword("ignore_errors") or visit.frame.is_rescued:
        return None  # a task that fails notifies nobody, and the play goes on
    return True if module in _CHANGES and _UNLESS.isdisjoint(visit.args) else None
