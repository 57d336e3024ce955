"""The page of one run: what became of its jobs, on a time line and in a table."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_reap.formats.html import timeline
from ansible_reap.formats.html.page import attribute, document, moment, plural, text
from ansible_reap.formats.html.timeline import WORDS, natural
from ansible_reap.jobs import JobState
from ansible_reap.records import dataclass
from ansible_reap.reports.run_report import Report, ReportedJob
from ansible_reap.wording import duration

_OUTCOMES = {
    "ok": "every job is accounted for",
    "failed": "failed for its jobs",
    "reported": "problems, reported only",
    "interrupted": "interrupted",
}
_EXPLAINED = {
    JobState.UNREAPED: "Nobody waited for it, so a failure would have gone unseen.",
    JobState.FAILED: "The job ended badly.",
    JobState.TIMED_OUT: "It was killed at its limit.",
    JobState.LOST: "Its status is gone or will never come.",
    JobState.REAPED: "",
    JobState.DETACHED: "",
}
_SWALLOWED = "The reap saw the failure and the play went on green."
_COLUMNS = ("State", "Host", "Task", "Run time", "Launched", "Reaped by", "Message")


def page(report: Report) -> str:
    """The whole page as text."""
    names = ", ".join(report.playbooks) or "a run"
    body = "\n".join(
        part
        for part in (
            _header(report, names),
            "<main>",
            _tiles(report.jobs),
            _problems(report.jobs),
            _time_line(report),
            _table(report),
            "</main>",
        )
        if part
    )
    return document(f"{names}: {plural(len(report.jobs), 'job')}", body)


def _header(report: Report, names: str) -> str:
    facts = []
    if report.started:
        facts.append(moment(report.started))
    if report.started and report.ended:
        facts.append(text(duration((report.ended - report.started).total_seconds())))
    if report.core:
        facts.append(f"ansible-core {text(report.core)}")
    outcome = report.outcome if report.outcome in _OUTCOMES else "interrupted"
    return f"""<header>
<div><p class="kicker">ansible-reap</p><h1>{text(names)}</h1>
<p class="facts">{" · ".join(facts)}</p></div>
<div class="right"><span class="outcome {outcome}">{text(_OUTCOMES.get(report.outcome, report.outcome))}</span>
<button type="button" id="theme" hidden>Dark</button></div>
</header>"""


def _tiles(jobs: Sequence[ReportedJob]) -> str:
    counts = {state: sum(job.state is state for job in jobs) for state in WORDS}
    swallowed = sum(job.swallowed for job in jobs)
    entries = [("", "launched", len(jobs)), *((state.value, word, counts[state]) for state, word in WORDS.items())]
    entries.append(("swallowed", "swallowed", swallowed))
    tiles = "".join(
        f'<button type="button" class="tile {key or "all"}" data-state="{key}" aria-pressed="{str(not key).lower()}"'
        f"{' disabled' if not count else ''}><b>{count:,}</b><span>{word}</span></button>"
        for key, word, count in entries
    )
    return f'<section class="tiles" aria-label="Jobs by state; press one to see only those">{tiles}</section>'


@dataclass(frozen=True, slots=True)
class _Problem:
    """Jobs of one launch with the same fate."""

    first: ReportedJob
    hosts: tuple[str, ...]
    jobs: int


def _grouped(jobs: Sequence[ReportedJob]) -> list[_Problem]:
    groups: dict[tuple[object, ...], list[ReportedJob]] = {}
    for job in jobs:
        if job.is_problem:
            groups.setdefault((job.path, job.line, job.task, job.state, job.swallowed), []).append(job)
    found = [
        _Problem(group[0], tuple(sorted({job.host for job in group}, key=natural)), len(group))
        for group in groups.values()
    ]
    return sorted(found, key=lambda each: -each.jobs)


def _problems(jobs: Sequence[ReportedJob]) -> str:
    found = _grouped(jobs)
    if not found:
        return ""
    items = "".join(_problem(each) for each in found[:50])
    more = f"<p class=note>and {plural(len(found) - 50, 'more')}: see the table</p>" if len(found) > 50 else ""
    return f"""<section aria-labelledby="problems-title"><h2 id="problems-title">Problems</h2>
<ul class="problems" tabindex="0" aria-labelledby="problems-title">{items}</ul>{more}</section>"""


def _problem(problem: _Problem) -> str:
    job = problem.first
    shown = ", ".join(problem.hosts[:6]) + (f" and {len(problem.hosts) - 6} more" if len(problem.hosts) > 6 else "")
    explained = " ".join(filter(None, (_EXPLAINED[job.state], _SWALLOWED if job.swallowed else "")))
    said = f'<p class="msg">{text(job.msg)}</p>' if job.msg else ""
    many = f"{plural(problem.jobs, 'job')} on " if problem.jobs > 1 else ""
    return (
        f'<li class="{job.state.value}"><p>{_badge(job)} <b>{text(job.task)}</b> '
        f"<span class=where>{text(_place(job))}</span></p>"
        f"<p>{many}<bdi>{text(shown)}</bdi>. {text(explained)}</p>{said}</li>"
    )


def _time_line(report: Report) -> str:
    legend = "".join(
        f'<span><i class="bar {state.value}"></i>{word}</span>'
        for state, word in WORDS.items()
        if any(job.state is state for job in report.jobs)
    )
    return f"""<section aria-labelledby="line-title">
<div class="bar-of-tools"><h2 id="line-title">Time line</h2>
<p class="legend" aria-hidden="true">{legend}<span><i class="wait"></i>ended, not yet reaped</span>
<span><i class="limit"></i>limit</span></p>
<label class="zoom" hidden>Zoom <input type="range" id="zoom" min="1" max="20" step="0.5" value="1"></label>
<label class="check" hidden><input type="checkbox" id="only-bad"> Only hosts with problems</label></div>
<p class="note" id="chart-help">Each row is a host, each bar a job from launch to end.
The arrow keys move from job to job; Enter shows it in the table.</p>
{timeline.render(report)}</section>"""


def _table(report: Report) -> str:
    head = "".join(f'<th scope="col" aria-sort="none">{column}</th>' for column in _COLUMNS)
    rows = "".join(_row(number, job) for number, job in enumerate(report.jobs))
    return f"""<section aria-labelledby="table-title">
<div class="bar-of-tools"><h2 id="table-title">Jobs</h2>
<label class="search" hidden>Search <input type="search" id="search" placeholder="host, task, file, message"></label>
<p id="count" role="status" class="note">{plural(len(report.jobs), "job")}</p></div>
<div class="scroll" tabindex="0" role="region" aria-labelledby="table-title">
<table id="jobs"><thead><tr>{head}</tr></thead>
<tbody>{rows}</tbody></table></div></section>"""


def _row(number: int, job: ReportedJob) -> str:
    host = job.host + (f" \N{RIGHTWARDS ARROW} {job.delegated_to}" if job.delegated_to else "")
    item = f" <span class=item>{text(job.item)}</span>" if job.item is not None else ""
    reaped = ""
    if job.reap:
        reaped = f"{text(job.reap.task)}{_below(_where(job.reap.path, job.reap.line))}"
    launched = _clock(job)
    message = job.msg or job.reason or ""
    return (
        f'<tr id="j{number}" tabindex="-1" data-state="{job.state.value}{" swallowed" if job.swallowed else ""}">'
        f"<td>{_badge(job)}</td><td {attribute('data-key', job.host)}><bdi>{text(host)}</bdi></td>"
        f"<td>{text(job.task)}{item}{_below(_place(job))}</td>"
        f'<td class="num" data-key="{job.runtime if job.runtime is not None else -1}">{_used(job)}</td>'
        f'<td class="num" {attribute("data-key", job.launched.timestamp() if job.launched else 0)}>{launched}</td>'
        f"<td>{reaped}</td><td class=msg>{text(message)}</td></tr>\n"
    )


def _badge(job: ReportedJob) -> str:
    ignored = ' <span class="badge swallowed">swallowed</span>' if job.swallowed else ""
    return f'<span class="badge {job.state.value}">{WORDS[job.state]}</span>{ignored}'


def _used(job: ReportedJob) -> str:
    """The run time against the limit, as figures and as a bar."""
    limit = duration(job.limit) if job.limit is not None else "?"
    if job.runtime is None and job.state is JobState.TIMED_OUT and job.limit:
        return f'killed at {text(limit)}<span class="meter tight" aria-hidden="true"><i style="width:100%"></i></span>'
    if job.runtime is None:
        return f"<span class=faint>? of {text(limit)}</span>"
    share = min(100.0, 100 * job.runtime / job.limit) if job.limit else 0.0
    tight = " tight" if share > 50 else ""
    meter = f'<span class="meter{tight}" aria-hidden="true"><i style="width:{share:.1f}%"></i></span>'
    return f"{text(duration(job.runtime))} <span class=faint>of {text(limit)}</span>{meter}"


def _clock(job: ReportedJob) -> str:
    if job.launched is None:
        return ""
    return f'<time datetime="{job.launched.isoformat(timespec="milliseconds")}">{job.launched:%H:%M:%S}</time>'


def _below(place: str) -> str:
    return f'<span class="where" {attribute("title", place)}>{text(place)}</span>'


def _place(job: ReportedJob) -> str:
    return _where(job.path, job.line)


def _where(path: str, line: int | None) -> str:
    return f"{path}:{line}" if line else path
