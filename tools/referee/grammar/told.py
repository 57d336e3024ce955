"""What a teller of stories gives, and what several of them do with a task."""

from __future__ import annotations

from typing import Any, TypeAlias

from referee.project import Task

Told: TypeAlias = "tuple[list[Task], list[Task], int]"
"""The launches, the tasks after them, and how many of these look without waiting."""


def also(task: Task, *conditions: Any) -> Task:
    """The task under further conditions."""
    before = task.get("when", [])
    whens = [*(before if isinstance(before, list) else [before]), *conditions]
    return task | {"when": whens if len(whens) > 1 else whens[0]} if whens else task


def id_of(register: str) -> str:
    """The template of the id of the job in this register."""
    return f"{{{{ {register}.ansible_job_id }}}}"
