"""Where the linter's verdict, the callback's report and what was observed do not agree."""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from referee.observation import Job, Observation
from referee.static import Checked

PROBLEMS = ("unreaped", "failed", "timed_out", "lost")


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

    def __str__(self) -> str:
        return f"[{self.half.value}] {self.kind} {self.subject}: {self.detail}"


@dataclass(frozen=True)
class Twin:
    """A run without our callback and the same run with it, and how our options were set."""

    alone: Observation
    guarded: Observation
    report: dict[str, Any] | None
    options: dict[str, str]
    setting: dict[str, bool]
    output: str


# ---- the linter


def of_verdicts(
    checked: Checked, labels: set[str], truths: Sequence[tuple[dict[str, bool], Observation]], *, exhaustive: bool
) -> Iterator[Disagreement]:
    """``truths`` are runs without our callback in which every job ends well, one a setting."""
    if checked.crash:
        yield Disagreement(Half.STATIC, "check-crashed", "", checked.crash)
        return
    for error in checked.errors:
        yield Disagreement(Half.STATIC, "check-error", "", error)
    for label in sorted(labels):
        yield from _of_verdict(checked, label, truths, exhaustive=exhaustive)


def _of_verdict(
    checked: Checked, label: str, truths: Sequence[tuple[dict[str, bool], Observation]], *, exhaustive: bool
) -> Iterator[Disagreement]:
    ran = [(setting, run, [job for job in run.jobs if job.label == label]) for setting, run in truths]
    ran = [(setting, run, jobs) for setting, run, jobs in ran if jobs]
    launch = checked.launches.get(label)
    if launch is None:
        if ran:
            yield Disagreement(Half.STATIC, "launch-not-listed", label, f"it started {len(ran[0][2])} jobs")
        return
    where = f"{launch.path}:{launch.line} is called {launch.verdict}"
    waited = [(setting, job) for setting, _, jobs in ran for job in jobs if job.waited]
    left = [
        (setting, job)
        for setting, run, jobs in ran
        if run.ordinary
        for job in jobs
        if not job.waited and job.end != "long"
    ]
    if launch.verdict == "reaped" and left:
        setting, job = left[0]
        yield Disagreement(
            Half.STATIC,
            "reaped-but-left",
            label,
            f"{where}, with {setting} nothing waits for its job {job.items} on {job.host}",
        )
    if launch.verdict == "unreaped" and waited:
        setting, job = waited[0]
        kind = "unreaped-but-waited" if left else "unreaped-but-always-waited"
        yield Disagreement(
            Half.STATIC, kind, label, f"{where}, with {setting} its job {job.items} on {job.host} is waited for"
        )
    if launch.verdict == "partial" and ran and exhaustive and all(run.ordinary for _, run, _ in ran):
        if not left:
            yield Disagreement(
                Half.STATIC, "partial-but-always-waited", label, f"{where}, {len(waited)} jobs are all waited for"
            )
        elif not waited:
            yield Disagreement(
                Half.STATIC, "partial-but-never-waited", label, f"{where}, none of {len(left)} jobs is waited for"
            )


# ---- the callback


def of_twin(twin: Twin, detached: set[str]) -> Iterator[Disagreement]:
    """What our callback did and said in a run, held against the same run without it."""
    alone, guarded = twin.alone, twin.guarded
    told = f"with {twin.setting} and {twin.options}"
    if alone.status is None or guarded.status is None:
        if alone.status is not guarded.status:
            yield Disagreement(
                Half.RUNTIME, "hangs", "", f"{told}: status {alone.status} alone, {guarded.status} guarded"
            )
        return
    for sign in ("Traceback (most recent call last)", "async_reaper:", "async_reaper callback"):
        if sign in twin.output and ("error of our own" in twin.output or sign.startswith("Traceback")):
            yield Disagreement(Half.RUNTIME, "own-error", "", f"{told}: {twin.output[-1500:]}")
            break
    if twin.report is None:
        if alone.recap is not None:
            yield Disagreement(Half.RUNTIME, "no-report", "", f"{told}: {twin.output[-800:]}")
        return
    yield from _of_course(twin, told)
    yield from _of_states(twin, told, detached)
    yield from _of_outcome(twin, told)


def _of_course(twin: Twin, told: str) -> Iterator[Disagreement]:
    if twin.options.get("on_unreaped") != "report":
        return
    if twin.alone.course != twin.guarded.course:
        less, more = twin.alone.course - twin.guarded.course, twin.guarded.course - twin.alone.course
        detail = f"{told}: only alone {_some(less)}, only guarded {_some(more)}"
        yield Disagreement(Half.RUNTIME, "other-course", "", detail)
    elif twin.alone.failed_hosts() != twin.guarded.failed_hosts():
        detail = f"{told}: {sorted(twin.alone.failed_hosts())} alone, {sorted(twin.guarded.failed_hosts())} guarded"
        yield Disagreement(Half.RUNTIME, "other-failed-hosts", "", detail)
    if twin.alone.status != twin.guarded.status:
        detail = f"{told}: status {twin.alone.status} alone, {twin.guarded.status} guarded; {twin.guarded.our_failures}"
        yield Disagreement(Half.RUNTIME, "other-status", "", detail)


def _some(course: Counter[tuple[str, str, str]]) -> str:
    return "; ".join(f"{' '.join(each)} x{count}" for each, count in sorted(course.items())[:5]) or "nothing"


def _of_states(twin: Twin, told: str, detached: set[str]) -> Iterator[Disagreement]:
    assert twin.report
    states = {job["jid"]: job for job in twin.report["jobs"]}
    seen = {job.jid: job for job in twin.guarded.jobs}
    for jid in sorted(set(seen) - set(states)):
        yield Disagreement(Half.RUNTIME, "job-not-reported", seen[jid].label, f"{told}: {seen[jid]}")
    for jid in sorted(set(states) - set(seen)):
        yield Disagreement(Half.RUNTIME, "job-never-was", "", f"{told}: {states[jid]}")
    truth: defaultdict[tuple[str, str, tuple[str, ...]], Counter[bool]] = defaultdict(Counter)
    for job in twin.alone.jobs:
        truth[job.key][job.waited] += 1
    for jid, job in seen.items():
        waited = truth[job.key]
        if jid not in states or job.label in detached or len(waited) != 1:
            continue
        if twin.options.get("on_unreaped") != "report" and twin.guarded.our_failures:
            continue
        wrong = _wrong_state(states[jid], job, waited=waited[True] > 0, options=twin.options)
        if wrong:
            yield Disagreement(
                Half.RUNTIME,
                f"state-{wrong}",
                job.label,
                f"{told}: {states[jid]} but observed {job}, waited {dict(waited)}",
            )


def _wrong_state(reported: dict[str, Any], job: Job, *, waited: bool, options: dict[str, str]) -> str | None:
    """What is wrong with the state that a job is reported in, or None."""
    state, seen_by = reported["state"], reported["seen_by"]
    badly = {"ok": "reaped", "fail": "failed", "long": "timed_out"}[job.end]
    if waited:
        if state != badly:
            return f"{state}-not-{badly}"
        return None if seen_by == "playbook" else f"{state}-seen-by-{seen_by}"
    if options.get("on_unreaped") == "reap":
        return (
            None
            if state in (badly, "unreaped", "lost") and seen_by != "playbook"
            else f"{state}-by-{seen_by}-not-by-gate"
        )
    right = {"unreaped", "lost"} if job.end == "ok" else {"unreaped", "lost", badly}
    if state not in right:
        return f"{state}-not-unreaped"
    return "seen-by-playbook" if seen_by == "playbook" else None


def _of_outcome(twin: Twin, told: str) -> Iterator[Disagreement]:
    assert twin.report
    jobs = twin.report["jobs"]
    outstanding = [job for job in jobs if job["state"] == "unreaped"]
    unseen = [job for job in jobs if job["state"] in ("failed", "timed_out", "lost") and job["seen_by"] != "playbook"]
    summary = Counter(job["state"] for job in jobs)
    for state in ("reaped", *PROBLEMS, "detached"):
        if twin.report["summary"].get(state, 0) != summary[state] and all(job["poll"] == 0 for job in jobs):
            yield Disagreement(Half.RUNTIME, "summary", "", f"{told}: {twin.report['summary']} but {dict(summary)}")
            break
    if twin.options.get("on_unreaped") == "report":
        return
    bad = [
        *(outstanding if twin.options.get("on_unreaped") == "fail" else []),
        *[job for job in unseen if not job["swallowed"]],
    ]
    if bad and twin.guarded.status == 0:
        yield Disagreement(Half.RUNTIME, "green-with-problems", "", f"{told}: {bad[0]}")
    if not bad and twin.alone.status == 0 and twin.guarded.status != 0:
        yield Disagreement(
            Half.RUNTIME, "fails-a-clean-run", "", f"{told}: {twin.guarded.our_failures} {twin.output[-600:]}"
        )
    if twin.alone.status != 0 and twin.guarded.status == 0:
        yield Disagreement(Half.RUNTIME, "hides-a-failure", "", f"{told}: {twin.alone.failures}")
