"""An error of our own costs the place at which it happens, is told with that place, and hides nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_reap import linting
from ansible_reap.flow import assembly
from ansible_reap.flow.engine import analyse
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.verdicts import judge
from ansible_reap.flow.walk import order
from ansible_reap.flow.walk.walk import Walk
from ansible_reap.jobs import Verdict

LAUNCH = "    - {{command: x, async: 60, poll: 0, register: {0}}}\n"
TRAP = '    - async_status: {jid: "{{ trap }}"}\n'
HEAD = "- hosts: all\n  tasks:\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "ansible.cfg").touch()
    (tmp_path / "one.yml").write_text(HEAD + LAUNCH.format("before") + TRAP + LAUNCH.format("after"))
    (tmp_path / "two.yml").write_text(HEAD + LAUNCH.format("other"))
    return tmp_path


def verdicts(root: Path) -> dict[str, Verdict]:
    return {str(launch.register): launch.verdict for launch in analyse(root).launches}


def test_at_a_task(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Evaluator.text

    def wrong(self: Evaluator, text: str) -> Any:
        if "trap" in text:
            raise TypeError("unhashable")
        return right(self, text)

    monkeypatch.setattr(Evaluator, "text", wrong)
    (crash,) = analyse(project).crashes
    assert (crash.path, crash.line) == ("one.yml", 4)
    assert crash.message == "was not checked: TypeError: unhashable; please report this"
    assert verdicts(project) == {
        "before": Verdict.UNKNOWN,
        "after": Verdict.UNKNOWN,
        "other": Verdict.UNREAPED,
    }
    told = linting.lint(project)
    assert [(error.path, error.line) for error in told.errors] == [("one.yml", 4)]
    assert [finding.place.path for finding in told.findings if finding.rule == "async-unreaped"] == ["two.yml"]
    assert told.exit_status == 2
    assert linting.everything(project)[1] == [crash]


def test_at_a_play(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = order.walk_play

    def wrong(walk: Walk, play: Any, path: str, frame: Any) -> None:
        if path == "one.yml":
            raise RecursionError("too deep")
        right(walk, play, path, frame)

    monkeypatch.setattr(order, "walk_play", wrong)
    assert [(crash.path, crash.line) for crash in analyse(project).crashes] == [("one.yml", 1)]
    assert verdicts(project) == {"other": Verdict.UNREAPED}


def test_at_a_verdict(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = judge

    def wrong(instance: Any, *others: Any) -> Any:
        if instance.register == "before":
            raise KeyError("before")
        return right(instance, *others)

    monkeypatch.setattr(assembly, "judge", wrong)
    assert [(crash.path, crash.line) for crash in analyse(project).crashes] == [("one.yml", 3)]
    assert verdicts(project)["before"] is Verdict.UNKNOWN
    assert verdicts(project)["after"] is Verdict.UNREAPED
