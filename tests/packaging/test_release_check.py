"""``make release-check``: what it holds a release to. The slow part of it is run in whole before a release."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ansible_reap
from support import environments


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    environments.copy_repository(folder)
    return folder


def _check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "tools" / "release_check.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_this_source_tree_has_one_version_and_both_changelogs() -> None:
    reply = _check(environments.ROOT, "version", "changelogs")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert reply.stdout.startswith(f"version     ok   {ansible_reap.__version__} in ")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("collection/galaxy.yml", "version: ", "version: 9"),
        ("README.md", "rev: v", "rev: v9"),
        ("collection/requirements.txt", "ansible-reap==", "ansible-reap==9"),
    ],
)
def test_a_version_that_was_forgotten_is_named_with_its_file(clone: Path, name: str, old: str, new: str) -> None:
    _change(clone / name, old, new)
    reply = _check(clone, "version")
    assert reply.returncode == 1
    assert f"OFF  the package is {ansible_reap.__version__}, but {name} says 9" in reply.stdout


def test_a_tag_asks_for_a_section_of_its_own_in_the_changelog(clone: Path) -> None:
    tag = f"v{ansible_reap.__version__}"
    if "## Unreleased" in (clone / "CHANGELOG.md").read_text():
        assert "rename 'Unreleased'" in _check(clone, "--tag", tag, "changelogs").stdout
        _change(clone / "CHANGELOG.md", "## Unreleased", f"## {ansible_reap.__version__}")
    assert _check(clone, "--tag", tag, "version", "changelogs").returncode == 0
    assert "the tag is v9, the package is" in _check(clone, "--tag", "v9", "version").stdout


def test_a_file_that_is_not_committed_is_named(clone: Path) -> None:
    script = "git init -q && git add -A && git -c user.name=A -c user.email=a@example.com commit -qm all && touch stray"
    subprocess.run(["bash", "-c", script], cwd=clone, check=True)
    reply = _check(clone, "work tree")
    assert reply.returncode == 1
    assert "the first is stray; commit them" in reply.stdout
