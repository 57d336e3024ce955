"""A run's report as Prometheus text (exposition format 0.0.4), as the textfile collector of node_exporter reads it.

One series a launch, not one a job: job ids are never the same again and would make a new series each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ansible_reap.jobs import JobState
from ansible_reap.printable import printable
from ansible_reap.reports.run_report import Report, ReportedJob


def render(report: Report) -> str:
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    playbook = {"playbook": ",".join(report.playbooks)}
    info = {**playbook, "run": report.run, "ansible_core": report.core, "outcome": report.outcome}
    yield from _family("run_info", "The last run.", [(info, 1)])
    failed = 0 if report.outcome == "ok" else 1
    yield from _family("run_has_problems", "Whether the run's outcome was anything but ok.", [(playbook, failed)])
    if report.ended is not None:
        when = report.ended.timestamp()
        yield from _family("run_end_time_seconds", "When it ended, in seconds since the epoch.", [(playbook, when)])
        if report.started is not None:
            took = max(when - report.started.timestamp(), 0.0)
            yield from _family("run_duration_seconds", "How long it took.", [(playbook, took)])
    counts = [
        ({**playbook, "state": state.value}, sum(job.state is state for job in report.jobs)) for state in JobState
    ]
    yield from _family("run_jobs", "The run's async jobs, by what became of them.", counts)
    swallowed = sum(job.swallowed for job in report.jobs)
    yield from _family("run_jobs_swallowed", "Jobs whose failure was seen and ignored.", [(playbook, swallowed)])
    yield from _launches(report.jobs, playbook)


def _launches(jobs: Iterable[ReportedJob], playbook: Mapping[str, str]) -> Iterator[str]:
    launches: dict[tuple[str, int | None, str], list[ReportedJob]] = {}
    for job in jobs:
        launches.setdefault((job.path, job.line, job.task), []).append(job)
    slowest, limits, problems = [], [], []
    for (path, line, task), members in launches.items():
        labels = {**playbook, "task": task, "path": path, "line": "" if line is None else str(line)}
        times = [job.runtime for job in members if job.runtime is not None]
        known = [job.limit for job in members if job.limit is not None]
        slowest += [(labels, max(times))] if times else []
        limits += [(labels, min(known))] if known else []
        problems.append((labels, sum(job.is_problem for job in members)))
    yield from _family("launch_runtime_seconds", "The run time of the launch's slowest job.", slowest)
    yield from _family("launch_limit_seconds", "The launch's limit, the value of async.", limits)
    yield from _family("launch_problem_jobs", "Jobs of the launch that ended badly or that nobody saw end.", problems)


def _family(name: str, meaning: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Iterator[str]:
    found = list(samples)
    if not found:
        return
    full = f"ansible_reap_{name}"
    yield f"# HELP {full} {meaning}"
    yield f"# TYPE {full} gauge"
    for labels, value in found:
        listed = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
        yield f"{full}{{{listed}}} {_number(value)}"


def _escape(text: str) -> str:
    """A label's value, on one line and without control characters."""
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
