"""``ansible-lint --fix`` with our rules makes the change that ``ansible-reap check --fix`` makes, in its own layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from support.ansible_lint import run_our_rules
from support.environments import ROOT, environment

CASES = ROOT / "tests" / "fixes" / "cases"
RULES = "async-unreaped,async-timeout,async-scope,async-noop,async-reboot,async-finished"
NAMES = [
    path.parent.parent.name for path in sorted(CASES.glob("*/after/site.yml")) if not (path.parent / "roles").exists()
]


def fix(name: str, root: Path) -> None:
    """Run the real ansible-lint with nothing but our rules' transforms."""
    ended = run_our_rules(name, root, root.parent / "home", f"--fix={RULES}")
    assert "Traceback" not in ended.stderr, ended.stderr


def texts(root: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(root.glob("*.yml"))}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Every fixable case as a playbook of one project."""
    root = tmp_path / "project"
    root.mkdir()
    for name in NAMES:
        shutil.copy(CASES / name / "before" / "site.yml", root / f"{name}.yml")
        if (called := CASES / name / "before" / "tasks").is_dir():
            shutil.copytree(called, root / "tasks", dirs_exist_ok=True)
    shutil.copy(CASES / "keyword-on-an-import" / "before" / "tasks.yml", root)
    (root / ".ansible-lint").write_text(json.dumps({"enable_list": ["async-finished"]}))
    return root


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lint", "lint-oldest"])
def test_the_files_hold_what_check_fix_makes_of_them(name: str, root: Path) -> None:
    if environment(name) is None:
        pytest.skip(f"no environment {name}")
    fix(name, root)
    fixed = texts(root)
    for case in NAMES:
        wanted = (CASES / case / "after" / "site.yml").read_text()
        assert comparable(yaml.safe_load(fixed[f"{case}.yml"])) == comparable(yaml.safe_load(wanted)), case
        comments = [line.strip() for line in wanted.splitlines() if line.strip().startswith("# ")]
        found = [line.strip() for line in fixed[f"{case}.yml"].splitlines() if line.strip().startswith("# ")]
        assert found == comments, case


@pytest.mark.slow
def test_a_second_run_changes_nothing(root: Path) -> None:
    fix("lint", root)
    fixed = texts(root)
    fix("lint", root)
    assert texts(root) == fixed


def comparable(data: object) -> object:
    """The data without the names of our registers, which hold what else the project has, and numbers in quotes."""
    text = json.dumps(data, sort_keys=True)
    for suffix in ("_job_2", "_job_3", "_job_4", "_job_5", "_job_6", "_job_7", "_job_8", "_job_9"):
        text = text.replace(suffix, "_job")
    return text
