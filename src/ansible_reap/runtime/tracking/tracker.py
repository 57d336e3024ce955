"""Events to job states. Pure: it imports no Ansible, so recorded events can drive it.

A job is known by its id alone, because an id is unique across hosts in practice and jobs are often reaped from
another host than the one that launched them. Times are seconds since the epoch unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from ansible_reap.jobs import JobState, LastSeen, SeenBy
from ansible_reap.records import dataclass, replace
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import (
    BAD,
    END_SIGHTS,
    ENDED,
    LAST_SEEN,
    STATES,
    TRANSITIONS,
    UNSEEN,
    Phase,
    Sight,
    Source,
)


class Origin(Enum):
    """How the run came to know of a job."""

    RUN = "run"
    LEDGER = "ledger"
    """A killed run launched it; ``reap.jobs.collect`` has looked at it."""
    UNCLAIMED = "unclaimed"
    """``reap.jobs.collect`` found its status file, and no ledger names it."""


@dataclass(frozen=True, slots=True)
class ReapTask:
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
    """The job had failed and the play went on as if it had not."""
    rc: int | None = None
    msg: str | None = None
    runtime_s: float | None = None
    """As the module measured it; None where it did not."""
    waited: bool = False
    """The reap looked more than once, so that ``when`` is close to the job's end."""
    ended: float | None = None
    """When it ended, where that is known better than by ``when``."""
    uncertainty_s: float = 0.0
    """By how much ``ended`` may be too late."""
    reap: ReapTask | None = None


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
    """When a look last found it running, in seconds since the epoch."""
    uncertainty_s: float = 0.0
    """By how much a run time measured from outside, from launch to ``finished``, may be too long."""
    heard: ReapTask | None = None
    """The task to which another host than the job's own has said that it has ended."""
    heard_end: Sight | None = None
    """How it has ended by that."""
    is_heard_swallowed: bool = False
    """The play went on as if it had not failed, by that."""
    is_heard_cleaned: bool = False
    """Another host than its own has said that it has removed its status file."""
    reap: ReapTask | None = None
    reaped: float | None = None
    """When ``reap`` saw it end."""
    note: str | None = None
    """In our own words: why it is lost, or why its state could not be looked up."""
    is_cleaned: bool = False
    """Its status file has been removed."""
    is_answered: bool = False
    """Its host has been failed for it."""
    origin: Origin = Origin.RUN

    @property
    def state(self) -> JobState:
        """What the report calls the phase."""
        return STATES[self.phase]

    @property
    def is_outstanding(self) -> bool:
        """Launched, not reaped, not detached: somebody still has to account for it."""
        return self.phase in UNSEEN

    @property
    def wants_look(self) -> bool:
        """A look at its status file would tell something that is not known yet."""
        return self.origin is Origin.RUN and self.info.poll == 0 and (self.is_outstanding or self.phase is Phase.UNSURE)

    @property
    def leaves_secret(self) -> bool:
        """Its end is known, and its status file on the host still holds in clear what ``no_log`` hides."""
        return self.info.site.no_log and self.has_file

    @property
    def has_file(self) -> bool:
        """Its end is known, and its status file is still on the host."""
        return self.origin is Origin.RUN and self.info.poll == 0 and self.phase in _HAVE_FILES and not self.is_cleaned

    @property
    def awaits_word(self) -> bool:
        """It did not end well, and nobody has been told so yet: no task of the playbook, and no failure of its host."""
        is_told = self.came_up or self.swallowed or self.is_answered
        return self.phase in BAD and self.info.poll == 0 and not is_told


_HAVE_FILES = frozenset({Phase.REAPED, Phase.FAILED, Phase.TIMED_OUT})


class Listener:
    """Who wants to hear of jobs as they change, as the ledger does. Called while the event is handled, in order.

    Nothing is done with what a class derived from this says nothing of.
    """

    def intent(self, key: str, site: LaunchSite, host: str, when: float) -> None:
        """A launching task is about to start on the host, before its worker does. ``key`` names the task.

        What the task leaves to templates is not known yet: ``limit_s`` is 0 then, and the access as written.
        """

    def answered(self, key: str, host: str) -> None:
        """The host has reported on the task, whatever came of it; its launches were told before."""

    def launched(self, job: JobInfo) -> None:
        """Ansible has reported a launch. The play goes on when this returns."""

    def settled(self, job: JobRecord) -> None:
        """The job is accounted for: reaped, failed, timed out, lost or detached. Comes again if that changes.

        It comes as well for a job that has ended and whose status file has been removed: nothing more can be learned.
        """

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
        """Have the listener told of everything from now on."""
        self._listeners.append(listener)

    def get(self, jid: str) -> JobRecord | None:
        """The job of this id; None where it is not of this run."""
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
        return self._launch(JobRecord(info, Phase.OUTSTANDING if info.site.reason is None else Phase.DETACHED))

    def launch_lost(self, info: JobInfo, why: str) -> JobRecord:
        """Take note of a launch whose job cannot be told from others, so that its end will never be known."""
        if info.site.reason is not None:
            return self.launch(info)
        return self._launch(JobRecord(info, Phase.LOST, note=why))

    def _launch(self, job: JobRecord) -> JobRecord:
        info = job.info
        known = self._jobs.get(info.jid)
        if known is not None:
            return known
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
        told = _borne_out(job, sighting)
        if told is not None:
            # The task of the playbook has been told the truth, and has waited for the job.
            sighting = replace(
                sighting, source=Source.PLAYBOOK, sight=told, reap=job.heard, swallowed=job.is_heard_swallowed
            )
        before = job.phase
        after = TRANSITIONS.get((before, sighting.source, sighting.sight), before)
        if before not in ENDED or before is Phase.UNSURE or sighting.source is Source.PLAYBOOK:
            _note(job, sighting, after)
        if before is Phase.UNSURE and after is Phase.LOST:
            job.note = LET_GO
        job.phase = after
        if after is not before:
            self._file(job)
        return job

    def hear(self, jid: str, reap: ReapTask, sight: Sight, *, swallowed: bool = False) -> None:
        """Another host speaks of the job: that it has ended counts as a reap if a look at its own host bears it out.

        ``swallowed`` says that the play went on as if the job had not failed.
        """
        job = self._jobs.get(jid)
        if job is None:
            return
        if sight in END_SIGHTS:
            job.heard, job.heard_end, job.is_heard_swallowed = reap, sight, swallowed or sight is Sight.UNSURE
        elif sight is Sight.CLEANED:
            job.is_heard_cleaned = True

    def lose(self, jid: str, why: str) -> JobRecord | None:
        """What is told of the job cannot be believed; None where the job is not of this run."""
        job = self._jobs.get(jid)
        if job is not None and (job.phase in UNSEEN or job.phase is Phase.UNSURE):
            job.phase, job.note = Phase.LOST, why
            self._file(job)
        return job

    def hide(self, jid: str) -> None:
        """What the job says is not to be shown, although its launch has no ``no_log``."""
        job = self._jobs.get(jid)
        if job is not None and not job.info.site.no_log:
            job.info = replace(job.info, site=replace(job.info.site, no_log=True))
            job.rc = job.msg = None

    def unseen(self, jid: str, why: str) -> JobRecord | None:
        """A look at the job could not be made; None where the job is not of this run."""
        job = self._jobs.get(jid)
        if job is not None:
            job.note = why
            if job.phase is Phase.UNSURE:
                job.phase, job.swallowed, job.note = Phase.LOST, True, f"{LET_GO}: {why}"
                self._file(job)
        return job

    def cleaned(self, jid: str) -> JobRecord | None:
        """The job has ended and its status file has been removed; None where the job is not of this run."""
        job = self._jobs.get(jid)
        if job is not None:
            job.is_cleaned = True
            for listener in self._listeners:
                listener.settled(job)
        return job

    def answer(self, jid: str) -> None:
        """The job's host has been failed for it."""
        job = self._jobs.get(jid)
        if job is not None:
            job.is_answered = True
            self._file(job)

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


def _borne_out(job: JobRecord, look: Sighting) -> Sight | None:
    """How the job ended, where our look on its own host agrees with what another has said of that; else None.

    A host can name no file of another as removed that is still there: where it is gone, both see one folder.
    """
    if job.heard is None or look.source not in (Source.LOOK, Source.WAIT):
        return None
    if look.sight in _FAILURES and job.heard_end in (*_FAILURES, Sight.UNSURE):
        return look.sight
    is_gone = look.sight is Sight.MISSING and job.is_heard_cleaned and job.heard_end is Sight.FINISHED
    is_well = look.sight is Sight.FINISHED and look.source is Source.LOOK
    return Sight.FINISHED if is_gone or is_well else None


_FAILURES = (Sight.FAILED, Sight.TIMED_OUT)
LET_GO = "its wait lets failures go, and nothing tells any more how it has ended"
"""Why a job is lost of which only its status file would have told."""
CLOCK_SLACK = 60.0
"""Seconds by which a run time may exceed what the controller's clock allows: a busy one hears late of a launch."""


def _note(job: JobRecord, sighting: Sighting, after: Phase) -> None:
    """Keep the particulars of a sighting. ``after`` is the phase that it leads to."""
    before = job.phase
    gone = LAST_SEEN[sighting.sight] is LastSeen.MISSING
    if not gone or after not in ENDED or after is Phase.LOST:
        # A status file that is gone after the reap tells nothing of the job.
        job.last_seen = LAST_SEEN[sighting.sight]
        job.note = None
    if sighting.sight is Sight.CLEANED:
        job.is_cleaned = True
    if LAST_SEEN[sighting.sight] is LastSeen.RUNNING:
        job.seen_running = sighting.when
    if sighting.sight in END_SIGHTS and job.finished is None:
        _note_end(job, sighting)
    if sighting.source is Source.PLAYBOOK:
        if after in BAD and sighting.sight not in (Sight.CLEANED, Sight.RUNNING):
            job.came_up = job.came_up or not sighting.swallowed
            job.swallowed = not job.came_up
    elif before is Phase.UNSURE:
        # The reap ran with a constant failed_when, so a failure was seen and let go.
        job.swallowed = after in BAD
    elif before is Phase.MISSING and after is not Phase.LOST:
        # What came up was that the job could not be found, not how it ended.
        job.came_up = job.swallowed = False
    is_told_now = sighting.source is Source.PLAYBOOK and job.seen_by is SeenBy.GATE and sighting.sight in END_SIGHTS
    if after in ENDED and (after is not before or is_told_now) and before is not Phase.UNSURE:
        job.seen_by = SeenBy.PLAYBOOK if sighting.source is Source.PLAYBOOK else SeenBy.GATE
        job.reap = sighting.reap
        job.reaped = sighting.when
    elif before is Phase.LOST and after not in ENDED:
        # It was given up too early: nothing of how it was given up is true of it now.
        job.seen_by = job.reap = job.reaped = None
        job.came_up = job.swallowed = False
    if job.info.site.no_log:
        return  # what it hides is not even kept
    if sighting.rc is not None:
        job.rc = sighting.rc
    if after in BAD and sighting.msg:
        job.msg = sighting.msg


def _note_end(job: JobRecord, sighting: Sighting) -> None:
    """Work out when the job ended and how long it ran, as far as that can be told."""
    job.finished = sighting.when
    if sighting.runtime_s is not None:
        # A host may say anything, but no job has run for longer than since its launch.
        job.runtime_s = min(sighting.runtime_s, max(sighting.when - job.info.launched, 0.0) + CLOCK_SLACK)
        job.finished = min(sighting.when, job.info.launched + job.runtime_s)
        return
    job.uncertainty_s = max(sighting.when - (job.seen_running or job.info.launched), 0.0)
    # On a busy controller a short job may have ended before its launch was told of: then its file gives no time.
    if (
        sighting.ended is not None
        and sighting.ended > job.info.launched
        and sighting.uncertainty_s <= job.uncertainty_s
    ):
        job.uncertainty_s = sighting.uncertainty_s
        job.finished = min(sighting.ended, sighting.when)
        job.runtime_s = job.finished - job.info.launched
        return
    if sighting.waited:
        job.runtime_s = max(sighting.when - job.info.launched, 0.0)
