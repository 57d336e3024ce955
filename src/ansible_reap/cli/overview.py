"""All jobs that ledgers name, as rows of one table: what each does, when it will end, and which want attention."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

from ansible_reap.history.forecast import Forecast
from ansible_reap.history.local import PATIENCE
from ansible_reap.jobs import LastSeen
from ansible_reap.records import dataclass
from ansible_reap.runtime.ledger.lines import RunRecord
from ansible_reap.runtime.ledger.reader import RunLedger
from ansible_reap.runtime.ledger.watch import StatusWatch
from ansible_reap.runtime.remote.expected import ExpectedEnds, in_words
from ansible_reap.runtime.tracking.as_json import entry
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.phases import Phase
from ansible_reap.runtime.tracking.tracker import JobRecord


class Standing(Enum):
    """How a job stands, the most urgent first. The words are those of the table."""

    FAILED = "failed"
    """It has failed, and nobody has seen it."""
    OVERDUE = "overdue"
    """Its limit is over, and nothing tells of its end."""
    LEFT = "left"
    """Its run is over, and nobody waits for the job."""
    SLOW = "slow"
    """It is running, for longer than any earlier job of the same launch."""
    ENDED = "ended"
    """It has ended well, and waits to be reaped."""
    RUNNING = "running"
    """It is running, by its status file."""
    LAUNCHED = "launched"
    """It was launched on another machine, where nobody has looked since."""


_URGENCY = {standing: number for number, standing in enumerate(Standing)}


@dataclass(frozen=True, slots=True)
class Row:
    """One job. ``age`` is seconds since its launch."""

    run: RunRecord
    is_live: bool
    job: JobInfo
    standing: Standing
    last_seen: LastSeen | None
    age: float
    forecast: Forecast | None

    @property
    def order(self) -> tuple[int, float, str]:
        return _URGENCY[self.standing], self.job.launched, self.job.jid

    @property
    def expected(self) -> str:
        """When it will end, from now on: ``about 4 min, 90 %: 9 min``."""
        return "" if self.forecast is None else in_words(self.forecast, self.age)

    def as_json(self) -> dict[str, Any]:
        """The job in the report's form, its run, and what is expected."""
        record = JobRecord(self.job, Phase.OUTSTANDING, last_seen=self.last_seen)
        return {
            **entry(record),
            "run": self.run.run,
            "live": self.is_live,
            "standing": self.standing.value,
            "age_s": round(self.age, 1),
            "expected": self._expected_json(),
        }

    def _expected_json(self) -> dict[str, Any] | None:
        known = self.forecast
        if known is None:
            return None
        return {
            "runs": known.runs,
            "median_left_s": None if known.median is None else round(known.median - self.age, 1),
            "bound_left_s": None if known.bound is None else round(known.bound - self.age, 1),
            "level": round(known.level, 4),
        }


class Overview:
    """Makes rows of ledgers. The history is read once for each project, a launch's place in its file once."""

    def __init__(self, history: str | None = None) -> None:
        """``history`` is the store's address; None means the one that the callback would use."""
        self._status = StatusWatch()
        self._ends = ExpectedEnds(history, PATIENCE)

    def rows(self, ledgers: Sequence[RunLedger], now: float | None = None) -> list[Row]:
        """One row a job that is not accounted for, the most urgent first."""
        when = time.time() if now is None else now
        rows = [self._row(ledger, job, when) for ledger in ledgers for job in ledger.launches]
        return sorted(rows, key=lambda row: row.order)

    def _row(self, ledger: RunLedger, job: JobInfo, now: float) -> Row:
        seen = self._status.look(job)
        age = max(now - job.launched, 0.0)
        is_open = seen in (None, LastSeen.RUNNING)
        forecast = self._ends.forecast(ledger.run.base, job, age) if is_open else None
        standing = _standing(seen, ledger, forecast, age, is_overdue=now > job.deadline(ledger.run.core))
        return Row(ledger.run, ledger.alive, job, standing, seen, age, forecast)


def _standing(
    seen: LastSeen | None, ledger: RunLedger, forecast: Forecast | None, age: float, *, is_overdue: bool
) -> Standing:
    if seen is LastSeen.FAILED:
        return Standing.FAILED
    if seen is LastSeen.FINISHED:
        return Standing.ENDED
    if is_overdue:
        return Standing.OVERDUE
    if not ledger.alive:
        return Standing.LEFT
    if seen is not LastSeen.RUNNING:  # it may have ended since, and nobody has looked
        return Standing.LAUNCHED
    return Standing.SLOW if forecast is not None and forecast.longest <= age else Standing.RUNNING


@dataclass(frozen=True, slots=True)
class Change:
    """What has changed of a job between two looks: ``row`` is what it is now, None where it is accounted for."""

    before: Row | None
    row: Row | None
    became: str
    """The word for what it is now."""


def changes(before: Sequence[Row], after: Sequence[Row], ledgers: Sequence[RunLedger]) -> Iterator[Change]:
    """What is new, stands otherwise, or is accounted for; in the order of the table, those that are gone last."""
    known = {(row.job.host, row.job.jid): row for row in before}
    for row in after:
        old = known.pop((row.job.host, row.job.jid), None)
        if old is None or old.standing is not row.standing:
            yield Change(old, row, row.standing.value)
    states = {
        (job.host, job.jid): ledger.states[job.jid].value
        for ledger in ledgers
        for job in ledger.named
        if job.jid in ledger.states
    }
    for which, old in known.items():
        # The ledger of a run that has ended well is gone, and how the job ended with it.
        yield Change(old, None, states.get(which, "accounted for"))
