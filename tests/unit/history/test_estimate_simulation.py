"""Does the bound keep what it states? Ten thousand draws a case; the estimator knows none of the distributions.

What is counted are broken promises: a bound was stated and the next run took longer. Where limits cut runs off, a
launch whose runs all happened to fit says nothing of what lies beyond its limit, so the promise is one over all
launches that are looked at, those included for which nothing is stated. No estimate could do better there: of a launch
that overruns its limit one time in five, the next run stays within the limit with 80 %, however many runs have fitted.
Where runs are cut off for reasons of their own, the bounds that are stated are held to account alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from ansible_reap.history.estimate import ENOUGH_RUNS, RunTime, estimate

DRAWS = 10_000
Draw = Callable[[random.Random], float]
Cut = Callable[[random.Random, int], list[float]]
"""When each run of a launch is cut off, if it still runs then."""


def lognormal(chance: random.Random) -> float:
    return chance.lognormvariate(5, 0.6)


def bimodal(chance: random.Random) -> float:
    """Mostly nothing to do, sometimes everything."""
    return chance.gauss(600, 30) if chance.random() < 0.2 else chance.gauss(20, 2)


def heavy_tailed(chance: random.Random) -> float:
    """Pareto with an infinite variance."""
    return 60 * chance.paretovariate(1.2)


def in_whole_seconds(chance: random.Random) -> float:
    """Many ties, as from looking every five seconds."""
    return 5.0 * (1 + int(chance.expovariate(1 / 4)))


def no_limit(_chance: random.Random, runs: int) -> list[float]:
    return [math.inf] * runs


def tight_limit(chance: random.Random, runs: int) -> list[float]:
    """A limit that each launch has from its author, often too low."""
    return [chance.choice((30.0, 120.0, 300.0, 900.0))] * runs


def lost_from_sight(chance: random.Random, runs: int) -> list[float]:
    """One run in ten is left before it ends, at any time."""
    return [chance.uniform(0, 600) if chance.random() < 0.1 else math.inf for _ in range(runs)]


DISTRIBUTIONS = (lognormal, bimodal, heavy_tailed, in_whole_seconds)
CUTS = (no_limit, tight_limit, lost_from_sight)
QUICK = {no_limit: (5, 10, 21), tight_limit: (5, 10, 21), lost_from_sight: (10,)}
"""The fewest runs that state anything, some more, and enough for the level aimed at."""
CASES = [
    pytest.param(
        *(draw, cut, runs),
        id=f"{draw.__name__}-{cut.__name__}-{runs}",
        marks=() if runs in QUICK[cut] else pytest.mark.slow,
    )
    for draw in DISTRIBUTIONS
    for cut in CUTS
    for runs in (5, 6, 10, 19, 21, 50)
]


@pytest.mark.parametrize(("draw", "cut", "runs"), CASES)
def test_broken_promises_are_no_more_than_stated(draw: Draw, cut: Cut, runs: int) -> None:
    chance = random.Random(f"{draw.__name__} {cut.__name__} {runs}")
    stated = broken = 0
    allowed = 0.0
    for _ in range(DRAWS):
        bound = estimate(RunTime(min(x, at), x > at) for at in cut(chance, runs) for x in (draw(chance),)).bound
        upcoming = draw(chance)
        if bound is not None:
            assert bound.level <= runs / (runs + 1)
            stated += 1
            broken += upcoming > bound.seconds
            allowed = 1 - bound.level
    assert stated > 0
    assert broken / DRAWS <= allowed + 0.02
    if cut is not tight_limit:
        assert 1 - broken / stated >= (1 - allowed) - 0.02
    if cut is no_limit:
        assert stated == DRAWS


@pytest.mark.parametrize("runs", range(ENOUGH_RUNS))
def test_few_runs_state_nothing_whatever_they_are(runs: int) -> None:
    chance = random.Random(runs)
    assert all(estimate(RunTime(lognormal(chance)) for _ in range(runs)).bound is None for _ in range(200))


def test_a_cut_off_run_beyond_the_rest_never_leaves_a_bound() -> None:
    chance = random.Random(1)
    for _ in range(2_000):
        times = sorted(heavy_tailed(chance) for _ in range(chance.randint(5, 60)))
        known = estimate([*(RunTime(x) for x in times[:-1]), RunTime(times[-1], is_censored=True)])
        assert known.bound is None
        assert known.at_least == times[-1]
