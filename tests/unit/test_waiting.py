"""The loop that waits for jobs, against status files that change under its eyes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_reap.jobs import JobState, LastSeen
from ansible_reap.runtime.remote import bounded, waiting
from ansible_reap.runtime.remote.bounded import BoundedHost, bounded_by
from ansible_reap.runtime.remote.status_file import STEP
from ansible_reap.runtime.remote.waiting import (
    HIDDEN_ANSWER,
    HostSaidError,
    NoAnswerError,
    Terms,
    clean_up,
    failure_message,
    wait_for,
)
from ansible_reap.runtime.tracking.as_json import entry
from ansible_reap.runtime.tracking.info import Access, JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import Phase, Sight
from ansible_reap.runtime.tracking.tracker import ReapTask, Tracker
from support.bounds import ends_within

REAP = ReapTask("site.yml", 20, "Wait", "web1")
CORE = (2, 21, 5)
RUNNING = {"started": 1, "finished": 0}
DONE = {"finished": 1, "rc": 0, "start": "2026-11-22 10:00:00", "end": "2026-11-22 10:00:03"}
FAILED = {"finished": 1, "failed": True, "rc": 3, "msg": "non-zero return code"}
KILLED = {"finished": 1, "failed": True, "msg": "Timeout exceeded", "child_pid": 5}
MISSING = {"finished": 1, "failed": True, "msg": "could not find job"}


def a_job(jid: str = "j1.1", *, limit: int = 60, no_log: bool = False, launched: float | None = None) -> JobInfo:
    site = LaunchSite("p", "Start", "site.yml", 4, None, "r", limit, 0, no_log=no_log, access=Access(delegate_to="db1"))
    return JobInfo(jid, "web1", site, None, time.time() if launched is None else launched)


class Script:
    """A host whose jobs answer as written, each look taking the next answer; the last one stands."""

    def __init__(self, **answers: list[Mapping[str, Any] | Exception]) -> None:
        self.answers = {jid.replace("_", "."): list(found) for jid, found in answers.items()}
        self.looks: list[str] = []
        self.ago: dict[str, float] = {}
        self.cleaned: list[str] = []

    def status(self, job: JobInfo) -> Mapping[str, Any]:
        self.looks.append(job.jid)
        found = self.answers[job.jid]
        answer = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ended_ago(self, job: JobInfo) -> float | None:
        return self.ago.get(job.jid)

    def cleanup(self, job: JobInfo) -> None:
        self.cleaned.append(job.jid)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.01)


def silent(text: str) -> None:
    pytest.fail(f"nothing was to be said: {text}")


@pytest.mark.parametrize(
    ("answer", "state", "last_seen", "cleaned"),
    [
        (DONE, JobState.REAPED, LastSeen.FINISHED, True),
        (FAILED, JobState.FAILED, LastSeen.FAILED, True),
        (KILLED, JobState.TIMED_OUT, LastSeen.FAILED, True),
        (MISSING, JobState.LOST, LastSeen.MISSING, False),
    ],
)
def test_each_way_to_end_is_told_and_cleaned_up_after(
    answer: Mapping[str, Any], state: JobState, last_seen: LastSeen, cleaned: bool
) -> None:
    host = Script(j1_1=[RUNNING, answer])
    (one,) = wait_for([a_job()], host, Terms(CORE, REAP), silent)
    assert (one.job.state, one.job.last_seen) == (state, last_seen)
    assert one.job.reap == (None if state is JobState.LOST else REAP)
    assert host.cleaned == []
    assert clean_up([one], host, Terms(CORE, REAP))[0].is_cleaned is cleaned
    assert host.cleaned == (["j1.1"] if cleaned else [])
    assert bool(failure_message([one], Terms(CORE, REAP))) is (state is not JobState.REAPED)


def test_all_jobs_are_waited_for_whatever_their_order() -> None:
    host = Script(j1_1=[RUNNING, RUNNING, DONE], j1_2=[DONE], j1_3=[RUNNING, FAILED])
    waited = wait_for([a_job("j1.1"), a_job("j1.2"), a_job("j1.3")], host, Terms(CORE, REAP), silent)
    assert [one.job.state.value for one in waited] == ["reaped", "reaped", "failed"]
    message = failure_message(waited, Terms(CORE, REAP))
    assert message.startswith("1 of 3 async jobs failed: 'Start' at site.yml:4 on db1, job j1.3: failed with rc 3")
    assert host.looks.count("j1.2") == 1


def test_one_look_does_not_wait() -> None:
    host = Script(j1_1=[RUNNING])
    terms = Terms(CORE, REAP, wait=False)
    (one,) = wait_for([a_job()], host, terms, silent)
    assert (one.job.state, one.job.last_seen) == (JobState.UNREAPED, LastSeen.RUNNING)
    assert host.looks == ["j1.1"]
    assert failure_message([one], terms) == ""


def test_a_timeout_gives_up_on_what_still_runs() -> None:
    terms = Terms(CORE, REAP, timeout=0.2)
    (one,) = wait_for([a_job()], Script(j1_1=[RUNNING]), terms, silent)
    assert not one.has_ended
    assert "still running after 0.2 s" in failure_message([one], terms)


def test_no_job_is_waited_for_beyond_its_own_end() -> None:
    """A status that never ends, as after a reboot: by then even a job killed at its limit has ended."""
    host = Script(j1_1=[RUNNING])
    with ends_within(20):
        (one,) = wait_for([a_job(limit=1, launched=time.time() - 60)], host, Terms(CORE, REAP, timeout=120), silent)
    assert (one.job.state, one.job.last_seen) == (JobState.LOST, LastSeen.RUNNING)
    assert host.cleaned == []


@pytest.mark.parametrize("said", [{"failed": True, "msg": "--token s3cr3t"}, HostSaidError("--token s3cr3t")])
def test_under_no_log_what_a_host_says_instead_of_a_status_is_not_repeated(said: Mapping[str, Any] | Exception) -> None:
    terms = Terms(CORE, REAP, timeout=0.1)
    for no_log in (True, False):
        (one,) = wait_for([a_job(no_log=no_log)], Script(j1_1=[said]), terms, silent)
        text = f"{one.error} {failure_message([one], terms)}"
        assert ("s3cr3t" in text) is not no_log
        assert (HIDDEN_ANSWER in text) is no_log


def test_a_host_that_comes_back_is_asked_again() -> None:
    host = Script(j1_1=[NoAnswerError("connection refused"), {"msg": "MODULE FAILURE", "failed": True}, DONE])
    (one,) = wait_for([a_job()], host, Terms(CORE, REAP), silent)
    assert one.job.state is JobState.REAPED
    assert one.error is None


def test_a_host_that_does_not_is_named() -> None:
    terms = Terms(CORE, REAP, timeout=0.1)
    (one,) = wait_for([a_job()], Script(j1_1=[NoAnswerError("connection refused")]), terms, silent)
    assert one.error == "connection refused"
    assert "job j1.1: did not answer: connection refused" in failure_message([one], terms)


def test_what_no_log_hides_is_not_kept() -> None:
    secret = {**FAILED, "msg": "the password is s3cret"}
    terms = Terms(CORE, REAP)
    (one,) = wait_for([a_job(no_log=True)], Script(j1_1=[secret]), terms, silent)
    assert one.job.state is JobState.FAILED
    assert (one.job.msg, one.job.rc) == (None, None)
    assert "s3cret" not in failure_message([one], terms)


def test_files_stay_where_asked_to() -> None:
    host = Script(j1_1=[DONE])
    terms = Terms(CORE, REAP, cleanup=False)
    clean_up(wait_for([a_job()], host, terms, silent), host, terms)
    assert host.cleaned == []


def test_progress_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_WORD_AFTER", 0.0)
    said: list[str] = []
    old = a_job("j1.1", launched=time.time() - 30)
    wait_for([old, a_job("j1.2")], Script(j1_1=[RUNNING, DONE], j1_2=[RUNNING, DONE]), Terms(CORE, REAP), said.append)
    assert said == ["2 outstanding, the oldest ('Start', job j1.1) for 30 s of 1 min"]


@pytest.mark.parametrize("answer", [DONE, FAILED, KILLED, MISSING, RUNNING])
def test_a_sighting_tells_the_run_what_the_worker_saw(answer: Mapping[str, Any]) -> None:
    """The worker's tracker and the run's come to the same state."""
    (there,) = wait_for([a_job()], Script(j1_1=[answer]), Terms(CORE, REAP, wait=False), silent)
    tracker = Tracker()
    here = tracker.launch(there.job.info)
    assert there.sighting is not None
    tracker.see("j1.1", there.sighting)
    assert entry(here) == entry(there.job)


def test_overdue_is_lost() -> None:
    old = a_job(launched=time.time() - 500)
    (one,) = wait_for([old], Script(j1_1=[RUNNING]), Terms(CORE, REAP), silent)
    assert one.sighting is not None
    assert one.sighting.sight is Sight.OVERDUE
    assert one.job.phase is Phase.LOST


def test_a_job_that_does_not_time_itself_is_timed_by_its_status_file() -> None:
    launched = time.time() - 500
    host = Script(j1_1=[{"finished": 1}], j1_2=[DONE])
    host.ago["j1.1"] = 400.0
    (one, _) = wait_for([a_job("j1.1", limit=900, launched=launched), a_job("j1.2")], host, Terms(CORE, REAP), silent)
    assert one.sighting is not None
    assert one.sighting.ended == pytest.approx(launched + 100, abs=1)
    assert one.sighting.uncertainty_s == STEP
    assert one.job.runtime_s == pytest.approx(100, abs=1)
    assert one.job.uncertainty_s == STEP


@pytest.mark.parametrize("answer", [{"finished": "perhaps"}, {"finished": []}, {"finished": None}])
def test_an_answer_that_makes_no_sense_is_no_answer(answer: Mapping[str, Any]) -> None:
    (one,) = wait_for([a_job()], Script(j1_1=[answer]), Terms(CORE, REAP, wait=False), silent)
    assert one.sighting is None
    assert one.error == "what the host says of it cannot be true: finished is neither true nor false"


def test_two_looks_close_to_each_other_tell_more_than_a_status_file() -> None:
    host = Script(j1_1=[RUNNING, {"finished": 1}])
    host.ago["j1.1"] = 0.0
    (one,) = wait_for([a_job()], host, Terms(CORE, REAP), silent)
    assert 0 < one.job.uncertainty_s < 1


class Hanging(Script):
    """The module of one job never ends, on a host that is asked on a way of its own."""

    def status(self, job: JobInfo) -> Mapping[str, Any]:
        found = super().status(job)
        while not found:
            time.sleep(0.05)
        return found


def test_a_host_that_never_answers_costs_its_own_jobs_and_the_look_ends() -> None:
    host = Hanging(j1_1=[{}], j1_2=[{}], j1_3=[DONE])
    jobs = [a_job("j1.1"), a_job("j1.2"), replace(a_job("j1.3"), site=replace(a_job().site, access=Access()))]
    with ends_within(20):
        looked = BoundedHost(host, 0.3, ask_again=False)
        waited = wait_for(jobs, looked, Terms(CORE, wait=False), silent)
    assert [one.error for one in waited] == ["the host did not answer within 0.3 s"] * 2 + [None]
    assert waited[2].job.state is JobState.REAPED
    assert host.looks == ["j1.1", "j1.3"]  # it is not waited for twice


def test_a_wait_of_a_few_seconds_is_not_kept_up_by_a_host_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LEAST", 0.3)
    terms = Terms(CORE, timeout=0.1)
    jobs = [a_job(f"j1.{number}") for number in range(1, 20)]
    answers: dict[str, list[Mapping[str, Any] | Exception]] = {job.jid.replace(".", "_"): [{}] for job in jobs}
    host = Hanging(**answers)
    with ends_within(20):
        waited = wait_for(jobs, bounded_by(terms, host), terms, silent)
    assert {one.error for one in waited} == {"the host did not answer within 0.3 s"}
    assert len(host.looks) == 1  # one silence tells of all jobs there


def test_an_error_in_the_look_at_one_job_costs_that_job_alone() -> None:
    jobs = [a_job("j1.1"), a_job("j1.2")]
    host = Script(j1_1=[AttributeError("S3CRET")], j1_2=[FAILED])
    waited = wait_for(jobs, host, Terms(CORE, wait=False), silent)
    assert [one.error for one in waited] == ["an error of async_reaper, AttributeError", None]
    assert waited[1].is_bad


def test_a_wait_asks_a_host_again_that_has_not_answered() -> None:
    host = Hanging(j1_1=[{}, DONE])
    with ends_within(20):
        (one,) = wait_for([a_job()], BoundedHost(host, 0.3, ask_again=True), Terms(CORE), silent)
    assert one.job.state is JobState.REAPED
