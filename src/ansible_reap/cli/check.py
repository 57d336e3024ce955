"""Find async jobs that nobody reaps, without running anything.

PATH narrows what is reported; the project around it is always read.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_reap import linting
from ansible_reap.cli.parser import Parser, UsageError
from ansible_reap.formats import CHECK_FORMATS, render
from ansible_reap.formats.printable import one_line
from ansible_reap.linting.config import ConfigError
from ansible_reap.linting.lintconfig import is_expressible, load_ignore_file, merged
from ansible_reap.project_root import ROOT_MARKERS, project_root
from ansible_reap.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_reap.history.estimate import Estimates
    from ansible_reap.linting.outcome import Outcome


def add_arguments(parser: Parser) -> None:
    parser.usage = "%(prog)s [OPTION ...] [PATH ...]"
    parser.add_argument("paths", metavar="PATH", nargs="*", help="files or folders (default: the whole project)")
    parser.add_argument("--format", metavar="FORMAT", default="text", help=f"{', '.join(CHECK_FORMATS)}")
    parser.add_argument("--output", metavar="FILE", help="write there instead of to standard output")
    parser.add_argument("--fix", action="store_true", help="apply the safe fixes, print what changed")
    parser.add_argument("--select", metavar="RULE,..", default="", help="report these rules, sub-tags or tags only")
    parser.add_argument("--ignore", metavar="RULE,..", default="", help="do not report these")
    markers = ", ".join(ROOT_MARKERS)
    parser.add_argument("--project-dir", metavar="DIR", help=f"the project's root (default: nearest up with {markers})")
    parser.add_argument(
        "--history",
        metavar="WHICH",
        default="committed",
        help="run times to hold limits against: committed (default), local (the callback's store), none, or a store",
    )
    parser.add_argument("--generate-ignore", action="store_true", help="add what is found to .ansible-lint-ignore")
    parser.add_argument("--exit-zero", action="store_true", help="findings do not change the exit status")


def run(args: argparse.Namespace) -> int:
    if args.format not in CHECK_FORMATS:
        raise UsageError(f"unknown format '{args.format}'{did_you_mean(args.format, CHECK_FORMATS)}")
    gc.disable()  # what is made is needed until the end, and the end is near
    root = _root(args)
    try:
        asked = linting.request(root, args.paths, args.select, args.ignore)
    except ValueError as error:
        raise UsageError(str(error)) from error
    history = _history(args.history, root)
    try:
        outcome = _checked(root, lambda: linting.lint(root, asked, history), args)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    _write(outcome, args)
    if args.format == "text" or args.output:
        for unread in outcome.errors:
            print(one_line(str(unread)), file=sys.stderr)
    for line in outcome.stale:
        print(line, file=sys.stderr)
    status = outcome.exit_status
    return 0 if status == 1 and args.exit_zero else status


def _checked(root: Path, lint: Callable[[], Outcome], args: argparse.Namespace) -> Outcome:
    """The outcome to report: what is left after the files that were asked to be changed are."""
    if args.fix:
        from ansible_reap.linting.autofix import fix  # noqa: PLC0415 - a plain check starts without it

        try:
            fixed = fix(root, lint)
        except OSError as error:
            raise UsageError(f"--fix: cannot write '{error.filename}': {error.strerror}") from error
        for finding in fixed.applied:
            _tell(args, f"fixed {finding.place}: {finding.tag}: {finding.fix.description if finding.fix else ''}")
        outcome = fixed.outcome
    else:
        outcome = lint()
    if args.generate_ignore and outcome.findings:
        _generate_ignore(root, outcome, args)
        outcome = lint()
    return outcome


def _generate_ignore(root: Path, outcome: Outcome, args: argparse.Namespace) -> None:
    """Add what is found to ansible-lint's ignore file; what it holds already stays as it is."""
    name = load_ignore_file(root).name
    file = root / name
    nameless = sorted({each.place.path for each in outcome.findings if not is_expressible(each.place.path)})
    for path in nameless:
        print(f"{name} cannot name '{one_line(path)}', for its blank or '#'; use '# noqa' there", file=sys.stderr)
    pairs = {(each.place.path, each.tag) for each in outcome.findings if each.place.path not in nameless}
    try:
        file.write_bytes(merged(file.read_bytes().decode() if file.exists() else "", pairs).encode())
    except OSError as error:
        raise UsageError(f"--generate-ignore: cannot write '{name}': {error.strerror}") from error
    _tell(args, f"{name}: {len(pairs)} pairs of file and tag added")


def _tell(args: argparse.Namespace, line: str) -> None:
    """Say what was done: before the text report, beside any other."""
    print(one_line(line), file=sys.stdout if args.format == "text" and not args.output else sys.stderr)


def _root(args: argparse.Namespace) -> Path:
    if args.project_dir is None:
        return project_root(args.paths)
    root = Path(args.project_dir).absolute()
    if not root.is_dir():
        raise UsageError(f"--project-dir: no such folder '{args.project_dir}'")
    return root


def _history(which: str, root: Path) -> Estimates | None:
    """The run times that were asked for; None stands for the committed ones."""
    if which == "committed":
        return None
    from ansible_reap.history import local  # noqa: PLC0415 - it needs the databases, and few ask for it

    try:
        return local.load(root, which)
    except local.StoreError as error:
        raise UsageError(f"--history: {error}") from error


def _write(outcome: Outcome, args: argparse.Namespace) -> None:
    if args.output:
        try:
            Path(args.output).write_text(render(args.format, outcome), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UsageError(f"--output: cannot write '{args.output}': {error.strerror}") from error
        return
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(render(args.format, outcome, colour=_wants_colour()))


def _wants_colour() -> bool:
    """Colour is for a terminal that can show it, unless NO_COLOR (of any length but 0) forbids it."""
    if os.environ.get("NO_COLOR"):
        return False
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
