"""Launches that cut their own connection on purpose: reboots, shutdowns, network and sshd restarts.

Told from the module, its arguments and what the task is called; both halves ask here. Pure, no Ansible import.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ansible_reap.records import dataclass
from ansible_reap.shell.command_words import (
    FILE_RUNNERS,
    command_text,
    is_work,
    only_leads_up,
    program_of,
    without_a_shell,
    without_prefixes,
)
from ansible_reap.shell.names import (
    COMMAND_MODULES,
    DISTURBING,
    FIREWALL_UNITS,
    INTERPRETERS,
    NETWORK_UNITS,
    POWER_VERBS,
    PROGRAMS,
    REBOOT_MODULES,
    REBOOTING,
    SERVICE_COMMANDLETS,
    SERVICE_MODULES,
    SHELLS,
    SILENT,
    STARTING,
    STAYING,
    SUB_COMMANDS,
    TUNNEL_UNITS,
    UNITS_FIRST,
)
from ansible_reap.shell.parser import MAX_DEPTH, Command, parse
from ansible_reap.shell.told_by_name import program_says_so, task_name_says_so, variable_says_so

_DEVICES = ("/dev/", "/proc/", "/sys/")
_TELLING_OPTIONS = frozenset(
    {"--help", "--version", "--dry-run", "--show", "--when=cancel", "--when=show", "/?", "-whatif"}
)
"""Options with which a program tells something, or takes back what it was to do, and does nothing."""
_QUIET_OPTIONS = {"reboot": "-w", "halt": "-w", "poweroff": "-w", "shutdown": "-k"}
"""Options with which a program only writes down, or only warns of, what it would do (systemd and util-linux)."""
_OTHER_MACHINES = frozenset({"-computername", "/m", "--user", "netns"})
"""Words by which a program reboots another computer, or restarts what is not the host's own: the units of a user, the
links of another network namespace."""
_OTHER_SYSTEMD = ("-H", "-M", "--host", "--machine")
"""Options with which systemctl speaks to another machine or to a container, as ``-H web1`` or ``--host=web1``."""
_SYSTEM_FOLDERS = ("bin", "sbin", "usr", "etc", "run", "lib", "nix", "system", "rescue")
"""First folders of programs that come with the system; ``/opt/app/bin/shutdown`` ends that application."""
_OWN_HOST = ("inventory_hostname", "ansible_host", "ansible_ssh_host")
"""Variables by which a command run elsewhere names the task's own host."""
_LOGIN_PORTS = frozenset({"22", "5985", "5986"})
_LOGIN_WORDS = ("ansible_port", "ssh", "winrm")


def could_cut(module: str) -> bool:
    """Whether some arguments of the module may cut the connection."""
    short = module.rsplit(".", 1)[-1]
    return short in REBOOT_MODULES or short in SERVICE_MODULES or short in COMMAND_MODULES


def cuts_connection(module: str, args: Mapping[str, object], name: str | None) -> bool:
    """Whether the task cuts its own connection on purpose.

    ``module`` may be a full name; ``args`` are its arguments as a task has them (free-form text under
    ``_raw_params``); ``name`` is what the task or handler is called, heeded only where the command says nothing itself.
    """
    short = module.rsplit(".", 1)[-1]
    if module_cuts(module, args) or (short in COMMAND_MODULES and _line_cuts(module, args)):
        return True
    is_opaque = short == "script" or (short in COMMAND_MODULES and _is_opaque(command_text(args)))
    return is_opaque and task_name_says_so(name)


def _line_cuts(module: str, args: Mapping[str, object]) -> bool:
    only = without_a_shell(module, args)
    if only is not None:
        return _command_cuts(only, 0, by_name=True)
    return _text_cuts(command_text(args), 0, by_name=True)


@dataclass(frozen=True, slots=True)
class Disconnect:
    """That work cuts the connection on purpose, or most likely does."""

    works_first: bool
    """Whether it does other work before that."""
    is_doubtful: bool = False
    """Whether it may cut no connection of its host, or not soon, or go on with other work."""


def last_act(text: str) -> Disconnect | None:
    """How the text of a script cuts the connection in the end; None where it does not, or goes on after that.

    What a script of more than a few lines is for is told by its end alone: in its middle a reboot may be one of many
    branches.
    """
    found = [command for command in parse(text) if not (command.depth or only_leads_up(command))]
    if not found or not _command_cuts(found[-1], 0, by_name=False):
        return None
    return Disconnect(works_first=any(map(is_work, found[:-1])))


def module_cuts(module: str, args: Mapping[str, object]) -> bool:
    """Whether a module other than those that run commands cuts the connection."""
    short = module.rsplit(".", 1)[-1]
    if short in SERVICE_MODULES:
        return _disturbs([str(args.get("state", "")).lower()], [str(args.get("name", args.get("service", "")))])
    return short in REBOOT_MODULES


def program_cuts(command: Command) -> bool:
    """Whether the program cuts the connection with these words, whatever it is called; those that run others do not."""
    words = without_prefixes(command)
    if _panics(command, by_name=False) or not words:
        return bool(words)
    program = program_of(words[0])
    return program not in SILENT and _program_cuts(program, words[0], words[1:], by_name=False)


def leaves_connection(module: str, args: Mapping[str, object]) -> bool:
    """Whether all that a command line runs is known to leave connections alone, unless it writes to a device."""
    text = command_text(args)
    if module.rsplit(".", 1)[-1] not in COMMAND_MODULES or any(folder in text for folder in _DEVICES):
        return False
    commands = [words for words in map(without_prefixes, parse(text)) if words]
    # what `sh -c` is told to run is among the commands
    heads = [program_of(words[0]) for words in commands if not (program_of(words[0]) in SHELLS and "-c" in words)]
    return bool(heads) and STAYING.issuperset(heads)


def stays_without_a_shell(module: str, args: Mapping[str, object]) -> bool:
    """Whether what would cut the connection is never run, for want of a shell, as in ``command: sleep 2 && reboot``."""
    only = without_a_shell(module, args)
    return only is not None and only_leads_up(only)


def awaits_connection(module: str, args: Mapping[str, object], *, is_local: bool) -> bool:
    """Whether the task waits until the host can be reached: by Ansible, or its port from the controller."""
    short = module.rsplit(".", 1)[-1]
    if short == "wait_for":
        port = str(args.get("port", "")).lower()
        return is_local and "host" in args and (port in _LOGIN_PORTS or any(word in port for word in _LOGIN_WORDS))
    return short == "wait_for_connection" and not is_local


def _unit(name: str) -> str:
    """The unit without its ending and instance."""
    unit = name.strip().strip("'\"").lower()
    for suffix in (".service", ".socket", ".target"):
        unit = unit.removesuffix(suffix)
    return unit.split("@")[0]


def _is_network_unit(name: str) -> bool:
    return _unit(name) in NETWORK_UNITS


def _disturbs(verbs: Collection[str], names: Collection[str]) -> bool:
    """Whether one of the verbs, done to one of the units, cuts connections."""
    if not DISTURBING.isdisjoint(verbs):
        return any(_is_network_unit(name) for name in names)
    return not STARTING.isdisjoint(verbs) and any(_unit(name) in FIREWALL_UNITS for name in names)


def _text_cuts(text: str, depth: int, *, by_name: bool) -> bool:
    """``by_name`` also heeds what scripts and variables are called."""
    if depth > MAX_DEPTH:
        return False
    before: Command | None = None
    has_paused = False
    for command in parse(text):
        if command.depth:
            continue  # _inner_cuts follows what a shell is told to run
        if command.argv[:1] == ("exit",) and not command.reserved and (before is None or before.ended_by == ";"):
            return False  # nothing behind it is reached
        if _command_cuts(command, depth, by_name=by_name) or (has_paused and restarts_a_tunnel(command)):
            return True
        has_paused = has_paused or command.argv[:1] == ("sleep",)
        if before is not None and is_fed(command, before):
            fed = " ".join(before.argv[1:])
            if _text_cuts(fed, depth + 1, by_name=by_name):
                return True
        if not by_name and not only_leads_up(command):
            return False
        before = command
    return False


def restarts_a_tunnel(command: Command) -> bool:
    """``sleep 5 && service tor restart``: the pause is there because the connection may run through it."""
    words = [word.lower() for word in command.words]
    if not {"systemctl", *UNITS_FIRST}.isdisjoint(program_of(word) for word in words):
        return not DISTURBING.isdisjoint(words) and any(_unit(word) in TUNNEL_UNITS for word in words)
    return False


def is_fed(command: Command, before: Command) -> bool:
    """Whether the second command runs what the first prints, as in ``echo reboot | at now``."""
    return (
        before.ended_by in ("|", "|&")
        and command.argv[:1] in (("at",), ("batch",), ("sh",), ("bash",))
        and before.argv[:1] in (("echo",), ("printf",))
    )


def _command_cuts(command: Command, depth: int, *, by_name: bool) -> bool:
    if _panics(command, by_name=by_name) or any(
        _text_cuts(text, depth + 1, by_name=by_name) for text in command.substitutions
    ):
        return True
    words = without_prefixes(command)
    if not words:
        return False
    head, rest = words[0], words[1:]
    program = program_of(head)
    if by_name and is_called_so(words):
        return True
    if "{{" in head or program in SILENT or (not by_name and is_of_others(program, head, rest)):
        return False
    if _program_cuts(program, head, rest, by_name=by_name):
        return True
    if program not in INTERPRETERS:
        return False
    return _inner_cuts(program, rest, depth, by_name=by_name) or any(
        _text_cuts(text, depth + 1, by_name=by_name) for text in command.documents
    )


def is_called_so(words: Sequence[str]) -> bool:
    """Whether the program, or the script that it runs, is called for cutting the connection; or the variable for it."""
    head, program = words[0], program_of(words[0])
    if "{{" in head:
        return variable_says_so(head.lower())
    if program not in SILENT and program_says_so(program):
        return True
    file = next((word for word in words[1:] if not word.startswith("-")), "") if program in FILE_RUNNERS else ""
    return "." in file and " " not in file and program_says_so(program_of(file))


def is_of_others(program: str, head: str, rest: list[str]) -> bool:
    """Whether what goes down, if anything does, is perhaps not the host: an application, or another machine."""
    folders = head.replace("\\", "/").lower().split("/")[:-1]
    if (
        folders
        and not (folders[0] == "" and folders[1:2] and folders[1] in _SYSTEM_FOLDERS)
        and "system32" not in folders
    ):
        return True
    if program in ("ssh", "sshpass"):
        return not any(name in word for word in rest for name in _OWN_HOST)
    if program == "systemctl" and any(
        word[:2] in _OTHER_SYSTEMD or word.split("=")[0] in _OTHER_SYSTEMD for word in rest
    ):
        return True
    return not _OTHER_MACHINES.isdisjoint(word.lower() for word in rest)


def _program_cuts(program: str, head: str, rest: list[str], *, by_name: bool) -> bool:
    lowered = [word.lower() for word in rest]
    if not _TELLING_OPTIONS.isdisjoint(lowered) or (program in _QUIET_OPTIONS and _QUIET_OPTIONS[program] in rest):
        return False
    if program in PROGRAMS:
        is_cancel = program == "shutdown" and not {"-c", "/a"}.isdisjoint(rest)
        return not is_cancel and not (program == "networksetup" and _only_reads(lowered))
    wanted = SUB_COMMANDS.get(program)
    if wanted is not None and not wanted.isdisjoint(rest):
        return True
    if program == "systemctl":
        return _systemctl_cuts([word for word in lowered if not word.startswith("-")])
    if program in UNITS_FIRST:
        return len(lowered) > 1 and _disturbs(lowered[1:], lowered[:1])
    if program in SERVICE_COMMANDLETS:
        return any(_is_network_unit(word) for word in lowered)
    if "/init.d/" in head or "/rc.d/" in head:
        return _disturbs(lowered, [program])
    if program == "nmcli":
        return not {"up", "down", "off", "reapply", "disconnect", "connect"}.isdisjoint(lowered)
    if program == "ip":
        return {"link", "set"} <= set(lowered) and not {"up", "down"}.isdisjoint(lowered)
    if program in ("pkill", "killall"):
        return any(_is_network_unit(word) for word in lowered)
    if program in ("rename-computer", "add-computer"):
        return "-restart" in lowered
    # A script of one's own may do its work before a reboot, or mean something else by it.
    return (by_name or program in REBOOTING) and ("--reboot" in lowered or lowered[:1] == ["reboot"])


def _only_reads(words: list[str]) -> bool:
    return not any(word.startswith("-set") for word in words)


def _systemctl_cuts(words: list[str]) -> bool:
    if not words:
        return False
    if words[0] in POWER_VERBS:
        return True
    if words[0] in ("isolate", "start") and any(word.removesuffix(".target") in POWER_VERBS for word in words[1:]):
        return True
    return _disturbs(words[:1], words[1:])


def _inner_cuts(program: str, rest: list[str], depth: int, *, by_name: bool) -> bool:
    at = next((at for at, word in enumerate(rest) if word.startswith("-") and "c" in word), len(rest))
    if program in SHELLS and (at < len(rest) or not by_name):
        # What follows the script or the text of -c are its arguments.
        return any(_text_cuts(word, depth + 1, by_name=by_name) for word in rest[at + 1 : at + 2])
    if any(" " in word and _text_cuts(word, depth + 1, by_name=by_name) for word in rest):
        return True
    if program in SHELLS or program in ("su", "eval", "cmd", "powershell", "pwsh"):
        return any(
            _text_cuts(word, depth + 1, by_name=by_name)
            for word in rest
            if not word.startswith("-") and "/" not in word
        )
    words = [word for word in rest if not word.startswith(("-", "{{"))]
    return any(_program_cuts(program_of(word), word, words[at + 1 :], by_name=by_name) for at, word in enumerate(words))


def _panics(command: Command, *, by_name: bool) -> bool:
    """Whether the command makes the kernel crash or reboot: Linux by sysrq-trigger, ESXi by ``vsish``."""
    programs = {program_of(word) for word in command.words}
    if "vsish" in programs or by_name:
        words = (*command.words, *command.targets)
        return any(word.endswith("/proc/sysrq-trigger") or "/crashme/" in word.lower() for word in words)
    words = (*command.targets, *(command.words if "tee" in programs else ()))
    return "/proc/sysrq-trigger" in words


def _is_opaque(text: str) -> bool:
    first = text.split(maxsplit=1)[0] if text.split() else ""
    return not first or "{{" in first or first.endswith((".sh", ".ps1", ".py", ".bat", ".cmd"))
