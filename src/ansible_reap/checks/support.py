"""Shared by the checks: making a finding, reading numbers and truth values, wording lists."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ansible_reap.checks.finding import Finding, Fix, Level, Related, Rule
from ansible_reap.content.expressions import names_in
from ansible_reap.content.inventory import CONNECTION_VARIABLES
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Launch, Setting
from ansible_reap.wording import seconds_text

_TRUE = frozenset({"true", "yes", "on", "1", "y", "t"})
_FALSE = frozenset({"false", "no", "off", "0", "n", "f"})
"""Spellings that Ansible converts to a truth value for a boolean keyword (ansible-core 2.16 to 2.22)."""

_MAGIC = frozenset({"ansible_check_mode", "ansible_diff_mode", "omit"})
"""Names that Ansible gives a meaning which nobody can set."""


def speak(  # noqa: PLR0913 - all but two go by keyword
    rule: Rule,
    task: Task,
    message: str,
    *,
    sub_tag: str | None = None,
    confidence: Level = Level.HIGH,
    related: Sequence[tuple[Task, str]] = (),
    settings: Sequence[Setting] = (),
    severity: Level | None = None,
    fix: Fix | None = None,
) -> Finding:
    """A finding of the rule at the task; ``related`` are other tasks and why to look at them."""
    return Finding(
        rule=rule.id,
        sub_tag=sub_tag,
        severity=severity or rule.severity,
        confidence=confidence,
        place=task.place,
        end_line=task.end_line,
        task=task.label,
        message=message,
        related=tuple(Related(other.place, why) for other, why in related),
        via=settings[0].via if settings else (),
        fix=fix if fix and fix.is_safe else None,
        proposal=None if fix is None or fix.is_safe else fix,
    )


def constant(value: object) -> bool | None:
    """A truth value as Ansible reads a boolean keyword; None for a template and for anything else not constant."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return bool(value) if value in (0, 1) else None
    if isinstance(value, str):
        word = value.strip().lower()
        return word in _TRUE if word in _TRUE | _FALSE else None
    return None


def as_written(condition: object) -> str:
    """A condition as it stands in the playbook; of a list all must hold."""
    return " and ".join(map(str, condition)) if isinstance(condition, list) else str(condition)


def listed(words: Iterable[str]) -> str:
    """As in ``a, b and c``."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def contexts(task: Task, settings: Sequence[Setting]) -> Sequence[Setting]:
    """The task's settings in each context; for a task that the walk has not reached, those of its own file."""
    if settings:
        return settings
    return (
        Setting(
            hosts=_text(task.inherited("hosts")),
            become=task.inherited("become"),
            become_user=_text(task.inherited("become_user")),
            delegate_to=_text(task.inherited("delegate_to")),
            run_once=task.inherited("run_once"),
            check_mode=task.inherited("check_mode"),
            ignore_errors=task.inherited("ignore_errors"),
            async_dir=_text(variable(task, "ansible_async_dir")),
            connection=task.inherited("connection"),
            variables={name: value for name in CONNECTION_VARIABLES if (value := variable(task, name)) is not None},
        ),
    )


def variable(task: Task, name: str) -> object:
    """A variable of the ``vars:`` of the task or of the nearest block around it, as written."""
    for keywords in (task.keywords, *(block.keywords for block in task.enclosing())):
        variables = keywords.get("vars")
        if isinstance(variables, Mapping) and name in variables:
            return variables[name]
    return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def is_open(task: Task, *keywords: str) -> bool:
    """Whether one of the numbers comes out of variables that the inventory or the command line may set."""
    return any(names_in(task.keywords.get(keyword)) - _MAGIC for keyword in keywords)


def limit_text(launch: Launch, named: str = "the limit") -> str:
    """The launch's limit as messages name it, as in ``the limit of 300 s (unless set elsewhere)``."""
    limit = launch.limit.single
    if not limit:
        return named
    return f"{named} of {seconds_text(limit)}{' (unless set elsewhere)' if is_open(launch.task, 'async') else ''}"


def number(value: object) -> float | None:
    """A number written plainly; None for a template or anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return finite(float(value))
    except (ValueError, OverflowError):
        return None


def finite(value: float) -> float | None:
    """The number; None for one that is none or has no end."""
    return value if math.isfinite(value) else None
