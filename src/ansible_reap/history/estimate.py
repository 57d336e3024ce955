"""What the measured run times of a launch allow to be said of its next run. Pure; all times are seconds.

The bound rests on order statistics alone and assumes no distribution, only that the next run comes from where the
measured ones came from: of n runs the k-th shortest is not exceeded by the next one with probability of at least
k / (n + 1). See docs/history.md for the sources and for what that does and does not promise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from ansible_reap.history.identity import Identity, locate, sites
from ansible_reap.records import dataclass, field

ENOUGH_RUNS = 5
"""Fewer runs than this give no bound, and a check says nothing."""

LEVEL = 0.95
"""The level that a bound aims at; it states less where the runs are too few for it."""


@dataclass(frozen=True, slots=True)
class RunTime:
    """How long a launch took in one run of the playbook: its slowest job, for the limit has to suit them all."""

    seconds: float
    is_censored: bool = False
    """The work was cut off or lost sight of after this time: it takes at least so long."""
    uncertainty: float = 0.0
    """By how much ``seconds`` may be too long; a run time seen by looking is late by up to the poll delay."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The next run takes no longer than ``seconds`` with a probability of at least ``level``."""

    seconds: float
    level: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of one launch."""

    runs: int
    """Runs measured, the censored ones included."""
    censored: int
    median: float | None
    """None where half of the runs or more are only known to have taken longer than what was seen."""
    p95: float | None
    largest: float | None
    """The slowest run that ended by itself."""
    bound: Bound | None
    at_least: float | None
    """The longest time seen of any run, where runs that were cut off leave no bound to state."""
    uncertainty: float = 0.0
    limit: float | None = None
    """The limit of the newest run."""

    @property
    def has_enough(self) -> bool:
        """Enough runs to speak of."""
        return self.runs >= ENOUGH_RUNS

    @property
    def needed(self) -> float | None:
        """What a limit has to exceed by some headroom: the bound, else what the work is known to take at least."""
        if self.bound is not None:
            return self.bound.seconds
        return self.at_least if self.has_enough else None

    def headroom(self, limit: float) -> float | None:
        """Limit over what is needed; below 1 the limit is known to be too short."""
        return limit / self.needed if self.needed else None

    def advice(self, headroom: float) -> int | None:
        """The smallest round limit that leaves the headroom."""
        return round_up(self.needed * headroom) if self.needed else None


def estimate(runs: Iterable[RunTime], limit: float | None = None, level: float = LEVEL) -> Estimate:
    """Work out the estimate from run times in any order."""
    measured = tuple(runs)
    ended = sorted(run.seconds for run in measured if not run.is_censored)
    censored = [run.seconds for run in measured if run.is_censored]
    largest = ended[-1] if ended else None
    beyond = bool(censored) and max(censored) >= (largest or 0.0)
    bound = None if beyond else _bound(ended, len(measured), level)
    return Estimate(
        runs=len(measured),
        censored=len(censored),
        median=_median(ended, len(measured)),
        p95=_ranked(ended, math.ceil(0.95 * len(measured))),
        largest=largest,
        bound=bound,
        at_least=max(run.seconds for run in measured) if censored and bound is None else None,
        uncertainty=max((run.uncertainty for run in measured), default=0.0),
        limit=limit,
    )


def _bound(ended: Sequence[float], runs: int, level: float) -> Bound | None:
    """The upper prediction bound for one more run.

    A censored run may have taken any time beyond what was seen of it, so it ranks above all that ended: that can only
    raise the k-th shortest, and the statement stays true.
    """
    if runs < ENOUGH_RUNS:
        return None
    rank = min(math.ceil(level * (runs + 1)), runs)
    seconds = _ranked(ended, rank)
    return None if seconds is None else Bound(seconds, rank / (runs + 1))


def _ranked(ended: Sequence[float], rank: int) -> float | None:
    """The rank-th shortest run (from 1), where a run that ended holds that rank."""
    return ended[rank - 1] if 0 < rank <= len(ended) else None


def _median(ended: Sequence[float], runs: int) -> float | None:
    low, high = _ranked(ended, (runs + 1) // 2), _ranked(ended, runs // 2 + 1)
    return None if low is None or high is None else (low + high) / 2


_ROUND = (
    *(1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 30, 45, 60, 90, 120, 150, 180, 240, 300, 360, 420, 480, 600, 720, 900),
    *(1200, 1500, 1800, 2400, 2700, 3000, 3600, 4500, 5400, 7200),
)


def round_up(seconds: float) -> int:
    """The next number of seconds that a person would write, never below: 90, 600, 1200, then half and whole hours."""
    exact = math.ceil(round(seconds, 6))
    step = 1800 if exact <= 6 * 3600 else 3600 if exact <= 48 * 3600 else 6 * 3600
    return next((each for each in _ROUND if each >= exact), -(-exact // step) * step)


@dataclass(frozen=True, slots=True)
class Estimates:
    """The estimates of a project's launches, asked by where a launch stands.

    ``lookup`` gives what is known under a place and a task's name, by position; it is asked for the launches of the
    project only, so that a long history costs nothing until it is needed.
    """

    lookup: Callable[[str, str], Mapping[int, Estimate]]
    root: str = ""
    collection: str | None = None
    _positions: dict[str, dict[int, int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def for_launch(self, path: str, line: int, task: str, text: str) -> Estimate | None:
        """The estimate of the launch at ``path:line`` (relative to the root), or None where nothing was measured.

        ``task`` is its name as written, or its action as written where it has none; ``text`` is the file's text.
        """
        where = locate(
            f"{self.root}/{path}" if self.root and not path.startswith("/") else path, self.root, self.collection
        )
        known = self.lookup(where, task)
        return known.get(self._position(path, line, task, text)) if known else None

    def _position(self, path: str, line: int, task: str, text: str) -> int:
        if text.count(task) == 1:  # spares reading the file again for nearly every launch there is
            return 0
        if path not in self._positions:
            self._positions[path] = {site.line: site.position for site in sites(text)}
        return self._positions[path].get(line, 0)


def estimates_of(known: Mapping[Identity, Estimate], root: str = "", collection: str | None = None) -> Estimates:
    """Estimates over a mapping, for histories that are read whole."""
    by_task: dict[tuple[str, str], dict[int, Estimate]] = {}
    for identity, each in known.items():
        by_task.setdefault((identity.where, identity.task), {})[identity.position] = each
    return Estimates(lambda where, task: by_task.get((where, task), {}), root, collection)
