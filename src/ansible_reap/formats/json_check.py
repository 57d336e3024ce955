"""``check --format json``: version 1 of the form that ``schemas/check.json`` describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_reap.content.builtin import qualified

if TYPE_CHECKING:
    from ansible_reap.checks.finding import Finding
    from ansible_reap.flow.analysis import Launch, Quantity, ReadError
    from ansible_reap.linting.outcome import Outcome
from ansible_reap.printable import json_text


def render(outcome: Outcome) -> str:
    document: dict[str, Any] = {
        "version": 1,
        "findings": [_finding(finding) for finding in outcome.findings],
        "launches": [_launch(launch) for launch in outcome.launches],
        "errors": [_error(error) for error in outcome.errors],
        "stats": {
            "files": outcome.files,
            "launches": len(outcome.launches),
            "elapsed_s": round(outcome.elapsed, 3),
            "passed_over": len(outcome.passed_over),
        },
    }
    if outcome.warnings:
        document["warnings"] = [_finding(finding) for finding in outcome.warnings]
    return json_text(document)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "tag": finding.tag,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "path": finding.place.path,
        "line": finding.place.line,
        "column": finding.place.column,
        "task": finding.task,
        "message": finding.message,
        "related": [
            {"path": related.place.path, "line": related.place.line, "message": related.message}
            for related in finding.related
        ],
        "via": list(finding.via),
        "fixable": finding.fix is not None,
        "suggestion": finding.suggestion or None,
    }


def _launch(launch: Launch) -> dict[str, Any]:
    task = launch.task
    via = launch.via or (launch.settings[0].via if launch.settings else ())
    return {
        "path": task.path,
        "line": task.line,
        "end_line": task.end_line,
        "task": task.label,
        "module": qualified(task.module),
        "async": limit_value(launch.limit),
        "poll": 0 if 0 in launch.poll.values else launch.poll.text,
        "register": launch.register,
        "loop": launch.is_looped,
        "verdict": launch.verdict.value,
        "reaps": [{"path": reap.task.path, "line": reap.task.line} for reap in launch.reaps],
        "via": list(via),
    }


def limit_value(limit: Quantity) -> float | str:
    """The limit in seconds where there is one; a 0 is no limit of a launch, it is the way on which none is started."""
    values = {value for value in limit.values if value > 0}
    if len(values) == 1 and not limit.is_open:
        value = values.pop()
        return int(value) if value == int(value) else value
    return limit.text


def _error(error: ReadError) -> dict[str, Any]:
    return {"path": error.path, "line": error.line, "message": error.message}
