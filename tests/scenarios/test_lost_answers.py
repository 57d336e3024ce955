"""Launches whose job may have started although no answer says so, and those that surely have started none."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.conftest import Runner
from scenarios.plays import launch, play

CONNECTIONS = str(Path(__file__).parent / "connections")
GOES_ON = {"ignore_unreachable": "true", "ignore_errors": "true", "register": ""}
LAUNCHES = {
    "plain": launch("exit 3", **GOES_ON),
    "hidden": launch("exit 3", no_log="true", **GOES_ON),
    "looped": launch("exit 3", loop="[1, 2]", **GOES_ON),
}


def hosts(*names: str) -> list[str]:
    return [f"{name} ansible_connection=severed" for name in names]


@pytest.mark.parametrize("how", list(LAUNCHES))
def test_a_launch_whose_answer_is_lost_may_have_started_its_job(run: Runner, how: str) -> None:
    names = ("cut", "garbled", "nameless")
    got = run(play(LAUNCHES[how]), hosts=hosts(*names), env={"ANSIBLE_CONNECTION_PLUGINS": CONNECTIONS})
    assert got.status == 2, got.output
    assert got.failed() == set(names)
    assert got.states() == {name: ["lost"] * (2 if how == "looped" else 1) for name in names}
    assert {job["host"]: job["msg"] for job in got.jobs} == {
        "cut": "the connection to its host failed, perhaps after the job had started",
        "garbled": "what its host answered to the launch cannot be read",
        "nameless": "its host gave no id for it",
    }


def test_a_launch_that_never_came_to_its_host_has_started_no_job(run: Runner) -> None:
    """And what runs in the foreground, by its limit or by its action, has no job to name."""
    foreground = [
        launch("echo", limit='"{{ item }}"', loop="[0, 0]"),
        launch("echo", limit='"{{ item }}"', loop="[0, 0]", no_log="true", register=""),
    ]
    env = {"ANSIBLE_CONNECTION_PLUGINS": CONNECTIONS}
    got = run(play(*LAUNCHES.values(), hosts="all:!h1") + play(*foreground, hosts="h1"),
              hosts=["h1", *hosts("refused", "pythonless")], env=env)  # fmt: skip
    assert got.status == 0, got.output
    assert got.jobs == []
