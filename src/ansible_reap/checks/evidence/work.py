"""What a task runs, as its module and arguments state it: commands and known times. Literals only, no guesses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ansible_reap.content.model import Task
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass
from ansible_reap.shell.parser import Command, inner, parse

MAX_KEPT = 4096
"""Tasks whose commands are remembered: several rules ask for them, some once for each launch above the task."""
SHELL_MODULES = frozenset({"shell", "raw"})
WINDOWS_MODULES = frozenset({"win_shell", "win_command", "win_powershell"})

_RANGE = expression(
    r"for \w+ in (?:\{(?P<brace>\d{1,6})\.\.(?P<end>\d{1,6})\}"
    r"|(?:\$\(|`)seq (?:(?P<first>\d{1,6}) )?(?P<last>\d{1,6})[)`])"
)
"""The head of a loop over numbers."""
_DURATION = expression(r"(\d+(?:\.\d+)?)([smhd]?)\Z")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
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
_TIMEOUTS = frozenset({"timeout", "gtimeout"})
_ONE_OFF = frozenset({"-1", "--one-off"})
"""Options by which iperf3 serves one client and ends."""
_PERFTEST = expression(r"ib_(?:write|read|send|atomic)_(?:bw|lat)")
_TESTS = frozenset({"test", "[", "[[", "grep", "which", "pgrep", "id", "false"})
_BRANCHES = frozenset({"if", "for", "while", "until", "case", "select", "function"})
_LOOPS = frozenset({"while", "until"})
_SOON = frozenset({"now", "+0", "+1", "0", "1"})
"""Times of ``shutdown`` that are at once, or within a minute."""
_LEAVES = ("disown", "setsid", "nohup")
_OPERATORS = frozenset({"&&", "||", ";", "|", "&", ">", ">>"})
_QUICK = frozenset({"echo", "printf", "sleep", "true", ":", "exit", "cd", "disown", "date", "touch", "export", "set",
                    "test", "[", "[[", "logger", "whoami", "hostname", "uptime", "pwd"})  # fmt: skip
"""Programs that do next to nothing."""
_INSTANT = (_QUICK - {"sleep"}) | {"reboot", "shutdown", "poweroff", "halt", "init", "telinit", "kill", "pkill",
                                   "killall", "sudo", "doas"}  # fmt: skip
"""Programs that end within a fraction of a second; what ``sudo`` runs is asked about too."""


def is_windows(task: Task) -> bool:
    """Whether the module runs on Windows, where the async wrapper is another program."""
    return task.module.rpartition(".")[2].startswith("win_") or ".windows." in task.module


def shell_text(task: Task) -> str | None:
    """The text that a POSIX shell gets, or None for another module or interpreter."""
    if task.module not in SHELL_MODULES or not _is_posix(task.args.get("executable")):
        return None
    text = task.args.get("cmd", task.args.get("_raw_params"))
    return text if isinstance(text, str) else None


def commands(task: Task) -> list[Command]:
    """The commands that the task runs, or none where it runs no command line or an unreadable one."""
    return list(_commands(task))


@lru_cache(maxsize=MAX_KEPT)
def program_names(task: Task) -> frozenset[str]:
    """The names of the programs that the task's command line runs."""
    return frozenset(argv[0] for command in _commands(task) for argv in command.programs())


@lru_cache(maxsize=MAX_KEPT)
def _commands(task: Task) -> Sequence[Command]:
    text = shell_text(task)
    if text is not None:
        return parse(text)
    if task.module != "command":
        return []
    argv = task.args.get("argv")
    if isinstance(argv, list):
        words = tuple(str(word) for word in argv)
    else:
        line = task.args.get("cmd", task.args.get("_raw_params"))
        if not isinstance(line, str):
            return []
        # No shell reads this text: operators are arguments like any other.
        words = tuple(word for command in parse(line.replace("\n", " ")) for word in command.words if not command.depth)
    command = Command(words, "")
    return [command, *inner(command)] if words else []


def _is_posix(executable: object) -> bool:
    return executable is None or (isinstance(executable, str) and executable.rstrip().endswith("sh") and
                                  not executable.endswith("pwsh"))  # fmt: skip


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


def known_time(task: Task) -> KnownTime | None:
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
    found = commands(task)
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
        if command.ended_by in ("||", "|", "|&") or (command.ended_by == "&&" and command.argv[:1][0:1] and
                                                     command.argv[0] in _TESTS):  # fmt: skip
            break
    is_bound = any(source.startswith("timeout ") for source in sources) or _may_end_before(outermost)
    return KnownTime(total, f"'{' + '.join(sources)}'", is_bound) if 0 < total < math.inf else None


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


def known_time_over_ssh(task: Task) -> KnownTime | None:
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


def _how_long(argv: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """The options by which such a program is told how long to run, as written, each with its seconds."""
    for at, word in enumerate(argv[1:], 1):
        option, equals, value = word.partition("=")
        if option not in _TOLD_HOW_LONG[argv[0]]:
            continue
        written = value if equals else next(iter(argv[at + 1 : at + 2]), "")
        seconds = sleep_seconds(written.lower())
        if seconds:
            yield (word if equals else f"{word} {written}"), seconds


def _timeout_of(argv: tuple[str, ...]) -> float:
    return next((sleep_seconds(word) or 0.0 for word in _after_options(argv[1:])), 0.0)


def sleep_seconds(word: str) -> float | None:
    """Seconds of a ``sleep`` argument, as in ``15m``."""
    match = _DURATION.match(word)
    return _finite(float(match[1]) * _UNITS[match[2]]) if match else None


def number(value: object) -> float | None:
    """A number written plainly; None for a template or anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return _finite(float(value))
    except (ValueError, OverflowError):
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def reboots(task: Task) -> str | None:
    """The command by which the task reboots its host soon, or None: neither a halt nor a reboot planned for later."""
    if is_windows(task):
        return _reboots_windows(task)
    for command in commands(task):
        for argv in command.programs():
            if _is_reboot(argv):
                return " ".join(argv)
    return None


def ends_at_once(task: Task) -> bool:
    """Whether all that the task runs ends within a fraction of a second, as a request to go down or a signal does."""
    found = commands(task)
    programs = [argv for command in found for argv in command.programs()]
    return bool(programs) and not is_windows(task) and all(map(_is_instant, programs))


def _is_instant(argv: tuple[str, ...]) -> bool:
    if argv[0] == "systemctl":
        return [word for word in argv[1:] if not word.startswith("-")][:1] in (["reboot"], ["poweroff"], ["halt"])
    return argv[0] in _INSTANT


def _is_reboot(argv: tuple[str, ...]) -> bool:
    name, arguments = argv[0], argv[1:]
    if name == "reboot":
        return not {"--help", "--halt", "-p", "--poweroff", "-w", "--wtmp-only"} & set(arguments)
    if name == "shutdown":
        flags = [word for word in arguments if word.startswith("-")]
        times = [word for word in arguments if not word.startswith("-")][:1]
        is_reboot = any(flag == "--reboot" or (not flag.startswith("--") and "r" in flag) for flag in flags)
        return is_reboot and (not times or times[0] in _SOON)
    if name == "systemctl":
        return [word for word in arguments if not word.startswith("-")][:1] == ["reboot"]
    return name in ("init", "telinit") and arguments[:1] == ("6",)


def _reboots_windows(task: Task) -> str | None:
    text = task.args.get("cmd", task.args.get("_raw_params"))
    words = text.split() if isinstance(text, str) else []
    for name, *arguments in (words[i:] for i in range(len(words))):
        program = name.lower().removesuffix(".exe").rpartition("\\")[2]
        if program == "restart-computer":
            return name
        if program == "shutdown" and any(word.lower() in ("/r", "-r", "/g") for word in arguments[:4]):
            return f"{name} /r"
    return None


def leaves_by(commands: list[Command]) -> str | None:
    """By which sign some of the work leaves the shell: ``&`` (with no ``wait`` after it), disown, setsid or nohup."""
    if _backgrounds_in_a_function(commands):
        return None  # how long its background work lasts is for its callers to say, as 'main | logger' waits for it
    last = max((i for i, command in enumerate(commands) if command.is_background), default=None)
    if last is not None and not any(command.argv[:1] == ("wait",) for command in commands[last + 1 :]):
        return "&"
    names = {argv[0] for command in commands for argv in command.programs()}
    return next((sign for sign in _LEAVES if sign in names), None)


def _backgrounds_in_a_function(commands: Sequence[Command]) -> bool:
    """Whether a shell function puts work in the background."""
    is_within = False
    for command in commands:
        if command.words[:1] == ("}",):
            is_within = False
        if "function" in command.reserved:
            is_within = True
        if is_within and command.is_background:
            return True
    return False


def outlives_the_limit(commands: list[Command]) -> bool:
    """Whether some of the work leaves the job's process group, which is what ends at the limit; ``nohup`` does not."""
    return leaves_by(commands) not in (None, "nohup") or detaches_by(commands) is not None


def detaches_by(commands: Sequence[Command]) -> str | None:
    """The program that starts the work away from the job and ends at once, as in ``screen -d -m``, or None."""
    found = (_detaches(argv) for command in commands for argv in command.programs())
    return next(filter(None, found), None)


def _detaches(argv: tuple[str, ...]) -> str | None:
    name, words = argv[0], argv[1:]
    flags = "".join(word[1:] for word in words if re.fullmatch(r"-[A-Za-z]+", word))
    if name == "screen":
        return "screen -d -m" if "d" in flags and "m" in flags else None
    if name == "tmux":
        is_new = any(word in ("new", "new-session") for word in words[:3])
        return "tmux new-session -d" if is_new and "d" in flags else None
    if name == "systemd-run":
        return None if {"--wait", "--scope", "-t", "--pty", "-P", "--pipe"} & set(words) else name
    if name == "start-stop-daemon":
        return f"{name} --background" if {"-b", "--background"} & set(words) else None
    return name if name in ("daemonize", "at", "batch") else None


def detached(argv: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What such a program may be told to run: its words from each one on, and the words of the last one."""
    if _detaches(argv):
        for at, word in enumerate(argv[1:], 1):
            yield (word.rpartition("/")[2], *argv[at + 1 :])
        last = argv[-1].split()
        if len(last) > 1:
            yield (last[0].rpartition("/")[2], *last[1:])


def stays_a_second(commands: Sequence[Command]) -> bool:
    """Whether work that ``&`` leaves behind holds the job's output open: the job then ends a second after its shell.

    Seen on ansible-core 2.16 and 2.22: ``command`` and ``shell`` wait that long for an output that nobody closes.
    """
    left = [command for command in commands if command.is_background]
    return bool(left) and not all(command.targets for command in left)


def has_own_group(commands: Sequence[Command]) -> bool:
    """Whether ``timeout`` runs some of the work: it moves to a process group of its own, which no limit reaches.

    Seen on ansible-core 2.16 and 2.22: at its limit the job is called failed, and the work under ``timeout`` goes on.
    """
    return any(
        argv[0] in _TIMEOUTS and "--foreground" not in argv for command in commands for argv in command.programs()
    )


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
            if argv[0] in _TOLD_HOW_LONG and next(_how_long(argv), None):
                return _in_short(command)
    return None


def _bound_of(argv: tuple[str, ...]) -> str | None:
    if argv[0] in _TIMEOUTS:
        rest = _after_options(argv[1:])
        return f"timeout {rest[0]}" if rest and not re.match(r"(?:0+[smhd]?|inf\w*)\Z", rest[0]) else None
    if argv[0] == "ssh" and len(argv) > 2 and argv[-2] == "sleep" and sleep_seconds(argv[-1]):
        return f"sleep {argv[-1]}"  # a forwarding that ends with the command that it was made for
    return None


def serves_one_client(commands: Sequence[Command]) -> bool:
    """Whether the work is a server that ends with its first client, as ``iperf3 -s -1`` and the tests of perftest."""
    programs = [argv for command in commands for argv in command.programs()]
    return any(serves_one_client_by(under_timeout(argv) or argv) for argv in programs)


def serves_one_client_by(argv: tuple[str, ...]) -> bool:
    """The same of one program with its words."""
    name, words = argv[0].rpartition("/")[2], argv[1:]
    if name in ("iperf", "iperf3"):
        return not {"-s", "--server"}.isdisjoint(words) and not _ONE_OFF.isdisjoint(words)
    if name in ("nc", "ncat", "netcat"):
        flags = "".join(word for word in words if word.startswith("-") and not word.startswith("--"))
        return "l" in flags and "k" not in flags and not {"--keep-open", "--listen"} & set(words)
    return _PERFTEST.fullmatch(name) is not None


def under_timeout(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The program that ``timeout`` runs, with its words; empty for another program."""
    rest = _after_options(argv[1:])[1:] if argv[0] in _TIMEOUTS else ()
    return (rest[0].rpartition("/")[2], *rest[1:]) if rest else ()


def _after_options(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of ``timeout`` from its time on."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in ("-k", "-s", "--kill-after", "--signal") else 1
    return words[at:]


def holds_operators(task: Task) -> bool:
    """Whether ``command`` is given what only a shell understands: ``&&`` and the like are arguments to its program."""
    text = task.args.get("cmd", task.args.get("_raw_params"))
    return task.module == "command" and isinstance(text, str) and not _OPERATORS.isdisjoint(text.split())


def is_left_behind(commands: Sequence[Command]) -> bool:
    """Whether the shell ends by putting work in the background, with no ``wait`` and little else after it."""
    last = max((i for i, command in enumerate(commands) if command.is_background), default=None)
    if last is None:
        return False
    after = [command for command in commands[last + 1 :] if command.depth == commands[last].depth]
    return all(is_quick(command) for command in after)


def is_quick(command: Command) -> bool:
    """Whether the command does next to nothing."""
    return not command.argv or command.argv[0] in _QUICK


def is_trivial(task: Task) -> bool:
    """Whether the task's command line does next to nothing, so that hardly anything can fail."""
    found = commands(task)
    return bool(found) and all(map(is_quick, found))


def always_succeeds(task: Task) -> bool:
    """Whether the task's command line ends in ``|| true``: whatever fails before, it is a success."""
    found = [command for command in commands(task) if command.argv or command.ended_by == "||"]
    last_two = found[-2:]
    return (
        len(last_two) == 2
        and not any(command.argv[:1] == ("set",) for command in found)
        and last_two[0].ended_by == "||"
        and last_two[1].argv in (("true",), (":",), ("/bin/true",), ("/usr/bin/true",))
    )


def loops_for_ever(commands: Sequence[Command]) -> str | None:
    """The head of an endless loop, as in ``while true``, or None."""
    for command in commands:
        if "while" in command.reserved and command.argv[:1] in (("true",), (":",), ("sleep",)):
            return f"while {' '.join(command.argv)}"
        if "until" in command.reserved and command.argv[:1] == ("false",):
            return "until false"
    return None
