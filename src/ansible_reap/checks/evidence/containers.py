"""Containers that a task runs in the foreground: by a module that does not detach, or by an engine's command line."""

from __future__ import annotations

from typing import NamedTuple

from ansible_reap.checks.evidence import work
from ansible_reap.checks.support import constant
from ansible_reap.content.model import Task

ENGINES = frozenset({"docker", "podman", "nerdctl"})
_MODULES = frozenset({"docker_container", "podman_container"})
_LASTING = frozenset({"always", "unless-stopped"})
_VALUED = frozenset({"-v", "--volume", "-e", "--env", "--name", "--network", "--net", "-w", "--workdir", "-u", "--user",
                     "--entrypoint", "-h", "--hostname", "-l", "--label", "--mount", "--env-file", "--add-host", "-m",
                     "--memory", "--cpus", "--device", "--ulimit", "--pid", "--platform", "--log-driver", "--log-opt",
                     "-p", "--publish", "--restart", "--ip", "--cap-add", "--cap-drop", "--security-opt", "--pull",
                     "--shm-size", "--link", "--dns", "--gpus", "--tmpfs", "--expose", "--cidfile"})  # fmt: skip
"""Options of ``docker run`` that take the next word for their value."""
_ENDING_WITH_ONE = frozenset({"-d", "--detach", "--abort-on-container-exit", "--abort-on-container-failure", "--wait",
                              "--exit-code-from", "--no-start"})  # fmt: skip
"""Options of ``compose up`` with which it ends by itself."""


class Container(NamedTuple):
    """What is known of a container in the foreground."""

    image: str = ""
    """Without its registry and its tag."""
    publishes: bool = False
    restarts: str = ""
    is_composed: bool = False


def stays_with_one(task: Task) -> bool:
    """Whether the task stays with a container, which goes on when the task's own process is killed."""
    programs = (argv for command in work.commands(task) for argv in command.programs())
    return of_module(task) is not None or any(map(in_the_foreground, programs))


def of_module(task: Task) -> Container | None:
    """The container that a module of the task waits for; None where it detaches, as by default."""
    if task.short_name not in _MODULES or constant(task.args.get("detach")) is not False:
        return None
    args = task.args
    has_ports = any(args.get(key) for key in ("published_ports", "ports", "publish"))
    policy = str(args.get("restart_policy", ""))
    runs_its_own = not (args.get("command") or args.get("entrypoint"))
    image = _plain(str(args.get("image", ""))) if runs_its_own else ""
    return Container(image, has_ports, policy if policy in _LASTING else "")


def in_the_foreground(argv: tuple[str, ...]) -> Container | None:
    """The container that an engine's command line stays with; None for any other command."""
    name, words = argv[0], list(argv[1:])
    if name == "docker-compose" or (name in ENGINES and "compose" in words[:1]):
        is_up = "up" in words[:6] and not any(word.partition("=")[0] in _ENDING_WITH_ONE for word in words)
        return Container(is_composed=True) if is_up else None
    if name not in ENGINES or "run" not in words[:2]:
        return None
    found, at = Container(), words.index("run") + 1
    while at < len(words) and words[at].startswith("-"):
        option, equals, value = words[at].partition("=")
        if option == "--detach" or _detaches(option):
            return None
        if option in _VALUED and not equals:
            at += 1
            value = words[at] if at < len(words) else ""
        if option in ("-p", "--publish", "-P", "--publish-all"):
            found = found._replace(publishes=True)
        if option == "--restart" and value in _LASTING:
            found = found._replace(restarts=value)
        at += 1
    is_plain = at == len(words) - 1  # without a command of its own
    return found._replace(image=_plain(words[at]) if is_plain else "")


def _detaches(option: str) -> bool:
    """Whether ``-d`` is among short options that are written as one word."""
    return not option.startswith("--") and "d" in option and set(option[1:]) <= set("ditP")


def _plain(image: str) -> str:
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]
