"""The list of known jobs: its entries, and how a report becomes one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_reap.cli import main as ansible_reap
from ansible_reap.runtime.policy import known_jobs
from ansible_reap.runtime.policy.known_jobs import IGNORE_FILE, KnownJobs, parse_rule


@dataclass(frozen=True)
class Launch:
    task: str
    path: str = "site.yml"
    role: str | None = None
    host: str = "h1"


def job(**changes: object) -> dict[str, object]:
    return {
        "jid": "j1.1", "host": "h1", "task": "Start it", "path": "site.yml", "poll": 0, "state": "unreaped",
        "seen_by": None, "swallowed": False, **changes,
    }  # fmt: skip


def write_report(folder: Path, *jobs: dict[str, object], playbook: str = "site.yml") -> Path:
    path = folder / "run.json"
    path.write_text(json.dumps({"version": 1, "playbooks": [playbook], "jobs": jobs}))
    return path


def entries(folder: Path) -> list[str]:
    return [line for line in (folder / IGNORE_FILE).read_text().splitlines() if not line.startswith("#")]


def generate(root: Path, report: Path) -> int:
    return ansible_reap(["report", str(report), "--generate-ignore", "--project-dir", str(root)])


@pytest.mark.parametrize("name", ["a[b]c", "what?*", "Build & push", "a # b", " edges ", "two\nlines\n", "!x", "[!a]"])
def test_any_name_can_be_an_entry(name: str) -> None:
    text, added = known_jobs.merged("", [("site.yml", name)])
    assert added == 1
    rule = parse_rule(known_jobs._COMMENT.sub("", text.splitlines()[1]))
    assert rule is not None
    assert rule.covers(Launch(name))
    assert not rule.covers(Launch(f"{name}er"))
    assert not rule.covers(Launch(name, path="other.yml"))


@pytest.mark.parametrize("text", ["", "task:", "nonsense", "line:7", "path:x & nonsense"])
def test_what_is_no_entry_is_none(text: str) -> None:
    assert parse_rule(text) is None


def test_all_terms_of_an_entry_must_hold() -> None:
    rule = parse_rule("role:legacy_* & host:web*")
    assert rule is not None
    assert rule.covers(Launch("x", role="legacy_db", host="web1"))
    assert not rule.covers(Launch("x", role="legacy_db", host="db1"))
    assert not rule.covers(Launch("x", host="web1"))


def test_paths_are_told_from_the_folder_of_the_file(tmp_path: Path) -> None:
    known = KnownJobs(IGNORE_FILE, str(tmp_path), str(tmp_path / "playbooks"))
    assert known.path_of("site.yml") == "playbooks/site.yml"
    assert known.path_of(str(tmp_path / "roles/a/tasks/main.yml")) == "roles/a/tasks/main.yml"
    assert known.path_of("/elsewhere/a.yml") == "/elsewhere/a.yml"


def test_merging_leaves_what_is_there_as_it_is_and_adds_nothing_twice() -> None:
    old = "# Mine\npath:site.yml & task:Start it  # until May"
    assert known_jobs.merged(old, [("site.yml", "Start it")]) == (old, 0)
    new, added = known_jobs.merged(old, [("site.yml", "Start it"), ("site.yml", "Other")])
    assert (new, added) == (f"{old}\npath:site.yml & task:Other\n", 1)


def test_only_jobs_that_nobody_answered_for_become_entries(tmp_path: Path) -> None:
    report = write_report(
        tmp_path,
        job(task="never"),
        job(task="never", host="h2", state="failed", seen_by="gate"),
        job(task="swallowed", state="failed", seen_by="playbook", swallowed=True),
        job(task="failed the play", state="failed", seen_by="playbook"),
        job(task="reaped", state="reaped", seen_by="playbook"),
        job(task="detached", state="detached"),
        job(task="kept alive", poll=5, state="failed", seen_by="gate"),
    )
    assert generate(tmp_path, report) == 0
    assert entries(tmp_path) == ["path:site.yml & task:never", "path:site.yml & task:swallowed"]
    before = (tmp_path / IGNORE_FILE).read_bytes()
    assert generate(tmp_path, report) == 0
    assert (tmp_path / IGNORE_FILE).read_bytes() == before


def test_what_a_hand_written_entry_covers_is_not_added(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_text("task:Start*\n")
    generate(tmp_path, write_report(tmp_path, job()))
    assert entries(tmp_path) == ["task:Start*"]


def test_a_report_of_another_machine_names_this_project_s_files(tmp_path: Path) -> None:
    for name in ("playbooks/site.yml", "roles/db/tasks/main.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    report = write_report(
        tmp_path,
        job(),
        job(path="/builds/7/acme/roles/db/tasks/main.yml"),
        job(path="/usr/share/ansible/roles/x/tasks/main.yml"),
        job(path="/usr/share/ansible/collections/ansible_collections/a/b/roles/x/tasks/main.yml"),
        playbook="playbooks/site.yml",
    )
    generate(tmp_path, report)
    assert entries(tmp_path) == [
        "path:*/ansible_collections/a/b/roles/x/tasks/main.yml & task:Start it",
        "path:*/roles/x/tasks/main.yml & task:Start it",
        "path:playbooks/site.yml & task:Start it",
        "path:roles/db/tasks/main.yml & task:Start it",
    ]


def test_mended_and_lost_entries_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site.yml").write_text("- hosts: all\n  tasks:\n    - name: Start it\n    - command: 'true'\n")
    names = ("Start it", "command", "Renamed")
    (tmp_path / IGNORE_FILE).write_text("".join(f"path:site.yml & task:{name}\n" for name in names))
    report = write_report(tmp_path, job(state="reaped", seen_by="playbook"))
    assert generate(tmp_path, report) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"stale: {IGNORE_FILE}:1: its jobs were answered for",
        f"stale: {IGNORE_FILE}:3: no task there bears the name",
    ]


def test_an_entry_met_well_and_badly_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site.yml").write_text("- name: Start it\n")
    report = write_report(tmp_path, job(state="reaped", seen_by="playbook"), job(host="h2"))
    generate(tmp_path, report)
    assert capsys.readouterr().err == ""


def test_a_project_without_such_jobs_gets_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(tmp_path, write_report(tmp_path)) == 0
    assert not (tmp_path / IGNORE_FILE).exists()
    assert capsys.readouterr().out == f"{tmp_path / IGNORE_FILE}: 0 entries added\n"
