"""What Ansible's own play objects tell before they run: whether a play can launch, whether a later one may reap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ansible.playbook.block import Block

from ansible_reap.runtime.events.action_names import short

if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import Playbook, Task

_DYNAMIC = frozenset({"include_tasks", "include_role", "include"})


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


def may_start_jobs(tasks: Iterable[Task]) -> bool:
    """Some task launches, or brings in tasks that only the run knows."""
    return any(may_launch(task) or short(task.action) in _DYNAMIC for task in tasks)


def is_ad_hoc(playbook: Playbook) -> bool:
    """It is what the command ``ansible`` makes of its arguments (ansible-core 2.16 to 2.22)."""
    return str(playbook._file_name) == "__adhoc_playbook__"  # noqa: SLF001 - a playbook has no public attributes
