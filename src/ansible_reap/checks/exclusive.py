"""async-exclusive: jobs side by side that fight over one exclusive lock."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks.evidence import work
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import contexts, is_template, speak
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
_PROGRAMS = {
    "apt": "dpkg",
    "apt-get": "dpkg",
    "aptitude": "dpkg",
    "yum": "rpm",
    "dnf": "rpm",
    "microdnf": "rpm",
    "zypper": "zypper",
    "pacman": "pacman",
}
_CHANGES = frozenset({"install", "upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade", "update", "remove", "purge",
                      "autoremove", "reinstall", "downgrade", "groupinstall", "localinstall", "distro-sync", "in", "up",
                      "dup", "rm", "patch", "-S", "-Sy", "-Syu", "-R", "-U"})  # fmt: skip
"""Subcommands that take the lock; ``list``, ``search`` and ``check-update`` do not count."""


def check(context: RuleContext) -> Iterator[Finding]:
    for launch in context.analysis.launches:
        lock = lock_of(launch.task)
        if lock is None:
            continue
        rivals = [other for other in launch.beside if other is not launch.task and _collides(lock, lock_of(other))]
        if rivals:
            yield _finding(launch, lock, f"'{rivals[0].label}' may still be running", Level.HIGH, rivals)
        elif _is_looped_on_one_host(launch):
            yield _finding(launch, lock, "each item of the loop is a job of its own", Level.MEDIUM, [])


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
    """``package`` takes whatever lock its host has, so it meets any other."""
    return other is not None and (lock == other or "package" in (lock, other))


def _is_looped_on_one_host(launch: Launch) -> bool:
    keywords = launch.task.keywords
    items = keywords.get("loop", keywords.get("with_items"))
    if not launch.is_looped or (isinstance(items, list) and len(items) < 2):
        return False
    return not any(is_template(setting.delegate_to) for setting in contexts(launch.task, launch.settings))


def _finding(launch: Launch, lock: str, why: str, confidence: Level, rivals: list[Task]) -> Finding:
    name = "the package manager" if lock == "package" else lock
    return speak(
        RULE,
        launch.task,
        f"Jobs side by side fight over the lock of {name}: {why} when this one starts. One of them waits, or fails.",
        confidence=confidence,
        related=[(other, "launched here and not reaped before") for other in rivals],
        settings=launch.settings,
        suggestion="poll: 15" if rivals else "# one task with the whole list: name: [a, b, c]",
    )


RULE = Rule(
    id="async-exclusive",
    sub_tags=(),
    severity=Level.MEDIUM,
    tags=("unpredictability",),
    summary="Jobs that fight over an exclusive lock, side by side",
    check=check,
)
