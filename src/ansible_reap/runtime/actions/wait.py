"""What ``reap.jobs.wait`` does: everything outstanding on its host is reaped, in one task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from ansible.errors import AnsibleActionFail

from ansible_reap.jobs import JobState
from ansible_reap.runtime.actions.this_task import is_in_check_mode, look_of, place_of, tell_run
from ansible_reap.runtime.entry import current
from ansible_reap.runtime.events.ansible_objects import Action, Values, Variables
from ansible_reap.runtime.events.callers import host_of_worker, run_goes_on
from ansible_reap.runtime.remote.bounded import bounded_by
from ansible_reap.runtime.remote.progress import say
from ansible_reap.runtime.remote.reach import Reach
from ansible_reap.runtime.remote.waiting import Terms, Waited, clean_up, failure_message, wait_for
from ansible_reap.runtime.session import CORE, Session
from ansible_reap.runtime.tracking.as_json import entry
from ansible_reap.runtime.tracking.info import JobInfo

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
    host = host_of_worker().get_name()
    terms = Terms(
        core=CORE,
        reap=place_of(action, host, session.base),
        timeout=arguments["timeout"],
        cleanup=arguments["cleanup"] and not is_in_check_mode(action),
        expected=session.expected,
    )
    reach = bounded_by(terms, Reach(action, task_vars, host))

    def wait_and_clean(jobs: Sequence[JobInfo]) -> Sequence[Waited]:
        waited = wait_for(jobs, reach, terms, lambda text: say(host, text))
        # Of a run that was killed the files are all that tells ``collect`` how its jobs have ended.
        return clean_up(waited, reach, terms) if run_goes_on() else waited

    waited = _with_earlier(outstanding(session, host, arguments["tasks"]), action, wait_and_clean)
    # Callbacks get this result censored or masked; what the run goes by is told past them.
    tell_run(session, action, host, [look_of(one) for one in waited])
    message = failure_message(waited, terms)
    result: Values = {"changed": False, "jobs": [entry(one.job) for one in waited]}
    if message:
        result.update(failed=True, msg=message)
    return result


_earlier: dict[str, tuple[object, Waited]] = {}
"""The jobs that this worker has reaped, by id, each with the task that did.

All tries of a task and all items of its loop run in one worker, whose memory of the jobs is that of its start. It is
the same task for each try, and another for each item.
"""


def _with_earlier(
    jobs: Sequence[JobInfo], action: Action, wait: Callable[[Sequence[JobInfo]], Sequence[Waited]]
) -> list[Waited]:
    """Wait for the jobs; one that an earlier try has reaped ended as it said, and one of an earlier item is that one's.

    Nothing is looked for again: its status file may have been removed.
    """
    task = action._task  # noqa: SLF001 - the plugin's own
    now = {one.job.info.jid: one for one in wait([job for job in jobs if job.jid not in _earlier])}
    reaped = {jid: one for jid, one in now.items() if one.has_ended and one.job.state is not JobState.LOST}
    _earlier.update((jid, (task, one)) for jid, one in reaped.items())
    found = {**{jid: one for jid, (by, one) in _earlier.items() if by is task}, **now}
    return [found[job.jid] for job in jobs if job.jid in found]


def outstanding(session: Session, host: str, tasks: Sequence[str]) -> list[JobInfo]:
    """The jobs to wait for: outstanding on the host, of a task whose name one of the globs matches."""
    return [
        job.info
        for job in session.tracker.open_jobs(host)
        if job.is_outstanding and job.info.poll == 0 and any(fnmatchcase(job.info.task, glob) for glob in tasks)
    ]
