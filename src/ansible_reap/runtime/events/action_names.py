"""What a task does, told by its action's name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import Task

WAIT, COLLECT, STOP = "reap.jobs.wait", "reap.jobs.collect", "reap.jobs.stop"


def short(action: object) -> str:
    """The action without ``ansible.builtin.`` or ``ansible.legacy.``."""
    text = str(action)
    for prefix in ("ansible.builtin.", "ansible.legacy."):
        if text.startswith(prefix):
            return text[len(prefix) :]
    return text


def is_reap(action: object) -> bool:
    """An async_status, in any of its spellings; some write it with a foreign collection's name."""
    return str(action).rpartition(".")[2] == "async_status"


def own_action(task: Task) -> str | None:
    """Which of our actions the task runs, however it spells it; None for any other."""
    name = str(getattr(task, "resolved_action", None) or task.action)
    return name if name in (WAIT, COLLECT, STOP) else None
