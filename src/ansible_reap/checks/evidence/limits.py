"""What a limit does to the work under it."""

from __future__ import annotations

from ansible_reap.checks.evidence import work
from ansible_reap.checks.evidence.neighbours import may_be_on_windows
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Quantity
from ansible_reap.timing import KILL_STEP


def ends_it_at_once(analysis: Analysis, task: Task, limit: Quantity | None) -> bool:
    """Whether the limit is under the step in which older versions of ansible-core enforce it, and reaches the work."""
    if limit is None or not limit.known or not 0 < max(limit.values) < KILL_STEP:
        return False
    # What has left its shell is not subject to the limit, Windows has another wrapper, and ``sleep 2 && reboot``
    # without a shell fails at once.
    if may_be_on_windows(analysis, task) or work.holds_operators(task):
        return False
    return not work.outlives_the_limit(work.commands(task))
