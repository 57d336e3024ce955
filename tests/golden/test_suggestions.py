"""Every suggestion of every golden case is pasted into a copy: the finding goes, and nothing new comes."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_reap import linting
from ansible_reap.checks.finding import Finding
from ansible_reap.linting.outcome import Outcome
from support.environments import chosen_cores
from support.pasting import paste
from support.syntax import assert_parsed

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/expected.json"))
NOT_INSTALLED = re.compile(
    r"^\s+(?:- )?(?:(?!ansible\.(?:builtin|legacy)\.)\w+\.\w+\.\w+|synchronize|win_\w+|sudo\w*):", re.MULTILINE
)
"""A module of a collection, which ansible-core alone does not have, or a keyword that it has no more."""
TIDINESS = ("async-cleanup", "async-finished")
"""Opt-in rules that ask for more than a suggestion of another rule is about."""


@dataclass(frozen=True)
class Pasted:
    """A golden case with one suggestion pasted."""

    root: Path
    finding: Finding
    before: Outcome


def pasted(case: Path, tmp_path: Path) -> Iterator[Pasted]:
    """Copies of the case, one for each suggestion."""
    enable = json.loads((case / "expected.json").read_text(encoding="utf-8")).get("enable")
    pristine = tmp_path / "pristine"
    shutil.copytree(case, pristine)
    if enable:
        (pristine / ".ansible-lint").write_text(json.dumps({"enable_list": enable}), encoding="utf-8")
    before = linting.lint(pristine)
    for number, finding in enumerate(before.findings):
        if finding.suggestion:
            root = tmp_path / f"{case.parent.name}-{case.name}-{number}"
            shutil.copytree(pristine, root)
            path = root / finding.place.path
            path.write_bytes(paste(path.read_bytes().decode(), finding).encode())
            yield Pasted(root, finding, before)


def keys(findings: tuple[Finding, ...]) -> Counter[tuple[str, str, str]]:
    """The findings that count as one and the same before and after.

    A job that nothing waits for is ``overwritten`` as soon as some task waits by that register's name.
    """
    return Counter((each.tag.replace("[overwritten]", "[never]"), each.place.path, each.task) for each in findings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(HERE)))
def test_the_finding_goes_and_nothing_new_comes(case: Path, tmp_path: Path) -> None:
    for each in pasted(case, tmp_path):
        after = linting.lint(each.root)
        (key,) = keys((each.finding,))
        assert not after.errors
        assert keys(after.findings)[key] < keys(each.before.findings)[key], each.finding.suggestion
        copies = {related.place for related in each.finding.related}
        here = tuple(found for found in after.findings if found.place not in copies)
        new = keys(here) - keys(each.before.findings)
        assert not [tag for tag, _, _ in new if not tag.startswith(TIDINESS)], each.finding.suggestion


@pytest.mark.slow
@pytest.mark.parametrize("core", chosen_cores()[-1:])
def test_what_is_pasted_passes_the_syntax_check(core: str, tmp_path: Path) -> None:
    playbooks = [
        str((each.root / each.finding.place.path).relative_to(tmp_path))
        for case in CASES
        for each in pasted(case, tmp_path / case.parent.name / case.name)
        if each.finding.place.path == "site.yml" and not NOT_INSTALLED.search((each.root / "site.yml").read_text())
    ]
    assert len(playbooks) > 50
    assert_parsed(core, tmp_path, playbooks)
