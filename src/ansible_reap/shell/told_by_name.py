"""Whether something is called by what cuts a connection: a program, a variable, a task."""

from __future__ import annotations

import itertools

_TELLING_WORDS = ("reboot", "shutdown", "shut_down", "poweroff", "power_off")
_NAME_VERBS = frozenset({"reboot", "rebooting", "shutdown", "poweroff", "halt"})
_CLEAR_ALONE = frozenset({"reboot", "rebooting", "poweroff"})
"""Of these the names of a script that say enough alone: a server of any kind has a ``shutdown.sh``."""
_ASKING = frozenset(
    {"check", "is", "need", "needs", "needed", "required", "pending", "wait", "after", "notifier", "log", "test", "no"}
)
"""Words by which a program that names a reboot does something else."""
_NAME_PAIRS = frozenset({("shut", "down"), ("power", "off"), ("apply", "netplan")}) | frozenset(
    itertools.product(
        ("restart",), ("sshd", "ssh", "server", "machine", "host", "system", "computer", "networkmanager")
    )
)
_OF_OTHERS = frozenset(
    {"vm", "vms", "guest", "guests", "container", "containers", "domain", "domains", "bmc", "tomcat"}
    | {"app", "application", "applications", "service", "services", "db", "database", "databases"}
)
"""What goes down while the host that it runs on stays."""
_NETWORK_WORDS = frozenset({"network", "networking", "networks", "netplan", "firewall"})
_NETWORK_VERBS = frozenset({"restart", "reload", "apply", "restarting", "reloading", "applying"})
_ARTICLES = frozenset({"the", "a", "this", "all", "now", "remote", "target", "ansible"})


def program_says_so(program: str) -> bool:
    """A program or script of one's own that is called for what it does: ``safe-reboot``, ``reboot_node.sh``."""
    name, dot, _ = program.rpartition(".")
    words = "".join(char if char.isalnum() else " " for char in name or program).split()
    if not words or not {*_ASKING, *_OF_OTHERS}.isdisjoint(words):
        return False
    if len(words) == 1:
        return bool(dot) and words[0] in _CLEAR_ALONE
    return words[0] in _NAME_VERBS or words[-1] in _NAME_VERBS or tuple(words[:2]) == ("power", "off")


def variable_says_so(head: str) -> bool:
    """As in ``{{ reboot_command }}`` and ``{{ network_reload_cmd }}``."""
    words = set("".join(char if char.isalnum() else " " for char in head).split())
    return any(word in head for word in _TELLING_WORDS) or not (
        words.isdisjoint(_NETWORK_WORDS) or words.isdisjoint(_NETWORK_VERBS)
    )


def task_name_says_so(name: str | None) -> bool:
    """The name of a task or handler, as in ``Reboot the host`` and ``restart sshd``."""
    words = [word.strip(".,:;()[]'\"!").lower() for word in (name or "").replace("|", " ").split()]
    words = [word for word in words if word and word not in _ARTICLES]
    if not _OF_OTHERS.isdisjoint(words):
        return False
    if words[:1] and (words[0] in _NAME_VERBS):
        return True
    return any(
        pair in _NAME_PAIRS or (pair[0] in _NETWORK_VERBS and pair[1] in _NETWORK_WORDS)
        for pair in itertools.pairwise(words[:4])
    )
