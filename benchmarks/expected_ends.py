"""Whether jobs end when they are expected to: how many keep to the percentage that is stated of them.

    PYTHONPATH=src .envs/dev/bin/python benchmarks/expected_ends.py [--seed N] [--series N] [--only NAME]
    PYTHONPATH=src .envs/dev/bin/python benchmarks/expected_ends.py --measure FILE [--rounds N]
    PYTHONPATH=src .envs/dev/bin/python benchmarks/expected_ends.py --times FILE

The first takes run times from a seed, in the ways in which work changes. ``--measure`` times seven ordinary commands on
this machine, in turns, and adds their times to the FILE (JSON: lists of seconds by name); ``--times`` takes them from
there, or from a file that you have made. Each run is forecast from those before it, as in earnest. As most launches
have few runs, a measured series is also cut into parts of fifty that begin anew.

Prints by how many points more jobs than stated have ended in time (a minus: fewer), by the number of runs that were
known, with the standard error (of series that differ, not of forecasts), and how far away the time stated is as a
multiple of the one that the next run really exceeds in one of ten cases. Ends with status 1 where a simulated series is
further than two points from what was stated, all its runs together or in one of the ranges; the kinds of which it is
known that nothing holds are shown below the others, and not counted.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import NormalDist, median
from typing import NamedTuple

from measure import ROOT, result

from ansible_reap.history.forecast import pace
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.runs import MAX_RUNS

BOUND = 2.0
"""Points."""
LONGEST = 100
"""Runs of a simulated series."""
PART = 50
RANGES = ((5, 9), (10, 19), (20, 49), (50, 10_000))
"""Runs known, from and to."""
STEPS = (1, 1, 3, 5)
"""Every how many runs of each range of a simulated series are forecast."""


NINETY = NormalDist().inv_cdf(0.9)


class Simulated(NamedTuple):
    """Run times, and for each the time that would have held in nine of ten cases, had one known all that can be."""

    times: list[float]
    ninety: list[float]


Kind = Callable[[random.Random], Simulated]


def each(
    draw: Callable[[random.Random], float], ninety: float, factor: Callable[[int], float] = lambda _run: 1.0
) -> Kind:
    """A series of which each run is drawn by itself."""
    factors = [factor(run) for run in range(LONGEST)]
    return lambda chance: Simulated([by * draw(chance) for by in factors], [by * ninety for by in factors])


def skewed(spread: float, factor: Callable[[int], float] = lambda _run: 1.0) -> Kind:
    return each(lambda chance: chance.lognormvariate(5, spread), math.exp(5 + NINETY * spread), factor)


def begun_anywhere(length: int, spread: float, factor: Callable[[int], float]) -> Kind:
    """What returns after so many runs, begun at any of them."""

    def kind(chance: random.Random) -> Simulated:
        start = chance.randrange(length)
        return skewed(spread, lambda run: factor((start + run) % length))(chance)

    return kind


def stepped(*steps: tuple[range, float]) -> Kind:
    """From a run somewhere within each range on, all takes so many times as long as before."""

    def kind(chance: random.Random) -> Simulated:
        when = [(chance.choice(within), by) for within, by in steps]
        return skewed(0.3, lambda run: math.prod(by for start, by in when if run >= start))(chance)

    return kind


def alike(memory: float) -> Kind:
    """Neighbours that are alike, as on a machine with changing load."""

    def kind(chance: random.Random) -> Simulated:
        level, rest, found = chance.gauss(0, 1), math.sqrt(1 - memory**2), Simulated([], [])
        for _ in range(LONGEST):
            found.ninety.append(math.exp(5 + 0.3 * (memory * level + rest * NINETY)))
            level = memory * level + rest * chance.gauss(0, 1)
            found.times.append(math.exp(5 + 0.3 * level))
        return found

    return kind


def wandering(chance: random.Random) -> Simulated:
    """The level takes a small step with each run, in either direction."""
    level, found = 0.0, Simulated([], [])
    for _ in range(LONGEST):
        found.ninety.append(math.exp(5 + level + NINETY * math.hypot(0.05, 0.2)))
        level += chance.gauss(0, 0.05)
        found.times.append(math.exp(5 + level + chance.gauss(0, 0.2)))
    return found


def busy_by_chance(chance: random.Random) -> Simulated:
    """Busy or not, for fifteen runs on average."""
    is_busy, found = chance.random() < 0.5, Simulated([], [])
    for _ in range(LONGEST):
        found.ninety.append((1.6 if is_busy else 1.0) * math.exp(5 + NINETY * 0.3))
        is_busy ^= chance.random() < 1 / 15
        found.times.append((1.6 if is_busy else 1.0) * chance.lognormvariate(5, 0.3))
    return found


def two_kinds(chance: random.Random) -> float:
    return chance.gauss(100, 5) if chance.random() < 0.7 else chance.gauss(400, 40)


SERIES: Mapping[str, Kind] = {
    "skewed": skewed(0.3),
    "more skewed": skewed(0.6),
    "bell-shaped": each(lambda chance: chance.gauss(300, 30), 300 + NINETY * 30),
    "gamma": each(lambda chance: chance.gammavariate(2, 100), 388.97),
    "memoryless": each(lambda chance: chance.expovariate(1 / 300), 300 * math.log(10)),
    "two kinds of run": each(two_kinds, NormalDist(400, 40).inv_cdf(2 / 3)),
    "a long tail": each(lambda chance: 60 * chance.paretovariate(1.5), 60 * 10 ** (1 / 1.5)),
    "data that doubles": skewed(0.3, lambda run: 1 + run / 100),
    "neighbours a little alike": alike(0.3),
    "neighbours alike": alike(0.6),
    "neighbours much alike": alike(0.9),
    "a level that wanders": wandering,
    "twice as long since some run": stepped((range(5, 95), 2.0)),
    "half as long since some run": stepped((range(5, 95), 0.5)),
    "longer at weekends": begun_anywhere(7, 0.2, lambda run: 1.6 if run >= 5 else 1.0),
    "waves of twenty runs": begun_anywhere(20, 0.2, lambda run: math.exp(0.3 * math.sin(math.pi * run / 10))),
    "busy for twelve runs of 24": begun_anywhere(24, 0.3, lambda run: 1.6 if run >= 12 else 1.0),
    "busy by chance": busy_by_chance,
}
KNOWN_NOT_TO_HOLD: Mapping[str, Kind] = {
    "whole seconds, about six": each(lambda chance: round(chance.lognormvariate(math.log(6), 0.3)), 9),
    "data that is cleared away": skewed(0.3, lambda run: 2 - run / 100),
    "data that grows fast": skewed(0.15, lambda run: 1 + run / 50),
    "a twentieth longer each run to 60": skewed(0.1, lambda run: 1.05 ** min(run, 60)),
    "up within 10 to 50 and down again": stepped((range(10, 50), 2.0), (range(50, 90), 0.5)),
}
"""Not in every range: times of which many are equal have no time that just nine of ten keep to, a trend is no trend yet
after some runs, and what comes before a step does not tell of it."""

DATABASE = """
import sqlite3
rows = sqlite3.connect("reap.db")
rows.execute("create table if not exists t (a, b)")
rows.executemany("insert into t values (?, ?)", [(number, str(number) * 9) for number in range(4000)])
rows.commit()
rows.execute("select sum(length(b)) from t").fetchone()
"""
PARSE = """
import ast, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("*.py"):
    ast.parse(path.read_bytes())
"""
COMMANDS: Mapping[str, Sequence[str]] = {
    "git log": ["git", "-C", str(ROOT), "log", "--stat", "-40", "--format=%s"],
    "tar and gzip": ["sh", "-c", f"tar -C '{ROOT}' -cf - src | gzip -1 | wc -c"],
    "a start of Python": [sys.executable, "-c", "import json, email, http.client, sqlite3, unittest"],
    "parse": [sys.executable, "-c", PARSE, str(ROOT / "src/ansible_reap/runtime")],
    "sqlite": [sys.executable, "-c", DATABASE],
    "checksums": ["sh", "-c", f"find '{ROOT}/tests/unit' -type f -exec sha256sum {{}} + | sort | wc -l"],
    "write": ["dd", "if=/dev/zero", "of=reap.zeros", "bs=64k", "count=60", "conv=fsync"],
}
"""Ordinary work of less than a second: reading, packing, computing, a database, a disk."""


@dataclass
class Tally:
    """How many forecasts were kept to, beyond how many were promised to be."""

    forecasts: float = 0.0
    """Each counts for as many runs as it stands for."""
    off: float = 0.0
    """By how many more have held than were promised to."""
    off_by_series: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    def add(self, weight: float, off: float) -> None:
        self.forecasts += weight
        self.off += weight * off
        self.off_by_series[-1] += weight * off

    @property
    def points(self) -> float:
        return 100 * self.off / self.forecasts if self.forecasts else 0.0

    @property
    def error(self) -> str:
        """One standard error, in points; one series does not tell it."""
        count = len(self.off_by_series)
        if count == 1:
            return ""
        mean = self.off / count
        spread = sum((each - mean) ** 2 for each in self.off_by_series)
        return f" ±{100 * math.sqrt(spread * count / (count - 1)) / self.forecasts:3.1f}"

    def __str__(self) -> str:
        width = f" {median(self.widths):4.2f}" if self.widths else ""
        return f"{self.points:+5.1f}{self.error}{width}" if self.forecasts else "-"


def observations(times: Iterable[float]) -> list[Observation]:
    """One run a time."""
    return [
        Observation(
            run=f"run-{number:05}",
            job=f"j{number}.1",
            project="p",
            identity=Identity("site.yml", "Work"),
            host="h1",
            outcome=Ending.FINISHED,
            seconds=seconds,
            uncertainty=0.0,
            limit=3600.0,
            launched=datetime(2026, 11, 1, tzinfo=timezone.utc),
            core="2.22.0",
        )
        for number, seconds in enumerate(times)
    ]


def walk(times: Sequence[float], runs: Iterable[int]) -> Iterator[tuple[int, float, float]]:
    """For runs of the series: how many were known, the time stated, and the probability stated of it."""
    past = observations(times)
    for known in runs:
        told = pace(past[max(known - MAX_RUNS, 0) : known], "h1").forecast(0.0)
        if told is not None and told.bound is not None:
            yield known, told.bound, told.level


def tally(series: Iterable[Simulated], *, all_runs: bool) -> list[Tally]:
    """All together, and by how many runs were known. Of the later runs every third will do, or every fifth."""
    found = [Tally() for _ in range(len(RANGES) + 1)]
    for number, (times, ninety) in enumerate(series):
        for one in found:
            one.off_by_series.append(0.0)
        for place, (low, high) in enumerate(RANGES, 1):
            step = 1 if all_runs else STEPS[place - 1]
            runs = range(low + number % step, min(high + 1, len(times)), step)
            for known, bound, level in walk(times, runs):
                for one in (found[0], found[place]):
                    one.add(step, (times[known] <= bound) - level)
                    if ninety:
                        one.widths.append(bound / ninety[known])
    return found


def show(name: str, found: Sequence[Tally]) -> None:
    print(f"{name:34}" + "".join(f"{one!s:>18}" for one in found), flush=True)


def heading() -> None:
    names = ["all", *(f"{low} to {high}" if high < LONGEST else f"{low} and more" for low, high in RANGES)]
    print(f"{'runs known':34}" + "".join(f"{name:>18}" for name in names))


def simulated(seed: int, count: int, only: str) -> bool:
    heading()
    worst = worst_range = 0.0
    for name, kind in {**SERIES, **KNOWN_NOT_TO_HOLD}.items():
        if only not in name:
            continue
        chance = random.Random(f"{name} {seed}")
        found = tally((kind(chance) for _ in range(count)), all_runs=False)
        show(name, found)
        if name in SERIES:
            worst = max(worst, abs(found[0].points))
            worst_range = max(worst_range, *(abs(one.points) for one in found[1:]))
    kept = result("expected ends, simulated: points from what is stated, all runs", worst, BOUND)
    return result("expected ends, simulated: points from what is stated, worst range", worst_range, BOUND) and kept


def measure(path: Path, rounds: int) -> None:
    found: dict[str, list[float]] = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, command in COMMANDS.items():
                began = time.monotonic()
                subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
                found.setdefault(name, []).append(round(time.monotonic() - began, 4))
            path.write_text(json.dumps(found))


def measured(path: Path) -> None:
    series = [(name, Simulated(times, [])) for name, times in json.loads(path.read_text()).items()]
    heading()
    for name, one in series:
        show(name, tally([one], all_runs=True))
    show("all of them", tally((one for _, one in series), all_runs=True))
    parts = [
        Simulated(one.times[start : start + PART], [])
        for _, one in series
        for start in range(0, len(one.times) - PART + 1, PART // 5)
    ]
    show("in parts of fifty", tally(parts, all_runs=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--series", type=int, default=1500, help="how many of each kind")
    parser.add_argument("--only", default="", metavar="NAME", help="kinds with this in their name")
    parser.add_argument("--measure", type=Path, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--times", type=Path, metavar="FILE")
    args = parser.parse_args()
    if args.measure:
        measure(args.measure, args.rounds)
    if args.times:
        measured(args.times)
    return 0 if args.measure or args.times or simulated(args.seed, args.series, args.only) else 1


if __name__ == "__main__":
    raise SystemExit(main())
