"""When a job ended, by its status file: for modules that do not report their own times."""

from __future__ import annotations

import shlex

from ansible_reap.runtime.events.ansible_objects import Action

STEP = 2.0
"""By how many seconds the end that an age tells may be too late: two clocks are read to the second."""

_BOTH_TIMES = "echo $(date +%s) $(stat -c %Y {file} 2>/dev/null || stat -f %m {file} 2>/dev/null)"
"""The host's own clock and the file's time, by GNU and BusyBox or else by BSD."""
_LONGEST_NUMBER = 12
_OLDEST = 10 * 365 * 86400


def age(handler: Action, folder: str, name: str) -> float | None:
    """For how many seconds at least nobody has written to the file, by the clock of its host; None if it does not tell.

    ``handler`` is an action plugin with a connection to that host. A job writes its file for the last time as it ends.
    """
    shell = handler._connection._shell  # noqa: SLF001 - an action plugin's own, as below
    if getattr(shell, "_IS_WINDOWS", False) or not folder.startswith(("/", "~/")):
        return None
    home, rest = ("~/", folder[2:]) if folder.startswith("~/") else ("", folder)
    file = f"{home}{shlex.quote(f'{rest}/{name}')}"
    answer = handler._low_level_execute_command(_BOTH_TIMES.format(file=file))  # noqa: SLF001
    numbers = str(answer.get("stdout", ""))[:1000].split()
    if len(numbers) != 2 or not all(one.isascii() and one.isdigit() and len(one) < _LONGEST_NUMBER for one in numbers):
        return None
    now, written = map(int, numbers)
    return float(min(max(now - written - 1, 0), _OLDEST))
