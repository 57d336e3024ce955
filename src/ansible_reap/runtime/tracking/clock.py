"""The time by a clock that nobody sets: what ages and deadlines of a run's jobs are measured with."""

from __future__ import annotations

import time

_UNSET = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The first goes on while the machine sleeps, as jobs elsewhere do; only Linux has it."""
_BEGAN = time.time() - time.clock_gettime(_UNSET)


def now() -> float:
    """Seconds since the epoch, as if nobody had set the clock since the process began; a fork goes by the same."""
    return _BEGAN + time.clock_gettime(_UNSET)
