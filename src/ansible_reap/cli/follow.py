"""Showing the jobs as they change: a table that refreshes on a terminal, one line a change elsewhere."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from ansible_reap.cli.overview import Change, Overview, Row, Standing, changes
from ansible_reap.formats.width import cut
from ansible_reap.formats.width import width as cells
from ansible_reap.printable import one_line
from ansible_reap.runtime.ledger.watch import LedgerWatch
from ansible_reap.runtime.tracking.as_json import utc
from ansible_reap.wording import counted, duration, short_duration

INTERVAL = 1.0
"""Seconds between two looks."""
NARROW = 80
_ENTER, _LEAVE, _HOME, _REST = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[H", "\x1b[J"
"""The second screen without a cursor, and back; the upper left corner; clear from here on. ECMA-48 and xterm."""


def follow(watch: LedgerWatch, overview: Overview, form: str, out: TextIO) -> None:
    """Go on until interrupted. ``form`` is ``text`` or ``json``; the latter writes one object a line.

    Raises:
        OSError: the ledgers cannot be listed.
    """
    with suppress(KeyboardInterrupt, BrokenPipeError):
        if form == "text" and out.isatty():
            _table(watch, overview, out)
        else:
            _lines(watch, overview, form, out)


def _table(watch: LedgerWatch, overview: Overview, out: TextIO) -> None:
    with _second_screen(out):
        while True:
            width, height = shutil.get_terminal_size((NARROW, 24))
            rows = overview.rows(watch.read())
            lines = [summary(rows), "", *table(rows, width)]
            if len(lines) >= height:
                hidden = len(lines) - height + 2
                lines = [*lines[: height - 2], f"... and {hidden} more"]
            out.write(_HOME + "".join(f"{line}\x1b[K\n" for line in lines) + _REST)
            out.flush()
            time.sleep(INTERVAL)


@contextmanager
def _second_screen(out: TextIO) -> Iterator[None]:
    out.write(_ENTER)
    try:
        yield
    finally:
        out.write(_LEAVE)
        out.flush()


def _lines(watch: LedgerWatch, overview: Overview, form: str, out: TextIO) -> None:
    before: list[Row] = []
    while True:
        ledgers = watch.read()
        rows = overview.rows(ledgers)
        now = time.time()
        for change in changes(before, rows, ledgers):
            text = json.dumps(_as_json(change, now)) if form == "json" else one_line(_as_line(change, now))
            out.write(text + "\n")
        out.flush()
        before = rows
        time.sleep(INTERVAL)


def _as_json(change: Change, now: float) -> dict[str, object]:
    """One change. ``job`` is as it stands now; of one that is accounted for, as it stood last."""
    row = change.row or change.before
    return {
        "version": 1,
        "at": utc(now),
        "became": change.became,
        "was": None if change.before is None else change.before.standing.value,
        "job": None if row is None else row.as_json(),
    }


def _as_line(change: Change, now: float) -> str:
    row = change.row or change.before
    if row is None:
        return ""
    clock = time.strftime("%H:%M:%S", time.localtime(now))
    was = f" (was {change.before.standing.value})" if change.before is not None else ""
    item = f" (item={row.job.item})" if row.job.item else ""
    expected = f", {row.expected}" if change.row is not None and row.expected else ""
    limit = duration(row.job.limit_s)
    return (
        f"{clock} {change.became}: {_host(row)}: '{row.job.task}'{item}, job {row.job.jid}, "
        f"{duration(row.age)} of {limit}{expected}{was}"
    )


def summary(rows: Sequence[Row]) -> str:
    """How many jobs stand how, in one line."""
    counts = [(standing, sum(row.standing is standing for row in rows)) for standing in Standing]
    said = ", ".join(f"{count} {standing.value}" for standing, count in counts if count)
    return counted(len(rows), "job") + (f": {said}" if said else "")


def table(rows: Sequence[Row], width: int) -> list[str]:
    """The rows in columns, with a heading. In 80 columns nothing but long names is cut."""
    if not rows:
        return []
    fixed = [
        ["STATE", *(row.standing.value for row in rows)],
        ["AGE/LIMIT", *(f"{short_duration(row.age)}/{short_duration(row.job.limit_s)}" for row in rows)],
        ["EXPECTED END", *(row.expected for row in rows)],
    ]
    names = [
        ["HOST", *(one_line(_host(row)) for row in rows)],
        ["TASK", *(one_line(row.job.task + (f" ({row.job.item})" if row.job.item else "")) for row in rows)],
    ]
    state, age, expected = fixed
    sizes = [max(map(cells, column)) for column in (state, age, expected)]
    room = max(width - sum(sizes) - 4 * 2, 16)
    host_size = min(max(map(cells, names[0])), max(room // 2, 8))
    task_size = min(max(map(cells, names[1])), room - host_size)
    columns = [(state, sizes[0]), (names[0], host_size), (names[1], task_size), (age, sizes[1]), (expected, sizes[2])]
    lines = zip(*([_fit(text, size) for text in column] for column, size in columns), strict=True)
    return ["  ".join(line).rstrip() for line in lines]


def _fit(text: str, size: int) -> str:
    """The text in exactly ``size`` cells; what is cut off is shown by an ellipsis."""
    shown = text if cells(text) <= size else cut(text, size - 1) + "\N{HORIZONTAL ELLIPSIS}"
    return shown + " " * (size - cells(shown))


def _host(row: Row) -> str:
    return f"{row.job.host} -> {row.job.delegated_to}" if row.job.delegated_to else row.job.host
