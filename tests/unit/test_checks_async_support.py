"""The table of actions that refuse async, held against the installed ansible-core versions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import generate_async_support as generator
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


@pytest.mark.slow
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


def test_a_collection_refuses_as_a_whole_but_for_the_modules_that_it_runs_as_usual() -> None:
    assert refusing_versions("cisco.meraki.networks") == VERSIONS
    assert refusing_versions("cisco.meraki.meraki_admin") == ()
    assert refusing_versions("kubernetes.core.k8s") == VERSIONS
    assert refusing_versions("kubernetes.core.helm_template") == ()
    assert refusing_versions("cisco.ios.ios_config") == ()  # its plugin inherits from one that supports async


def test_a_plugin_is_read_with_the_classes_that_it_inherits_from(tmp_path: Path) -> None:
    base = tmp_path / "ansible_collections" / "acme" / "tools"
    texts = {
        "MANIFEST.json": json.dumps({"collection_info": {"version": "1.2.3"}}),
        "meta/runtime.yml": "plugin_routing: {action: {old_name: {redirect: acme.tools.refuses}}}",
        "plugins/action/refuses.py": "from ansible.plugins.action import ActionBase\n"
        "class ActionModule(ActionBase):\n    def run(self): return super().run()\n",
        "plugins/action/inherits.py": "from ansible_collections.acme.tools.plugins.action.refuses "
        "import ActionModule as A\nclass ActionModule(A):\n    pass\n",
        "plugins/action/supports.py": "from ansible.plugins.action.normal import ActionModule as A\n"
        "class ActionModule(A):\n    def run(self): return super().run()\n",
        "plugins/modules/plain.py": "",
    }
    for name, text in texts.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text, encoding="utf-8")
    (tmp_path / "normal.py").write_text(
        "class ActionModule(ActionBase):\n    def run(self):\n        self._supports_async = True\n"
        "        return super().run()\n",
        encoding="utf-8",
    )
    found = generator.read_collections(tmp_path, core=tmp_path)
    assert found.refusing == {f"acme.tools.{name}": "1.2.3" for name in ("inherits", "old_name", "refuses")}
    assert found.accepting == []
