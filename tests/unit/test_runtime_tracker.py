"""The tracker, driven by sightings as a run brings them."""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from ansible_reap.jobs import JobState, LastSeen, SeenBy
from ansible_reap.runtime.events.ansible_objects import Task
from ansible_reap.runtime.events.sightings import sighting_of
from ansible_reap.runtime.policy.consequence import Consequence, judge
from ansible_reap.runtime.policy.known_jobs import IgnoreRule, Term
from ansible_reap.runtime.policy.options import OnUnreaped, Options, Reaction
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import LAST_SEEN, STATES, TRANSITIONS, Phase, Sight, Source
from ansible_reap.runtime.tracking.tracker import CLOCK_SLACK, JobRecord, Listener, ReapTask, Sighting, Tracker

SITE = LaunchSite(
    play="all",
    task="Start it",
    path="site.yml",
    line=4,
    role=None,
    register="job",
    limit_s=30,
    poll=0,
    no_log=False,
)
WAIT = ReapTask("site.yml", 9, "Wait for it", "h1")


def info(jid: str = "j1.1", site: LaunchSite = SITE, host: str = "h1") -> JobInfo:
    return JobInfo(jid, host, site, None, 1000.0)


def saw(sight: Sight, source: Source = Source.PLAYBOOK, **more: object) -> Sighting:
    return Sighting(source, sight, 1010.0, reap=WAIT if source is Source.PLAYBOOK else None, **more)  # type: ignore[arg-type]


def after(*sightings: Sighting, site: LaunchSite = SITE) -> JobRecord:
    tracker = Tracker()
    job = tracker.launch(info(site=site))
    for sighting in sightings:
        tracker.see(job.info.jid, sighting)
    return job


@pytest.mark.parametrize(
    ("sightings", "state", "seen_by", "last_seen"),
    [
        ((), "unreaped", None, None),
        ((saw(Sight.RUNNING),), "unreaped", None, "running"),
        ((saw(Sight.RUNNING), saw(Sight.FINISHED)), "reaped", "playbook", "finished"),
        ((saw(Sight.GIVEN_UP),), "unreaped", None, "running"),
        ((saw(Sight.MISSING), saw(Sight.GIVEN_UP)), "unreaped", None, "running"),
        ((saw(Sight.CLEANED), saw(Sight.GIVEN_UP)), "unreaped", None, "running"),
        ((saw(Sight.OVERDUE, Source.LOOK), saw(Sight.GIVEN_UP)), "unreaped", None, "running"),
        ((saw(Sight.CLEANED),), "unreaped", None, "missing"),
        ((saw(Sight.FINISHED), saw(Sight.CLEANED)), "reaped", "playbook", "finished"),
        ((saw(Sight.MISSING),), "lost", None, "missing"),
        ((saw(Sight.MISSING), saw(Sight.FINISHED, Source.LOOK)), "unreaped", None, "finished"),
        ((saw(Sight.MISSING), saw(Sight.MISSING, Source.LOOK)), "lost", "gate", "missing"),
        ((saw(Sight.FINISHED, Source.LOOK),), "unreaped", None, "finished"),
        ((saw(Sight.RUNNING, Source.LOOK),), "unreaped", None, "running"),
        ((saw(Sight.OVERDUE, Source.LOOK),), "lost", "gate", "running"),
        ((saw(Sight.FAILED, Source.LOOK),), "failed", "gate", "failed"),
        ((saw(Sight.TIMED_OUT, Source.LOOK),), "timed_out", "gate", "failed"),
        ((saw(Sight.FINISHED, Source.WAIT),), "reaped", "gate", "finished"),
        ((saw(Sight.OVERDUE, Source.WAIT),), "lost", "gate", "running"),
        ((saw(Sight.CLEANED), saw(Sight.MISSING, Source.LOOK)), "unreaped", None, "missing"),
        ((saw(Sight.FAILED), saw(Sight.FINISHED, Source.LOOK)), "failed", "playbook", "failed"),
        ((saw(Sight.UNSURE), saw(Sight.FINISHED, Source.LOOK)), "reaped", "playbook", "finished"),
        ((saw(Sight.UNSURE), saw(Sight.FAILED, Source.LOOK)), "failed", "playbook", "failed"),
        ((saw(Sight.UNSURE), saw(Sight.MISSING, Source.LOOK)), "lost", "playbook", "missing"),
        ((saw(Sight.UNSURE), saw(Sight.CLEANED), saw(Sight.MISSING, Source.WAIT)), "lost", "playbook", "missing"),
        ((saw(Sight.UNSURE), saw(Sight.RUNNING, Source.LOOK)), "lost", "playbook", "running"),
    ],
)
def test_a_jobs_state_follows_from_what_was_seen(
    sightings: Sequence[Sighting], state: str, seen_by: str | None, last_seen: str | None
) -> None:
    job = after(*sightings)
    assert job.state is JobState(state)
    assert job.seen_by == (SeenBy(seen_by) if seen_by else None)
    assert job.last_seen == (LastSeen(last_seen) if last_seen else None)


def test_a_failure_hidden_by_a_constant_failed_when_counts_as_swallowed() -> None:
    job = after(saw(Sight.UNSURE), saw(Sight.FAILED, Source.LOOK))
    assert job.swallowed
    assert not job.came_up


def test_a_job_whose_end_was_let_go_and_cannot_be_looked_up_is_lost_and_swallowed() -> None:
    job = after(saw(Sight.UNSURE), saw(Sight.MISSING, Source.LOOK))
    assert (job.state, job.swallowed, job.came_up) == (JobState.LOST, True, False)
    tracker = Tracker()
    tracker.launch(info())
    tracker.see("j1.1", saw(Sight.UNSURE))
    unseen = tracker.unseen("j1.1", "the host does not answer")
    assert unseen is not None
    assert (unseen.state, unseen.swallowed, unseen.came_up) == (JobState.LOST, True, False)


def test_a_failure_that_comes_up_later_is_not_swallowed() -> None:
    job = after(saw(Sight.FAILED, swallowed=True))
    assert job.swallowed
    job = after(saw(Sight.FAILED, swallowed=True), saw(Sight.FAILED))
    assert not job.swallowed
    assert job.came_up


@pytest.mark.parametrize("later", [Sight.CLEANED, Sight.RUNNING])
def test_what_is_done_to_its_status_file_afterwards_brings_no_failure_up(later: Sight) -> None:
    job = after(saw(Sight.FAILED, swallowed=True), saw(later))
    assert job.swallowed
    assert not job.came_up
    assert judge(job, Options(on_swallowed=Reaction.FAIL)) is Consequence.FAILS


@pytest.mark.parametrize(
    ("heard", "look", "state"),
    [
        ((Sight.FINISHED,), Sight.FINISHED, "reaped"),
        ((Sight.FINISHED,), Sight.MISSING, "lost"),
        ((Sight.FINISHED, Sight.CLEANED), Sight.MISSING, "reaped"),
        ((Sight.FINISHED, Sight.CLEANED), Sight.RUNNING, "unreaped"),
        ((Sight.FINISHED, Sight.CLEANED), Sight.FAILED, "failed"),
        ((Sight.FAILED, Sight.CLEANED), Sight.MISSING, "lost"),
        ((Sight.CLEANED,), Sight.MISSING, "lost"),
    ],
)
def test_another_host_speaks_for_a_job_as_far_as_a_look_at_its_own_bears_it_out(
    heard: Sequence[Sight], look: Sight, state: str
) -> None:
    tracker = Tracker()
    job = tracker.launch(info())
    for sight in heard:
        tracker.hear(job.info.jid, WAIT, sight)
    tracker.see(job.info.jid, saw(look, Source.LOOK))
    assert job.state is JobState(state)


@pytest.mark.parametrize("look", [Sight.FAILED, Sight.TIMED_OUT])
@pytest.mark.parametrize("source", [Source.LOOK, Source.WAIT])
@pytest.mark.parametrize(
    ("heard", "swallowed", "consequence"),
    [
        (Sight.FAILED, False, Consequence.TOLD),
        (Sight.TIMED_OUT, False, Consequence.TOLD),
        (Sight.FAILED, True, Consequence.TOLD),
        (Sight.FINISHED, False, Consequence.FAILS),
    ],
)
def test_a_failure_that_another_host_has_told_of_has_come_up(
    look: Sight, source: Source, heard: Sight, swallowed: bool, consequence: Consequence
) -> None:
    tracker = Tracker()
    job = tracker.launch(info())
    tracker.hear(job.info.jid, WAIT, heard, swallowed=swallowed)
    tracker.see(job.info.jid, saw(look, source))
    assert job.state is JobState.FAILED or job.state is JobState.TIMED_OUT
    assert judge(job, Options()) is consequence
    assert (job.came_up, job.swallowed) == (heard is not Sight.FINISHED and not swallowed, swallowed)


def test_a_playbook_that_waits_after_the_gate_has_looked_is_who_saw_the_end() -> None:
    """As where one command runs several playbooks: what a later one does is not known at the gate of the first."""
    failed = after(saw(Sight.FAILED, Source.LOOK), saw(Sight.FAILED))
    assert (failed.state, failed.seen_by, failed.came_up) == (JobState.FAILED, SeenBy.PLAYBOOK, True)
    assert judge(failed, Options()) is Consequence.TOLD
    cleaned = after(saw(Sight.FAILED, Source.LOOK), saw(Sight.CLEANED))
    assert (cleaned.seen_by, cleaned.came_up) == (SeenBy.GATE, False)


def test_what_could_not_be_found_and_then_failed_has_not_come_up() -> None:
    job = after(saw(Sight.MISSING), saw(Sight.FAILED, Source.LOOK))
    assert job.state is JobState.FAILED
    assert not job.came_up


def test_no_log_keeps_neither_message_nor_return_code() -> None:
    hidden = LaunchSite("all", "Secret", "site.yml", 4, None, None, 30, 0, no_log=True)
    job = after(saw(Sight.FAILED, rc=3, msg="the password is"), site=hidden)
    assert (job.rc, job.msg) == (None, None)


def test_every_table_is_complete() -> None:
    assert set(STATES) == set(Phase)
    assert set(LAST_SEEN) == set(Sight)
    assert {source for _, source, _ in TRANSITIONS} == set(Source)
    ends = {phase for phase in Phase if phase not in {before for before, _, _ in TRANSITIONS}}
    assert ends == {Phase.FAILED, Phase.TIMED_OUT}, "every other phase can still change"


def test_a_job_reported_twice_is_one_job() -> None:
    tracker = Tracker()
    assert tracker.launch(info()) is tracker.launch(info())
    assert len(tracker) == 1


def test_a_job_of_another_run_is_none_of_ours() -> None:
    assert Tracker().see("j9.9", saw(Sight.FINISHED)) is None


class Heard(Listener):
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def intent(self, key: str, site: LaunchSite, host: str, when: float) -> None:
        self.words.append(f"intent {host}")

    def answered(self, key: str, host: str) -> None:
        self.words.append(f"answered {host}")

    def launched(self, job: JobInfo) -> None:
        self.words.append(f"launched {job.jid}")

    def settled(self, job: JobRecord) -> None:
        self.words.append(f"settled {job.info.jid} {job.state.value}")

    def closed(self, jobs: Sequence[JobRecord], *, complete: bool = True) -> None:
        self.words.append(f"closed {len(jobs)} {complete}")


def test_listeners_hear_in_the_order_of_events() -> None:
    tracker, heard = Tracker(), Heard()
    tracker.listen(heard)
    tracker.intent("k", SITE, "h1", 999.0)
    tracker.launch(info())
    tracker.answered("k", "h1")
    tracker.see("j1.1", saw(Sight.RUNNING))
    tracker.see("j1.1", saw(Sight.FINISHED))
    tracker.close()
    assert heard.words == ["intent h1", "launched j1.1", "answered h1", "settled j1.1 reaped", "closed 1 True"]


@pytest.mark.parametrize(
    ("options", "sightings", "verdict"),
    [
        (Options(), (), Consequence.FAILS),
        (Options(on_unreaped=OnUnreaped.REPORT), (), Consequence.TOLD),
        (Options(ignore=(IgnoreRule((Term("task", "Start*"),)),)), (), Consequence.FINE),
        (Options(ignore=(IgnoreRule((Term("role", "*"),)),)), (), Consequence.FAILS),
        (Options(), (saw(Sight.FINISHED),), Consequence.FINE),
        (Options(), (saw(Sight.FAILED),), Consequence.TOLD),
        (Options(), (saw(Sight.FAILED, swallowed=True),), Consequence.TOLD),
        (Options(on_swallowed=Reaction.FAIL), (saw(Sight.FAILED, swallowed=True),), Consequence.FAILS),
        (Options(), (saw(Sight.FAILED, Source.LOOK),), Consequence.FAILS),
        (Options(on_failed=Reaction.REPORT), (saw(Sight.FAILED, Source.LOOK),), Consequence.TOLD),
    ],
)
def test_options_say_what_a_job_deserves(options: Options, sightings: Sequence[Sighting], verdict: Consequence) -> None:
    assert judge(after(*sightings), options) is verdict


def _drive(count: int) -> tuple[float, int]:
    """CPU seconds and bytes that ``count`` jobs cost, from launch to reap."""
    infos = [info(f"j{number}.{number % 97}", host=f"h{number % 100}") for number in range(count)]
    tracker = Tracker()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for each in infos:
        tracker.launch(each)
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    size += sum(map(sys.getsizeof, infos)) + sum(sys.getsizeof(each.jid) + 90 for each in infos)
    start = time.process_time()
    for each in infos:
        tracker.see(each.jid, saw(Sight.RUNNING))
        tracker.see(each.jid, saw(Sight.FINISHED))
    return time.process_time() - start, size


def test_a_job_costs_under_two_kilobytes_and_the_same_however_many_there_are() -> None:
    _, size = _drive(10_000)
    assert size / 10_000 < 2_000
    few = min(_drive(500)[0] for _ in range(5)) / 500
    many = _drive(10_000)[0] / 10_000
    assert many < 5 * few + 1e-5


def test_no_host_makes_a_job_run_for_longer_than_since_its_launch() -> None:
    job = after(saw(Sight.FINISHED, runtime_s=1e9))
    assert job.runtime_s == 10.0 + CLOCK_SLACK
    assert job.finished == 1010.0


@pytest.mark.parametrize("sight", [sight for sight in Sight if LAST_SEEN[sight] is LastSeen.RUNNING])
def test_whatever_finds_a_job_running_bounds_how_long_it_ran(sight: Sight) -> None:
    assert after(saw(sight), Sighting(Source.PLAYBOOK, Sight.FINISHED, 1012.0)).uncertainty_s == 2.0


@pytest.mark.parametrize(
    ("data", "failed", "sight"),
    [
        ({"finished": 0, "attempts": 2}, True, Sight.GIVEN_UP),
        ({"finished": False, "attempts": 1}, True, Sight.GIVEN_UP),
        ({"finished": False, "failed_when_result": True}, True, Sight.RUNNING),
        ({"finished": 0, "attempts": 1}, False, Sight.RUNNING),
        ({"finished": 1, "attempts": 2}, True, Sight.FAILED),
    ],
)
def test_a_wait_that_spends_its_tries_has_given_up(data: dict[str, object], failed: bool, sight: Sight) -> None:
    task = SimpleNamespace(action="ansible.builtin.async_status", args={"jid": "j1.1"}, failed_when=[])
    found = sighting_of(cast("Task", task), data, failed=failed, ignored=False, when=1010.0, reap=WAIT)
    assert found is not None
    assert found.sight is sight


def test_only_a_hidden_job_of_known_end_leaves_a_secret_behind() -> None:
    hidden = replace(SITE, no_log=True)
    assert after(saw(Sight.FINISHED), site=hidden).leaves_secret
    assert after(saw(Sight.FAILED), site=hidden).leaves_secret
    assert not after(saw(Sight.FINISHED)).leaves_secret
    assert not after(saw(Sight.RUNNING), site=hidden).leaves_secret
    assert not after(saw(Sight.FINISHED), saw(Sight.CLEANED), site=hidden).leaves_secret
    assert not after(saw(Sight.MISSING, Source.LOOK), site=hidden).leaves_secret
