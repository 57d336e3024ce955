"""One line for each finding, ``path:line:column: tag task: message``: for grep, editors and problem matchers."""

from __future__ import annotations

from ansible_reap.checks.finding import Finding
from ansible_reap.linting.outcome import Outcome
from ansible_reap.printable import file_name, one_line


def render(outcome: Outcome) -> str:
    lines = [_finding(finding) for finding in outcome.findings]
    lines += [_finding(finding, note=" (known)") for finding in outcome.warnings]
    lines += [f"{file_name(error.path)}:{error.line}:1: unreadable {error.message}" for error in outcome.errors]
    return "\n".join(map(one_line, lines))


def _finding(finding: Finding, note: str = "") -> str:
    place = finding.place
    return f"{file_name(place.path)}:{place.line}:{place.column}: {finding.tag}{note} {finding.task}: {finding.message}"
