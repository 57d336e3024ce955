"""reviewdog's diagnostic format (rdjson): comments with suggested changes on whatever reviewdog talks to."""

from __future__ import annotations

from typing import Any

import ansible_reap
from ansible_reap import pages
from ansible_reap.checks.finding import Finding, Level
from ansible_reap.flow.analysis import ReadError
from ansible_reap.linting.outcome import Outcome
from ansible_reap.printable import json_text, printable

_SEVERITIES = {Level.HIGH: "ERROR", Level.MEDIUM: "WARNING", Level.LOW: "INFO"}


def render(outcome: Outcome) -> str:
    diagnostics = [_finding(finding, _SEVERITIES[finding.severity], outcome) for finding in outcome.findings]
    diagnostics += [_finding(finding, "INFO", outcome) for finding in outcome.warnings]
    diagnostics += [_error(error) for error in outcome.errors]
    document = {"source": {"name": "ansible-reap", "url": ansible_reap.DOCS_URL}, "diagnostics": diagnostics}
    return json_text(document)


def _finding(finding: Finding, severity: str, outcome: Outcome) -> dict[str, Any]:
    place = finding.place
    column = _byte_column(outcome.excerpt(place.path, place.line, place.line), place.column)
    end = max(finding.end_line, place.line)
    diagnostic: dict[str, Any] = {
        "message": printable(f"{finding.task}: {finding.message}"),
        "location": {"path": place.path, "range": _range(place.line, column, end)},
        "severity": severity,
        "code": {"value": finding.tag, "url": pages.url(finding.rule)},
    }
    if finding.related:
        diagnostic["related_locations"] = [
            {
                "message": related.message,
                "location": {"path": related.place.path, "range": _range(related.place.line, related.place.column)},
            }
            for related in finding.related
        ]
    suggestion = _suggestion(finding, outcome)
    if suggestion:
        diagnostic["suggestions"] = [suggestion]
    return diagnostic


def _suggestion(finding: Finding, outcome: Outcome) -> dict[str, Any] | None:
    """The fix as one replacement of whole lines. A change of two files cannot be told as a suggestion."""
    if finding.fix is None or {edit.path for edit in finding.fix.edits} != {finding.place.path}:
        return None
    edits = sorted(finding.fix.edits, key=lambda edit: (edit.first, edit.last))
    first, last = edits[0].first, max(edit.last for edit in edits)
    text: list[str] = []
    at = first
    for edit in edits:
        kept = outcome.excerpt(finding.place.path, at, edit.first - 1)
        if len(kept) < edit.first - at:
            return None  # the text is not at hand
        text += [f"{line}\n" for line in kept]
        text.append(edit.replacement)
        at = edit.last + 1
    return {"range": _range(first, 1, last + 1, 1), "text": "".join(text)}


def _range(line: int, column: int, end_line: int | None = None, end_column: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"start": {"line": line, "column": column}}
    if end_line is not None:
        found["end"] = {"line": end_line}
    if end_column is not None:
        found["end"]["column"] = end_column
    return found


def _byte_column(lines: list[str], column: int) -> int:
    """Columns count bytes of UTF-8 there, from 1."""
    return len(lines[0][: column - 1].encode()) + 1 if lines else column


def _error(error: ReadError) -> dict[str, Any]:
    return {
        "message": printable(error.message),
        "location": {"path": error.path, "range": _range(max(error.line, 1), 1)},
        "severity": "ERROR",
        "code": {"value": "unreadable"},
    }
