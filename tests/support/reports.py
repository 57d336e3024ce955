"""Reports of runs that never were, of any size, in the form that the callback writes."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

START = datetime(2026, 11, 22, 10, 0, 0, tzinfo=timezone.utc)
HOSTILE = "<script>alert(1)</script>"

_TASKS = (
    ("Start the backup", "roles/db/tasks/main.yml", 12, 900, 300.0),
    ("Rebuild the search index", "roles/search/tasks/main.yml", 7, 600, 240.0),
    ("Warm the cache", "site.yml", 40, 300, 45.0),
    ("Fetch the release", "roles/app/tasks/fetch.yml", 3, 240, 60.0),
)
_MESSAGES = {
    "failed": "non-zero return code",
    "timed_out": "Timeout exceeded",
    "lost": "could not find job",
    "unreaped": None,
    "reaped": None,
    "detached": None,
}


def stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def report(hosts: int, per_host: int, problems: float = 0.06, hostile: bool = True) -> dict[str, object]:
    """A report of ``hosts`` x ``per_host`` jobs; ``problems`` is the share that did not end well."""
    chance = random.Random(hosts * 1000 + per_host)
    jobs = [_job(chance, host, number, problems) for host in range(hosts) for number in range(per_host)]
    if hostile and jobs:
        jobs[0] |= {"task": HOSTILE, "item": '"><img src=x onerror=alert(2)>', "msg": "</script><b>\x1b[31m\u202e"}
        jobs[-1] |= {"host": "'><svg onload=alert(3)>", "state": "failed", "swallowed": True, "path": "a&b.yml"}
    states = [job["state"] for job in jobs]
    ended = max([float(str(job.pop("_end"))) for job in jobs], default=1.0) + 4
    return {
        "version": 1,
        "run": "2026-11-22T10:00:00Z-4711",
        "playbooks": ["site.yml"],
        "ansible_core": "2.21.5",
        "started": stamp(0),
        "ended": stamp(ended),
        "outcome": "failed" if any(state != "reaped" for state in states) else "ok",
        "jobs": jobs,
        "summary": {"launched": len(jobs), "swallowed": sum(bool(job["swallowed"]) for job in jobs)}
        | {state: states.count(state) for state in _MESSAGES},
    }


def _job(chance: random.Random, host: int, number: int, problems: float) -> dict[str, object]:
    task, path, line, limit, typical = _TASKS[number % len(_TASKS)]
    state = "reaped"
    if chance.random() < problems:
        state = chance.choice(["failed", "timed_out", "lost", "unreaped", "unreaped", "detached"])
    launched = 5 + number * 12 + chance.uniform(0, 4)
    runtime: float | None = min(typical * chance.lognormvariate(0, 0.4), limit - 1)
    if state == "timed_out":
        runtime = limit + 1.5
    finished = launched + runtime if state in {"reaped", "failed", "timed_out"} and runtime else None
    reaped = finished + chance.uniform(0, 30) if finished is not None else None
    return {
        "jid": f"j{host}.{number}",
        "host": f"web{host + 1}.example.org",
        "delegated_to": None,
        "play": "Deploy",
        "task": task,
        "path": path,
        "line": line,
        "item": f"part-{number}" if number >= len(_TASKS) else None,
        "limit_s": limit,
        "poll": 0,
        "state": state,
        "last_seen": {"unreaped": "running", "lost": "missing", "failed": "failed"}.get(state, "finished"),
        "seen_by": "playbook" if finished else None,
        "swallowed": False,
        "reason": "a daemon that is meant to live on" if state == "detached" else None,
        "rc": 1 if state == "failed" else None,
        "msg": _MESSAGES[state],
        "launched": stamp(launched),
        "finished": stamp(finished) if finished is not None else None,
        "runtime_s": runtime if finished is not None else None,
        "reap": {"task": "Wait for it", "path": path, "line": line + 9, "at": stamp(reaped)} if reaped else None,
        "_end": reaped or launched,
    }
