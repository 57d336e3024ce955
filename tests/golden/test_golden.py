"""Golden cases: a small project in, findings out. ``tests/golden/<rule-id>/<case>/`` holds one project each.

``expected.json``:

- ``findings``: every finding that the project gives, as ``{"tag", "path", "line"}``, in any order, and perhaps
  ``"related"``, the other places that it names, as ``PATH:LINE``;
- ``warnings``: the same for those that are only listed (default none);
- ``launches``: ``{"path", "line", "verdict"}`` of launches; where given, all of them;
- ``enable``: opt-in rules and tags to switch on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_reap import linting
from ansible_reap.checks.finding import Finding

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/expected.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(HERE)))
def test_golden_case_gives_just_the_expected_findings(case: Path, tmp_path: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    outcome = linting.lint(_project(case, tmp_path, expected.get("enable", [])))
    assert not outcome.errors
    assert _lines(outcome.findings) == _expected_lines(expected["findings"])
    assert _lines(outcome.warnings) == _expected_lines(expected.get("warnings", []))
    related = {f"{each.place} {each.tag}": [str(other.place) for other in each.related] for each in outcome.findings}
    for each in expected["findings"]:
        if "related" in each:
            assert related[f"{each['path']}:{each['line']} {each['tag']}"] == each["related"]
    if "launches" in expected:
        verdicts = sorted(
            f"{launch.task.path}:{launch.task.line} {launch.verdict.value}" for launch in outcome.launches
        )
        assert verdicts == sorted(f"{each['path']}:{each['line']} {each['verdict']}" for each in expected["launches"])


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.parent.name in ("async-scope", "async-cleanup")],
    ids=lambda case: str(case.relative_to(HERE)),
)
def test_what_is_suggested_in_place_of_a_look_is_yaml(case: Path) -> None:
    findings, _ = linting.everything(case)
    for each in findings:
        if each.rule in ("async-scope", "async-cleanup"):
            yaml.safe_load(each.suggestion)


def _project(case: Path, tmp_path: Path, enable: list[str]) -> Path:
    """The case itself, or a copy of it with opt-in rules switched on."""
    if not enable:
        return case
    copy = tmp_path / "project"
    shutil.copytree(case, copy)
    (copy / ".ansible-lint").write_text(json.dumps({"enable_list": enable}), encoding="utf-8")
    return copy


def _lines(findings: Iterable[Finding]) -> list[str]:
    return sorted(f"{each.place} {each.tag}" for each in findings)


def _expected_lines(findings: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(f"{each['path']}:{each['line']} {each['tag']}" for each in findings)
