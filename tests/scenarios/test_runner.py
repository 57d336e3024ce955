"""ansible-runner, the engine of AWX and AAP: the gate's tasks and failure arrive in its events and artifacts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scenarios.conftest import CALLBACKS
from scenarios.test_first import LATER, LAUNCH, REAP, play
from scenarios.test_wait import WAIT, collection_at
from support import environments

pytestmark = pytest.mark.skipif(
    environments.environment("runner") is None, reason="NOT TESTED UNDER ansible-runner: no environment of that name"
)
ONE = LAUNCH + "      when: inventory_hostname == 'h1'\n"


@dataclass(frozen=True)
class Artifacts:
    """What a run leaves in its folder of artifacts."""

    folder: Path

    @property
    def status(self) -> str:
        return (self.folder / "status").read_text()

    @property
    def rc(self) -> int:
        return int((self.folder / "rc").read_text())

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        """In the order in which they came."""
        found = [json.loads(path.read_text()) for path in (self.folder / "job_events").glob("*.json")]
        return sorted(found, key=lambda event: event["counter"])

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event["event_data"] for event in self.events if event["event"] == kind]

    def stats(self) -> dict[str, Any]:
        (stats,) = self.of("playbook_on_stats")
        return stats


def run_project(
    folder: Path,
    playbook: str,
    extra_vars: Mapping[str, object] | None = None,
    jobs: Path | None = None,
    connection: str = "local",
    **options: str,
) -> Artifacts:
    """Run a project the way AWX does: a private data folder with project, inventory and environment.

    ``jobs`` is where status files are; by default below the folder.
    """
    for name in ("project", "inventory", "env"):
        (folder / name).mkdir()
    (folder / "project" / "site.yml").write_text(playbook)
    (folder / "project" / "ansible.cfg").write_text("[defaults]\ncallbacks_enabled = async_reaper\n")
    local = (
        f"ansible_connection={connection} ansible_python_interpreter={sys.executable} "
        f"ansible_async_dir={jobs or folder}/async"
    )
    (folder / "inventory" / "hosts").write_text("".join(f"{host} {local}\n" for host in ("h1", "h2")))
    variables = {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connections"),
        "ANSIBLE_GATHERING": "explicit",
        "XDG_STATE_HOME": str(folder / "state"),
        **collection_at(folder),
        **{f"ASYNC_REAPER_{name.upper()}": value for name, value in options.items()},
    }
    (folder / "env" / "extravars").write_text(json.dumps(extra_vars or {}))
    (folder / "env" / "envvars").write_text(json.dumps(variables))
    inherited = {name: value for name, value in os.environ.items() if not re.match("ANSIBLE_|ASYNC_REAPER_", name)}
    program = environments.program("runner", "ansible-runner")
    subprocess.run(
        [program, "run", str(folder), "-p", "site.yml", "--ident", "it", "--quiet"],
        env={**inherited, "PATH": f"{program.parent}{os.pathsep}{inherited.get('PATH', '')}"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Artifacts(folder / "artifacts" / "it")


def test_the_gates_failure_is_an_event_like_any_other(tmp_path: Path) -> None:
    got = run_project(tmp_path, play(ONE) + LATER, report_path=str(tmp_path / "report.json"))
    assert (got.status, got.rc) == ("failed", 2), got.stdout
    (failure,) = got.of("runner_on_failed")
    assert failure["host"] == "h1"
    assert failure["task"].startswith("async_reaper : ")
    assert "'Start the backup' at site.yml:4" in failure["res"]["msg"]
    assert not failure.get("ignore_errors")
    assert got.stats()["failures"] == {"h1": 1}
    # Later plays go on with the other host alone.
    assert [event["host"] for event in got.of("runner_on_ok") if event["task"] == "Build on it"] == ["h2"]


def test_the_gates_tasks_are_announced(tmp_path: Path) -> None:
    got = run_project(tmp_path, play(ONE))
    announced = [event["task"] for event in got.of("playbook_on_task_start")]
    assert announced[0] == "Start the backup"
    assert len(announced) > 1
    assert all(task.startswith("async_reaper : ") for task in announced[1:])


def test_the_recap_and_the_report_are_there(tmp_path: Path) -> None:
    got = run_project(tmp_path, play(ONE), report_path=str(tmp_path / "report.json"))
    job = json.loads((tmp_path / "report.json").read_text())["jobs"][0]
    assert "ASYNC RECAP" in got.stdout
    assert job["jid"] in got.stdout.partition("ASYNC RECAP")[2]
    # AWX shows the events' own text, not the file.
    assert "ASYNC RECAP" in "".join(event["stdout"] for event in got.events)


@pytest.mark.parametrize("reap", [REAP, WAIT], ids=["async_status", "reap.jobs.wait"])
def test_a_reaped_job_is_a_success(tmp_path: Path, reap: str) -> None:
    got = run_project(tmp_path, play(LAUNCH, reap))
    assert (got.status, got.rc) == ("successful", 0), got.stdout
    assert not got.stats()["failures"]
    assert not any("async_reaper" in event["task"] for event in got.of("playbook_on_task_start"))


COLLECT = "- ansible.builtin.import_playbook: reap.jobs.collect\n"
SECOND = """
    - name: Start what is hidden
      ansible.builtin.shell: sleep 12; echo S3CRET
      async: 30
      poll: 0
      no_log: true
      loop: [S3CRET-item]
"""


def test_the_next_node_of_a_workflow_collects_what_the_first_has_left(tmp_path: Path) -> None:
    """AWX hands one node's artifacts to the next as extra variables; the first one's ledger is gone by then."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    got = run_project(first, play(SECOND, LAUNCH), jobs=tmp_path, connection="beside", on_unreaped="report")
    assert (got.status, got.rc) == ("successful", 0), got.stdout
    artifacts = got.stats()["artifact_data"]
    left = artifacts["async_reaper_outstanding"]
    assert sorted((job["host"], job["site"]["task"]) for job in left.values()) == sorted(
        (host, task) for host in ("h1", "h2") for task in ("Start the backup", "Start what is hidden")
    )
    assert "S3CRET" not in json.dumps(artifacts)

    again = run_project(second, COLLECT, {**artifacts, "wait": True}, jobs=tmp_path, connection="beside")
    assert (again.status, again.rc) == ("successful", 0), again.stdout
    found = [job for event in again.of("runner_on_ok") for job in event["res"].get("jobs", [])]
    assert {job["jid"]: job["state"] for job in found} == dict.fromkeys(left, "reaped")
    assert list((tmp_path / "async").glob("j*")) == []
    assert again.stats()["artifact_data"] == {}


def test_the_next_node_of_a_workflow_stops_what_the_first_has_left(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    tasks = (SECOND.replace("sleep 12;", "sleep 294;"), LAUNCH.replace("sleep 1", "sleep 293"))
    long = play(*tasks).replace("async: 30", "async: 600")
    got = run_project(first, long, jobs=tmp_path, connection="beside", on_unreaped="report")
    assert (got.status, got.rc) == ("successful", 0), got.stdout
    artifacts = got.stats()["artifact_data"]
    left = artifacts["async_reaper_outstanding"]
    assert len(left) == 4

    again = run_project(second, COLLECT, {**artifacts, "stop": True}, jobs=tmp_path, connection="beside")
    assert (again.status, again.rc) == ("successful", 0), again.stdout
    found = [job for event in again.of("runner_on_ok") for job in event["res"].get("jobs", [])]
    assert {job["jid"]: job["outcome"] for job in found} == dict.fromkeys(left, "stopped")
    said = {jid: json.loads((tmp_path / "async" / jid).read_text()) for jid in left}
    assert {each["msg"].partition(" (")[0] for each in said.values()} == {"Stopped by reap.jobs.stop"}
    assert again.stats()["artifact_data"] == {}


def test_a_job_whose_status_file_the_gate_has_removed_is_not_handed_on(tmp_path: Path) -> None:
    """Under ``no_log`` the gate's look removes it, and the next node would find nothing and call the job lost."""
    hidden = """\
    - name: Start what is hidden
      ansible.builtin.shell: echo S3CRET
      async: 30
      poll: 0
      no_log: true
    - ansible.builtin.pause: {seconds: 3}
"""
    got = run_project(tmp_path, play(hidden, LAUNCH), on_unreaped="report")
    assert (got.status, got.rc) == ("successful", 0), got.stdout
    left = got.stats()["artifact_data"].get("async_reaper_outstanding", {})
    assert {job["site"]["task"] for job in left.values()} == {"Start the backup"}


def test_a_run_that_leaves_no_job_has_no_artifact(tmp_path: Path) -> None:
    assert run_project(tmp_path, play(LAUNCH, REAP)).stats()["artifact_data"] == {}
