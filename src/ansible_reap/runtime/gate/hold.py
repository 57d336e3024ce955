"""Under ``free`` and ``host_pinned`` each host comes to the gate in its own time, and is held there for the others.

As long as another host of the play has tasks left, one of them may wait for a job of the host at the gate. The
strategy is then given no next task for the host at the gate and goes on with the others, until nothing but the gate is
left for any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.executor.play_iterator import PlayIterator
from ansible.plugins.strategy import StrategyBase

from ansible_reap.runtime.events.callers import caller
from ansible_reap.runtime.tracking.faults import kept_from_the_run

_IN_STEP = frozenset({"linear", "debug", "mitogen_linear"})
"""Strategies under which all hosts come to the gate together."""


def hold_back(play: Any, is_gate: Callable[[Any], bool], has_jobs: Callable[[str], bool]) -> None:
    """Let hosts wait at the gate of the play, which is being compiled.

    ``is_gate`` tells the task with which a host enters the gate, ``has_jobs`` whether other hosts may still wait for
    jobs of the host of that name. To be called while the play is compiled: Ansible hands the iterator to nobody, but
    it is the iterator that compiles the play.
    """
    if str(play.strategy).rpartition(".")[2] in _IN_STEP:
        return
    iterator = caller(PlayIterator)
    if iterator is None:
        return
    next_task = iterator.get_next_task_for_host

    def next_task_unless_held(host: Any, peek: bool = False) -> Any:
        state, task = next_task(host, peek=peek)
        if peek and task is not None and is_to_wait(host, task):
            return state, None
        return state, task

    @kept_from_the_run(otherwise=False)
    def is_to_wait(host: Any, task: Any) -> bool:
        if not is_gate(task) or not has_jobs(host.get_name()):
            return False
        strategy = caller(StrategyBase)
        return strategy is not None and _others_are_busy(strategy, iterator, host, next_task, is_gate)

    iterator.get_next_task_for_host = next_task_unless_held


def _others_are_busy(
    strategy: Any, iterator: Any, host: Any, next_task: Callable[..., Any], is_gate: Callable[[Any], bool]
) -> bool:
    """Another host runs a task, or has one before the gate. The strategy goes on as long as that is so."""
    blocked = getattr(strategy, "_blocked_hosts", None)
    if blocked is None:
        return False
    for other in strategy.get_hosts_left(iterator):
        if other == host:
            continue
        if blocked.get(other.get_name()):
            return True
        task = next_task(other, peek=True)[1]
        if task is not None and not is_gate(task):
            return True
    return False
