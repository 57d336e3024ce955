"""What the benchmarks share: whole processes, taken in turns, and results that a program can collect.

Only ratios of processor times that were taken side by side are results: other work on the machine then hits both sides
alike, and the machine itself does not matter. Byte code is compiled before, as an installation does.
"""

from __future__ import annotations

import compileall
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SIGN = "= "
"""How a line begins that holds a result: ``= NAME | VALUE | BOUND``."""


class Cost(NamedTuple):
    """Of one whole process with its children."""

    seconds: float
    """Processor time, user and system."""
    megabytes: float
    """The most memory that it had at once."""


def prepare() -> None:
    """Compile our byte code; a process must not do so while it is measured."""
    compileall.compile_dir(ROOT / "src", quiet=1)


def environment() -> dict[str, str]:
    """The environment of measured processes, with our source tree first and byte code used."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(ROOT / "src")}


def run(*command: object, statuses: Sequence[int] = (0,)) -> Cost:
    """Run one process to its end. Raises SystemExit where its status is none of these."""
    child = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in statuses:
        raise SystemExit(f"{command} ended with status {child.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turns(rounds: int, commands: Mapping[str, Sequence[object]], statuses: Sequence[int]) -> dict[str, list[Cost]]:
    """Every command in each round, in order."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(run(*command, statuses=statuses))
    return costs


def seconds(costs: Sequence[Cost]) -> float:
    return statistics.median(cost.seconds for cost in costs)


def ratio(ours: Sequence[Cost], theirs: Sequence[Cost]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(mine.seconds / other.seconds for mine, other in zip(ours, theirs, strict=True))


def check(root: Path) -> tuple[object, ...]:
    """The command that checks a project."""
    return (sys.executable, "-m", "ansible_reap", "check", "--exit-zero", "--format", "json", "--project-dir", root)


def result(name: str, value: float, bound: float | None, unit: str = "") -> bool:
    """Print one result; ``bound`` is the most that it may be, None where nothing is asked. Whether it is kept."""
    asked = "-" if bound is None else f"{bound:g}{unit}"
    print(f"{SIGN}{name} | {value:.{0 if unit else 3}f}{unit} | {asked}", flush=True)
    return bound is None or value <= bound
