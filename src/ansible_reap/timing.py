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
"""A wait budget must exceed the limit by this much to see the job killed at its limit (measured on 2.18)."""

KILLS_NEAR_THE_LIMIT: dict[tuple[int, ...], int] = {(2, 18): 19, (2, 19): 12, (2, 20): 8, (2, 21): 2}
"""From which patch release on a version's async_wrapper kills a job near its limit; 2.22 does from its first on."""

KILLING_RELEASES = "ansible-core from 2.18.19, 2.19.12, 2.20.8 and 2.21.2"
"""The same as words."""


def wait_budget(retries: float, delay: float) -> float:
    """How long a reap with ``until`` waits before it gives up."""
    return max(retries, 0) * max(delay, 0)


def kill_margin(core: tuple[int, ...]) -> int:
    """How long, in seconds, a job may outlive its limit on this ansible-core."""
    first = KILLS_NEAR_THE_LIMIT.get(core[:2])
    near = core[:2] > max(KILLS_NEAR_THE_LIMIT) if first is None else core[2:3] >= (first,)
    return KILL_STEP if near else 2 * KILL_STEP
