"""When a running job will end, by how long earlier jobs of its launch took. Pure; all times are seconds.

It rests on ranks, as an estimate does: where m measured jobs took longer than this one has run by now, it takes no
longer than the k-th shortest of them with probability k / (m + 1). Between two ranks the times are interpolated, so
that the probability stated is the one that holds, and not the next higher one.

Ranks hold for work that stays as it is. Where the run times seem to follow a trend, or neighbours are rather alike than
not, each is taken relative to the level before it, and counted from the level of today: data that grows makes every
next run longer than most of the measured ones, and so does a machine that has become busier.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import combinations, groupby, pairwise
from statistics import fmean, median

from ansible_reap.history.estimate import ENOUGH_RUNS
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.runs import MAX_RUNS
from ansible_reap.records import dataclass

LEVEL = 0.9
LOWEST_LEVEL = 0.8
"""What is less probable than this is not worth a number."""
RUNS_OF_ONE_HOST = 9
"""From so many runs on a host is judged by itself: fewer would not allow to state the level aimed at."""
RUNS_THAT_MOVE = 10
"""Fewer do not tell a movement from chance, nor allow to state the level aimed at, for the first one is lost."""
BELIEVED = 1.0
"""Above this a trend is believed, in standard deviations. Chance alone makes one in every third series, which costs
little, while one that is overlooked breaks the probability stated."""
FOLLOWS = 0.25
"""How much of each run's distance from the level goes into it, where there is a movement."""
BEYOND = 1.25
"""So many times the longest that was measured is the most that a movement is followed to: a leap will not go on."""


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
    """How long the jobs of one launch would take now.

    ``ended`` is sorted; ``cut_off`` are those known to take longer still; ``longest`` is what was really measured.
    """

    runs: int
    ended: tuple[float, ...]
    cut_off: int
    longest: float

    def forecast(self, age: float) -> Forecast | None:
        """What can be said of a job of this age; None where fewer runs than ``ENOUGH_RUNS`` were measured."""
        if self.runs < ENOUGH_RUNS or not self.ended:
            return None
        longer = self.ended[bisect_right(self.ended, age) :]
        count = len(longer) + self.cut_off
        level = min(LEVEL, count / (count + 1))
        bound = _quantile(longer, count, level) if level >= LOWEST_LEVEL else None
        return Forecast(self.runs, _quantile(longer, count, 0.5), bound, level, self.longest)


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
    runs = [list(jobs) for _, jobs in groupby(sorted(chosen, key=lambda each: each.run), key=lambda each: each.run)]
    levels = [median(map(_scaled, jobs)) for jobs in runs]
    if len(runs) >= RUNS_THAT_MOVE and (_has_trend(levels) or _has_neighbours_alike(levels)):
        times = _as_of_today(runs, levels)
    else:
        times = [(each.seconds, each.outcome.is_censored) for each in chosen]
    ended = sorted(seconds for seconds, is_cut_off in times if not is_cut_off)
    return Pace(len(runs), tuple(ended), len(times) - len(ended), _longest(chosen))


def _longest(jobs: Iterable[Observation]) -> float:
    return max((job.seconds for job in jobs if not job.outcome.is_censored), default=0.0)


def _scaled(job: Observation) -> float:
    """Long times are compared by their ratio, and those of about a second, which is how well they are known, as is."""
    return math.log1p(max(job.seconds, 0.0))


def _has_trend(levels: Sequence[float]) -> bool:
    """Mann and Kendall's test: more pairs rise than fall, or fewer, than chance would explain."""
    count = len(levels)
    rises = sum((later > earlier) - (later < earlier) for earlier, later in combinations(levels, 2))
    return abs(rises) > BELIEVED * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)


def _has_neighbours_alike(levels: Sequence[float]) -> bool:
    """Each run's distance from the mean goes with that of the one before it, be it by chance: see BELIEVED."""
    middle = fmean(levels)
    return sum((earlier - middle) * (later - middle) for earlier, later in pairwise(levels)) > 0


def _as_of_today(runs: Sequence[Sequence[Observation]], levels: Sequence[float]) -> list[tuple[float, bool]]:
    """How long each job of the second and later runs would take today, and whether it was cut off.

    The level is what was to be expected before each run: the mean at first, later the newest runs more than the older
    ones. So a forecast from today's level is as wrong as those of the past were, and their ranks hold for it.
    """
    most = BEYOND * max(job.seconds for jobs in runs for job in jobs)
    level = levels[0]
    distances: list[tuple[float, bool]] = []
    for number, jobs in enumerate(runs[1:], 2):
        distances += [(_scaled(job) - level, job.outcome.is_censored) for job in jobs]
        level += max(FOLLOWS, 1 / number) * (levels[number - 1] - level)
    return [(min(max(math.expm1(level + distance), 0.0), most), is_cut_off) for distance, is_cut_off in distances]
