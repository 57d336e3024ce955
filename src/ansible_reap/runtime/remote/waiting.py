"""Waiting for jobs from within a task: the loop behind ``reap.jobs.wait`` and ``reap.jobs.collect``. Pure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ansible_reap.jobs import JobState
from ansible_reap.runtime.events import results
from ansible_reap.runtime.remote.status_file import STEP
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.phases import Phase, Sight, Source
from ansible_reap.runtime.tracking.tracker import JobRecord, ReapTask, Sighting, Tracker
from ansible_reap.runtime.tracking.wording import place, span, what

KEPT = ("rc", "msg", "start", "end", "child_pid")
"""All that is taken of a job's result: its output and its facts are not the waiting task's to show."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
FIRST_WORD_AFTER = 30.0
"""Seconds of waiting before the first line of progress; each pause after it is twice as long, up to ten minutes."""
LONGEST_SILENCE = 600.0
BAD = frozenset({JobState.FAILED, JobState.TIMED_OUT, JobState.LOST})


class NoAnswerError(Exception):
    """The host or account of a job cannot be reached; one line."""


class Host(Protocol):
    """Where jobs are looked at."""

    def status(self, job: JobInfo) -> Mapping[str, Any]:
        """What ``async_status`` says of the job; raises ``NoAnswerError``."""

    def ended_ago(self, job: JobInfo) -> float | None:
        """For how many seconds at least the job has ended; None where nothing tells. Raises ``NoAnswerError``."""

    def cleanup(self, job: JobInfo) -> None:
        """Remove the job's status file; raises ``NoAnswerError``."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How to wait. ``timeout`` is seconds from now; without it each job is waited for up to its own end."""

    core: tuple[int, ...]
    reap: ReapTask
    wait: bool = True
    timeout: float | None = None
    cleanup: bool = True


@dataclass(frozen=True, slots=True)
class Waited:
    """What became of a job, and why the last look at it failed, where it did."""

    job: JobRecord
    error: str | None = None

    @property
    def is_bad(self) -> bool:
        return self.job.state in BAD

    @property
    def has_ended(self) -> bool:
        return self.job.state is not JobState.UNREAPED


def wait_for(jobs: Sequence[JobInfo], host: Host, terms: Terms, say: Callable[[str], None]) -> list[Waited]:
    """Look at each job until it has ended or its time is up; one look only where ``terms.wait`` is off.

    A host that does not answer is asked again until then: it may come back. ``say`` gets a line of progress now and
    then.
    """
    tracker = Tracker()
    records = {job.jid: tracker.launch(job) for job in jobs}
    errors: dict[str, str | None] = dict.fromkeys(records)
    began = time.time()
    ends = {job.jid: _end(job, terms, began) for job in jobs}
    left = list(jobs)
    pause, silence, spoken = FIRST_PAUSE, FIRST_WORD_AFTER, began
    while left:
        for job in list(left):
            try:
                sighting = _look(job, host, terms, time.time() - (records[job.jid].seen_running or -math.inf))
            except NoAnswerError as error:
                errors[job.jid] = str(error)
            else:
                errors[job.jid] = None
                tracker.see(job.jid, sighting)
            ended = records[job.jid].state is not JobState.UNREAPED
            if ended or time.time() >= ends[job.jid]:
                left.remove(job)
            if ended:
                _clean_up(records[job.jid], host, terms)
        if not left:
            break
        now = time.time()
        if now - spoken >= silence:
            say(progress(left, now))
            spoken, silence = now, min(2 * silence, LONGEST_SILENCE)
        time.sleep(max(0.1, min(pause, min(ends[job.jid] for job in left) - now)))
        pause = min(1.5 * pause, LONGEST_PAUSE)
    return [Waited(records[job.jid], errors[job.jid]) for job in jobs]


def progress(left: Sequence[JobInfo], now: float) -> str:
    """How many are outstanding, the oldest of them, and how far it is."""
    oldest = min(left, key=lambda job: job.launched)
    return (
        f"{len(left)} outstanding, the oldest ('{oldest.task}', job {oldest.jid}) "
        f"for {span(max(now - oldest.launched, 0.0))} of {span(oldest.limit_s)}"
    )


def failure_message(waited: Sequence[Waited], terms: Terms) -> str:
    """One message that names every job that failed, or that did not end in time; empty where none did."""
    lines = []
    for one in waited:
        if one.is_bad:
            detail = what(one.job) + _said(one.job)
        elif not one.has_ended and terms.wait:
            detail = f"did not answer: {one.error}" if one.error else f"still running after {_patience(one.job, terms)}"
        else:
            continue
        info = one.job.info
        item = f" (item={info.item})" if info.item else ""
        where = f" on {info.delegated_to}" if info.delegated_to else ""
        lines.append(f"'{info.task}'{item} at {place(one.job)}{where}, job {info.jid}: {detail}")
    if not lines:
        return ""
    return f"{len(lines)} of {len(waited)} async job{'' if len(waited) == 1 else 's'} failed: {'; '.join(lines)}"


def timing(waited: Sequence[Waited]) -> dict[str, dict[str, float]]:
    """By job id, when those ended that did not time themselves, and by how much that may be too late; in seconds."""
    return {
        job.info.jid: {"ended": job.finished, "uncertainty_s": job.uncertainty_s}
        for job in (one.job for one in waited)
        if job.finished is not None and job.uncertainty_s > 0
    }


def sighting_of_entry(
    entry: Mapping[str, Any], reap: ReapTask, now: float, timed: Mapping[str, float] | None = None
) -> Sighting | None:
    """What an entry of ``jobs`` in a task's result tells the tracker of the run; None where it tells nothing.

    ``timed`` is the job's part of :func:`timing`.

    The loop above ran in a worker process. Its result is how the process that runs the play comes to know of it.
    """
    sight = _SIGHTS.get((str(entry.get("state")), str(entry.get("last_seen"))))
    if sight is None:
        return None
    rc, msg, runtime = entry.get("rc"), entry.get("msg"), entry.get("runtime_s")
    return Sighting(
        source=Source.PLAYBOOK,
        sight=sight,
        when=now,
        rc=rc if isinstance(rc, int) else None,
        msg=str(msg) if msg else None,
        runtime_s=float(runtime) if isinstance(runtime, int | float) and not timed else None,
        ended=timed["ended"] if timed else None,
        uncertainty_s=timed["uncertainty_s"] if timed else 0.0,
        reap=reap,
    )


_SIGHTS = {
    ("reaped", "finished"): Sight.FINISHED,
    ("failed", "failed"): Sight.FAILED,
    ("timed_out", "failed"): Sight.TIMED_OUT,
    ("lost", "missing"): Sight.MISSING,
    ("lost", "running"): Sight.OVERDUE,
    ("unreaped", "running"): Sight.RUNNING,
}


def _end(job: JobInfo, terms: Terms, began: float) -> float:
    """When to give the job up: no job outlives its limit and the kill step, however long one is ready to wait."""
    if not terms.wait:
        return began
    own = max(job.deadline(terms.core), began)
    return own if terms.timeout is None else min(own, began + terms.timeout)


def _look(job: JobInfo, host: Host, terms: Terms, pause: float) -> Sighting:
    """``pause`` is how long ago the look before was, in seconds; endless where this is the first."""
    answer = host.status(job)
    if "finished" not in answer:  # the module did not run: its own failure has no such key
        raise NoAnswerError(_why(answer))
    look = {key: answer[key] for key in KEPT if key in answer}
    if job.site.no_log:
        look.pop("rc", None)
        if look.get("msg") not in (results.NOT_FOUND, results.KILLED):
            look.pop("msg", None)
    look.update(finished=bool(answer["finished"]), failed=bool(answer.get("failed")), seen=time.time())
    look["waited"] = pause < math.inf
    if look["finished"] and not look["failed"] and pause > STEP and results.runtime_of(look) is None:
        with suppress(NoAnswerError):
            ago = host.ended_ago(job)
            look.update(ended=None if ago is None else time.time() - ago, late_by=STEP)
    sighting = results.look_sighting(look, wait=True, deadline=job.deadline(terms.core))
    # It is a task of the playbook that waits here, not the gate.
    return replace(sighting, source=Source.PLAYBOOK, reap=terms.reap)


def _why(answer: Mapping[str, Any]) -> str:
    """Why a module could not run. Since ansible-core 2.19 that may stand in the exception alone."""
    event = getattr(answer.get("exception"), "event", None)
    text = answer.get("msg") or getattr(event, "msg", None) or "async_status gave no status"
    return " ".join(str(text).split())


def _clean_up(job: JobRecord, host: Host, terms: Terms) -> None:
    if terms.cleanup and job.phase in (Phase.REAPED, Phase.FAILED, Phase.TIMED_OUT):
        try:
            host.cleanup(job.info)
        except NoAnswerError:
            return  # its end is known; the file is only litter


def _patience(job: JobRecord, terms: Terms) -> str:
    waited = terms.timeout if terms.timeout is not None else time.time() - job.info.launched
    return span(max(waited, 0.0))


def _said(job: JobRecord) -> str:
    """What the job itself said, unless it must stay hidden or only repeats how it ended."""
    text = " ".join((job.msg or "").split())
    if not text or job.info.site.no_log or text in (results.NOT_FOUND, results.KILLED):
        return ""
    return f" ({text if len(text) <= 200 else text[:197] + '...'})"
