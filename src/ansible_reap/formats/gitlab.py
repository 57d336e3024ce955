"""GitLab's code quality report: a list in the form of Code Climate issues."""

from __future__ import annotations

import hashlib
from typing import Any

from ansible_reap.checks.finding import Finding, Level
from ansible_reap.flow.analysis import ReadError
from ansible_reap.formats.fingerprint import fingerprints
from ansible_reap.linting.outcome import Outcome
from ansible_reap.printable import json_text

_SEVERITIES = {Level.HIGH: "major", Level.MEDIUM: "minor", Level.LOW: "info"}


def render(outcome: Outcome) -> str:
    listed = [*outcome.findings, *outcome.warnings]
    issues = [
        _issue(finding, mark, is_warning=number >= len(outcome.findings))
        for number, (finding, mark) in enumerate(zip(listed, fingerprints(listed), strict=True))
    ]
    issues += [_error(error) for error in outcome.errors]
    return json_text(issues)


def _issue(finding: Finding, fingerprint: str, *, is_warning: bool) -> dict[str, Any]:
    return {
        "description": f"{finding.task}: {finding.message}",
        "check_name": finding.tag,
        "fingerprint": fingerprint,
        "severity": "info" if is_warning else _SEVERITIES[finding.severity],
        "location": {
            "path": finding.place.path,
            "lines": {"begin": finding.place.line, "end": finding.end_line},
        },
    }


def _error(error: ReadError) -> dict[str, Any]:
    return {
        "description": error.message,
        "check_name": "unreadable",
        "fingerprint": hashlib.sha256(f"unreadable\0{error.path}".encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "severity": "critical",
        "location": {"path": error.path, "lines": {"begin": error.line, "end": error.line}},
    }
