"""What the task of ``reap.jobs.sweep`` does on one host: say which files ledgers claim, and send the module there."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail

from ansible_reap.runtime.actions.ledgers import ledgers_for
from ansible_reap.runtime.actions.this_task import access_of, is_in_check_mode
from ansible_reap.runtime.events.ansible_objects import Action, Values, Variables
from ansible_reap.runtime.remote.progress import say
from ansible_reap.runtime.remote.reach import Reach
from ansible_reap.runtime.remote.waiting import NoAnswerError
from ansible_reap.runtime.tracking.display_text import fit

ARGUMENTS: dict[str, dict[str, object]] = {
    "days": {"type": "float", "default": 7},
    "remove": {"type": "bool", "default": False},
    "max": {"type": "int", "default": 10000},
    "folder": {"type": "path"},
    "ledger_dir": {"type": "path"},
}
MOST_NAMES = 200
"""Files that the result lists at most: it may be printed."""


def sweep(action: Action, arguments: Variables, task_vars: Variables) -> Values:
    """The task's result: ``files`` found, and how many were ``removed`` and ``kept``.

    Raises:
        AnsibleActionFail: the host does not answer, a number makes no sense, or the ledgers cannot be read.
    """
    if arguments["days"] < 0 or arguments["max"] < 1:
        raise AnsibleActionFail("reap.jobs.sweep: days must not be negative, and max must be at least 1")
    host = str(task_vars["inventory_hostname"])
    dry_run = is_in_check_mode(action)
    warnings: list[str] = []
    claimed = {job.jid for ledger in ledgers_for(arguments, warnings) for job in ledger.named}
    if warnings:
        # A ledger that cannot be read may claim any file.
        raise AnsibleActionFail(f"reap.jobs.sweep: {'; '.join(warnings)}")
    reach, access = Reach(action, task_vars), access_of(action)
    try:
        if reach.is_windows(access):
            raise AnsibleActionFail("reap.jobs.sweep: not on Windows; remove the files there by hand")
        answer = reach.module(
            access,
            "reap.jobs.sweep",
            {
                "days": arguments["days"],
                "remove": arguments["remove"],
                "max": arguments["max"],
                "folder": arguments["folder"] or reach.async_folder(access),
                "claimed": sorted(claimed),
                "dry_run": dry_run,
            },
        )
    except NoAnswerError as error:
        raise AnsibleActionFail(f"reap.jobs.sweep: {error}") from error
    if answer.get("failed"):
        raise AnsibleActionFail(f"reap.jobs.sweep: {fit(str(answer.get('msg')))}")
    files = answer.get("files") or []
    said = _told(answer, arguments)
    say(host, said)
    return {
        "changed": bool(answer.get("changed")),
        "msg": said,
        "folder": answer.get("folder"),
        "files": files[:MOST_NAMES],
        "found": len(files),
        "removed": answer.get("removed"),
        "kept": answer.get("kept"),
    }


def _told(answer: Variables, arguments: Variables) -> str:
    files = answer.get("files") or []
    size = sum(int(each["bytes"]) for each in files)
    kept = {name: count for name, count in (answer.get("kept") or {}).items() if count}
    reasons = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in kept.items())
    return (
        f"{answer.get('folder')}: {len(files)} status file{'' if len(files) == 1 else 's'} ({size} bytes) of jobs that "
        f"ended more than {arguments['days']:g} days ago, {answer.get('removed')} removed"
        + (f"; kept: {reasons}" if reasons else "")
    )
