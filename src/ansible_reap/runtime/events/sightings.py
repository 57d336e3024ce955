"""Replies read as sightings: what one result says of one job. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_reap.records import replace
from ansible_reap.runtime.events.action_names import is_reap
from ansible_reap.runtime.events.ansible_objects import Task
from ansible_reap.runtime.events.replies import Reply, reply_of
from ansible_reap.runtime.tracking.phases import Sight, Source
from ansible_reap.runtime.tracking.tracker import ReapTask, Sighting


def is_constantly_false(condition: object) -> bool:
    """Whether a ``failed_when`` can never be true. One that tests something is the author's own decision."""
    parts = condition if isinstance(condition, list | tuple) else [condition]
    return bool(parts) and any(
        part is False or (isinstance(part, str) and part.strip().lower() in ("false", "no", "off", "0"))
        for part in parts
    )


def lets_failures_go(task: Task) -> bool:
    """Whether the play goes on as if there were none, whatever failure the task sees."""
    return task.ignore_errors is True or is_constantly_false(task.failed_when)


def sighting_of(
    task: Task,
    data: Mapping[str, object],
    *,
    failed: bool,
    ignored: bool,
    when: float,
    reap: ReapTask | None,
    tells_suppressed: bool = False,
) -> Sighting | None:
    """What the playbook's own task saw of a job, or None where it tells nothing.

    ``tells_suppressed``: with this ansible-core a result says where a ``failed_when`` has let a failure go.
    """
    reply = reply_of(data)
    sight, swallowed = _sight(task, reply, failed=failed, ignored=ignored)
    if sight is Sight.UNSURE and tells_suppressed:
        sight = Sight.FINISHED
    if sight is None:
        return None
    told = _told(reply, Source.PLAYBOOK, sight, when, waited=reply.tries > 1)
    return replace(told, swallowed=swallowed or (failed and ignored), reap=reap)


def _sight(task: Task, reply: Reply, *, failed: bool, ignored: bool) -> tuple[Sight | None, bool]:
    """What was seen, and whether a ``failed_when`` let a failure go."""
    if is_reap(task.action) and str(task.args.get("mode", "status")) == "cleanup":
        if failed:
            # A cleanup whose failure is ignored has not looked for the job's end.
            return (Sight.MISSING if reply.not_found and not ignored else None), False
        return Sight.CLEANED, False
    if reply.not_found:
        # It comes with finished: true all the same.
        return Sight.MISSING, not failed
    if reply.finished is None:
        return None, False
    if not reply.finished:
        # A wait that gave up fails with the number of its tries (ansible-core 2.16 to 2.22); the job runs on.
        return (Sight.GIVEN_UP if failed and reply.tries else Sight.RUNNING), False
    if failed:
        return _failure(reply), False
    if is_constantly_false(task.failed_when):
        sight = _hidden_failure(reply)
        return sight, sight in (Sight.FAILED, Sight.TIMED_OUT)
    return Sight.FINISHED, False


def _failure(reply: Reply) -> Sight:
    return Sight.TIMED_OUT if reply.killed else Sight.FAILED


def _hidden_failure(reply: Reply) -> Sight:
    """What a constant ``failed_when`` hides, as far as the result tells.

    ansible-core 2.19 and later say so; before, a return code or the words of a kill do, and else nothing does.
    """
    if reply.killed or reply.suppressed or reply.rc not in (None, 0):
        return _failure(reply)
    return Sight.UNSURE if reply.rc is None else Sight.FINISHED


def poll_sighting(data: Mapping[str, object], *, failed: bool, when: float) -> Sighting:
    """How a job with ``poll`` > 0 ended. One that the poll gave up on has run into its limit."""
    reply = reply_of(data)
    inner = data.get("async_result")
    if not failed:
        sight = Sight.FINISHED
    elif reply.killed or (isinstance(inner, Mapping) and not reply_of(inner).finished):
        sight = Sight.TIMED_OUT
    else:
        sight = Sight.FAILED
    return _told(reply, Source.PLAYBOOK, sight, when, waited=True)


def look_sighting(reply: Reply, source: Source, *, seen: float, deadline: float, waited: bool) -> Sighting:
    """What a look of ours saw of one job at ``seen``; one that runs after its ``deadline`` is overdue.

    Both are seconds since the epoch.
    """
    if reply.not_found:
        sight = Sight.MISSING
    elif not reply.finished:
        sight = Sight.OVERDUE if seen >= deadline else Sight.RUNNING
    elif reply.failed:
        sight = _failure(reply)
    else:
        sight = Sight.FINISHED
    return _told(reply, source, sight, seen, waited=waited)


def _told(reply: Reply, source: Source, sight: Sight, when: float, *, waited: bool) -> Sighting:
    return Sighting(
        source=source, sight=sight, when=when, rc=reply.rc, msg=reply.msg, runtime_s=reply.runtime_s, waited=waited
    )
