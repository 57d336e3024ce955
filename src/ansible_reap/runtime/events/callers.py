"""Objects of Ansible that no event brings: whoever has called us is asked."""

from __future__ import annotations

import inspect
import multiprocessing
import os
from typing import TYPE_CHECKING, Any

from ansible.executor.task_executor import TaskExecutor

if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import Host

_FAR = 40
"""Calls between Ansible's start of an action and ours, at most: an action of the project may call another."""


def caller(kind: type[Any], far: int = 8) -> Any:
    """The nearest object of that kind whose method has called us; None within ``far`` calls."""
    frame = inspect.currentframe()
    for _ in range(far):
        frame = frame.f_back if frame is not None else None
        found = frame.f_locals.get("self") if frame is not None else None
        if isinstance(found, kind):
            return found
    return None


def variable_of_caller(kind: type[Any], name: str, far: int = 8) -> Any:
    """The local variable of that name in the nearest such object's method that has called us and has one; else None."""
    frame = inspect.currentframe()
    for _ in range(far):
        frame = frame.f_back if frame is not None else None
        if frame is not None and isinstance(frame.f_locals.get("self"), kind) and name in frame.f_locals:
            return frame.f_locals[name]
    return None


def run_goes_on() -> bool:
    """Whether the process that runs the play, and has made the worker that has called us, is still there.

    A worker of a run that was killed goes on, and nobody hears what it sees.
    """
    run = multiprocessing.parent_process()
    return run is None or os.getppid() == run.pid


def host_of_worker() -> Host:
    """The host for which the worker that has called us runs a task.

    ``inventory_hostname`` does not tell: a fact of that name, which is the host's own word, beats the inventory.
    """
    executor = caller(TaskExecutor, _FAR)
    if executor is None:
        raise RuntimeError("no task of Ansible's runs here")
    host: Host = executor._host  # noqa: SLF001 - no action is told
    return host
