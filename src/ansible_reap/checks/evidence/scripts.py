"""The script that a command runs, where the project holds its text: as a file of the role, or as a template of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ansible_reap.checks.evidence import work
from ansible_reap.content import script_text
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression
from ansible_reap.remembered import for_one_check
from ansible_reap.shell.parser import Command, parse

_INTERPRETERS = frozenset({"sh", "bash", "dash", "ksh", "zsh", "python", "python2", "python3", "source", "."})
"""Programs that run the file that follows them."""
_SHELL = expression(r"#!.*\b(?:ba|da|k|z)?sh\b")
_PYTHON = expression(r"#!.*\bpython")
_ENDLESS_PYTHON = expression(
    r"\.(?:serve_forever|run_forever)\(|\bsignal\.pause\(|\bsleep\(\s*\d{6,}"
    r"|\b(?:app|application|server|bottle)\.run\(|\b(?:run_app|run_simple|uvicorn\.run|waitress\.serve)\("
)
"""What keeps a Python program running for ever, or for a day or more."""
_RELATIVE = expression(r"(?:\./)?(?:[\w-][\w.-]*/)+[\w.-]+")
_JINJA = expression(r"\{%[-+]?\s*[a-z][^%]*%\}|\{#[-+]?\s[^#]*#\}")
"""Statements and comments of a template, which are no words of the script that it makes."""
MAX_KEPT = 512


class Script(NamedTuple):
    """What the script's text says."""

    name: str
    commands: tuple[Command, ...]
    """Of a shell script; none for another language."""
    is_endless: bool
    """Whether it has no end of its own."""


def of(analysis: Analysis, task: Task) -> Script | None:
    """The script that the task runs; None where it runs none, or one that the project does not hold."""
    return _of(analysis.root, task)


@for_one_check(MAX_KEPT)
def _of(root: str, task: Task) -> Script | None:
    for name in dict.fromkeys(_called(task)):
        text = script_text.held(Path(root), task.path, name)
        script = None if text is None else _script(name, text)
        if script:
            return script
    return None


def _called(task: Task) -> Iterator[str]:
    """The names of the files that the task may run, with the folder where it is named from the project's own."""
    for command in work.commands(task):
        words = next(iter(list(command.programs())[-1:]), ())
        first = next((word for word in words if not (word.startswith("-") or word in _INTERPRETERS)), "")
        name = first.rpartition("/")[2]
        if name and "{" not in name and re.fullmatch(r"[\w.-]+", name):
            written = next((word for word in command.words if word.endswith(f"/{name}")), "")
            if _RELATIVE.fullmatch(written):
                yield written.removeprefix("./")
            yield name


@lru_cache(maxsize=MAX_KEPT)
def _script(name: str, text: str) -> Script | None:
    if name.endswith(".py") or _PYTHON.match(text):
        return Script(name, (), _ENDLESS_PYTHON.search(text) is not None)
    if name.endswith((".sh", ".bash")) or _SHELL.match(text):
        commands = tuple(parse(_JINJA.sub("", text)))
        return Script(name, commands, work.loops_for_ever(commands) is not None and not _leaves_loop(commands))
    return None


def _leaves_loop(commands: tuple[Command, ...]) -> bool:
    return any(command.argv[:1] in (("break",), ("exit",), ("return",)) for command in commands)
