"""What a run loads of ours at its start: every run waits for it, and most launch nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.conftest import CALLBACKS, Run, Runner
from scenarios.plays import launch, play, reap, say

TELLER = """
import sys
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "teller"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_stats(self, stats):
        self._display.display("loaded: " + " ".join(name for name in sys.modules if name.startswith("ansible_reap")))
"""
INCLUDE = "- ansible.builtin.include_tasks: more.yml\n"


def loaded(run: Runner, folder: Path, playbook: str) -> set[str]:
    """Our modules in a run's process when it ends."""
    (folder / "teller").mkdir()
    (folder / "teller" / "teller.py").write_text(TELLER, encoding="utf-8")
    got: Run = run(
        playbook,
        options={"report_path": ""},
        files={"more.yml": "- ansible.builtin.debug:\n"},
        callbacks="async_reaper,teller",
        callback_folders=(folder / "teller", CALLBACKS),
    )
    assert got.status == 0, got.output
    line = next(line for line in got.stdout.splitlines() if line.startswith("loaded: "))
    return set(line.removeprefix("loaded: ").split())


@pytest.mark.parametrize(
    ("tasks", "most"), [(say("hello"), 22), (say("hello") + INCLUDE, 26)], ids=["cannot launch", "could launch"]
)
def test_a_run_that_launches_nothing_loads_few_of_our_modules(
    run: Runner, tmp_path: Path, tasks: str, most: int
) -> None:
    modules = loaded(run, tmp_path, play(tasks))
    assert "ansible_reap.runtime.session" in modules
    assert len(modules) <= most, " ".join(sorted(modules))
    rooms = {".".join(name.split(".")[:3]) for name in modules}
    assert rooms.isdisjoint(
        f"ansible_reap.{room}" for room in ("history", "reports", "runtime.ledger", "runtime.output")
    )
    assert not [name for name in modules if name.endswith((".tracker", ".info", ".known_jobs", ".job_events"))]


def test_a_run_that_launches_loads_what_follows_its_jobs(run: Runner, tmp_path: Path) -> None:
    modules = loaded(run, tmp_path, play(launch(), reap()))
    assert modules >= {"ansible_reap.runtime.session.job_events", "ansible_reap.runtime.tracking.tracker"}
