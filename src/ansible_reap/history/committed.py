"""The history that is committed next to the code: ``.ansible-reap/history.json``, one launch a line.

It holds no host and no user, only run ids and seconds. ``check`` reads it for every project, so it is searched as text
and only the lines of the project's own launches are parsed; a file that some tool has laid out anew is read whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_reap.history.estimate import Estimate, Estimates, RunTime
from ansible_reap.history.identity import Identity, collection_of
from ansible_reap.history.launches import MAX_RUNS, LaunchHistory, MeasuredRun
from ansible_reap.history.observation import Observation, Outcome

FILE = Path(".ansible-reap") / "history.json"
"""Where it stands, relative to the project's root."""

VERSION = 1
_HEAD = f'{{"version": {VERSION}, "launches": [\n'
_TAIL = "\n]}\n"


class HistoryFileError(ValueError):
    """A committed history that cannot be read: ``FILE:LINE: what is wrong``."""

    def __init__(self, reason: str, path: Path, line: int = 1) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.reason = reason
        self.line = line


def dump(histories: Iterable[LaunchHistory]) -> str:
    """The file's text. The same histories give the same text, launches are sorted, each stands on a line of its own."""
    lines = [json.dumps(_entry(each), ensure_ascii=False) for each in sorted(histories, key=lambda each: each.identity)]
    return _HEAD + ",\n".join(lines) + _TAIL


def write(path: Path, text: str) -> None:
    """Replace the file in one step, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _entry(history: LaunchHistory) -> dict[str, object]:
    known = history.estimate
    entry: dict[str, object] = {
        "where": history.identity.where,
        "task": history.identity.task,
        "position": history.identity.position,
        "limit_s": _tidy(known.limit),
        "runs": known.runs,
        "timed_out": known.censored,
        "median_s": _tidy(known.median),
        "p95_s": _tidy(known.p95),
        "max_s": _tidy(known.largest),
        "bound_s": _tidy(known.bound.seconds) if known.bound else None,
        "level": round(known.bound.level, 3) if known.bound else None,
        "at_least_s": _tidy(known.at_least),
        "uncertainty_s": _tidy(known.uncertainty),
    }
    # A run that was cut off is text, as in ">600": it took longer, nobody knows how much.
    entry["times_s"] = {
        each.run: f">{_tidy(each.time.seconds)}" if each.time.is_censored else _tidy(each.time.seconds)
        for each in history.runs
    }
    return entry


def _tidy(seconds: float | None) -> float | int | None:
    """As many digits as mean something, whole numbers without a point."""
    if seconds is None:
        return None
    rounded = round(seconds, 2 if seconds < 10 else 1)
    return int(rounded) if rounded == int(rounded) else rounded


@dataclass(frozen=True, slots=True)
class _Committed:
    """The text of a file and what finds a launch in it."""

    path: Path
    text: str

    def lookup(self, where: str, task: str) -> Mapping[int, Estimate]:
        start = f'{{"where": {_json(where)}, "task": {_json(task)}, '
        found: dict[int, Estimate] = {}
        at = self.text.find(start)
        while at >= 0:
            end = self.text.find("\n", at)
            line = self.text.count("\n", 0, at) + 1
            entry = _parse(self.text[at:end].rstrip(","), self.path, line)
            history = _history(entry, self.path, line)
            found[history.identity.position] = history.estimate
            at = self.text.find(start, end)
        return found


def load(root: Path) -> Estimates | None:
    """The estimates committed in the project at ``root``, or None where there is no file. Raises HistoryFileError."""
    path = root / FILE
    text = _read(path)
    if text is None:
        return None
    if text.startswith(_HEAD) and text.endswith(_TAIL) and "\n<<<<<<< " not in text:
        return Estimates(_Committed(path, text).lookup, str(root), collection_of(root))
    known: dict[tuple[str, str], dict[int, Estimate]] = {}
    for history in _whole(text, path):
        launch = history.identity
        known.setdefault((launch.where, launch.task), {})[launch.position] = history.estimate
    return Estimates(lambda where, task: known.get((where, task), {}), str(root), collection_of(root))


def read(path: Path) -> list[LaunchHistory]:
    """Everything in such a file. Raises HistoryFileError."""
    text = _read(path)
    if text is None:
        raise HistoryFileError("no such file", path)
    return _whole(text, path)


def observations(histories: Iterable[LaunchHistory], project: str) -> list[Observation]:
    """What a store keeps of an export: one job a run, the slowest, its host unknown."""
    return [
        Observation(
            run=each.run,
            job=f"{history.identity.where}#{history.identity.task}#{history.identity.position}",
            project=project,
            identity=history.identity,
            host="",
            outcome=Outcome.TIMED_OUT if each.time.is_censored else Outcome.FINISHED,
            seconds=each.time.seconds,
            uncertainty=each.time.uncertainty,
            limit=each.limit,
            launched=run_start(each.run),
            core=each.core,
        )
        for history in histories
        for each in history.runs
    ]


def run_start(run: str) -> datetime:
    """When the run with this id began. Raises ValueError for what is no run's id."""
    return datetime.strptime(run[:20], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise HistoryFileError("not UTF-8 text", path) from error
    except OSError as error:
        raise HistoryFileError(error.strerror or str(error), path) from error


def _parse(text: str, path: Path, line: int = 1) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        at = line + getattr(error, "lineno", 1) - 1
        raise HistoryFileError("not JSON; write it anew with 'ansible-reap history export'", path, at) from error


def _whole(text: str, path: Path) -> list[LaunchHistory]:
    match _parse(text, path):
        case {"version": int(version), "launches": list(entries)}:
            if version > VERSION:
                raise HistoryFileError(f"written by a newer ansible-reap (version {version})", path)
            return [_history(entry, path, 1) for entry in entries]
    raise HistoryFileError("not an export of 'ansible-reap history'", path)


def _history(entry: Any, path: Path, line: int) -> LaunchHistory:
    try:
        identity = Identity(str(entry["where"]), str(entry["task"]), int(entry["position"]))
        limit = float(entry["limit_s"] or 0)
        uncertainty = float(entry["uncertainty_s"])
        runs = [MeasuredRun(run, _run_time(time, uncertainty), limit) for run, time in entry["times_s"].items()]
        for each in runs:
            run_start(each.run)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HistoryFileError(f"an entry is damaged ({error})", path, line) from error
    return LaunchHistory("", identity, tuple(sorted(runs, key=lambda each: each.run)))


def _run_time(time: str | float, uncertainty: float) -> RunTime:
    if isinstance(time, str):
        return RunTime(float(time.removeprefix(">")), is_censored=time.startswith(">"), uncertainty=uncertainty)
    return RunTime(float(time), uncertainty=uncertainty)


def merge(kept: Sequence[LaunchHistory], new: Sequence[LaunchHistory]) -> list[LaunchHistory]:
    """Two exports in one: every run of both, a run known to both once. What leaves MAX_RUNS behind goes."""
    runs: dict[Identity, dict[str, MeasuredRun]] = {}
    for history in (*kept, *new):
        runs.setdefault(history.identity, {}).update({each.run: each for each in history.runs})
    return [
        LaunchHistory("", identity, tuple(sorted(found.values(), key=lambda each: each.run)[-MAX_RUNS:]))
        for identity, found in sorted(runs.items())
    ]
