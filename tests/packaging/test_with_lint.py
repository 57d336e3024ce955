"""``pip install ansible-reap`` beside ansible-lint: the rules are there with nothing more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import ansible_reap
from support import environments
from support.venv import Venv

EXAMPLE = environments.ROOT / "src" / "ansible_reap" / "example"
RULES = sorted(page.stem.replace("_", "-") for page in (environments.ROOT / "lint_rules").glob("async_*.md"))


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE / "broken", tmp_path / "broken"))


def test_ansible_lint_lists_the_rules(with_lint: Venv, broken: Path) -> None:
    """With the PyPI package async-timeout installed beside us: a rule module of that bare name would lose to it."""
    reply = with_lint.run("ansible-lint", "-L", "--offline", "--nocolor", cwd=broken)
    assert reply.returncode == 0, reply.stderr
    listed = {line.split()[1].rstrip(":") for line in reply.stdout.splitlines() if line.startswith("- ")}
    assert set(RULES) <= listed


def test_ansible_lint_lists_the_tags(with_lint: Venv, broken: Path) -> None:
    """A rule without a tag that ansible-lint knows makes it abort here."""
    reply = with_lint.run("ansible-lint", "-T", "--offline", "--nocolor", cwd=broken)
    assert reply.returncode == 0, reply.stderr
    assert "unpredictability:" in reply.stdout


@pytest.mark.slow
def test_ansible_lint_reports_the_example(with_lint: Venv, broken: Path) -> None:
    reply = with_lint.run("ansible-lint", "-f", "json", "site.yml", cwd=broken)
    assert reply.returncode == 2, reply.stderr
    (finding,) = json.loads(reply.stdout)
    assert finding["check_name"].startswith("async-unreaped")
    assert finding["location"]["path"] == "site.yml"
    assert finding["url"] == f"{ansible_reap.DOCS_URL}/rules/async-unreaped/"


def test_ansible_lint_reports_the_example_as_editors_start_it(with_lint: Venv, broken: Path) -> None:
    """The command line of VS Code's extension, that is of Ansible's language server, and the keys that it reads."""
    options = ("--offline", "--nocolor", "-f", "codeclimate")
    reply = with_lint.run("ansible-lint", *options, broken / "site.yml", cwd=broken)
    assert reply.returncode == 2, reply.stderr
    (finding,) = json.loads(reply.stdout)
    assert finding["check_name"] == "async-unreaped[unregistered]"
    assert finding["location"]["path"] == "site.yml"
    assert finding["location"]["lines"]["begin"] == 6
    assert finding["severity"] in {"major", "minor"}
    assert finding["url"] == f"{ansible_reap.DOCS_URL}/rules/async-unreaped/"
    assert finding["description"].startswith("Nothing waits for the job")


def test_ansible_lint_is_content_with_the_repaired_example(with_lint: Venv, tmp_path: Path) -> None:
    project = shutil.copytree(EXAMPLE / "repaired", tmp_path / "repaired")
    reply = with_lint.run("ansible-lint", "--offline", "-f", "json", "site.yml", cwd=Path(project))
    assert (reply.returncode, json.loads(reply.stdout)) == (0, [])
