"""async-exclusive: jobs that run side by side and need the same exclusive lock."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks.evidence import work
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import constant, contexts, speak
from ansible_reap.content.expressions import is_template
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Launch

_MODULES = {
    "apt": "dpkg",
    "yum": "rpm",
    "dnf": "rpm",
    "dnf5": "rpm",
    "package": "package",
    "zypper": "zypper",
    "community.general.zypper": "zypper",
    "pacman": "pacman",
    "community.general.pacman": "pacman",
    "apk": "apk",
    "community.general.apk": "apk",
    "portage": "portage",
    "community.general.portage": "portage",
}
"""Module -> the lock that it needs. Source: ansible-core 2.16 to 2.22 and community.general 12."""
_PROGRAMS = {
    "apt": "dpkg",
    "apt-get": "dpkg",
    "aptitude": "dpkg",
    "yum": "rpm",
    "dnf": "rpm",
    "microdnf": "rpm",
    "zypper": "zypper",
    "pacman": "pacman",
    "apk": "apk",
}
"""Program -> the lock, by the manuals of apt(8), dpkg(1), yum(8), dnf(8), rpm(8), zypper(8), pacman(8) and apk(8)."""
_CHANGES = frozenset({"install", "upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade", "update", "remove", "purge",
                      "autoremove", "reinstall", "downgrade", "groupinstall", "localinstall", "distro-sync", "in", "up",
                      "dup", "rm", "patch", "-S", "-Sy", "-Syu", "-R", "-U", "add", "del", "fix"})  # fmt: skip
"""Subcommands that take the lock; ``list``, ``search`` and ``check-update`` do not count."""


def check(context: RuleContext) -> Iterator[Finding]:
    of_task = {launch.task: launch for launch in context.analysis.launches}
    in_background = {task for task, launch in of_task.items() if launch.is_never_polled}
    for launch in context.analysis.launches:
        lock = lock_of(launch.task)
        # Whether tasks run side by side is not known where their poll, or what they depend on, is not.
        if lock is None or launch.task not in in_background:
            continue
        rivals = [
            other
            for other in launch.beside
            if other is not launch.task
            and other in in_background
            and _collides(lock, lock_of(other))
            and _run_together(launch.task, other)
            and not _are_on_other_hosts(launch, of_task.get(other))
        ]
        if rivals:
            yield _finding(launch, lock, rivals)
        elif _is_looped_on_one_host(launch):
            yield _finding(launch, lock, [])


def _run_together(task: Task, other: Task) -> bool:
    """Whether both run under the same conditions, or one of them always does."""
    mine, theirs = _conditions(task), _conditions(other)
    if any(constant(condition) is False for condition in (*mine, *theirs)):
        return False
    return not mine or not theirs or mine == theirs


def _are_on_other_hosts(launch: Launch, other: Launch | None) -> bool:
    """Whether both are delegated, to hosts of different names."""
    if other is None:
        return False
    mine, theirs = ({setting.delegate_to for setting in contexts(each.task, each.settings)} for each in (launch, other))
    named = mine | theirs
    return mine.isdisjoint(theirs) and None not in named and not any(map(is_template, named))


def _conditions(task: Task) -> list[str]:
    found = task.whens()
    return [str(condition) for condition in found if condition is not None and condition is not True]


def lock_of(task: Task) -> str | None:
    """The package manager whose lock the task takes, or None."""
    if task.module in _MODULES:
        return _MODULES[task.module]
    for command in work.commands(task):
        for argv in command.programs():
            subcommand = next((word for word in argv[1:] if word in _CHANGES), None)
            if argv[0] in _PROGRAMS and subcommand:
                return _PROGRAMS[argv[0]]
    return None


def _collides(lock: str, other: str | None) -> bool:
    """Whether the two locks can be the same one: ``package`` takes that of whichever package manager its host has."""
    return other is not None and (lock == other or "package" in (lock, other))


def _is_looped_on_one_host(launch: Launch) -> bool:
    keywords = launch.task.keywords
    items = keywords.get("loop", keywords.get("with_items"))
    if not launch.is_looped or (isinstance(items, list) and len(items) < 2):
        return False
    return not any(is_template(setting.delegate_to) for setting in contexts(launch.task, launch.settings))


def _finding(launch: Launch, lock: str, rivals: list[Task]) -> Finding:
    name = "the package manager's lock" if lock == "package" else f"the lock of {lock}"
    if rivals:
        why = f"'{rivals[0].label}' ({rivals[0].place}) may still hold {name} when this job starts"
        todo = "Wait for it before this task, or install everything in one task"
    else:
        why = f"Each item of the loop is a job of its own, and all of them want {name} at once"
        todo = "Give the module the whole list in one task (name: [a, b, c])"
    return speak(
        RULE,
        launch.task,
        f"{why}: one of the jobs has to wait for the other, or fails. {todo}.",
        confidence=Level.HIGH if rivals else Level.MEDIUM,
        related=[(other, "launched here and not reaped before") for other in rivals],
        settings=launch.settings,
    )


RULE = Rule(
    id="async-exclusive",
    sub_tags=(),
    severity=Level.MEDIUM,
    tags=("unpredictability",),
    summary="Jobs that fight over an exclusive lock, side by side",
    check=check,
)
