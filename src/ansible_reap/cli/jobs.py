"""List the async jobs that earlier runs left outstanding: launched, and nobody came back for them.

With --all the jobs of runs that are still going are listed too, as a table: how each stands, and when it will end by
what was measured before. With --follow it is shown as it changes. To look at the jobs on their hosts, wait for them and
close them: ansible-playbook reap.jobs.collect -i INVENTORY -e wait=true. To end them: ansible-playbook reap.jobs.stop
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ansible_reap.cli.command_line import Parser, UsageError
from ansible_reap.printable import one_line
from ansible_reap.runtime.ledger.folder import ledger_folder
from ansible_reap.runtime.ledger.reader import RunLedger, read_folder
from ansible_reap.runtime.ledger.watch import LedgerWatch
from ansible_reap.runtime.tracking.as_json import entry, utc
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.phases import Phase
from ansible_reap.runtime.tracking.tracker import JobRecord
from ansible_reap.wording import counted, duration

FORMATS = ("text", "json")


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--ledger-dir", metavar="DIR", help="where runs keep their ledgers (default: as a run here would)"
    )
    parser.add_argument("--all", action="store_true", help="also those of runs that are still going, as a table")
    parser.add_argument("--follow", action="store_true", help="go on, and show what changes; implies --all")
    parser.add_argument("--history", metavar="PATH|URL", help="where run times are kept (default: as a run here would)")
    parser.add_argument("--format", metavar="FORMAT", default="text", choices=FORMATS, help=", ".join(FORMATS))


def run(args: argparse.Namespace) -> int:
    folder = Path(args.ledger_dir) if args.ledger_dir else ledger_folder()
    if args.ledger_dir and not folder.is_dir():
        raise UsageError(f"--ledger-dir: no such folder '{args.ledger_dir}'")
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        if args.all or args.follow:
            return _show_all(args, folder)
        ledgers = read_folder(folder, _warn)
    except OSError as error:
        if error.filename is None:  # it is the output that cannot be written
            raise
        raise UsageError(f"cannot read the ledgers in '{folder}': {error.strerror}") from error
    ended = [ledger for ledger in ledgers if not ledger.alive]
    if args.format == "json":
        print(json.dumps(_as_json(ended), indent=1))
        return 0
    for ledger in ended:
        _print_run(ledger)
    _print_summary(ended, len(ledgers) - len(ended))
    return 0


def _show_all(args: argparse.Namespace, folder: Path) -> int:
    from ansible_reap.cli.follow import follow, summary, table  # noqa: PLC0415 - a plain list needs no history
    from ansible_reap.cli.overview import Overview  # noqa: PLC0415 - as above

    watch, overview = LedgerWatch(folder, _warn), Overview(args.history)
    if args.follow:
        follow(watch, overview, args.format, sys.stdout)
        return 0
    rows = overview.rows(watch.read())
    if args.format == "json":
        print(json.dumps({"version": 1, "jobs": [row.as_json() for row in rows]}, indent=1))
    else:
        print(
            "\n".join(
                [*table(rows, shutil.get_terminal_size((80, 24)).columns), *([""] if rows else []), summary(rows)]
            )
        )
    return 0


def _warn(text: str) -> None:
    print(f"ansible-reap jobs: {one_line(text)}", file=sys.stderr)


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


_AD_HOC = {"__adhoc_playbook__": "an ad-hoc command"}
"""What Ansible calls the playbook that it makes of a command (ansible-core 2.16 to 2.22), and what people do."""


def _print_run(ledger: RunLedger) -> None:
    if ledger.is_accounted_for:
        return
    run = ledger.run
    names = [_AD_HOC.get(name, name) for name in run.playbooks]
    print(one_line(f"run {run.run} of {', '.join(names) or 'an unknown playbook'} on {run.controller}"))
    for job in ledger.launches:
        print("  " + one_line(_job_line(job)))
    for task, hosts in _unanswered(ledger):
        print("  " + one_line(f"may have started more: {task}, on {hosts}"))
    print()


def _job_line(job: JobInfo) -> str:
    host = f"{job.host} -> {job.delegated_to}" if job.delegated_to else job.host
    item = f" (item={job.item})" if job.item else ""
    age = duration(max(time.time() - job.launched, 0))
    return f"{host}: '{job.task}'{item} at {job.site.place}, job {job.jid}, {age} ago, limit {duration(job.limit_s)}"


def _unanswered(ledger: RunLedger) -> list[tuple[str, str]]:
    """Launching tasks on which some hosts never reported, and these hosts."""
    hosts: dict[str, list[str]] = {}
    for intent in ledger.intents:
        place = f"'{intent.site.task}' at {intent.site.place}"
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
        print(f"{counted(jobs, 'job')} outstanding, left by {counted(runs, 'run')}.")
        print("Collect with: ansible-playbook reap.jobs.collect -i INVENTORY -e wait=true")
    else:
        print("No outstanding jobs.")
    if alive:
        print(f"{counted(alive, 'run')} still going: not listed.")
