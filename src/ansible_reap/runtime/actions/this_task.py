"""The task that runs one of our actions: where it stands, how it reaches its host, and what it tells the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.ansible_objects import Action
from ansible_reap.runtime.remote.mailbox import Letter, Look
from ansible_reap.runtime.remote.waiting import Waited
from ansible_reap.runtime.session import Session
from ansible_reap.runtime.tracking.info import Access
from ansible_reap.runtime.tracking.tracker import Origin, ReapTask


def is_in_check_mode(action: Action) -> bool:
    """The task changes nothing, by ``--check`` or by its own ``check_mode``."""
    return bool(action._play_context.check_mode)  # noqa: SLF001 - the plugin's own


def place_of(action: Action, host: str, base: str | None) -> ReapTask:
    """The task as the reap of the jobs that it saw end; its path is relative to ``base`` where it lies in there."""
    task = action._task  # noqa: SLF001 - the plugin's own
    path, line = results.task_place(task, base)
    return ReapTask(path, line, results.task_label(task), host)


def access_of(action: Action) -> Access:
    """How the task itself reaches its host."""
    task: Any = action._task  # noqa: SLF001 - the plugin's own; by now its templates have been filled in
    return Access(
        become=task.become is True,
        become_user=task.become_user,
        become_method=task.become_method,
        become_flags=task.become_flags,
        become_exe=task.become_exe,
        connection=task.connection,
        remote_user=task.remote_user,
    )


def look_of(waited: Waited, origin: Origin = Origin.RUN) -> Look:
    """What is told of a job that was looked at."""
    return Look(waited.job.info, waited.sighting, waited.error, origin, waited.is_cleaned)


def as_ours(warnings: Iterable[str]) -> list[str]:
    """The warnings of a task's result, with the name under which the run hears of all that is ours."""
    return [f"async_reaper: {text}" for text in warnings]


def tell_run(session: Session, action: Action, host: str, looks: Sequence[Look]) -> None:
    """Tell the process that runs the play what the action, which runs in a worker, has seen.

    Raises:
        OSError: there is no room for it in the temporary folder.
    """
    session.mailbox.post(Letter(host, results.identity(action._task), tuple(looks)))  # noqa: SLF001 - the plugin's own
