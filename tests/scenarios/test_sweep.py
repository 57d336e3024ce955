"""``reap.jobs.sweep`` removes the status files of jobs that ended long ago, and no other file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ansible_reap.runtime.ledger.lines import RunRecord
from ansible_reap.runtime.ledger.writer import Ledger
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite
from scenarios.conftest import Run, Runner
from scenarios.test_wait import collection_at
from support import environments

pytestmark = pytest.mark.parametrize("core", environments.side_cores(), indirect=True)

ENDED, AT_WORK = {"rc": 0}, {"started": 1, "finished": 0}
SITE = LaunchSite("all", "Start", "site.yml", 3, None, None, 60, 0, no_log=False)


def put(folder: Path, name: str, content: object, days: float) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    when = time.time() - days * 86400
    os.utime(path, (when, when))
    return path


def sweep(run: Runner, folder: Path, *args: str, **settings: str) -> Run:
    (folder / "ansible").mkdir(exist_ok=True)
    text = ", ".join(f"{name}: {value}" for name, value in settings.items())
    return run(
        f"""
        - hosts: h1
          tasks:
            - name: Sweep
              reap.jobs.sweep: {{{text}}}
              register: swept
            - name: Tell
              ansible.builtin.copy:
                content: "{{{{ swept | to_json }}}}"
                dest: {folder}/swept.json
                mode: "0600"
              check_mode: false
        """,
        args=args,
        env=collection_at(folder),
    )


def test_only_old_results_that_no_ledger_claims_are_removed(run: Runner, tmp_path: Path) -> None:
    jobs = tmp_path / "async"
    old = put(jobs, "j1.1", ENDED, 10)
    kept = [
        put(jobs, "j2.1", ENDED, 6),
        put(jobs, "j3.1", AT_WORK, 10),
        put(jobs, "j4.1", ENDED, 10),  # claimed below
        put(jobs, "j5.1", "", 10),
        put(jobs, "notes.txt", ENDED, 10),
        put(jobs, "j6.1.bak", ENDED, 10),
    ]
    (jobs / "j7.1").symlink_to(put(tmp_path, "elsewhere", ENDED, 10))
    ledger = Ledger(
        tmp_path / "state" / "ansible-reap" / "ledger",
        RunRecord("run", 1, "gone", "elsewhere", "2026-11-22T10:00:00Z"),
        lambda text: None,
    )
    ledger.launched(JobInfo("j4.1", "h1", SITE, None, time.time()))

    for args in ((), ("--check",)):
        listed = sweep(run, tmp_path, *args, **({"remove": "true"} if args else {}))
        assert listed.status == 0, listed.output
        found = json.loads((tmp_path / "swept.json").read_text())
        assert [each["name"] for each in found["files"]] == ["j1.1"]
        assert (found["removed"], found["kept"]) == (0, {"claimed": 1, "not_ended": 2, "beyond_max": 0})
        assert old.exists()

    done = sweep(run, tmp_path, remove="true")
    assert done.status == 0, done.output
    assert json.loads((tmp_path / "swept.json").read_text())["removed"] == 1
    assert not old.exists()
    assert all(path.exists() for path in kept)
    assert (jobs / "j7.1").is_symlink()


def test_no_more_are_removed_than_asked_for_the_oldest_first(run: Runner, tmp_path: Path) -> None:
    files = [put(tmp_path / "async", f"j{number}.1", ENDED, 30 - number) for number in range(5)]
    assert sweep(run, tmp_path, remove="true", max="2").status == 0
    assert [path.exists() for path in files] == [False, False, True, True, True]


def test_a_ledger_that_cannot_be_read_stops_it(run: Runner, tmp_path: Path) -> None:
    old = put(tmp_path / "async", "j1.1", ENDED, 10)
    put(tmp_path / "ledger", "broken.ledger", "not a ledger", 0)
    got = sweep(run, tmp_path, remove="true", ledger_dir=str(tmp_path / "ledger"))
    assert got.status == 2
    assert "cannot be read as a ledger" in got.stdout + got.stderr
    assert old.exists()
