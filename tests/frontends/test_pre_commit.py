"""The hooks that we offer, run by the real pre-commit in a real repository, from a local clone of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.environments import ROOT, program

PRE_COMMIT = program("dev", "pre-commit")
LAUNCH = "- name: Start\n  ansible.builtin.command: sleep 60\n  async: 300\n  poll: 0\n  register: started\n"
REAP = (
    "- name: Wait\n  ansible.builtin.async_status:\n    jid: '{{ started.ansible_job_id }}'\n"
    "  register: ended\n  until: ended is finished\n  retries: 31\n  delay: 10\n"
)
PLAY = (
    "- name: Play\n  hosts: all\n  tasks:\n    - ansible.builtin.import_tasks: launch.yml\n"
    "    - ansible.builtin.import_tasks: reap.yml\n"
)

pytestmark = pytest.mark.skipif(not PRE_COMMIT.exists(), reason="the environment dev has no pre-commit")


@dataclass(frozen=True)
class Ended:
    status: int
    out: str


@dataclass(frozen=True)
class Repository:
    root: Path
    cache: Path

    def run(self, *command: str | Path) -> Ended:
        ended = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, "PRE_COMMIT_HOME": str(self.cache), "GIT_CONFIG_GLOBAL": os.devnull},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.root / f"{name}.yml").write_text(text)

    def hook(self, hook: str, *arguments: str) -> Ended:
        self.run("git", "add", "-A")
        return self.run(PRE_COMMIT, "run", hook, *arguments)


def git(folder: Path, *command: str) -> str:
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.run(
        ["git", *identity, *command], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository with what is in the work tree committed."""
    clone = tmp_path_factory.mktemp("ours") / "ansible-reap"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    for name in listed:
        if not name.startswith("tests/") and (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name, follow_symlinks=False)
    git(clone, "init", "-q")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "Everything")
    return clone


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pre-commit's cache: cold for the first test, warm for the others."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def repository(tmp_path: Path, ours: Path, cache: Path) -> Repository:
    found = Repository(tmp_path, cache)
    git(tmp_path, "init", "-q")
    (tmp_path / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {ours}\n    rev: {git(ours, 'rev-parse', 'HEAD')}\n"
        "    hooks:\n      - id: ansible-reap\n      - id: ansible-reap-fix\n        stages: [manual]\n"
    )
    found.write(site=PLAY, launch=LAUNCH, reap=REAP)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "Reaped")
    return found


def test_the_hook_reads_the_whole_project(repository: Repository) -> None:
    (repository.root / "launch.yml").write_text("# The wait is in reap.yml.\n" + LAUNCH)
    ended = repository.hook("ansible-reap")
    assert ended.status == 0, ended.out
    assert "Passed" in ended.out


def test_the_hook_fails_the_commit_of_a_launch_that_nobody_reaps(repository: Repository) -> None:
    repository.write(
        other=PLAY.replace("launch", "new").rpartition("    -")[0], new=LAUNCH.replace("started", "unseen")
    )
    ended = repository.hook("ansible-reap")
    assert ended.status == 1
    assert "new.yml:1:3: async-unreaped[never] (low): Start" in ended.out


def test_a_commit_that_takes_out_the_wait_of_a_launch_in_another_file_fails(repository: Repository) -> None:
    repository.write(reap="- name: Say\n  ansible.builtin.debug:\n")
    ended = repository.hook("ansible-reap")
    assert ended.status == 1
    assert "launch.yml:1:3: async-unreaped[never]" in ended.out


def test_a_file_named_like_an_option_is_no_option(repository: Repository) -> None:
    repository.write(**{"--output=evil": LAUNCH.replace("started", "unseen")})
    ended = repository.hook("ansible-reap")
    assert ended.status == 1
    assert "--output=evil.yml:1:3: async-unreaped[never]" in ended.out
    assert not (repository.root / "evil.yml").exists()


def test_the_fixing_hook_mends_what_it_finds(repository: Repository) -> None:
    repository.write(new=LAUNCH.replace("started", "unseen"))
    ended = repository.hook("ansible-reap-fix", "--hook-stage", "manual")
    assert ended.status == 1, ended.out
    assert "files were modified by this hook" in ended.out
    assert "until: unseen_result is finished" in (repository.root / "new.yml").read_text()
    assert repository.hook("ansible-reap-fix", "--hook-stage", "manual").status == 0
