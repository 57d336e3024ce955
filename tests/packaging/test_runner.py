"""ansible-runner, with which AWX and AAP run their jobs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support import environments
from support.venv import Venv

EXAMPLE = environments.ROOT / "src" / "ansible_reap" / "example" / "broken"


@pytest.mark.slow
def test_under_ansible_runner_the_play_fails_and_the_recap_is_in_the_output(
    make_venv: Callable[..., Venv], tmp_path: Path
) -> None:
    version = environments.chosen_cores()[-1]
    venv = make_venv("runner", f"core-{version}", f"ansible-core~={version}.0", "ansible-runner")
    shutil.copytree(EXAMPLE, tmp_path / "project")
    config = tmp_path / "project" / "ansible.cfg"
    config.write_text(f"{config.read_text()}callbacks_enabled = reap.jobs.async_reaper\n")
    (tmp_path / "inventory").mkdir()
    shutil.copy(EXAMPLE / "inventory.ini", tmp_path / "inventory" / "hosts")
    reply = venv.run("ansible-runner", "run", str(tmp_path), "-p", "site.yml", "--ident", "one", cwd=tmp_path)
    assert reply.returncode == 2
    assert "ASYNC RECAP" in reply.stdout
    events = [json.loads(path.read_text()) for path in (tmp_path / "artifacts" / "one" / "job_events").glob("*.json")]
    failed = [event["event_data"]["host"] for event in events if event["event"] == "runner_on_failed"]
    assert failed == ["db1"], "AWX shows a failed task on the host concerned"
