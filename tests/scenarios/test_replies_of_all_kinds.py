"""Modules in other languages tell of a failure as they like: what Ansible takes for one is one for us too."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scenarios.conftest import Runner
from scenarios.plays import play
from scenarios.test_collect import LONG, Controller, controller, killed
from scenarios.test_wait import waiting

__all__ = ["controller", "killed", "waiting"]

REPLIES: tuple[dict[str, object], ...] = (
    {"rc": 3, "msg": "disk full"},
    {"rc": "3"},
    {"rc": "0"},
    {"rc": None},
    {"rc": [1]},
    {"failed": "backup incomplete"},
    {"failed": "no"},
    {"failed": ""},
    {"failed": ["why"]},
    {"failed": False, "rc": 3},
    {"failed": None, "rc": 3},
)
SAYS = f"""\
#!{sys.executable}
# WANT_JSON
import json, sys
print(json.dumps(json.load(open(sys.argv[1]))["says"]))
"""
FILES = {"library/says": SAYS}
WAIT = "- reap.jobs.wait:\n"


def launches(replies: tuple[dict[str, object], ...] = REPLIES, register: str = "job", more: str = "") -> str:
    return (
        "- name: Start it\n"
        '  says: {says: "{{ item }}"}\n'
        "  async: 60\n"
        "  poll: 0\n"
        f"  register: {register}\n"
        f"  loop: {json.dumps(replies)}\n"
        "  loop_control: {label: it}\n"
    ) + more


def looks(more: str = "  ignore_errors: true\n") -> str:
    return (
        "- ansible.builtin.async_status:\n"
        '    jid: "{{ item.ansible_job_id }}"\n'
        "  register: waited\n"
        "  until: waited is finished\n"
        "  retries: 30\n"
        "  delay: 1\n"
        '  loop: "{{ job.results }}"\n'
        "  loop_control: {label: it}\n"
    ) + more


@pytest.mark.parametrize("wait", [pytest.param(WAIT, marks=pytest.mark.slow), ""], ids=["by the task", "at the gate"])
def test_each_reply_is_judged_as_ansible_judges_it(waiting: Runner, wait: str) -> None:
    playbook = play(launches(), looks(), launches(register="other"), wait)
    got = waiting(playbook, files=FILES, options={"on_unreaped": "reap"})
    assert got.status == 2, got.output
    states = [job["state"] for job in got.jobs]
    ansibles, ours = states[: len(REPLIES)], states[len(REPLIES) :]
    assert dict(zip(map(str, REPLIES), ours, strict=True)) == dict(zip(map(str, REPLIES), ansibles, strict=True))
    assert ours[0] == ours[5] == "failed"
    assert "reaped" in ours


@pytest.mark.parametrize("reply", [REPLIES[0], REPLIES[5]], ids=["rc", "text"])
@pytest.mark.parametrize(
    "more",
    ["  failed_when: false\n", "  ignore_errors: true\n", "  no_log: true\n  ignore_errors: true\n"],
    ids=["failed_when", "ignore_errors", "no_log"],
)
def test_a_failure_that_a_wait_lets_go_is_swallowed(run: Runner, reply: dict[str, object], more: str) -> None:
    got = run(play(launches((reply, {})), looks(more)), files=FILES, options={"on_swallowed": "fail"})
    assert got.status == 2, got.output
    assert [(job["state"], job["swallowed"]) for job in got.jobs] == [("failed", True), ("reaped", False)]


@pytest.mark.parametrize("reply", [REPLIES[0], REPLIES[5]], ids=["rc", "text"])
def test_collect_fails_for_it(
    controller: Controller, killed: Callable[[str], set[str]], reply: dict[str, object]
) -> None:
    Path(controller.folder, "library").mkdir()
    Path(controller.folder, "library", "says").write_text(SAYS)
    command = "ansible.builtin.command: sleep {seconds}"
    assert command in LONG
    killed(LONG.replace(command, f"says: {{says: {json.dumps(reply)}}}"))
    got = controller.collect("-e", "wait=true")
    assert got.status == 2, got.output
    assert got.states() == {"h1": ["failed"], "h2": ["failed"]}
