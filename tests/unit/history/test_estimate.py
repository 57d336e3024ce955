"""What run times allow to be said."""

from __future__ import annotations

import pytest

from ansible_reap.history.estimate import RunTime, estimate, estimates_of, round_up
from ansible_reap.history.identity import Identity


def ended(*seconds: float) -> list[RunTime]:
    return [RunTime(s) for s in seconds]


def cut_off(*seconds: float) -> list[RunTime]:
    return [RunTime(s, is_censored=True) for s in seconds]


def test_the_figures_of_plain_runs() -> None:
    known = estimate(ended(*range(1, 38)), limit=600)
    assert (known.runs, known.median, known.p95, known.largest) == (37, 19, 36, 37)
    assert known.bound is not None
    assert known.bound.seconds == 37
    assert known.bound.level == pytest.approx(37 / 38)
    assert known.at_least is None


def test_below_five_runs_there_is_no_bound() -> None:
    known = estimate(ended(1, 2, 3, 4))
    assert known.bound is None
    assert not known.has_enough
    assert known.advice(2) is None


@pytest.mark.parametrize("runs", range(5, 200, 7))
def test_no_number_of_runs_claims_more_than_it_can(runs: int) -> None:
    bound = estimate(ended(*range(runs))).bound
    assert bound is not None
    assert bound.level <= runs / (runs + 1)
    if runs >= 19:
        assert bound.level >= 0.95


def test_a_run_cut_off_beyond_the_largest_leaves_only_an_at_least() -> None:
    known = estimate(ended(1, 2, 3, 4, 5) + cut_off(10))
    assert known.bound is None
    assert known.at_least == 10
    assert known.needed == 10
    assert known.censored == 1


def test_a_run_cut_off_early_ranks_above_all_that_ended() -> None:
    known = estimate(ended(*range(1, 40)) + cut_off(3))
    assert known.at_least is None
    assert known.bound is not None
    assert known.bound.seconds == 39  # rank 39 of 40 runs: the slowest that ended
    assert known.bound.level == pytest.approx(39 / 41)


def test_early_cuts_that_hold_the_rank_leave_no_bound() -> None:
    known = estimate(ended(*range(1, 10)) + cut_off(3))
    assert known.bound is None
    assert known.at_least == known.needed == 9


def test_a_median_that_falls_on_cut_off_runs_is_not_claimed() -> None:
    assert estimate(ended(1, 2) + cut_off(5, 5, 5)).median is None
    assert estimate([]).median is None


def test_the_advice_of_the_readme_example() -> None:
    known = estimate(ended(*[310.0] * 36, 588.0))
    assert known.advice(2) == 1200
    assert known.headroom(600) == pytest.approx(600 / 588)


@pytest.mark.parametrize(
    ("seconds", "rounded"),
    [
        (0.2, 1),
        (7.1, 8),
        (10, 10),
        (11, 15),
        (61, 90),
        (300, 300),
        (962, 1200),
        (1176, 1200),
        (1200.0000001, 1200),
        (3601, 4500),
        (7201, 9000),
        (21601, 25200),
        (172801, 194400),
    ],
)
def test_advice_is_a_number_that_a_person_would_write(seconds: float, rounded: int) -> None:
    assert round_up(seconds) == rounded


def test_rounding_never_goes_below() -> None:
    assert all(round_up(s / 7) >= s / 7 - 1e-6 for s in range(1, 2_000_000, 997))


def test_a_launch_is_found_by_place_name_and_position() -> None:
    text = "- name: A\n  async: 5\n- name: A\n  async: 6\n- name: A\n  debug:\n"
    first, second = estimate(ended(1)), estimate(ended(2))
    known = estimates_of(
        {Identity("role:r/tasks/main.yml", "A"): first, Identity("role:r/tasks/main.yml", "A", 1): second}
    )
    assert known.for_launch("roles/r/tasks/main.yml", 1, "A", text) is first
    assert known.for_launch("roles/r/tasks/main.yml", 3, "A", text) is second
    assert known.for_launch("roles/r/tasks/main.yml", 1, "B", text) is None
    assert known.for_launch("site.yml", 1, "A", text) is None
