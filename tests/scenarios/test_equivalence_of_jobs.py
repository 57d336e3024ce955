"""A run whose jobs are answered for, or only told of, is as without us: handlers, events, output apart from ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.answered_cases import CASES, ROLE
from scenarios.conftest import CALLBACKS, start
from scenarios.plays import launch, play
from scenarios.test_equivalence import HERE, VARYING, Case, in_order, recorded
from support import environments

OFTEN = ("handlers backwards", "free, told of")
_RETRY = re.compile(r"^FAILED - RETRYING|^\"?v2_runner_retry|ASYNC (OK|POLL|FAILED) on ")
_IDS = re.compile(r"\bj?[0-9]{6,}\.[0-9]+\b")


def outcome(core: str, folder: Path, case: Case, *, with_us: bool) -> tuple[int, list[str], list[str]]:
    """Exit status, output and other callbacks' events, apart from what is ours."""
    got, heard = recorded(core, folder, case, ROLE, with_us=with_us)
    stdout, stderr = (text.replace(str(folder), "") for text in (got.stdout, got.stderr))
    if case.stdout == "json":
        stdout, stderr = document_without_ours(stdout), "\n".join(without_ours(stderr))
    output = [*without_ours(stdout), *stderr.splitlines()]
    return got.status, output, in_order([line for line in heard if not is_ours(line)])


def document_without_ours(text: str) -> str:
    document = json.loads(text)
    document["tasks"] = [task for task in document["tasks"] if "async_reaper" not in task["name"]]
    return json.dumps(document, indent=1)


def without_ours(output: str) -> list[str]:
    """The lines, without ASYNC RECAP and the gate's handlers, retries and what differs between any two runs."""
    blocks = re.split(r"\n(?=[A-Z]{4,} (?:\[|\*|RECAP|HANDLER))", _IDS.sub("~", VARYING.sub("~", output)))
    kept = [block for block in blocks if not block.startswith(("ASYNC RECAP", "RUNNING HANDLER [async_reaper"))]
    return [line for block in kept for line in block.splitlines() if line and not _RETRY.search(line)]


def is_ours(event: str) -> bool:
    return "async_reaper" in event or '"FlushTask"' in event or '"attempts"' in event


@pytest.mark.parametrize("core", environments.chosen_cores(), indirect=True)
@pytest.mark.parametrize(
    "name", [name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_a_run_with_answered_jobs_is_as_without_us(core: str, tmp_path: Path, name: str) -> None:
    without = outcome(core, tmp_path / "without", CASES[name], with_us=False)
    assert outcome(core, tmp_path / "with_us", CASES[name], with_us=True) == without
    assert without[2]


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("core", environments.chosen_cores(), indirect=True)
def test_only_the_document_stands_on_standard_output(core: str, tmp_path: Path) -> None:
    got = start(
        core,
        tmp_path,
        play(launch("sleep 1"), launch("sleep 1", name="Twin")),
        env={"ANSIBLE_STDOUT_CALLBACK": "json"},
        callback_folders=(CALLBACKS, HERE / "documents"),
    )
    assert got.status == 2, got.output
    assert json.loads(got.stdout)["stats"]["h1"]["failures"] == 1
    assert "ASYNC RECAP" in got.stderr
    assert got.stderr.count("unreaped  h1") == 2


@pytest.mark.slow
@pytest.mark.parametrize("core", environments.chosen_cores(), indirect=True)
def test_progress_does_not_stand_beside_a_document(core: str, tmp_path: Path) -> None:
    got = start(
        core,
        tmp_path,
        play(launch("sleep 50", limit=90)),  # the first word comes after 30 s of waiting
        options={"on_unreaped": "reap"},
        env={"ANSIBLE_STDOUT_CALLBACK": "json"},
        callback_folders=(CALLBACKS, HERE / "documents"),
    )
    assert got.status == 0, got.output
    assert json.loads(got.stdout)["stats"]["h1"]["failures"] == 0
    assert "1 outstanding" in got.stderr


@pytest.mark.parametrize("core", environments.chosen_cores(), indirect=True)
def test_nothing_is_said_in_the_console(core: str, tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text(f"h1 ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    done = subprocess.run(
        [environments.program(f"core-{core}", "ansible-console"), "-i", "hosts.ini", "h1"],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
        },
        input="command echo hello\nexit\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "hello" in done.stdout, done.stdout + done.stderr
    assert "async_reaper" not in done.stdout + done.stderr
    assert "ASYNC RECAP" not in done.stdout + done.stderr
