"""Constant text and numbers: sums, the filters and methods that change them, and what a number of seconds can be."""

from __future__ import annotations

import base64
import operator
import os.path
import shlex
from collections.abc import Callable
from typing import Any, TypeGuard

from jinja2 import nodes

from ansible_reap.content import expressions
from ansible_reap.flow.evaluation.host_sets import joined
from ansible_reap.flow.evaluation.values import (
    NOT_PLAIN,
    UNKNOWN,
    Const,
    Job,
    JobId,
    Seq,
    Undefined,
    Unknown,
    Value,
    as_seq,
    hosts_in,
    lifted,
    options,
    plain,
    shortened,
    taints,
)
from ansible_reap.late_patterns import expression
from ansible_reap.records import replace

MAX_NUMBER = 10**15
MAX_EXPONENT = 64
MAX_SECONDS = 1e12
"""Thirty thousand years, in seconds: a larger number is not taken for a length of time."""
MAX_TEXT = 20_000
MAX_CHAINED = 2_000
"""Items of a list that lists are joined to."""
_TRUE_TEXT = frozenset({"yes", "on", "1", "true"})
"""Texts of which the filter ``bool`` makes true; of every other it makes false (ansible-core 2.16 to 2.22)."""
_NO_TEXT = frozenset({"n", "no", "f", "false", "off", "0", "0.0"})
"""Texts that mean false where Ansible converts them strictly (ansible-core 2.16 to 2.22)."""


def _replaced(text: str, old: str, new: str) -> str:
    """As ``str.replace``. Raises ValueError where the text would grow beyond bounds."""
    if len(text) + text.count(old) * max(len(new) - len(old), 0) > MAX_TEXT:
        raise ValueError(new)
    return text.replace(old, new)


def _power(base: float, exponent: float) -> Any:
    """As ``**``. Raises ValueError where the number may grow beyond bounds."""
    if abs(exponent) > MAX_EXPONENT:
        raise ValueError(exponent)
    return base**exponent


ARITHMETIC: dict[type[nodes.Expr], Callable[[Any, Any], Any]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
    nodes.Mul: operator.mul,
    nodes.Div: operator.truediv,
    nodes.FloorDiv: operator.floordiv,
    nodes.Mod: operator.mod,
    nodes.Pow: _power,
}
TEXTUAL: dict[str, Callable[..., Any]] = {
    "basename": os.path.basename,
    "dirname": os.path.dirname,
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "replace": _replaced,
    "split": lambda text, by=None: text.split(by),
    "title": lambda text: text.title(),
    "trim": lambda text, chars=None: text.strip(chars),
    "safe": lambda text: text,
    "quote": shlex.quote,
    "b64decode": lambda text: base64.b64decode(text).decode(),
}
"""Filters of text: of Jinja, and of ansible-core 2.16 to 2.22."""
ABOUT_TEXT = frozenset({"regex_replace"})
"""Filters of text of which it is known only whether they leave an id in it."""
_KEEP_IDS = frozenset({"basename", "lower", "upper", "title", "trim", "safe", "quote"})
_TAKEN_OVER = expression(r"\\(?:\d|g<\w+>)|[\W_]")
"""What a replacement may have that puts no text of its own into what it replaces."""
NUMERIC: dict[str, Callable[[float], Any]] = {"int": int, "float": float, "abs": abs, "round": round}
"""Filters of numbers: of Jinja."""


def numeric(value: Value, name: str, default: Value) -> Value:
    """What a filter of NUMERIC makes of a value; the default stands for what is no number."""
    data = plain(value)
    if isinstance(data, Undefined) or data is NOT_PLAIN or data is None:  # null stands for what is given at run time
        return value if taints(value) else UNKNOWN
    try:
        number = float(data)
    except (TypeError, ValueError):
        return default if name in ("int", "float") else UNKNOWN
    if number != number or abs(number) > 1e15:  # noqa: PLR0124 - not a number
        return UNKNOWN
    return Const(NUMERIC[name](number))


def keeps_id(name: str, arguments: list[Any]) -> bool:
    """Whether a filter of text that is given a job's id, or its file, leaves that name in it or nothing at all."""
    if name in ("replace", "regex_replace"):
        new = arguments[1] if len(arguments) == 2 else None
        return isinstance(new, str) and not _TAKEN_OVER.sub("", new)
    return name in _KEEP_IDS and not arguments


def textual(value: Value, name: str, arguments: list[Any]) -> Value:
    """What a filter of TEXTUAL makes of a value."""
    data = plain(value)
    if not isinstance(data, str):
        return Unknown(taints(value))
    try:
        return lifted(TEXTUAL[name](data, *arguments))
    except (TypeError, ValueError):
        return UNKNOWN


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
            return _chained(first, second)
        if (first is not None and isinstance(right, (Unknown, Undefined))) or (
            second is not None and isinstance(left, (Unknown, Undefined))
        ):
            known = first if first is not None else second
            assert known is not None
            extra = taints(left) | taints(right) - taints(known)
            rest: tuple[Value, ...] = (Unknown(extra),) if extra - taints(known) else ()
            unread = right if first is not None else left
            if isinstance(unread, Unknown) and unread.hosts is not None:
                return Unknown(extra | taints(known), joined(hosts_in(known), unread.hosts))
            return Seq(known.items + rest, is_open=True)
        if isinstance(left, Unknown) and isinstance(right, Unknown) and left.hosts and right.hosts:
            return Unknown(left.taints | right.taints, joined(left.hosts, right.hosts))
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


def _chained(first: Seq, second: Seq) -> Seq:
    """One list after the other; of what is beyond the bound only the jobs are kept.

    Of parts of one list nobody can tell whether they are all of it.
    """
    parts = [
        item for seq in (first, second) for item in seq.items if isinstance(item, (Job, JobId)) and item.is_partial
    ]
    if len({part.instance for part in parts}) < len(parts):
        first, second = (replace(seq, items=tuple(map(_perhaps_all, seq.items))) for seq in (first, second))
    return shortened(first.items + second.items, MAX_CHAINED, is_open=first.is_open or second.is_open)


def _perhaps_all(item: Value) -> Value:
    return Unknown(taints(item)) if isinstance(item, (Job, JobId)) and item.is_partial else item


def string_method(text: str, method: str, arguments: list[Any]) -> Value:
    """What a method of constant text gives back."""
    if not all(isinstance(argument, (str, int)) for argument in arguments):
        return UNKNOWN
    if method == "replace" and len(arguments) == 2:
        return textual(Const(text), method, arguments)
    if method in ("lower", "upper", "strip", "split", "replace", "rstrip", "lstrip", "title", "startswith", "endswith"):
        try:
            return lifted(getattr(text, method)(*arguments))
        except (TypeError, ValueError):
            return UNKNOWN
    return UNKNOWN


def numbers(value: Value, default: float) -> tuple[set[float], bool]:
    """The numbers that the value can be, and whether there may be others; ``omit`` and null mean the default."""
    found: set[float] = set()
    is_open = False
    for _, inner in options(value):
        data = plain(inner)
        if data is None or data == "__omit__":
            found.add(default)
        elif data is NOT_PLAIN or isinstance(inner, Undefined):
            is_open = True
        elif isinstance(data, (bool, int, float, str)):
            try:
                found.add(float(data) if not isinstance(data, str) or data.strip() else default)
            except (ValueError, OverflowError):
                is_open = True
        else:
            is_open = True
    usable = {number for number in found if abs(number) < MAX_SECONDS}  # which NaN is not either
    is_open = is_open or len(usable) < len(found)
    return {int(number) if number == int(number) else number for number in usable}, is_open


def is_no_number(written: object) -> TypeGuard[str]:
    """Whether it is a plain text where Ansible takes a number: the task fails (seen on ansible-core 2.16 and 2.22)."""
    if not isinstance(written, str) or not written.strip() or expressions.is_template(written):
        return False
    try:
        float(written)
    except ValueError:
        return True
    return False


def as_bool(data: Any) -> bool:
    """What the filter ``bool`` makes of plain data (seen on ansible-core 2.16 and 2.22)."""
    return data.lower() in _TRUE_TEXT if isinstance(data, str) else bool(data == 1)


def as_meant(data: Any) -> bool:
    """What ``truthy(convert_bool=true)`` makes of plain data: a text that means no boolean counts as what it is."""
    text = data.strip().lower() if isinstance(data, str) else None
    return bool(data) and text not in _NO_TEXT
