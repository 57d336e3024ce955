"""Lists of Ansible's names in the code hold only what a supported ansible-core knows, or say whose they are."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_reap.checks import support
from ansible_reap.checks.fixes import cleanup, reboot, wait
from ansible_reap.content import inventory
from ansible_reap.flow.evaluation import filters, scalars, state_tests
from ansible_reap.flow.walk import effects, file_watches, special, state
from ansible_reap.history import identity
from ansible_reap.runtime.ledger.lines import KEPT_VARIABLES
from ansible_reap.runtime.policy.options import NAMES
from ansible_reap.runtime.tracking.info import CONNECTION_KEYWORDS
from ansible_reap.shell import names
from support.environments import ROOT, present_cores, program

ASK = """
import json, pathlib, re, ansible
from ansible.constants import MAGIC_VARIABLE_MAPPING
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE, BOOLEANS_TRUE
from ansible.playbook.handler import Handler
from ansible.plugins.loader import filter_loader, test_loader
from ansible.template import Templar
root = pathlib.Path(ansible.__path__[0])
environment = getattr(Templar(loader=None), "environment", None)
plugins = lambda loader: {each.ansible_name.rsplit(".", 1)[-1] for each in loader.all()}
import jinja2
print(json.dumps({
    "keywords": list(Handler.fattributes),
    "modules": [path.stem for path in (root / "modules").glob("*.py")],
    "filters": sorted(plugins(filter_loader) | set(jinja2.Environment().filters)),
    "tests": sorted(plugins(test_loader) | set(jinja2.Environment().tests)),
    "special": re.findall(r"variables\\['(\\w+)'\\]", (root / "vars/manager.py").read_text()),
    "connection": sorted({name for each in MAGIC_VARIABLE_MAPPING.values() for name in each}),
    "true": [str(each).lower() for each in BOOLEANS_TRUE if isinstance(each, str)],
    "false": [str(each).lower() for each in BOOLEANS_FALSE if isinstance(each, str)],
}))
"""
VERSIONS = [version for version in present_cores() if program(f"core-{version}", "python").exists()]

KEYWORDS = {
    "the callback's and the checks' names of launches": identity._NOT_ACTIONS,
    "what includes hand on": state.INHERITED,
    "what a wait keeps": wait._KEPT,
    "what no wait is written for": wait._AUTHORS_OWN,
    "what a cleanup keeps": cleanup._KEPT,
    "what a reboot drops": reboot._DROPPED,
    "what a reboot keeps": reboot._KEPT,
}
NOT_KEYWORDS = {"async", "args", "hosts", "strategy"}
"""``async`` and ``args`` are written so and called ``async_val`` and nothing; ``hosts`` and ``strategy``
are the play's."""

MODULES = {
    "modules that carry an id": effects._CARRIERS,
    "modules that do nothing to a job": effects._INERT,
    "modules that watch": file_watches._WATCHING,
    "modules that reboot": names.REBOOT_MODULES,
    "modules of services": names.SERVICE_MODULES,
    "modules of commands": names.COMMAND_MODULES,
}
OF_OTHER_COLLECTIONS = {
    "win_shell", "win_command", "win_powershell", "powershell", "win_stat", "win_reboot", "win_service",
    "win_copy", "win_template", "win_lineinfile", "ini_file", "nmcli", "shutdown", "openrc", "runit",
}  # fmt: skip
"""Of ansible.windows and community.general."""
OF_CORE_BUT_NO_FILE = {"include", "import_tasks", "include_tasks", "import_role", "include_role", "meta"}
"""``include`` was taken out in ansible-core 2.16 and is still met."""


@lru_cache
def known(what: str) -> frozenset[str]:
    return frozenset(name for version in VERSIONS for name in answer(version)[what])


@lru_cache
def answer(version: str) -> Any:
    python = program(f"core-{version}", "python")
    return json.loads(subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=True).stdout)


needs_ansible = pytest.mark.skipif(not VERSIONS, reason="no ansible-core is installed")


@needs_ansible
@pytest.mark.parametrize("which", KEYWORDS)
def test_keywords_are_those_of_a_task(which: str) -> None:
    assert set(KEYWORDS[which]) - NOT_KEYWORDS <= known("keywords")


@needs_ansible
def test_no_keyword_counts_as_the_action_of_a_launch() -> None:
    assert known("keywords") - {"action", "async_val", "loop_with"} <= identity._NOT_ACTIONS


@needs_ansible
@pytest.mark.parametrize("which", MODULES)
def test_modules_are_those_of_ansible_core_or_named_with_their_collection(which: str) -> None:
    assert set(MODULES[which]) - OF_OTHER_COLLECTIONS - OF_CORE_BUT_NO_FILE <= known("modules")


@needs_ansible
def test_filters_that_are_followed_exist() -> None:
    followed = {*filters.HANDLERS, *filters.SAME, *scalars.TEXTUAL, *scalars.NUMERIC}
    assert followed - {"json_query"} <= known("filters"), "json_query is community.general's"


@needs_ansible
def test_tests_of_a_result_exist() -> None:
    assert known("tests") >= set(state_tests.STATE_TESTS)


@needs_ansible
def test_connection_variables_are_those_that_take_precedence_over_keywords() -> None:
    assert known("connection") >= inventory.CONNECTION_VARIABLES


@needs_ansible
def test_special_variables_are_those_that_are_set_for_each_task() -> None:
    of_options = {f"ansible_{name}" for name in ("version", "check_mode", "diff_mode", "forks", "inventory_sources")}
    of_options |= {"ansible_skip_tags", "ansible_run_tags", "ansible_verbosity"}
    set_elsewhere = of_options | {"environment", "ansible_search_path"}
    assert special.TAKEN - set_elsewhere | special.TAKEN_IN_ROLES == known("special") - {"omit"}


@needs_ansible
def test_connection_variables_in_the_ledger_hold_no_secret() -> None:
    assert not [name for name in KEPT_VARIABLES if "pass" in name or "flags" in name or "args" in name]
    assert KEPT_VARIABLES - {"ansible_async_dir", "ansible_python_interpreter", "ansible_remote_tmp"} <= (
        known("connection") | {"ansible_shell_type", "ansible_shell_executable"}
    ), "the others are options of shell plugins and of the interpreter's discovery"


def test_the_gate_leaves_out_the_keywords_by_which_a_launch_reached_its_host() -> None:
    source = Path(names.__file__).parents[1] / "runtime" / "gate" / "blocks.py"  # it needs Ansible
    listed = re.search(r"_CONNECTION_KEYWORDS = frozenset\(([^)]*)\)", source.read_text(encoding="utf-8"))
    assert listed is not None
    assert set(re.findall(r'"(\w+)"', listed[1])) == CONNECTION_KEYWORDS


@needs_ansible
def test_words_for_true_and_false_are_those_that_ansible_converts() -> None:
    assert known("true") == support._TRUE
    assert known("false") == support._FALSE


SET_BY_THE_ACTION = {"status_files", "claimed", "dry_run"}
"""Options of the modules of ``stop`` and ``sweep`` that no playbook gives."""


def constant(path: Path, name: str) -> Any:
    """A constant of a module that only an environment with Ansible can import."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        is_meant = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if is_meant and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} has no {name}")


def documented(path: Path) -> dict[str, Any]:
    options: dict[str, Any] = yaml.safe_load(constant(path, "DOCUMENTATION"))["options"]
    return options


def test_the_callback_documents_and_hands_over_the_options_that_the_package_reads() -> None:
    callback = ROOT / "callback_plugins" / "async_reaper.py"
    assert constant(callback, "OPTIONS") == NAMES
    assert set(documented(callback)) == set(NAMES)


@pytest.mark.parametrize("action", ["collect", "stop", "sweep", "wait"])
def test_an_action_takes_what_its_module_documents(action: str) -> None:
    told = documented(ROOT / "collection" / "plugins" / "modules" / f"{action}.py")
    taken = constant(ROOT / "src" / "ansible_reap" / "runtime" / "actions" / f"{action}.py", "ARGUMENTS")
    for name in SET_BY_THE_ACTION & set(told):
        del told[name]
    shapes = [
        {name: (each.get("type"), each.get("default"), each.get("elements")) for name, each in options.items()}
        for options in (told, taken)
    ]
    assert shapes[0] == shapes[1]
