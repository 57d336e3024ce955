"""What the project's own tasks, ``reap.jobs.wait`` and ``reap.jobs.collect``, report to the run that they are part of.

They look at jobs in worker processes. Their results carry what they saw back to the process that runs the play.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any

from ansible_reap.runtime.remote.waiting import sighting_of_entry
from ansible_reap.runtime.tracking.info import Access, JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import Sight, Source
from ansible_reap.runtime.tracking.tracker import JobRecord, Origin, ReapTask, Sighting, Tracker

WAIT, COLLECT = "reap.jobs.wait", "reap.jobs.collect"


def own_action(task: Any) -> str | None:
    """Which of our actions the task runs, however it spells it; None for any other."""
    name = str(getattr(task, "resolved_action", None) or task.action)
    return name if name in (WAIT, COLLECT) else None


def seen_by_own_task(
    tracker: Tracker, task: Any, host: str, data: Mapping[str, Any], *, reap: ReapTask, failed: bool
) -> Iterator[JobRecord]:
    """Tell the tracker what the task saw; yields the jobs that it spoke of."""
    if own_action(task) == WAIT and "jobs" not in data and data.get("censored"):
        yield from _hidden(tracker, task, host, reap=reap, failed=failed)
        return
    for kind, origin in (("jobs", Origin.LEDGER), ("unclaimed", Origin.UNCLAIMED)):
        for entry in data.get(kind) or []:
            jid = str(entry.get("jid"))
            if own_action(task) == COLLECT and tracker.get(jid) is None:
                tracker.adopt(_adopted(entry), origin)
            sighting = sighting_of_entry(entry, reap, time.time(), (data.get("timing") or {}).get(jid))
            job = tracker.see(jid, sighting) if sighting is not None else tracker.get(jid)
            if job is not None:
                yield job


def _hidden(tracker: Tracker, task: Any, host: str, *, reap: ReapTask, failed: bool) -> Iterator[JobRecord]:
    """A wait under ``no_log``.

    Where it went well all its jobs did; else nothing says which failed, but that came up.
    """
    globs = task.args.get("tasks") or ["*"]
    for job in tracker.open_jobs(host):
        if any(fnmatchcase(job.info.task, str(glob)) for glob in ([globs] if isinstance(globs, str) else globs)):
            sight = Sight.FAILED if failed else Sight.FINISHED
            seen = tracker.see(job.info.jid, Sighting(Source.PLAYBOOK, sight, time.time(), reap=reap))
            if seen is not None:
                yield seen


def _adopted(entry: Mapping[str, Any]) -> JobInfo:
    """The job of an earlier run, as far as the report's form tells of it."""
    site = LaunchSite(
        play=str(entry.get("play") or ""),
        task=str(entry.get("task") or ""),
        path=str(entry.get("path") or ""),
        line=int(entry.get("line") or 0),
        role=None,
        register=None,
        limit_s=int(entry.get("limit_s") or 0),
        poll=int(entry.get("poll") or 0),
        no_log=False,
        access=Access(delegate_to=entry.get("delegated_to")),
    )
    return JobInfo(
        jid=str(entry["jid"]),
        host=str(entry["host"]),
        site=site,
        results_file=None,
        item=entry.get("item"),
        launched=_when(entry.get("launched")),
    )


def _when(text: Any) -> float:
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return time.time()
