"""Where the linter's verdict, the callback's report and what was observed do not agree."""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from referee.observation import Job, Observation
from referee.project import Setting
from referee.static import Checked, Launch

STATES = ("reaped", "unreaped", "failed", "timed_out", "lost", "detached")
Truth: TypeAlias = "tuple[Setting, Observation]"
"""A run without our callback in which every job ends well, and its setting."""


class Half(enum.Enum):
    """Whose fault it is."""

    STATIC = "static verdict"
    RUNTIME = "runtime"
    OTHER = "other"


@dataclass(frozen=True)
class Disagreement:
    """One difference. ``kind`` is what counts and minimises, ``subject`` the launch's label or empty."""

    half: Half
    kind: str
    subject: str
    detail: str
    setting: Setting | None = None
    """In which it was seen; None where it takes all settings to see it."""
    options: dict[str, str] | None = None
    """Of our callback, where it took part."""

    def __str__(self) -> str:
        told = f"[{self.half.value}] {self.kind} {self.subject}".rstrip()
        told += f" with {self.setting}" if self.setting is not None else ""
        told += f" and {self.options}" if self.options is not None else ""
        return f"{told}: {self.detail}"


# ---- the linter


def of_verdicts(
    checked: Checked, labels: set[str], truths: Sequence[Truth], *, exhaustive: bool
) -> Iterator[Disagreement]:
    """``exhaustive`` says that ``truths`` hold every setting."""
    if checked.crash:
        yield Disagreement(Half.STATIC, "check-crashed", "", checked.crash)
        return
    for error in checked.errors:
        yield Disagreement(Half.STATIC, "check-error", "", error)
    for label in sorted(labels):
        launch = checked.launches.get(label)
        started = [(setting, job) for setting, run in truths for job in run.launched(label)]
        if launch is not None:
            yield from _of_verdict(launch, truths, exhaustive=exhaustive)
        elif started:
            detail = f"it started {len(started)} jobs"
            yield Disagreement(Half.STATIC, "launch-not-listed", label, detail, started[0][0])


def _of_verdict(launch: Launch, truths: Sequence[Truth], *, exhaustive: bool) -> Iterator[Disagreement]:
    ran = [(setting, run, job) for setting, run in truths for job in run.launched(launch.label)]
    waited = [(setting, job) for setting, _, job in ran if job.waited]
    left = [(setting, job) for setting, run, job in ran if run.ordinary and not job.waited and job.end != "long"]
    said = f"{launch.path}:{launch.line} is called {launch.verdict}"

    def disagree(kind: str, setting: Setting | None, detail: str) -> Disagreement:
        return Disagreement(Half.STATIC, kind, launch.label, f"{said}, {detail}", setting)

    if launch.verdict == "reaped" and left:
        setting, job = left[0]
        yield disagree("reaped-but-left", setting, f"nothing waits for its job {job.items} on {job.host}")
    if launch.verdict == "unreaped" and waited and exhaustive:
        setting, job = waited[0]
        kind = "unreaped-but-sometimes-waited" if left else "unreaped-but-always-waited"
        yield disagree(kind, setting, f"its job {job.items} on {job.host} is waited for")
    all_seen = exhaustive and bool(ran) and all(run.ordinary for _, run, _ in ran)
    if launch.verdict == "partial" and all_seen and not left:
        yield disagree("partial-but-always-waited", None, f"{len(waited)} jobs are all waited for")
    if launch.verdict == "partial" and all_seen and not waited:
        yield disagree("partial-but-never-waited", None, f"none of {len(left)} jobs is waited for")


# ---- the callback


@dataclass(frozen=True)
class Twin:
    """A run without our callback and the same run with it, and how our options were set."""

    alone: Observation
    guarded: Observation
    report: dict[str, Any] | None
    options: dict[str, str]
    setting: Setting
    output: str
    is_check: bool = False
    """Whether the runs were in check mode, in which jobs end at once and say nothing of their work."""
    outstanding: frozenset[str] | None = None
    """Ids of the jobs that our ledger holds after the guarded run; None where it is not asked."""

    @property
    def only_reports(self) -> bool:
        """Whether our callback was told to change nothing."""
        return self.options.get("on_unreaped") == "report"

    def disagree(self, kind: str, detail: str, label: str = "") -> Disagreement:
        """One difference of this pair."""
        return Disagreement(Half.RUNTIME, kind, label, detail, self.setting, self.options)


def of_twin(twin: Twin, detached: set[str]) -> Iterator[Disagreement]:
    """What our callback did and said in a run, held against the same run without it."""
    alone, guarded = twin.alone, twin.guarded
    if alone.status is None or guarded.status is None:
        if alone.status is not guarded.status:
            yield twin.disagree("hangs", f"status {alone.status} alone, {guarded.status} guarded")
        return
    if "async_reaper is off" in twin.output or "Traceback (most recent call last)" in twin.output:
        yield twin.disagree("own-error", twin.output[-1500:])
    if twin.report is None:
        if alone.recap is not None:
            yield twin.disagree("no-report", twin.output[-800:])
        return
    if twin.only_reports:
        yield from _of_course(twin)
    yield from _of_states(twin, twin.report, detached)
    yield from _of_outcome(twin, twin.report)
    if twin.outstanding is not None:
        yield from _of_ledger(twin, twin.report, twin.outstanding)


def _of_course(twin: Twin) -> Iterator[Disagreement]:
    alone, guarded = twin.alone, twin.guarded
    if alone.course != guarded.course:
        detail = (
            f"only alone {_some(alone.course - guarded.course)}, only guarded {_some(guarded.course - alone.course)}"
        )
        yield twin.disagree("other-course", detail)
    elif alone.failed_hosts() != guarded.failed_hosts():
        detail = f"{sorted(alone.failed_hosts())} failed alone, {sorted(guarded.failed_hosts())} guarded"
        yield twin.disagree("other-failed-hosts", detail)
    elif alone.status != guarded.status:
        detail = f"status {alone.status} alone, {guarded.status} guarded: {guarded.our_failures}"
        yield twin.disagree("other-status", detail)


def _some(course: Counter[tuple[str, str, str]]) -> str:
    return "; ".join(f"{' '.join(each)} x{count}" for each, count in sorted(course.items())[:5]) or "nothing"


def _of_states(twin: Twin, report: dict[str, Any], detached: set[str]) -> Iterator[Disagreement]:
    states = {job["jid"]: job for job in report["jobs"]}
    seen = {job.jid: job for job in twin.guarded.jobs}
    for jid in sorted(set(seen) - set(states)):
        yield twin.disagree("job-not-reported", str(seen[jid]), seen[jid].label)
    for jid in sorted(set(states) - set(seen)):
        yield twin.disagree("job-never-was", str(states[jid]))
    if twin.is_check or (not twin.only_reports and twin.guarded.our_failures):
        return  # from where it failed the play it went another way
    truth: defaultdict[tuple[str, str, tuple[str, ...]], Counter[bool]] = defaultdict(Counter)
    for job in twin.alone.jobs:
        truth[job.key][job.waited] += 1
    for jid in sorted(set(seen) & set(states)):
        job, waited = seen[jid], truth[seen[jid].key]
        if not job.label or job.polled or len(waited) != 1:
            continue
        if job.label in detached:
            if not waited[True] and states[jid]["state"] != "detached":
                yield twin.disagree(f"state-{states[jid]['state']}-not-detached", f"{states[jid]}", job.label)
            continue
        wrong = _wrong_state(
            states[jid], job, waited=waited[True] > 0, gate_reaps=twin.options["on_unreaped"] == "reap"
        )
        if wrong:
            yield twin.disagree(f"state-{wrong}", f"{states[jid]} but observed {job}, waited {dict(waited)}", job.label)


def _wrong_state(reported: dict[str, Any], job: Job, *, waited: bool, gate_reaps: bool) -> str | None:
    """What is wrong with the state that a job is reported in, or None."""
    state, seen_by = reported["state"], reported["seen_by"]
    ended = {"ok": "reaped", "fail": "failed", "long": "timed_out"}[job.end]
    if waited:
        if state != ended:
            return f"{state}-not-{ended}"
        return None if seen_by == "playbook" else f"{state}-seen-by-{seen_by}"
    if seen_by == "playbook":
        return f"{state}-seen-by-playbook"
    right = {"unreaped", "lost", *((ended,) if gate_reaps or ended != "reaped" else ())}
    return None if state in right else f"{state}-not-unreaped"


def _of_outcome(twin: Twin, report: dict[str, Any]) -> Iterator[Disagreement]:
    counted = Counter(job["state"] for job in report["jobs"])
    if any(report["summary"][state] != counted[state] for state in STATES):
        yield twin.disagree("summary", f"{report['summary']} but {dict(counted)}")
    alone, guarded = twin.alone.status, twin.guarded.status
    if twin.only_reports:
        return
    bad = [job for job in report["jobs"] if _fails(job, twin.options)]
    if bad and guarded == 0:
        yield twin.disagree("green-with-problems", str(bad[0]))
    if not bad and alone == 0 and guarded != 0:
        yield twin.disagree("fails-a-clean-run", f"{twin.guarded.our_failures} {twin.output[-600:]}")
    if alone != 0 and guarded == 0:
        yield twin.disagree("hides-a-failure", str(twin.alone.failures))


def _of_ledger(twin: Twin, report: dict[str, Any], outstanding: frozenset[str]) -> Iterator[Disagreement]:
    """The ledger must hold the jobs that nobody has answered for, and no other."""
    left = {
        job["jid"] for job in report["jobs"] if job["state"] == "unreaped" and job["last_seen"] in (None, "running")
    }
    settled = {job["jid"] for job in report["jobs"] if job["state"] in ("reaped", "failed", "timed_out", "detached")}
    for jid in sorted(left - outstanding):
        yield twin.disagree("ledger-forgets", jid)
    for jid in sorted(outstanding & settled):
        yield twin.disagree("ledger-keeps", jid)


def _fails(job: dict[str, Any], options: dict[str, str]) -> bool:
    """Whether a job in this state must fail the run."""
    if job["poll"] != 0:
        return False
    if job["state"] == "unreaped":
        return options["on_unreaped"] != "report"  # with `reap` one whose host has left before the gate could wait
    if job["swallowed"]:
        return options.get("on_swallowed") == "fail"
    bad = job["state"] in ("failed", "timed_out", "lost")
    return bad and job["seen_by"] != "playbook" and options.get("on_failed", "fail") == "fail"
