"""The action in a workflow that nektos/act runs: it takes steps, outputs and printed commands as GitHub does."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import ansible_reap
from support import environments, markdown
from support.venv import clean_environment

ROOT = environments.ROOT
TASK = "Back up 100%: a, b::c"
PLAYBOOK = f"""
- hosts: all
  tasks:
    - name: '{TASK}'
      ansible.builtin.command: /opt/backup
      async: 300
      poll: 0
"""
WORKFLOW = """
on: push
jobs:
  reap:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: ansible-reap/ansible-reap@v1
        id: reap
        with:
          sarif: "true"
          fail-on-findings: "false"
      - shell: bash
        env:
          SARIF: ${{ steps.reap.outputs.sarif-file }}
        run: cp "$SARIF" "$RESULTS/findings.sarif"
      - uses: ansible-reap/ansible-reap@v1
        with:
          summary: "false"
"""
UPLOAD = """
name: Stands for the service that takes the findings
inputs: {sarif_file: {required: true}, category: {}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {FILE: "${{ inputs.sarif_file }}"}
      run: cp "$FILE" "$RESULTS/uploaded.sarif"
"""


@dataclass
class Service:
    """What stands for GitHub: act, with folders for the action and for what takes its report."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def run(self, project: Path, *event: str) -> subprocess.CompletedProcess[str]:
        action, upload, home = (self.folder / name for name in ("action", "upload", "home"))
        uploads = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][-1]["uses"]
        versions = ("v1", f"v{ansible_reap.__version__}")
        return subprocess.run(
            [
                str(environments.program("tools", "act")),
                *(*event, "--json", "--no-cache-server", "--action-offline-mode"),
                *("--platform", "ubuntu-latest=-self-hosted"),  # no container
                *(f"--local-repository=ansible-reap/ansible-reap@{version}={action}" for version in versions),
                *("--local-repository", f"{uploads.replace('/upload-sarif', '')}={upload}"),
                *("--env", f"RESULTS={self.results}", "--action-cache-path", str(self.folder / "cache")),
            ],
            cwd=project,
            env={**clean_environment(home), "PATH": f"{home / 'bin'}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    def uploaded(self, name: str) -> list[str]:
        """The files that the findings of a report are in."""
        results = json.loads((self.results / f"{name}.sarif").read_text())["runs"][0]["results"]
        return [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in results]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    cores = environments.chosen_cores()
    if environments.environment("tools") is None or not cores:
        pytest.skip("no environment tools or none with ansible-core: tools/envs.py make tools newest")
    (tmp_path / "results").mkdir()
    environments.copy_repository(tmp_path / "action")
    (tmp_path / "upload" / "upload-sarif").mkdir(parents=True)
    (tmp_path / "upload" / "upload-sarif" / "action.yml").write_text(UPLOAD)
    (tmp_path / "home" / "bin").mkdir(parents=True)
    (tmp_path / "home" / "bin" / "python3").symlink_to(environments.program(f"core-{cores[-1]}", "python"))
    return Service(tmp_path)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / "site.yml").write_text(PLAYBOOK)
    return folder


def _git(project: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=project, check=True, capture_output=True)


def _commands(log: str, name: str) -> list[dict[str, Any]]:
    """What act took from the output as commands of this name, each with its arguments."""
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    return [line for line in lines if line.get("command") == name]


@pytest.mark.slow
def test_a_workflow_that_uses_the_action_runs_and_shows_its_findings(service: Service, project: Path) -> None:
    (project / ".github" / "workflows" / "reap.yml").write_text(WORKFLOW)
    _git(project, "init", "-q")
    _git(project, "add", "-A")
    _git(project, "commit", "-qm", "x")
    reply = service.run(project, "push")
    assert reply.returncode == 1, reply.stdout  # by the second use, where findings fail
    shown = _commands(reply.stdout, "error")
    expected = {
        "file": "site.yml",
        "line": "4",
        "endLine": "7",
        "col": "7",
        "title": f"async-unreaped[unregistered] {TASK}",
    }
    assert [command["kvPairs"] for command in shown] == [expected, expected]
    assert shown[0]["arg"].startswith("Nothing waits for the job, and its id is not registered: ")
    summary = _commands(reply.stdout, "summary")[0]["content"]
    assert summary.startswith("### ansible-reap: 1 finding\n")
    for name in ("findings", "uploaded"):
        assert service.uploaded(name) == ["site.yml"]


@pytest.mark.slow
def test_the_page_s_workflow_fails_a_pull_request_for_what_it_brings_and_no_push_for_old_findings(
    service: Service, project: Path
) -> None:
    page = markdown.blocks(ROOT / "docs" / "ci.md")
    (workflow,) = (block.text for block in page if block.title == ".github/workflows/async.yml")
    (project / ".github" / "workflows" / "async.yml").write_text(workflow)
    _git(project, "init", "-q")
    _git(project, "add", "-A")
    _git(project, "commit", "-qm", "as it was")
    _git(project, "update-ref", "refs/remotes/origin/main", "HEAD")
    (project / "new.yml").write_text(PLAYBOOK)
    _git(project, "add", "-A")
    _git(project, "commit", "-qm", "new")
    event = service.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"base": {"ref": "main"}}}))
    reply = service.run(project, "pull_request", "--eventpath", str(event))
    assert reply.returncode == 1, reply.stdout
    assert [command["kvPairs"]["file"] for command in _commands(reply.stdout, "error")] == ["new.yml"]
    assert _commands(reply.stdout, "summary")[0]["content"].startswith("### ansible-reap: 1 finding\n")
    assert service.uploaded("uploaded") == ["new.yml", "site.yml"]
    event.write_text(json.dumps({"ref": "refs/heads/main"}))
    reply = service.run(project, "push", "--eventpath", str(event))
    assert reply.returncode == 0, reply.stdout
    assert [command["kvPairs"]["file"] for command in _commands(reply.stdout, "error")] == ["new.yml", "site.yml"]
