"""Somebody sets the controller's clock while jobs run: how long a wait lasts, and what it finds, is the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scenarios.conftest import Run, Runner
from scenarios.plays import launch, play
from scenarios.test_wait import collection_at

SET_LATER = "- ansible.builtin.shell: (sleep 2; touch {0}) > /dev/null 2>&1 &\n"


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Once this file is there, the clock of the run is another."""
    return tmp_path / "clock-is-set"


def with_clock(run: Runner, mark: Path, seconds: int, playbook: str, **settings: object) -> Run:
    shim = mark.parent / "shim" / "sitecustomize.py"
    shim.parent.mkdir()
    shim.write_text(
        "import os, time\n"
        "true = time.time\n"
        f"time.time = lambda: true() + ({seconds} if os.path.exists({str(mark)!r}) else 0)\n",
        encoding="utf-8",
    )
    path = os.pathsep.join(filter(None, [str(shim.parent), os.environ.get("PYTHONPATH")]))
    return run(playbook, env={**collection_at(mark.parent), "PYTHONPATH": path}, **settings)


def test_a_clock_set_forward_makes_no_running_job_lost(run: Runner, mark: Path) -> None:
    got = with_clock(
        run,
        mark,
        86400,
        play(launch("sleep 4"), f"- ansible.builtin.file: {{path: {mark}, state: touch}}\n"),
        options={"on_unreaped": "reap"},
    )
    assert mark.exists()
    assert (got.status, got.states()) == (0, {"h1": ["reaped"]}), got.output
    assert got.only_job()["runtime_s"] < 60


def test_a_clock_set_back_makes_no_wait_longer(run: Runner, mark: Path) -> None:
    playbook = play(launch("sleep 25", limit=60), SET_LATER.format(mark), "- reap.jobs.wait: {timeout: 4}\n")
    got = with_clock(run, mark, -7200, playbook)
    assert mark.exists()
    assert (got.status, got.states()) == (2, {"h1": ["unreaped"]}), got.output
