"""When a running job is expected to end, and whether that holds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from datetime import datetime, timezone

import pytest

from ansible_reap.history.forecast import Pace, pace
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation

WORK: dict[str, Callable[[random.Random], float]] = {
    "even": lambda chance: chance.uniform(60, 120),
    "skewed": lambda chance: chance.lognormvariate(5, 0.6),
    "memoryless": lambda chance: chance.expovariate(1 / 300),
    "two kinds of host": lambda chance: chance.gauss(100, 5) if chance.random() < 0.7 else chance.gauss(400, 40),
    "a long tail": lambda chance: 60 * chance.paretovariate(1.5),
}
TRIALS = 3000


def as_they_are(times: Iterable[float]) -> Pace:
    """The pace of work that has no trend."""
    ended = tuple(sorted(times))
    return Pace(len(ended), ended, cut_off=0, longest=ended[-1])


def mixed(start: int, stop: int, step: int) -> list[float]:
    """Those numbers in an order that shows no trend: first the smallest, the largest, the next smallest and so on."""
    numbers = list(range(start, stop, step))
    halves = zip(numbers[: len(numbers) // 2], reversed(numbers), strict=False)
    inner = [numbers[len(numbers) // 2]] if len(numbers) % 2 else []
    return [float(each) for pair in halves for each in pair] + [float(each) for each in inner]


def measured(*seconds: float, host: str = "h1", ending: Ending = Ending.FINISHED) -> list[Observation]:
    """One run a time."""
    return [
        Observation(
            run=f"run-{number:03}-{host}",
            job=f"j{number}",
            project="p",
            identity=Identity("site.yml", "Work"),
            host=host,
            outcome=ending,
            seconds=time,
            uncertainty=0.0,
            limit=3600.0,
            launched=datetime(2026, 11, 22, tzinfo=timezone.utc),
            core="2.21.5",
        )
        for number, time in enumerate(seconds)
    ]


@pytest.mark.parametrize("runs", [9, 12, 30])
@pytest.mark.parametrize("work", WORK)
def test_the_level_stated_holds_within_two_points(work: str, runs: int) -> None:
    chance = random.Random(f"{work} {runs}")
    draw = WORK[work]
    held = 0
    for _ in range(TRIALS):
        told = as_they_are(draw(chance) for _ in range(runs)).forecast(0.0)
        assert told is not None
        assert told.bound is not None
        assert told.level == 0.9
        held += draw(chance) <= told.bound
    assert abs(held / TRIALS - 0.9) <= 0.02


@pytest.mark.parametrize("runs", [5, 9, 30])
@pytest.mark.parametrize("work", ["even", "skewed", "memoryless", "two kinds of host"])
def test_it_holds_for_jobs_that_have_run_for_a_while(work: str, runs: int) -> None:
    chance = random.Random(f"while {work} {runs}")
    draw = WORK[work]
    usual = sorted(draw(chance) for _ in range(2001))
    hits, promised, before, told_median = 0, 0.0, 0, 0
    for _ in range(4 * TRIALS):
        age = usual[chance.choice([0, 500, 1000])]
        end = draw(chance)
        told = as_they_are(draw(chance) for _ in range(runs)).forecast(age)
        if end <= age or told is None:
            continue
        if told.bound is not None:
            hits += end <= told.bound
            promised += told.level
        if told.median is not None and told.bound is not None:
            before += end <= told.median
            told_median += 1
    cases = round(promised / 0.9) or 1
    assert abs(hits - promised) / cases <= 0.02
    assert abs(before / told_median - 0.5) <= 0.025


def busy(run: int) -> float:
    """A machine that is busy for twelve runs, and then is not."""
    return 1.6 if run // 12 % 2 else 1.0


SERIES: dict[str, Callable[[random.Random, int], float]] = {
    "no trend": lambda chance, _run: chance.lognormvariate(5, 0.6),
    "two kinds of run": lambda chance, _run: WORK["two kinds of host"](chance),
    "data that doubles": lambda chance, run: (1 + run / 200) * chance.lognormvariate(5, 0.3),
    "data that grows fast": lambda chance, run: (1 + run / 100) * chance.lognormvariate(5, 0.15),
    "data that is cleared away": lambda chance, run: (2 - run / 200) * chance.lognormvariate(5, 0.3),
    "a machine that is busy now and then": lambda chance, run: busy(run) * chance.lognormvariate(5, 0.3),
    "a slower disk since the 100th run": lambda chance, run: (1 + run // 100) * chance.lognormvariate(5, 0.3),
}
RUNS = 200


@pytest.mark.parametrize("work", SERIES)
def test_the_level_stated_holds_over_two_hundred_runs_of_work_that_changes(work: str) -> None:
    """From the fifth run on each run is forecast from those before it, as it is done in earnest."""
    chance = random.Random(work)
    held, promised, cases = 0, 0.0, 0
    for _ in range(30):
        times = [SERIES[work](chance, run) for run in range(RUNS)]
        past = measured(*times)
        for run in range(5, RUNS, 3):
            told = pace(past[:run], "h1").forecast(0.0)
            assert told is not None
            assert told.bound is not None
            held += times[run] <= told.bound
            promised += told.level
            cases += 1
    assert abs(held - promised) / cases <= 0.02


def walk(chance: random.Random, step: float, spread: float) -> list[float]:
    """Run times whose level takes a step of about that size with each run."""
    level, times = 5.0, []
    for _ in range(10):
        level += chance.gauss(0, step)
        times.append(chance.lognormvariate(level, spread))
    return times


@pytest.mark.parametrize("step", [0.0, 0.1, 0.3])
def test_the_level_that_few_runs_allow_holds_where_each_is_like_the_one_before(step: float) -> None:
    chance = random.Random(f"few {step}")
    off, cases = 0.0, 0
    for _ in range(TRIALS):
        times = walk(chance, step, 0.2)
        for run in range(5, 10):
            told = pace(measured(*times[:run]), "h1").forecast(0.0)
            assert told is not None
            assert told.bound is not None
            off += (times[run] <= told.bound) - told.level
            cases += 1
    assert abs(off) / cases <= 0.02


def test_few_runs_that_rise_are_expected_to_go_on_rising_and_those_that_fall_are_not_trusted() -> None:
    rising = pace(measured(60, 70, 80, 90, 100), "h1").forecast(0)
    assert rising is not None
    assert rising.bound == pytest.approx(101 * 71 / 61 - 1)
    assert rising.level == pytest.approx(5 / 6)
    falling = pace(measured(100, 90, 80, 70, 60), "h1").forecast(0)
    assert falling is not None
    assert falling.bound == 100


def test_a_job_cut_off_at_its_limit_leaves_the_bound_of_few_runs_that_rise_open() -> None:
    cut_off = measured(60, 70, 80, 90, 100) + measured(3600, host="h2", ending=Ending.TIMED_OUT)
    told = pace(cut_off, "h1").forecast(0)
    assert told is not None
    assert told.median is not None
    assert told.bound is None


def test_what_is_aimed_at_learns_from_the_runs_that_took_longer_than_was_said() -> None:
    calm = [100.0 + 7 * (run % 3) for run in range(20)]
    leaping = [*calm, *(110 * 1.4**leap for leap in range(1, 6))]
    calming = [100.0 * 1.02**run for run in range(20, 0, -1)]
    assert 0.05 < pace(measured(*leaping), "h1").caution <= 0.1
    assert -0.05 < pace(measured(*calming), "h1").caution < 0
    assert pace(measured(*mixed(60, 310, 10)), "h1").caution == 0, "work that stays as it is needs none"


def test_a_trend_is_followed_but_not_beyond_what_was_measured_by_far() -> None:
    """What is the longest is still the longest that was measured."""
    growing = pace(measured(*[100 * math.exp(0.05 * run) for run in range(30)]), "h1").forecast(0)
    assert growing is not None
    assert growing.median is not None
    assert growing.longest == pytest.approx(426.3, abs=0.1)
    assert growing.longest < growing.median < 1.1 * growing.longest
    leap = pace(measured(*[10] * 30, *[1000] * 3), "h1").forecast(0)
    assert leap is not None
    assert leap.median is not None
    assert leap.bound is not None
    assert leap.median < leap.bound <= 1250


def test_a_trend_does_not_make_of_a_time_that_is_nothing_one_that_is_less() -> None:
    told = pace(measured(*[3.0] * 10, *[0.0] * 20), "h1").forecast(-1)
    assert told is not None
    assert told.median == 0


def test_nothing_is_said_below_five_runs() -> None:
    assert pace(measured(60, 70, 80, 90), "h1").forecast(10) is None
    assert pace(measured(60, 70, 80, 90, 100), "h1").forecast(10) is not None


def test_jobs_of_one_run_are_one_run() -> None:
    twenty_hosts = [each for number in range(20) for each in measured(60, 70, 80, host=f"h{number}")]
    same_runs = [
        Observation(**{**{name: getattr(each, name) for name in each.__slots__}, "run": each.run[:7]})
        for each in twenty_hosts
    ]
    assert pace(same_runs, "h1").forecast(10) is None


def test_few_runs_state_the_lower_level_that_they_allow() -> None:
    told = pace(measured(*mixed(60, 110, 10)), "h1").forecast(0)
    assert told is not None
    assert (told.median, told.bound) == (80, 100)
    assert told.level == pytest.approx(5 / 6)


def test_the_older_the_job_the_later_its_end() -> None:
    work = pace(measured(*mixed(10, 110, 10)), "h1")
    ends = [told.median for age in range(0, 80, 5) if (told := work.forecast(age)) and told.median is not None]
    assert ends == sorted(ends)
    assert len(set(ends)) > 5
    beyond = work.forecast(100)
    assert beyond is not None
    assert (beyond.median, beyond.bound, beyond.longest) == (None, None, 100)


def test_jobs_cut_off_at_their_limit_leave_the_bound_open() -> None:
    some_cut_off = [
        *measured(*mixed(10, 100, 10)),
        *measured(300, 300, host="h2", ending=Ending.TIMED_OUT),
        *measured(5, host="h3", ending=Ending.FAILED),
    ]
    told = pace(some_cut_off, "h9").forecast(0)
    assert told is not None
    assert told.bound is None
    assert told.median == 60


def test_a_host_with_enough_runs_is_judged_by_itself() -> None:
    both = measured(*mixed(100, 112, 1)) + measured(*mixed(900, 912, 1), host="slow")
    told = pace(both, "slow").forecast(0)
    assert told is not None
    assert told.median is not None
    assert told.median > 900
    other = pace(both, "new").forecast(0)
    assert other is not None
    assert other.median is not None
    assert 112 < other.median < 900
