"""What other programs get of a run when it is over: a step's summary, a webhook's message, spans.

Each is made of the report, which holds nothing that ``no_log`` hides. None of it can fail a run: what goes wrong is one
warning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_reap.posting import post, shown_address
from ansible_reap.reports import otlp, run_report, summary
from ansible_reap.runtime.output.spans import Destination
from ansible_reap.runtime.tracking.display_text import fit

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
MOST_PROBLEMS = 20
"""So many problems are named in a webhook's message."""


def add_step_summary(report: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """Add the recap to the summary of the step that GitHub Actions runs us in; what went wrong, or None."""
    path = environment.get(STEP_SUMMARY)
    if not path:
        return None
    text = summary.markdown(run_report.of_json(report))
    try:
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{text}\n")
    except OSError as error:
        return f"{STEP_SUMMARY} cannot be written: {error.strerror}"
    return None


def call_webhook(address: str, report: Mapping[str, Any]) -> str | None:
    """Post the report's summary; what went wrong, or None."""
    return _sent("webhook", address, message(report), {})


def message(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report without its jobs, and ``text``, which chat programs show: one line for each of the first problems."""
    found = run_report.of_json(report)
    about = {key: value for key, value in report.items() if key not in ("jobs", "unclaimed")}
    return {**about, "text": "\n".join(_lines(found, report["summary"]))}


def _lines(report: run_report.Report, counts: Mapping[str, int]) -> Iterable[str]:
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
    yield f"{', '.join(report.playbooks)}: {report.outcome}; async jobs: {said or 'none'}"
    problems = [job for job in report.jobs if job.is_problem]
    for job in problems[:MOST_PROBLEMS]:
        state = job.state.value.replace("_", " ") + (", ignored" if job.swallowed else "")
        yield f"{state}: {job.host}: '{job.task}' at {job.path}:{job.line}, job {job.jid}"
    if len(problems) > MOST_PROBLEMS:
        yield f"... and {len(problems) - MOST_PROBLEMS} more"


def send_spans(where: Destination, report: Mapping[str, Any]) -> str | None:
    """Send the run and its jobs as spans; what went wrong, or None."""
    request = otlp.request(run_report.of_json(report), resource=where.resource, parent=where.parent)
    return _sent("the spans", where.address, request, where.headers)


def _sent(what: str, address: str, document: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    body = json.dumps(document, ensure_ascii=True).encode("ascii")
    problem = post(address, body, {**headers, "Content-Type": "application/json", "User-Agent": "ansible-reap"})
    if problem is None:
        return None
    return f"{what}: nothing reached {fit(shown_address(address))} ({fit(problem)})"
