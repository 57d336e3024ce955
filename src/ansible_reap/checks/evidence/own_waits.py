"""What a later task waits for in place of the job's end: that something is there which the work brings about."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from ansible_reap.checks.evidence import work
from ansible_reap.checks.evidence.conditions import exclude_each_other
from ansible_reap.checks.evidence.later_tasks import following, in_later_plays
from ansible_reap.checks.evidence.neighbours import play_of, tasks_after
from ansible_reap.checks.evidence.topics import (
    ENOUGH_IN_COMMON,
    NEXT,
    SHORTEST_NAME,
    STEM,
    every_text,
    shares_a_topic,
    topics_of,
)
from ansible_reap.checks.support import as_written, constant, number
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.late_patterns import expression
from ansible_reap.wording import shortened

_BETWEEN = frozenset({"block", "debug", "meta", "pause", "set_fact", "import_tasks", "include_tasks"})
"""Modules that may stand between a launch and a wait for what it does."""
_MOST_FOR_INFO = 100
"""Tasks that are looked at for one that asks for what a module makes."""
_MOST_FOR_WORK = 30
"""Tasks after a launch, those of other files too, among which a wait for its work is looked for."""
_WAITING_MODULE = expression(r"(?:^|_)wait(?:_(?!for_connection|for$)|$)")
"""A module of somebody's own that waits, by its name."""
_FINDING = frozenset({"pgrep", "pidof"})
_OF_FILES = frozenset({"test", "[", "[[", "ls", "cat", "tail", "grep", "stat"})
"""Programs that look at the files that they are given."""
_NONE_LEFT = expression(
    r"\.rc {0,4}(?:!= {0,4}0|== {0,4}1)|\bis failed\b|== {0,4}(?:''|\"\")|\bint {0,4}\)? {0,4}== {0,4}0"
)
"""How an ``until`` says that no process is left."""
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
_OF_UNITS = frozenset({"systemd", "systemd_service", "service"})
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


@lru_cache(maxsize=1)
def after(analysis: Analysis, launch: Launch) -> OwnWait | None:
    """The task that seems to wait for what the launch brings about, else a wait that comes next."""
    tied = _tied(analysis, launch)
    if tied:
        near = [each for each in right_after(analysis, launch.task) if not is_passed_over(each)]
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
    if exclude_each_other(launch.task, other):
        return None
    is_tied = shares_a_topic(launch.task, other)
    return OwnWait(other, _until(other), is_tied=is_tied) if is_tied or not _asks_systemd(other) else None


def is_of_a_unit(task: Task) -> bool:
    """Whether the task is about a unit of systemd, or a service, by a module that is made for them."""
    return task.short_name in _OF_UNITS


def _asks_systemd(task: Task) -> bool:
    """Whether the task asks for a unit of systemd, which has its name: it is what the task is about."""
    return is_of_a_unit(task) or "systemctl" in work.program_names(task)


def right_after(analysis: Analysis, task: Task) -> list[Task]:
    """Those of the next tasks that wait, by other means than ``async_status``, for what this one is about."""
    play = play_of(task)
    found: list[Task] = []
    after = tasks_after(analysis, task.path, task.end_line)
    for other in islice((each for each in after if each.module != "block"), NEXT):
        if play_of(other) != play or (found and str(other.keywords.get("poll")) == "0"):
            break  # what comes after another launch may wait for that one
        if _waits_for_its_work(task, other):
            found.append(other)
    return found


def _tied(analysis: Analysis, launch: Launch) -> Task | None:
    """A task that waits for what the launch is about: one of the next, else one farther on or in another file.

    Of the next ones that with most in common, and of such the last: it waits for the whole, and others for a part.
    """
    task = launch.task
    near = right_after(analysis, task)[::-1]
    if near:
        return max(near, key=lambda other: len(topics_of(task) & topics_of(other)))
    later = islice(following(analysis, task, launch.via), _MOST_FOR_WORK)
    return next((other for other in later if _waits_for_its_work(task, other)), None)


def _waits_for_its_work(task: Task, other: Task) -> bool:
    """Whether the other task seems to wait, by other means than ``async_status``, for what the first is about."""
    if "async" in other.keywords or other.module == "async_status" or exclude_each_other(task, other):
        return False
    if _ends_with_a_process(other):
        return bool(topics_of(task) & topics_of(other))
    waits = other.module == "wait_for" and str(other.args.get("state", "started")) != "stopped"
    waits = waits or _WAITING_MODULE.search(other.short_name) is not None
    if waits or "until" in other.keywords or _waits_by_program(other):
        is_about_it = len(topics_of(task) & topics_of(other)) >= ENOUGH_IN_COMMON
        return is_about_it or _looks_at_its_file(task, other) or _waits_for_its_process(task, other)
    return False


def _ends_with_a_process(task: Task) -> bool:
    """Whether the task runs ``tail --pid=NUMBER``, which ends when that process does."""
    programs = (argv for command in work.commands(task) for argv in command.programs())
    return any(argv[0] == "tail" and any(word.startswith("--pid") for word in argv[1:]) for argv in programs)


def _looks_at_its_file(task: Task, other: Task) -> bool:
    """Whether the other task looks at a path that stands in this one's arguments, by its own or as ``test -f``."""
    programs = (argv for command in work.commands(other) for argv in command.programs())
    paths = [other.args.get("path"), *(word for argv in programs if argv[0] in _OF_FILES for word in argv[1:])]
    written = " ".join(every_text(task.args))
    return any(isinstance(path, str) and "/" in path and len(path) > STEM and path in written for path in paths)


def ends_with_its_process(task: Task) -> bool:
    """Whether the task waits until no process is left, by a program that finds processes or that ends with one."""
    return _ends_with_a_process(task) or (
        not _FINDING.isdisjoint(work.program_names(task))
        and _NONE_LEFT.search(str(task.keywords.get("until", ""))) is not None
    )


def _waits_for_its_process(task: Task, other: Task) -> bool:
    """Whether the other task asks, until there is none, for a process by what stands in this one's command line."""
    if not ends_with_its_process(other):
        return False
    written = " ".join(every_text(task.args))
    programs = (argv for command in work.commands(other) for argv in command.programs())
    asked = (argv[-1] for argv in programs if argv[0] in _FINDING)
    return any(len(word) >= SHORTEST_NAME and word in written for word in asked)


def _waits_by_program(task: Task) -> bool:
    """Whether the task runs a program that waits, as in ``kubectl wait`` and ``cloud-init status --wait``."""
    if "async" in task.keywords:
        return False
    words = {word for command in work.commands(task) for word in command.argv[1:]}
    return any(word in ("wait", "--wait") or word.startswith("wait-for") for word in words)


def outlasts_the_job(other: OwnWait, launch: Launch) -> bool:
    """Whether a wait that is tied to the launch gives its work more time than the job has."""
    return other.is_tied and (_window(other.task) or 0) > max(launch.limit.values, default=0)


def _window(task: Task) -> float | None:
    """For how many seconds the task waits at most; None where it does not say so in numbers."""
    if task.short_name in ("wait_for", "win_wait_for"):
        return number(task.args.get("timeout"))
    retries, delay = (number(task.keywords.get(key)) for key in ("retries", "delay"))
    return retries * delay if retries and delay else None


def _by_its_info(analysis: Analysis, launch: Launch) -> Task | None:
    """A task that asks again and again for what the launch's module makes, by the module that tells of such things.

    As ``ovirt_host_info`` after ``ovirt_host``, in the same play or in one that follows.
    """
    names = {f"{launch.task.short_name}_info", f"{launch.task.short_name}_facts"}
    later = chain(following(analysis, launch.task, launch.via), in_later_plays(analysis, launch.via))
    asking = (other for other in islice(later, _MOST_FOR_INFO) if other.short_name in names)
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
    return f"until its condition holds ({shortened(' '.join(as_written(until).split()))})"


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
