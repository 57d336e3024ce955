"""``check --diff-base``: what a change brings is told, wherever it is; what was there before is not."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_reap import linting
from ansible_reap.checks.finding import Finding
from ansible_reap.cli import main
from ansible_reap.flow.analysis import Launch, ReapKind
from ansible_reap.jobs import Verdict
from support import environments

GOLDEN = environments.ROOT / "tests" / "golden"
LAUNCH = "- name: {}\n  ansible.builtin.command: sleep 60\n  async: 300\n  poll: 0\n"
OLD = LAUNCH.format("Legacy")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "as it was")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one finding of old."""
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q")
    (project / "legacy.yml").write_text(OLD)
    commit(project)
    monkeypatch.chdir(project)
    return project


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    main(["check", "--format", "json", "--diff-base", "HEAD", *arguments])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def places(document: dict[str, Any]) -> list[str]:
    return [f"{each['path']}:{each['line']} {each['tag']}" for each in document["findings"]]


# ---- seeded edits: in golden projects the wait for a job is taken away


@dataclass(frozen=True)
class Seed:
    """A golden project, and the task that waits for the jobs of one of its launches."""

    project: Path
    launch: str
    path: str
    first: int
    last: int

    @property
    def is_elsewhere(self) -> bool:
        return self.launch != self.path


def _projects() -> list[Path]:
    """Those first that may have a wait in another file than its launch: few have, and both kinds are looked for."""
    found = {path.parent for path in GOLDEN.rglob("site.yml")}
    found -= {parent for path in found for parent in path.parents if parent in found}
    return sorted(found, key=lambda project: (not _may_wait_elsewhere(project), project))


def _may_wait_elsewhere(project: Path) -> bool:
    texts = [path.read_text(errors="replace") for path in project.rglob("*.yml")]
    return any("async_status" in text and "poll: 0" not in text for text in texts)


def _seeds() -> Iterator[Seed]:
    for project in _projects():
        for launch in linting.lint(project).launches:
            seed = _seed(project, launch)
            if seed is not None:
                yield seed
                break


def _seed(project: Path, launch: Launch) -> Seed | None:
    waits = [reap.task for reap in launch.reaps if reap.kind is ReapKind.WAIT]
    if launch.verdict is not Verdict.REAPED or len(waits) != 1:
        return None
    (wait,) = waits
    return Seed(project, launch.task.path, wait.path, wait.line, wait.end_line)


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.tag, finding.place.path, finding.task


def _planted(seed: Seed, project: Path) -> Counter[tuple[str, str, str]]:
    """Copy the seed's project, with an old finding in it, commit it, take the wait away; what that brings."""
    shutil.copytree(seed.project, project)
    (project / "legacy_tasks.yml").write_text(OLD)
    git(project, "init", "-q")
    commit(project)
    before = Counter(map(_key, linting.lint(project).findings))
    assert any(path == "legacy_tasks.yml" for _, path, _ in before)
    file = project / seed.path
    lines = file.read_text().splitlines(keepends=True)
    indent = lines[seed.first - 1].partition("-")[0] if "-" in lines[seed.first - 1] else ""
    nothing = f"{indent}- ansible.builtin.meta: noop\n"
    file.write_text("".join([*lines[: seed.first - 1], nothing, *lines[seed.last :]]))
    return Counter(map(_key, linting.lint(project).findings)) - before


def test_twenty_seeded_edits_are_told_and_nothing_old_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_the_file, in_another = 14, 6
    beside = elsewhere = 0
    for number, seed in enumerate(_seeds()):
        if (elsewhere == in_another) if seed.is_elsewhere else (beside == in_the_file):
            continue
        project = tmp_path / str(number)
        new = _planted(seed, project)
        if not new:
            continue  # another rule has the last word there
        monkeypatch.chdir(project)
        told = Counter((each["tag"], each["path"], each["task"]) for each in checked(capsys)["findings"])
        assert told == new, seed
        beside, elsewhere = beside + (not seed.is_elsewhere), elsewhere + seed.is_elsewhere
        if (beside, elsewhere) == (in_the_file, in_another):
            break
    assert (beside, elsewhere) == (in_the_file, in_another)


# ---- what an edit may be


def test_nothing_changed_is_nothing_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert places(checked(capsys)) == []


def test_lines_that_moved_are_not_new(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "legacy.yml").write_text("---\n# A comment\n" + OLD + "\n- ansible.builtin.debug:\n")
    assert places(checked(capsys)) == []


def test_a_changed_task_is_told_even_if_it_was_found_before(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "legacy.yml").write_text(OLD.replace("300", "400"))
    assert places(checked(capsys)) == ["legacy.yml:1 async-unreaped[unregistered]"]


def test_a_second_equal_task_is_the_one_that_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "legacy.yml").write_text(OLD + OLD)
    assert places(checked(capsys)) == ["legacy.yml:5 async-unreaped[unregistered]"]


def test_a_new_file_is_told_committed_or_not(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "new.yml").write_text(LAUNCH.format("New"))
    assert places(checked(capsys)) == ["new.yml:1 async-unreaped[unregistered]"]
    git(root, "branch", "base")
    commit(root)
    (root / "newer.yml").write_text(LAUNCH.format("Newer"))
    main(["check", "--format", "concise", "--diff-base", "base"])
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["new.yml", "newer.yml"]


def test_a_renamed_file_brings_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(root, "mv", "legacy.yml", "a folder.yml")
    assert places(checked(capsys)) == []


def test_a_deleted_file_that_waited_is_what_causes_the_finding(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "site.yml").write_text(
        "- hosts: all\n  tasks:\n    - ansible.builtin.command: sleep 60\n      async: 300\n      poll: 0\n"
        "      register: job\n    - ansible.builtin.import_tasks: wait.yml\n      when: false | default(true)\n"
    )
    (root / "wait.yml").write_text(
        "- ansible.builtin.async_status:\n    jid: '{{ job.ansible_job_id }}'\n"
        "  register: ended\n  until: ended is finished\n  retries: 31\n  delay: 10\n"
    )
    site = (root / "site.yml").read_text().replace("      when: false | default(true)\n", "")
    (root / "site.yml").write_text(site)
    commit(root)
    assert places(checked(capsys)) == []
    (root / "wait.yml").write_text("- ansible.builtin.debug:\n")
    assert places(checked(capsys)) == ["site.yml:3 async-unreaped[never]"]


@pytest.mark.parametrize("before", ["[defaults]\npoll_interval = 5\n", None])
def test_a_changed_ansible_cfg_may_be_what_launches(
    root: Path, capsys: pytest.CaptureFixture[str], before: str | None
) -> None:
    (root / "site.yml").write_text(
        "- hosts: all\n  tasks:\n    - name: Start\n      ansible.builtin.command: sleep 60\n      async: 300\n"
    )
    if before is not None:
        (root / "ansible.cfg").write_text(before)
    commit(root)
    (root / "ansible.cfg").write_text("[defaults]\npoll_interval = 0\n")
    assert places(checked(capsys)) == ["site.yml:3 async-unreaped[unregistered]"]
    commit(root)
    assert places(checked(capsys)) == []
    (root / "ansible.cfg").unlink()
    assert places(checked(capsys)) == []


def test_what_changed_on_the_other_branch_meanwhile_is_not_ours(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(root, "checkout", "-q", "-b", "work")
    (root / "ours.yml").write_text(LAUNCH.format("Ours"))
    commit(root)
    git(root, "checkout", "-q", "main")
    (root / "legacy.yml").write_text("- ansible.builtin.debug:\n")
    commit(root)
    git(root, "checkout", "-q", "work")
    main(["check", "--format", "concise", "--diff-base", "main"])
    assert capsys.readouterr().out.startswith("ours.yml:1:3: ")


def test_a_project_in_a_sub_folder_of_the_repository(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "deploy").mkdir()
    (root / "deploy" / "ansible.cfg").touch()
    (root / "deploy" / "old.yml").write_text(OLD)
    commit(root)
    (root / "deploy" / "old.yml").write_text(OLD + LAUNCH.format("New"))
    assert places(checked(capsys, "deploy")) == ["old.yml:5 async-unreaped[unregistered]"]


def test_an_old_file_that_does_not_parse_is_not_told_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "broken.yml").write_text("- async: 3\n  poll: 0\n  name: [\n")
    commit(root)
    assert checked(capsys)["errors"] == []
    (root / "broken.yml").write_text("- async: 3\n  poll: 0\n  name: [[\n")
    assert [error["path"] for error in checked(capsys)["errors"]] == ["broken.yml"]


def test_fix_mends_only_what_is_new(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "new.yml").write_text(LAUNCH.format("New"))
    assert main(["check", "--fix", "--diff-base", "HEAD"]) == 0
    assert "async_status" in (root / "new.yml").read_text()
    assert (root / "legacy.yml").read_text() == OLD


@pytest.mark.parametrize("ref", ["no-such-branch", "--output=x", ""])
def test_a_commit_that_is_not_there_is_one_line(root: Path, capsys: pytest.CaptureFixture[str], ref: str) -> None:
    assert main(["check", f"--diff-base={ref}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ansible-reap check: --diff-base: no commit '{ref}' in this repository")
    assert not (root / "x").exists()


def test_outside_of_a_repository_it_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--diff-base", "main"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "not a git repository" in line
