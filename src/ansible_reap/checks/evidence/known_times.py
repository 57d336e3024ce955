"""How long a task's work lasts, or may last, as the task itself states it. Literals only, no guesses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from ansible_reap.checks.evidence.work import commands, is_quick
from ansible_reap.checks.support import finite, number
from ansible_reap.content.model import Task
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass
from ansible_reap.shell.parser import Command, parse

_RANGE = expression(
    r"for \w+ in (?:\{(?P<brace>\d{1,6})\.\.(?P<end>\d{1,6})\}"
    r"|(?:\$\(|`)seq (?:(?P<first>\d{1,6}) )?(?P<last>\d{1,6})[)`])"
)
"""The head of a loop over numbers."""
_DURATION = expression(r"(\d+(?:\.\d+)?)([smhd]?)\Z")
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
"""Seconds of each unit of time, as ``sleep`` and ``timeout`` have them."""
_TOLD_HOW_LONG = {
    "fio": ("--runtime", "-runtime"),
    "stress": ("-t", "--timeout"),
    "stress-ng": ("-t", "--timeout"),
    "sysbench": ("--time", "--max-time"),
    "pgbench": ("-T", "--time"),
    "wrk": ("-d", "--duration"),
    "hey": ("-z",),
    "siege": ("-t", "--time"),
    "iperf": ("-t", "--time"),
    "iperf3": ("-t", "--time"),
    "k6": ("-d", "--duration"),
    "tlp-stress": ("-d", "--duration"),
    "cassandra-stress": ("duration",),
}
"""Programs that put a host under load, with the options that say for how long, in seconds or with a unit."""
_FILLS_FIRST = "--populate"
"""Makes tlp-stress fill its table before the time counts."""
_BY_KILL = expression(r"(?:-s|--signal)[ =]?(?:SIG)?(?:KILL|9)\b")
TIMEOUTS = frozenset({"timeout", "gtimeout"})
_BRANCHES = frozenset({"if", "for", "while", "until", "case", "select", "function"})
_LOOPS = frozenset({"while", "until"})
_TESTS = frozenset({"test", "[", "[[", "grep", "which", "pgrep", "id", "false"})


@dataclass(frozen=True, slots=True)
class KnownTime:
    """How long the work lasts, or may last, as the task itself states it. Seconds."""

    seconds: float
    source: str
    """As in ``'sleep 900'`` or ``the timeout of wait_for``."""
    is_bound: bool = False
    """Whether it is only the most that the work may take."""


_WAITING_MODULES = {"ovirt_host": 600.0}
"""Modules that wait for minutes until what they ask for is there, and for how many seconds at most by default."""


def of(task: Task) -> KnownTime | None:
    """The time that the task itself states.

    By the ``timeout`` of a module that waits, by ``sleep`` and ``timeout``, or by the option of a program that puts a
    host under load.
    """
    if task.module in ("wait_for", "get_url", "uri"):
        seconds = number(task.args.get("timeout"))
        return KnownTime(seconds, f"the timeout of {task.module}", is_bound=True) if seconds else None
    name = task.module.rpartition(".")[2]
    if name in _WAITING_MODULES and task.args.get("wait", True) not in (False, "false", "no"):
        given = number(task.args.get("timeout"))
        if given is None and "timeout" in task.args:
            return None
        source = f"the {'default ' if given is None else ''}timeout of {name}"
        return KnownTime(_WAITING_MODULES[name] if given is None else given, source, is_bound=True)
    return _of_commands(commands(task))


def _of_commands(found: list[Command]) -> KnownTime | None:
    if any(command.is_background for command in found):
        return None
    looped = _time_of_a_loop(found)
    if looped:
        return looped
    total, sources = 0.0, []
    outermost = [command for command in found if not command.depth] if not _is_wrapper(found) else found
    for command in outermost:
        if set(command.reserved) & _BRANCHES:
            break
        seconds = _time_of(command)
        if seconds:
            total += seconds
            sources.append(_in_short(command))
        if command.ended_by in ("||", "|", "|&") or (command.ended_by == "&&" and _is_test(command)):
            break  # what follows may not run, or runs beside it
    is_bound = any(source.startswith("timeout ") for source in sources) or _may_end_before(outermost)
    return KnownTime(total, f"'{' + '.join(sources)}'", is_bound) if 0 < total < math.inf else None


def _is_test(command: Command) -> bool:
    return bool(command.argv) and command.argv[0] in _TESTS


def _time_of_a_loop(found: Sequence[Command]) -> KnownTime | None:
    """The time of a task that is one loop over a range of numbers and does little but sleep."""
    outermost = [command for command in found if not command.depth]
    times = _RANGE.fullmatch(" ".join(outermost[0].words)) if outermost else None
    if times is None or len(outermost) < 3 or outermost[-1].words != ("done",):
        return None
    first, last = int(times["brace"] or times["first"] or 1), int(times["end"] or times["last"])
    body = outermost[1:-1]
    pauses = [command for command in body if command.argv[:1] == ("sleep",)]
    if not pauses or not all(map(is_quick, body)) or last < first:
        return None
    seconds = sum(map(_time_of, pauses)) * (last - first + 1)
    source = f"'{' + '.join(map(_in_short, pauses))}', {last - first + 1} times"
    return KnownTime(seconds, source) if seconds else None


def over_ssh(task: Task) -> KnownTime | None:
    """The time of the one command that the task has another host run, as in ``ssh HOST 'iperf3 -c SERVER -t 60'``."""
    found = [command for command in commands(task) if not command.depth]
    argv = next(iter(list(found[0].programs())[-1:]), ()) if len(found) == 1 else ()
    if argv[:1] != ("ssh",) or " " not in argv[-1]:
        return None
    remote = parse(argv[-1])
    seconds = _time_of(remote[0]) if len(remote) == 1 and not remote[0].is_background else 0.0
    if not seconds:
        return None
    source = _in_short(remote[0])
    return KnownTime(seconds, f"'{source}'", source.startswith("timeout ") or _may_end_before(remote))


def _in_short(command: Command) -> str:
    """The program that takes the time, and how much, as in ``timeout 15m``."""
    for argv in command.programs():
        if argv[0] in _TOLD_HOW_LONG:
            return f"{argv[0]} {next(iter(_how_long(argv)), ('', 0.0))[0]}"
        if argv[0] in ("sleep", "timeout"):
            seconds = _time_of(command)
            return f"{argv[0]} {next((word for word in argv[1:] if sleep_seconds(word) == seconds), '')}".strip()
    return " ".join(command.argv[:2])


def _may_end_before(found: list[Command]) -> bool:
    """Whether the time is only the most: fio ends once its size is done, unless its run is based on time."""
    words = [word.lstrip("-").partition("=")[0] for command in found for argv in command.programs() for word in argv]
    return "fio" in words and "time_based" not in words


def _is_wrapper(found: list[Command]) -> bool:
    """Whether the text is one ``sh -c '...'`` and nothing else."""
    return sum(not command.depth for command in found) == 1 and len(found) > 1


def _time_of(command: Command) -> float:
    for argv in command.programs():
        if argv[0] == "sleep":
            parts = [sleep_seconds(word) for word in argv[1:]]
            return sum(part for part in parts if part) if parts and all(part is not None for part in parts) else 0.0
        if argv[0] == "timeout":
            return _timeout_of(argv)
        if argv[0] in _TOLD_HOW_LONG:
            return next((seconds for _, seconds in _how_long(argv)), 0.0)
    return 0.0


def _told(argv: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """The options by which such a program is told how long to run: the option, its value, and both as written."""
    options = _TOLD_HOW_LONG.get(argv[0], ())
    for at, word in enumerate(argv[1:], 1):
        option, equals, value = word.partition("=")
        if option in options:
            value = value if equals else next(iter(argv[at + 1 : at + 2]), "")
            yield option, value, word if equals else f"{word} {value}"


def _how_long(argv: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Those whose value is written out, each with its seconds."""
    for _, value, written in _told(argv):
        seconds = sleep_seconds(value.lower())
        if seconds:
            yield written, seconds


def _told_by_a_template(argv: tuple[str, ...]) -> Iterator[str]:
    """Those whose value is a template, as in ``iperf3 -t``."""
    return (f"{argv[0]} {option}" for option, value, _ in _told(argv) if value.startswith("{{"))


def _timeout_of(argv: tuple[str, ...]) -> float:
    return next((sleep_seconds(word) or 0.0 for word in _after_options(argv[1:])), 0.0)


def sleep_seconds(word: str) -> float | None:
    """Seconds of a ``sleep`` argument, as in ``15m``."""
    match = _DURATION.match(word)
    return finite(float(match[1]) * UNITS[match[2]]) if match else None


def ends_by_itself(commands: Sequence[Command]) -> str | None:
    """What ends the work after a time of its own, as in ``timeout 60``; None where nothing is known to."""
    found, bounded = None, None
    for before, command in zip((None, *commands), commands, strict=False):
        if not _LOOPS.isdisjoint(command.reserved):
            return None  # what ends within the loop may begin again
        bound = next(filter(None, map(_bound_of, command.programs())), None)
        if bound:
            found, bounded = bound, command
        elif bounded and not (command.depth > bounded.depth or is_quick(command) or _feeds(before)):
            found, bounded = None, None  # what comes after it takes its own time
    return found


def _feeds(command: Command | None) -> bool:
    """Whether what stands after the command ends with it, as it reads from it."""
    return command is not None and command.ended_by in ("|", "|&")


def puts_under_load_for(commands: Sequence[Command]) -> str | None:
    """For how long the work puts a host under load, as it is told itself: ``wrk -d 30m``; None for other work."""
    for command in commands:
        if not _LOOPS.isdisjoint(command.reserved):
            return None
        for argv in command.programs():
            if _FILLS_FIRST in argv:
                continue
            if argv[0] in _TOLD_HOW_LONG and next(_how_long(argv), None):
                return _in_short(command)
            told = next(_told_by_a_template(argv), None)
            if told:
                return told
    return None


def _bound_of(argv: tuple[str, ...]) -> str | None:
    if argv[0] in TIMEOUTS:
        rest = _after_options(argv[1:])
        return f"timeout {rest[0]}" if rest and not re.match(r"(?:0+[smhd]?|inf\w*)\Z", rest[0]) else None
    if argv[0] == "ssh" and len(argv) > 2 and argv[-2] == "sleep" and sleep_seconds(argv[-1]):
        return f"sleep {argv[-1]}"  # a forwarding that ends with the command that it was made for
    return None


def status_of_timeout(commands: Sequence[Command]) -> int | None:
    """The status of a ``timeout`` that has ended its work; None where it hands on the work's own, or there is none.

    By the manual of GNU coreutils.
    """
    argv = next((argv for command in commands for argv in command.programs() if argv[0] in TIMEOUTS), None)
    if argv is None:
        return None
    options = argv[1 : len(argv) - len(_after_options(argv[1:]))]
    if not {"--preserve-status", "-p"}.isdisjoint(options):
        return None
    return 137 if _BY_KILL.search(" ".join(options)) else 124


def under_timeout(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The program that ``timeout`` runs, with its words; empty for another program."""
    rest = _after_options(argv[1:])[1:] if argv[0] in TIMEOUTS else ()
    return (rest[0].rpartition("/")[2], *rest[1:]) if rest else ()


def _after_options(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of ``timeout`` from its time on."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in ("-k", "-s", "--kill-after", "--signal") else 1
    return words[at:]
