"""Launches that do nothing but cut their own connection, for sure: nobody hears of such a job if it fails.

So a doubt means no here: where the command may never be reached, tells of itself only, takes another machine down,
takes the host down at some other time, or goes on with other work. The static half asks the same, and heeds what
programs are called and what runs before besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ansible_reap.late_patterns import expression
from ansible_reap.shell.command_words import (
    command_text,
    is_work,
    only_leads_up,
    program_of,
    without_a_shell,
    without_prefixes,
)
from ansible_reap.shell.disconnects import (
    Disconnect,
    is_called_so,
    is_fed,
    is_of_others,
    module_cuts,
    program_cuts,
    restarts_a_tunnel,
)
from ansible_reap.shell.names import (
    COMMAND_MODULES,
    INTERPRETERS,
    LEADING_WORDS,
    REBOOT_MODULES,
    SERVICE_MODULES,
    SHELLS,
)
from ansible_reap.shell.own_path import names_programs_by_path, sets_path
from ansible_reap.shell.parser import MAX_DEPTH, Command, is_assignment, parse
from ansible_reap.shell.ways import Ways
from ansible_reap.timing import KILL_STEP

SOON = 600
"""Seconds within which a host goes down that is said to go down soon."""

_PREFIX_OPTION = expression(r"-[nEHSbiskf]+|-\d+|-[ieo][0L]|--|--non-interactive|--preserve-env\S*|--background|\d\S*")
_SHELL_OPTION = expression(r"-[lceuxiv]+|--login|--noprofile|--norc|-o|pipefail")
_TELLING = frozenset({"-?", "/?", "--test", "--no-act", "-whatif", "--show", "show", "dump", "help", "status"})
"""Words by which a program tells something and does nothing."""
_HALT_OPTION = expression(r"-[fndpqlhiR]+|--(?:force|no-sync|no-wtmp|no-wall|reboot|poweroff|halt)")
_SHUTDOWN_OPTION = expression(r"-[rhHPpsgfFntydiqS]+\d*|--(?:reboot|halt|poweroff|no-wall)")
_WINDOWS_ACTIONS = frozenset({"/r", "/s", "/g", "/sg", "/p", "/h"})
_WINDOWS_OPTIONS = _WINDOWS_ACTIONS | {"/f", "/fw", "/soft", "/hybrid", "/t", "/c", "/d"}
_MINUTES = expression(r"\+?(\d{1,3})(?:m|mins?)?")
_A_MOMENT = expression(r"now|\+\d{1,3}s(?:ecs?)?|\+\{\{.*")
_SYSTEMCTL_OPTION = expression(
    r"-[fqil]+|--(?:force|no-wall|no-block|quiet|no-ask-password|ignore-inhibitors|system|now|full|no-pager"
    r"|firmware-setup|(?:message|check-inhibitors|job-mode|reboot-argument|boot-loader-\w+)=.*)"
)
_WITH_VALUE = {"ssh": "BbcDEeFIiJLlmOopQRSWw", "sshpass": "pfd", "systemd-run": "put", "screen": "S"}
"""Letters of those options that take a value: OpenSSH, sshpass, systemd and GNU screen."""
_DETACHED = expression(r"-[dm]+S?|-S")
_RUN_LATER = expression(r"--on-(?:active|boot|startup|unit-active|unit-inactive)=(?:\d{1,3}s?|\{\{.*)")
_FATAL_KEYS = frozenset("bco")
"""Letters for ``/proc/sysrq-trigger`` that take a host down; others tell of it or write its disks."""
_TRIGGER = "/proc/sysrq-trigger"


class _Reading(NamedTuple):
    """What is heeded besides what is sure."""

    names: bool = False
    """A program, a script or a variable that is called for what it does."""
    work: bool = False
    """Other work may run before."""


_STRICT, _BY_NAME, _AFTER_WORK = _Reading(), _Reading(names=True), _Reading(names=True, work=True)


def surely_cuts_connection(module: str, args: Mapping[str, object], limit: int = 0) -> bool:
    """Whether the task does nothing but cut its own connection, by what it runs, whatever anything is called.

    A script of the name ``restart.sh`` may do any work, and that work may fail. So may what runs before a reboot or
    behind it, as in ``make && reboot``: then nobody would hear of it. ``limit`` is the job's, in seconds, or 0.
    """
    return _cuts(module, args, _STRICT, limit)


def how_it_cuts(module: str, args: Mapping[str, object]) -> Disconnect:
    """How a task does that which speaks of cutting its connection; doubtful where it may not, not soon, or goes on."""
    for reading in (_BY_NAME, _AFTER_WORK):
        if _cuts(module, args, reading):
            return Disconnect(works_first=reading.work)
    return Disconnect(works_first=False, is_doubtful=True)


def _cuts(module: str, args: Mapping[str, object], reading: _Reading, limit: int = 0) -> bool:
    short = module.rsplit(".", 1)[-1]
    if short in REBOOT_MODULES or short in SERVICE_MODULES:
        return module_cuts(module, args)
    if short not in COMMAND_MODULES or (short == "script" and not reading.names):
        return False
    executable = args.get("executable")
    is_shell = executable is None or (
        program_of(str(executable)) in SHELLS | {"cmd", "powershell", "pwsh"}
        and not is_of_others(program_of(str(executable)), str(executable), [])
    )
    if not is_shell and short != "script":
        return False
    if without_a_shell(module, args) or (sets_path(command_text(args)) and not names_programs_by_path(module, args)):
        return False
    return _text_cuts(command_text(args).strip(), 0, reading, limit + KILL_STEP if limit else SOON)


def _text_cuts(text: str, depth: int, reading: _Reading, longest: float = SOON) -> bool:
    """Whether the text comes to cut the connection, and does nothing else before or after."""
    if depth > MAX_DEPTH:
        return False
    commands = [command for command in parse(text) if not command.depth]
    if any(command.is_background for command in commands):
        longest = SOON  # what is left behind outlives the job
    ways = Ways()
    before: Command | None = None
    has_paused = False
    known = {command.words[0] for command in commands if command.words[1:2] == ("=",)}
    for at, command in enumerate(commands):
        if not ways.enter(command):
            return False
        if _command_cuts(command, before, depth, reading) or (has_paused and restarts_a_tunnel(command)):
            rest = commands[at + 1 :]
            return ways.paused <= longest and all(_adds_nothing(one, depth, reading) for one in rest)
        leads_up = only_leads_up(command) or (reading.names and not is_work(command)) or _only_hands_on(command, known)
        if not (leads_up or reading.work) or not ways.leave(command):
            return False
        before = command
        has_paused = has_paused or command.argv[:1] == ("sleep",)
    return False


def _only_hands_on(command: Command, known: set[str]) -> bool:
    """Whether PowerShell gives what a variable holds to the next command; ``known`` are those that the text has set."""
    return len(command.words) == 1 and command.ended_by == "|" and command.words[0] in known


def _adds_nothing(command: Command, depth: int, reading: _Reading) -> bool:
    """Whether the command, behind one that cuts the connection, is no work, nor takes that back."""
    return only_leads_up(command) or _command_cuts(command, None, depth, reading)


def _command_cuts(command: Command, before: Command | None, depth: int, reading: _Reading) -> bool:
    words = without_prefixes(command)
    if _TRIGGER in command.targets or (_TRIGGER in words and program_of(words[0]) == "tee"):
        return _kills(command if _TRIGGER in command.targets else before)
    if not words:
        return any(_text_cuts(text, depth + 1, reading) for text in command.substitutions)
    if not _are_plain(command, len(words)):
        return False
    if reading.names and is_called_so(words):
        return True
    if "{{" in words[0]:
        return False
    head, rest = words[0], words[1:]
    program = program_of(head)
    if before is not None and is_fed(command, before):
        return _is_now(program, rest) and _text_cuts(" ".join(before.argv[1:]), depth + 1, reading)
    is_told_from_here = reading.names and program in ("ssh", "sshpass")  # ssh itself fails then, whatever became of it
    if (is_of_others(program, head, rest) and not is_told_from_here) or not _TELLING.isdisjoint(
        word.lower() for word in rest
    ):
        return False
    if program in _OPTIONS and (not _OPTIONS[program](rest) or set(command.sources) - {"/dev/null"}):
        return False  # it does not run where the file that it is to read is not there
    if program in INTERPRETERS:
        return any(_text_cuts(text, depth + 1, reading) for text in _texts(program, rest, command))
    return program_cuts(command)


def _kills(writer: Command | None) -> bool:
    """Whether what is written to the kernel's trigger takes the host down."""
    letters = writer.argv[1:2] if writer is not None and writer.argv[:1] in (("echo",), ("printf",)) else ()
    return any("{{" in letter or letter in _FATAL_KEYS for letter in letters)


def _are_plain(command: Command, count: int) -> bool:
    """Whether the words before the program do no more than to run it, here and as somebody who may."""
    start = len(command.reserved)
    leading = command.words[start : len(command.words) - count]
    names = LEADING_WORDS | {"timeout", "ionice"}
    return all(program_of(word) in names or is_assignment(word) or _PREFIX_OPTION.fullmatch(word) for word in leading)


def _is_now(program: str, rest: list[str]) -> bool:
    """Whether a shell or ``at`` runs at once, or within minutes, what it reads."""
    if program != "at":
        return not rest
    return rest[:1] == ["now"] and (
        len(rest) == 1 or (rest[1] == "+" and rest[3:] in (["min"], ["minute"], ["minutes"]) and _is_soon(rest[2]))
    )


def _is_soon(minutes: str) -> bool:
    match = _MINUTES.fullmatch(minutes)
    return match is not None and int(match[1]) * 60 <= SOON


def _texts(program: str, rest: list[str], command: Command) -> Iterator[str]:
    """What a program is told to run, as texts."""
    if program in SHELLS:
        at = next((at for at, word in enumerate(rest) if word.startswith("-") and "c" in word), len(rest))
        if all(_SHELL_OPTION.fullmatch(word) for word in rest[: at + 1]):
            yield from rest[at + 1 : at + 2] if at < len(rest) else command.documents
    elif program == "su":
        at = rest.index("-c") if "-c" in rest else len(rest)
        yield from rest[at + 1 : at + 2]
    elif program in ("eval", "cmd", "powershell", "pwsh"):
        yield " ".join(word for word in rest if word.lower() not in ("/c", "-c", "-command", "-noprofile"))
    elif program in _WITH_VALUE:
        operands = _operands(rest, _WITH_VALUE[program])
        yield " ".join(operands[1:] if program == "ssh" else operands)
    elif program == "at":
        yield from command.documents if _is_now(program, rest) else ()


def _operands(words: list[str], with_value: str) -> list[str]:
    """The words behind the options."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        takes_next = not words[at].startswith("--") and words[at][-1] in with_value
        at += 2 if takes_next else 1
    return words[at:]


def _halts(rest: list[str]) -> bool:
    return all(_HALT_OPTION.fullmatch(word) for word in rest if word.startswith("-"))


def _shuts_down(rest: list[str]) -> bool:
    """Whether all options are known to let the host go down, and the time is soon."""
    lowered = [word.lower() for word in rest]
    if any(word.startswith("/") for word in rest) and _WINDOWS_ACTIONS.isdisjoint(lowered):
        return False
    words = iter(rest)
    for word in words:
        if word.startswith("/"):
            if word.lower() not in _WINDOWS_OPTIONS:
                return False
            value = next(words, "0") if word.lower() in ("/t", "/c", "/d") else "0"
            if word.lower() == "/t" and not _is_short(value):
                return False
        elif word.startswith("-"):
            if not _SHUTDOWN_OPTION.fullmatch(word):
                return False
            if word[-1] in "tgi" and not _is_short(next(words, "0")):
                return False
        else:
            return _A_MOMENT.fullmatch(word) is not None or _is_soon(word)  # a message may follow
    return True


def _is_short(seconds: str) -> bool:
    return "{{" in seconds or (seconds.isascii() and seconds.isdigit() and len(seconds) < 4 and int(seconds) <= SOON)


def _is_plain_systemctl(rest: list[str]) -> bool:
    return all(_SYSTEMCTL_OPTION.fullmatch(word) for word in rest if word.startswith("-"))


def _is_run_soon(rest: list[str]) -> bool:
    options = [word for word in rest if word.startswith("--on-")]
    return not any(word in ("-H", "-M") or word.startswith(("--host", "--machine")) for word in rest) and all(
        _RUN_LATER.fullmatch(word) for word in options
    )


_OPTIONS: Mapping[str, Callable[[list[str]], bool]] = {
    "reboot": _halts,
    "halt": _halts,
    "poweroff": _halts,
    "shutdown": _shuts_down,
    "systemctl": _is_plain_systemctl,
    "systemd-run": _is_run_soon,
    "screen": lambda rest: all(_DETACHED.fullmatch(word) for word in rest if word.startswith("-")),
    "init": lambda rest: rest[:1] in (["0"], ["6"]),
    "telinit": lambda rest: rest[:1] in (["0"], ["6"]),
}
"""By program, whether its words let the host go down now or soon."""
