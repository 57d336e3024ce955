"""How work leaves its shell, or the job: what ends the job does not end it then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ansible_reap.checks.evidence.known_times import TIMEOUTS
from ansible_reap.checks.evidence.work import is_quick, loops_for_ever
from ansible_reap.shell.parser import Command

_LEAVES = ("disown", "setsid", "nohup")


def leaves_by(commands: Sequence[Command]) -> str | None:
    """By which sign some of the work leaves the shell: ``&``, disown, setsid or nohup.

    Not by an ``&`` with a ``wait``, a ``kill`` or an endless loop after it.
    """
    if backgrounds_in_a_function(commands):
        return None  # how long its background work lasts is for its callers to say, as 'main | logger' waits for it
    last = max((i for i, command in enumerate(commands) if command.is_background), default=None)
    after = [] if last is None else commands[last + 1 :]
    if last is not None and not any(map(_takes_up, after)) and not loops_for_ever(after):
        return "&"
    names = {argv[0] for command in commands for argv in command.programs()}
    return next((sign for sign in _LEAVES if sign in names), None)


def _takes_up(command: Command) -> bool:
    """Whether the command waits for work in the background, or ends it by its pid, as ``kill $!`` does."""
    argv = command.argv
    ends = argv[:1] == ("kill",) and argv[1:2] != ("-0",) and any("$" in word for word in argv)
    return ends or argv[:1] == ("wait",)


def backgrounds_in_a_function(commands: Sequence[Command]) -> bool:
    """Whether a shell function puts work in the background, and nothing waits for it after that."""
    is_within = False
    for at, command in enumerate(commands):
        if command.words[:1] == ("}",):
            is_within = False
        if "function" in command.reserved:
            is_within = True
        if is_within and command.is_background:
            return not any(later.argv[:1] == ("wait",) for later in commands[at + 1 :])
    return False


def outlives_the_limit(commands: Sequence[Command]) -> bool:
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


def moved_by(commands: Sequence[Command]) -> str | None:
    """The program that moves some of the work to a process group of its own, which no limit reaches; or None.

    Seen on ansible-core 2.16 and 2.22: at its limit the job is called failed, and the work goes on. ``fio`` (3.33)
    does so for each of its processes, unless its jobs are threads.
    """
    for command in commands:
        for argv in command.programs():
            if argv[0] in TIMEOUTS and "--foreground" not in argv:
                return "timeout"
            if argv[0] == "fio" and "--thread" not in argv:
                return "fio"
    return None


def is_left_behind(commands: Sequence[Command]) -> bool:
    """Whether the shell ends by putting work in the background, with no ``wait`` and little else after it."""
    last = max((i for i, command in enumerate(commands) if command.is_background), default=None)
    if last is None:
        return False
    after = [command for command in commands[last + 1 :] if command.depth == commands[last].depth]
    return loops_for_ever(after) is None and all(is_quick(command) for command in after)
