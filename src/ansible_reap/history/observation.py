"""One measured run time, as it is kept."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from ansible_reap.history.identity import Identity
from ansible_reap.records import dataclass


class Ending(str, Enum):
    """How the measuring of a job ended."""

    FINISHED = "finished"
    """It ended well: its run time is known."""
    FAILED = "failed"
    """It ended early by failing: the time says when it broke off, not how long the work takes."""
    TIMED_OUT = "timed_out"
    """It was killed at its limit: it would have taken at least so long."""
    RUNNING = "running"
    """It was still at work when it was last seen: it takes at least so long."""

    @property
    def is_censored(self) -> bool:
        """The work takes at least as long as the time says."""
        return self in {Ending.TIMED_OUT, Ending.RUNNING}


@dataclass(frozen=True, slots=True)
class Observation:
    """What one job of one run showed. Seconds are as good as they could be had; see ``uncertainty``."""

    run: str
    """The run's id, as in its report: it starts with the time of the run's start."""
    job: str
    """The job's id."""
    project: str
    identity: Identity
    host: str
    outcome: Ending
    seconds: float
    uncertainty: float
    """By how much ``seconds`` may be too long: 0 for the job's own time, else up to the delay between two looks."""
    limit: float
    """The limit that the job ran under."""
    launched: datetime
    """In UTC."""
    core: str
    """The version of ansible-core."""

    @property
    def is_blurred(self) -> bool:
        """Nobody looked near its end, so that its time says more of the playbook than of the work."""
        return not self.outcome.is_censored and self.uncertainty > max(0.25 * self.seconds, 0.1 * self.limit)
