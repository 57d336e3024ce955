"""The lines of a ledger file: what they hold, how they are written and read back.

One JSON object a line. A file begins with the run, then come *intents* (a host is about to run a task that starts
jobs), *answers* (that host has reported on it), *launches* (one a job) and *closings* (a job is accounted for).
Nothing that ``no_log`` hides is ever part of a line: of such a task only names, numbers, the job id and the status
file are kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TypeAlias

from ansible_reap.jobs import JobState

FORMAT = 1
"""The version of the lines; a reader leaves files of a later one alone."""


@dataclass(frozen=True, slots=True)
class Route:
    """How a launch reached the account that runs its job:

    what a look at it has to repeat. None means Ansible's default.
    """

    delegated_to: str | None = None
    connection: str | None = None
    remote_user: str | None = None
    become: bool = False
    become_user: str | None = None
    become_method: str | None = None
    become_flags: str | None = None
    become_exe: str | None = None
    async_dir: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The run that keeps the ledger, and the process by which others tell whether it still lives."""

    run: str
    pid: int
    pid_start: str | None
    controller: str
    started: str
    playbooks: tuple[str, ...] = ()
    ansible_core: str = ""


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """Where a task stands and what it asks for. ``limit_s`` is seconds; ``line`` counts from 1."""

    play: str
    task: str
    path: str | None
    line: int | None
    limit_s: int | None
    poll: int | None


@dataclass(frozen=True, slots=True)
class Intent:
    """A host is about to run a task that starts jobs.

    ``key`` names the task within the run, ``at`` is seconds of the epoch.
    """

    key: str
    host: str
    at: float
    place: TaskPlace
    route: Route = field(default_factory=Route)


@dataclass(frozen=True, slots=True)
class Answer:
    """The host has reported all that the task did there: whatever it started has its launch line."""

    key: str
    host: str


@dataclass(frozen=True, slots=True)
class Launch:
    """One job that Ansible has reported. ``item`` is None where the task hides it; ``launched`` is ISO 8601, UTC."""

    jid: str
    host: str
    launched: str
    place: TaskPlace
    results_file: str | None = None
    item: str | None = None
    route: Route = field(default_factory=Route)


@dataclass(frozen=True, slots=True)
class Closing:
    """The job is accounted for; nobody needs to come back for it."""

    jid: str
    state: JobState


Record: TypeAlias = RunRecord | Intent | Answer | Launch | Closing

_KINDS: dict[str, type[Record]] = {
    "run": RunRecord,
    "intent": Intent,
    "answer": Answer,
    "launch": Launch,
    "closing": Closing,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class LineError(ValueError):
    """A line that is torn, not ours, or of another version."""


def encode(record: Record) -> bytes:
    """The record as one line.

    Lone surrogates and other oddities of names are escaped, so this never fails on a string.
    """
    body: dict[str, object] = {"v": FORMAT, "kind": _NAMES[type(record)]}
    body.update((name, value) for name, value in asdict(record).items() if value is not None)
    return json.dumps(body, separators=(",", ":"), default=str).encode("ascii") + b"\n"


def decode(line: bytes) -> Record:
    """The record of a line.

    Raises:
        LineError: the line is torn, is no JSON object of ours, or lacks what its kind needs.
    """
    try:
        body = json.loads(line)
    except ValueError as error:
        raise LineError("not JSON") from error
    if not isinstance(body, dict) or body.get("v") != FORMAT:
        raise LineError(f"not a line of version {FORMAT}")
    kind = body.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise LineError(f"unknown kind {kind!r}")
    try:
        return _READERS[kind](body)
    except (KeyError, TypeError, ValueError) as error:
        raise LineError(f"incomplete {kind} line") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("whole number expected")
    return value


def _whole_or_none(value: object) -> int | None:
    return None if value is None else _whole(value)


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("object expected")
    return value


def _route(value: object) -> Route:
    body = _mapping(value)
    texts = {f.name: _text_or_none(body.get(f.name)) for f in fields(Route) if f.name != "become"}
    return Route(become=body.get("become") is True, **texts)


def _place(value: object) -> TaskPlace:
    body = _mapping(value)
    return TaskPlace(
        play=_text(body["play"]),
        task=_text(body["task"]),
        path=_text_or_none(body.get("path")),
        line=_whole_or_none(body.get("line")),
        limit_s=_whole_or_none(body.get("limit_s")),
        poll=_whole_or_none(body.get("poll")),
    )


def _run(body: Mapping[str, object]) -> RunRecord:
    playbooks = body.get("playbooks", [])
    if not isinstance(playbooks, list):
        raise TypeError("list expected")
    return RunRecord(
        run=_text(body["run"]),
        pid=_whole(body["pid"]),
        pid_start=_text_or_none(body.get("pid_start")),
        controller=_text(body["controller"]),
        started=_text(body["started"]),
        playbooks=tuple(_text(name) for name in playbooks),
        ansible_core=_text(body.get("ansible_core", "")),
    )


def _intent(body: Mapping[str, object]) -> Intent:
    at = body["at"]
    if not isinstance(at, int | float):
        raise TypeError("number expected")
    return Intent(
        key=_text(body["key"]),
        host=_text(body["host"]),
        at=float(at),
        place=_place(body["place"]),
        route=_route(body.get("route", {})),
    )


def _answer(body: Mapping[str, object]) -> Answer:
    return Answer(key=_text(body["key"]), host=_text(body["host"]))


def _launch(body: Mapping[str, object]) -> Launch:
    return Launch(
        jid=_text(body["jid"]),
        host=_text(body["host"]),
        launched=_text(body["launched"]),
        place=_place(body["place"]),
        results_file=_text_or_none(body.get("results_file")),
        item=_text_or_none(body.get("item")),
        route=_route(body.get("route", {})),
    )


def _closing(body: Mapping[str, object]) -> Closing:
    return Closing(jid=_text(body["jid"]), state=JobState(_text(body["state"])))


_READERS: dict[str, Callable[[Mapping[str, object]], Record]] = {
    "run": _run,
    "intent": _intent,
    "answer": _answer,
    "launch": _launch,
    "closing": _closing,
}
