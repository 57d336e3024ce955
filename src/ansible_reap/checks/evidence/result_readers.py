"""Whether a later task reads how another one ended, or is there to say that something has failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ansible_reap.checks.evidence import conditions
from ansible_reap.checks.evidence.later_tasks import rescues
from ansible_reap.checks.evidence.neighbours import MAX_KEPT, play_of, tasks_naming
from ansible_reap.content import expressions
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis

_CONDITIONS = frozenset({"when", "failed_when", "changed_when", "until", "that"})
"""Keys whose strings are bare expressions."""
_OF_THE_RESULT = frozenset({"failed_when", "changed_when", "until"})
"""Keys whose expressions read the task's own result under the name of its register."""
_VERDICTS = frozenset({"fail", "assert"})
"""Modules whose purpose is to report a failure."""
_EVERY_RESULT = r"(?:failed|changed|msg|rc|stdout\w*|stderr\w*|finished|started|skipped|ansible_job_id)\b"
"""Attributes that the result of a wait may have whatever became of the job."""


def tests_failure_of(analysis: Analysis, task: Task) -> bool:
    """Whether a later task of the file can tell how this one ended.

    It tests the result, as in ``when: x is failed`` or an assert on it, or it is handed the whole result.
    """
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return False
    return any(_judges(other, register) for other in _reading(analysis, task.path, task.line, register))


def caller_that_tests(analysis: Analysis, task: Task, via: Sequence[str]) -> str | None:
    """Of the places on the way to a task the one after which a task can tell how this one ended, as ``tasks.yml:7``."""
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return None
    for place in via[:-1]:
        path, _, line = place.rpartition(":")
        reading = _reading(analysis, path, int(line), register)
        if path != task.path and any(_judges(other, register) for other in reading):
            return place
    return None


def shown_by(analysis: Analysis, task: Task) -> Task | None:
    """The later task of the file that prints whether this one has failed; None where none does."""
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return None
    asked = re.compile(rf"\b{re.escape(register)}(?:\.failed|\['failed'\]|\s+is\s+(?:not\s+)?(?:failed|succeeded))\b")
    for other in _reading(analysis, task.path, task.line, register):
        if other.module == "debug" and any(map(asked.search, _strings(list(other.args.values()), bare=False))):
            return other
    return None


def _reading(analysis: Analysis, path: str, line: int, register: str) -> Iterator[Task]:
    """The tasks of the file after a line that name the register, up to the first that overwrites it, skipped or not."""
    of_rescues = rescues(analysis.root, path)
    inside = of_rescues.get(line, frozenset())
    for other in tasks_naming(analysis, path, register, line):
        yield other
        if other.keywords.get("register") == register and of_rescues.get(other.line, frozenset()) <= inside:
            return


def needs_success_of(analysis: Analysis, task: Task) -> bool:
    """Whether a later task of the file fails without what only a success returns, as in ``loop: "{{ x.files }}"``."""
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return False
    needs = re.compile(rf"^\s*\{{\{{\s*{re.escape(register)}\.(?!{_EVERY_RESULT})\w+\s*\}}\}}\s*$")
    return any(
        needs.match(value)
        for other in tasks_naming(analysis, task.path, register, task.line)
        if other.module != "debug"
        for key, value in (*other.keywords.items(), *other.args.items())
        if isinstance(value, str) and (_is_loop(key) or key in other.args)
    )


def fails_later(analysis: Analysis, task: Task) -> bool:
    """Whether a later task of the same file and play exists to say that something has failed, under a condition."""
    play = play_of(task)
    failing = _failing(analysis.steps.get(task.path, ()))
    return any(other.line > task.end_line and play_of(other) == play for other in failing)


@lru_cache(maxsize=MAX_KEPT)
def _failing(steps: tuple[Task, ...]) -> tuple[Task, ...]:
    return tuple(step for step in steps if step.module in _VERDICTS)


def _judges(task: Task, register: str) -> bool:
    names = {register, *_loop_variables(task, register)}
    overwrites = task.keywords.get("register") == register
    for key, value in (*task.keywords.items(), *task.args.items()):
        is_condition = key in _CONDITIONS
        if overwrites and key in _OF_THE_RESULT:
            continue
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
