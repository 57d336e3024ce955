"""SARIF 2.1.0, for GitHub code scanning and editors."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ansible_reap
from ansible_reap import pages
from ansible_reap.checks.finding import Edit, Finding, Fix, Level, Rule
from ansible_reap.flow.analysis import ReadError
from ansible_reap.formats.fingerprint import fingerprints
from ansible_reap.linting.outcome import Outcome
from ansible_reap.printable import json_text

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = {Level.HIGH: "error", Level.MEDIUM: "warning", Level.LOW: "note"}
_ROOT = "PROJECTROOT"


def render(outcome: Outcome) -> str:
    rules = _rules(outcome)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    listed = [*outcome.findings, *outcome.warnings]
    results = [
        _result(finding, mark, index[finding.rule], is_warning=number >= len(outcome.findings))
        for number, (finding, mark) in enumerate(zip(listed, fingerprints(listed), strict=True))
    ]
    run = {
        "tool": {
            "driver": {
                "name": "ansible-reap",
                "version": ansible_reap.__version__,
                "semanticVersion": ansible_reap.__version__,
                "informationUri": ansible_reap.DOCS_URL,
                "rules": rules,
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"uri": Path(outcome.root).absolute().as_uri().rstrip("/") + "/"}},
        "invocations": [
            {
                "executionSuccessful": not outcome.errors,
                "exitCode": outcome.exit_status,
                "toolExecutionNotifications": [_notification(error) for error in outcome.errors],
            }
        ],
        "results": results,
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rules(outcome: Outcome) -> list[dict[str, Any]]:
    documents = pages.available()
    named = {finding.rule for finding in (*outcome.findings, *outcome.warnings)}
    rules = [_rule(rule, documents.get(rule.id)) for rule in outcome.rules.values()]
    return rules + [{"id": name} for name in sorted(named - outcome.rules.keys())]


def _rule(rule: Rule, page: Path | None) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8") if page else rule.summary
    return {
        "id": rule.id,
        "name": "".join(word.title() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": text, "markdown": text},
        "helpUri": pages.url(rule.id),
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": list(rule.tags)},
    }


def _result(finding: Finding, fingerprint: str, index: int, *, is_warning: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _plain(finding.message)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(finding.place.path),
                    "region": {
                        "startLine": finding.place.line,
                        "startColumn": finding.place.column,
                        "endLine": max(finding.end_line, finding.place.line),
                    },
                },
                "logicalLocations": [{"name": finding.task}],
            }
        ],
        "relatedLocations": [
            {
                "id": number,
                "physicalLocation": {
                    "artifactLocation": _artifact(related.place.path),
                    "region": {"startLine": related.place.line},
                },
                "message": {"text": _plain(related.message)},
            }
            for number, related in enumerate(finding.related, 1)
        ],
        "partialFingerprints": {"ansibleReapFinding/v1": fingerprint},
        "properties": {
            "tag": finding.tag,
            "confidence": finding.confidence.value,
            "via": list(finding.via),
            "suggestion": finding.suggestion or None,
        },
    }
    if finding.fix:
        result["fixes"] = [_fix(finding.fix)]
    if is_warning:
        result["suppressions"] = [{"kind": "external", "status": "accepted"}]
    return result


def _fix(fix: Fix) -> dict[str, Any]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        changes.setdefault(edit.path, []).append(_replacement(edit))
    return {
        "description": {"text": fix.description},
        "artifactChanges": [
            {"artifactLocation": _artifact(path), "replacements": replacements}
            for path, replacements in changes.items()
        ],
    }


def _replacement(edit: Edit) -> dict[str, Any]:
    """Whole lines: from the first column of the first line to the first column of the line after the last one."""
    region = {"startLine": edit.first, "startColumn": 1, "endLine": edit.last + 1, "endColumn": 1}
    return {"deletedRegion": region, "insertedContent": {"text": edit.replacement}}


def _notification(error: ReadError) -> dict[str, Any]:
    region = {"startLine": max(error.line, 1)}
    location = {"physicalLocation": {"artifactLocation": _artifact(error.path), "region": region}}
    return {"level": "error", "message": {"text": _plain(error.message)}, "locations": [location]}


def _plain(text: str) -> str:
    """Text of others without links and placeholders, which SARIF has in plain messages too (3.11.5, 3.11.6)."""
    return re.sub(r"([\\\[\]])", r"\\\1", text).replace("{", "{{").replace("}", "}}")


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(os.fsencode(path)), "uriBaseId": _ROOT}
