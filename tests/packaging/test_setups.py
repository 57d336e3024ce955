"""The three set-ups of the README and the page about CI, as a new user: a fresh home, a venv with Ansible, pip."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import ansible_reap
from support import environments, markdown
from support.venv import Dist, clean_environment, copy_venv, shell

ROOT = environments.ROOT
EXAMPLE = ROOT / "src" / "ansible_reap" / "example"
PAGES = (ROOT / "docs" / "ci.md", ROOT / "README.md")
BLOCKS = {block.title: block for page in PAGES for block in markdown.blocks(page) if block.title}


class NewUser:
    """A home without anything, a git repository with the broken example, a virtual environment with ansible-core."""

    def __init__(self, home: Path, dist: Dist) -> None:
        self.project = Path(shutil.copytree(EXAMPLE / "broken", home / "project"))
        self.variables = {
            **clean_environment(home),
            "PATH": f"{home / 'venv' / 'bin'}:/usr/bin:/bin",
            "PIP_FIND_LINKS": str(dist.wheel.parent),
        }
        self.gitconfig = home / ".gitconfig"
        self.gitconfig.write_text("[user]\nname = New User\nemail = user@example.com\n")
        copy_venv(environments.envs_root() / f"core-{environments.chosen_cores()[-1]}", home / "venv")
        self.shell("git init -q && git add -A && git commit -qm 'The project as it was'")

    def write(self, title: str) -> None:
        """Put a block of the README into the file that it names."""
        target = self.project / title
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(BLOCKS[title].text)

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        return shell(command, self.project, self.variables)


@pytest.fixture
def user(tmp_path: Path, dist: Dist) -> NewUser:
    if not environments.chosen_cores():
        pytest.skip("no environment with ansible-core: tools/envs.py make newest")
    return NewUser(tmp_path, dist)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A git repository that stands for the published one: this source tree, tagged with its version."""
    folder = tmp_path / "published"
    environments.copy_repository(folder)
    script = f"git init -q && git add -A && git commit -qm release && git tag v{ansible_reap.__version__}"
    identity = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com"}
    identity |= {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com"}
    subprocess.run(["bash", "-c", script], cwd=folder, check=True, env={**clean_environment(tmp_path), **identity})
    return folder


def test_pre_commit(user: NewUser, published: Path) -> None:
    address = "https://github.com/ansible-reap/ansible-reap"
    lines = f'[url "{published}"]\ninsteadOf = {address}\n'
    user.gitconfig.write_text(user.gitconfig.read_text() + lines)
    (user.project.parent / "venv" / "bin" / "pre-commit").symlink_to(environments.program("dev", "pre-commit"))
    user.write(".pre-commit-config.yaml")
    user.shell("git add -A")
    reply = user.shell("pre-commit run --all-files")
    assert reply.returncode == 1, reply.stdout
    assert "site.yml:6:7: async-unreaped[unregistered] (high): Back up the database" in reply.stdout
    shutil.copy(EXAMPLE / "repaired" / "site.yml", user.project / "site.yml")
    reply = user.shell("git add -A && pre-commit run")
    assert reply.returncode == 0, reply.stdout


@pytest.mark.slow
def test_ansible_lint_in_ci(user: NewUser) -> None:
    user.write(".github/workflows/lint.yml")
    install, lint = markdown.recipe_commands(BLOCKS[".github/workflows/lint.yml"])
    assert user.shell(install).returncode == 0
    reply = user.shell(lint)
    assert reply.returncode == 2, reply.stdout
    assert "async-unreaped[unregistered]" in reply.stdout
    shutil.copy(EXAMPLE / "repaired" / "site.yml", user.project / "site.yml")
    assert "async-" not in user.shell(lint).stdout


def test_ansible_cfg(user: NewUser) -> None:
    assert user.shell("pip install -q ansible-reap").returncode == 0
    user.write("ansible.cfg")
    reply = user.shell("ansible-playbook -i inventory.ini site.yml")
    assert reply.returncode == 2, reply.stdout
    assert "ASYNC RECAP" in reply.stdout
    shutil.copy(EXAMPLE / "repaired" / "site.yml", user.project / "site.yml")
    reply = user.shell("ansible-playbook -i inventory.ini site.yml")
    assert reply.returncode == 0, reply.stdout
    assert "ASYNC RECAP" not in reply.stdout
