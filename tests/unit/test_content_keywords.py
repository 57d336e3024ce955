"""The lists of names that content is read by, held against the installed ansible-core versions."""

from __future__ import annotations

import json
import subprocess
from functools import lru_cache
from typing import Any

import pytest

from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.keywords import RETIRED_KEYWORDS, ROLE_KEYWORDS, TASK_KEYWORDS
from ansible_reap.content.model import Task
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import read_content
from support.environments import present_cores, program

ASK = """
import json, pathlib, ansible
from ansible.playbook.handler import Handler
from ansible.playbook.role.definition import RoleDefinition
modules = [path.stem for path in (pathlib.Path(ansible.__path__[0]) / "modules").glob("*.py")]
print(json.dumps({"task": list(Handler.fattributes), "role": list(RoleDefinition.fattributes), "modules": modules}))
"""
NO_ACTIONS = {"__init__", "async_wrapper"}
"""Files among the modules that no task may name."""

VERSIONS = [version for version in present_cores() if program(f"core-{version}", "python").exists()]


@lru_cache
def names(version: str) -> Any:
    python = program(f"core-{version}", "python")
    return json.loads(subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_keyword_of_this_version_is_known(version: str) -> None:
    assert set(names(version)["task"]) <= TASK_KEYWORDS
    assert set(names(version)["role"]) <= ROLE_KEYWORDS


@pytest.mark.parametrize("version", VERSIONS)
def test_no_keyword_is_a_module_of_this_version(version: str) -> None:
    assert TASK_KEYWORDS.isdisjoint(names(version)["modules"])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_module_of_this_version_is_known(version: str) -> None:
    assert set(names(version)["modules"]) - NO_ACTIONS <= BUILTIN_MODULES


@pytest.mark.skipif(not VERSIONS, reason="no ansible-core is installed")
def test_nothing_is_listed_that_no_version_knows() -> None:
    found = [names(version) for version in VERSIONS]
    assert TASK_KEYWORDS - RETIRED_KEYWORDS - {"local_action"} <= {name for each in found for name in each["task"]}
    assert {name for each in found for name in each["role"]} >= ROLE_KEYWORDS


@pytest.mark.parametrize("module", sorted(BUILTIN_MODULES - {"import_playbook"}))
def test_a_task_with_a_built_in_module_by_its_short_name_is_seen(module: str) -> None:
    text = f"- name: One\n  {module}:\n    name: x\n  async: 60\n  poll: 0\n  register: r\n  when: x\n"
    (task,) = read_content("tasks/main.yml", compose(text.encode())).tasks
    assert isinstance(task, Task)
    assert task.module == module
