"""The words of a command: which program runs in the end, and whether it does work of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_reap.late_patterns import expression
from ansible_reap.shell.names import (
    COMMAND_OPTIONS,
    LEADING_UP,
    LEADING_WORDS,
    LOOKING_COMMANDLET,
    PROGRAMS,
    SHELLS,
)
from ansible_reap.shell.parser import Command, is_assignment, parse

NO_SHELL = frozenset({"command", "win_command", "expect"})
"""Modules that run one program: what only a shell understands are arguments to it."""
FILE_RUNNERS = SHELLS | {"python", "python2", "python3", "source", ".", "powershell", "pwsh"}
"""Programs that run the file that follows them."""

_RUNS = expression(r"[A-Za-z]+-\w+|.*[\\/].*|.*\.(?:exe|ps1|bat|cmd|msi)", re.IGNORECASE)
"""What PowerShell runs where it stands alone, and does not take for a text or a number."""


def command_text(args: Mapping[str, object]) -> str:
    """The command line that a task gives a module such as ``command``, wherever among its arguments."""
    for option in COMMAND_OPTIONS:
        value = args.get(option)
        if isinstance(value, list):
            return " ".join(_quoted(str(part)) for part in value)
        if value is not None:
            return str(value)
    return ""


def without_a_shell(module: str, args: Mapping[str, object]) -> Command | None:
    """The one program that the task runs, where its command line holds what only a shell understands, and it has none.

    What stands behind the program's own words are arguments to it too: ``command: sleep 2 && reboot`` fails at once.
    """
    if module.rsplit(".", 1)[-1] not in NO_SHELL:
        return None
    # the end of a line is a blank to these modules
    commands = [command for command in parse(" ".join(command_text(args).split())) if not command.depth]
    if not commands or (len(commands) == 1 and _is_one_program(commands[0])):
        return None
    return commands[0]


def _is_one_program(command: Command) -> bool:
    return not (command.ended_by or command.reserved or command.targets or command.sources or command.documents)


def _quoted(part: str) -> str:
    return f"'{part}'" if any(char.isspace() or char in "&|;<>()" for char in part) else part


def program_of(word: str) -> str:
    """What a program is called, without its folder."""
    base = word.replace("\\", "/").rsplit("/", 1)[-1].lower()
    return base.removesuffix(".exe")


def without_prefixes(command: Command) -> list[str]:
    """What runs in the end: ``sudo -n timeout 5 reboot`` without ``sudo -n timeout 5``."""
    words = list(command.words[len(command.reserved) :])
    if words[:1] == ["command"] and words[1:2] in (["-v"], ["-V"]):
        return ["type", *words[2:]]  # it tells where the program is, and runs nothing
    while words and (program_of(words[0]) in LEADING_WORDS or is_assignment(words[0]) or words[0].startswith("-")):
        words.pop(0)
    if words and program_of(words[0]) in ("timeout", "chroot", "ionice"):
        words = words[1:]
        while words and (words[0][:1].isdigit() or words[0].startswith("-")):
            words.pop(0)
    return words


def only_leads_up(command: Command) -> bool:
    """The command is no work of its own: a pause, a message, a look, a question whether to reboot."""
    words = without_prefixes(command)
    if words[1:2] == ["="] and words[0].startswith("$"):  # PowerShell keeps what the rest gives
        words = words[2:]
        if len(words) == 1 and not _RUNS.fullmatch(words[0]):
            return True
    return not words or program_of(words[0]) in LEADING_UP or LOOKING_COMMANDLET.fullmatch(words[0]) is not None


def is_work(command: Command) -> bool:
    """Whether the command does work of its own, neither leading up to a disconnect nor one itself."""
    return not (only_leads_up(command) or program_of(without_prefixes(command)[0]) in PROGRAMS)
