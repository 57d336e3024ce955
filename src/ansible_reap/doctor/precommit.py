"""Does pre-commit run the check?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_reap.doctor.diagnosis import Diagnosis, absent, fine, off
from ansible_reap.linting.config import load_mapping
from ansible_reap.linting.problems import ConfigError

NAME = ".pre-commit-config.yaml"
HOOKS = ("ansible-reap", "ansible-reap-fix")
LINT_HOOK = "ansible-lint"


def examine() -> list[Diagnosis]:
    path = Path.cwd() / NAME
    if not path.is_file():
        return [absent(f"no {NAME} here")]
    try:
        config = load_mapping(path, NAME)
    except ConfigError as error:
        return [off(str(error), "mend it; pre-commit refuses it too")]
    hooks = list(_hooks(config))
    trouble = [line for hook in hooks if hook.get("id") == LINT_HOOK for line in _lint_hook(hook)]
    ours = [str(hook["id"]) for hook in hooks if hook.get("id") in HOOKS]
    if trouble and not ours:
        return trouble
    if ours:
        return [fine(f"{NAME} runs {' and '.join(ours)}")]
    if any(hook.get("id") == LINT_HOOK for hook in hooks):
        return [fine(f"{NAME} runs {LINT_HOOK} with our rules")]
    return [
        off(f"{NAME} runs neither ansible-reap nor {LINT_HOOK}", "add the hook 'ansible-reap', as the README shows")
    ]


def _hooks(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for repository in config.get("repos") or []:
        if isinstance(repository, dict):
            yield from (hook for hook in repository.get("hooks") or [] if isinstance(hook, dict))


def _lint_hook(hook: dict[str, Any]) -> Iterator[Diagnosis]:
    """pre-commit runs ansible-lint in an environment of its own, with nothing that is not named there."""
    needed = [str(name) for name in hook.get("additional_dependencies") or []]
    if not any(name.startswith("ansible-reap") for name in needed):
        yield off(
            f"{NAME}: the hook {LINT_HOOK} runs in an environment of its own, without our rules",
            "additional_dependencies: [ansible-reap] on that hook, or add the hook 'ansible-reap'",
        )
    arguments = [str(argument) for argument in hook.get("args") or []]
    if any(word == "-r" or word.startswith("--rules-dir") for word in arguments) and "-R" not in arguments:
        yield off(f"{NAME}: the hook {LINT_HOOK} has -r without -R, which drops every other rule", "add -R to its args")
