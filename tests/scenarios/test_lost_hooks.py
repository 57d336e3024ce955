"""What happens where a release of Ansible no longer offers a hook that we use: the page "How it works" says so."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from scenarios.conftest import CALLBACKS, Runner
from scenarios.plays import launch, play, say

GONE = {
    "compile": """
        real = Play.compile
        Play.compile = property(lambda play: lambda: real(play), lambda play, ours: None)
    """,
    "action": "loader.action_loader.add_directory = lambda *args, **more: None",
    "clean-up": """
        real = DataLoader.cleanup_all_tmp_files
        DataLoader.cleanup_all_tmp_files = property(lambda each: lambda: real(each), lambda each, ours: None)
    """,
}
"""What another callback does to Ansible before a play starts: what we set there is dropped."""
CALLBACK = """
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.plugins import loader
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_NAME = "another_ansible"

    def v2_playbook_on_start(self, playbook):
        change()

def change():
"""


def without(hook: str, folder: Path) -> dict[str, object]:
    """The settings of a run on an Ansible that lacks the hook."""
    others = folder / "others"
    others.mkdir()
    change = "\n".join(f"    {line}" for line in dedent(GONE[hook]).strip().splitlines())
    (others / "another_ansible.py").write_text(f"{CALLBACK}{change}\n", encoding="utf-8")
    return {"callbacks": "another_ansible,async_reaper", "callback_folders": (others, CALLBACKS)}


def test_without_the_blocks_of_a_play_there_is_no_gate_and_the_run_ends_with_2(run: Runner, tmp_path: Path) -> None:
    got = run(play(launch(), say("went on")), **without("compile", tmp_path))
    assert got.status == 2, got.output
    assert got.failed() == set()
    assert "RUNNING HANDLER" not in got.stdout
    assert re.match("unreaped +h1", got.async_recap[0])


def test_without_the_action_jobs_fail_their_hosts_unseen(run: Runner, tmp_path: Path) -> None:
    got = run(play(launch(), say("went on")), **without("action", tmp_path))
    assert got.status == 2, got.output
    assert got.failed() == {"h1"}
    assert got.only_job()["state"] == "unreaped"
    assert "the look itself has failed" in got.async_recap[0]


@pytest.mark.parametrize("early", ["", "- ansible.builtin.meta: end_play\n"], ids=["gate", "early end"])
def test_without_the_clean_up_only_gates_fail_a_run(run: Runner, tmp_path: Path, early: str) -> None:
    got = run(play(launch(), early, say("went on")), **without("clean-up", tmp_path))
    assert got.status == (0 if early else 2), got.output
    assert re.match("unreaped +h1", got.async_recap[0])
