"""When a job ended, by its status file: a module that does not time itself leaves that behind."""

from __future__ import annotations

import shlex
from typing import Any

STEP = 2.0
"""By how many seconds the end that an age tells may be too late: two clocks are read to the second."""

_BOTH_TIMES = "echo $(date +%s) $(stat -c %Y {file} 2>/dev/null || stat -f %m {file} 2>/dev/null)"
"""The host's own clock and the file's time, by GNU and BusyBox or else by BSD."""


def age(handler: Any, path: str) -> float | None:
    """For how many seconds at least nobody has written to the file, by the clock of its host; None if it does not tell.

    ``handler`` is an action plugin with a connection to that host. A job writes its file for the last time as it ends.
    """
    shell = handler._connection._shell  # noqa: SLF001 - an action plugin's own, as below
    if not path.startswith("/") or getattr(shell, "_IS_WINDOWS", False):
        return None
    answer = handler._low_level_execute_command(_BOTH_TIMES.format(file=shlex.quote(path)))  # noqa: SLF001
    numbers = str(answer.get("stdout", "")).split()
    if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
        return None
    now, written = map(int, numbers)
    return float(max(now - written - 1, 0))
