"""When jobs are expected to end, by the run times measured of their launches."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ansible_reap.history.database import StoreError
from ansible_reap.history.forecast import Forecast, Pace, pace
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Observation
from ansible_reap.history.settings import configured
from ansible_reap.history.store import Store
from ansible_reap.project_root import find_root
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.launch_names import LaunchNames
from ansible_reap.wording import rough_duration


class ExpectedEnds:
    """Forecasts for jobs. The history is read once for each project, and not before somebody asks."""

    def __init__(self, history: str | None, patience: float) -> None:
        """``history`` is the store's address; None means the one that the callback would use.

        ``patience`` is how many seconds a locked or distant store is waited for.
        """
        self._history = history
        self._patience = patience
        self._names = cache(lambda base: LaunchNames(Path(base)))
        self._measured = cache(self._measured_of)
        self._paces: dict[tuple[str, str, int, str, str], Pace] = {}

    def forecast(self, base: str, job: JobInfo, age: float) -> Forecast | None:
        """What is to be expected of a job of this age (seconds) in the project around the folder ``base``."""
        return self._pace(base, job).forecast(age)

    def text(self, base: str, job: JobInfo, age: float) -> str:
        """The forecast in words; empty where too little was measured, or nothing took as long as this job."""
        try:
            found = self.forecast(base, job, age)
        except Exception:  # noqa: BLE001 - a word of progress must not cost the wait that it is told of
            return ""
        return "" if found is None or found.longest <= age else in_words(found, age)

    def _pace(self, base: str, job: JobInfo) -> Pace:
        key = (base, job.path, job.line, job.task, job.host)
        if key not in self._paces:
            self._paces[key] = pace(self._observations(base, job), job.host)
        return self._paces[key]

    def _observations(self, base: str, job: JobInfo) -> list[Observation]:
        if not base:
            return []  # a ledger of an earlier version: where its files are is not known
        return self._measured(base).get(self._names(base).of(job), [])

    def _measured_of(self, base: str) -> dict[Identity, list[Observation]]:
        """The run times of the project around the folder, by launch; none where they cannot be had."""
        found: dict[Identity, list[Observation]] = {}
        try:
            address = configured(find_root(Path(base)), self._history)
            measured = Store(address, self._patience).observations(self._names(base).project) if address else []
        except (StoreError, OSError):
            measured = []
        for each in measured:
            found.setdefault(each.identity, []).append(each)
        return found


def in_words(forecast: Forecast, age: float) -> str:
    """When a job of this age will end, from now on: ``about 4 min, 90 %: 9 min``."""
    parts = []
    if forecast.median is not None:
        parts.append(f"about {rough_duration(forecast.median - age)}")
    if forecast.bound is not None:
        parts.append(f"{int(forecast.level * 100 + 1e-9)} %: {rough_duration(forecast.bound - age)}")
    elif forecast.longest > age:
        parts.append(f"longest: {rough_duration(forecast.longest - age)}")
    return ", ".join(parts) or f"longest was {rough_duration(forecast.longest)}"
