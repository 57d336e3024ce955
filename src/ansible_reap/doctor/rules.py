"""Are the rules seen by the ansible-lint on PATH, with the configuration of the working folder?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible_reap
from ansible_reap.doctor import enabling, programs
from ansible_reap.doctor.diagnosis import Diagnosis, absent, fine, off
from ansible_reap.doctor.programs import ProbeError, Program
from ansible_reap.linting.config import load_mapping
from ansible_reap.linting.lintconfig import CONFIG_FILES
from ansible_reap.linting.problems import ConfigError

RULESDIR_VARIABLE = "ANSIBLE_LINT_CUSTOM_RULESDIR"
FOLDER = "ansible_reap"
PROVEN = "async-unreaped"


def examine() -> list[Diagnosis]:
    program = programs.find("ansible-lint")
    if program is None:
        return [absent("no ansible-lint on PATH, so no rules in it", "pip install ansible-lint, where it is wanted")]
    state = programs.ask(program, "reap_lint_state")
    if state["lint_home"] is None:
        return [off(f"{program.path}: its environment has no ansible-lint", f"{program.pip_install} ansible-lint")]
    found = [*_environment(program, state), *_rules_folder(state), *_configuration(Path.cwd())]
    # What the linter really does is asked last: a known cause reads better than its effect.
    return found or [_proof(program, state)]


def _environment(program: Program, state: dict[str, Any]) -> Iterator[Diagnosis]:
    if not state["reap_importable"]:
        yield off(
            f"{program.path} runs in an environment without ansible-reap",
            f"{program.pip_install} ansible-reap (or: pipx inject ansible-lint ansible-reap)",
        )
    elif state["reap_editable"]:
        yield off(
            f"{program.path}: ansible-reap is an editable install there, which puts no rules where ansible-lint looks",
            f"{program.pip_install} --force-reinstall --no-deps PATH-OF-THE-CLONE, without -e",
        )
    elif not (_custom(state) / FOLDER / "__init__.py").is_file() and not os.environ.get(RULESDIR_VARIABLE):
        yield off(
            f"{_custom(state)}: the rules are not there, though ansible-reap can be imported",
            f"{program.pip_install} ansible-reap, into the same folder as ansible-lint",
        )
    elif state["reap_version"] not in (None, ansible_reap.__version__):
        yield off(
            f"{program.path} has ansible-reap {state['reap_version']}, this is {ansible_reap.__version__}",
            f"{program.pip_install} ansible-reap=={ansible_reap.__version__}",
        )


def _custom(state: dict[str, Any]) -> Path:
    return Path(state["lint_home"]) / "rules" / "custom"


def _rules_folder(state: dict[str, Any]) -> Iterator[Diagnosis]:
    instead = os.environ.get(RULESDIR_VARIABLE)
    if instead and not (Path(instead) / FOLDER / "__init__.py").is_file():
        yield off(
            f"{RULESDIR_VARIABLE} is set: ansible-lint looks in {instead} and no longer where our rules are",
            f"unset it, or link {_custom(state) / FOLDER} into that folder",
        )


def _configuration(folder: Path) -> Iterator[Diagnosis]:
    """What the project's own ``.ansible-lint`` does to rules that are not ansible-lint's own."""
    name = next((name for name in CONFIG_FILES if (folder / name).is_file()), None)
    if name is None:
        return
    try:
        config = load_mapping(folder / name, name)
    except ConfigError as error:
        yield off(str(error), "mend it; ansible-lint refuses it too")
        return
    if config.get("rulesdir") and not config.get("use_default_rules"):
        yield off(
            f"{name}: rulesdir without use_default_rules drops every other rule, ours and ansible-lint's own",
            "add 'use_default_rules: true' (on the command line: -R beside -r)",
        )
    found = enabling.unloaded(folder)
    if found is not None:
        yield off(
            f"{name}: profile '{config['profile']}' unloads rules that are not in it: {', '.join(found[1])}",
            "name them in enable_list: 'ansible-reap doctor --fix' writes them there",
        )


def _proof(program: Program, state: dict[str, Any]) -> Diagnosis:
    with programs.bad_example() as playbook:
        reply = programs.run([str(program.path), "--offline", "-q", "-f", "json", str(playbook)], {"NO_COLOR": "1"})
    try:
        findings = json.loads(reply.stdout)
    except ValueError as error:
        message = (reply.stderr.strip().splitlines() or ["no answer"])[-1]
        raise ProbeError(f"{program.path}: does not lint: {message}") from error
    if any(str(finding["check_name"]).startswith(PROVEN) for finding in findings):
        return fine(f"ansible-lint {state['lint_version']} ({program.path}) reports {PROVEN} on a bad example")
    return off(
        f"{program.path} does not report {PROVEN} on a bad example, with the configuration of this folder",
        f"look for {PROVEN} under skip_list and exclude_paths in .ansible-lint, and run 'ansible-lint -L'",
    )
