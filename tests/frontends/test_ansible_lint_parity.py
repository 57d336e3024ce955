"""ansible-lint with our rules and ``ansible-reap check`` say the same of the same project."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from ansible_reap.checks.registry import RULES
from support.ansible_lint import run_our_rules
from support.environments import ROOT, environment, program

GOLDEN = ROOT / "tests" / "golden"
PLAYS_A_FILE = 30
REFUSED = re.compile(
    r"ansible\.(windows|posix)|kubernetes\.|acme\.|async_status_custom|reap\.jobs\.|synchronize:|import_|include_"
    r"|poll: 0\.5|sudo: |(?m:^- (?:name|hosts): .*\{\{)|cisco\.|community\.|ovirt\.|containers\."
    r"|register: import\b|action: \"\{\{|our\.cloud\.|vendor\.net\.|listen_port:|!vault|break_when:"
)
"""Content that fails ansible-lint's syntax check: old and new keywords, other collections, files of elsewhere."""
UNLOADABLE = re.compile(
    "keyword-block|keyword-on-a-block|keyword-on-a-play|arguments-are-a-list|two-modules|only-older-ansible-loads"
    "|several-merge-keys"
)
"""Cases that newer releases of Ansible, or ansible-lint, refuse to load."""


def _is_silent(case: Path) -> bool:
    """True where the rule that the case is about finds nothing."""
    findings = json.loads(case.with_name("expected.json").read_text(encoding="utf-8"))["findings"]
    return not any(finding["tag"].startswith(case.parent.parent.name) for finding in findings)


def _cases(step: int) -> list[str]:
    """The golden cases that are one playbook alone: each ``step``-th of those that a rule reports, then of the others.

    Apart, because a play that looks at a result speaks for the plays before it in its file.
    """
    found: dict[tuple[bool, str], list[str]] = {}
    for case in sorted(GOLDEN.glob("*/*/site.yml")):
        text = case.read_text(encoding="utf-8")
        alone = {path.name for path in case.parent.iterdir()} == {"site.yml", "expected.json"}
        if alone and not REFUSED.search(text) and not UNLOADABLE.search(case.parent.name):
            found.setdefault((_is_silent(case), case.parent.parent.name), []).append(text.removeprefix("---\n"))
    return [text for kind in sorted(found) for text in found[kind][::step]]


@pytest.fixture(
    params=[pytest.param(8, id="every eighth case"), pytest.param(1, id="every case", marks=pytest.mark.slow)]
)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    cases = _cases(request.param)
    for start in range(0, len(cases), PLAYS_A_FILE):
        (root / f"playbook_{start}.yml").write_text("---\n" + "\n".join(cases[start : start + PLAYS_A_FILE]))
    tasks = "---\n" + "".join(_tasks(GOLDEN / "async-timeout" / name) for name in ("window-equal", "window-one-short"))
    for name in ("tasks", "handlers"):
        folder = root / "roles" / "work" / name
        folder.mkdir(parents=True)
        (folder / "main.yml").write_text(tasks)
    (root / "with_role.yml").write_text("---\n- name: With a role\n  hosts: app\n  roles:\n    - work\n")
    opt_in = sorted(tag for rule in RULES for tag in rule.opt_in)
    config = {"enable_list": opt_in, "skip_list": ["async-unsupported[action]"], "warn_list": ["async-reboot"]}
    (root / ".ansible-lint").write_text(json.dumps(config))
    (root / ".ansible-reap.yml").write_text("rules:\n  async-timeout:\n    headroom: 4\n")
    return root


def _tasks(case: Path) -> str:
    lines = (case / "site.yml").read_text(encoding="utf-8").partition("  tasks:\n")[2].splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines) + "\n"


def _ours(root: Path) -> set[tuple[str, str, int]]:
    command = [str(program("dev", "python")), "-m", "ansible_reap", "check", "--format", "json", "--exit-zero"]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return {(each["tag"], each["path"], each["line"]) for each in json.loads(run.stdout)["findings"]}


def _theirs(name: str, root: Path, home: Path) -> set[tuple[str, str, int]]:
    run = run_our_rules(name, root, home, "-f", "json")
    assert "Ignored exception" not in run.stderr, run.stderr
    assert run.stdout, run.stderr
    issues = json.loads(run.stdout)
    assert not [
        issue for issue in issues if issue["check_name"].startswith(("syntax-check", "load-failure", "internal"))
    ]
    return {
        (issue["check_name"], issue["location"]["path"], _line(issue["location"]))
        for issue in issues
        if issue["check_name"].startswith("async-")
    }


def _line(location: dict[str, dict[str, object]]) -> int:
    begin = location.get("lines", location.get("positions", {}))["begin"]
    return int(begin["line"] if isinstance(begin, dict) else str(begin))


@pytest.mark.parametrize("name", ["lint", pytest.param("lint-oldest", marks=pytest.mark.slow)])
def test_both_front_ends_give_the_same_tags_files_and_lines(name: str, project: Path, tmp_path: Path) -> None:
    if environment(name) is None or environment("dev") is None:
        pytest.skip(f"no environment {name} or dev")
    ours = _ours(project)
    rules = {rule.id for rule in RULES} - {"async-unsupported"}
    assert {tag.partition("[")[0] for tag, _, _ in ours} >= rules - {"async-reboot"}
    theirs = _theirs(name, project, tmp_path)
    assert {each for each in theirs if each[0] != "async-reboot"} == ours
    assert "async-reboot" in {tag for tag, _, _ in theirs}


@pytest.mark.parametrize("name", ["lint", pytest.param("lint-oldest", marks=pytest.mark.slow)])
def test_both_leave_the_same_paths_out(name: str, tmp_path: Path) -> None:
    if environment(name) is None or environment("dev") is None:
        pytest.skip(f"no environment {name} or dev")
    root = tmp_path / "project"
    excluded = [
        "../",
        ".",
        "vendor/",
        "**/old/",
        "roles/*/molecule/",
        "drafts/",
        "*_draft.yml",
        "/top/",
        "two/*.yml",
        "sit",
    ]
    places = ["site.yml", "vendor/a.yml", "sub/vendor/b.yml", "sub/old/c.yml", "roles/a/molecule/default/d.yml"]
    places += [
        "sub/deep/f.yml",
        "drafts.yml",
        "sub/drafts/g.yml",
        "h_draft.yml",
        "sub/deep/top/i.yml",
        "two/j.yml",
        "two/deep/k.yml",
    ]
    text = (GOLDEN / "async-unreaped" / "never" / "site.yml").read_text(encoding="utf-8")
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text, encoding="utf-8")
    (root / ".ansible-lint").write_text(json.dumps({"exclude_paths": excluded}), encoding="utf-8")
    ours = _ours(root)
    left = {"site.yml", "sub/deep/f.yml", "drafts.yml", "sub/deep/top/i.yml", "two/deep/k.yml"}
    assert {path for _, path, _ in ours} == left
    assert ours == _theirs(name, root, tmp_path)


def test_a_configuration_that_cannot_be_used_is_a_finding_and_no_silent_pass(tmp_path: Path) -> None:
    if environment("lint") is None:
        pytest.skip("no environment lint")
    (tmp_path / "playbook.yml").write_text("---\n- name: Nothing\n  hosts: localhost\n  tasks: []\n", encoding="utf-8")
    (tmp_path / ".ansible-reap.yml").write_text("rules:\n  async-timeout:\n    headrom: 3\n", encoding="utf-8")
    (tmp_path / ".ansible-lint").write_text("exclude_paths: []\n", encoding="utf-8")
    options = ["--offline", "--nocolor", "-q", "-f", "json", "-r", str(ROOT / "lint_rules"), "playbook.yml"]
    run = subprocess.run(
        [program("lint", "ansible-lint"), *options],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "ANSIBLE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2, run.stderr
    (issue,) = json.loads(run.stdout)
    assert "unknown option of async-timeout: 'headrom'; did you mean 'headroom'?" in issue["description"]
