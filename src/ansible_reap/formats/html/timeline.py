"""The time line of a run: a row a host, a bar a job, from its launch over its end to its reap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ansible_reap.formats.html.page import attribute, plural, text, ticks
from ansible_reap.jobs import JobState, LastSeen
from ansible_reap.records import dataclass
from ansible_reap.reports.run_report import Report, ReportedJob
from ansible_reap.wording import duration

WORDS = {
    JobState.REAPED: "reaped",
    JobState.FAILED: "failed",
    JobState.TIMED_OUT: "timed out",
    JobState.LOST: "lost",
    JobState.UNREAPED: "unreaped",
    JobState.DETACHED: "detached",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A job on the axis; all figures are seconds from the axis's start."""

    number: int
    job: ReportedJob
    start: float
    end: float
    is_open: bool
    """Nobody knows when it ended: the bar fades out."""
    reaped: float | None
    limit: float | None

    @property
    def last(self) -> float:
        """The end of all that is drawn of it, without the limit."""
        return max(self.end, self.reaped or self.end)


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis of the figure."""

    start: datetime
    length: float
    """Seconds that are drawn."""
    known: float
    """Seconds from the start to the last moment that is known; beyond it there are only limits."""

    def of(self, when: datetime) -> float:
        """A moment in seconds from the start."""
        return (when - self.start).total_seconds()

    def percent(self, seconds: float) -> str:
        """A number of seconds from the start as a percentage of the length, for CSS."""
        share = 100 * min(max(seconds / self.length, 0.0), 1.0)
        return f"{share:.3f}".rstrip("0").rstrip(".")


def axis_of(report: Report) -> Axis | None:
    """From the run's start to its end, or as far as its jobs reach; None where no moment is known.

    It goes on to the limits that lie beyond, up to twice the length: a limit of hours must leave room for the rest.
    """
    moments = [each for each in (report.started, report.ended) if each]
    for job in report.jobs:
        moments += [each for each in (job.launched, job.finished, job.reap.when if job.reap else None) if each]
        if job.launched and job.runtime is not None:
            moments.append(job.launched + timedelta(seconds=job.runtime))
    if not moments:
        return None
    start = min(moments)
    known = max((max(moments) - start).total_seconds(), 0.5)
    limits = [(job.launched - start).total_seconds() + job.limit for job in report.jobs if job.launched and job.limit]
    within = [each for each in limits if known < each <= 2 * known]
    return Axis(start, max(within, default=known), known)


def spans(report: Report, axis: Axis) -> list[Span]:
    """The jobs that have a place on the axis, numbered as in the table."""
    return [_span(number, job, axis) for number, job in enumerate(report.jobs) if job.launched]


def _span(number: int, job: ReportedJob, axis: Axis) -> Span:
    assert job.launched is not None
    start = axis.of(job.launched)
    end: float | None = None
    if job.runtime is not None:
        end = start + job.runtime
    elif job.state is JobState.TIMED_OUT and job.limit is not None:
        end = start + job.limit  # it was killed there, whenever somebody saw it
    elif job.finished:
        end = axis.of(job.finished)
    is_open = end is None or job.last_seen is LastSeen.RUNNING
    return Span(
        number=number,
        job=job,
        start=start,
        end=axis.known if end is None or is_open else max(end, start),
        is_open=is_open,
        reaped=axis.of(job.reap.when) if job.reap and job.reap.when else None,
        limit=None if job.limit is None else start + job.limit,
    )


def lanes(of_host: Iterable[Span], gap: float) -> list[list[Span]]:
    """The jobs of a host in as few rows as they need so that no two lie over each other."""
    rows: list[list[Span]] = []
    for span in sorted(of_host, key=lambda each: (each.start, each.number)):
        row = next((each for each in rows if each[-1].last + gap <= span.start), None)
        if row is None:
            rows.append([span])
        else:
            row.append(span)
    return rows


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Sorts web2 before web10: of two numbers the shorter is the smaller."""
    parts = ((part, part.lstrip("0")) for part in re.split(r"([0-9]+)", name))
    return [(part.isdecimal(), len(digits) if part.isdecimal() else 0, digits or part) for part, digits in parts]


def render(report: Report) -> str:
    """The figure, or a sentence where there is nothing to draw."""
    axis = axis_of(report)
    drawn = spans(report, axis) if axis else []
    if axis is None or not drawn:
        return '<p class="empty">No job of this run has a place on a time line.</p>'
    by_host: dict[str, list[Span]] = {}
    for span in drawn:
        by_host.setdefault(span.job.host, []).append(span)
    marks = "".join(_tick(at, axis) for at in ticks(axis.length))
    grid = "".join(f'<i style="left:{axis.percent(at)}%"></i>' for at in ticks(axis.length))
    rows = "".join(_host(host, by_host[host], axis) for host in sorted(by_host, key=natural))
    label = f"Time line: {plural(len(drawn), 'job')} on {plural(len(by_host), 'host')}"
    return f"""<div class="chart" id="chart">
<div class="canvas" role="listbox" tabindex="0" {attribute("aria-label", label)} aria-describedby="chart-help">
<div class="grid" role="presentation"><div class="track">{grid}</div></div>
<div class="axis" role="presentation"><span class="host"></span><div class="track">{marks}</div></div>
{rows}</div></div>
"""


def _tick(at: float, axis: Axis) -> str:
    near_end = " last" if at > 0.93 * axis.length else ""
    return f'<span class="tick{near_end}" style="left:{axis.percent(at)}%"><b>{text(duration(at))}</b></span>'


_WORST = (JobState.FAILED, JobState.TIMED_OUT, JobState.LOST, JobState.UNREAPED)


def _worst(of_host: Sequence[Span]) -> str:
    """The classes of a row whose host has a problem, named after the worst of them."""
    states = {each.job.state for each in of_host if each.job.is_problem}
    if not states:
        return ""
    return " bad " + next((each.value for each in _WORST if each in states), "swallowed")


def _host(host: str, of_host: Sequence[Span], axis: Axis) -> str:
    rows = lanes(of_host, axis.length / 400)
    bars = "".join(_bar(span, number, axis) for number, row in enumerate(rows) for span in row)
    size = next(word for least, word in ((11, "many"), (5, "some"), (0, "few")) if len(rows) >= least)
    named = attribute("aria-label", host)
    return (
        f'<div class="lanes {size}{_worst(of_host)}" role="group" {named} style="--lanes:{len(rows)}">'
        f'<span class="host" {attribute("title", host)}><bdi>{text(host)}</bdi></span>'
        f'<div class="track">{bars}</div></div>\n'
    )


def _bar(span: Span, lane: int, axis: Axis) -> str:
    job = span.job
    classes = f"bar {job.state.value}{' open' if span.is_open else ''}{' swallowed' if job.swallowed else ''}"
    width = axis.percent(span.end - span.start)
    placed = f'style="left:{axis.percent(span.start)}%;width:{width}%;--lane:{lane}"'
    parts = [
        f'<i class="{classes}" role="option" id="b{span.number}" {attribute("aria-label", spoken(span))} {placed}></i>'
    ]
    if span.reaped is not None and span.reaped > span.end:
        width = axis.percent(span.reaped - span.end)
        parts.append(f'<i class="wait" style="left:{axis.percent(span.end)}%;width:{width}%;--lane:{lane}"></i>')
    if span.limit is not None:
        begin = min(span.last, span.limit)  # a faint line ties the limit to its bar, or leads to where it would be
        width = axis.percent(min(span.limit, axis.length) - begin)
        beyond = " beyond" if span.limit > axis.length else ""
        parts.append(f'<i class="limit{beyond}" style="left:{axis.percent(begin)}%;width:{width}%;--lane:{lane}"></i>')
    return "".join(parts)


def spoken(span: Span) -> str:
    """The job in one sentence, for those who do not see the bar."""
    job = span.job
    said = [f"{job.host}: {job.task}", f"({job.item})" if job.item else "", WORDS[job.state]]
    if job.swallowed:
        said.append("and ignored")
    if job.runtime is not None:
        said.append(f"after {duration(job.runtime)}")
    if job.limit is not None:
        said.append(f"of {duration(job.limit)}")
    return " ".join(filter(None, said))
