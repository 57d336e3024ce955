"""The words for a job in failure messages and in the recap."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_reap.jobs import DETACH_VARIABLE, JobState, LastSeen
from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.tracker import JobRecord
from ansible_reap.wording import duration


def age(job: JobRecord, now: float) -> float:
    """How long the job has run: up to its end where that is known, else until now. Seconds."""
    if job.runtime_s is not None:
        return job.runtime_s
    return max((job.finished if job.finished is not None else now) - job.info.launched, 0.0)


def place(job: JobRecord) -> str:
    """Where the job was launched: ``path:line``."""
    return fit(job.info.site.place)


def what(job: JobRecord) -> str:
    """What is wrong with the job, in a few words."""
    match job.state:
        case JobState.UNREAPED:
            if job.note:
                return f"never reaped, its state could not be looked up: {job.note}"
            seen = {
                LastSeen.RUNNING: "still running",
                LastSeen.FINISHED: "has ended well",
                LastSeen.FAILED: "has failed",
                LastSeen.MISSING: "its status file is gone",
                None: "nobody looked at it",
            }[job.last_seen]
            return f"never reaped, {seen}"
        case JobState.FAILED:
            code = "" if job.rc is None else f" with rc {job.rc}"
            return f"failed{code}"
        case JobState.TIMED_OUT:
            return f"was killed at its limit of {duration(job.info.limit_s)}"
        case JobState.LOST if job.note:
            return f"lost: {job.note}"
        case JobState.LOST:
            return "lost: its status cannot be found" if job.last_seen is LastSeen.MISSING else "lost: it never ends"
        case _:
            return str(job.state.value)


def failure_message(jobs: Sequence[JobRecord], now: float) -> str:
    """One message for the gate's failure on a host: every job, where it was launched, and what to do."""
    lines = []
    for job in jobs:
        info = job.info
        item = f" (item={shown(info.item)})" if info.item else ""
        host = f" on {fit(info.delegated_to)}" if info.delegated_to else ""
        swallowed = ", and the play went on" if job.swallowed else ""
        # When the look found it killed says nothing of how long it ran.
        took = duration(age(job, now))
        time = f"seen after {took}" if job.state is JobState.TIMED_OUT else f"after {took} of {duration(info.limit_s)}"
        lines.append(
            f"'{shown(info.task)}'{item} at {place(job)}{host}, job {info.jid}: {shown(what(job))}{swallowed}, {time}"
        )
    unreaped = any(job.state is JobState.UNREAPED for job in jobs)
    advice = f" Wait for it with async_status, or declare it with vars: {DETACH_VARIABLE}: REASON." if unreaped else ""
    count = f"{len(jobs)} async jobs" if len(jobs) > 1 else "An async job"
    return f"{count} of this host went unanswered: " + "; ".join(lines) + "." + advice
