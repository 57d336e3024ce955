"""Whether jobs end when they are expected to: how many keep to the percentage that is stated of them.

    PYTHONPATH=src .envs/dev/bin/python benchmarks/expected_ends.py [--seed N] [--series N]
    PYTHONPATH=src .envs/dev/bin/python benchmarks/expected_ends.py --measure FILE [--rounds N]
    PYTHONPATH=src .envs/dev/bin/python benchmarks/expected_ends.py --times FILE

The first takes run times from a seed, in the ways in which work changes. ``--measure`` times seven ordinary commands on
this machine, in turns, and adds their times to the FILE (JSON: lists of seconds by name); ``--times`` takes them from
there, or from a file that you have made. Each run is forecast from those before it, as in earnest. As most launches
have few runs, a measured series is also cut into parts of fifty that begin anew.

Prints by how many points more jobs than stated have ended in time (a minus: fewer), by the number of runs that were
known. Ends with status 1 where a simulated series is further than two points from what was stated, all its runs
together; what is known not to hold is shown below them, and not counted.
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
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from measure import ROOT, result

from ansible_reap.history.forecast import pace
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation

BOUND = 2.0
"""Points."""
LONGEST = 100
"""Runs of a simulated series."""
PART = 50
RANGES = ((5, 9), (10, 19), (20, 49), (50, 10_000))
"""Runs known, from and to."""


def level_of(chance: random.Random, runs: int, memory: float) -> list[float]:
    """Neighbours that are alike, as on a machine with changing load."""
    level, found = chance.gauss(0, 1), []
    for _ in range(runs):
        level = memory * level + math.sqrt(1 - memory**2) * chance.gauss(0, 1)
        found.append(math.exp(5 + 0.3 * level))
    return found


def each(draw: Callable[[random.Random, int], float]) -> Callable[[random.Random], list[float]]:
    """A series of which each run is drawn by itself."""
    return lambda chance: [draw(chance, run) for run in range(LONGEST)]


def two_kinds(chance: random.Random, _run: int) -> float:
    return chance.gauss(100, 5) if chance.random() < 0.7 else chance.gauss(400, 40)


SERIES: Mapping[str, Callable[[random.Random], list[float]]] = {
    "no trend": each(lambda chance, _run: chance.lognormvariate(5, 0.6)),
    "bell-shaped": each(lambda chance, _run: chance.gauss(300, 30)),
    "two kinds of run": each(two_kinds),
    "a long tail": each(lambda chance, _run: 60 * chance.paretovariate(1.5)),
    "data that doubles": each(lambda chance, run: (1 + run / 100) * chance.lognormvariate(5, 0.3)),
    "data that grows fast": each(lambda chance, run: (1 + run / 50) * chance.lognormvariate(5, 0.15)),
    "data that is cleared away": each(lambda chance, run: (2 - run / 100) * chance.lognormvariate(5, 0.3)),
    "busy for twelve runs of 24": each(lambda chance, run: (1 + run // 12 % 2) ** 0.7 * chance.lognormvariate(5, 0.3)),
    "neighbours a little alike": lambda chance: level_of(chance, LONGEST, 0.3),
    "neighbours alike": lambda chance: level_of(chance, LONGEST, 0.6),
}
STEEP: Mapping[str, Callable[[random.Random], list[float]]] = {
    "neighbours much alike": lambda chance: level_of(chance, LONGEST, 0.9),
    "a slower disk since run 50": each(lambda chance, run: (1 + run // 50) * chance.lognormvariate(5, 0.3)),
    "a twentieth longer each run to 60": each(lambda chance, run: 1.05 ** min(run, 60) * chance.lognormvariate(5, 0.1)),
}
"""What does not hold within two points everywhere: what came before tells too little of the next run."""

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
    """Forecasts, those that were kept to, and how many were promised to be."""

    forecasts: int = 0
    held: int = 0
    promised: float = 0.0

    @property
    def points(self) -> float:
        return 100 * (self.held - self.promised) / self.forecasts if self.forecasts else 0.0

    def __str__(self) -> str:
        return f"{self.points:+5.1f} of {self.forecasts}" if self.forecasts else "-"


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


def walk(times: Sequence[float], step: int, offset: int = 0) -> Iterator[tuple[int, bool, float]]:
    """For runs of the series: how many were known, whether it ended by the time stated, and the probability stated."""
    past = observations(times)
    for known in range(5 + offset, len(times), step):
        told = pace(past[max(known - PART, 0) : known], "h1").forecast(0.0)
        if told is not None and told.bound is not None:
            yield known, times[known] <= told.bound, told.level


def tally(series: Iterable[Sequence[float]], step: int) -> list[Tally]:
    """All together, and by how many runs were known."""
    found = [Tally() for _ in range(len(RANGES) + 1)]
    for number, times in enumerate(series):
        for known, held, level in walk(times, step, number % step):
            (place,) = (place for place, (low, high) in enumerate(RANGES, 1) if low <= known <= high)
            for one in (found[0], found[place]):
                one.forecasts += 1
                one.held += held
                one.promised += level
    return found


def show(name: str, found: Sequence[Tally]) -> None:
    print(f"{name:36}" + "".join(f"{one!s:>18}" for one in found), flush=True)


def heading() -> None:
    names = ["all", *(f"{low} to {high}" if high < LONGEST else f"{low} and more" for low, high in RANGES)]
    print(f"{'runs known':36}" + "".join(f"{name:>18}" for name in names))


def simulated(seed: int, count: int) -> bool:
    heading()
    worst = 0.0
    for name, draw in {**SERIES, **STEEP}.items():
        chance = random.Random(f"{name} {seed}")
        found = tally((draw(chance) for _ in range(count)), 3)
        show(name, found)
        if name in SERIES:
            worst = max(worst, abs(found[0].points))
    return result("expected ends, simulated: points from what is stated", worst, BOUND)


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
    series: dict[str, list[float]] = json.loads(path.read_text())
    heading()
    for name, times in series.items():
        show(name, tally([times], 1))
    show("all of them", tally(series.values(), 1))
    parts = [times[start : start + PART] for times in series.values() for start in range(0, len(times), PART)]
    show("in parts of fifty", tally(parts, 1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--series", type=int, default=40, help="how many of each kind")
    parser.add_argument("--measure", type=Path, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--times", type=Path, metavar="FILE")
    args = parser.parse_args()
    if args.measure:
        measure(args.measure, args.rounds)
    if args.times:
        measured(args.times)
    return 0 if args.measure or args.times or simulated(args.seed, args.series) else 1


if __name__ == "__main__":
    raise SystemExit(main())
