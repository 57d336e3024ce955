"""A repository whose settings name programs, and changes made to take long: git only reads, and time is bounded."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support.command import assert_is_told_well, run
from support.hostile import PLAY

HOOKS = ("post-index-change", "pre-commit", "fsmonitor-watchman", "reference-transaction", "post-checkout")


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one launch that nobody waits for."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "site.yml").write_text(PLAY)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "as it was")
    return folder


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a note when it is started."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{tmp_path}/sprung'\nexit 1\n")
    program.chmod(0o755)
    return program


def test_no_program_that_a_repository_names_is_started(root: Path, trap: Path, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in HOOKS:
        (hooks / hook).symlink_to(trap)
    (root / ".gitattributes").write_text("*.yml filter=trap diff=trap merge=trap\n")
    for name, value in {
        "core.fsmonitor": str(trap),
        "core.hooksPath": str(hooks),
        "core.pager": str(trap),
        "core.editor": str(trap),
        "diff.external": str(trap),
        "diff.trap.command": str(trap),
        "diff.trap.textconv": str(trap),
        "filter.trap.clean": str(trap),
        "filter.trap.smudge": str(trap),
        "filter.trap.process": str(trap),
        "filter.trap.required": "true",
    }.items():
        git(root, "config", name, value)
    (root / "site.yml").write_text(PLAY + "# edited\n")
    (root / "new.yml").write_text(PLAY)
    whole = run("check", "--format", "json", cwd=root)
    assert sorted(each["path"] for each in json.loads(whole.out)["findings"]) == ["new.yml", "site.yml"]
    brought = run("check", "--format", "json", "--diff-base", "HEAD", cwd=root)
    assert [each["path"] for each in json.loads(brought.out)["findings"]] == ["new.yml"], brought.err
    assert not (tmp_path / "sprung").exists(), (tmp_path / "sprung").read_text()


def test_a_filter_that_cannot_be_switched_off_is_refused(root: Path, trap: Path, tmp_path: Path) -> None:
    config = root / ".git" / "config"
    config.write_text(config.read_text() + f'[filter "a=b"]\n\tclean = {trap}\n')
    (root / ".gitattributes").write_text("*.yml filter=a=b\n")
    (root / "site.yml").write_text(PLAY + "# edited\n")
    ended = run("check", "--diff-base", "HEAD", cwd=root)
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert "filter.a=b" in ended.err
    assert not (tmp_path / "sprung").exists()


def test_missing_objects_are_fetched_from_nowhere(root: Path, trap: Path, tmp_path: Path) -> None:
    blob = git(root, "rev-parse", "HEAD:site.yml")
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": "ssh://server.example/project",
        "remote.origin.uploadpack": str(trap),
        "core.sshCommand": str(trap),
        "core.gitProxy": str(trap),
    }.items():
        git(root, "config", name, value)
    (root / "site.yml").write_text(PLAY + "# edited\n")
    ended = run("check", "--diff-base", "HEAD", cwd=root)
    assert_is_told_well(ended)
    assert not (tmp_path / "sprung").exists(), (tmp_path / "sprung").read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#\n" * 60_000, "# first\n" + "#\n" * 60_000 + "# last\n"),
        ("#\n#1\n" * 30_000, "# first\n" + "#1\n#\n" * 30_000 + "# last\n"),
        ("".join(f"#{n % 997}\n" for n in range(60_000)), "".join(f"#{n % 991}\n" for n in range(60_000))),
        ("".join(f"#{n}\n" for n in range(60_000)), "".join(f"#{n}\n" for n in reversed(range(60_000)))),
    ],
    ids=["one line", "two lines", "many lines", "upside down"],
)
def test_changes_of_lines_that_are_alike_cost_little(old: str, new: str, root: Path) -> None:
    (root / "site.yml").write_text(PLAY + old)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "many lines")
    (root / "site.yml").write_text(PLAY + new + PLAY)
    ended = run("check", "--format", "json", "--diff-base", "HEAD", cwd=root)
    assert_is_told_well(ended)
    assert [each["line"] for each in json.loads(ended.out)["findings"]] == [3 + len((PLAY + new).splitlines())]


def test_a_name_that_looks_like_git_s_own_answer(root: Path) -> None:
    (root / "a blob").write_text("x\n")
    (root / "b blob 7.yml").write_text(PLAY)
    (root / "c\r.yml").write_text("x\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "odd names")
    for name in ("a blob", "b blob 7.yml", "c\r.yml"):
        (root / name).unlink()
    git(root, "rm", "-q", "--cached", "a blob")
    (root / "new.yml").write_text(PLAY)
    ended = run("check", "--format", "json", "--diff-base", "HEAD", cwd=root)
    assert [each["path"] for each in json.loads(ended.out)["findings"]] == ["new.yml"], ended.err


def planted(folder: Path, trap: Path) -> None:
    """Files that make the folder a repository of its own to git, one that has objects fetched by a command."""
    git(folder, "init", "-q", "--bare", ".")
    config = (folder / "config").read_text()
    (folder / "config").write_text(
        f"{config}\tpartialClone = origin\n\trepositoryFormatVersion = 1\n[core]\n\tfsmonitor = {trap}\n"
        f'[remote "origin"]\n\tpromisor = true\n\turl = ext::{trap}\n[protocol "ext"]\n\tallow = always\n'
    )


def test_a_repository_among_the_files_of_a_project_decides_nothing(root: Path, trap: Path, tmp_path: Path) -> None:
    part = root / "deploy"
    part.mkdir()
    planted(part, trap)
    (part / "ansible.cfg").write_text("[defaults]\n")
    (part / ".gitignore").write_text("*\n")
    (part / "site.yml").write_text(PLAY)
    git(root, "add", "-f", "deploy/site.yml", "deploy/HEAD", "deploy/config")
    git(root, "commit", "-q", "-m", "a part")
    for arguments in (
        ["check", "--format", "json", "deploy"],
        ["check", "--format", "json", "--project-dir", "deploy"],
    ):
        ended = run(*arguments, cwd=root)
        assert len(json.loads(ended.out)["findings"]) == 1, arguments
    brought = run("check", "--diff-base", "HEAD", cwd=part)
    assert brought.status == 2
    assert "looks like a repository itself" in brought.err
    assert not (tmp_path / "sprung").exists(), (tmp_path / "sprung").read_text()


@pytest.mark.parametrize(("path", "pattern"), [(":/new.yml", "/new.yml"), (".ansible/new.yml", "/new.yml")])
def test_a_tracked_file_is_the_project_s_own_whatever_its_name(root: Path, path: str, pattern: str) -> None:
    (root / path).parent.mkdir()
    (root / path).write_text(PLAY)
    (root / ".gitignore").write_text(pattern + "\n")
    git(root, "--literal-pathspecs", "add", "-f", path)
    git(root, "commit", "-q", "-m", "odd places")
    ended = run("check", "--format", "json", cwd=root)
    assert sorted(each["path"] for each in json.loads(ended.out)["findings"]) == sorted([path, "site.yml"])


def test_what_a_change_brings_to_a_file_with_a_line_end_in_its_name_is_told(root: Path) -> None:
    (root / "n\nl.yml").write_text("# nothing yet\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "an odd name")
    (root / "n\nl.yml").write_text(PLAY)
    ended = run("check", "--format", "json", "--diff-base", "HEAD", cwd=root)
    assert [each["path"] for each in json.loads(ended.out)["findings"]] == ["n\nl.yml"], ended.err


def test_a_commit_that_the_repository_replaces_by_another_hides_nothing(root: Path) -> None:
    git(root, "branch", "base")
    (root / "new.yml").write_text(PLAY)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one more")
    git(root, "replace", "base", "HEAD")
    ended = run("check", "--format", "json", "--diff-base", "base", cwd=root)
    assert [each["path"] for each in json.loads(ended.out)["findings"]] == ["new.yml"], ended.err


def test_what_another_commit_of_a_submodule_brings_is_new(root: Path, trap: Path, tmp_path: Path) -> None:
    launch = PLAY.partition("tasks:\n")[2].replace("    - ", "- ").replace("      ", "  ")
    other = tmp_path / "other"
    (other / "tasks").mkdir(parents=True)
    (other / "tasks" / "old.yml").write_text("- debug:\n")
    git(other, "init", "-q")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "first")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    git(root, "commit", "-q", "-m", "a submodule")
    for base, name in (("HEAD~1", "old.yml"), ("HEAD", "new.yml")):
        (root / "sub" / "tasks" / name).write_text(launch)
        git(root / "sub", "add", "-A")
        git(root / "sub", "commit", "-q", "-m", name)
        git(root / "sub", "config", "core.fsmonitor", str(trap))
        ended = run("check", "--format", "json", "--diff-base", base, cwd=root)
        found = [each["path"] for each in json.loads(ended.out)["findings"]]
        assert f"sub/tasks/{name}" in found, ended.err
        assert "site.yml" not in found
        assert not (tmp_path / "sprung").exists()
        git(root / "sub", "config", "--unset", "core.fsmonitor")
