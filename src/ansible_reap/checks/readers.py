"""Who reads the result of a task later on: only within the same file, where the order is the text's."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks.evidence import conditions
from ansible_reap.checks.evidence.neighbours import tasks_of_file
from ansible_reap.content import expressions
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis

_CONDITIONS = frozenset({"when", "failed_when", "changed_when", "until", "that"})
"""Keys whose strings are bare expressions."""
_VERDICTS = frozenset({"fail", "assert"})
"""Modules that exist to say that something has failed."""


def tests_failure_of(analysis: Analysis, task: Task) -> bool:
    """Whether a later task of the file can tell how this one ended.

    It tests the result, as in ``when: x is failed`` or an assert on it, or it is handed the whole result.
    """
    register = task.keywords.get("register")
    return isinstance(register, str) and any(_judges(other, register) for other in _tasks_after(analysis, task))


def _judges(task: Task, register: str) -> bool:
    names = {register, *_loop_variables(task, register)}
    for key, value in (*task.keywords.items(), *task.args.items()):
        is_condition = key in _CONDITIONS
        if task.module == "debug" and not is_condition:
            continue
        for text in _strings(value, bare=is_condition):
            if any(conditions.judges(text, name) for name in names):
                return True
            if is_condition and task.module in _VERDICTS and any(conditions.mentions(text, name) for name in names):
                return True
            if not is_condition and not _is_loop(key) and any(conditions.hands_on(text, name) for name in names):
                return True
    return False


def _loop_variables(task: Task, register: str) -> Iterator[str]:
    """The variable by which a loop over the register's results hands out each of them."""
    for key, value in task.keywords.items():
        if _is_loop(key) and register in expressions.names_in(value):
            control = task.keywords.get("loop_control")
            name = control.get("loop_var") if isinstance(control, dict) else None
            yield name if isinstance(name, str) else "item"


def _is_loop(key: str) -> bool:
    return key == "loop" or key.startswith("with_")


def _tasks_after(analysis: Analysis, task: Task) -> Iterator[Task]:
    return (other for other in tasks_of_file(analysis, task.path) if other.line > task.line)


def _strings(value: object, *, bare: bool, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        if bare or expressions.is_template(value):
            yield value
    elif depth < 8 and isinstance(value, (list, tuple)):
        for inner in value:
            yield from _strings(inner, bare=bare, depth=depth + 1)
    elif depth < 8 and isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner, bare=bare, depth=depth + 1)
