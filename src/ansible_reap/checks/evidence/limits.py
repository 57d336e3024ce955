"""What a limit does to the work under it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ansible_reap.checks.evidence import endless, known_times, leaving, work
from ansible_reap.checks.evidence.neighbours import may_be_on_windows
from ansible_reap.checks.evidence.releases import may_run_on
from ansible_reap.checks.support import limit_text
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch, Quantity, Setting
from ansible_reap.timing import KILL_STEP, KILLING_RELEASES, KILLS_NEAR_THE_LIMIT

ENOUGH_FOR_SHORT_WORK = 60
"""Seconds: a limit that work meant to end at once does not reach."""
BOUND_REACHED = 0.9
"""Fraction of the longest time that the work may take: a limit above it counts as sufficient."""


def ends_it_at_once(analysis: Analysis, task: Task, limit: Quantity | None, settings: Sequence[Setting]) -> bool:
    """Whether the limit is under the step in which older versions of ansible-core enforce it, and reaches the work.

    Only where a version that enforces it more finely may run the task.
    """
    if limit is None or not limit.known or not 0 < max(limit.values) < KILL_STEP:
        return False
    # What has left its shell is not subject to the limit, Windows has another wrapper, and ``sleep 2 && reboot``
    # without a shell fails at once.
    if may_be_on_windows(analysis, task) or work.lacks_a_shell(task) or work.ends_at_once(task):
        return False
    commands = work.commands(task)
    is_too_late = max(limit.values) <= 1 and work.reboots(task) is not None and leaving.stays_a_second(commands)
    if leaving.moved_by(commands) or (leaving.outlives_the_limit(commands) and not is_too_late):
        return False
    return kills_near(analysis, task, settings)


def kills_near(analysis: Analysis, task: Task, settings: Sequence[Setting]) -> bool:
    """Whether a version of ansible-core that kills a job near its limit may run the task."""
    return may_run_on(analysis, task, min(KILLS_NEAR_THE_LIMIT), settings)


def has_another_wrapper(analysis: Analysis, task: Task) -> bool:
    """Whether Mitogen runs the task, by whose strategies jobs have a wrapper of its own in place of ansible-core's."""
    strategy = task.inherited("strategy", analysis.strategy)
    return isinstance(strategy, str) and strategy.rpartition(".")[2].startswith("mitogen")


def ended_before(launch: Launch) -> str | None:
    """The ``timeout`` that ends all of the work well before its limit does, as in ``timeout 10``; None elsewhere."""
    limit = launch.limit.single
    outermost = [command for command in work.commands(launch.task) if not command.depth]
    if limit is None or len(outermost) != 1 or outermost[0].is_background:
        return None
    bound = known_times.ends_by_itself(outermost)
    seconds = known_times.sleep_seconds(bound.split()[1]) if bound and bound.startswith("timeout ") else None
    return bound if seconds is not None and seconds + 2 * KILL_STEP < limit else None


def only_timeout_ends(task: Task) -> str | None:
    """Why nothing but its ``timeout`` ends the work, so that a job that does what it is for counts as failed."""
    outermost = [command for command in work.commands(task) if not command.depth]
    if len(outermost) != 1 or outermost[0].is_background or known_times.status_of_timeout(outermost) is None:
        return None
    return endless.only_timeout_ends(work.commands(task)) if known_times.ends_by_itself(outermost) else None


def what_it_tells(launch: Launch) -> str:
    """What the launch's own end says of its jobs, as in ``this task succeeds even if the job fails ...``."""
    job = "a job" if launch.is_looped else "the job"
    if launch.fails_at_once:
        return at_once(launch)
    return f"this task succeeds even if {job} {how_it_may_end(launch)}"


def at_once(launch: Launch) -> str:
    """That its own condition fails the launch, whatever becomes of the job."""
    job = "a job" if launch.is_looped else "the job"
    return (
        f"this task counts as failed as soon as it has started {job} ('{failing_keyword(launch)}'), however that ends"
    )


def failing_keyword(launch: Launch) -> str:
    """The keyword by which the launch fails at once."""
    return "failed_when" if "failed_when" in launch.task.keywords else "changed_when"


def how_it_may_end(launch: Launch) -> str:
    """What may become of the job with nobody to hear of it, as in ``fails or is killed at the limit of 300 s``."""
    if work.always_succeeds(launch.task):
        return f"is killed at {limit_text(launch)}"
    bound = ended_before(launch)
    if bound is None:
        return f"fails or is killed at {limit_text(launch)}"
    is_failure = known_times.status_of_timeout(work.commands(launch.task)) is not None
    return f"fails, as it also does when '{bound}' ends it" if is_failure else "fails"


class TooShort(NamedTuple):
    """A limit under which the work cannot end."""

    known: known_times.KnownTime
    limit: float
    """Seconds: the longest limit that the task may have."""
    advice: float
    """Seconds: a limit that leaves the work room."""
    moved_by: str | None
    """The program that moves the work to a process group of its own, so that the end of the job is not its end."""


def too_short(task: Task, limit: Quantity) -> TooShort | None:
    """That the limit ends the job before the time that the task itself states for it; None where it does not."""
    known = known_times.of(task)
    if known is None or not limit.known or not 0 < max(limit.values) <= known.seconds:
        return None
    longest = max(limit.values)
    if known.is_bound and longest >= BOUND_REACHED * known.seconds:
        return None  # work that takes all of its bound fails either way, a little earlier
    return TooShort(known, longest, with_room(known), leaving.moved_by(work.commands(task)))


def with_room(known: known_times.KnownTime) -> float:
    """Seconds that leave the work room, rounded up: the start takes time too."""
    from ansible_reap.history.estimate import round_up  # noqa: PLC0415 - only a finding needs it

    return round_up((1 + (1 - BOUND_REACHED) if known.is_bound else 2) * known.seconds)


def at_the_limit(short: TooShort) -> str | None:
    """What becomes of work that takes about as long as its limit, as a clause; None where it takes longer.

    The wrapper looks at the end of each step, and at the limit itself where that is shorter (ansible-core 2.16 to
    2.22). What is done when the limit is reached counts as done; older releases kill one step later, but do not look
    again before that.
    """
    last = max(math.ceil(short.limit / KILL_STEP) * KILL_STEP, KILL_STEP)
    if short.known.is_bound or short.known.seconds > last + KILL_STEP:
        return None
    if short.known.seconds < last:
        return f"it fails unless it is done, its start included, when Ansible looks for the last time, after {last} s"
    if short.known.seconds == last:
        return f"{KILLING_RELEASES} on kills it just then; earlier releases let it end, and may call it failed later"
    return f"{KILLING_RELEASES} on kills it after {last} s; earlier releases up to {KILL_STEP} s later"
