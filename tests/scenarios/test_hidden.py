"""Launches under ``no_log`` whose settings only their loop items tell."""

from __future__ import annotations

from scenarios.conftest import Runner
from scenarios.plays import launch, play

ITEMS = "[{where: h1, limit: 30}, {where: h2, limit: 40}]"


def test_each_hidden_item_has_its_own_host_and_limit(run: Runner) -> None:
    task = launch(
        no_log="true",
        limit='"{{ item.limit }}"',
        loop=ITEMS,
        delegate_to='"{{ item.where }}"',
        when="inventory_hostname == 'h1'",
    )
    got = run(play(task), hosts=("h1", "h2"), options={"on_unreaped": "reap"})
    assert got.status == 0, got.output
    assert [(job["delegated_to"], job["limit_s"], job["state"], job["item"]) for job in got.jobs] == [
        ("h1", 30, "reaped", None),
        ("h2", 40, "reaped", None),
    ]


def test_a_hidden_loop_whose_poll_turns_out_not_to_be_0_leaves_no_job(run: Runner) -> None:
    task = launch(no_log="true", limit='"{{ item }}"', loop="[30]").replace("poll: 0", 'poll: "{{ item // 30 }}"')
    got = run(play(task))
    assert got.status == 0, got.output
    assert all(job["poll"] > 0 or job["state"] == "reaped" for job in got.jobs)
