"""Golden cases: what a case expects, and what a check of its project really gives, in the same notation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ansible_reap import linting
from ansible_reap.checks.finding import Finding
from ansible_reap.linting.outcome import Outcome

FOLDER = Path(__file__).parents[1] / "golden"
KEYS = ("enable", "findings", "warnings", "launches")


def cases() -> list[Path]:
    """The folder of every case."""
    return sorted(path.parent for path in FOLDER.glob("*/*/expected.json"))


def expected(case: Path) -> dict[str, Any]:
    """What ``expected.json`` says."""
    loaded: dict[str, Any] = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    return loaded


def check(case: Path, scratch: Path) -> Outcome:
    """Check the case's project, in a copy below ``scratch`` where opt-in rules have to be switched on."""
    enable = expected(case).get("enable", [])
    if not enable:
        return linting.lint(case)
    copy = scratch / "project"
    shutil.copytree(case, copy)
    (copy / ".ansible-lint").write_text(json.dumps({"enable_list": enable}), encoding="utf-8")
    return linting.lint(copy)


def as_expected(outcome: Outcome, wanted: dict[str, Any]) -> dict[str, Any]:
    """The outcome in the notation of ``expected.json``; launches, related places and messages where that has them."""
    related = {_key(each) for each in wanted["findings"] if "related" in each}
    messages = {_key(each) for each in wanted["findings"] if "message" in each}
    found: dict[str, Any] = {"findings": _findings(outcome.findings, related, messages)}
    if "enable" in wanted:
        found["enable"] = wanted["enable"]
    if outcome.warnings or "warnings" in wanted:
        found["warnings"] = _findings(outcome.warnings)
    if "launches" in wanted:
        launches = sorted((each.task.path, each.task.line, each.verdict.value) for each in outcome.launches)
        found["launches"] = [{"path": path, "line": line, "verdict": verdict} for path, line, verdict in launches]
    return found


def dump(wanted: dict[str, Any]) -> str:
    """``expected.json`` as it is kept: an entry a line."""
    parts = []
    for key in KEYS:
        if key not in wanted:
            continue
        entries = [json.dumps(entry, ensure_ascii=False) for entry in wanted[key]]
        one_line = f'  "{key}": [{", ".join(entries)}]'
        parts.append(one_line if len(one_line) < 110 else f'  "{key}": [\n    ' + ",\n    ".join(entries) + "\n  ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def sorted_entries(wanted: dict[str, Any]) -> dict[str, Any]:
    """The same with findings and launches in one order, for comparing; an empty list of warnings is none."""
    return {
        key: sorted(value, key=lambda each: json.dumps(each, sort_keys=True)) if key != "enable" else value
        for key, value in wanted.items()
        if value or key == "findings"
    }


def _findings(
    findings: Iterable[Finding],
    related: Collection[tuple[str, str, int]] = (),
    messages: Collection[tuple[str, str, int]] = (),
) -> list[dict[str, Any]]:
    rows = []
    for each in sorted(findings, key=lambda finding: (finding.place.path, finding.place.line, finding.tag)):
        row: dict[str, Any] = {"tag": each.tag, "path": each.place.path, "line": each.place.line}
        if _key(row) in related:
            row["related"] = [str(other.place) for other in each.related]
        if _key(row) in messages:
            row["message"] = each.message
        rows.append(row)
    return rows


def _key(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["tag"], row["path"], row["line"]
