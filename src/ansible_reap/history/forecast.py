"""When a running job will end, by how long earlier jobs of its launch took. Pure; all times are seconds.

It rests on ranks, as an estimate does: where m measured jobs took longer than this one has run by now, it takes no
longer than the k-th shortest of them with probability k / (m + 1). Between two ranks the times are interpolated, so
that the probability stated is the one that holds, and not the next higher one.

Ranks hold for work that stays as it is. Where the run times seem to follow a trend, or neighbours are rather alike than
not, each is taken relative to the level before it, and counted from the level of today: data that grows makes every
next run longer than most of the measured ones, and so does a machine that has become busier. What is aimed at there
learns from the past runs: each that took longer than would have been said raises it, each that did not lowers it a
little (adaptive conformal inference: Gibbs and Candes, 2021).

Fewer than ten runs are too few to follow. Where they rise, the next one is expected no sooner than the newest run and
the changes from run to run so far would have it.
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
"""Fewer do not allow to state the level aimed at where each is counted from the one before it."""
BELIEVED = 1.0
"""Above this a trend is believed, in standard deviations. Chance alone makes one in every third series, which costs
little, while one that is overlooked breaks the probability stated."""
FOLLOWS = 0.4
"""How much of each run's distance from the level goes into it, where there is a movement."""
LEARNS = 0.02
"""How fast a level goes up by each run that exceeds its bound: by this times ``LEVEL``, and down by the rest of it."""
LEAST_AIM = 0.5
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
    ``caution`` is by how much more than what is stated has to be aimed at for it to hold.
    """

    runs: int
    ended: tuple[float, ...]
    cut_off: int
    longest: float
    caution: float = 0.0

    def forecast(self, age: float) -> Forecast | None:
        """What can be said of a job of this age; None where fewer runs than ``ENOUGH_RUNS`` were measured."""
        if self.runs < ENOUGH_RUNS or not self.ended:
            return None
        longer = self.ended[bisect_right(self.ended, age) :]
        count = len(longer) + self.cut_off
        level = min(LEVEL, count / (count + 1))
        bound = _quantile(longer, count, _within(level + self.caution, count)) if level >= LOWEST_LEVEL else None
        return Forecast(self.runs, _quantile(longer, count, 0.5), bound, level, self.longest)


def _within(level: float, count: int) -> float:
    """The level, as far as so many times can tell."""
    return min(max(level, LEAST_AIM), count / (count + 1))


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
    trend, caution = _trend(levels), 0.0
    times = sorted(math.inf if each.outcome.is_censored else each.seconds for each in chosen)
    if len(runs) >= RUNS_THAT_MOVE and (abs(trend) > BELIEVED or _has_neighbours_alike(levels)):
        level, distances = _followed(runs, levels, FOLLOWS)
        times = _counted_from(level, distances, runs)
        caution = _caution(distances)
    elif len(runs) < RUNS_THAT_MOVE and trend > BELIEVED:
        times = _later_of(times, _counted_from(*_followed(runs, levels, 1.0), runs))
    ended = tuple(each for each in times if each < math.inf)
    return Pace(len(runs), ended, len(times) - len(ended), _longest(chosen), caution)


def _longest(jobs: Iterable[Observation]) -> float:
    return max((job.seconds for job in jobs if not job.outcome.is_censored), default=0.0)


def _scaled(job: Observation) -> float:
    """Long times are compared by their ratio, and those of about a second, which is how well they are known, as is."""
    return math.log1p(max(job.seconds, 0.0))


def _trend(levels: Sequence[float]) -> float:
    """Mann and Kendall's test: how many more pairs rise than fall, in standard deviations of what chance would make."""
    count = len(levels)
    rises = sum((later > earlier) - (later < earlier) for earlier, later in combinations(levels, 2))
    return rises / math.sqrt(count * (count - 1) * (2 * count + 5) / 18) if count > 1 else 0.0


def _has_neighbours_alike(levels: Sequence[float]) -> bool:
    """Each run's distance from the mean goes with that of the one before it, be it by chance: see BELIEVED."""
    middle = fmean(levels)
    return sum((earlier - middle) * (later - middle) for earlier, later in pairwise(levels)) > 0


def _followed(
    runs: Sequence[Sequence[Observation]], levels: Sequence[float], follows: float
) -> tuple[float, list[list[float]]]:
    """The level of today, and how far the jobs of the second and later runs were from the level before them.

    The level is what was to be expected before each run: the mean at first, later the newest runs more than the older
    ones. So a forecast from today's level is as wrong as those of the past were, and their ranks hold for it.
    """
    level = levels[0]
    distances = []
    for number, jobs in enumerate(runs[1:], 2):
        distances.append([math.inf if job.outcome.is_censored else _scaled(job) - level for job in jobs])
        level += max(follows, 1 / number) * (levels[number - 1] - level)
    return level, distances


def _counted_from(
    level: float, distances: Iterable[Iterable[float]], runs: Iterable[Iterable[Observation]]
) -> list[float]:
    """How long each job would take at that level, sorted; infinite for those that were cut off."""
    most = BEYOND * max(job.seconds for jobs in runs for job in jobs)

    def seconds(distance: float) -> float:
        return distance if distance == math.inf else min(max(math.expm1(level + distance), 0.0), most)

    return sorted(seconds(distance) for of_run in distances for distance in of_run)


def _caution(distances: Iterable[Sequence[float]]) -> float:
    """By how much more than the level must be aimed at, as the runs teach: each is held against those before it."""
    aim, count, ended = LEVEL, 0, list[float]()
    for number, of_run in enumerate(distances):
        bound = _quantile(ended, count, _within(aim, count)) if number >= ENOUGH_RUNS else None
        if bound is not None:
            missed = sum(distance > bound for distance in of_run) / len(of_run)
            aim = min(aim + LEARNS * (missed - (1 - LEVEL)), 1.0)
        count += len(of_run)
        ended = sorted([*ended, *(distance for distance in of_run if distance < math.inf)])
    return aim - LEVEL


def _later_of(times: Sequence[float], others: Sequence[float]) -> list[float]:
    """Both are sorted: the longest of one against the longest of the other, and so on down."""
    spare = len(times) - len(others)
    return [*times[:spare], *(max(pair) for pair in zip(times[spare:], others, strict=True))]
