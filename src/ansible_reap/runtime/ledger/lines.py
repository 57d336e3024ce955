"""The lines of a ledger file: what they hold, how they are written and read back.

One JSON object a line. A file begins with the run, then come *intents* (a host is about to run a task that starts
jobs), *answers* (a host has reported on it), *launches* (one a job) and *closings* (a job is accounted for). Nothing
that ``no_log`` hides is ever part of a line: of such a task only names, numbers and the job id are kept. Of the
connection variables only those are kept that say where to look, and only where the playbook has them as plain values;
passwords, arguments of command lines and whatever came out of a template or a vault never are. Words are masked as
Ansible masks them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from ansible_reap.jobs import JobState
from ansible_reap.records import dataclass, replace
from ansible_reap.runtime.tracking.display_text import masked
from ansible_reap.runtime.tracking.info import CONNECTION_KEYWORDS, HIDDEN, Access, JobInfo, LaunchSite

_FOLDER = "ansible_async_dir"
FORMAT = 1
"""The version of the lines; a reader leaves files of a later one alone."""
_LONGEST_PATH, _LONGEST_NAME = 4096, 255
"""Bytes of a path, and of a name in it, that Linux opens."""
_LONGEST_PART = 10
"""Digits of a part of a version; a longer number is none."""
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_LARGEST = 10**11
"""Numbers above this are refused: points in time, in seconds since the epoch, are below it."""

KEPT_VARIABLES = frozenset(
    {
        "ansible_async_dir",
        "ansible_become",
        "ansible_become_exe",
        "ansible_become_method",
        "ansible_become_user",
        "ansible_connection",
        "ansible_host",
        "ansible_port",
        "ansible_private_key_file",
        "ansible_python_interpreter",
        "ansible_remote_tmp",
        "ansible_shell_executable",
        "ansible_shell_type",
        "ansible_ssh_host",
        "ansible_ssh_port",
        "ansible_ssh_private_key_file",
        "ansible_ssh_user",
        "ansible_user",
    }
)
"""Connection variables that go to disk; any other might hold a secret and has to come from the inventory again."""


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
    base: str = ""
    """The folder of the first playbook, absolute: the paths of tasks are relative to it."""

    @property
    def core(self) -> tuple[int, ...]:
        """The version of ansible-core, as far as its parts are numbers."""
        parts = self.ansible_core.split(".")[:3]
        return tuple(int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < _LONGEST_PART)


@dataclass(frozen=True, slots=True)
class Intent:
    """The host is about to run a task that starts jobs. ``key`` names the task within the run.

    ``when`` is seconds since the epoch. What the task leaves to templates may stand there as written.
    """

    key: str
    host: str
    when: float
    site: LaunchSite


@dataclass(frozen=True, slots=True)
class Answer:
    """The host has reported all that the task did there: whatever it started has its launch line."""

    key: str
    host: str


@dataclass(frozen=True, slots=True)
class Closing:
    """The job is accounted for; nobody needs to come back for it."""

    jid: str
    state: JobState


Record: TypeAlias = RunRecord | Intent | Answer | JobInfo | Closing

_NAMES: dict[type, str] = {
    RunRecord: "run",
    Intent: "intent",
    Answer: "answer",
    JobInfo: "launch",
    Closing: "closing",
}


class LineError(ValueError):
    """A line that is torn, not ours, or of another version."""


def encode(record: Record) -> bytes:
    """The record as one line. Whatever names hold is escaped, lone surrogates too."""
    return json.dumps(line_data(record), separators=(",", ":"), default=str).encode("ascii") + b"\n"


def line_data(record: Record) -> dict[str, object]:
    """What a line holds of the record, as plain data."""
    if isinstance(record, JobInfo):
        item = None if record.item is None else masked(record.item)
        record = replace(record, site=_fit_for_disk(record.site), item=item, route=None, told_folder=None)
    elif isinstance(record, Intent):
        record = replace(record, site=_fit_for_disk(record.site))
    return {"v": FORMAT, "kind": _NAMES[type(record)], **_without_defaults(asdict(record))}


def decode(line: bytes) -> Record:
    """The record of a line.

    Raises:
        LineError: the line is torn, is no JSON object of ours, or lacks what its kind needs.
    """
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineError("not JSON") from error
    if not isinstance(body, dict) or body.get("v") != FORMAT:
        raise LineError(f"not a line of version {FORMAT}")
    kind = body.get("kind")
    if not isinstance(kind, str) or kind not in _READERS:
        raise LineError(f"unknown kind {kind!r}")
    try:
        return _READERS[kind](body)
    except (KeyError, TypeError, ValueError) as error:
        raise LineError(f"incomplete {kind} line") from error


def _fit_for_disk(site: LaunchSite) -> LaunchSite:
    variables = tuple((name, value) for name, value in site.access.variables if name in KEPT_VARIABLES)
    # Flags of a command line may hold anything; the inventory has to say them again.
    access = replace(_without_vaulted(site.access), variables=variables, become_flags=None)
    reason = None if site.reason is None else masked(site.reason)
    return replace(site, access=access, play=masked(site.play), task=masked(site.task), reason=reason)


def _without_vaulted(access: Access) -> Access:
    """The access without what came out of a vault, and without a way to take it for whole."""
    if not access.vaulted:
        return access
    values: dict[str, Any] = dict.fromkeys(access.vaulted & CONNECTION_KEYWORDS - {"become", "port"}, HIDDEN)
    if not values:
        values["remote_user"] = HIDDEN
    return replace(access, port=None if "port" in access.vaulted else access.port, vaulted=frozenset(), **values)


def _without_defaults(body: dict[str, object]) -> dict[str, object]:
    """A ledger has many lines, so what is None, False or empty is left out."""
    slim: dict[str, object] = {}
    for name, value in body.items():
        kept = _without_defaults(value) if isinstance(value, dict) else value
        if kept or (kept == 0 and kept is not False):
            slim[name] = kept
    return slim


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _path(value: object) -> str:
    """The path of a file or folder on this machine, which is opened and printed."""
    text = _text(value)
    name = os.fsencode(text)  # raises ValueError for what no path can hold
    if b"\0" in name or len(name) > _LONGEST_PATH or max(map(len, name.split(b"/"))) > _LONGEST_NAME:
        raise ValueError("path expected")
    return text


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
        raise TypeError("whole number expected")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
        raise TypeError("number expected")
    return float(value)


def _jid(value: object) -> str:
    """An id is part of a file's name on a host."""
    if not isinstance(value, str) or not _FILE_NAME.fullmatch(value):
        raise TypeError("job id expected")
    return value


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("object expected")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("list expected")
    return value


def _plain(value: object) -> str | int | float | bool:
    if not isinstance(value, str | int | float | bool):
        raise TypeError("plain value expected")
    return value


def _access(value: object) -> Access:
    body = _mapping(value)
    texts = {name: _text_or_none(body.get(name)) for name in CONNECTION_KEYWORDS - {"become", "port"}}
    port = body.get("port")
    pairs = [_list(pair) for pair in _list(body.get("variables", []))]
    return Access(
        become=body.get("become") is True,
        vaulted=frozenset(),
        home=_text_or_none(body.get("home")),
        port=None if port is None else _whole(port),
        variables=tuple((_text(name), _plain(value)) for name, value in pairs if name in KEPT_VARIABLES),
        **texts,
    )


def _in_folder(access: Access, async_dir: str | None) -> Access:
    """With the folder as the run worked it out: written as a template it is not among the variables that are kept."""
    if async_dir is None or _FOLDER in dict(access.variables):
        return access
    return replace(access, variables=(*access.variables, (_FOLDER, async_dir)))


def _site(value: object) -> LaunchSite:
    body = _mapping(value)
    async_dir = _text_or_none(body.get("async_dir"))
    return LaunchSite(
        play=_text(body.get("play", "")),
        task=_text(body.get("task", "")),
        path=_path(body["path"]),
        line=_whole(body["line"]),
        role=_text_or_none(body.get("role")),
        register=_text_or_none(body.get("register")),
        limit_s=_whole(body["limit_s"]),
        poll=_whole(body["poll"]),
        no_log=body.get("no_log") is True,
        async_dir=async_dir,
        access=_in_folder(_access(body.get("access", {})), async_dir),
        reason=_text_or_none(body.get("reason")),
        empty_reason=body.get("empty_reason") is True,
    )


def _run(body: Mapping[str, object]) -> RunRecord:
    return RunRecord(
        run=_text(body["run"]),
        pid=_whole(body["pid"]),
        pid_start=_text_or_none(body.get("pid_start")),
        controller=_text(body["controller"]),
        started=_text(body["started"]),
        playbooks=tuple(_text(name) for name in _list(body.get("playbooks", []))),
        ansible_core=_text(body.get("ansible_core", "")),
        base=_path(body.get("base", "")),
    )


def _intent(body: Mapping[str, object]) -> Intent:
    return Intent(
        key=_text(body["key"]), host=_text(body["host"]), when=_number(body["when"]), site=_site(body["site"])
    )


def _answer(body: Mapping[str, object]) -> Answer:
    return Answer(key=_text(body["key"]), host=_text(body["host"]))


def _launch(body: Mapping[str, object]) -> JobInfo:
    return JobInfo(
        jid=_jid(body["jid"]),
        host=_text(body["host"]),
        site=_site(body["site"]),
        item=_text_or_none(body.get("item")),
        launched=_number(body["launched"]),
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
