"""What run times say of a limit."""

from __future__ import annotations

import pytest

from ansible_reap.checks.evidence.measured import judge
from ansible_reap.history.estimate import RunTime, estimate


def runs(*seconds: float, cut: tuple[float, ...] = ()) -> list[RunTime]:
    return [*(RunTime(s) for s in seconds), *(RunTime(s, is_censored=True) for s in cut)]


def test_a_tight_limit_is_told_with_the_numbers() -> None:
    verdict = judge(estimate(runs(*[310.0] * 36, 588.0)), limit=600, headroom=2)
    assert verdict is not None
    assert verdict.sub_tag == "headroom"
    assert verdict.advice == 1200
    assert verdict.message == (
        "The limit is 600 s, but 37 runs took 310 s at the median and 588 s at worst; use 1200 s or more "
        "(with a probability of 97 % the next run stays within 588 s)."
    )


def test_a_limit_that_a_run_has_reached_is_a_ceiling() -> None:
    verdict = judge(estimate(runs(10, 20, 30, 40, 61)), limit=60, headroom=2)
    assert verdict is not None
    assert verdict.sub_tag == "ceiling"


def test_runs_cut_off_at_the_limit_are_a_ceiling() -> None:
    verdict = judge(estimate(runs(310, 420, 530, 590, cut=(600, 600))), limit=600, headroom=2)
    assert verdict is not None
    assert verdict.sub_tag == "ceiling"
    assert verdict.message == (
        "The limit is 600 s, but of 6 runs 2 were cut off or still at work after 600 s, "
        "and the others took up to 590 s; use 1200 s or more."
    )


@pytest.mark.parametrize(
    ("seconds", "limit"),
    [((300, 300, 300, 300, 300), 600), ((1, 1, 1, 1), 1), ((), 5), ((0, 0, 0, 0, 0), 5)],
    ids=["enough headroom", "too few runs", "no runs", "no time at all"],
)
def test_nothing_is_said(seconds: tuple[float, ...], limit: float) -> None:
    assert judge(estimate(runs(*seconds)), limit, headroom=2) is None


def test_a_project_never_measured_has_nothing_said_of_it() -> None:
    assert judge(None, 60, 2) is None
