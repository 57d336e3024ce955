"""Read a run's report (the callback's option report_path): as text, as a page for a browser, as a list of known jobs.

--format writes it for other programs: Prometheus (for the textfile collector of node_exporter), OpenTelemetry (the body
of a request to /v1/traces), Markdown (a step's summary, a comment), annotations of GitHub Actions.

--generate-ignore adds the jobs that nobody answered for to .ansible-reap-ignore at the project's root. With
"ignore = file:.ansible-reap-ignore" in ansible.cfg the callback lists those, and new ones fail.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ansible_reap import files
from ansible_reap.cli.command_line import Parser, UsageError
from ansible_reap.cli.known import KnownFile
from ansible_reap.formats.html import run as run_page
from ansible_reap.formats.html.timeline import WORDS
from ansible_reap.printable import one_line
from ansible_reap.project_root import find_root, project_root
from ansible_reap.reports import otlp, prometheus, run_report, summary
from ansible_reap.wording import counted, duration


def _text(report: run_report.Report) -> str:
    return "\n".join(_lines(report))


FORMATS: dict[str, Callable[[run_report.Report], str]] = {
    "text": _text,
    "prometheus": prometheus.render,
    "otlp-json": otlp.render,
    "markdown": summary.markdown,
    "github": summary.github,
}


def add_arguments(parser: Parser) -> None:
    parser.add_argument("report", metavar="RUN.json", type=Path, help="the report of a run")
    parser.add_argument("--format", metavar="FORMAT", default="text", choices=FORMATS, help=", ".join(FORMATS))
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the format there instead of to the screen")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write one self-contained page there")
    parser.add_argument("--generate-ignore", action="store_true", help="add its problems to .ansible-reap-ignore")
    parser.add_argument("--project-dir", metavar="DIR", type=Path, help="the project's root, as for check")


def run(args: argparse.Namespace) -> int:
    try:
        report = run_report.read(args.report)
    except run_report.ReportError as error:
        raise UsageError(str(error)) from error
    if args.generate_ignore:
        _generate_ignore(report, args.project_dir)
    elif args.output is not None:
        _write("--output", args.output, FORMATS[args.format](report))
    elif args.html is None or args.format != "text":
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        text = FORMATS[args.format](report)
        print(text, end="" if not text or text.endswith("\n") else "\n")
    if args.html is not None:
        _write("--html", args.html, run_page.page(report))
    return 0


def _write(option: str, path: Path, text: str) -> None:
    try:
        files.refuse_links(find_root(Path.cwd()), path)
        files.write(path, text)
    except OSError as error:
        raise UsageError(f"{option}: cannot write '{path}': {error.strerror}") from error


def _generate_ignore(report: run_report.Report, named: Path | None) -> None:
    """Make what the report complains about known to the callback; what is known already stays as it is."""
    if named is not None and not named.is_dir():
        raise UsageError(f"--project-dir: no such folder '{named}'")
    known = KnownFile(project_root([]) if named is None else named.absolute())
    try:
        added = known.add(report)
    except OSError as error:
        raise UsageError(f"--generate-ignore: cannot write '{known.path}': {error.strerror}") from error
    print(one_line(f"{known.path}: {counted(added, 'entry', 'entries')} added"))
    if known.exists:
        print(f"The callback reads it with the option: ignore = file:{known.path.name}")
    for line in known.stale(report):
        print(one_line(f"stale: {line}"), file=sys.stderr)


def _lines(report: run_report.Report) -> list[str]:
    counts = {word: sum(job.state is state for job in report.jobs) for state, word in WORDS.items()}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    playbooks = ", ".join(report.playbooks)
    lines = [one_line(f"{playbooks}: {counted(len(report.jobs), 'job')}{': ' if said else ''}{said}")]
    for job in report.jobs:
        if not job.is_problem:
            continue
        word = WORDS[job.state] + (" (swallowed)" if job.swallowed else "")
        took = f" after {duration(job.runtime)}" if job.runtime is not None else ""
        item = f" ({job.item})" if job.item is not None else ""
        message = f": {job.msg}" if job.msg else ""
        lines.append(one_line(f"{job.path}:{job.line}: {job.host}: {job.task}{item} {word}{took}{message}"))
    return lines
