"""Read a run's report (the callback's option report_path): as text, or as a page to open in a browser."""

from __future__ import annotations

import argparse
from pathlib import Path

from ansible_reap.cli.parser import Parser, UsageError
from ansible_reap.formats import html_jobs, html_report
from ansible_reap.formats.html_page import duration, plural
from ansible_reap.formats.html_timeline import WORDS
from ansible_reap.formats.printable import one_line


def add_arguments(parser: Parser) -> None:
    parser.add_argument("report", metavar="RUN.json", type=Path, help="the report of a run")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write one self-contained page there")


def run(args: argparse.Namespace) -> int:
    try:
        report = html_jobs.read(args.report)
    except html_jobs.ReportError as error:
        raise UsageError(str(error)) from error
    if args.html is None:
        print("\n".join(_lines(report)))
        return 0
    try:
        args.html.write_text(html_report.page(report), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--html: cannot write '{args.html}': {error.strerror}") from error
    return 0


def _lines(report: html_jobs.Report) -> list[str]:
    counts = {word: sum(job.state is state for job in report.jobs) for state, word in WORDS.items()}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    playbooks = ", ".join(report.playbooks)
    lines = [one_line(f"{playbooks}: {plural(len(report.jobs), 'job')}{': ' if said else ''}{said}")]
    for job in report.jobs:
        if not job.is_problem:
            continue
        word = WORDS[job.state] + (" (swallowed)" if job.swallowed else "")
        took = f" after {duration(job.runtime)}" if job.runtime is not None else ""
        item = f" ({job.item})" if job.item is not None else ""
        message = f": {job.msg}" if job.msg else ""
        lines.append(one_line(f"{job.path}:{job.line}: {job.host}: {job.task}{item} {word}{took}{message}"))
    return lines
