"""List the async jobs that earlier runs left outstanding: launched, and nobody came back for them.

Runs that are still going are left out. To look at the jobs on their hosts, wait for them and close them:
ansible-playbook reap.jobs.collect -i INVENTORY -e wait=true
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ansible_reap.cli.command_line import Parser, UsageError
from ansible_reap.formats.printable import one_line
from ansible_reap.runtime.ledger.folder import ledger_folder
from ansible_reap.runtime.ledger.reader import RunLedger, read_folder
from ansible_reap.runtime.tracking.as_json import entry, utc
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.phases import Phase
from ansible_reap.runtime.tracking.tracker import JobRecord
from ansible_reap.runtime.tracking.wording import span

FORMATS = ("text", "json")


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--ledger-dir", metavar="DIR", help="where runs keep their ledgers (default: as a run here would)"
    )
    parser.add_argument("--format", metavar="FORMAT", default="text", choices=FORMATS, help=", ".join(FORMATS))


def run(args: argparse.Namespace) -> int:
    folder = Path(args.ledger_dir) if args.ledger_dir else ledger_folder()
    if args.ledger_dir and not folder.is_dir():
        raise UsageError(f"--ledger-dir: no such folder '{args.ledger_dir}'")
    try:
        ledgers = read_folder(folder, lambda text: print(f"ansible-reap jobs: {one_line(text)}", file=sys.stderr))
    except OSError as error:
        raise UsageError(f"cannot read the ledgers in '{folder}': {error.strerror}") from error
    ended = [ledger for ledger in ledgers if not ledger.alive]
    if args.format == "json":
        print(json.dumps(_as_json(ended), indent=1))
        return 0
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    for ledger in ended:
        _print_run(ledger)
    _print_summary(ended, len(ledgers) - len(ended))
    return 0


def _as_json(ended: Sequence[RunLedger]) -> dict[str, object]:
    """``may_have_started`` is there only where a host never reported on a launching task that it was given."""
    jobs = [entry(JobRecord(job, Phase.OUTSTANDING)) for ledger in ended for job in ledger.launches]
    more = list(dict.fromkeys((intent.host, intent.site, intent.when) for ledger in ended for intent in ledger.intents))
    if not more:
        return {"version": 1, "jobs": jobs}
    tasks = [
        {
            "host": host,
            "delegated_to": site.access.delegate_to,
            "play": site.play,
            "task": site.task,
            "path": site.path,
            "line": site.line,
            "limit_s": site.limit_s,
            "begun": utc(when),
        }
        for host, site, when in more
    ]
    return {"version": 1, "jobs": jobs, "may_have_started": tasks}


def _print_run(ledger: RunLedger) -> None:
    if ledger.is_accounted_for:
        return
    run = ledger.run
    print(one_line(f"run {run.run} of {', '.join(run.playbooks) or 'an unknown playbook'} on {run.controller}"))
    for job in ledger.launches:
        print("  " + one_line(_job_line(job)))
    for task, hosts in _unanswered(ledger):
        print("  " + one_line(f"may have started more: {task}, on {hosts}"))
    print()


def _job_line(job: JobInfo) -> str:
    host = f"{job.host} -> {job.delegated_to}" if job.delegated_to else job.host
    item = f" (item={job.item})" if job.item else ""
    age = span(max(time.time() - job.launched, 0))
    place = f"{job.path}:{job.line}"
    return f"{host}: '{job.task}'{item} at {place}, job {job.jid}, {age} ago, limit {span(job.limit_s)}"


def _unanswered(ledger: RunLedger) -> list[tuple[str, str]]:
    """Launching tasks on which some hosts never reported, and these hosts."""
    hosts: dict[str, list[str]] = {}
    for intent in ledger.intents:
        place = f"'{intent.site.task}' at {intent.site.path}:{intent.site.line}"
        hosts.setdefault(place, []).append(intent.host)
    shown = 3
    return [
        (place, ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else ""))
        for place, names in hosts.items()
    ]


def _print_summary(ended: Sequence[RunLedger], alive: int) -> None:
    jobs = sum(len(ledger.launches) for ledger in ended)
    runs = sum(not ledger.is_accounted_for for ledger in ended)
    if runs:
        print(f"{_count(jobs, 'job')} outstanding, left by {_count(runs, 'run')}.")
        print("Collect with: ansible-playbook reap.jobs.collect -i INVENTORY -e wait=true")
    else:
        print("No outstanding jobs.")
    if alive:
        print(f"{_count(alive, 'run')} still going: not listed.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
