"""A job in the report's form: what ``report_path``, ``ansible-reap jobs`` and ``reap.jobs.wait`` all say of one."""

from __future__ import annotations

from datetime import datetime, timezone

from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.tracker import JobRecord


def entry(job: JobRecord) -> dict[str, object]:
    """The job as one JSON object. Spans are seconds, points in time ISO 8601 in UTC.

    Ids and numbers are the true ones. Words are masked as Ansible masks them.
    """
    info = job.info
    msg = job.msg or job.note
    return {
        "jid": info.jid,
        "host": fit(info.host),
        "delegated_to": None if info.delegated_to is None else fit(info.delegated_to),
        "play": shown(info.play),
        "task": shown(info.task),
        "path": fit(info.path, 4096),
        "line": info.line,
        "item": None if info.item is None else shown(info.item),
        "limit_s": info.limit_s,
        "poll": info.poll,
        "state": job.state.value,
        "last_seen": None if job.last_seen is None else job.last_seen.value,
        "seen_by": None if job.seen_by is None else job.seen_by.value,
        "swallowed": job.swallowed,
        "reason": None if info.site.reason is None else shown(info.site.reason),
        "rc": job.rc,
        "msg": None if msg is None else shown(msg),
        "launched": utc(info.launched),
        "finished": None if job.finished is None else utc(job.finished),
        "runtime_s": None if job.runtime_s is None else round(job.runtime_s, 3),
        "reap": _reap(job),
    }


def _reap(job: JobRecord) -> dict[str, object] | None:
    """The task that saw the job end, and when."""
    reap = job.reap
    if reap is None:
        return None
    at = None if job.reaped is None else utc(job.reaped)
    return {"path": fit(reap.path, 4096), "line": reap.line, "task": shown(reap.task), "host": fit(reap.host), "at": at}


def utc(when: float) -> str:
    """Seconds since the epoch as ``2026-11-22T10:00:00Z``."""
    return datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
