"""A job in the report's form: what ``report_path``, ``ansible-reap jobs`` and ``reap.jobs.wait`` all say of one."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible_reap.runtime.tracking.tracker import JobRecord


def entry(job: JobRecord) -> dict[str, Any]:
    """The job as one JSON object. Spans are seconds, points in time ISO 8601 in UTC."""
    info = job.info
    return {
        "jid": info.jid,
        "host": info.host,
        "delegated_to": info.delegated_to,
        "play": info.play,
        "task": info.task,
        "path": info.path,
        "line": info.line,
        "item": info.item,
        "limit_s": info.limit_s,
        "poll": info.poll,
        "state": job.state.value,
        "last_seen": None if job.last_seen is None else job.last_seen.value,
        "seen_by": None if job.seen_by is None else job.seen_by.value,
        "swallowed": job.swallowed,
        "reason": info.site.reason,
        "rc": job.rc,
        "msg": job.msg,
        "launched": utc(info.launched),
        "finished": None if job.finished is None else utc(job.finished),
        "runtime_s": None if job.runtime_s is None else round(job.runtime_s, 3),
        "reap": _reap(job),
    }


def _reap(job: JobRecord) -> dict[str, Any] | None:
    """The task that saw the job end, and when."""
    reap = job.reap
    if reap is None:
        return None
    at = None if job.reaped is None else utc(job.reaped)
    return {"path": reap.path, "line": reap.line, "task": reap.task, "host": reap.host, "at": at}


def utc(when: float) -> str:
    """Seconds since the epoch as ``2026-11-22T10:00:00Z``."""
    return datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
