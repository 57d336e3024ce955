"""The outstanding jobs among the run's custom statistics, as if a task had said so by ``set_stats``.

AWX takes these for the job's artifacts and hands them to the next node of a workflow as extra variables. There
``reap.jobs.collect`` finds the jobs, although the ledger has gone with the container that the run was in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ansible_reap.runtime.ledger.lines import LineError, decode, line_data
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite
from ansible_reap.runtime.tracking.tracker import JobRecord, Listener

NAME = "async_reaper_outstanding"
"""The artifact: a mapping of job ids to launches as the ledger has them."""
_RUN = "_run"
"""Where Ansible keeps the custom statistics that are no host's."""


class Statistics(Protocol):
    """Ansible's counts of a run (``AggregateStats``)."""

    custom: dict[str, dict[str, Any]]

    def set_custom_stats(self, which: str, what: object) -> None: ...


def read(artifact: Mapping[str, object]) -> list[JobInfo]:
    """The jobs that an artifact names.

    Raises:
        LineError: it is none.
    """
    try:
        # By way of text: what Ansible hands us may be marked as a template, and the ledger holds none.
        found = [decode(json.dumps(job).encode("ascii")) for job in artifact.values()]
    except (TypeError, ValueError) as error:
        raise LineError(str(error)) from error
    if not all(isinstance(job, JobInfo) for job in found):
        raise LineError("not a launch")
    return [job for job in found if isinstance(job, JobInfo)]


class OutstandingJobs(Listener):
    """Keeps the artifact up to date all the time: callbacks that read it are called before ours when the run ends."""

    def __init__(self, stats: Statistics, is_ignored: Callable[[JobInfo], bool]) -> None:
        self._stats = stats
        self._is_ignored = is_ignored
        self._open: dict[str, Mapping[str, object]] = {}

    def launched(self, job: JobInfo) -> None:
        if job.poll > 0 or self._is_ignored(job):
            return
        self._open[job.jid] = line_data(job)
        self._stats.set_custom_stats(NAME, self._open)

    def settled(self, job: JobRecord) -> None:
        if self._open.pop(job.info.jid, None) is not None and not self._open:
            run = self._stats.custom.get(_RUN, {})
            run.pop(NAME, None)
            if not run:
                self._stats.custom.pop(_RUN, None)

    def intent(self, key: str, site: LaunchSite, host: str, when: float) -> None:
        """Which jobs a task will start is not known yet."""

    def answered(self, key: str, host: str) -> None:
        """Its launches were told before."""

    def closed(self, jobs: Sequence[JobRecord], *, complete: bool = True) -> None:
        """Nothing more is read of it."""
