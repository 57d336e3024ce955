"""When a job is expected to end, as a wait tells while it waits."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_reap.history.database import parse_address
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.store import Store
from ansible_reap.runtime.remote.expected import ExpectedEnds
from ansible_reap.runtime.remote.waiting import progress
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite

PLAYBOOK = """\
- hosts: all
  tasks:
    - name: Back up {{ what }}
      ansible.builtin.command: backup
      async: 3600
      poll: 0
"""
SITE = LaunchSite("Nightly", "Back up everything", "site.yml", 3, None, None, 3600, 0, no_log=False)


def measured(folder: Path, runs: int) -> str:
    """A store in which the launch took five minutes, six and so on, in an order that shows no trend."""
    (folder / "site.yml").write_text(PLAYBOOK)
    (folder / ".git").mkdir(exist_ok=True)
    store = str(folder / f"{runs}.db")
    address = parse_address(store)
    assert address is not None
    template = Observation(
        run="",
        job="",
        project=folder.name,
        identity=Identity("site.yml", "Back up {{ what }}"),
        host="web1",
        outcome=Ending.FINISHED,
        seconds=0.0,
        uncertainty=0.0,
        limit=3600.0,
        launched=datetime(2026, 11, 1, tzinfo=timezone.utc),
        core="2.22.0",
    )
    Store(address, 10.0).add(
        [replace(template, run=f"run-{n:02}", job=f"j{n}.1", seconds=300.0 + 60 * (7 * n % runs)) for n in range(runs)]
    )
    return store


def line(folder: Path, history: str, age: float) -> str:
    job = JobInfo("j9.1", "web1", SITE, None, time.time() - age)
    ends = ExpectedEnds(history, 10.0)
    return progress([job], time.time(), lambda one, old: ends.text(str(folder), one, old))


def test_the_line_of_a_wait_says_when_the_job_is_expected_to_end(tmp_path: Path) -> None:
    said = line(tmp_path, measured(tmp_path, 9), 60)
    assert said == (
        "1 outstanding, the oldest ('Back up everything', job j9.1) for 1 min of 1 h; "
        "expected to end in about 8 min, 90 %: 12 min"
    )


@pytest.mark.parametrize("runs", [0, 4])
def test_nothing_is_expected_of_fewer_than_five_runs(tmp_path: Path, runs: int) -> None:
    assert line(tmp_path, measured(tmp_path, runs), 60).endswith("for 1 min of 1 h")
    assert "; expected to end in about " in line(tmp_path, measured(tmp_path, 5), 60)


def test_nothing_is_expected_of_a_job_that_takes_longer_than_any(tmp_path: Path) -> None:
    assert line(tmp_path, measured(tmp_path, 9), 2000).endswith("of 1 h")


def test_a_history_that_cannot_be_read_costs_the_expectation_only(tmp_path: Path) -> None:
    measured(tmp_path, 5)
    for broken in (str(tmp_path), "postgresql://127.0.0.1:1/none", "nonsense://"):
        assert line(tmp_path, broken, 60).endswith("of 1 h")
