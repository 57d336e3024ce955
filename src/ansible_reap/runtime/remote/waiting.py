"""The one loop that looks at jobs and waits for them: behind the gate, ``reap.jobs.wait`` and ``reap.jobs.collect``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from ansible_reap.jobs import BAD_STATES, JobState
from ansible_reap.records import dataclass, replace
from ansible_reap.runtime.events.replies import ANSIBLES_OWN, Reply, reply_of
from ansible_reap.runtime.events.sightings import look_sighting
from ansible_reap.runtime.remote.status_file import STEP
from ansible_reap.runtime.tracking import clock
from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.phases import Phase, Sight, Source
from ansible_reap.runtime.tracking.tracker import JobRecord, ReapTask, Sighting, Tracker
from ansible_reap.runtime.tracking.wording import place, what
from ansible_reap.wording import counted, duration

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two looks: more and more, so that short jobs end soon and long ones cost little."""
FIRST_WORD_AFTER = 30.0
"""Seconds of waiting before the first line of progress; each pause after it is twice as long, up to ten minutes."""
LONGEST_SILENCE = 600.0


class NoAnswerError(Exception):
    """The host or account of a job cannot be reached; one line."""


class HostSaidError(NoAnswerError):
    """The same, in words of the host or of the way to it, which may hold what the job was given."""


HIDDEN_ANSWER = "what was said of it is hidden by no_log"
"""What stands for words of a host about a job of a task with ``no_log``."""


def told(error: NoAnswerError, job: JobInfo) -> str:
    """Why a job could not be looked at, as it may be shown."""
    return HIDDEN_ANSWER if job.site.no_log and isinstance(error, HostSaidError) else fit(str(error))


class JobHost(Protocol):
    """Where jobs are looked at."""

    def status(self, job: JobInfo) -> Mapping[str, object]:
        """What ``async_status`` says of the job; raises ``NoAnswerError``."""

    def ended_ago(self, job: JobInfo) -> float | None:
        """For how many seconds at least the job has ended; None where nothing tells. Raises ``NoAnswerError``."""

    def cleanup(self, job: JobInfo) -> None:
        """Remove the job's status file; raises ``NoAnswerError``."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How to wait. ``timeout`` is seconds from now; without it each job is waited for up to its own end."""

    core: tuple[int, ...]
    reap: ReapTask | None = None
    """The task that waits; None for the gate."""
    wait: bool = True
    timeout: float | None = None
    cleanup: bool = True
    """Whether to remove the status files of jobs that have ended."""
    clean_secrets: bool = False
    """Whether to remove those of jobs under ``no_log`` in any case."""
    source: Source = Source.PLAYBOOK
    expected: Callable[[JobInfo, float], str] = lambda _job, _age: ""
    """When a job of an age (seconds) is expected to end, in words; empty where that is not known."""

    def end(self, job: JobInfo, began: float) -> float:
        """When to give the job up: none outlives its limit and the kill step, however long one is ready to wait.

        ``began`` is when the wait did; both are seconds since the epoch.
        """
        if not self.wait:
            return began
        own = max(job.deadline(self.core), began)
        return own if self.timeout is None else min(own, began + self.timeout)


@dataclass(frozen=True, slots=True)
class Waited:
    """What became of a job, what was last seen of it, and why the last look at it failed, where it did."""

    job: JobRecord
    error: str | None = None
    sighting: Sighting | None = None
    is_cleaned: bool = False
    """Its status file has been removed."""

    @property
    def is_bad(self) -> bool:
        """Whether the job failed, was killed at its limit or is lost."""
        return self.job.state in BAD_STATES

    @property
    def has_ended(self) -> bool:
        """Whether its end, good or bad, is known."""
        return self.job.state is not JobState.UNREAPED


def wait_for(jobs: Sequence[JobInfo], host: JobHost, terms: Terms, say: Callable[[str], None]) -> list[Waited]:
    """Look at each job until it has ended or its time is up; one look only where ``terms.wait`` is off.

    A host that does not answer is asked again until then: it may come back. ``say`` gets a line of progress now and
    then. Status files stay until ``clean_up`` is asked to remove them: for as long as this waits, nobody else knows
    what they say.
    """
    tracker = Tracker()
    records = {job.jid: tracker.launch(job) for job in jobs}
    errors: dict[str, str | None] = dict.fromkeys(records)
    seen: dict[str, Sighting] = {}
    began = clock.now()
    ends = {job.jid: terms.end(job, began) for job in jobs}
    left = list(jobs)
    pause, silence, spoken = FIRST_PAUSE, FIRST_WORD_AFTER, began
    while left:
        for job in list(left):
            try:
                sighting = _look(job, host, terms, seen.get(job.jid))
            except NoAnswerError as error:
                errors[job.jid] = told(error, job)
            except Exception as error:  # noqa: BLE001 - it costs this job; what it says itself may be secret
                errors[job.jid] = f"an error of async_reaper, {type(error).__name__}"
            else:
                errors[job.jid] = None
                seen[job.jid] = sighting
                # To this loop a job has ended where a reap would have seen that, whoever looks.
                tracker.see(job.jid, replace(sighting, source=Source.PLAYBOOK))
            if records[job.jid].state is not JobState.UNREAPED or clock.now() >= ends[job.jid]:
                left.remove(job)
        if not left:
            break
        now = clock.now()
        if now - spoken >= silence:
            say(progress(left, now, terms.expected))
            spoken, silence = now, min(2 * silence, LONGEST_SILENCE)
        time.sleep(max(0.1, min(pause, min(ends[job.jid] for job in left) - now)))
        pause = min(1.5 * pause, LONGEST_PAUSE)
    return [Waited(records[job.jid], errors[job.jid], seen.get(job.jid)) for job in jobs]


def clean_up(waited: Sequence[Waited], host: JobHost, terms: Terms) -> list[Waited]:
    """Remove the status files of those that have ended, where that is to be done."""
    return [replace(one, is_cleaned=_clean_up(one.job, host, terms)) for one in waited]


def progress(left: Sequence[JobInfo], now: float, expected: Callable[[JobInfo, float], str]) -> str:
    """How many are outstanding, the oldest of them, how far it is, and when it is expected to end."""
    oldest = min(left, key=lambda job: job.launched)
    age = max(now - oldest.launched, 0.0)
    known = expected(oldest, age)
    return (
        f"{len(left)} outstanding, the oldest ('{shown(oldest.task)}', job {oldest.jid}) "
        f"for {duration(age)} of {duration(oldest.limit_s)}" + (f"; expected to end in {known}" if known else "")
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
        item = f" (item={shown(info.item)})" if info.item else ""
        where = f" on {fit(info.delegated_to)}" if info.delegated_to else ""
        lines.append(f"'{shown(info.task)}'{item} at {place(one.job)}{where}, job {info.jid}: {shown(detail)}")
    if not lines:
        return ""
    return f"{len(lines)} of {counted(len(waited), 'async job')} failed: {'; '.join(lines)}"


def _look(job: JobInfo, host: JobHost, terms: Terms, before: Sighting | None) -> Sighting:
    answer = host.status(job)
    if "finished" not in answer:  # the module did not run: its own failure has no such key
        raise HostSaidError(fit(str(answer.get("msg") or "async_status gave no status")))
    reply = reply_of(answer)
    if reply.impossible is not None:
        raise NoAnswerError(f"what the host says of it cannot be true: {reply.impossible}")
    now = clock.now()
    sighting = look_sighting(
        _without_secrets(reply) if job.site.no_log else reply,
        terms.source,
        seen=now,
        deadline=job.deadline(terms.core),
        waited=before is not None,
    )
    if sighting.sight is Sight.FINISHED and sighting.runtime_s is None:
        sighting = _with_end(sighting, job, host, None if before is None else now - before.when)
    return replace(sighting, reap=terms.reap)


def _with_end(sighting: Sighting, job: JobInfo, host: JobHost, pause: float | None) -> Sighting:
    """When the job ended that does not time itself: by its status file, unless two looks tell that better.

    ``pause`` is how many seconds ago the look before was.
    """
    if pause is None or pause > STEP:
        with suppress(NoAnswerError):
            ago = host.ended_ago(job)
            if ago is not None:
                return replace(sighting, ended=clock.now() - ago, uncertainty_s=STEP)
    return sighting if pause is None else replace(sighting, ended=sighting.when, uncertainty_s=pause)


def _without_secrets(reply: Reply) -> Reply:
    return replace(reply, rc=None, msg=reply.msg if reply.msg in ANSIBLES_OWN else None)


def _clean_up(job: JobRecord, host: JobHost, terms: Terms) -> bool:
    """Remove the job's status file, where that is to be done; its end is known, so nothing depends on the file."""
    is_wanted = terms.cleanup or (terms.clean_secrets and job.info.site.no_log)
    if not is_wanted or job.phase not in (Phase.REAPED, Phase.FAILED, Phase.TIMED_OUT):
        return False
    try:
        host.cleanup(job.info)
    except NoAnswerError:
        return False
    return True


def _patience(job: JobRecord, terms: Terms) -> str:
    waited = terms.timeout if terms.timeout is not None else clock.now() - job.info.launched
    return duration(max(waited, 0.0))


def _said(job: JobRecord) -> str:
    """What the job itself said, unless it must stay hidden or only repeats how it ended."""
    text = job.msg or ""
    if not text or job.info.site.no_log or text in ANSIBLES_OWN:
        return ""
    return f" ({fit(text, 200)})"
