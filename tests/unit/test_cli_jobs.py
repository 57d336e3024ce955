"""``ansible-reap jobs``: what it lists, and where it looks for it."""

from __future__ import annotations

import json
import os
import time
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from ansible_reap.cli import main
from ansible_reap.runtime.ledger.folder import ledger_folder
from ansible_reap.runtime.ledger.lines import RunRecord
from ansible_reap.runtime.ledger.processes import controller_name, start_of
from ansible_reap.runtime.ledger.writer import Ledger, default_folder
from ansible_reap.runtime.tracking.info import Access, JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import Phase
from ansible_reap.runtime.tracking.tracker import JobRecord

SCHEMA = json.loads(resources.files("ansible_reap").joinpath("schemas/jobs.json").read_text(encoding="utf-8"))
SITE = LaunchSite("Nightly", "Start the backup", "site.yml", 12, None, "backup", 3600, 0, no_log=False)


def write_run(folder: Path, name: str, *jids: str, pid: int = 1, closed: tuple[str, ...] = ()) -> None:
    """A ledger as a run leaves it that was killed (pid 1 is never ours), or that still runs (our own pid)."""
    started = "2026-11-22T10:00:00Z"
    run = RunRecord(
        name, pid, start_of(pid) if pid != 1 else "gone", controller_name(), started, ("site.yml",), "2.21.5"
    )
    ledger = Ledger(folder, run, pytest.fail)
    ledger.intent("t1", SITE, "web1", time.time())
    for jid in jids:
        ledger.launched(JobInfo(jid, "web1", SITE, "a b", time.time() - 600))
        if jid in closed:
            ledger.settled(JobRecord(JobInfo(jid, "web1", SITE, None, 0.0), Phase.REAPED))
    ledger.answered("t1", "web1")


def test_the_outstanding_jobs_of_killed_runs_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, "run-1", "j1.1", "j1.2", closed=("j1.1",))
    write_run(tmp_path, "run-2", "j2.1")
    assert main(["jobs", "--ledger-dir", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "web1: 'Start the backup' (item=a b) at site.yml:12, job j1.2, 10 min ago, limit 1 h" in text
    assert "j1.1" not in text
    assert "2 jobs outstanding, left by 2 runs." in text


def test_json_has_the_reports_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, "run-1", "j1.1")
    assert main(["jobs", "--ledger-dir", str(tmp_path), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, SCHEMA)
    assert report.keys() == {"version", "jobs"}
    assert report["version"] == 1
    (job,) = report["jobs"]
    assert {key: job[key] for key in ("jid", "host", "path", "line", "limit_s", "state", "last_seen", "reap")} == {
        "jid": "j1.1",
        "host": "web1",
        "path": "site.yml",
        "line": 12,
        "limit_s": 3600,
        "state": "unreaped",
        "last_seen": None,
        "reap": None,
    }


def test_a_run_that_is_still_going_is_not_called_left_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, "run-1", "j1.1", pid=os.getpid())
    assert main(["jobs", "--ledger-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "No outstanding jobs.\n1 run still going: not listed.\n"


def test_hosts_that_never_answered_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunRecord("run-1", 1, "gone", controller_name(), "2026-11-22T10:00:00Z")
    ledger = Ledger(tmp_path, run, pytest.fail)
    for number in range(5):
        ledger.intent("t1", SITE, f"web{number}", time.time())
    assert main(["jobs", "--ledger-dir", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "may have started more: 'Start the backup' at site.yml:12, on web0, web1, web2 and 2 more" in text
    assert "0 jobs outstanding, left by 1 run." in text
    assert main(["jobs", "--ledger-dir", str(tmp_path), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, SCHEMA)
    assert report["jobs"] == []
    assert [(task["host"], task["path"], task["line"]) for task in report["may_have_started"]] == [
        (f"web{number}", "site.yml", 12) for number in range(5)
    ]


def test_a_damaged_ledger_is_named_and_the_others_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.ledger").write_bytes(b"\x00\x01")
    write_run(tmp_path, "run-1", "j1.1")
    assert main(["jobs", "--ledger-dir", str(tmp_path)]) == 0
    found = capsys.readouterr()
    assert "j1.1" in found.out
    assert found.err.count("\n") == 1
    assert "broken.ledger" in found.err


def test_names_cannot_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = LaunchSite(
        "p", "clear\x1b[2J", "p.yml", 1, None, None, 1, 0, no_log=False, access=Access(delegate_to="db\n1")
    )
    run = RunRecord("run-1", 1, "gone", controller_name(), "2026-11-22T10:00:00Z")
    Ledger(tmp_path, run, pytest.fail).launched(JobInfo("j1.1", "web1", site, None, 0.0))
    main(["jobs", "--ledger-dir", str(tmp_path)])
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "web1 -> db 1" in text


def test_no_ledgers_are_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "--ledger-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "No outstanding jobs.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--ledger-dir", "nowhere"], "no such folder 'nowhere'"), (["--format", "jsno"], "did you mean 'json'?")],
)
def test_bad_usage_is_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jobs", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_the_ledger_is_looked_for_where_a_run_here_would_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    for folder in (home, project):
        folder.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(home))
    for name in ("ANSIBLE_CONFIG", "ASYNC_REAPER_LEDGER_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert ledger_folder() == default_folder()
    (home / ".ansible.cfg").write_text("[callback_async_reaper]\nledger_dir = /srv/ledger\n")
    assert ledger_folder() == Path("/srv/ledger")
    config = project / "ansible.cfg"
    config.write_text("[defaults]\nforks = 5%\n[callback_async_reaper]\nledger_dir = state/ledger ; kept here\n")
    assert ledger_folder() == project / "state" / "ledger"
    project.chmod(0o777)
    assert ledger_folder() == Path("/srv/ledger")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(config))
    assert ledger_folder() == project / "state" / "ledger"
    config.write_text("not an ini file")
    assert ledger_folder() == default_folder()
    monkeypatch.setenv("ASYNC_REAPER_LEDGER_DIR", "~/elsewhere")
    assert ledger_folder() == home / "elsewhere"
