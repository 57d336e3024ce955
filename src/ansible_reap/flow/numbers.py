"""Values as numbers of seconds or tries."""

from __future__ import annotations

from ansible_reap.flow.evaluation.values import NOT_PLAIN, Undefined, Value, options, plain


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
        elif isinstance(data, (bool, int, float)):
            found.add(float(data))
        elif isinstance(data, str):
            try:
                found.add(float(data) if data.strip() else default)
            except ValueError:
                is_open = True
        else:
            is_open = True
    return {int(number) if number == int(number) else number for number in found if abs(number) < 1e12}, is_open
