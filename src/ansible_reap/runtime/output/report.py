"""The run's report as JSON: its fields are a contract, and ``schemas/report.json`` describes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

from ansible_reap.jobs import JobState
from ansible_reap.records import dataclass
from ansible_reap.runtime.policy.consequence import Consequence, judge
from ansible_reap.runtime.policy.options import Options
from ansible_reap.runtime.tracking.as_json import entry, utc
from ansible_reap.runtime.tracking.tracker import JobRecord, Origin

VERSION = 1


class RunOutcome(str, Enum):
    """How the run is judged."""

    OK = "ok"
    FAILED = "failed"
    REPORTED = "reported"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Run:
    """The run that a report is about. Times are seconds since the epoch."""

    name: str
    """Its start in UTC and the process id."""
    playbooks: tuple[str, ...]
    ansible_core: str
    started: float
    ended: float


def outcome_of(jobs: Iterable[JobRecord], options: Options) -> RunOutcome:
    """``reported`` where there are problems that we did not fail the run for."""
    gravest = max((judge(job, options).value for job in jobs), default=Consequence.FINE.value)
    return {Consequence.FINE.value: RunOutcome.OK, Consequence.TOLD.value: RunOutcome.REPORTED}.get(
        gravest, RunOutcome.FAILED
    )


def summary(jobs: Iterable[JobRecord]) -> dict[str, int]:
    """How many jobs there were, by state. Those with ``poll`` > 0 count too, unless they were cut off."""
    counts = dict.fromkeys(("launched", *(state.value for state in _ORDER), "swallowed"), 0)
    for job in jobs:
        if job.origin is Origin.UNCLAIMED:
            continue
        counts["launched"] += 1
        counts[job.state.value] += 1
        counts["swallowed"] += job.swallowed
    return counts


def summary_of_run(jobs: Sequence[JobRecord], options: Options) -> dict[str, int]:
    """``summary``, in which jobs that the options leave alone count as ``launched`` and ``ignored``, and as no more.

    ``ignored`` is there only where there are any.
    """
    others = [job for job in jobs if job.info.poll > 0 or not options.ignores(job.info)]
    counts = summary(others)
    ignored = len(jobs) - len(others)
    return {**counts, "launched": counts["launched"] + ignored, "ignored": ignored} if ignored else counts


_ORDER = (
    JobState.REAPED,
    JobState.FAILED,
    JobState.TIMED_OUT,
    JobState.LOST,
    JobState.UNREAPED,
    JobState.DETACHED,
)


def as_json(run: Run, jobs: Sequence[JobRecord], outcome: RunOutcome, options: Options) -> dict[str, Any]:
    """The report as plain data. ``unclaimed`` is there only where ``reap.jobs.collect`` has found such jobs."""
    strays = [job for job in jobs if job.origin is Origin.UNCLAIMED]
    return {
        "version": VERSION,
        "run": run.name,
        "playbooks": list(run.playbooks),
        "ansible_core": run.ansible_core,
        "started": utc(run.started),
        "ended": utc(run.ended),
        "outcome": outcome.value,
        "jobs": [entry(job) for job in jobs if job.origin is not Origin.UNCLAIMED],
        "summary": summary_of_run(jobs, options),
        **({"unclaimed": [entry(job) for job in strays]} if strays else {}),
    }


def dumps(report: dict[str, Any]) -> str:
    """The report as text, with a line end."""
    return json.dumps(report, indent=1, ensure_ascii=True) + "\n"
