"""Annotations for GitHub Actions: workflow commands on standard output."""

from __future__ import annotations

from ansible_reap.checks.finding import Finding, Level
from ansible_reap.linting.outcome import Outcome
from ansible_reap.markup import workflow_command


def render(outcome: Outcome) -> str:
    lines = [_finding(finding, is_warning=False) for finding in outcome.findings]
    lines += [_finding(finding, is_warning=True) for finding in outcome.warnings]
    lines += [
        workflow_command(
            "error", {"file": error.path, "line": str(error.line), "title": "cannot be read"}, error.message
        )
        for error in outcome.errors
    ]
    return "\n".join(lines)


def _finding(finding: Finding, *, is_warning: bool) -> str:
    level = "error" if finding.severity is Level.HIGH else "warning"
    properties = {
        "file": finding.place.path,
        "line": str(finding.place.line),
        "endLine": str(finding.end_line),
        "col": str(finding.place.column),
        "title": f"{finding.tag} {finding.task}",
    }
    return workflow_command("notice" if is_warning else level, properties, finding.message)
