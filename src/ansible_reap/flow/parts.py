"""Parts of values: attributes and items, sums, methods of text. What is not known stays unknown."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ansible_reap.flow.values import (
    ABSENT,
    EACH,
    UNKNOWN,
    Const,
    Job,
    JobId,
    Seq,
    Stage,
    Undefined,
    Unknown,
    Value,
    as_seq,
    lifted,
    one_of,
    picked,
    plain,
    taints,
)

MAX_NUMBER = 10**15
MAX_TEXT = 20_000
MAX_REMEMBERED = 5000
_ID_ATTRIBUTES = frozenset({"ansible_job_id", "results_file", "ansible_async_watchdog_pid"})
_ABSENT_WHILE_RUNNING = frozenset(
    {
        "skipped",
        "skip_reason",
        "rc",
        "stdout",
        "stderr",
        "stdout_lines",
        "stderr_lines",
        "start",
        "end",
        "delta",
        "results",
    }
)
_templated: dict[int, tuple[object, bool]] = {}
"""Whether a list or dictionary holds templates, by identity; the data is kept so that no other can take its place."""


def has_templates(data: object) -> bool:
    """Whether there is any template in the data."""
    known = _templated.get(id(data))
    if known is None or known[0] is not data:
        if len(_templated) > MAX_REMEMBERED:
            _templated.clear()
        text = repr(data)
        known = _templated[id(data)] = (data, "{{" in text or "{%" in text)
    return known[1]


def job_part(job: Job, key: object) -> Value:
    """What ``.key`` of a job's result holds, as far as it can be known at its stage."""
    if not isinstance(key, str):
        return Unknown(frozenset({job.instance}))
    if key in _ID_ATTRIBUTES:
        return JobId(job.instance, job.index, job.is_partial)
    if key in (job.loop_var, "item"):
        return job.item if job.item is not None else UNKNOWN
    if job.stage is Stage.LAUNCHED:
        if key in _ABSENT_WHILE_RUNNING:
            return ABSENT
        if key in ("changed", "started"):
            return Const(1)
        if key in ("failed", "finished", "unreachable"):
            return Const(0)
    if key == "skipped":
        return ABSENT
    if job.stage is Stage.DONE and key == "finished":
        return Const(1)
    if key == "ansible_loop_var":
        return Const(job.loop_var)
    return Unknown(frozenset({job.instance}))


def seq_part(seq: Seq, key: object) -> Value:
    """The list's item at a position, or some item where the position is not known."""
    if isinstance(key, str) and key.lstrip("-").isdigit():
        key = int(key)
    if isinstance(key, bool) or not isinstance(key, int):
        return one_of(seq)
    if seq.is_row:
        return seq.items[key] if -len(seq.items) <= key < len(seq.items) else ABSENT
    if seq.is_open or any(isinstance(item, (Job, JobId)) and item.index == EACH for item in seq.items):
        return picked(seq.items[0]) if len(seq.items) == 1 else one_of(Seq(seq.items, is_open=True))
    return seq.items[key] if -len(seq.items) <= key < len(seq.items) else ABSENT


def as_number(value: Value, function: Callable[[Any], Any]) -> Value:
    """The function applied to a number."""
    data = plain(value)
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        return Const(function(data))
    return Unknown(taints(value))


def combined(function: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    """Two values added, multiplied and so on; lists are joined."""
    if function is operator.add:
        first, second = as_seq(left), as_seq(right)
        if first is not None and second is not None:
            return Seq(first.items + second.items, first.is_open or second.is_open)
        if (first is not None and isinstance(right, (Unknown, Undefined))) or (
            second is not None and isinstance(left, (Unknown, Undefined))
        ):
            known = first if first is not None else second
            assert known is not None
            extra = taints(left) | taints(right) - taints(known)
            rest: tuple[Value, ...] = (Unknown(extra),) if extra - taints(known) else ()
            return Seq(known.items + rest, is_open=True)
    a, b = plain(left), plain(right)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        if abs(a) < MAX_NUMBER and abs(b) < MAX_NUMBER:
            try:
                return Const(function(a, b))
            except (ArithmeticError, ValueError):
                return UNKNOWN
        return UNKNOWN
    if function is operator.add and isinstance(a, str) and isinstance(b, str) and len(a) + len(b) < MAX_TEXT:
        return Const(a + b)
    return Unknown(taints(left) | taints(right))


def string_method(text: str, method: str, arguments: list[Any]) -> Value:
    """What a method of constant text gives back."""
    if not all(isinstance(argument, (str, int)) for argument in arguments):
        return UNKNOWN
    if method in ("lower", "upper", "strip", "split", "replace", "rstrip", "lstrip", "title", "startswith", "endswith"):
        try:
            return lifted(getattr(text, method)(*arguments))
        except (TypeError, ValueError):
            return UNKNOWN
    return UNKNOWN
