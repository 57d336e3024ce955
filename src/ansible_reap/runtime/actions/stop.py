"""What the task of ``reap.jobs.stop`` does on one host: find the jobs, and send the module of that name there."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, TypeGuard

from ansible.errors import AnsibleActionFail

from ansible_reap.jobs import JobState
from ansible_reap.records import dataclass
from ansible_reap.runtime.actions.handed_on import handed_on, machine_of
from ansible_reap.runtime.actions.ledgers import ledgers_for
from ansible_reap.runtime.actions.this_task import access_of, as_ours, is_in_check_mode, place_of, tell_run
from ansible_reap.runtime.entry import current
from ansible_reap.runtime.events.ansible_objects import Action, Values, Variables
from ansible_reap.runtime.events.callers import host_of_worker
from ansible_reap.runtime.ledger.leftovers import JOB_ID, close_jobs, leftovers, machine
from ansible_reap.runtime.ledger.reader import RunLedger
from ansible_reap.runtime.remote.bounded import PATIENCE, within
from ansible_reap.runtime.remote.mailbox import Look
from ansible_reap.runtime.remote.progress import say
from ansible_reap.runtime.remote.reach import Reach
from ansible_reap.runtime.remote.waiting import HIDDEN_ANSWER, HostSaidError, NoAnswerError, told
from ansible_reap.runtime.session import Session
from ansible_reap.runtime.tracking import clock
from ansible_reap.runtime.tracking.as_json import entry
from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.info import Access, JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import Sight, Source
from ansible_reap.runtime.tracking.tracker import JobRecord, ReapTask, Sighting, Tracker

ARGUMENTS: dict[str, dict[str, object]] = {
    "jid": {"type": "list", "elements": "str"},
    "tasks": {"type": "list", "elements": "str"},
    "run": {"type": "str"},
    "live": {"type": "bool", "default": True},
    "grace": {"type": "float", "default": 10},
    "ledger_dir": {"type": "path"},
}
MESSAGE = "Stopped by reap.jobs.stop"
LARGEST_PID = 2**31
MOST_FOR_A_JOB = 15.0
"""Seconds that the module takes for one job at most, beside what all take together."""
MOST_PIDS = 100
"""Processes left alone that are named of a job at most."""


class StopOutcome(str, Enum):
    """What became of a job that was to be stopped."""

    STOPPED = "stopped"
    ALREADY_ENDED = "already_ended"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which jobs are meant: those that match all that is given. None means that nothing was said."""

    jids: tuple[str, ...] | None
    tasks: tuple[str, ...] | None
    run: str | None
    live: bool

    def takes(self, job: JobInfo, ledger: RunLedger) -> bool:
        """Whether the job of this ledger is meant."""
        return (self.live or not ledger.alive) and (self.run is None or ledger.run.run == self.run) and self._names(job)

    def takes_handed_on(self, job: JobInfo) -> bool:
        """Whether the job is meant, of which an artifact tells: its run is over, and is not named there."""
        return self.run is None and self._names(job)

    def unknown(
        self, known: Iterable[JobInfo], host: str, hosts: Container[str], machine_of: Callable[[str], str]
    ) -> list[str]:
        """The ids asked for that are to be looked for on the host although nothing known is there.

        ``hosts`` are those of the play: where the job is known to be on another of them that is the same machine, that
        one is meant. That the id is known on another machine is no reason not to look: that host may have named it to
        keep us from the job. Whoever chooses by task or run means known jobs only.
        """
        if self.jids is None or self.tasks is not None or self.run is not None:
            return []
        here = machine_of(host)
        meant = [job for job in known if job.jid in self.jids and (job.host == host or job.host in hosts)]
        there = {job.jid for job in meant if host == job.host or here == machine(job.host, job.access, machine_of)}
        return [jid for jid in self.jids if jid not in there]

    def _names(self, job: JobInfo) -> bool:
        return (self.jids is None or job.jid in self.jids) and (
            self.tasks is None or any(fnmatchcase(job.task, glob) for glob in self.tasks)
        )


@dataclass(frozen=True, slots=True)
class Stopped:
    """One job, and what the host said of it; no outcome where it could not be ended or asked."""

    job: JobInfo
    outcome: StopOutcome | None
    detail: str
    processes: int = 0
    left: tuple[int, ...] = ()

    def as_entry(self, reap: ReapTask, *, dry_run: bool) -> dict[str, Any]:
        """The job in the report's form, and the outcome."""
        record = self._record(reap, dry_run=dry_run)
        return {
            **entry(record),
            "outcome": None if self.outcome is None else self.outcome.value,
            "detail": self.detail,
            "processes": self.processes,
            "left": list(self.left),
        }

    def _record(self, reap: ReapTask, *, dry_run: bool) -> JobRecord:
        tracker = Tracker()
        record = tracker.launch(self.job)
        seen = self.sighting(reap)
        if seen is not None and not dry_run:
            tracker.see(self.job.jid, seen)
        return record

    def sighting(self, reap: ReapTask) -> Sighting | None:
        """What the tracker is to know of it; None where the job was not stopped by us."""
        if self.outcome is not StopOutcome.STOPPED:
            return None
        return Sighting(Source.PLAYBOOK, Sight.FAILED, clock.now(), msg=MESSAGE, reap=reap)

    def as_line(self, *, dry_run: bool) -> str:
        """The job and what became of it, on one line."""
        word = "not stopped" if self.outcome is None else self.outcome.value.replace("_", " ")
        if dry_run and self.outcome is StopOutcome.STOPPED:
            word = "would be stopped"
        name = f"'{shown(self.job.task)}' at {self.job.site.place}, " if self.job.task else ""
        left = f"; left alone: {', '.join(map(str, self.left))}" if self.left else ""
        return f"{name}job {self.job.jid}: {word}: {self.detail}{left}"


def stop(action: Action, arguments: Variables, task_vars: Variables) -> Values:
    """The task's result: ``jobs`` with the outcome of each; ``failed`` where any could not be ended.

    Raises:
        AnsibleActionFail: nothing says which jobs are meant, or the ledgers cannot be read.
    """
    choice = _choice(arguments)
    host = host_of_worker().get_name()
    dry_run = is_in_check_mode(action)
    warnings: list[str] = []
    ledgers = ledgers_for(arguments, warnings)
    session = current()
    jobs = [
        _as_launched(job, session)
        for ledger in ledgers
        for job in ledger.launches
        if job.host == host and choice.takes(job, ledger)
    ]
    left = leftovers(ledgers, host, lambda name: machine_of(name, action))
    handed = list(handed_on(action, left, task_vars, choice.takes_handed_on, warnings))
    others = frozenset(task_vars.get("ansible_play_hosts_all") or ())
    known = [*(job for ledger in ledgers for job in ledger.launches), *handed]
    jobs += handed
    unknown = choice.unknown(known, host, others, lambda name: machine_of(name, action))
    jobs += [_unknown(jid, host, action) for jid in unknown]

    reach = Reach(action, task_vars, host)
    done = [each for several in _by_access(jobs).values() for each in _end(several, reach, arguments["grace"], dry_run)]
    # Where the job is known on another host, nobody needs to hear that it is not here.
    elsewhere = {job.jid for job in known if job.host in others and job.host != host} & set(unknown)
    for each in [one for one in done if one.job.jid in elsewhere]:
        if each.outcome is None:
            warnings.append(f"job {each.job.jid} of another host was looked for here as well: {each.detail}")
        if each.outcome in (None, StopOutcome.NOT_FOUND):
            done.remove(each)
    ended = {each.job.jid: JobState.FAILED for each in done if each.outcome is StopOutcome.STOPPED}
    if not dry_run:
        close_jobs([ledger for ledger in ledgers if not ledger.alive], host, ended, warnings.append)
    lines = [each.as_line(dry_run=dry_run) for each in done]
    for line in lines:
        say(host, line)
    reap = place_of(action, host, None if session is None else session.base)
    if session is not None and not dry_run:
        looks = [Look(each.job, each.sighting(reap)) for each in done if each.outcome is StopOutcome.STOPPED]
        tell_run(session, action, host, looks)
    result: Values = {
        "changed": bool(ended),
        "jobs": [each.as_entry(reap, dry_run=dry_run) for each in done],
        "stopped": [] if dry_run else sorted(ended),
        "msg": "; ".join(lines) or "none of the chosen jobs is outstanding on this host",
        "warnings": as_ours(warnings),
    }
    if any(each.outcome is None for each in done):
        result["failed"] = True
    return result


def _as_launched(job: JobInfo, session: Session | None) -> JobInfo:
    """The job as this run knows it, if it has launched it: the ledger does not hold all of how it is reached."""
    known = session.tracker.get(job.jid) if session is not None else None
    return known.info if known is not None and known.info.host == job.host else job


def _choice(arguments: Variables) -> Choice:
    jids, tasks, run = (arguments[name] or None for name in ("jid", "tasks", "run"))
    if jids is None and tasks is None and run is None:
        raise AnsibleActionFail(
            "reap.jobs.stop: say which jobs to end, by jid, tasks or run; 'ansible-reap jobs --all' lists them, "
            "and tasks: ['*'] means all of them"
        )
    for jid in jids or ():
        if not JOB_ID.fullmatch(jid):
            raise AnsibleActionFail(f"reap.jobs.stop: {jid!r} is not a job id, as in j123456789.4711")
    return Choice(tuple(jids) if jids else None, tuple(tasks) if tasks else None, run, arguments["live"])


def _unknown(jid: str, host: str, action: Action) -> JobInfo:
    """A job that no ledger knows, to be looked for with the settings of the task itself."""
    access = access_of(action)
    site = LaunchSite(
        play="", task="", path="", line=0, role=None, register=None, limit_s=0, poll=0, no_log=False, access=access
    )
    return JobInfo(jid=jid, host=host, site=site, item=None, launched=time.time())


def _by_access(jobs: Iterable[JobInfo]) -> dict[tuple[Access, int], list[JobInfo]]:
    """The jobs by how they are reached: those of one account share a grace period."""
    found: dict[tuple[Access, int], list[JobInfo]] = {}
    for job in jobs:
        found.setdefault((job.access, id(job.route)), []).append(job)
    return found


def _end(jobs: Sequence[JobInfo], reach: Reach, grace: float, dry_run: bool) -> Iterator[Stopped]:
    """End jobs that are reached the same way."""
    access, route = jobs[0].access, jobs[0].route
    try:
        if reach.is_windows(access, route):
            raise NoAnswerError("on Windows the processes of a job cannot be told; end it there by hand")  # noqa: TRY301
        files = {job.jid: reach.status_path(job) for job in jobs}
        hidden = any(job.site.no_log for job in jobs)
        given = {"status_files": list(files.values()), "grace": grace, "dry_run": dry_run}
        # The module waits for a job that is just starting, one after another, and then for all to end.
        patience = PATIENCE + grace + MOST_FOR_A_JOB * len(jobs)
        answer = within(patience, lambda: reach.module(access, "reap.jobs.stop", given, route, no_log=hidden))
        if answer.get("failed"):
            raise HostSaidError(fit(str(answer.get("msg"))))
    except NoAnswerError as error:
        yield from (Stopped(job, None, told(error, job)) for job in jobs)
        return
    listed = answer.get("jobs")
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    answers = {str(each.get("jid")): each for each in entries}
    for job in jobs:
        yield _stopped(job, answers.get(job.jid) or {}, reach)


def _stopped(job: JobInfo, said: Variables, reach: Reach) -> Stopped:
    outcome, processes, left = said.get("outcome"), said.get("processes"), said.get("left")
    return Stopped(
        job=job,
        outcome=StopOutcome(outcome) if isinstance(outcome, str) and outcome in _OUTCOMES else None,
        detail=_detail(said.get("detail"), job, reach),
        # Under no_log numbers are words as well.
        processes=processes if _is_number(processes) and not job.site.no_log else 0,
        left=tuple(filter(_is_number, left[:MOST_PIDS] if isinstance(left, list) and not job.site.no_log else [])),
    )


def _detail(said: object, job: JobInfo, reach: Reach) -> str:
    if job.site.no_log:
        return HIDDEN_ANSWER
    return reach.without_secrets(said) if isinstance(said, str) and said else "the host said nothing of it"


def _is_number(value: object) -> TypeGuard[int]:
    """Pids and counts are below this on every system; a number of a thousand digits would be printed."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_PID


_OUTCOMES = frozenset(each.value for each in StopOutcome)
