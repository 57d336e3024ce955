"""Bounds on what a test may cost that hold on a busy machine too: processor time, and an end to what might hang."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def processor_time_below(seconds: float) -> Iterator[None]:
    """Fails where this process works longer than that; what other processes do does not count."""
    start = time.process_time()
    yield
    spent = time.process_time() - start
    assert spent < seconds, f"took {spent:.1f} s of processor time"


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    """Ends what would wait for ever; the bound is far above what the work takes on any machine."""

    def give_up(_: int, __: FrameType | None) -> None:
        raise AssertionError(f"has not ended after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
