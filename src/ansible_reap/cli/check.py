"""Find async jobs that nobody reaps, without running anything.

PATH narrows what is reported; the project around it is always read.
"""

from __future__ import annotations

import argparse
import errno
import gc
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_reap import files, linting
from ansible_reap.checks.level import Level
from ansible_reap.cli.command_line import Parser, UsageError
from ansible_reap.cli.terminal import COLOURS, follows_links, wants_colour
from ansible_reap.formats import CHECK_FORMATS, REPOSITORY_FORMATS, ROOT_FORMATS, render
from ansible_reap.linting.lintconfig import is_expressible, load_ignore_file, load_lint_config, merged
from ansible_reap.linting.outcome import seen_from
from ansible_reap.linting.problems import ConfigError
from ansible_reap.linting.requests import relative_paths
from ansible_reap.printable import one_line, printable
from ansible_reap.project_root import ROOT_MARKERS, project_root
from ansible_reap.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_reap.history.estimate import Estimates
    from ansible_reap.linting.outcome import Outcome

    _Lint = Callable[[Mapping[str, bytes | None]], Outcome]

HOW_TO_EXCLUDE = "exclude_paths in .ansible-reap.yml leaves a file out"

MAX_NOT_FOLLOWED = 20
"""Launches past a bound that are told one by one."""
STATISTICS = ("text", "json")
"""The formats that ``--statistics`` knows."""

LEVELS = tuple(level.value for level in Level)
"""The highest first."""


def add_arguments(parser: Parser) -> None:
    parser.usage = "%(prog)s [OPTION ...] [PATH ...]"
    parser.add_argument("paths", metavar="PATH", nargs="*", help="files or folders (default: the whole project)")
    _add_reading(parser.add_argument_group("what is read"))
    _add_selection(parser.add_argument_group("what is reported"))
    _add_output(parser.add_argument_group("how it is reported"))
    _add_changes(parser.add_argument_group("what is changed"))


def _add_reading(group: argparse._ArgumentGroup) -> None:
    markers = ", ".join(ROOT_MARKERS)
    group.add_argument("--project-dir", metavar="DIR", help=f"the project's root (default: nearest up with {markers})")
    group.add_argument("--stdin-filename", metavar="PATH", help="check standard input in the place of this file")
    group.add_argument(
        "--history",
        metavar="WHICH",
        default="committed",
        help="run times to hold limits against: committed (default), local (the callback's store), none, or a store",
    )


def _add_selection(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--select", metavar="RULE,..", default="", help="report these rules, sub-tags or tags only")
    group.add_argument("--ignore", metavar="RULE,..", default="", help="do not report these")
    group.add_argument("--baseline", metavar="FILE", help="what this file holds is known: list it, but do not fail")
    group.add_argument("--diff-base", metavar="REF", help="report what changed since this commit, or is caused by it")
    for what in ("severity", "confidence"):
        levels = ", ".join(LEVELS)
        group.add_argument(
            f"--min-{what}", metavar="LEVEL", default=LEVELS[-1], choices=LEVELS, help=f"no lower {what}: {levels}"
        )


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--format", metavar="FORMAT", default="text", choices=tuple(CHECK_FORMATS), help=", ".join(CHECK_FORMATS)
    )
    group.add_argument("--output", metavar="FILE", help="write there instead of to standard output")
    group.add_argument("--statistics", action="store_true", help="count the findings of each tag, in place of them")
    group.add_argument("--color", metavar="WHEN", default="auto", choices=COLOURS, help=", ".join(COLOURS))
    group.add_argument("--show-known", action="store_true", help="list known findings in full; text counts them else")
    group.add_argument("--verbose", action="store_true", help="list the files that were passed over, too")
    group.add_argument("--exit-zero", action="store_true", help="findings do not change the exit status")


def _add_changes(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--fix", action="store_true", help="apply the safe fixes, print what changed")
    group.add_argument(
        "--unsafe-fixes", action="store_true", help="with --fix or --diff: what is only suggested too; read the diff"
    )
    group.add_argument("--diff", action="store_true", help="print what --fix would change, and write nothing")
    group.add_argument("--generate-ignore", action="store_true", help="add what is found to .ansible-lint-ignore")
    group.add_argument("--generate-baseline", action="store_true", help="write what is found to the baseline")


def run(args: argparse.Namespace) -> int:
    _refuse_what_excludes(args)
    gc.disable()  # what is made is needed until the end, and the end is near
    root = _root(args)
    unsaved = _standard_input(args, root)
    levels = {f"min_{what}": Level(getattr(args, f"min_{what}")) for what in ("severity", "confidence")}
    try:
        asked = linting.request(root, [path for path in args.paths if path != "-"], args.select, args.ignore, **levels)
    except ValueError as error:
        raise UsageError(str(error)) from error
    history = _history(args.history, root)

    def whole(texts: Mapping[str, bytes | None]) -> Outcome:
        return linting.lint(root, asked, history, texts)

    try:
        lint = whole if args.diff_base is None else _narrowed(root, whole, args.diff_base)
        if args.fix or args.diff or args.generate_ignore or args.generate_baseline:
            load_lint_config(root)  # nothing is written where nobody can tell what is to be left alone
        lint = _with_baseline(root, lint, unsaved, args)
        status = _diff(root, lint, unsaved, args) if args.diff else _report(root, lint, unsaved, args)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    return 0 if status == 1 and args.exit_zero else status


def _narrowed(root: Path, lint: _Lint, ref: str) -> _Lint:
    """A check that reports what is new since a commit."""
    from ansible_reap.linting.changes import Changes, ChangesError  # noqa: PLC0415 - a plain check starts without git

    try:
        changes = Changes(root, ref, lint)
    except ChangesError as error:
        raise UsageError(f"--diff-base: {error}") from error
    return lambda unsaved: changes.narrow(lint(unsaved), unsaved)


def _with_baseline(root: Path, lint: _Lint, unsaved: Mapping[str, bytes], args: argparse.Namespace) -> _Lint:
    """A check for which the findings of the baseline are known ones."""
    name = args.baseline or linting.own_config(root).baseline
    if not name:
        if args.generate_baseline:
            raise UsageError("--generate-baseline: --baseline FILE, or 'baseline' in the settings, says where to")
        return lint
    from ansible_reap.cli import baseline  # noqa: PLC0415 - for the few that have one

    file = Path(name) if args.baseline else _inside(root, name)
    if args.generate_baseline:
        try:
            count = baseline.write(root, file, lint(unsaved))
        except OSError as error:
            raise UsageError(f"--generate-baseline: cannot write '{name}': {error.strerror}") from error
        _tell(args, f"{name}: {counted(count, 'finding')} written")
    try:
        known = baseline.load(file, name)
    except baseline.BaselineError as error:
        raise UsageError(f"baseline: {error}") from error
    is_whole = not (args.paths or args.select or args.ignore or args.diff_base) and _is_of_any_level(args)

    def narrowed(texts: Mapping[str, bytes | None]) -> Outcome:
        outcome = lint(texts)
        stale = tuple(known.stale(outcome)) if is_whole else ()
        return known.apply(outcome)._replace(stale=(*outcome.stale, *stale))

    return narrowed


def _inside(root: Path, name: str) -> Path:
    """The file of the project that its settings name: whoever sent them names no other file of ours."""
    file = root / name
    if "\0" in name:
        raise UsageError(f"'baseline' in the settings: '{one_line(name)}' is no name of a file")
    if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(root)):
        raise UsageError(f"'baseline' in the settings: '{one_line(name)}' lies outside of the project")
    return file


def _is_of_any_level(args: argparse.Namespace) -> bool:
    return {args.min_severity, args.min_confidence} == {LEVELS[-1]}


def _refuse_what_excludes(args: argparse.Namespace) -> None:
    if args.statistics and args.format not in STATISTICS:
        raise UsageError(f"--statistics is for --format {' or '.join(STATISTICS)}, not {args.format}")
    if args.diff and (args.fix or args.generate_ignore or args.generate_baseline):
        raise UsageError("--diff writes nothing: leave out --fix, --generate-ignore and --generate-baseline")
    if args.generate_baseline and (args.paths or args.select or args.ignore or args.diff_base):
        raise UsageError(
            "--generate-baseline is for the whole project: leave out PATH, --select, --ignore, --diff-base"
        )
    if args.unsafe_fixes and not (args.fix or args.diff):
        raise UsageError("--unsafe-fixes says which fixes --fix applies and --diff shows: give one of the two")
    reads_input = args.stdin_filename is not None
    if "-" in args.paths and not reads_input:
        raise UsageError("'-' is standard input: --stdin-filename says which file of the project it stands for")
    if reads_input and (args.fix or args.generate_ignore or args.generate_baseline):
        raise UsageError("standard input cannot be mended in place: use --diff")


def _standard_input(args: argparse.Namespace, root: Path) -> dict[str, bytes]:
    """The text on standard input in the place of the file that it stands for, which is then what is reported."""
    if args.stdin_filename is None:
        return {}
    try:
        (path,) = relative_paths(root, [args.stdin_filename])
    except ValueError as error:
        raise UsageError(f"--stdin-filename: {error}") from error
    args.paths = [*(each for each in args.paths if each != "-"), args.stdin_filename]
    return {path.replace(os.sep, "/"): sys.stdin.buffer.read()}


def _report(root: Path, lint: _Lint, unsaved: Mapping[str, bytes], args: argparse.Namespace) -> int:
    outcome = seen_from(_checked(root, lint, unsaved, args), _base(root, args.format))
    _write(outcome, args)
    if args.format == "text" or args.output:
        _tell_errors(outcome, verbose=args.verbose)
    _tell_not_looked_at(outcome, verbose=args.verbose)
    for line in outcome.stale:
        print(one_line(line), file=sys.stderr)
    return outcome.exit_status


def _diff(root: Path, lint: _Lint, unsaved: Mapping[str, bytes], args: argparse.Namespace) -> int:
    """Print what ``--fix`` would change. The status is 1 where it would change something or something is left."""
    from ansible_reap.linting import autofix  # noqa: PLC0415 - a plain check starts without it

    fixed = autofix.fix(root, lint, unsaved, with_unsafe=args.unsafe_fixes)
    here = Path.cwd()
    prefix = f"{root.relative_to(here).as_posix()}/" if root != here and root.is_relative_to(here) else ""
    lines = [line.rstrip("\n") for line in autofix.diff(root, fixed, unsaved, prefix)]
    colour = not args.output and _wants_colour(args)
    if not args.output and (colour or sys.stdout.isatty()):  # elsewhere it is a patch, which must apply
        lines = [printable(line) for line in lines]
    _put("".join(f"{_painted(line) if colour else line}\n" for line in lines), args)
    _tell_errors(seen_from(fixed.outcome, Path.cwd()))
    left = len(fixed.outcome.findings)
    print(f"{len(fixed.applied)} would be fixed in {counted(len(fixed.files), 'file')}, {left} left", file=sys.stderr)
    return fixed.outcome.exit_status or (1 if fixed.applied else 0)


def _painted(line: str) -> str:
    code = {"+": "32", "-": "31", "@": "36"}.get(line[:1])
    return f"\x1b[{code}m{line}\x1b[0m" if code else line


def _tell_errors(outcome: Outcome, *, verbose: bool = False) -> None:
    for unread in outcome.errors:
        hint = f"; {HOW_TO_EXCLUDE}" if unread.message.startswith(("does not parse", "is not UTF-8")) else ""
        print(one_line(f"{unread}{hint}"), file=sys.stderr)
    if not outcome.passed_over:
        return
    for unread in outcome.passed_over if verbose else ():
        print(one_line(f"passed over: {unread}"), file=sys.stderr)
    count = len(outcome.passed_over)
    what = counted(count, "YAML file that concerns no job was", "YAML files that concern no job were")
    listed = "" if verbose else " (--verbose lists them)"
    print(f"{what} passed over: what is in it does not parse{listed}", file=sys.stderr)


def _tell_not_looked_at(outcome: Outcome, *, verbose: bool) -> None:
    for unread in outcome.encrypted if verbose else outcome.encrypted[:MAX_NOT_FOLLOWED]:
        print(one_line(str(unread)), file=sys.stderr)
    if len(outcome.encrypted) > MAX_NOT_FOLLOWED and not verbose:
        what = counted(len(outcome.encrypted) - MAX_NOT_FOLLOWED, "more file of tasks is", "more files of tasks are")
        print(f"{what} encrypted as a whole (--verbose lists them)", file=sys.stderr)
    shown = outcome.not_followed if verbose else outcome.not_followed[:MAX_NOT_FOLLOWED]
    for each in shown:
        print(one_line(str(each)), file=sys.stderr)
    left = len(outcome.not_followed) - len(shown)
    if left:
        what = counted(left, "more launch is", "more launches are")
        print(f"{what} not followed past a bound, and unknown (--verbose lists them)", file=sys.stderr)


def _checked(root: Path, lint: _Lint, unsaved: Mapping[str, bytes], args: argparse.Namespace) -> Outcome:
    """The outcome to report: what is left after the files that were asked to be changed are."""
    outcome = _fixed(root, lint, args) if args.fix else lint(unsaved)
    if args.generate_ignore and outcome.findings:
        _generate_ignore(root, outcome, args)
        outcome = lint(unsaved)
    return outcome


def _fixed(root: Path, lint: _Lint, args: argparse.Namespace) -> Outcome:
    from ansible_reap.linting import autofix  # noqa: PLC0415 - a plain check starts without it

    try:
        fixed = autofix.fix(root, lint, with_unsafe=args.unsafe_fixes)
        autofix.write(root, fixed)
    except OSError as error:
        raise UsageError(f"--fix: cannot write '{error.filename}': {error.strerror}") from error
    for finding in seen_from(fixed.outcome._replace(findings=fixed.applied), Path.cwd()).findings:
        _tell(args, f"fixed {finding.place}: {finding.tag}: {finding.fix.description if finding.fix else ''}")
    return fixed.outcome


def _generate_ignore(root: Path, outcome: Outcome, args: argparse.Namespace) -> None:
    """Add what is found to ansible-lint's ignore file; what it holds already stays as it is."""
    name = load_ignore_file(root).name
    file = root / name
    nameless = sorted({each.place.path for each in outcome.findings if not is_expressible(each.place.path)})
    for path in nameless:
        print(f"{name} cannot name '{one_line(path)}', for its blank or '#'; use '# noqa' there", file=sys.stderr)
    pairs = {(each.place.path, each.tag) for each in outcome.findings if each.place.path not in nameless}
    try:
        files.refuse_links(root, file)
        files.write(file, merged(file.read_bytes().decode() if file.exists() else "", pairs), private=False)
    except OSError as error:
        raise UsageError(f"--generate-ignore: cannot write '{name}': {error.strerror}") from error
    _tell(args, f"{name}: {counted(len(pairs), 'pair')} of file and tag added")


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


def _base(root: Path, name: str) -> Path:
    """The folder that the paths of this format are relative to."""
    if name in ROOT_FORMATS:
        return root
    if name not in REPOSITORY_FORMATS:
        return Path.cwd()
    told = os.environ.get(REPOSITORY_FORMATS[name])
    if told and root.is_relative_to(told):
        return Path(told)
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


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
    if args.statistics:
        from ansible_reap.formats import counts  # noqa: PLC0415 - only what is asked for is imported

        _put(counts.render(args.format, outcome, colour=not args.output and _wants_colour(args)), args)
    elif args.output:
        _put(render(args.format, outcome, shows_known=args.show_known), args)
    else:
        links = follows_links(os.environ, is_terminal=sys.stdout.isatty())
        colour = _wants_colour(args)
        _put(render(args.format, outcome, colour=colour, links=links, shows_known=args.show_known), args)


def _put(text: str, args: argparse.Namespace) -> None:
    """Write to the file that was asked for, else to standard output."""
    if args.output:
        try:
            _write_to(Path(args.output), text, _root(args))
        except OSError as error:
            raise UsageError(f"--output: cannot write '{args.output}': {error.strerror}") from error
        return
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(text)


def _write_to(path: Path, text: str, root: Path) -> None:
    """Write to the file; to a terminal, a pipe or the like as it is, for there is nothing in it to be kept."""
    files.refuse_links(root, path)
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
        return
    if not path.parent.is_dir():  # more likely misspelt than meant to be made
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    files.write(path, text, private=False)


def _wants_colour(args: argparse.Namespace) -> bool:
    return wants_colour(args.color, os.environ, is_terminal=sys.stdout.isatty())
