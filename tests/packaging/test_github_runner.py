"""The action in a workflow that nektos/act runs: it takes steps, outputs and printed commands as GitHub does."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import environments
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
      - uses: example/ansible-reap@v1
        id: reap
        with:
          sarif: "true"
          fail-on-findings: "false"
      - shell: bash
        env:
          SARIF: ${{ steps.reap.outputs.sarif-file }}
        run: cp "$SARIF" "$RESULTS/findings.sarif"
      - uses: example/ansible-reap@v1
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


def _commands(log: str) -> list[dict[str, Any]]:
    """What act took from the output as commands, each with its arguments."""
    return [line for line in map(json.loads, log.splitlines()[:-1]) if "command" in line]


@pytest.mark.slow
def test_a_workflow_that_uses_the_action_runs_and_shows_its_findings(tmp_path: Path) -> None:
    cores = environments.chosen_cores()
    if environments.environment("tools") is None or not cores:
        pytest.skip("no environment tools or none with ansible-core: tools/envs.py make tools newest")
    action, upload, project, results = (tmp_path / name for name in ("action", "upload", "project", "results"))
    results.mkdir()
    environments.copy_repository(action)
    (upload / "upload-sarif").mkdir(parents=True)
    (upload / "upload-sarif" / "action.yml").write_text(UPLOAD)
    (project / ".github" / "workflows").mkdir(parents=True)
    (project / ".github" / "workflows" / "reap.yml").write_text(WORKFLOW)
    (project / "site.yml").write_text(PLAYBOOK)
    for command in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x"),
    ):
        subprocess.run(["git", *command], cwd=project, check=True, capture_output=True)
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python3").symlink_to(environments.program(f"core-{cores[-1]}", "python"))
    uploads = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][-1]["uses"]
    reply = subprocess.run(
        [
            str(environments.program("tools", "act")),
            *("push", "--json", "--no-cache-server", "--action-offline-mode"),
            *("--platform", "ubuntu-latest=-self-hosted"),  # no container
            *("--local-repository", f"example/ansible-reap@v1={action}"),
            *("--local-repository", f"{uploads.replace('/upload-sarif', '')}={upload}"),
            *("--env", f"RESULTS={results}", "--action-cache-path", str(tmp_path / "cache")),
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
    assert reply.returncode == 1, reply.stdout  # by the second use, where findings fail
    commands = _commands(reply.stdout)
    shown = [command for command in commands if command["command"] == "error"]
    expected = {
        "file": "site.yml",
        "line": "4",
        "endLine": "7",
        "col": "7",
        "title": f"async-unreaped[unregistered] {TASK}",
    }
    assert [command["kvPairs"] for command in shown] == [expected, expected]
    assert shown[0]["arg"].startswith("Nothing waits for the job, and its id is not registered: ")
    summary = next(command["content"] for command in commands if command["command"] == "summary")
    assert summary.startswith("### ansible-reap: 1 finding\n")
    for name in ("findings", "uploaded"):
        sarif = json.loads((results / f"{name}.sarif").read_text())
        assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["async-unreaped"]
