"""What ``reap.jobs.wait`` does: everything outstanding on its host is reaped, in one task."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ansible.errors import AnsibleActionFail

from ansible_reap.runtime.entry import current
from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.ansible_objects import Action, Values, Variables
from ansible_reap.runtime.remote.mailbox import Letter, Look
from ansible_reap.runtime.remote.progress import say
from ansible_reap.runtime.remote.reach import Reach
from ansible_reap.runtime.remote.waiting import Terms, failure_message, wait_for
from ansible_reap.runtime.session import CORE, Session
from ansible_reap.runtime.tracking.as_json import entry
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.tracker import ReapTask

ARGUMENTS: dict[str, dict[str, object]] = {
    "timeout": {"type": "float"},
    "tasks": {"type": "list", "elements": "str", "default": ["*"]},
    "cleanup": {"type": "bool", "default": True},
}


def wait(action: Action, arguments: Variables, task_vars: Variables) -> Values:
    """The task's result: ``jobs`` in the report's form, and ``failed`` with one message where any did not end well.

    Raises:
        AnsibleActionFail: the callback is off, so that nothing is known of any job.
    """
    session = current()
    if session is None:
        raise AnsibleActionFail(
            "reap.jobs.wait knows the jobs from the callback, which is off: "
            "set callbacks_enabled = reap.jobs.async_reaper in the [defaults] of ansible.cfg"
        )
    host = str(task_vars["inventory_hostname"])
    terms = Terms(
        core=CORE,
        reap=place_of(action, host, session.base),
        timeout=arguments["timeout"],
        cleanup=arguments["cleanup"] and not action._play_context.check_mode,  # noqa: SLF001 - the plugin's own
    )
    jobs = outstanding(session, host, arguments["tasks"])
    waited = wait_for(jobs, Reach(action, task_vars), terms, lambda text: say(host, text))
    # Callbacks get this result censored or masked; what the run goes by is told past them.
    tell(session, action, host, [Look(one.job.info, one.sighting, one.error) for one in waited])
    message = failure_message(waited, terms)
    result: Values = {"changed": False, "jobs": [entry(one.job) for one in waited]}
    if message:
        result.update(failed=True, msg=message)
    return result


def outstanding(session: Session, host: str, tasks: Sequence[str]) -> list[JobInfo]:
    """The jobs to wait for: outstanding on the host, of a task whose name one of the globs matches."""
    return [
        job.info
        for job in session.tracker.open_jobs(host)
        if job.is_outstanding and job.info.poll == 0 and any(fnmatchcase(job.info.task, glob) for glob in tasks)
    ]


def place_of(action: Action, host: str, base: str | None) -> ReapTask:
    """The task that waits, as the reap of what it saw end."""
    task = action._task  # noqa: SLF001 - the plugin's own
    path, line = results.task_place(task, base)
    return ReapTask(path, line, results.task_label(task), host)


def tell(session: Session, action: Action, host: str, looks: Sequence[Look]) -> None:
    """Tell the process that runs the play what the action, which runs in a worker, has seen."""
    session.mailbox.post(Letter(host, results.identity(action._task), tuple(looks)))  # noqa: SLF001 - the plugin's own
