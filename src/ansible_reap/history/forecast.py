"""When a running job will end, by how long earlier jobs of its launch took. Pure; all times are seconds.

It rests on ranks, as an estimate does: where m measured jobs took longer than this one has run by now, it takes no
longer than the k-th shortest of them with probability k / (m + 1). Between two ranks the times are interpolated, so
that the probability stated is the one that holds, and not the next higher one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_reap.history.estimate import ENOUGH_RUNS
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.runs import MAX_RUNS

LEVEL = 0.9
LOWEST_LEVEL = 0.8
"""What is less probable than this is not worth a number."""
RUNS_OF_ONE_HOST = 9
"""From so many runs on a host is judged by itself: fewer would not allow to state the level aimed at."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a job of a certain age will end; both times count from its launch, as the age does."""

    runs: int
    median: float | None
    """It ends before and after this with the same probability; None where too little has been measured at this age."""
    bound: float | None
    level: float
    """The probability that it ends before ``bound``."""
    longest: float
    """The longest time measured of one that ended by itself."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the jobs of one launch took. ``ended`` is sorted; ``cut_off`` are those known to take longer still."""

    runs: int
    ended: tuple[float, ...]
    cut_off: int = 0

    def forecast(self, age: float) -> Forecast | None:
        """What can be said of a job of this age; None where fewer runs than ``ENOUGH_RUNS`` were measured."""
        if self.runs < ENOUGH_RUNS or not self.ended:
            return None
        longer = self.ended[bisect_right(self.ended, age) :]
        count = len(longer) + self.cut_off
        level = min(LEVEL, count / (count + 1))
        bound = _quantile(longer, count, level) if level >= LOWEST_LEVEL else None
        return Forecast(self.runs, _quantile(longer, count, 0.5), bound, level, self.ended[-1])


def _quantile(times: Sequence[float], count: int, level: float) -> float | None:
    """The time that one more job does not exceed with that probability; None where it lies beyond what is known.

    ``times`` are the shortest of ``count``, sorted. Between two ranks the weight is the mean of the two that would be
    exact were times spread evenly there, and were they memoryless: real work lies between the two.
    """
    rank = round(level * (count + 1), 9)  # the product may miss a whole number by a hair
    low = math.floor(rank)
    if low < 1 or math.ceil(rank) > len(times):
        return None
    if low == rank:
        return times[low - 1]
    above = count - low
    even = rank - low
    memoryless = above * ((above + 1) / ((count + 1) * (1 - level)) - 1)
    return times[low - 1] + (even + memoryless) / 2 * (times[low] - times[low - 1])


def pace(observations: Iterable[Observation], host: str) -> Pace:
    """The pace of one launch on a host: the host's own where it has enough runs, else that of all hosts together."""
    telling = [each for each in observations if each.outcome is not Ending.FAILED and not each.is_blurred]
    newest = set(sorted({each.run for each in telling})[-MAX_RUNS:])
    telling = [each for each in telling if each.run in newest]
    own = [each for each in telling if each.host == host]
    chosen = own if len({each.run for each in own}) >= RUNS_OF_ONE_HOST else telling
    ended = sorted(each.seconds for each in chosen if not each.outcome.is_censored)
    return Pace(len({each.run for each in chosen}), tuple(ended), len(chosen) - len(ended))
