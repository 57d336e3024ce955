"""``pip install ansible-reap`` and nothing else: no Ansible, no ansible-lint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import ansible_reap
from support import environments
from support.venv import Venv

EXAMPLE = environments.ROOT / "src" / "ansible_reap" / "example"


def test_the_bare_install_needs_yaml_and_jinja_only(bare: Venv, tmp_path: Path) -> None:
    reply = bare.run("python", "-m", "pip", "list", "--format", "json", "--disable-pip-version-check", cwd=tmp_path)
    names = {entry["name"].lower() for entry in json.loads(reply.stdout)}
    assert names - {"pip", "setuptools"} == {"ansible-reap", "pyyaml", "jinja2", "markupsafe"}


def test_check_runs_without_ansible(bare: Venv, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE / "broken", tmp_path / "project")
    reply = bare.run("ansible-reap", "check", "--format", "json", cwd=tmp_path / "project")
    assert (reply.returncode, reply.stderr) == (1, "")
    answer = json.loads(reply.stdout)
    assert [(finding["tag"], finding["path"], finding["line"]) for finding in answer["findings"]] == [
        ("async-unreaped[unregistered]", "site.yml", 6)
    ]


def test_check_finds_nothing_in_the_repaired_example(bare: Venv, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE / "repaired", tmp_path / "project")
    reply = bare.run("ansible-reap", "check", "--format", "json", cwd=tmp_path / "project")
    assert (reply.returncode, json.loads(reply.stdout)["findings"]) == (0, [])


def test_explain_prints_every_rule_s_page(bare: Venv, tmp_path: Path) -> None:
    for page in sorted((environments.ROOT / "lint_rules").glob("async_*.md")):
        reply = bare.run("ansible-reap", "explain", page.stem.replace("_", "-"), cwd=tmp_path)
        assert (reply.returncode, reply.stdout) == (0, page.read_text().rstrip() + "\n")


def test_the_command_says_its_version(bare: Venv, tmp_path: Path) -> None:
    reply = bare.run("ansible-reap", "--version", cwd=tmp_path)
    assert (reply.returncode, reply.stdout) == (0, f"ansible-reap {ansible_reap.__version__}\n")


def test_the_demo_says_how_to_get_ansible(bare: Venv, tmp_path: Path) -> None:
    reply = bare.run("ansible-reap", "demo", cwd=tmp_path)
    assert reply.returncode == 2
    assert "async-unreaped" in reply.stdout
    assert "-m pip install ansible-core" in reply.stdout
