"""A run's report for people who look at a forge: as Markdown, and as annotations of GitHub Actions."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.jobs import JobState
from ansible_reap.markup import code_span, escaped, workflow_command
from ansible_reap.reports.run_report import Report, ReportedJob
from ansible_reap.wording import duration

STATES = {state: state.value.replace("_", " ") for state in JobState}
MOST_ROWS = 200
"""GitHub refuses a step's summary of more than a mebibyte."""


def markdown(report: Report) -> str:
    """What became of the jobs, and a table of those that need a look."""
    return "\n".join(_markdown(report))


def github(report: Report) -> str:
    """One workflow command a job that needs a look; nothing where none does."""
    return "\n".join(_annotation(job) for job in report.jobs if job.is_problem)


def _markdown(report: Report) -> Iterator[str]:
    problems = [job for job in report.jobs if job.is_problem]
    yield f"### Async jobs of {', '.join(map(code_span, report.playbooks))}: {escaped(report.outcome)}"
    yield ""
    counts = {word: sum(job.state is state for job in report.jobs) for state, word in STATES.items()}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    yield f"{len(report.jobs)} launched" + (f": {said}." if said else ".")
    if not problems:
        return
    yield ""
    yield "| state | host | task | where | run time | what it said |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for job in problems[:MOST_ROWS]:
        took = "" if job.runtime is None else duration(job.runtime)
        task = code_span(job.task + (f" ({job.item})" if job.item is not None else ""))
        answer = escaped(_said(job))
        yield f"| {_state(job)} | {code_span(job.host)} | {task} | {code_span(_place(job))} | {took} | {answer} |"
    if len(problems) > MOST_ROWS:
        yield ""
        yield f"... and {len(problems) - MOST_ROWS} more."


def _annotation(job: ReportedJob) -> str:
    item = f" ({job.item})" if job.item is not None else ""
    said = _said(job)
    message = f": {said}" if said else ""
    properties = {"file": job.path, "title": f"async job {_state(job)}"}
    if job.line is not None:
        properties["line"] = str(job.line)
    level = "warning" if job.swallowed else "error"
    return workflow_command(level, properties, f"{job.host}: {job.task}{item}, job {job.jid}{message}")


def _state(job: ReportedJob) -> str:
    return STATES[job.state] + (", ignored" if job.swallowed else "")


def _said(job: ReportedJob) -> str:
    """Its exit status and message; what fails says no more than "non-zero return code" by its message, as a rule."""
    status = f"rc {job.rc}" if job.rc else ""
    return ": ".join(filter(None, (status, job.msg)))


def _place(job: ReportedJob) -> str:
    return job.path if job.line is None else f"{job.path}:{job.line}"
