"""Checkstyle's XML, which Jenkins, SonarQube, reviewdog and most other collectors of findings read."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

import ansible_reap
from ansible_reap.checks.finding import Finding, Level
from ansible_reap.linting.outcome import Outcome
from ansible_reap.printable import file_name, one_line

_SEVERITIES = {Level.HIGH: "error", Level.MEDIUM: "warning", Level.LOW: "info"}


def render(outcome: Outcome) -> str:
    files: dict[str, list[str]] = {}
    for path, line in _errors(outcome):
        files.setdefault(path, []).append(line)
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', f'<checkstyle version="{ansible_reap.__version__}">']
    for path in sorted(files):
        parts += [f" <file name={quoteattr(file_name(path))}>", *files[path], " </file>"]
    return "\n".join((*parts, "</checkstyle>"))


def _errors(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Each element with its file; what is known already is no more than information."""
    for finding in outcome.findings:
        yield finding.place.path, _finding(finding, _SEVERITIES[finding.severity])
    for finding in outcome.warnings:
        yield finding.place.path, _finding(finding, "info")
    for error in outcome.errors:
        yield error.path, _error(error.line, 1, "error", error.message, "unreadable")


def _finding(finding: Finding, severity: str) -> str:
    place = finding.place
    return _error(place.line, place.column, severity, f"{finding.task}: {finding.message}", finding.tag)


def _error(line: int, column: int, severity: str, message: str, kind: str) -> str:
    source = quoteattr(f"ansible-reap.{kind}")
    return (
        f'  <error line="{line}" column="{column}" severity="{severity}"'
        f" message={quoteattr(one_line(message))} source={source}/>"
    )
