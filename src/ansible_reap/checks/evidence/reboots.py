"""Whether a host may come back from a reboot as another one: at another address, or with another system.

The reboot module waits where the host was, for the system that it was. Told from what is written in and above its task,
from the tasks of its file, and from what its role brings along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from ansible_reap.checks.evidence import intent, work
from ansible_reap.checks.evidence.neighbours import MAX_KEPT, play_of, tasks_after
from ansible_reap.content.expressions import names
from ansible_reap.content.model import Task, as_list
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression
from ansible_reap.remembered import for_one_check

_ADDRESS = frozenset({"ansible_host", "ansible_ssh_host", "ansible_port", "ansible_ssh_port", "ansible_user",
                      "ansible_ssh_user", "ansible_password", "ansible_ssh_pass", "ansible_ssh_private_key_file",
                      "ansible_connection"})  # fmt: skip
"""Variables by which Ansible reaches a host: given anew after a reboot, another system answers there."""
_BOOT_NEXT = frozenset({"grub-reboot", "grub2-reboot", "grub-set-default", "grub2-set-default", "kexec", "efibootmgr",
                        "ipmitool", "grubby"})  # fmt: skip
"""Programs that choose what the host boots next."""
_INSTALLERS = frozenset({"coreos-install", "coreos-installer", "installimage", "debootstrap", "pacstrap",
                         "nixos-install", "nixos-infect", "arch-chroot", "flatcar-install", "bootc", "sysupgrade",
                         "do-release-upgrade"})  # fmt: skip
"""Programs that put another system on the host."""
_NETWORK_MODULES = frozenset({"nmcli", "interfaces_file", "nmstate", "netplan"})
_NETWORK_PROGRAMS = frozenset({"netplan", "nmcli", "nmstatectl"})
_NETWORK_FILES = expression(
    r"/etc/netplan\b|/network-scripts/ifcfg-|/etc/network/interfaces|/NetworkManager/system-connections"
    r"|/etc/systemd/network\b|\bdhcpcd\.conf\b|/etc/config/network\b"
)
"""Where a host's addresses are written down."""
_NETWORK_TEMPLATE = expression(
    r"netplan|ifcfg-|^interfaces(?:\.|$)|\.netdev|\.nmconnection|dhcpcd\.conf", re.IGNORECASE
)
_INTO = expression(
    r"\binto\b|\b(?:installer|rescue|recovery|live ?cd|pxe|netboot|initramfs|archiso|new (?:system|os))\b",
    re.IGNORECASE,
)
_WHERE = r"(?:address(?:es)?|connections?|ip|ipv[46]|host ?names?|urls?|ssh port|network)"
_MOVES = expression(
    rf"\b{_WHERE}\b.{{0,40}}?\b(?:chang|switch|mov|transition)\w*"
    rf"|\b(?:chang|switch|mov|transition)\w*\b.{{0,40}}?\b{_WHERE}\b"
    rf"|\b(?:new|other|another|different) {_WHERE}\b"
    r"|\bwithout (?:a )?check(?:ing)?\b|\bno check(?:ing)?\b",
    re.IGNORECASE,
)
"""Words by which an author says that the host is then found elsewhere, or that nobody is to look for it."""
_MORE_THAN_A_REBOOT = expression(
    r"\b(?:firmware|bios|fast-?reboot|warm-?reboot)\b"
    r"|\b(?:reboot|restart)(?:ing|s)? (?:the |all |each )?(?:switch(?:es)?|routers?|appliances?)\b",
    re.IGNORECASE,
)
"""Words by which a name or a comment says that the host has a program of its own, or that more than a reboot is due."""
_SYSTEMS_OWN = frozenset({"", "/sbin", "/bin", "/usr/sbin", "/usr/bin"})
"""Folders in which a system's own programs lie; none where a command is named without one."""
_TELLING_OPTIONS = frozenset({"-f", "--force", "-d", "--no-wtmp", "-n", "--no-sync", "--firmware-setup"})
_PART_OF_ROLE = expression(r"/(?:tasks|handlers)/(?!.*/(?:tasks|handlers)/)")
MAX_FILES = 500
"""Files of a role that are looked at."""


def comes_back_as_another(analysis: Analysis, task: Task) -> bool:
    """Whether the host of this reboot may come back where or as what the reboot module would not find it."""
    return (
        _INTO.search(task.name or "") is not None
        or _MOVES.search(intent.said(analysis, task)) is not None
        or _goes_no_further(analysis, task)
        or _gives_a_new_address(analysis, task)
        or _readies_another(analysis, task)
        or _role_sets_up_the_network(analysis.root, task.path)
    )


def _goes_no_further(analysis: Analysis, task: Task) -> bool:
    """Whether the next task stops the play by ``fail``, wherever this one has run: nothing waits for the host then."""
    other = next(tasks_after(analysis, task.path, task.end_line), None)
    if other is None or other.module != "fail" or play_of(other) != play_of(task):
        return False
    return other.keywords.get("when") in (None, task.keywords.get("when"))


def _gives_a_new_address(analysis: Analysis, task: Task) -> bool:
    """Whether a later task of the same play reaches the host elsewhere, as after a change of network or of its name."""
    play = play_of(task)
    steps = analysis.steps.get(task.path, ())
    moving = (*_giving_addresses(steps), *_waiting_elsewhere(steps))
    return any(other.line > task.line and play_of(other) == play for other in moving)


@lru_cache(maxsize=MAX_KEPT)
def _waiting_elsewhere(steps: tuple[Task, ...]) -> tuple[Task, ...]:
    """The waits for an ssh port of a host by another name than the inventory's."""
    return tuple(
        step
        for step in steps
        if step.module == "wait_for"
        and str(step.args.get("port")) == "22"
        and isinstance(host := step.args.get("host"), str)
        and "{{" in host
        and not re.search(r"inventory_hostname|ansible_\w*host|\bitem\b|hostvars|default_ipv4", host)
    )


@lru_cache(maxsize=MAX_KEPT)
def _giving_addresses(steps: tuple[Task, ...]) -> tuple[Task, ...]:
    """The tasks that set a variable by which Ansible reaches a host. Found once for all reboots of a file."""
    return tuple(step for step in steps if not _ADDRESS.isdisjoint(_variables_of(step)))


def _variables_of(task: Task) -> Mapping[str, object]:
    """What the task sets: facts, or the variables in its ``vars``."""
    if task.module == "set_fact":
        return task.args
    given = task.keywords.get("vars")
    return given if isinstance(given, dict) else {}


def _readies_another(analysis: Analysis, task: Task) -> bool:
    """Whether the reboot's task, or one before it in the play, makes another system or address ready."""
    play = play_of(task)
    readying = _readying(analysis.steps.get(task.path, ()))
    return _makes_ready(task) or any(other.line < task.line and play_of(other) == play for other in readying)


@lru_cache(maxsize=MAX_KEPT)
def _readying(steps: tuple[Task, ...]) -> tuple[Task, ...]:
    return tuple(filter(_makes_ready, steps))


def _makes_ready(task: Task) -> bool:
    """Whether the task chooses what boots next, installs another system or changes the host's addresses."""
    if task.module.rpartition(".")[2] in _NETWORK_MODULES:
        return True
    programs = work.program_names(task)
    if programs & (_BOOT_NEXT | _INSTALLERS | _NETWORK_PROGRAMS):
        return True
    return any(isinstance(value, str) and _NETWORK_FILES.search(value) for value in task.args.values())


@for_one_check(256)
def _role_sets_up_the_network(root: str, path: str) -> bool:
    """Whether the role of the file, or what lies beside its folder, brings a network configuration along."""
    part = _PART_OF_ROLE.search(f"/{path}")
    if part is None:
        return False
    for kind in ("templates", "files"):
        place = Path(root, f"/{path}"[1 : part.start() + 1], kind)
        for count, file in enumerate(place.rglob("*") if place.is_dir() else ()):
            if count >= MAX_FILES:
                break
            if _NETWORK_TEMPLATE.search(file.name):
                return True
    return False


def own_command(analysis: Analysis, task: Task) -> str | None:
    """The command that has to be the module's ``reboot_command``, as by default it runs ``shutdown -r``; else None.

    That is a ``reboot`` or ``systemctl reboot`` with options, one that is not the system's own by its path, or one of
    which the author says that it does more.
    """
    command = work.reboots(task)
    words = command.split() if command and not work.is_windows(task) else []
    if not words or words[0] not in ("reboot", "systemctl"):
        return None
    matters = not _TELLING_OPTIONS.isdisjoint(words) or any(word.startswith("--boot-loader") for word in words)
    paths = (word for each in work.commands(task) for word in each.words if word.startswith("/"))
    path = next((word for word in paths if word.rpartition("/")[2] == words[0]), words[0])
    is_another = path.rpartition("/")[0] not in _SYSTEMS_OWN
    is_told = matters or is_another or _MORE_THAN_A_REBOOT.search(intent.said(analysis, task)) is not None
    return " ".join((path, *words[1:])) if is_told else None


def waits_without_it(analysis: Analysis, task: Task, wait: Task) -> bool:
    """Whether the wait after a reboot also runs where its caller has the reboot skipped, as after one of its own.

    So it may be where the file is for others to call, and they decide on the reboot by a variable.
    """
    when = task.keywords.get("when")
    if when is None or wait.keywords.get("when") == when or play_of(task) is not None:
        return False
    terms = [each for each in as_list(when) if isinstance(each, str)]
    asked = {name for term in terms for name in names(term) if not name.startswith("ansible_")}
    own = {name for step in analysis.steps.get(task.path, ()) for name in _made_by(step)}
    return not asked <= own


def _made_by(step: Task) -> Iterable[object]:
    """The variables that the task itself makes."""
    facts = step.args if step.module == "set_fact" else ()
    return (step.keywords.get("register"), *facts)
