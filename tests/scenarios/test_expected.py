"""A wait of more than half a minute says when the job is expected to end, by what was measured before."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.conftest import Runner
from scenarios.test_wait import WAIT, collection_at
from unit.test_expected_ends import PLAYBOOK, measured


@pytest.mark.slow
@pytest.mark.parametrize("who", ["gate", "wait"])
def test_the_gate_and_the_wait_say_when_the_job_is_expected_to_end(run: Runner, tmp_path: Path, who: str) -> None:
    store = measured(tmp_path, 9)
    playbook = PLAYBOOK.replace("command: backup", "command: sleep 45") + (WAIT if who == "wait" else "")
    got = run(
        playbook,
        hosts=("web1",),
        options={"history": store, "on_unreaped": "reap"},
        args=("-e", "what=everything"),
        env=collection_at(tmp_path),
    )
    assert got.status == 0, got.output
    assert "; expected to end in about " in got.stdout
