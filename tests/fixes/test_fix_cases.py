"""Each case is a project before ``check --fix``, ``NAME/before/``, and after it, ``NAME/after/``.

``expected.json`` holds ``fixed`` (the full tags of the fixes written, sorted), ``left`` (those still found, sorted) and
perhaps ``enable``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ansible_reap import linting
from ansible_reap.linting.autofix import fix, write
from ansible_reap.linting.outcome import Outcome
from support.environments import chosen_cores
from support.syntax import assert_parsed

HERE = Path(__file__).parent / "cases"
CASES = sorted(path.name for path in HERE.iterdir() if (path / "expected.json").exists())


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the case's project as it is before."""
    case = HERE / request.param
    root = tmp_path / "project"
    shutil.copytree(case / "before", root)
    enable = json.loads((case / "expected.json").read_text()).get("enable")
    if enable:
        (root / ".ansible-lint").write_text(json.dumps({"enable_list": enable}))
    return root


def lint(root: Path) -> Callable[[Mapping[str, bytes | None]], Outcome]:
    return lambda unsaved: linting.lint(root, unsaved=unsaved)


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".ansible-lint"
    }


@pytest.mark.parametrize(("name", "project"), [(name, name) for name in CASES], indirect=["project"], ids=CASES)
def test_the_files_read_as_expected_and_a_second_fix_changes_nothing(name: str, project: Path) -> None:
    expected = json.loads((HERE / name / "expected.json").read_text())
    done = fix(project, lint(project))
    write(project, done)
    after = HERE / name / "after"
    assert {path: data.decode() for path, data in files(project).items()} == {
        path: data.decode() for path, data in files(after if after.exists() else HERE / name / "before").items()
    }
    assert sorted(finding.tag for finding in done.applied) == expected["fixed"]
    assert sorted(finding.tag for finding in done.outcome.findings) == expected["left"]
    again = fix(project, lint(project))
    assert again.applied == ()
    assert files(project) == files(after if after.exists() else HERE / name / "before")


@pytest.mark.parametrize("project", CASES, indirect=True)
def test_a_finding_names_every_task_that_its_fix_takes_from(project: Path) -> None:
    for finding in linting.lint(project).findings:
        own = range(finding.place.line, finding.end_line + 1)
        named = {(other.place.path, other.place.line) for other in finding.related}
        for edit in finding.fix.edits if finding.fix else ():
            taken = range(edit.first, edit.last + 1)
            is_own = not taken or (edit.path == finding.place.path and set(taken) <= set(own))
            assert is_own or named & {(edit.path, line) for line in taken}, (str(finding.place), edit)


@pytest.mark.parametrize("core", chosen_cores()[-1:])
def test_what_passed_the_syntax_check_before_passes_it_after(core: str) -> None:
    playbooks = [f"{name}/after/site.yml" for name in CASES if (HERE / name / "after" / "site.yml").exists()]
    assert playbooks
    assert_parsed(core, HERE, playbooks)
