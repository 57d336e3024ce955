"""The jobs of a run as run times for the history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from ansible_reap import files
from ansible_reap.history.database import StoreError, parse_address
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.store import keep as keep_observations
from ansible_reap.jobs import JobState, LastSeen
from ansible_reap.runtime.tracking.launch_names import LaunchNames
from ansible_reap.runtime.tracking.phases import Phase
from ansible_reap.runtime.tracking.tracker import JobRecord, Origin


def keep(jobs: Sequence[JobRecord], run: str, core: str, base: str | None, where: str | None) -> str | None:
    """Add what the jobs tell to the history at ``where`` (the option's value, None for the default).

    Returns what to warn of in one line, or None. Takes less than two seconds whatever the store does.
    """
    if where is None and not _has_home():
        return None  # the run has been warned of that once
    try:
        address = parse_address(where)
    except StoreError as error:
        return f"history: {error}"
    found = observations(jobs, run, core, Path(base or "."))
    return keep_observations(found, address) if address else None


def _has_home() -> bool:
    try:
        files.state_folder()
    except OSError:
        return False
    return True


def observations(jobs: Sequence[JobRecord], run: str, core: str, base: Path) -> list[Observation]:
    """What the jobs tell of run times; ``base`` is the root of the project. Some tell nothing."""
    names = LaunchNames(base)
    found = []
    for job in jobs:
        if job.origin is not Origin.RUN:
            continue  # another run launched it, of another project perhaps
        outcome = _outcome(job)
        timed = _seconds(job, outcome) if outcome else None
        if outcome is None or timed is None:
            continue
        found.append(
            Observation(
                run=run,
                job=job.info.jid,
                project=names.project,
                identity=names.of(job.info),
                host=job.info.host,
                outcome=outcome,
                seconds=round(timed, 3),
                uncertainty=round(_uncertainty(job, outcome), 3),
                limit=float(job.info.limit_s),
                launched=datetime.fromtimestamp(job.info.launched, timezone.utc),
                core=core,
            )
        )
    return found


def _outcome(job: JobRecord) -> Ending | None:
    """None for what tells no time: lost, hidden by ``failed_when: false``, or not looked at."""
    if job.state is JobState.TIMED_OUT:
        return Ending.TIMED_OUT
    if job.phase is Phase.UNSURE or job.state is JobState.LOST:
        return None
    if job.state is JobState.FAILED:
        return Ending.FAILED
    if job.state is JobState.REAPED or job.last_seen is LastSeen.FINISHED:
        return Ending.FINISHED
    # One that is detached was never meant to end: that it still runs says nothing.
    return Ending.RUNNING if job.last_seen is LastSeen.RUNNING and job.state is JobState.UNREAPED else None


def _seconds(job: JobRecord, outcome: Ending) -> float | None:
    """The job's own time where it told one, else from its launch to when it was seen ended (or last seen at work)."""
    if outcome is Ending.TIMED_OUT:
        return float(job.info.limit_s)
    if outcome is Ending.RUNNING:
        return None if job.seen_running is None else max(job.seen_running - job.info.launched, 0.0)
    if job.runtime_s is not None:
        return job.runtime_s
    return None if job.finished is None else max(job.finished - job.info.launched, 0.0)


def _uncertainty(job: JobRecord, outcome: Ending) -> float:
    if outcome.is_censored:
        return 0.0
    # With poll > 0 Ansible itself looks that often, unseen by the tracker.
    return min(job.uncertainty_s, float(job.info.poll)) if job.info.poll else job.uncertainty_s
