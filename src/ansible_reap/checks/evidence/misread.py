"""Looks that are meant for a launch's job and never come to it: they loop over results that it does not have."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_reap.checks.evidence.neighbours import play_of, tasks_around, tasks_naming
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.late_patterns import expression

_DEFAULT = expression(r"\|\s*(?:default|d)\b")
_IS_DEFINED = expression(r"\bis\s+defined\b")


class Misread(NamedTuple):
    """A look that loops over ``.results`` of a launch without a loop."""

    task: Task
    is_skipped: bool
    """Whether it is skipped without a word; else it fails (ansible-core 2.16 and 2.22)."""


def of(analysis: Analysis, launch: Launch) -> Misread | None:
    """The first such look after the launch in its play; None where another task gives the register a loop's results."""
    task, register = launch.task, launch.register
    if register is None or launch.is_looped:
        return None
    asking = [
        other for other in tasks_naming(analysis, task.path, register, task.end_line) if other.module == "async_status"
    ]
    if not asking:
        return None  # so for nearly all, and each register would be a pattern of its own
    results = re.compile(rf"(?<![\w.]){re.escape(register)}(?:\.results\b|\[\s*['\"]results['\"]\s*\])")
    play = play_of(task)
    for other in asking:
        if play_of(other) != play:
            return None
        loop = str(other.keywords.get(other.loop_keyword or "", ""))
        if not results.search(loop):
            continue
        around = tasks_around(analysis, task)
        if any(each.keywords.get("register") == register and each.loop_keyword for each in around):
            return None
        is_skipped = _DEFAULT.search(loop) or _IS_DEFINED.search(str(other.keywords.get("when", "")))
        return Misread(other, is_skipped is not None)
    return None
