"""A run's report (``report_path``) read back in: JSON at the border, records from here on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_reap.jobs import JobState, LastSeen, SeenBy
from ansible_reap.reading import SourceError, parse_json
from ansible_reap.reading import read as read_bytes
from ansible_reap.records import dataclass

VERSION = 1
MAX_SECONDS = 1e9
"""Thirty years, in seconds: a longer run time, which a host may claim, is not believed."""
YEARS = (1970, 2200)


class ReportError(ValueError):
    """A file that is no report; the message is one line."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The task that saw a job end."""

    task: str
    path: str
    line: int | None
    when: datetime | None


@dataclass(frozen=True, slots=True)
class ReportedJob:
    """One job of the report, in CONTRACT's words."""

    jid: str
    host: str
    delegated_to: str | None
    play: str
    task: str
    path: str
    line: int | None
    item: str | None
    limit: float | None
    poll: float | None
    state: JobState
    last_seen: LastSeen | None
    seen_by: SeenBy | None
    swallowed: bool
    reason: str | None
    msg: str | None
    rc: int | None
    launched: datetime | None
    finished: datetime | None
    runtime: float | None
    reap: Collected | None

    @property
    def is_problem(self) -> bool:
        """Worth a look: it ended badly, nobody waited for it, or its failure was ignored."""
        return self.swallowed or self.state not in {JobState.REAPED, JobState.DETACHED}


@dataclass(frozen=True, slots=True)
class Report:
    """A run's report as it was read back."""

    run: str
    playbooks: tuple[str, ...]
    core: str
    outcome: str
    started: datetime | None
    ended: datetime | None
    jobs: tuple[ReportedJob, ...]


def read(path: Path) -> Report:
    """Read a report. Raises ReportError where the file is none."""
    try:
        data = parse_json(read_bytes(path))
    except SourceError as error:
        raise ReportError(f"{path}:{error.line}: {error.message}") from error
    try:
        return of_json(data)
    except ReportError as error:
        raise ReportError(f"{path}: {error}") from error


def of_json(data: object) -> Report:
    """The report that plain data hold. Raises ReportError where it is none."""
    if not isinstance(data, dict) or not isinstance(data.get("jobs"), list):
        raise ReportError("not a run's report; the callback writes one where its option report_path says")
    if isinstance(data.get("version"), int) and data["version"] > VERSION:
        raise ReportError(f"written by a newer ansible-reap (version {data['version']})")
    try:
        return Report(
            run=str(data.get("run", "")),
            playbooks=tuple(str(each) for each in data.get("playbooks") or ()),
            core=str(data.get("ansible_core", "")),
            outcome=str(data.get("outcome", "")),
            started=_when(data.get("started")),
            ended=_when(data.get("ended")),
            jobs=tuple(_job(each) for each in data["jobs"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ReportError(f"a job in it is damaged ({error})") from error


def _job(data: Mapping[str, Any]) -> ReportedJob:
    reap = data.get("reap")
    return ReportedJob(
        jid=str(data["jid"]),
        host=str(data["host"]),
        delegated_to=_maybe(data.get("delegated_to")),
        play=str(data.get("play") or ""),
        task=str(data["task"]),
        path=str(data.get("path") or ""),
        line=_count(data.get("line")),
        item=_maybe(data.get("item")),
        limit=_number(data.get("limit_s")),
        poll=_number(data.get("poll")),
        state=JobState(data["state"]),
        last_seen=LastSeen(data["last_seen"]) if data.get("last_seen") else None,
        seen_by=SeenBy(data["seen_by"]) if data.get("seen_by") else None,
        swallowed=bool(data.get("swallowed")),
        reason=_maybe(data.get("reason")),
        msg=_maybe(data.get("msg")),
        rc=_count(data.get("rc")),
        launched=_when(data.get("launched")),
        finished=_when(data.get("finished")),
        runtime=_number(data.get("runtime_s")),
        reap=_collected(reap) if reap else None,
    )


def _collected(data: Mapping[str, Any]) -> Collected:
    return Collected(
        str(data.get("task") or ""), str(data.get("path") or ""), _count(data.get("line")), _when(data.get("at"))
    )


def _maybe(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> float | None:
    """A number of seconds; None for what is no time that a job can take."""
    number = None if value is None else float(value)
    return number if number is not None and 0 <= number < MAX_SECONDS else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and abs(value) < MAX_SECONDS else None


def _when(value: Any) -> datetime | None:
    """A moment; None for one in whose neighbourhood the calendar ends."""
    if value is None:
        return None
    when = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    if not YEARS[0] <= when.year <= YEARS[1]:
        return None
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)
