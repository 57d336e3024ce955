"""The table of actions that refuse async, held against the installed ansible-core versions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_reap.checks.evidence.async_support import BUILTIN, VERSIONS
from ansible_reap.checks.unsupported import refusing_versions
from support.environments import ROOT, chosen_cores, present_cores, program

ARGUMENTS: dict[str, object] = {
    "fail": {"msg": "the module failed"},
    "fetch": {"src": "a", "dest": "b"},
    "group_by": {"key": "a"},
    "include_vars": {"file": "vars.yml"},
    "raw": {"_raw_params": "true"},
    "script": {"_raw_params": "true"},
    "set_fact": {"a": "b"},
}
REFUSALS = ("does not support async", "async is not supported")


def test_the_table_is_what_the_installed_versions_say() -> None:
    if present_cores() != list(VERSIONS):
        pytest.skip("not every ansible-core version is installed")
    tool = [sys.executable, str(ROOT / "tools" / "generate_async_support.py"), "--check"]
    run = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("version", chosen_cores())
def test_ansible_refuses_just_what_the_table_says(version: str, tmp_path: Path) -> None:
    # reboot looks at the connection before anything else, so it cannot be asked on localhost.
    refused = [name for name in BUILTIN if version in BUILTIN[name] and name != "reboot"]
    names = [*refused, "command", "shell", "uri", "service", "package"]
    tasks = [
        {
            "name": name,
            f"ansible.builtin.{name}": ARGUMENTS.get(name, {}),
            "async": 30,
            "poll": 0,
            "ignore_errors": True,
        }
        for name in names
    ]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    run = subprocess.run(
        [
            program(f"core-{version}", "ansible-playbook"),
            "play.yml",
            "-e",
            f"ansible_python_interpreter={sys.executable}",
        ],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = {
        part.partition("]")[0] for part in run.stdout.split("TASK [")[1:] if any(words in part for words in REFUSALS)
    }
    assert said == set(refused), run.stdout


def test_a_version_that_accepts_an_action_is_not_among_those_that_refuse_it() -> None:
    assert refusing_versions("reboot") == VERSIONS[1:]
    assert refusing_versions("synchronize") == VERSIONS
    assert refusing_versions("command") == ()
