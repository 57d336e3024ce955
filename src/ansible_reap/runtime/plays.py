"""What Ansible's own play objects tell before they run: whether a play can launch, whether a later one may reap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ansible.playbook.block import Block

_DYNAMIC = frozenset({"include_tasks", "include_role", "include"})
_NAME = re.compile(r"[A-Za-z_]\w*")


def short(action: Any) -> str:
    """The action without ``ansible.builtin.`` or ``ansible.legacy.``."""
    text = str(action)
    for prefix in ("ansible.builtin.", "ansible.legacy."):
        if text.startswith(prefix):
            return text[len(prefix) :]
    return text


def is_reap(action: Any) -> bool:
    """An async_status, in any of its spellings; some write it with a foreign collection's name."""
    return str(action).rpartition(".")[2] == "async_status"


def tasks_in(nodes: Iterable[Any]) -> Iterator[Any]:
    """Every task below the blocks and tasks given, rescue and always included."""
    for node in nodes:
        if isinstance(node, Block):
            yield from tasks_in(node.block)
            yield from tasks_in(node.rescue)
            yield from tasks_in(node.always)
        else:
            yield node


def may_launch(task: Any) -> bool:
    """The task bears an ``async`` that is not plainly 0; templates count. ``poll`` > 0 starts jobs too."""
    return task.async_val not in (0, "0", None, "", False)


def may_start_jobs(tasks: Iterable[Any]) -> bool:
    """Some task launches, or brings in tasks that only the run knows."""
    return any(may_launch(task) or short(task.action) in _DYNAMIC for task in tasks)
