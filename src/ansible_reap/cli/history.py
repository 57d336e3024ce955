"""Measured run times of launches: look at them, share them, forget them."""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_reap import files
from ansible_reap.checks.evidence.measured import judge
from ansible_reap.checks.timeout import DEFAULT_HEADROOM
from ansible_reap.cli.command_line import Parser, UsageError
from ansible_reap.history import committed
from ansible_reap.history.database import StoreError
from ansible_reap.history.identity import project_name
from ansible_reap.history.local import PATIENCE
from ansible_reap.history.runs import LaunchHistory, gather
from ansible_reap.history.settings import configured
from ansible_reap.history.store import Store
from ansible_reap.history.wording import launch_text, level_text, times_text
from ansible_reap.printable import one_line
from ansible_reap.project_root import find_root
from ansible_reap.records import dataclass
from ansible_reap.wording import counted, seconds_text

ORDERS = ("headroom", "name", "runs")


def add_arguments(parser: Parser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="the figures of every launch", description="Show what was measured.")
    show.add_argument("--format", choices=("text", "json"), default="text")
    show.add_argument("--sort", choices=ORDERS, default="headroom", help="default: the tightest limit first")
    show.add_argument("--by-host", action="store_true", help="each host's run times apart, to find the slow ones")
    show.add_argument("--committed", action="store_true", help="of the committed file instead of the store")
    show.add_argument("--html", metavar="FILE", type=Path, help="write a page with each launch's run times there")
    export = actions.add_parser(
        "export",
        help=f"write them to {committed.FILE}",
        description="Write the project's run times to a file to commit; 'check' reads it.",
    )
    export.add_argument("--output", metavar="FILE", help=f"default: {committed.FILE} in the project; - for the screen")
    export.add_argument("--replace", action="store_true", help="do not keep what the file holds already")
    bring = actions.add_parser(
        "import", help="take an export into the store", description="Add the runs of an export to the store."
    )
    bring.add_argument("file", metavar="FILE", type=Path)
    prune = actions.add_parser(
        "prune", help="forget run times", description="Delete what is too old or too much, or what is named."
    )
    prune.add_argument("--older-than", metavar="DAYS", type=float, help="delete older runs (default: 400)")
    prune.add_argument(
        "--launch", metavar="GLOB", help="delete all of these launches of the project, as 'show' names them"
    )
    limits = actions.add_parser(
        "limits",
        help="which limits to change, and to what",
        description="List the launches whose limit is too tight by what was measured, the tightest first, and the "
        "number to write instead. 'check --history local --fix --unsafe-fixes' writes it.",
    )
    limits.add_argument("--format", choices=("text", "json"), default="text")
    limits.add_argument(
        "--headroom", metavar="TIMES", type=float, default=DEFAULT_HEADROOM, help="default: %(default)g"
    )
    limits.add_argument("--committed", action="store_true", help="by the committed file instead of the store")
    for each in (show, limits, export, bring, prune):
        each.add_argument("--store", metavar="PATH|URL", help="default: where the callback keeps them")
        each.add_argument("--project-dir", metavar="DIR", type=Path, help="default: the project around this folder")
    for each in (show, prune):
        each.add_argument("--all-projects", action="store_true", help="not only this project's")


def run(args: argparse.Namespace) -> int:
    try:
        return int(_ACTIONS[args.action](args))
    except (StoreError, committed.HistoryFileError) as error:
        raise UsageError(str(error)) from error


def _root(args: argparse.Namespace) -> Path:
    folder = args.project_dir or find_root(Path.cwd())
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    return Path(folder).resolve()


def _store(args: argparse.Namespace) -> Store:
    address = configured(_root(args), args.store)
    if address is None:
        raise UsageError("the history is turned off; name a store with --store")
    return Store(address, PATIENCE)


def _histories(args: argparse.Namespace) -> list[LaunchHistory]:
    by_host = getattr(args, "by_host", False)
    if getattr(args, "committed", False):
        if by_host:
            raise UsageError("the committed file has no hosts: leave out --by-host or --committed")
        return committed.read(_root(args) / committed.FILE)
    everything = getattr(args, "all_projects", False)
    return gather(_store(args).observations(None if everything else project_name(_root(args))), by_host=by_host)


def _show(args: argparse.Namespace) -> int:
    histories = sorted(_histories(args), key=_ORDER[args.sort])
    if args.html:
        from ansible_reap.formats.html import history as html_history  # noqa: PLC0415 - only this needs it

        _write(args.html, html_history.page(histories, project_name(_root(args))), _root(args))
    elif args.format == "json":
        print(json.dumps({"version": 1, "launches": [_record(each) for each in histories]}, indent=2))
    elif histories:
        print("\n".join(_table(histories, with_project=getattr(args, "all_projects", False))))
    else:
        print(f"nothing measured yet of {one_line(project_name(_root(args)))}")
    return 0


@dataclass(frozen=True, slots=True)
class _Change:
    """A limit to change. Times are seconds."""

    history: LaunchHistory
    limit: float
    advice: int
    reason: str

    @property
    def order(self) -> tuple[float, object]:
        """How much of the limit is left to it."""
        return self.history.estimate.headroom(self.limit) or 0.0, self.history.identity


def _changes(histories: Iterable[LaunchHistory], headroom: float) -> list[_Change]:
    """What a check would say of each launch's newest limit, the most urgent first."""
    found = []
    for history in histories:
        limit = history.estimate.limit
        verdict = judge(history.estimate, limit, headroom) if limit else None
        if limit and verdict is not None:
            reason = "reached" if verdict.sub_tag == "ceiling" else "tight"
            found.append(_Change(history, limit, verdict.advice, reason))
    return sorted(found, key=lambda change: change.order)


def _limits(args: argparse.Namespace) -> int:
    if args.headroom < 1:
        raise UsageError("--headroom: a limit below what the work takes helps nobody; use 1 or more")
    changes = _changes(_histories(args), args.headroom)
    if args.format == "json":
        listed = [{**_record(each.history), "write_s": each.advice, "why": each.reason} for each in changes]
        print(json.dumps({"version": 1, "limits": listed}, indent=2))
        return 0
    if not changes:
        print(f"no limit of {one_line(project_name(_root(args)))} needs to be changed, by what was measured")
        return 0
    rows: list[tuple[str, ...]] = [("LIMIT", "WRITE", "HEADROOM", "WHY", "RUNS", "LAUNCH")]
    for change in changes:
        known = change.history.estimate
        rows.append(
            (
                seconds_text(change.limit),
                f"async: {change.advice}",
                times_text(known.headroom(change.limit) or 0.0),
                change.reason,
                f"{known.runs}{'+' if known.censored else ''}",
                launch_text(change.history.identity),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        print("  ".join([*(f"{cell:>{width}}" for cell, width in zip(row[:5], widths, strict=True)), row[5]]))
    print("\nansible-reap check --history local --fix --unsafe-fixes writes these.")
    return 0


def _write(file: Path, text: str, root: Path) -> None:
    try:
        files.refuse_links(root, file)
        files.write(file, text, private=False)
    except OSError as error:
        raise UsageError(f"cannot write '{file}': {error.strerror}") from error


def _export(args: argparse.Namespace) -> int:
    file = _root(args) / committed.FILE if args.output in (None, "-") else Path(args.output)
    histories = [each for each in _histories(args) if each.runs]
    if args.output != "-" and file.exists() and not args.replace:
        histories = committed.merge(committed.read(file), histories)
    text = committed.dump(histories)
    if args.output == "-":
        sys.stdout.write(text)
        return 0
    _write(file, text, _root(args))
    print(f"{file}: {counted(len(histories), 'launch', 'launches')}")
    return 0


def _import(args: argparse.Namespace) -> int:
    store, project = _store(args), project_name(_root(args))
    try:
        known = {(each.run, each.identity) for each in store.observations(project)}
    except StoreError:
        known = set()  # a new store; what else ails it comes up when it is written to
    brought = committed.observations(committed.read(args.file), project)
    new = [each for each in brought if (each.run, each.identity) not in known]
    store.add(new)
    print(f"{counted(len(new), 'run', 'runs')} added, {len(brought) - len(new)} known already")
    return 0


def _prune(args: argparse.Namespace) -> int:
    store = _store(args)
    if args.launch is not None:
        launches = [
            (each.project, each.identity)
            for each in _histories(args)
            if fnmatch.fnmatchcase(launch_text(each.identity), args.launch)
        ]
        gone = store.forget(launches)
    else:
        before = None
        if args.older_than is not None:
            before = datetime.now(timezone.utc) - timedelta(days=args.older_than)
        gone = store.prune(before)
    print(f"{counted(gone, 'job', 'jobs')} forgotten")
    return 0


_ACTIONS = {"show": _show, "limits": _limits, "export": _export, "import": _import, "prune": _prune}


def _headroom(history: LaunchHistory) -> float | None:
    known = history.estimate
    return known.headroom(known.limit) if known.limit else None


def _tightest_first(history: LaunchHistory) -> tuple[float, object, str]:
    headroom = _headroom(history)
    return (float("inf") if headroom is None else headroom, history.identity, history.host)


_ORDER = {
    "headroom": _tightest_first,
    "name": lambda history: (history.project, history.identity, history.host),
    "runs": lambda history: (-history.estimate.runs, history.identity, history.host),
}


def _table(histories: list[LaunchHistory], with_project: bool) -> list[str]:
    rows: list[tuple[str, ...]] = [("RUNS", "MEDIAN", "P95", "MAX", "BOUND", "LEVEL", "LIMIT", "HEADROOM", "LAUNCH")]
    rows += [_row(each, with_project) for each in histories]
    widths = [max(len(row[column]) for row in rows) for column in range(8)]
    lines = ["  ".join([*(f"{cell:>{width}}" for cell, width in zip(row, widths)), row[8]]) for row in rows]  # noqa: B905
    if any(row[0].endswith("+") for row in rows):
        lines.append("")
        lines.append("+ some runs were cut off or not seen to end: the work takes at least as long as shown")
    return lines


def _row(history: LaunchHistory, with_project: bool) -> tuple[str, ...]:
    known, headroom = history.estimate, _headroom(history)
    bound, level = "-", "-"
    if known.bound:
        bound, level = seconds_text(known.bound.seconds), level_text(known.bound.level)
    elif known.at_least is not None:
        bound = f">= {seconds_text(known.at_least)}"
    name = launch_text(history.identity) + (f"  on {one_line(history.host)}" if history.host else "")
    return (
        f"{known.runs}{'+' if known.censored else ''}",
        *("-" if value is None else seconds_text(value) for value in (known.median, known.p95, known.largest)),
        bound,
        level,
        "-" if known.limit is None else seconds_text(known.limit),
        "-" if headroom is None else f"{'' if known.bound else '<= '}{times_text(headroom)}",
        f"{one_line(history.project)}  {name}" if with_project else name,
    )


def _record(history: LaunchHistory) -> dict[str, object]:
    known, headroom = history.estimate, _headroom(history)
    return {
        "project": history.project,
        "where": history.identity.where,
        "task": history.identity.task,
        "position": history.identity.position,
        "host": history.host or None,
        "runs": known.runs,
        "timed_out": known.censored,
        "failed_jobs": history.failed,
        "median_s": known.median,
        "p95_s": known.p95,
        "max_s": known.largest,
        "bound_s": known.bound.seconds if known.bound else None,
        "level": known.bound.level if known.bound else None,
        "at_least_s": known.at_least,
        "uncertainty_s": known.uncertainty,
        "limit_s": known.limit,
        "headroom": headroom,
    }
