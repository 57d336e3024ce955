"""The phases of a job, what may be seen of it, and the one table that says which sight leads to which phase. Pure."""

from __future__ import annotations

from enum import Enum

from ansible_reap.jobs import BAD_STATES, JobState, LastSeen


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
    """A reap saw it end and hides how (``failed_when: false``); the status file would tell."""
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
    GIVEN_UP = "given_up"
    """Still running, and a wait of the playbook has spent all its tries."""
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
    Sight.GIVEN_UP: LastSeen.RUNNING,
    Sight.OVERDUE: LastSeen.RUNNING,
    Sight.FINISHED: LastSeen.FINISHED,
    Sight.UNSURE: LastSeen.FINISHED,
    Sight.FAILED: LastSeen.FAILED,
    Sight.TIMED_OUT: LastSeen.FAILED,
    Sight.MISSING: LastSeen.MISSING,
    Sight.CLEANED: LastSeen.MISSING,
}

END_SIGHTS = frozenset(sight for sight in Sight if LAST_SEEN[sight] in (LastSeen.FINISHED, LastSeen.FAILED))
"""What is seen of a job that has ended."""

UNSEEN = (Phase.OUTSTANDING, Phase.CLEANED, Phase.MISSING)
"""Somebody still has to account for the job."""
ENDED = frozenset(Phase) - {*UNSEEN, Phase.DETACHED}
"""Nothing more is to be expected of the job."""
BAD = frozenset(phase for phase in Phase if STATES[phase] in BAD_STATES)
"""The job did not end well, or cannot be found."""
_OPEN = (*UNSEEN, Phase.DETACHED, Phase.LOST)

_ROWS: tuple[tuple[tuple[Phase, ...], Source, tuple[Sight, ...], Phase], ...] = (
    # What the playbook sees end, ended.
    ((*_OPEN, Phase.UNSURE), Source.PLAYBOOK, (Sight.FINISHED,), Phase.REAPED),
    (_OPEN, Source.PLAYBOOK, (Sight.UNSURE,), Phase.UNSURE),
    ((*_OPEN, Phase.UNSURE, Phase.REAPED), Source.PLAYBOOK, (Sight.FAILED,), Phase.FAILED),
    ((*_OPEN, Phase.UNSURE, Phase.REAPED), Source.PLAYBOOK, (Sight.TIMED_OUT,), Phase.TIMED_OUT),
    # Only reap.jobs.wait and collect say so: they know the limit.
    (UNSEEN, Source.PLAYBOOK, (Sight.OVERDUE,), Phase.LOST),
    # "could not find job" comes with finished: true and is no reap. Nor is a cleanup, nor a peek.
    ((Phase.OUTSTANDING,), Source.PLAYBOOK, (Sight.MISSING,), Phase.MISSING),
    ((Phase.OUTSTANDING, Phase.MISSING), Source.PLAYBOOK, (Sight.CLEANED,), Phase.CLEANED),
    ((Phase.CLEANED, Phase.MISSING, Phase.LOST), Source.PLAYBOOK, (Sight.RUNNING, Sight.GIVEN_UP), Phase.OUTSTANDING),
    # The gate's look tells what became of a job; one that it finds finished well stays unreaped.
    ((Phase.MISSING,), Source.LOOK, (Sight.RUNNING, Sight.FINISHED), Phase.OUTSTANDING),
    ((*UNSEEN, Phase.UNSURE), Source.LOOK, (Sight.FAILED,), Phase.FAILED),
    ((*UNSEEN, Phase.UNSURE), Source.LOOK, (Sight.TIMED_OUT,), Phase.TIMED_OUT),
    ((Phase.OUTSTANDING, Phase.MISSING), Source.LOOK, (Sight.MISSING, Sight.OVERDUE), Phase.LOST),
    ((Phase.UNSURE,), Source.LOOK, (Sight.FINISHED,), Phase.REAPED),
    # Where the file is gone, or tells of no end, nothing tells any more how it has ended.
    ((Phase.UNSURE,), Source.LOOK, (Sight.MISSING, Sight.RUNNING, Sight.OVERDUE), Phase.LOST),
    # The gate's wait reaps.
    (UNSEEN, Source.WAIT, (Sight.FINISHED,), Phase.REAPED),
    ((*UNSEEN, Phase.UNSURE), Source.WAIT, (Sight.FAILED,), Phase.FAILED),
    ((*UNSEEN, Phase.UNSURE), Source.WAIT, (Sight.TIMED_OUT,), Phase.TIMED_OUT),
    ((Phase.OUTSTANDING, Phase.MISSING), Source.WAIT, (Sight.MISSING,), Phase.LOST),
    (UNSEEN, Source.WAIT, (Sight.OVERDUE,), Phase.LOST),
    ((Phase.UNSURE,), Source.WAIT, (Sight.FINISHED,), Phase.REAPED),
    ((Phase.UNSURE,), Source.WAIT, (Sight.MISSING, Sight.RUNNING, Sight.OVERDUE), Phase.LOST),
)

TRANSITIONS: dict[tuple[Phase, Source, Sight], Phase] = {
    (phase, source, sight): after for before, source, sights, after in _ROWS for phase in before for sight in sights
}
"""Every change of phase there is. What is not in the table changes nothing but ``last_seen``."""
