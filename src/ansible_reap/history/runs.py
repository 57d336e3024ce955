"""Observations gathered by launch and run: what an estimate is made from."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from ansible_reap.history.estimate import Estimate, RunTime, estimate
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.records import dataclass

MAX_RUNS = 50
"""An estimate looks at the newest runs only: the work changes, and an export that is committed must stay small."""


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One launch in one run of the playbook: its jobs on all hosts and items taken together."""

    run: str
    time: RunTime
    limit: float
    core: str = ""
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class LaunchHistory:
    """What was measured of one launch."""

    project: str
    identity: Identity
    runs: tuple[MeasuredRun, ...]
    """The newest runs that tell a run time, oldest first; see MAX_RUNS."""
    failed: int = 0
    """Jobs that failed; they tell no run time."""
    host: str = ""
    """The host alone whose jobs are meant; empty where the hosts are taken together."""

    @property
    def estimate(self) -> Estimate:
        """What its runs allow to be said of the next one."""
        limit = self.runs[-1].limit if self.runs else None
        return estimate((each.time for each in self.runs), limit)


def gather(observations: Iterable[Observation], *, by_host: bool = False) -> list[LaunchHistory]:
    """One history for each launch of each project, sorted by both; observations may come in any order.

    ``by_host`` makes it one for each host as well.
    """

    def place(each: Observation) -> tuple[str, Identity, str]:
        return each.project, each.identity, each.host if by_host else ""

    found = []
    for (project, identity, host), group in groupby(sorted(observations, key=place), key=place):
        jobs = sorted(group, key=lambda each: each.run)
        runs = [_measure(run, list(of_run)) for run, of_run in groupby(jobs, key=lambda each: each.run)]
        measured = sorted((each for each in runs if each is not None), key=lambda each: each.run)[-MAX_RUNS:]
        failed = sum(each.outcome is Ending.FAILED for each in jobs)
        if measured or failed:
            found.append(LaunchHistory(project, identity, tuple(measured), failed, host))
    return found


def _measure(run: str, jobs: list[Observation]) -> MeasuredRun | None:
    """The run's slowest job, for the limit has to suit them all. None where no job tells a time."""
    telling = [job for job in jobs if job.outcome is not Ending.FAILED and not job.is_blurred]
    if not telling:
        return None
    slowest = max(telling, key=lambda job: job.seconds)
    newest = max(telling, key=lambda job: job.launched)
    # One job cut off anywhere means that the slowest of them all is not known.
    time = RunTime(slowest.seconds, any(job.outcome.is_censored for job in telling), slowest.uncertainty)
    return MeasuredRun(run, time, newest.limit, newest.core, len(telling))
