"""What a later task waits for in place of the job's end: that something is there which the work brings about."""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import NamedTuple

from ansible_reap.checks.evidence import work
from ansible_reap.checks.evidence.neighbours import (
    ends_with_its_process,
    following,
    in_later_plays,
    own_wait_after,
    own_wait_beyond,
    own_waits_after,
    shares_a_topic,
)
from ansible_reap.checks.support import constant
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.late_patterns import expression
from ansible_reap.wording import shortened

_BETWEEN = frozenset({"block", "debug", "meta", "pause", "set_fact", "import_tasks", "include_tasks"})
"""Modules that may stand between a launch and a wait for what it does."""
_FARTHER = 100
"""Tasks that are looked at for one that asks for what a module makes."""
_GONE = frozenset({"stopped", "absent"})
_PROBES = frozenset({"stat", "win_stat", "slurp"})
"""Modules that look at the host and change nothing."""
_FETCHING = frozenset({"uri", "win_uri"})
_RUNNERS = frozenset({"command", "shell", "raw", "win_command", "win_shell"})
_ASKING: dict[str, frozenset[str]] = {
    "systemctl": frozenset({"is-active", "is-failed", "is-system-running", "show", "status"}),
    **dict.fromkeys(("kubectl", "oc", "k3s", "microk8s"), frozenset({"get", "wait", "describe", "cluster-info"})),
    **dict.fromkeys(("docker", "podman", "nerdctl"), frozenset({"ps", "inspect", "logs"})),
    **dict.fromkeys(
        ("test", "[", "[[", "ls", "cat", "grep", "tail", "pgrep", "pidof", "ss", "netstat", "pg_isready"),
        frozenset[str](),
    ),
}
"""Programs of Linux and of clusters that ask how things are, with the words that make them do so; none where it is all
that they do."""
_NAMED_SO = expression(r"(?<![a-z])(?:wait|until|check|verify|poll)", re.IGNORECASE)


class OwnWait(NamedTuple):
    """A task that waits, by other means than ``async_status``, after a launch whose job nothing waits for."""

    task: Task
    until: str
    """Until when, as in ``until port 80 is open``; empty where that cannot be told."""
    is_tied: bool
    """Whether something ties it to the launch; else it only comes next."""
    before: tuple[Task, ...] = ()
    """Waits before it in the file that are tied to the launch too."""


def after(analysis: Analysis, launch: Launch) -> OwnWait | None:
    """The task that seems to wait for what the launch brings about, else a wait that comes next."""
    tied = own_wait_after(analysis, launch.task) or own_wait_beyond(analysis, launch.task, launch.via)
    if tied:
        near = [each for each in own_waits_after(analysis, launch.task) if not is_passed_over(each)]
        earlier = tuple(each for each in near if each.line < tied.line and not ends_with_its_process(each))
        is_plain = tied in near and not ends_with_its_process(tied)
        return OwnWait(tied, _until(tied), is_tied=True, before=earlier if is_plain else ())
    asking = _by_its_info(analysis, launch)
    if asking:
        return OwnWait(asking, _until(asking), is_tied=True)
    later = (other for other in following(analysis, launch.task, launch.via) if other.module not in _BETWEEN)
    other = next(later, None)
    if other is None or other.is_handler != launch.task.is_handler or not _is_a_wait(other):
        return None
    return OwnWait(other, _until(other), is_tied=shares_a_topic(launch.task, other))


def window(task: Task) -> float | None:
    """For how many seconds the task waits at most; None where it does not say so in numbers."""
    if task.short_name in ("wait_for", "win_wait_for"):
        return work.number(task.args.get("timeout"))
    retries, delay = (work.number(task.keywords.get(key)) for key in ("retries", "delay"))
    return retries * delay if retries and delay else None


def _by_its_info(analysis: Analysis, launch: Launch) -> Task | None:
    """A task that asks again and again for what the launch's module makes, by the module that tells of such things.

    As ``ovirt_host_info`` after ``ovirt_host``, in the same play or in one that follows.
    """
    names = {f"{launch.task.short_name}_info", f"{launch.task.short_name}_facts"}
    later = chain(following(analysis, launch.task, launch.via), in_later_plays(analysis, launch.via))
    asking = (other for other in islice(later, _FARTHER) if other.short_name in names)
    return next((other for other in asking if "until" in other.keywords and "async" not in other.keywords), None)


def may_show_a_failure(other: OwnWait) -> bool:
    """Whether a failed job most likely keeps the wait from its end: it waits for something, and is there for that."""
    is_there_to_wait = other.task.short_name in {"wait_for", "win_wait_for"} | _FETCHING
    return (other.is_tied or is_there_to_wait) and not is_passed_over(other.task)


def is_passed_over(task: Task) -> bool:
    """Whether the play goes on where the wait was in vain."""
    return constant(task.inherited("ignore_errors")) is True or task.keywords.get("failed_when") in (False, "false")


def is_of_the_host(other: OwnWait) -> bool:
    """Whether the wait is for the host's connection, which is there or not whatever became of the job."""
    return other.task.short_name == "wait_for_connection"


def _is_a_wait(task: Task) -> bool:
    if "async" in task.keywords or task.short_name == "async_status":
        return False
    if task.short_name in ("wait_for", "win_wait_for"):
        return bool(_until(task))
    if task.short_name == "wait_for_connection":
        return True
    return "until" in task.keywords and _only_asks(task)


def _only_asks(task: Task) -> bool:
    """Whether the task, tried again and again, looks how things are; other work may be tried again too."""
    name = task.short_name
    if name in _FETCHING:
        return str(task.args.get("method", "GET")).upper() in ("GET", "HEAD")
    if name in _PROBES or name.endswith(("_info", "_facts")):
        return True
    if name not in _RUNNERS:
        return False
    if constant(task.keywords.get("changed_when")) is False or _NAMED_SO.search(task.name or ""):
        return True
    return any(_asks(argv) for command in work.commands(task) for argv in command.programs())


def _asks(argv: tuple[str, ...]) -> bool:
    words = _ASKING.get(argv[0])
    return words is not None and (not words or not words.isdisjoint(argv[1:]))


def _until(task: Task) -> str:
    if task.short_name in ("wait_for", "win_wait_for"):
        return _of_wait_for(task)
    until = task.keywords.get("until")
    if until is None or isinstance(until, bool):
        return ""
    written = " and ".join(map(str, until)) if isinstance(until, list) else str(until)
    return f"until its condition holds ({shortened(' '.join(written.split()))})"


def _of_wait_for(task: Task) -> str:
    path, port, pattern = (task.args.get(key) for key in ("path", "port", "search_regex"))
    state = str(task.args.get("state", "started"))
    if path:
        if pattern and state not in _GONE:
            return f"until {shortened(str(path))} says '{shortened(str(pattern))}'"
        return f"until {shortened(str(path))} is {'gone' if state in _GONE else 'there'}"
    if not port:
        return ""
    where = f"port {shortened(str(port))}"
    if state == "drained":
        return f"until nobody is connected to {where}"
    return f"until {where} is {'closed' if state in _GONE else 'open'}"
