"""Annotations for GitHub Actions: workflow commands on standard output."""

from __future__ import annotations

from ansible_reap.checks.finding import Finding, Level
from ansible_reap.formats.printable import printable
from ansible_reap.linting.outcome import Outcome


def render(outcome: Outcome) -> str:
    lines = [_finding(finding, is_warning=False) for finding in outcome.findings]
    lines += [_finding(finding, is_warning=True) for finding in outcome.warnings]
    lines += [
        command("error", {"file": error.path, "line": str(error.line), "title": "cannot be read"}, error.message)
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
    return command("notice" if is_warning else level, properties, finding.message)


def command(level: str, properties: dict[str, str], message: str) -> str:
    """A workflow command: ``level`` is ``error``, ``warning`` or ``notice``."""
    listed = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items())
    return f"::{level} {listed}::{_escape(message)}"


def _escape(text: str) -> str:
    """Escapes as the runner undoes them: a line end would end the command."""
    return printable(text.replace("\r", "")).replace("%", "%25").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
