"""A fresh clone: the commands that the README names first, with environments that are there already."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support import environments
from support.venv import clean_environment


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    if not environments.chosen_cores():
        pytest.skip("no environment with ansible-core: tools/envs.py make newest")
    folder = tmp_path / "clone"
    environments.copy_repository(folder)
    return folder


def make(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**clean_environment(clone.parent), "ANSIBLE_REAP_ENVS": str(environments.envs_root())}
    variables["PATH"] = os.environ["PATH"]
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=clone, env=variables, capture_output=True, text=True, check=False)


def test_the_demo_runs(clone: Path) -> None:
    reply = make(clone, "demo")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert "ASYNC RECAP" in reply.stdout


def test_a_project_of_one_s_own_is_checked(clone: Path, tmp_path: Path) -> None:
    project = tmp_path / "my project"
    shutil.copytree(clone / "src" / "ansible_reap" / "example" / "broken", project)
    reply = make(clone, "check", "DIR=~/my project", "ARGS=--format concise")
    assert reply.returncode == 0, reply.stdout + reply.stderr  # findings are what was asked for
    assert reply.stdout.startswith("site.yml:6:7: async-unreaped[unregistered] Back up the database: ")
    assert make(clone, "check", f"DIR={project}", "ARGS=--fromat json").returncode == 2
    (project / "yaml.py").write_text("raise SystemExit('a module of the project was imported')\n")
    assert make(clone, "check", f"DIR={project}", "ARGS=--format concise").stdout == reply.stdout
