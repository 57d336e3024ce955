"""What a task runs, as its module and arguments state it. Literals only, no guesses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ansible_reap.content.model import Task
from ansible_reap.late_patterns import expression
from ansible_reap.shell.command_words import command_text, without_a_shell
from ansible_reap.shell.parser import Command, inner, parse

MAX_KEPT = 4096
"""Tasks whose commands are remembered: several rules ask for them, some once for each launch above the task."""
SHELL_MODULES = frozenset({"shell", "raw"})
WINDOWS_MODULES = frozenset({"win_shell", "win_command", "win_powershell"})

MAX_TEXT = 20_000
"""Characters of a command line that are searched for words."""
_INSTALLS_A_GUEST = expression(r"\bvirt-install\b[\s\S]*?\s--wait(?!(?:=|\s+)0\b)(?!\S*[^\s=\d-])")
_SOON = frozenset({"now", "+0", "+1", "0", "1"})
"""Times of ``shutdown`` that are at once, or within a minute."""
TEMPLATE = expression(r"\{\{.*?\}\}")
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


def reboots(task: Task) -> str | None:
    """The command by which the task reboots its host soon, or None: neither a halt nor a reboot planned for later."""
    if is_windows(task):
        return _reboots_windows(task)
    for command in commands(task):
        for argv in command.programs():
            if _is_reboot(argv):
                return " ".join(argv)
    return None


def installs_a_guest(task: Task) -> bool:
    """Whether the task waits until a virtual machine is installed, which may need what the play does meanwhile."""
    return _INSTALLS_A_GUEST.search((shell_text(task) or str(task.args.get("_raw_params", "")))[:MAX_TEXT]) is not None


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
        if program == "restart-computer" and "-whatif" not in map(str.lower, arguments):
            return name
        if program == "shutdown" and any(word.lower() in ("/r", "-r", "/g") for word in arguments[:4]):
            return f"{name} /r"
    return None


def lacks_a_shell(task: Task) -> Command | None:
    """The program of a ``command`` that is given what only a shell understands: ``&&`` and the like are arguments."""
    return without_a_shell(task.module, task.args) if task.module == "command" else None


def reboots_with_a_shell(task: Task) -> bool:
    """Whether the task would reboot its host soon, if its ``command`` had a shell, as in ``sleep 2 && reboot``."""
    commands = parse(command_text(task.args)) if lacks_a_shell(task) else []
    return any(_is_reboot(argv) for command in commands for argv in command.programs())


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
