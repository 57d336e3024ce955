"""async-secret: a job that holds a secret, and whose status file nothing cleans up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence.neighbours import MAX_KEPT
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import constant, speak
from ansible_reap.content import expressions
from ansible_reap.content.model import Task
from ansible_reap.content.source import Hidden, Undecided
from ansible_reap.flow.analysis import Analysis, Launch, ReapKind

MAX_DEPTH = 8
_OF_STATES = frozenset({"service", "systemd", "systemd_service", "sysvinit", "service_facts", "package_facts", "stat",
                        "ping", "wait_for"})  # fmt: skip
_OF_PACKAGES = frozenset({"package", "apt", "dnf", "dnf5", "yum"})
"""Modules of ansible-core that are told names and states, and return such."""
_NAMES = frozenset({"name", "service", "state", "path"})


def check(context: RuleContext) -> Iterator[Finding]:
    for launch in context.analysis.launches:
        why = _secret(launch.task)
        # With poll above 0 Ansible removes the file itself.
        if why is None or not launch.is_never_polled or _is_cleaned(context.analysis, launch):
            continue
        wait = next((reap.task for reap in launch.reaps if reap.kind is ReapKind.WAIT), None)
        if wait and not _holds_vaulted(launch.task.args) and constant(wait.inherited("no_log")) is not True:
            continue  # the wait prints the result, so it is no secret
        todo = "after the wait" if wait else "after a wait for it"
        yield speak(
            RULE,
            launch.task,
            f"{why}, but the job's status file on the host holds its command and output in clear, with mode 0644, and "
            f"with poll: 0 nothing removes it. Add an async_status with 'mode: cleanup' {todo}.",
            related=[(wait, "waits for it; clean up after this")] if wait else (),
            settings=launch.settings,
            fix=fixes.cleanup.after(context.analysis, wait) if wait else None,
        )


def _secret(task: Task) -> str | None:
    """Why the task is one that holds a secret, or None."""
    if _holds_vaulted(task.args):
        return "Some of its arguments are vaulted"
    if constant(task.inherited("no_log")) is not True or _speaks_of_states(task):
        return None
    return "no_log keeps the result out of what Ansible prints"


def _speaks_of_states(task: Task) -> bool:
    """Whether the job is told names and states alone, so that ``no_log`` is there for less to read.

    A service may be given arguments, and a package be the address of one, with a password in it.
    """
    if task.module in _OF_PACKAGES:
        return not expressions.has_templates(task.args) and "://" not in str(task.args)
    if task.module not in _OF_STATES or not {"arguments", "args"}.isdisjoint(task.args):
        return False
    return not any(expressions.has_templates(value) for key, value in task.args.items() if key not in _NAMES)


def _holds_vaulted(data: object, depth: int = 0) -> bool:
    if isinstance(data, Hidden) and not isinstance(data, Undecided):
        return True
    if depth > MAX_DEPTH:
        return False
    if isinstance(data, Mapping):
        return any(_holds_vaulted(value, depth + 1) for value in data.values())
    return isinstance(data, list) and any(_holds_vaulted(value, depth + 1) for value in data)


def _is_cleaned(analysis: Analysis, launch: Launch) -> bool:
    """Whether something removes the status file: a clean-up, ``reap.jobs.wait``, a task that names the file."""
    looks = (*launch.looks, *launch.reaps)
    if any(look.kind is ReapKind.CLEANUP for look in looks):
        return True
    if any(look.task.module == "reap.jobs.wait" and constant(look.task.args.get("cleanup", True)) for look in looks):
        return True
    return launch.task.line < _last_to_name_files(analysis.steps.get(launch.task.path, ()))


@lru_cache(maxsize=MAX_KEPT)
def _last_to_name_files(steps: tuple[Task, ...]) -> int:
    """The line of the last task of a file that names status files of jobs; 0 where none does."""
    written = ((step.line, str(step.args)) for step in steps)
    return max((line for line, args in written if "results_file" in args or ".ansible_async" in args), default=0)


RULE = Rule(
    id="async-secret",
    sub_tags=(),
    severity=Level.LOW,
    tags=("unpredictability",),
    summary="A job that holds a secret, and whose status file nothing cleans up",
    check=check,
)
