"""What is to be done about a job: nothing, a line in the recap, or a failure. Pure."""

from __future__ import annotations

from enum import Enum

from ansible_reap.jobs import BAD_STATES
from ansible_reap.runtime.policy.options import OnUnreaped, Options, Reaction
from ansible_reap.runtime.tracking.phases import Phase
from ansible_reap.runtime.tracking.tracker import JobRecord, Origin


class Consequence(Enum):
    """What a job deserves, in rising order of gravity."""

    FINE = 0
    TOLD = 1
    """A problem that is known, that the options say to report only, or that the play itself has failed for already."""
    FAILS = 2


def judge(job: JobRecord, options: Options) -> Consequence:
    """What the job deserves as it stands now. Jobs with ``poll`` > 0 are never problems of their own."""
    if job.info.poll > 0 or options.ignores(job.info):
        return Consequence.FINE
    verdict = _judge_unknown(job, options)
    return Consequence.TOLD if verdict is Consequence.FAILS and options.knows(job.info) else verdict


def _judge_unknown(job: JobRecord, options: Options) -> Consequence:
    if job.origin is Origin.UNCLAIMED or (job.origin is Origin.LEDGER and job.is_outstanding):
        # Not this run is to blame: its task has looked, and failed for what it found.
        return Consequence.TOLD
    if job.phase in (Phase.OUTSTANDING, Phase.CLEANED):
        return Consequence.TOLD if options.on_unreaped is OnUnreaped.REPORT else Consequence.FAILS
    if job.state not in BAD_STATES:
        return Consequence.FINE
    if job.came_up:
        return Consequence.TOLD
    reaction = options.on_swallowed if job.swallowed else options.on_failed
    return Consequence.FAILS if reaction is Reaction.FAIL else Consequence.TOLD
