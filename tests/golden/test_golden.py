"""Golden cases: a small project in, findings out. ``tests/golden/<rule-id>/<case>/`` holds one project each.

``expected.json``:

- ``findings``: every finding that the project gives, as ``{"tag", "path", "line"}``, in any order, and perhaps
  ``"related"``, the other places that it names, as ``PATH:LINE``, and ``"message"``, its text;
- ``warnings``: the same for those that are only listed (default none);
- ``launches``: ``{"path", "line", "verdict"}`` of launches; where given, all of them;
- ``enable``: opt-in rules and tags to switch on.

``make accept`` writes what a check gives now into the cases and shows what that changes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_reap import linting
from ansible_reap.checks.registry import RULES
from support import golden

CASES = golden.cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(golden.FOLDER)))
def test_golden_case_gives_just_the_expected_findings(case: Path, tmp_path: Path) -> None:
    expected = golden.expected(case)
    outcome = golden.check(case, tmp_path)
    assert not outcome.errors
    assert golden.sorted_entries(golden.as_expected(outcome, expected)) == golden.sorted_entries(expected)


def test_every_tag_has_a_case_that_holds_its_message() -> None:
    told = {each["tag"] for case in CASES for each in golden.expected(case)["findings"] if "message" in each}
    tags = {f"{rule.id}[{tag}]" if tag else rule.id for rule in RULES for tag in rule.sub_tags or ("",)}
    assert told == tags


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.parent.name in ("async-scope", "async-cleanup")],
    ids=lambda case: str(case.relative_to(golden.FOLDER)),
)
def test_what_is_suggested_in_place_of_a_look_is_yaml(case: Path) -> None:
    findings, _ = linting.everything(case)
    for each in findings:
        if each.rule in ("async-scope", "async-cleanup"):
            yaml.safe_load(each.suggestion)
