"""What Ansible's own play objects tell before they run: whether a play can launch, whether a later one may reap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ansible.playbook.block import Block
from ansible.plugins.loader import action_loader

from ansible_reap.runtime.events.action_names import short

if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import Playbook, Task

_DYNAMIC = frozenset({"include_tasks", "include_role", "include"})
_RUN_AS_GIVEN = frozenset({"command", "shell"})
"""Modules whose action plugin does no more than to run them (ansible-core 2.16 to 2.22)."""


def tasks_in(nodes: Iterable[object]) -> Iterator[Task]:
    """Every task below the blocks and tasks given, rescue and always included."""
    for node in nodes:
        if isinstance(node, Block):
            yield from tasks_in(node.block)
            yield from tasks_in(node.rescue)
            yield from tasks_in(node.always)
        else:
            task: Any = node
            yield task


def may_launch(task: Task) -> bool:
    """The task bears an ``async`` that does not come to 0; templates count. ``poll`` > 0 starts jobs too."""
    value = task.async_val
    if not isinstance(value, str | int | float):
        return bool(value)
    try:
        return int(value or 0) != 0  # as Ansible reads it
    except (ValueError, OverflowError):
        return True


def starts_by_the_wrapper(task: Task) -> bool:
    """The task has run under a limit, with a module of Ansible's own that is never run but by ``async_wrapper`` then.

    An action plugin may do its work in the foreground, as that of ``reboot`` does.
    """
    name = str(getattr(task, "resolved_action", None) or task.action)
    is_own = name.startswith(("ansible.builtin.", "ansible.legacy."))
    runs_the_module = short(name) in _RUN_AS_GIVEN or not action_loader.has_plugin(name)
    return isinstance(task.async_val, int) and task.async_val != 0 and is_own and runs_the_module


def may_start_jobs(tasks: Iterable[Task]) -> bool:
    """Some task launches, or brings in tasks that only the run knows."""
    return any(may_launch(task) or short(task.action) in _DYNAMIC for task in tasks)


def is_ad_hoc(playbook: Playbook) -> bool:
    """It is what the command ``ansible`` makes of its arguments (ansible-core 2.16 to 2.22)."""
    return str(playbook._file_name) == "__adhoc_playbook__"  # noqa: SLF001 - a playbook has no public attributes
