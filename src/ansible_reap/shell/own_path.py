"""Whether a command line, or what it is given, says where programs are looked for: a name may then mean any program."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_reap.late_patterns import expression
from ansible_reap.shell.command_words import command_text
from ansible_reap.shell.names import COMMAND_MODULES
from ansible_reap.shell.parser import is_assignment, parse

_OF_SYSTEM = r"(?:\$PATH|\$\{PATH\}|\{\{\s*ansible_(?:env|facts\.env)\.PATH\s*\}\}|/(?:usr/)?(?:local/)?s?bin)"
_OF_HOST = r"/(?!tmp\b|var/tmp\b|dev/shm\b|home\b)[\w./+-]+"
_PLAIN_PATH = expression(
    rf"\bPATH=['\"]?(?:{_OF_HOST}:)*{_OF_SYSTEM}(?::(?:{_OF_SYSTEM}|{_OF_HOST}))*['\"]?(?=[\s;&|]|\Z)"
)
"""A path with the system's folders, or what it was before, and perhaps others to which not everybody may write."""
_NAMED = expression(
    r"(?<![$\w{.])(?:PATH|BASH_ENV|BASH_FUNC_\w+%*|LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|PYTHONPATH|PYTHONHOME)(?!\w)"
    r"|\b[eE]nv:[pP]ath\b|\b[Pp]ath\s*="
)
"""Variables by which shells, the linker, Python and Windows find programs and what these are made of."""
_TAKEN_OVER = expression(r"(?:^|[;&|\n(\"'])\s*(?:\.|source|alias|hash|enable)\s|\beval\s[^;&|\n]*[;&|\n]")
"""Words of the shell after which a name may mean something else."""
_SHELL = expression(r"/(?:usr/)?(?:local/)?s?bin/\w+")
_OF_SHELL = frozenset(
    {"cd", "export", "set", "trap", "read", "true", ":", "echo", "printf", "test", "[", "exit", "wait"}
)


def sets_path(text: str) -> bool:
    """Whether the text, be it but ``PATH=...``, may make the name of a program mean another one."""
    return _NAMED.search(_PLAIN_PATH.sub("", text)) is not None or _TAKEN_OVER.search(text) is not None


def is_shell_of_system(path: str) -> bool:
    """Whether a shell stands in a folder of the system."""
    return _SHELL.fullmatch(path.strip()) is not None


def names_programs_by_path(module: str, args: Mapping[str, object]) -> bool:
    """Whether each program on the command line stands there with its folder."""
    if module.rsplit(".", 1)[-1] not in COMMAND_MODULES:
        return False
    heads = []
    for command in parse(command_text(args)):
        words = [word for word in command.words[len(command.reserved) :] if not is_assignment(word)]
        heads += words[:1]
    return bool(heads) and all(head.startswith("/") or head in _OF_SHELL for head in heads)
