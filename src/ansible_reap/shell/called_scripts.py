"""Which file a task runs as a script."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass
from ansible_reap.shell.command_words import (
    FILE_RUNNERS,
    command_text,
    is_work,
    only_leads_up,
    program_of,
    without_prefixes,
)
from ansible_reap.shell.names import COMMAND_MODULES
from ansible_reap.shell.parser import parse

_FIRST_WORD = expression(r"\s*(?P<word>(?:\{\{.*?\}\}|[^\s{])+)")


@dataclass(frozen=True, slots=True)
class CalledScript:
    """The file that a task runs as a script."""

    name: str
    works_first: bool
    """Whether the task does other work before that."""


def script_of(args: Mapping[str, object]) -> CalledScript | None:
    """The file that a task of the module ``script`` runs; None where it cannot be told from its arguments."""
    # blanks within braces are not ones between words
    found = _FIRST_WORD.match(command_text(args))
    return CalledScript(found["word"].strip("'\""), works_first=False) if found else None


def last_script(module: str, args: Mapping[str, object]) -> CalledScript | None:
    """The file that a command line runs as the last thing it does; None where it runs none as such."""
    if module.rsplit(".", 1)[-1] not in COMMAND_MODULES:
        return None
    found = [command for command in parse(command_text(args)) if not (command.depth or only_leads_up(command))]
    if not found:
        return None
    words = without_prefixes(found[-1])
    if program_of(words[0]) in FILE_RUNNERS:
        words = [word for word in words[1:] if not word.startswith("-")]
    if not words or "/" not in words[0].replace("\\", "/"):
        return None
    return CalledScript(words[0], works_first=any(map(is_work, found[:-1])))
