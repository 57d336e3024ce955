"""What ledgers say of a host, which status files belong to nobody, and what is closed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_reap.jobs import JobState
from ansible_reap.runtime.ledger.leftovers import (
    LATE,
    MOST_FILES,
    StatusFile,
    claim,
    close,
    close_jobs,
    leftovers,
    status_files,
    strangers,
    unclaimed,
    without_closed,
)
from ansible_reap.runtime.ledger.lines import Intent, RunRecord
from ansible_reap.runtime.ledger.processes import controller_name, start_of
from ansible_reap.runtime.ledger.reader import read_folder
from ansible_reap.runtime.ledger.writer import Ledger
from ansible_reap.runtime.remote.mailbox import Look
from ansible_reap.runtime.remote.own_tasks import tell
from ansible_reap.runtime.remote.waiting import Waited
from ansible_reap.runtime.tracking.info import Access, JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import Phase, Sight, Source
from ansible_reap.runtime.tracking.tracker import JobRecord, Origin, Sighting, Tracker

SITE = LaunchSite("p", "Start", "site.yml", 4, None, None, 60, 0, no_log=False)
ELSEWHERE = LaunchSite("p", "Start", "site.yml", 9, None, None, 60, 0, no_log=False, access=Access(become=True))


def a_job(jid: str, host: str = "web1") -> JobInfo:
    return JobInfo(jid, host, SITE, None, 1000.0)


def killed(folder: Path, name: str, *jobs: JobInfo, intents: tuple[str, ...] = (), alive: bool = False) -> Ledger:
    """A ledger as a killed run leaves it; while the object lives, so does its lock, as with a worker that hangs."""
    pid_start = start_of(os.getpid()) if alive else "gone"
    ledger = Ledger(folder, RunRecord(name, os.getpid(), pid_start, controller_name(), name), pytest.fail)
    for host in intents:
        ledger.intent("t1", SITE, host, time.time())
        ledger.intent("t2", ELSEWHERE, host, time.time())
    for job in jobs:
        ledger.launched(job)
    return ledger


def release(ledger: Ledger) -> None:
    """Let go of the file as a process does that ends."""
    assert ledger._fd is not None
    os.close(ledger._fd)


def test_a_host_is_told_of_its_own_leftovers_only(tmp_path: Path) -> None:
    killed(tmp_path, "run-1", a_job("j1.1"), a_job("j1.2", "web2"), intents=("web1", "web2"))
    killed(tmp_path, "run-2", a_job("j2.1"), alive=True)
    left = leftovers(read_folder(tmp_path, pytest.fail), "web1")
    assert [job.jid for job in left.jobs] == ["j1.1"]
    assert {intent.host for intent in left.intents} == {"web1"}
    assert set(left.folders()) == {SITE.access, ELSEWHERE.access}
    # The jobs of a run that is still going are known, though not up for collection.
    assert left.named == {"j1.1", "j2.1"}


def test_hosts_that_the_inventory_lacks_are_counted(tmp_path: Path) -> None:
    killed(tmp_path, "run-1", a_job("j1.1"), a_job("j1.2", "web2"), a_job("j1.3", "web2"))
    killed(tmp_path, "run-2", a_job("j2.1", "web3"), alive=True)
    assert strangers(read_folder(tmp_path, pytest.fail), ["web1"]) == {"web2": 2}


@pytest.mark.parametrize(
    ("name", "changed", "found"),
    [
        ("j12.34", 1000.0, True),
        ("12345.678", 1000.0, True),
        ("j12.34", 1000.0 + 60 + LATE - 1, True),
        ("j12.34", 1000.0 - 60, False),
        ("j12.34", 1000.0 + 60 + LATE + 1, False),
        ("j1.1", 1000.0, False),
        ("j12.34.tmp", 1000.0, False),
        ("notes.txt", 1000.0, False),
    ],
)
def test_a_status_file_of_the_time_that_nobody_names_is_unclaimed(name: str, changed: float, found: bool) -> None:
    intent = Intent("t1", "web1", 1000.0, SITE)
    jobs = unclaimed([StatusFile(name, f"/jobs/{name}", changed)], [intent], frozenset({"j1.1"}))
    assert [(job.jid, job.host) for job in jobs] == ([(name, "web1")] if found else [])


def test_the_latest_task_that_could_have_started_it_is_named() -> None:
    early, late = Intent("t1", "web1", 1000.0, SITE), Intent("t2", "web1", 1030.0, ELSEWHERE)
    files = [StatusFile("j1.1", "/j/j1.1", 1010.0), StatusFile("j1.2", "/j/j1.2", 1040.0)]
    assert [job.site for job in unclaimed(files, [late, early], frozenset())] == [SITE, ELSEWHERE]


def test_a_job_of_unknown_limit_is_waited_for_a_day_at_most() -> None:
    site = LaunchSite("p", "Start", "site.yml", 4, None, None, 0, 0, no_log=False)
    assert claim(JobInfo("j1.1", "web1", site, None, 0.0)).limit_s == 86400
    assert claim(a_job("j1.1")).limit_s == 60


def test_a_hosts_clock_that_is_off_is_allowed_for() -> None:
    answer = {"files": [{"path": "/jobs/j1.1", "mtime": 5000.0}, {"path": "C:\\jobs\\j1.2", "mtime": 5001.5}]}
    assert status_files(answer, clock_offset=4000.0) == [
        StatusFile("j1.1", "/jobs/j1.1", 1000.0),
        StatusFile("j1.2", "C:\\jobs\\j1.2", 1001.5),
    ]


def test_what_has_ended_is_closed_and_an_empty_ledger_removed(tmp_path: Path) -> None:
    first = killed(tmp_path, "run-1", a_job("j1.1"), a_job("j1.2", "web2"), intents=("web1",))
    second = killed(tmp_path, "run-2", a_job("j2.1"), a_job("j2.2"))
    for ledger in (first, second):
        release(ledger)
    left = leftovers(read_folder(tmp_path, pytest.fail), "web1")
    waited = [Waited(JobRecord(job, Phase.OUTSTANDING if job.jid == "j2.2" else Phase.FAILED)) for job in left.jobs]
    assert close(left, waited, left.intents, pytest.fail) == 4
    again = {ledger.run.run: ledger for ledger in read_folder(tmp_path, pytest.fail)}
    assert [job.jid for job in again["run-1"].launches] == ["j1.2"]
    assert again["run-1"].intents == ()
    assert [job.jid for job in again["run-2"].launches] == ["j2.2"]
    other = leftovers(list(again.values()), "web2")
    close(other, [Waited(JobRecord(job, Phase.REAPED)) for job in other.jobs], [], pytest.fail)
    assert [ledger.run.run for ledger in read_folder(tmp_path, pytest.fail)] == ["run-2"]


def test_a_host_that_has_named_anothers_job_closes_its_own_only(tmp_path: Path) -> None:
    release(killed(tmp_path, "run-1", a_job("j1.1", "victim")))
    release(killed(tmp_path, "run-2", a_job("j1.1", "evil")))
    of_evil = leftovers(read_folder(tmp_path, pytest.fail), "evil")
    assert close(of_evil, [Waited(JobRecord(job, Phase.REAPED)) for job in of_evil.jobs], [], pytest.fail) == 1
    assert [job.host for job in leftovers(read_folder(tmp_path, pytest.fail), "victim").jobs] == ["victim"]
    close_jobs(read_folder(tmp_path, pytest.fail), "evil", {"j1.1": JobState.FAILED}, pytest.fail)
    assert [job.host for job in leftovers(read_folder(tmp_path, pytest.fail), "victim").jobs] == ["victim"]
    close_jobs(read_folder(tmp_path, pytest.fail), "victim", {"j1.1": JobState.FAILED}, pytest.fail)
    assert read_folder(tmp_path, pytest.fail) == []


def test_a_host_that_names_an_id_hides_no_unclaimed_job_of_another(tmp_path: Path) -> None:
    delegated = LaunchSite("p", "Start", "site.yml", 9, None, None, 60, 0, no_log=False, access=Access("builder"))
    there = JobInfo("j1.2", "evil", delegated, None, 1000.0)
    release(killed(tmp_path, "run-1", a_job("j1.1", "evil"), there, a_job("j1.3", "victim"), intents=("victim",)))
    left = leftovers(read_folder(tmp_path, pytest.fail), "victim")
    assert left.named_at(SITE.access) == {"j1.3"}
    # What both delegate to one machine is in one folder, and its ids are given by that machine.
    assert left.named_at(delegated.access) == {"j1.2", "j1.3"}
    # Hosts of the inventory that stand for one machine are not strangers to each other.
    left = leftovers(read_folder(tmp_path, pytest.fail), "victim", lambda _: "one machine")
    assert left.named_at(SITE.access) == {"j1.1", "j1.2", "j1.3"}


def test_what_collect_sees_on_one_host_is_nothing_of_another_hosts_job_of_the_same_id() -> None:
    tracker = Tracker()
    own = tracker.launch(a_job("j1.1", "victim"))
    well = Sighting(Source.PLAYBOOK, Sight.FINISHED, 1010.0)
    looks = [Look(a_job("j1.1", "evil"), well), Look(a_job("j1.1", "evil"), well, origin=Origin.LEDGER)]
    told = list(tell(tracker, looks))
    assert own.is_outstanding
    assert [(job.info.host, job.state) for job in told] == [("evil", JobState.REAPED)]


def test_of_a_job_that_cannot_be_found_the_ledger_is_read_again(tmp_path: Path) -> None:
    release(killed(tmp_path, "run-1", a_job("j1.1"), a_job("j1.2"), a_job("j1.1", "web2")))
    left = leftovers(read_folder(tmp_path, pytest.fail), "web1")
    lost = [Waited(JobRecord(a_job(jid), Phase.LOST)) for jid in ("j1.1", "j1.2")]
    of_another = Waited(JobRecord(a_job("j1.1", "web2"), Phase.LOST))
    assert without_closed(left, [*lost, of_another]) == [*lost, of_another]
    close_jobs(left.ledgers, "web1", {"j1.1": JobState.REAPED}, pytest.fail)
    assert without_closed(left, [*lost, of_another]) == [lost[1], of_another]
    ended = Waited(JobRecord(a_job("j1.1"), Phase.FAILED))
    assert without_closed(left, [ended]) == [ended], "it was seen: that is told whoever else has told it"
    for ledger in left.ledgers:
        ledger.path.unlink()
    assert without_closed(left, [*lost, of_another]) == [of_another]


def test_a_task_whose_worker_may_still_start_a_job_stays_open(tmp_path: Path) -> None:
    ledger = killed(tmp_path, "run-1", intents=("web1",))
    left = leftovers(read_folder(tmp_path, pytest.fail), "web1")
    assert left.ledgers[0].locked
    assert close(left, [], left.intents, pytest.fail) == 0
    release(ledger)
    left = leftovers(read_folder(tmp_path, pytest.fail), "web1")
    assert close(left, [], left.intents, pytest.fail) == 2
    assert read_folder(tmp_path, pytest.fail) == []


def test_a_ledger_that_another_task_has_removed_is_no_error(tmp_path: Path) -> None:
    release(killed(tmp_path, "run-1", a_job("j1.1")))
    left = leftovers(read_folder(tmp_path, pytest.fail), "web1")
    left.ledgers[0].path.unlink()
    close(left, [Waited(JobRecord(left.jobs[0], Phase.REAPED))], [], pytest.fail)
    assert not left.ledgers[0].path.exists()


@pytest.mark.parametrize("mtime", [10**400, -(10**400), float("nan"), float("inf"), "1", None])
def test_a_file_of_an_impossible_time_is_left_out(mtime: object) -> None:
    answer = {"files": [{"path": "/x/j1.1", "mtime": mtime}, {"path": "/x/j1.2", "mtime": 5}]}
    assert [file.name for file in status_files(answer, 0.0)] == ["j1.2"]


def test_of_a_folder_without_end_so_many_files_are_looked_at() -> None:
    files = [{"path": f"/x/j{number}.1", "mtime": 1.0} for number in range(MOST_FILES + 10)]
    assert len(status_files({"files": files}, 0.0)) == MOST_FILES
