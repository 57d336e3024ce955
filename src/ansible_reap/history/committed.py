"""The history that is committed next to the code: ``.ansible-reap/history.json``, one launch a line.

It holds no host and no user, only run ids and seconds. ``check`` reads it for every project, so in a large one only the
lines of the project's own launches are parsed; a file that some tool has laid out anew is read whole.
"""

from __future__ import annotations

import json
import mmap
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from ansible_reap.history.estimate import Estimate, Estimates, RunTime
from ansible_reap.history.identity import Identity, collection_of
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.runs import MAX_RUNS, LaunchHistory, MeasuredRun
from ansible_reap.reading import SourceError, parse_json
from ansible_reap.reading import read as read_bytes
from ansible_reap.records import dataclass

FILE = Path(".ansible-reap") / "history.json"
"""Where it stands, relative to the project's root."""

VERSION = 1
MAX_SIZE = 64 * 1024 * 1024
"""Bytes of a history that is read whole."""

MAX_SECONDS = 1e9
"""Thirty years: a longer run time is refused."""

LARGE = 256 * 1024
"""Bytes from which on a file is searched and not parsed."""

_Lookup = Callable[[str, str], Mapping[int, Estimate]]
"""By place and task's name, the estimates by position."""

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
    lines = sorted(json.dumps(_entry(each), ensure_ascii=False).encode() for each in histories)
    return _HEAD + b",\n".join(lines).decode() + _TAIL


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


def load(root: Path, on_damage: Callable[[HistoryFileError], None] | None = None) -> Estimates | None:
    """The estimates committed in the project at ``root``, or None where there is no file. Raises HistoryFileError.

    Entries are looked into when somebody asks for their launch. One that is damaged is told to ``on_damage``, and the
    launch has no estimate; without ``on_damage`` the asking raises.
    """
    path = root / FILE
    if not path.exists():
        return None
    try:
        if path.is_file() and path.stat().st_size > LARGE:
            with path.open("rb") as file:
                if file.read(len(_HEAD)) == _HEAD.encode():  # laid out by us: another layout is read whole
                    return _estimates(_Sorted(path, _map(file)).lookup, root, on_damage)
    except OSError as error:
        raise HistoryFileError(error.strerror or str(error), path) from error
    return _estimates(_Whole(path, _content(path)).lookup, root, on_damage)


def _estimates(lookup: _Lookup, root: Path, on_damage: Callable[[HistoryFileError], None] | None) -> Estimates:
    def tolerant(where: str, task: str) -> Mapping[int, Estimate]:
        try:
            return lookup(where, task)
        except HistoryFileError as error:
            if on_damage is None:
                raise
            on_damage(error)
            return {}

    return Estimates(tolerant, str(root), collection_of(root))


def _map(file: BinaryIO) -> mmap.mmap:
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class _Whole:
    """A file that was parsed as one. Its entries are only looked into when they are asked for."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._known: dict[tuple[str, str], list[Any]] = {}
        for entry in _entries(_parse(content, path), path):
            key = (entry.get("where"), entry.get("task")) if isinstance(entry, dict) else (None, None)
            if not (isinstance(key[0], str) and isinstance(key[1], str)):
                raise HistoryFileError("an entry is damaged (no place or no task)", path)
            self._known.setdefault((key[0], key[1]), []).append(entry)

    def lookup(self, where: str, task: str) -> Mapping[int, Estimate]:
        found = [_history(entry, self._path, 1) for entry in self._known.get((where, task), ())]
        return {each.identity.position: each.estimate for each in found}


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A file with one launch a line, the lines in order: a launch is found by halving, without reading the rest."""

    path: Path
    content: mmap.mmap

    def lookup(self, where: str, task: str) -> Mapping[int, Estimate]:
        wanted = _start(where, task)
        low, high = len(_HEAD.encode()), len(self.content) - len(_TAIL)
        while low < high:
            begin = self.content.rfind(b"\n", 0, (low + high) // 2) + 1
            end = self._end(begin)
            line = self._line(begin, end)
            if line < wanted:
                low = end + 1
            else:
                high = begin
        found: dict[int, Estimate] = {}
        while low < len(self.content):
            end = self._end(low)
            line = self.content[low:end]
            if not line.startswith(wanted):
                break
            try:
                history = _history(_parse(line.rstrip(b","), self.path), self.path)
            except HistoryFileError as error:
                raise HistoryFileError(error.reason, self.path, self._number(low)) from error
            found[history.identity.position] = history.estimate
            low = end + 1
        return found

    def _line(self, begin: int, end: int) -> bytes:
        line = self.content[begin:end]
        if not line.startswith(b'{"where": '):
            reason = "no line of a history; write it anew with 'ansible-reap history export'"
            raise HistoryFileError(reason, self.path, self._number(begin))
        return line

    def _end(self, begin: int) -> int:
        end = self.content.find(b"\n", begin)
        return end if end >= 0 else len(self.content)

    def _number(self, begin: int) -> int:
        return self.content[:begin].count(b"\n") + 1


def read(path: Path) -> list[LaunchHistory]:
    """Everything in such a file. Raises HistoryFileError."""
    return [_history(entry, path) for entry in _entries(_parse(_content(path), path), path)]


def observations(histories: Iterable[LaunchHistory], project: str) -> list[Observation]:
    """What a store keeps of an export: one job a run, the slowest, its host unknown."""
    return [
        Observation(
            run=each.run,
            job=f"{history.identity.where}#{history.identity.task}#{history.identity.position}",
            project=project,
            identity=history.identity,
            host="",
            outcome=Ending.TIMED_OUT if each.time.is_censored else Ending.FINISHED,
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
    if run[19:20] != "Z":
        raise ValueError(f"'{run}' is no run")
    return datetime.fromisoformat(run[:19]).replace(tzinfo=timezone.utc)


def _start(where: str, task: str) -> bytes:
    """How the line of every launch with this place and name starts."""
    return f'{{"where": {_json(where)}, "task": {_json(task)}, '.encode(errors="replace")


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path, MAX_SIZE)
    except SourceError as error:
        raise HistoryFileError(error.message, path) from error


def _parse(content: bytes, path: Path) -> Any:
    try:
        return parse_json(content)
    except SourceError as error:
        reason = f"{error.message}; write it anew with 'ansible-reap history export'"
        raise HistoryFileError(reason, path, error.line) from error


def _entries(data: Any, path: Path) -> list[Any]:
    match data:
        case {"version": int(version), "launches": list(entries)}:
            if version > VERSION:
                raise HistoryFileError(f"written by a newer ansible-reap (version {version})", path)
            return entries
    raise HistoryFileError("not an export of 'ansible-reap history'", path)


def _history(entry: Any, path: Path, line: int = 1) -> LaunchHistory:
    try:
        identity = Identity(str(entry["where"]), str(entry["task"]), int(entry["position"]))
        limit = _seconds(entry["limit_s"] or 0)
        uncertainty = _seconds(entry["uncertainty_s"])
        runs = [MeasuredRun(run, _run_time(time, uncertainty), limit) for run, time in entry["times_s"].items()]
        for each in runs:
            run_start(each.run)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise HistoryFileError(f"an entry is damaged ({error})", path, line) from error
    return LaunchHistory("", identity, tuple(sorted(runs, key=lambda each: each.run)))


def _run_time(time: str | float, uncertainty: float) -> RunTime:
    if isinstance(time, str):
        return RunTime(_seconds(time.removeprefix(">")), is_censored=time.startswith(">"), uncertainty=uncertainty)
    return RunTime(_seconds(time), uncertainty=uncertainty)


def _seconds(value: str | float) -> float:
    """A span of time. Raises ValueError for one that no job can take."""
    seconds = float(value)
    if not 0 <= seconds < MAX_SECONDS:
        raise ValueError(f"{reprlib.repr(value)} is no time that a job can take")
    return seconds


def merge(kept: Sequence[LaunchHistory], new: Sequence[LaunchHistory]) -> list[LaunchHistory]:
    """Two exports in one: every run of both, a run known to both once. What leaves MAX_RUNS behind goes."""
    runs: dict[Identity, dict[str, MeasuredRun]] = {}
    for history in (*kept, *new):
        runs.setdefault(history.identity, {}).update({each.run: each for each in history.runs})
    return [
        LaunchHistory("", identity, tuple(sorted(found.values(), key=lambda each: each.run)[-MAX_RUNS:]))
        for identity, found in sorted(runs.items())
    ]
