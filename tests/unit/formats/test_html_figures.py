"""What the pages draw and say in figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_reap.formats.html import timeline
from ansible_reap.history.wording import times_text
from ansible_reap.reports import run_report
from support import reports


def report(folder: Path, *jobs: tuple[str, float | None, float]) -> run_report.Report:
    """A run of ten seconds with jobs launched at its start: each a state, a run time and a limit."""
    data = reports.report(1, len(jobs), hostile=False)
    entries = data["jobs"]
    assert isinstance(entries, list)
    for entry, (state, runtime, limit) in zip(entries, jobs, strict=True):
        ended = None if runtime is None else reports.stamp(runtime)
        entry.update(
            state=state, launched=reports.stamp(0), runtime_s=runtime, finished=ended, limit_s=limit, reap=None
        )
    data.update(started=reports.stamp(0), ended=reports.stamp(10))
    file = folder / "run.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    return run_report.read(file)


@pytest.mark.parametrize(
    ("limits", "length"),
    [((5,), 10), ((15,), 15), ((15, 18), 18), ((3600,), 10), ((15, 3600), 15)],
    ids=["within the run", "a little beyond", "the farther one", "far beyond", "one of each"],
)
def test_the_time_line_goes_on_to_limits_that_are_near(
    tmp_path: Path, limits: tuple[float, ...], length: float
) -> None:
    axis = timeline.axis_of(report(tmp_path, *(("reaped", 4.0, limit) for limit in limits)))
    assert axis is not None
    assert (axis.length, axis.known) == (length, 10)


def test_a_job_that_nobody_saw_end_is_not_drawn_beyond_the_run(tmp_path: Path) -> None:
    run = report(tmp_path, ("unreaped", None, 16.0))
    axis = timeline.axis_of(run)
    assert axis is not None
    (span,) = timeline.spans(run, axis)
    assert (span.end, span.limit, axis.length) == (10, 16, 16)


def test_a_limit_out_of_sight_has_a_line_that_leads_there_and_no_mark(tmp_path: Path) -> None:
    drawn = timeline.render(report(tmp_path, ("reaped", 4.0, 3600.0), ("reaped", 4.0, 12.0)))
    assert drawn.count('class="limit beyond"') == 1
    assert drawn.count('class="limit"') == 1


@pytest.mark.parametrize(("factor", "shown"), [(1.97, "1.9"), (2.0, "2.0"), (0.349, "0.3"), (12.0, "12.0")])
def test_a_headroom_is_rounded_down(factor: float, shown: str) -> None:
    assert times_text(factor) == shown
