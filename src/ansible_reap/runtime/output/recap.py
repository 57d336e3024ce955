"""ASYNC RECAP: what the terminal shows after PLAY RECAP. Pure: lines with the colour they deserve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from ansible_reap.jobs import JobState, LastSeen
from ansible_reap.runtime.output.report import summary
from ansible_reap.runtime.policy.consequence import Consequence, judge
from ansible_reap.runtime.policy.options import Options, RecapWhen
from ansible_reap.runtime.tracking.tracker import JobRecord, Origin
from ansible_reap.runtime.tracking.wording import age, place, span

WIDTH = 80
_MIN_NAME = 8


class Tone(Enum):
    """How a line is meant; the colours are Ansible's own settings for such things."""

    GOOD = "ok"
    WARNING = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    tone: Tone


def lines(jobs: Sequence[JobRecord], options: Options, now: float) -> list[Line]:
    """The block below the banner; empty where nothing is to be said."""
    if not jobs or options.recap is RecapWhen.NEVER:
        return []
    shown: list[tuple[JobRecord, Consequence]] = [
        (job, verdict) for job in jobs if (verdict := judge(job, options)) is not Consequence.FINE
    ]
    if options.recap is RecapWhen.ALWAYS:
        shown += [(job, Consequence.FINE) for job in jobs if job.state is JobState.DETACHED]
    elif not shown:
        return []
    rows = [_row(job, now, known=verdict is Consequence.TOLD and options.knows(job.info)) for job, verdict in shown]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(_COLUMNS)]
    body = [Line(_joined(row, widths), _TONES[verdict]) for row, (_, verdict) in zip(rows, shown, strict=True)]
    worst = max((verdict.value for _, verdict in shown), default=0)
    return [*body, Line(_summary(jobs), _TONES[Consequence(worst)])]


_TONES = {Consequence.FINE: Tone.GOOD, Consequence.TOLD: Tone.WARNING, Consequence.FAILS: Tone.ERROR}
_COLUMNS = 5
_WORDS = {JobState.TIMED_OUT: "timed out"}


def _row(job: JobRecord, now: float, *, known: bool) -> tuple[str, ...]:
    """State, host, place, job id, time; the task with its item, which gets the rest of the line; a remark."""
    remark = _remark(job)
    if known:
        remark = f"{remark}, known" if remark else ": known"
    info = job.info
    host = f"{info.host}->{info.delegated_to}" if info.delegated_to else info.host
    time = f"{span(age(job, now))}/{span(info.limit_s)}"
    item = f" ({info.item})" if info.item else ""
    return _state(job), host, place(job), info.jid, time, f"{info.task}{item}", remark


def _state(job: JobRecord) -> str:
    if job.origin is Origin.UNCLAIMED:
        return Origin.UNCLAIMED.value
    return "swallowed" if job.swallowed else _WORDS.get(job.state, job.state.value)


def _remark(job: JobRecord) -> str:
    if job.origin is Origin.UNCLAIMED:
        return f": {job.last_seen.value}" if job.last_seen else ""
    if job.state is JobState.DETACHED:
        return f": {job.info.site.reason}"
    if job.info.site.empty_reason:
        return ": detached without a reason"
    if job.state is JobState.UNREAPED and job.last_seen is LastSeen.MISSING:
        return ": cleaned up unseen"
    if job.state is JobState.FAILED and job.rc is not None and not job.info.site.no_log:
        return f": rc {job.rc}"
    return ""


def _joined(row: tuple[str, ...], widths: list[int]) -> str:
    head = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
    name, remark = row[_COLUMNS], row[_COLUMNS + 1]
    room = max(WIDTH - len(head) - 2 - len(remark), _MIN_NAME)
    return f"{head}  {name if len(name) <= room else name[: room - 3] + '...'}{remark}"


def _summary(jobs: Sequence[JobRecord]) -> str:
    counts = summary(jobs)
    total = counts.pop("launched")
    parts = [f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    strays = sum(job.origin is Origin.UNCLAIMED for job in jobs)
    if strays:
        parts.append(f"{strays} unclaimed")
    return f"{total} launched: {', '.join(parts)}"
