"""Known offenders are listed and fail nothing, new ones fail, mended ones are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap.cli import main as ansible_reap
from ansible_reap.runtime.policy.known_jobs import IGNORE_FILE
from scenarios.conftest import Run, Runner
from scenarios.plays import launch, play, reap, say
from support import environments

KNOWN = {"ignore": f"file:{IGNORE_FILE}"}
REPORTING = {"on_unreaped": "report", "on_failed": "report"}
OLD = launch("exit 3", name="Start the backup, all of it") + "- command: sleep 1\n" + launch(name="'Build & push #1'")
NEW = launch(name="Start something new", when="inventory_hostname == 'h2'")

side_core = pytest.mark.parametrize("core", environments.side_cores(), indirect=True)


def generate(folder: Path) -> int:
    return ansible_reap(["report", str(folder / "report.json"), "--generate-ignore", "--project-dir", str(folder)])


def warned(run: Run, text: str) -> int:
    """How often the text was written. Ansible breaks long warnings at blanks and, before 2.19, at hyphens."""
    return "".join(run.stderr.split()).count("".join(text.split()))


@pytest.mark.slow
def test_what_a_report_lists_is_told_of_and_what_is_new_fails(run: Runner, tmp_path: Path) -> None:
    assert run(play(OLD), options=REPORTING).status == 0
    assert generate(tmp_path) == 0
    entries = (tmp_path / IGNORE_FILE).read_text().splitlines()[1:]
    assert entries == [
        "path:site.yml & task:Build [&] push [#]1",
        "path:site.yml & task:Start the backup, all of it",
    ]
    moved = "# Moved, and on more hosts.\n\n\n" + play(say("hello"), OLD, NEW)
    got = run(moved, hosts=("h1", "h2"), options=KNOWN)
    assert got.status == 2, got.output
    assert got.failed() == {"h2"}
    assert "An async job of this host went unanswered: 'Start something new'" in got.output
    assert got.report is not None
    assert got.report["outcome"] == "failed"
    known = [line for line in got.async_recap if line.endswith((", known", ": known"))]
    assert len(known) == 4
    assert sum("failed" in line and "rc 3" in line for line in known) == 2


@side_core
def test_without_new_ones_the_run_is_green_and_reported(run: Runner, tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_text("path:*.yml & task:Start*  # Reviewed in November.\n")
    got = run(play(launch("exit 3"), "- command: sleep 1\n"), options=KNOWN)
    assert got.status == 0, got.output
    assert got.report is not None
    assert got.report["outcome"] == "reported"
    assert not warned(got, "can go")


@side_core
def test_entries_that_can_go_are_named_once(run: Runner, tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_text(
        "# Old\npath:site.yml & task:Start it\npath:gone.yml & task:X\npath:site.yml & task:Renamed\n"
        "path:other.yml & task:Start elsewhere\npath:other.yml & task:command\nnonsense\n"
    )
    other = play(launch(name="Start elsewhere"))
    got = run(play(launch(), reap()), options=KNOWN, files={"other.yml": other + "  - command: x\n"})
    assert got.status == 0, got.output
    assert warned(
        got,
        f"async_reaper: entries that can go: {IGNORE_FILE}:2: its jobs were answered for; "
        f"{IGNORE_FILE}:3: its file is gone; {IGNORE_FILE}:4: no task there bears the name.",
    )
    assert warned(got, f"async_reaper: {IGNORE_FILE}:7 is left out.")


@side_core
def test_a_file_that_is_not_there_is_one_warning_and_the_run_stays_guarded(run: Runner) -> None:
    got = run(play(launch()), options=KNOWN)
    assert got.status == 2, got.output
    assert warned(got, "async_reaper: ignore: no file") == 1


@side_core
def test_the_file_is_looked_for_beside_the_ansible_cfg_in_effect(run: Runner, tmp_path: Path) -> None:
    config = tmp_path / "settings"
    config.mkdir()
    (config / "ansible.cfg").write_text("[callback_async_reaper]\nignore = host:none, file:known.txt\n")
    (config / "known.txt").write_text(f"path:{tmp_path}/site.yml & task:Start it & host:h1\n")
    got = run(play(launch()), env={"ANSIBLE_CONFIG": str(config / "ansible.cfg")})
    assert got.status == 0, got.output
    assert got.async_recap
