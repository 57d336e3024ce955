"""The referee's own observer, on real runs: what it takes for a wait, and for a look."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from referee.controller import Controller
from referee.project import Project, Task
from referee.trial import Focus, Trial, trials
from support import environments

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the observer needs inotify")

LAUNCH: Task = {"name": "Launch L1", "command": "work L1 ok", "async": 30, "poll": 0, "register": "job"}
STATUS: Task = {"async_status": {"jid": "{{ job.ansible_job_id }}"}, "register": "seen"}
WAIT: Task = {"name": "Wait", **STATUS, "until": "seen is finished", "retries": 60, "delay": 0}
LOOK: Task = {"name": "Look", **STATUS}


def a_project(*tasks: Task, hosts: tuple[str, ...] = ("h1",), peeks: int = 0) -> Project:
    play = {"name": "Play", "hosts": "all", "gather_facts": False, "tasks": list(tasks)}
    inventory = "".join(f"{host}\n" for host in hosts)
    return Project({"hosts.ini": inventory, "site.yml": [play]}, ("site.yml",), hosts, ("c1",), peeks)


@pytest.mark.slow
def test_what_waits_and_what_only_looks_is_told_apart_and_agrees_with_verdict_and_report(
    core: str, tmp_path: Path
) -> None:
    projects = [
        a_project(LAUNCH, WAIT, hosts=("h1", "h2")),
        a_project(LAUNCH, LOOK, peeks=1),
        a_project(LAUNCH, {**WAIT, "when": "c1"}),
        a_project({**LAUNCH, "command": "work L1 fail"}, WAIT),
    ]
    with Controller(environments.envs_root() / f"core-{core}", tmp_path / "server", core) as controller:
        results = trials(controller, projects, tmp_path / "trials", 2)
        waited = [_waited(controller, project, tmp_path / "alone") for project in projects]
    for result in results:
        assert (result.invalid, result.disagreements) == (None, ())
    assert [result.checked.launches["L1"].verdict for result in results] == ["reaped", "unreaped", "partial", "reaped"]
    assert waited == [[[True, True]], [[False]], [[True], [False]], [[True]]]


def _waited(controller: Controller, project: Project, folder: Path) -> list[list[bool]]:
    """For each setting, whether the end of each job was seen by the project itself."""
    trial = Trial(project, folder, Focus(None, None))
    return [[job.waited for job in seen.jobs] for seen in trial.observed(controller.run_all(trial.runs, 1))]
