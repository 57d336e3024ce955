"""What the task of ``reap.jobs.sweep`` does on one host: say which files ledgers claim, and send the module there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeGuard

from ansible.errors import AnsibleActionFail

from ansible_reap.records import dataclass
from ansible_reap.runtime.actions.ledgers import ledgers_for
from ansible_reap.runtime.actions.this_task import access_of, is_in_check_mode
from ansible_reap.runtime.events.ansible_objects import Action, Values, Variables
from ansible_reap.runtime.events.callers import host_of_worker
from ansible_reap.runtime.events.replies import job_id
from ansible_reap.runtime.remote.bounded import PATIENCE, within
from ansible_reap.runtime.remote.progress import say
from ansible_reap.runtime.remote.reach import Reach
from ansible_reap.runtime.remote.waiting import NoAnswerError
from ansible_reap.runtime.tracking.display_text import fit
from ansible_reap.wording import counted

ARGUMENTS: dict[str, dict[str, object]] = {
    "days": {"type": "float", "default": 7},
    "remove": {"type": "bool", "default": False},
    "max": {"type": "int", "default": 10000},
    "folder": {"type": "path"},
    "ledger_dir": {"type": "path"},
}
LONGEST_SWEEP = 1800.0
"""Seconds that a host has for it, with however many files."""
MOST_NAMES = 200
"""Files that the result lists at most: it may be printed."""
REASONS = ("claimed", "not_ended", "beyond_max")
"""Why the module keeps files."""
LARGEST = 2**53
"""Numbers of a host above this are not believed."""


def sweep(action: Action, arguments: Variables, task_vars: Variables) -> Values:
    """The task's result: ``files`` found, and how many were ``removed`` and ``kept``.

    Raises:
        AnsibleActionFail: the host does not answer, a number makes no sense, or the ledgers cannot be read.
    """
    if arguments["days"] < 0 or arguments["max"] < 1:
        raise AnsibleActionFail("reap.jobs.sweep: days must not be negative, and max must be at least 1")
    host = host_of_worker().get_name()
    dry_run = is_in_check_mode(action)
    warnings: list[str] = []
    claimed = {job.jid for ledger in ledgers_for(arguments, warnings) for job in ledger.named}
    if warnings:
        # A ledger that cannot be read may claim any file.
        raise AnsibleActionFail(f"reap.jobs.sweep: {'; '.join(warnings)}")
    reach, access = Reach(action, task_vars, host), access_of(action)
    try:
        if reach.is_windows(access):
            raise AnsibleActionFail("reap.jobs.sweep: not on Windows; remove the files there by hand")
        folder = arguments["folder"] or within(PATIENCE, lambda: reach.async_folder(access))
        given = {
            "days": arguments["days"],
            "remove": arguments["remove"],
            "max": arguments["max"],
            "folder": folder,
            # No host is told of the jobs of another, and which machine is which we may get wrong.
            "claimed": sorted(hashlib.sha256(jid.encode()).hexdigest() for jid in claimed),
            "dry_run": dry_run,
        }
        answer = within(LONGEST_SWEEP, lambda: reach.module(access, "reap.jobs.sweep", given))
    except NoAnswerError as error:
        raise AnsibleActionFail(f"reap.jobs.sweep: {error}") from error
    if answer.get("failed"):
        raise AnsibleActionFail(f"reap.jobs.sweep: {fit(str(answer.get('msg')))}")
    swept = read_answer({**answer, "folder": reach.without_secrets(str(answer.get("folder")))})
    said = swept.as_line(arguments["days"])
    say(host, said)
    return {
        "changed": answer.get("changed") is True,
        "msg": said,
        "folder": swept.folder,
        "files": swept.files[:MOST_NAMES],
        "found": len(swept.files),
        "removed": swept.removed,
        "kept": swept.kept,
    }


@dataclass(frozen=True, slots=True)
class Swept:
    """What the module has found, removed and kept, by reason."""

    folder: str
    files: list[dict[str, str | float]]
    removed: int
    kept: dict[str, int]

    def as_line(self, days: float) -> str:
        size = sum(int(each["bytes"]) for each in self.files)
        reasons = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.kept.items() if count)
        return (
            f"{self.folder}: {counted(len(self.files), 'status file')} ({size} bytes) of jobs "
            f"that ended more than {days:g} days ago, {self.removed} removed"
            + (f"; kept: {reasons}" if reasons else "")
        )


def read_answer(answer: Mapping[str, object]) -> Swept:
    """What a host says of its sweep: what is no name, number or reason of the module is left out."""
    listed, kept = answer.get("files"), answer.get("kept")
    return Swept(
        folder=fit(str(answer.get("folder"))),
        files=[
            {"name": name, "days": days, "bytes": int(size)}
            for each in (listed if isinstance(listed, list) else [])
            if isinstance(each, dict)
            for name, days, size in [(job_id(each.get("name")), each.get("days"), each.get("bytes"))]
            if name and _is_number(days) and _is_number(size)
        ],
        removed=_count(answer.get("removed")),
        kept={reason: _count(kept.get(reason)) for reason in REASONS} if isinstance(kept, dict) else {},
    )


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _count(value: object) -> int:
    return int(value) if _is_number(value) else 0
