"""The arithmetic of async time: limits, kill steps and wait budgets. All figures are seconds."""

from __future__ import annotations

DEFAULT_POLL = 15
"""Interval used when ``poll`` is left out (ansible-core 2.16 to 2.22; configurable as ``DEFAULT_POLL_INTERVAL``)."""

DEFAULT_RETRIES = 3
"""Tries of an ``until`` without ``retries`` (ansible-core 2.16 to 2.22, playbooks_loops)."""

DEFAULT_DELAY = 5
"""Pause between the tries of an ``until`` without ``delay`` (ansible-core 2.16 to 2.22, playbooks_loops)."""

KILL_STEP = 5
"""The wrapper enforces the limit in steps of this size; limits at or under it are enforced more finely."""

FIX_MARGIN = 10
"""A wait budget must exceed the limit by this much to see the job killed at its limit (measured, up to early 2.19)."""


def wait_budget(retries: float, delay: float) -> float:
    """How long a reap with ``until`` waits before it gives up."""
    return max(retries, 0) * max(delay, 0)


def kill_margin(core: tuple[int, ...]) -> int:
    """How long after its limit a job may still live on this ansible-core.

    Up to early 2.19 releases a job could outlive its limit by 5 to 10 s; 2.19.14 and later kill near the limit.
    """
    return KILL_STEP if core >= (2, 19, 14) else 2 * KILL_STEP
