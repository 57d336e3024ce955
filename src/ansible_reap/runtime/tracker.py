"""Events to job states. Pure: it imports no Ansible, so recorded events can drive it.

A job is known by its id alone, because an id is unique across hosts in practice and jobs are often reaped from
another host than the one that launched them. Times are seconds since the epoch unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from ansible_reap.jobs import JobState, LastSeen, SeenBy
from ansible_reap.timing import kill_margin


@dataclass(frozen=True, slots=True)
class Access:
    """How the launch reached its host: what a later look at the job must use as well. Shared by many jobs."""

    delegate_to: str | None = None
    become: bool = False
    become_user: str | None = None
    become_method: str | None = None
    become_flags: str | None = None
    become_exe: str | None = None
    connection: str | None = None
    remote_user: str | None = None
    port: int | None = None
    variables: tuple[tuple[str, Any], ...] = ()
    """Connection variables (``ansible_user`` and the like) that the play, role, include, block or task set itself."""


@dataclass(frozen=True, slots=True)
class LaunchSite:
    """A task that starts jobs, as it stood for one result. Shared by all jobs of that task with the same settings."""

    play: str
    task: str
    path: str
    """Relative to the folder of the first playbook where it lies below it, else absolute."""
    line: int
    role: str | None
    register: str | None
    limit_s: int
    poll: int
    no_log: bool
    async_dir: str | None = None
    """The shell option ``ansible_async_dir`` where the play sets it; None for the default folder."""
    access: Access = field(default_factory=Access)
    reason: str | None = None
    """Why its jobs are detached, or None."""
    empty_reason: bool = False
    """The detach marker stands there without a reason, so it does not detach."""


@dataclass(frozen=True, slots=True)
class JobInfo:
    """One job as launched. Never changes."""

    jid: str
    host: str
    site: LaunchSite
    results_file: str | None
    item: str | None
    """The loop item's label; always None under ``no_log``."""
    launched: float

    @property
    def delegated_to(self) -> str | None:
        return self.site.access.delegate_to

    @property
    def play(self) -> str:
        return self.site.play

    @property
    def task(self) -> str:
        return self.site.task

    @property
    def path(self) -> str:
        return self.site.path

    @property
    def line(self) -> int:
        return self.site.line

    @property
    def role(self) -> str | None:
        return self.site.role

    @property
    def limit_s(self) -> int:
        return self.site.limit_s

    @property
    def poll(self) -> int:
        return self.site.poll

    @property
    def access(self) -> Access:
        return self.site.access

    def deadline(self, core: tuple[int, ...]) -> float:
        """When even a job killed at its limit must have ended on this ansible-core."""
        return self.launched + self.limit_s + kill_margin(core)


class Phase(Enum):
    """Where a job stands. What the report calls it is ``STATES[phase]``."""

    OUTSTANDING = "outstanding"
    CLEANED = "cleaned"
    """Outstanding, and its status file was deleted before anybody saw it end."""
    MISSING = "missing"
    """A reap of the playbook could not find it; the gate may still."""
    DETACHED = "detached"
    REAPED = "reaped"
    UNSURE = "unsure"
    """Ended under the eyes of a reap that hides how (``failed_when: false``); the status file would tell."""
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"


STATES: dict[Phase, JobState] = {
    Phase.OUTSTANDING: JobState.UNREAPED,
    Phase.CLEANED: JobState.UNREAPED,
    Phase.MISSING: JobState.LOST,
    Phase.DETACHED: JobState.DETACHED,
    Phase.REAPED: JobState.REAPED,
    Phase.UNSURE: JobState.REAPED,
    Phase.FAILED: JobState.FAILED,
    Phase.TIMED_OUT: JobState.TIMED_OUT,
    Phase.LOST: JobState.LOST,
}


class Origin(Enum):
    """How the run came to know of a job."""

    RUN = "run"
    LEDGER = "ledger"
    """A killed run launched it; ``reap.jobs.collect`` has looked at it."""
    UNCLAIMED = "unclaimed"
    """``reap.jobs.collect`` found its status file, and no ledger names it."""


class Source(Enum):
    """Who saw something of a job."""

    PLAYBOOK = "playbook"
    LOOK = "look"
    """The gate's one look: it does not count as a reap."""
    WAIT = "wait"
    """The gate's wait (``on_unreaped: reap``): it reaps."""


class Sight(Enum):
    """What was seen of a job."""

    RUNNING = "running"
    OVERDUE = "overdue"
    """Still running by its status file, though its limit and the kill step are over."""
    FINISHED = "finished"
    UNSURE = "unsure"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    MISSING = "missing"
    CLEANED = "cleaned"


LAST_SEEN: dict[Sight, LastSeen] = {
    Sight.RUNNING: LastSeen.RUNNING,
    Sight.OVERDUE: LastSeen.RUNNING,
    Sight.FINISHED: LastSeen.FINISHED,
    Sight.UNSURE: LastSeen.FINISHED,
    Sight.FAILED: LastSeen.FAILED,
    Sight.TIMED_OUT: LastSeen.FAILED,
    Sight.MISSING: LastSeen.MISSING,
    Sight.CLEANED: LastSeen.MISSING,
}

_UNSEEN = (Phase.OUTSTANDING, Phase.CLEANED, Phase.MISSING)
_OPEN = (*_UNSEEN, Phase.DETACHED, Phase.LOST)

_ROWS: tuple[tuple[tuple[Phase, ...], Source, tuple[Sight, ...], Phase], ...] = (
    # What the playbook sees end, ended.
    ((*_OPEN, Phase.UNSURE), Source.PLAYBOOK, (Sight.FINISHED,), Phase.REAPED),
    (_OPEN, Source.PLAYBOOK, (Sight.UNSURE,), Phase.UNSURE),
    ((*_OPEN, Phase.UNSURE, Phase.REAPED), Source.PLAYBOOK, (Sight.FAILED,), Phase.FAILED),
    ((*_OPEN, Phase.UNSURE, Phase.REAPED), Source.PLAYBOOK, (Sight.TIMED_OUT,), Phase.TIMED_OUT),
    # Only reap.jobs.wait and collect say so: they know the limit.
    (_UNSEEN, Source.PLAYBOOK, (Sight.OVERDUE,), Phase.LOST),
    # "could not find job" comes with finished: true and is no reap. Nor is a cleanup, nor a peek.
    ((Phase.OUTSTANDING,), Source.PLAYBOOK, (Sight.MISSING,), Phase.MISSING),
    ((Phase.OUTSTANDING, Phase.MISSING), Source.PLAYBOOK, (Sight.CLEANED,), Phase.CLEANED),
    ((Phase.CLEANED, Phase.MISSING, Phase.LOST), Source.PLAYBOOK, (Sight.RUNNING,), Phase.OUTSTANDING),
    # The gate's look tells what became of a job; one that it finds finished well stays unreaped.
    ((Phase.MISSING,), Source.LOOK, (Sight.RUNNING, Sight.FINISHED), Phase.OUTSTANDING),
    ((*_UNSEEN, Phase.UNSURE), Source.LOOK, (Sight.FAILED,), Phase.FAILED),
    ((*_UNSEEN, Phase.UNSURE), Source.LOOK, (Sight.TIMED_OUT,), Phase.TIMED_OUT),
    ((Phase.OUTSTANDING, Phase.MISSING), Source.LOOK, (Sight.MISSING, Sight.OVERDUE), Phase.LOST),
    ((Phase.UNSURE,), Source.LOOK, (Sight.FINISHED, Sight.MISSING, Sight.RUNNING, Sight.OVERDUE), Phase.REAPED),
    # The gate's wait reaps.
    (_UNSEEN, Source.WAIT, (Sight.FINISHED,), Phase.REAPED),
    ((*_UNSEEN, Phase.UNSURE), Source.WAIT, (Sight.FAILED,), Phase.FAILED),
    ((*_UNSEEN, Phase.UNSURE), Source.WAIT, (Sight.TIMED_OUT,), Phase.TIMED_OUT),
    ((Phase.OUTSTANDING, Phase.MISSING), Source.WAIT, (Sight.MISSING,), Phase.LOST),
    (_UNSEEN, Source.WAIT, (Sight.OVERDUE,), Phase.LOST),
    ((Phase.UNSURE,), Source.WAIT, (Sight.FINISHED, Sight.MISSING, Sight.RUNNING, Sight.OVERDUE), Phase.REAPED),
)

TRANSITIONS: dict[tuple[Phase, Source, Sight], Phase] = {
    (phase, source, sight): after for before, source, sights, after in _ROWS for phase in before for sight in sights
}
"""Every change of phase there is. What is not in the table changes nothing but ``last_seen``."""


@dataclass(frozen=True, slots=True)
class Reap:
    """The task that saw a job end."""

    path: str
    line: int
    task: str
    host: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one event says of one job."""

    source: Source
    sight: Sight
    when: float
    swallowed: bool = False
    """The job had failed and the play went on green."""
    rc: int | None = None
    msg: str | None = None
    runtime_s: float | None = None
    """As the module measured it; None where it did not."""
    waited: bool = False
    """The reap looked more than once, so that ``when`` is close to the job's end."""
    reap: Reap | None = None


@dataclass(slots=True)
class JobRecord:
    """What is known of one job by now. Only the tracker writes to it."""

    info: JobInfo
    phase: Phase
    last_seen: LastSeen | None = None
    seen_by: SeenBy | None = None
    swallowed: bool = False
    came_up: bool = False
    """Its failure failed a task of the playbook, rescued or not."""
    rc: int | None = None
    msg: str | None = None
    finished: float | None = None
    runtime_s: float | None = None
    seen_running: float | None = None
    """When a look last found it still at work."""
    uncertainty_s: float = 0.0
    """By how much a run time measured from outside, from launch to ``finished``, may be too long."""
    reap: Reap | None = None
    reaped: float | None = None
    """When ``reap`` saw it end."""
    origin: Origin = Origin.RUN

    @property
    def state(self) -> JobState:
        return STATES[self.phase]

    @property
    def is_outstanding(self) -> bool:
        """Launched, not reaped, not detached: somebody still has to account for it."""
        return self.phase in _UNSEEN

    @property
    def wants_look(self) -> bool:
        """A look at its status file would tell something that is not known yet."""
        return self.origin is Origin.RUN and self.info.poll == 0 and (self.is_outstanding or self.phase is Phase.UNSURE)


class Listener(Protocol):
    """Who wants to hear of jobs as they change: the ledger. Called while the event is handled, in order."""

    def intent(self, key: str, site: LaunchSite, host: str, when: float) -> None:
        """A launching task is about to start on the host, before its worker does. ``key`` names the task.

        What the task leaves to templates is not known yet: ``limit_s`` is 0 then, and the access as written.
        """

    def answered(self, key: str, host: str) -> None:
        """The host has reported on the task, whatever came of it; its launches were told before."""

    def launched(self, job: JobInfo) -> None:
        """Ansible has reported a launch. The play goes on when this returns."""

    def settled(self, job: JobRecord) -> None:
        """The job is accounted for: reaped, failed, timed out, lost or detached. Comes again if that changes."""

    def closed(self, jobs: Sequence[JobRecord], *, complete: bool = True) -> None:
        """The run is over; ``jobs`` are all of its jobs. ``complete`` says that it was not cut short."""


class Tracker:
    """All jobs of a run. Every call costs the same however many jobs there are."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobRecord] = {}
        self._by_host: dict[str, dict[str, JobRecord]] = {}
        self._listeners: list[Listener] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[JobRecord]:
        return iter(self._jobs.values())

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def get(self, jid: str) -> JobRecord | None:
        return self._jobs.get(jid)

    def open_hosts(self) -> list[str]:
        """Hosts with jobs that ``open_jobs`` would name."""
        return [host for host, jobs in self._by_host.items() if jobs]

    def open_jobs(self, host: str) -> list[JobRecord]:
        """The jobs launched on this inventory host whose end is not known, in the order of their launch."""
        return list(self._by_host.get(host, {}).values())

    def intent(self, key: str, site: LaunchSite, host: str, when: float) -> None:
        for listener in self._listeners:
            listener.intent(key, site, host, when)

    def answered(self, key: str, host: str) -> None:
        for listener in self._listeners:
            listener.answered(key, host)

    def launch(self, info: JobInfo) -> JobRecord:
        """Take note of a launch. An id that is known already is the same job reported twice."""
        known = self._jobs.get(info.jid)
        if known is not None:
            return known
        job = JobRecord(info, Phase.OUTSTANDING if info.site.reason is None else Phase.DETACHED)
        self._jobs[info.jid] = job
        for listener in self._listeners:
            listener.launched(info)
        self._file(job)
        return job

    def adopt(self, info: JobInfo, origin: Origin) -> JobRecord:
        """Take note of a job that an earlier run has launched. It is that run's ledger that keeps it."""
        return self._jobs.setdefault(info.jid, JobRecord(info, Phase.OUTSTANDING, origin=origin))

    def see(self, jid: str, sighting: Sighting) -> JobRecord | None:
        """Apply what was seen of a job; None where the job is not of this run."""
        job = self._jobs.get(jid)
        if job is None:
            return None
        before = job.phase
        after = TRANSITIONS.get((before, sighting.source, sighting.sight), before)
        if before not in _ENDED or before is Phase.UNSURE or sighting.source is Source.PLAYBOOK:
            _note(job, sighting, after)
        job.phase = after
        if after is not before:
            self._file(job)
        return job

    def close(self, *, complete: bool = True) -> None:
        """The run is over; ``complete`` says that it was not cut short."""
        for listener in self._listeners:
            listener.closed(list(self._jobs.values()), complete=complete)

    def _file(self, job: JobRecord) -> None:
        jobs = self._by_host.setdefault(job.info.host, {})
        if job.is_outstanding or job.phase is Phase.UNSURE:
            jobs[job.info.jid] = job
        else:
            jobs.pop(job.info.jid, None)
        if not job.is_outstanding:
            for listener in self._listeners:
                listener.settled(job)


_ENDED = frozenset({Phase.REAPED, Phase.UNSURE, Phase.FAILED, Phase.TIMED_OUT, Phase.LOST})
_BAD = frozenset({Phase.FAILED, Phase.TIMED_OUT, Phase.MISSING, Phase.LOST})
_END_SIGHTS = frozenset({Sight.FINISHED, Sight.UNSURE, Sight.FAILED, Sight.TIMED_OUT})


def _note(job: JobRecord, sighting: Sighting, after: Phase) -> None:
    """Keep the particulars of a sighting. ``after`` is the phase that it leads to."""
    before = job.phase
    gone = sighting.sight in (Sight.MISSING, Sight.CLEANED)
    if not gone or after not in _ENDED or after is Phase.LOST:
        # A status file that is gone after the reap tells nothing of the job.
        job.last_seen = LAST_SEEN[sighting.sight]
    if sighting.sight in (Sight.RUNNING, Sight.OVERDUE):
        job.seen_running = sighting.when
    if sighting.sight in _END_SIGHTS and job.finished is None:
        _note_end(job, sighting)
    if sighting.source is Source.PLAYBOOK:
        if after in _BAD:
            job.came_up = job.came_up or not sighting.swallowed
            job.swallowed = not job.came_up
    elif before is Phase.UNSURE:
        # The reap ran with a constant failed_when, so a failure was seen and let go.
        job.swallowed = after in _BAD
    elif before is Phase.MISSING and after is not Phase.LOST:
        # What came up was that the job could not be found, not how it ended.
        job.came_up = job.swallowed = False
    if after in _ENDED and after is not before and before is not Phase.UNSURE:
        job.seen_by = SeenBy.PLAYBOOK if sighting.source is Source.PLAYBOOK else SeenBy.GATE
        job.reap = sighting.reap
        job.reaped = sighting.when
    if job.info.site.no_log:
        return  # what it hides is not even kept
    if sighting.rc is not None:
        job.rc = sighting.rc
    if after in _BAD and sighting.msg:
        job.msg = sighting.msg


def _note_end(job: JobRecord, sighting: Sighting) -> None:
    """Work out when the job ended and how long it ran, as far as that can be told."""
    job.finished = sighting.when
    if sighting.runtime_s is not None:
        job.runtime_s = sighting.runtime_s
        job.finished = min(sighting.when, job.info.launched + sighting.runtime_s)
        return
    job.uncertainty_s = max(sighting.when - (job.seen_running or job.info.launched), 0.0)
    if sighting.waited:
        job.runtime_s = max(sighting.when - job.info.launched, 0.0)
