"""``ansible-reap jobs --all`` and ``--follow``: every job of every run, how it stands, and what changes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from ansible_reap.cli import main
from ansible_reap.cli.follow import table
from ansible_reap.cli.overview import Overview, Standing
from ansible_reap.history.database import parse_address
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.store import Store
from ansible_reap.jobs import LastSeen
from ansible_reap.runtime.ledger.lines import RunRecord
from ansible_reap.runtime.ledger.processes import controller_name, start_of
from ansible_reap.runtime.ledger.watch import LedgerWatch, StatusWatch
from ansible_reap.runtime.ledger.writer import Ledger
from ansible_reap.runtime.tracking.info import Access, JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import Phase
from ansible_reap.runtime.tracking.tracker import JobRecord
from ansible_reap.wording import rough_duration

SCHEMA = json.loads(resources.files("ansible_reap").joinpath("schemas/jobs.json").read_text(encoding="utf-8"))
TASK = """\
- hosts: all
  tasks:
    - name: Start the backup
      ansible.builtin.command: backup
      async: 3600
      poll: 0
"""
SITE = LaunchSite("Nightly", "Start the backup", "site.yml", 3, None, "backup", 3600, 0, no_log=False)
RUNNING, FINE, BAD = '{"started": 1, "finished": 0}', '{"rc": 0, "changed": true}', '{"rc": 3, "failed": true}'


class Runs:
    """A folder of ledgers, a project and a folder of status files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "site.yml").write_text(TASK)
        (folder / ".git").mkdir()
        self.store = folder / "history.db"
        self._ledgers: dict[str, Ledger] = {}

    def run(self, name: str, *, live: bool) -> Ledger:
        pid = os.getpid() if live else 1
        run = RunRecord(
            run=name,
            pid=pid,
            pid_start=start_of(pid) if live else "gone",
            controller=controller_name(),
            started="2026-11-22T10:00:00Z",
            playbooks=("site.yml",),
            ansible_core="2.21.5",
            base=str(self.folder),
        )
        return Ledger(self.folder / "ledger", run, pytest.fail)

    def job(
        self, jid: str, age: float, status: str | None = None, host: str = "web1", site: LaunchSite = SITE
    ) -> JobInfo:
        path = self.folder / jid
        if status is not None:
            path.write_text(status)
        here = replace(site, async_dir=str(self.folder), access=Access(connection="local"))
        return JobInfo(jid, host, here, None, time.time() - age)

    def measured(self, *seconds: float) -> None:
        address = parse_address(str(self.store))
        assert address is not None
        Store(address, 10.0).add(
            [
                Observation(
                    run=f"2026-11-{number + 1:02}T10:00:00Z-1",
                    job=f"j{number}.1",
                    project=self.folder.name,
                    identity=Identity("site.yml", "Start the backup"),
                    host="web1",
                    outcome=Ending.FINISHED,
                    seconds=each,
                    uncertainty=0.0,
                    limit=3600.0,
                    launched=datetime(2026, 11, number + 1, tzinfo=timezone.utc),
                    core="2.21.5",
                )
                for number, each in enumerate(seconds)
            ]
        )

    @property
    def options(self) -> list[str]:
        return ["--ledger-dir", str(self.folder / "ledger"), "--history", str(self.store)]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def everything(runs: Runs, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["jobs", "--all", *runs.options]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("site", ["another host", "another folder"])
def test_a_host_that_names_a_file_of_this_machine_has_it_not_read(runs: Runs, site: str) -> None:
    job = runs.job("j1.1", 60, BAD)
    there = replace(
        job.site,
        access=Access() if site == "another host" else job.access,
        async_dir=job.site.async_dir if site == "another host" else None,
    )
    assert StatusWatch().look(job) is LastSeen.FAILED
    by_name = replace(job.site, access=Access(connection="ssh"))  # as ansible-core 2.16 has it of localhost
    assert StatusWatch().look(replace(job, host="localhost", site=by_name)) is LastSeen.FAILED
    assert StatusWatch().look(replace(job, site=there)) is None


def test_a_status_file_is_seen_to_change_however_it_is_written(runs: Runs) -> None:
    """The wrapper puts a new file in its place, ``stop`` too; in place it may be written within one tick of a clock."""
    watch = StatusWatch()
    job = runs.job("j1.1", 60)
    path = runs.folder / "j1.1"
    assert watch.look(job) is None
    for text, seen in (("", None), ("{", None), (RUNNING, LastSeen.RUNNING), ("{", LastSeen.RUNNING)):
        path.write_text(text)
        assert watch.look(job) is seen
        assert watch.look(job) is seen
    path.write_text(RUNNING)
    assert watch.look(job) is LastSeen.RUNNING
    other = runs.folder / "new"
    other.write_text(RUNNING.replace("finished", "failed  "))  # as long as before
    other.rename(path)
    assert watch.look(job) is LastSeen.RUNNING
    other.write_text(BAD)
    other.rename(path)
    assert watch.look(job) is LastSeen.FAILED
    path.unlink()
    assert watch.look(job) is LastSeen.FAILED


def test_no_status_file_makes_the_overview_wait_or_run_out_of_memory(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    live = runs.run("live", live=True)
    pipe, endless, nested, whole = (runs.job(f"j{n}.1", 60, host=f"web{n}") for n in range(4))
    os.mkfifo(runs.folder / pipe.jid)
    (runs.folder / endless.jid).symlink_to("/dev/zero")
    (runs.folder / nested.jid).write_text("[" * 100_000)
    (runs.folder / whole.jid).write_text(FINE)
    for job in (pipe, endless, nested, whole):
        live.launched(job)
    lines = everything(runs, capsys)
    assert [("finished" in line or "ended" in line) for line in lines if "web3" in line] == [True]
    assert all(any(f"web{n}" in line for line in lines) for n in range(3))


def test_jobs_are_sorted_by_what_needs_attention(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    live, dead = runs.run("live", live=True), runs.run("dead", live=False)
    for job in (
        runs.job("j1.1", 60, RUNNING, "at-work"),
        runs.job("j2.1", 60, FINE, "done"),
        runs.job("j3.1", 60, BAD, "broken"),
        runs.job("j4.1", 9000, RUNNING, "late"),
        runs.job("j5.1", 60, None, "far-away"),
    ):
        live.launched(job)
    dead.launched(runs.job("j6.1", 60, RUNNING, "forgotten"))
    lines = everything(runs, capsys)
    told = [line.split()[:2] for line in lines[1:7]]
    assert told == [
        ["failed", "broken"],
        ["overdue", "late"],
        ["left", "forgotten"],
        ["ended", "done"],
        ["running", "at-work"],
        ["launched", "far-away"],
    ]
    assert lines[-1] == "6 jobs: 1 failed, 1 overdue, 1 left, 1 ended, 1 running, 1 launched"


def test_the_expected_end_is_what_is_left_from_now(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs.measured(*(600 + 60 * (7 * n % 10) for n in range(10)))  # 10 to 19 minutes, and no trend
    runs.run("live", live=True).launched(runs.job("j1.1", 330, RUNNING))
    lines = everything(runs, capsys)
    assert lines[0].split("  ")[-1] == "EXPECTED END"
    assert lines[1].endswith("about 9 min, 90 %: 13 min"), lines


def test_four_runs_are_too_few_to_expect_anything(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs.measured(600, 700, 800, 900)
    runs.run("live", live=True).launched(runs.job("j1.1", 300, RUNNING))
    assert everything(runs, capsys)[1].endswith("5m/1h")


def test_a_job_slower_than_all_before_it_stands_out(runs: Runs) -> None:
    runs.measured(*range(100, 200, 10))
    runs.run("live", live=True).launched(runs.job("j1.1", 300, RUNNING))
    (row,) = Overview(str(runs.store)).rows(LedgerWatch(runs.folder / "ledger", pytest.fail).read())
    assert row.standing is Standing.SLOW
    assert row.expected == "longest was 3 min"


def test_a_job_of_another_machine_is_never_called_slow(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs.measured(*range(100, 200, 10))
    runs.run("live", live=True).launched(runs.job("j1.1", 300))
    assert everything(runs, capsys)[1].split()[0] == "launched"


def test_every_line_fits_eighty_columns(runs: Runs) -> None:
    runs.measured(*range(3600, 36000, 3000))
    long = replace(SITE, task="Start the very long nightly backup of all customers' databases", limit_s=86400)
    live = runs.run("live", live=True)
    for number in range(12):
        name = f"database-{number}.emea.prod.example.com"
        live.launched(runs.job(f"j{number}.1", 4000 * number, RUNNING, name, long if number else SITE))
    rows = Overview(str(runs.store)).rows(LedgerWatch(runs.folder / "ledger", pytest.fail).read())
    lines = table(rows, 80)
    assert len(lines) == 13
    assert max(map(len, lines)) <= 80, max(lines, key=len)
    assert any("90 %" in line for line in lines)
    assert any("database-1" in line for line in lines)


def test_json_says_the_same_of_each(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs.measured(*(600 + 60 * (7 * n % 10) for n in range(10)))
    runs.run("live", live=True).launched(runs.job("j1.1", 300, RUNNING))
    assert main(["jobs", "--all", "--format", "json", *runs.options]) == 0
    printed = json.loads(capsys.readouterr().out)
    jsonschema.validate(printed, SCHEMA)
    (job,) = printed["jobs"]
    assert (job["jid"], job["run"], job["live"], job["standing"]) == ("j1.1", "live", True, "running")
    assert job["expected"].keys() == {"runs", "median_left_s", "bound_left_s", "level"}
    assert job["expected"]["bound_left_s"] == pytest.approx(834, abs=5)


def test_rough_times_have_no_needless_digits() -> None:
    assert [rough_duration(each) for each in (0.2, 40, 89, 250, 5000, 7900, 36000, 300000)] == [
        "1 s",
        "40 s",
        "89 s",
        "4 min",
        "83 min",
        "2.2 h",
        "10 h",
        "3 d",
    ]


@pytest.fixture
def follower(runs: Runs, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    form = getattr(request, "param", "text")
    started = subprocess.Popen(
        [sys.executable, "-m", "ansible_reap", "jobs", "--follow", "--format", form, *runs.options],
        stdout=subprocess.PIPE,
        text=True,
    )
    patience = threading.Timer(120, started.kill)  # a line that never comes is one that is empty
    patience.start()
    yield started
    patience.cancel()
    started.kill()
    started.wait()


def test_a_pipe_gets_one_line_a_change(runs: Runs, follower: subprocess.Popen[str]) -> None:
    assert follower.stdout is not None
    ledger = runs.run("live", live=True)
    job = runs.job("j1.1", 60, RUNNING)
    ledger.launched(job)
    told = [follower.stdout.readline()]
    (runs.folder / "j1.1").write_text(BAD)
    told.append(follower.stdout.readline())
    ledger.settled(JobRecord(job, Phase.FAILED, came_up=True))
    told.append(follower.stdout.readline())
    words = [re.sub(r"^\d\d:\d\d:\d\d ", "", line).split(":")[0] for line in told]
    assert words == ["running", "failed", "failed"]
    assert "web1: 'Start the backup', job j1.1" in told[0]
    assert told[1].rstrip().endswith("(was running)")
    follower.send_signal(signal.SIGINT)
    assert follower.wait(30) == 0
    assert follower.stdout.read() == ""


@pytest.mark.parametrize("follower", ["json"], indirect=True)
def test_json_is_one_object_a_change(runs: Runs, follower: subprocess.Popen[str]) -> None:
    assert follower.stdout is not None
    ledger = runs.run("live", live=True)
    job = runs.job("j1.1", 60, RUNNING)
    ledger.launched(job)
    first = json.loads(follower.stdout.readline())
    ledger.settled(JobRecord(job, Phase.REAPED))
    second = json.loads(follower.stdout.readline())
    jsonschema.validate(first, SCHEMA)
    jsonschema.validate(second, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**first, "became": "gone"}, SCHEMA)
    assert [(each["was"], each["became"], each["job"]["jid"]) for each in (first, second)] == [
        (None, "running", "j1.1"),
        ("running", "reaped", "j1.1"),
    ]
