"""Jobs of other runs that a launch would start a second time on the same host.

The ledgers name them, and one look tells whether they still run. Both are done in the process that runs the play, when
Ansible has made the launch's worker and has not started it yet. The whole play waits meanwhile, so nothing is looked at
unless a ledger names such a job.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ansible.plugins.loader import action_loader
from ansible.plugins.strategy import StrategyBase
from ansible.template import Templar

from ansible_reap.ansible_cfg import resolve_path
from ansible_reap.records import dataclass
from ansible_reap.runtime.events.ansible_objects import Host, Task
from ansible_reap.runtime.events.as_data import as_data
from ansible_reap.runtime.events.callers import variable_of_caller
from ansible_reap.runtime.ledger.leftovers import claim
from ansible_reap.runtime.ledger.reader import RunLedger
from ansible_reap.runtime.ledger.watch import LedgerWatch
from ansible_reap.runtime.ledger.writer import default_folder, file_stem
from ansible_reap.runtime.policy.options import OnRunningTwin, Options
from ansible_reap.runtime.remote.bounded import BoundedHost, bounded_by
from ansible_reap.runtime.remote.progress import say
from ansible_reap.runtime.remote.reach import Reach
from ansible_reap.runtime.remote.waiting import JobHost, NoAnswerError, Terms, Waited, wait_for
from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite
from ansible_reap.runtime.tracking.launch_names import LaunchNames
from ansible_reap.runtime.tracking.phases import Source
from ansible_reap.runtime.tracking.tracker import Listener
from ansible_reap.wording import duration

_FAR = 12
"""Calls between Ansible's making of a worker and us, at most."""
_LONGEST_LOOK = 30.0
"""Seconds for which one host is asked about one way to its jobs."""
_FRESH = 1.0
"""Seconds for which what was read of the ledgers holds."""
_PLAIN = ("async_val", "poll", "until", "retries", "delay", "failed_when", "changed_when", "no_log")
"""Keywords that a task has no use for that only fails."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A job of another run that may still be running; ``error`` says why the look at it could not tell."""

    run: str
    job: JobInfo
    error: str | None = None

    def text(self, now: float) -> str:
        """Which job, since when, in one line."""
        job = self.job
        state = "may still be running" if self.error else "is still running"
        why = f" ({fit(self.error)})" if self.error else ""
        return (
            f"'{shown(job.task)}' at {fit(job.site.place)}: job {job.jid} of the run {fit(self.run)}, started "
            f"{duration(max(now - job.launched, 0.0))} ago with a limit of {duration(job.limit_s)}, {state}{why}"
        )


@dataclass(frozen=True, slots=True)
class RunAtHand:
    """The run that is about to launch."""

    name: str
    base: str
    """The root of its project."""
    core: tuple[int, ...]
    warn: Callable[[str], None]


class Twins(Listener):
    """Looks for twins before each launch, and does what ``on_running_twin`` says."""

    def __init__(self, run: RunAtHand, options: Options) -> None:
        """Raises OSError where there is no folder of ledgers."""
        self._run = run
        self._reaction = options.on_running_twin
        named = options.ledger_dir
        folder = resolve_path(named) if named else default_folder()
        self._silent: set[str] = set()
        """Hosts that are not asked again."""
        self._watch = LedgerWatch(
            folder, lambda text: run.warn(f"async_reaper: {text}."), leave_out=file_stem(run.name)
        )
        self._read = -_FRESH
        self._ledgers: list[RunLedger] = []
        self._names = cache(lambda base: LaunchNames(Path(base)))
        self._found: dict[tuple[str, str, int], list[Twin]] = {}

    def before_launch(self, host: Host, task: Task, site: LaunchSite) -> bool:
        """Called when the worker for the host is made; True where it will fail the host instead of launching."""
        name = host.get_name()
        candidates = list(self._candidates(name, site))
        key = (name, site.path, site.line)
        self._found.pop(key, None)
        worker: Any = variable_of_caller(StrategyBase, "worker_prc", _FAR) if candidates else None
        if worker is None:
            return False
        twins = self._still_running(candidates, name, worker)
        if not twins:
            return False
        if self._reaction is OnRunningTwin.FAIL:
            told = "; ".join(twin.text(time.time()) for twin in twins)
            _fail_instead(worker, f"Not started, for an earlier run has started it here: {told}.")
            return True
        if self._reaction is OnRunningTwin.WAIT:
            for twin in twins:
                say(name, f"waits for an earlier run's job: {twin.text(time.time())}")
            self._look([twin.job for twin in twins], name, worker, wait=True)
            return False
        self._found[key] = twins
        return False

    def launched(self, job: JobInfo) -> None:
        """Only now is it certain that the task was not skipped, and for which item of a loop it runs."""
        for twin in self._found.get((job.host, job.path, job.line), ()):
            if twin.job.item == job.item:
                self._run.warn(f"async_reaper: [{fit(job.host)}] started twice: {twin.text(time.time())}.")

    def _candidates(self, host: str, site: LaunchSite) -> Iterable[tuple[RunLedger, JobInfo]]:
        """The jobs of the launch on the host that ledgers have open and whose time is not up."""
        now = time.time()
        for ledger in self._others():
            for job in ledger.launches:
                known = claim(job)
                if (
                    job.host == host
                    and now < known.deadline(ledger.run.core)
                    and self._is_same_launch(ledger, job, site)
                ):
                    yield ledger, known

    def _others(self) -> list[RunLedger]:
        now = time.monotonic()
        if now - self._read >= _FRESH:
            self._read = now
            try:
                self._ledgers = self._watch.read()
            except OSError:
                self._ledgers = []  # the run's own ledger has the same trouble, and tells of it
        return self._ledgers

    def _is_same_launch(self, ledger: RunLedger, job: JobInfo, site: LaunchSite) -> bool:
        """Whether both come of one task of one project.

        Two folders hold the same project where both are clones of one repository; that they bear one name says nothing.
        """
        here, there = self._run.base, ledger.run.base
        if not there:
            return False
        mine, theirs = self._names(here), self._names(there)
        is_one_project = here == there or (mine.project == theirs.project and "/" in mine.project)
        return is_one_project and mine.of(site) == theirs.of(job)

    def _still_running(self, candidates: Sequence[tuple[RunLedger, JobInfo]], host: str, worker: Any) -> list[Twin]:
        looks = self._look([job for _, job in candidates], host, worker, wait=False)
        return [
            Twin(ledger.run.run, job, look.error)
            for (ledger, job), look in zip(candidates, looks, strict=True)
            if not look.has_ended
        ]

    def _look(self, jobs: Sequence[JobInfo], host: str, worker: Any, *, wait: bool) -> Sequence[Waited]:
        terms = Terms(self._run.core, wait=wait, cleanup=False, source=Source.LOOK)
        reach = Reach(_action(worker), worker._task_vars, host)  # noqa: SLF001 - what Ansible has given its worker
        bounded: JobHost = bounded_by(terms, reach) if wait else BoundedHost(reach, _LONGEST_LOOK, ask_again=False)
        began = time.monotonic()
        if host in self._silent:
            bounded = _NotAsked()
        found = wait_for(jobs, bounded, terms, lambda text: say(host, text))
        if time.monotonic() - began >= _LONGEST_LOOK and not wait:
            self._silent.add(host)  # the whole play has waited
        return found


class _NotAsked:
    """In the place of a host that is not asked again."""

    def status(self, job: JobInfo) -> Mapping[str, object]:
        del job
        raise NoAnswerError("not looked at, for the host took too long before")

    def ended_ago(self, job: JobInfo) -> float | None:
        """Nothing is known of it."""

    def cleanup(self, job: JobInfo) -> None:
        """Nothing is removed."""


def _action(worker: Any) -> Any:
    """An action as the worker would have it, to look at jobs with."""
    return action_loader.get(
        "ansible.legacy.normal",
        task=worker._task.copy(),  # noqa: SLF001 - as in _look, and all that follows
        connection=None,
        play_context=worker._play_context.copy(),  # noqa: SLF001
        loader=worker._loader,  # noqa: SLF001
        templar=Templar(loader=worker._loader, variables=worker._task_vars),  # noqa: SLF001
        shared_loader_obj=worker._shared_loader_obj,  # noqa: SLF001
    )


def _fail_instead(worker: Any, message: str) -> None:
    """Give the worker, which has not started yet, a task in the place of the launch that fails with the message.

    ``when``, loop, ``rescue`` and ``ignore_errors`` stay as they are: a launch that would be skipped is.
    """
    task = worker._task.copy()  # noqa: SLF001
    task.action, task.args = "ansible.builtin.fail", as_data({"msg": message})
    for name in _PLAIN:
        default = task.fattributes[name].default
        setattr(task, name, default() if callable(default) else default)
    worker._task = task  # noqa: SLF001


def twins_for(run: RunAtHand, options: Options) -> Twins | None:
    """What looks for twins in this run; None where nobody wants to hear of any, or there are no ledgers."""
    if options.on_running_twin is OnRunningTwin.IGNORE:
        return None
    try:
        return Twins(run, options)
    except OSError:
        return None  # without a home folder; the run has been told
