"""Which jobs the gate handles, and what it does about them on each host."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.ansible_objects import Host, Play, Playbook, Task
from ansible_reap.runtime.events.as_data import as_data
from ansible_reap.runtime.events.plays import may_start_jobs, tasks_in
from ansible_reap.runtime.gate.blocks import LOOK_ACTION, VARIABLE, Gate, append
from ansible_reap.runtime.gate.hold import hold_back
from ansible_reap.runtime.gate.later_plays import LaterPlays
from ansible_reap.runtime.policy.consequence import Consequence, judge
from ansible_reap.runtime.policy.options import GatePlace, OnUnreaped, Options
from ansible_reap.runtime.remote.mailbox import Look, Mailbox
from ansible_reap.runtime.remote.own_tasks import tell
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.tracker import JobRecord, Tracker


class Gatekeeper:
    """Puts a gate at the end of each play that may need one, and answers for the hosts that come to it."""

    def __init__(
        self, tracker: Tracker, options: Options, core: tuple[int, ...], guard: Callable[..., Any], mailbox: Mailbox
    ) -> None:
        """Keep the gates of a run.

        ``mailbox`` is where the gate's action, which runs in workers, leaves what it has seen. ``guard`` calls a
        function and keeps what it raises away from the run; it returns None then.
        """
        self.answered: set[str] = set()
        """The ids of the jobs for which a host has been failed."""
        self.before_entry: Callable[[Host], None] = lambda host: None
        """Called when a host comes to the gate, before it is told of its jobs."""
        self.expected: Callable[[JobInfo, float], str] = lambda _job, _age: ""
        """When a job of an age (seconds) is expected to end, in words; empty where nothing tells."""
        self._tracker = tracker
        self._options = options
        self.core = core
        self.mailbox = mailbox
        self._guard = guard
        self._waits = options.on_unreaped is OnUnreaped.REAP
        self._looks = options.look or self._waits
        self.clean_secrets = options.clean_secrets
        self._later = LaterPlays()
        self._play: Play
        self._gate: Gate | None = None
        self._needing: dict[str, dict[str, JobRecord]] = {}
        """The jobs that the gate handles, by host and id."""
        self._hidden = False
        """A hidden launch may have left jobs that are not known yet."""

    def playbook_start(self, playbook: Playbook) -> None:
        """A playbook starts; its plays are those that may still reap."""
        self._later = LaterPlays(playbook)

    def play_start(self, play: Play) -> None:
        """A play, or a batch of it, starts: put a gate at its end where it may need one."""
        self._play = play
        self._gate = None
        self._later.enter(play)
        for job in self._tracker:
            self.file(job)
        if self._options.gate is not GatePlace.RUN or self._later.is_last:
            append(play, lambda blocks: self._guard(self._make_gate, blocks))

    def _make_gate(self, blocks: list[Any]) -> Gate | None:
        """The gate, where the play's own tasks could start jobs or earlier plays have left some."""
        if not self._needing and not may_start_jobs(tasks_in([*blocks, *self._play.handlers])):
            return None
        self._gate = Gate(
            self._play,
            lambda host: self._guard(self._enter, host),
            look=self._looks,
            wait=self._waits,
            clean=self.clean_secrets,
        )
        self._arm()
        hold_back(self._play, self._gate.is_entrance, lambda host: bool(self._guard(self._others_may_reap, host)))
        return self._gate

    def _others_may_reap(self, host: str) -> bool:
        """Another host of the play may yet wait for one of the host's jobs."""
        return any(self._later.other_hosts_may_reap(job.info) for job in self._needing.get(host, {}).values())

    def owns(self, task: Task) -> bool:
        """Whether the task is one of the gate's own."""
        return self._gate is not None and self._gate.owns(task)

    def file(self, job: JobRecord) -> None:
        """Note whether the gate has to handle the job as it stands now."""
        host, jid = job.info.host, job.info.jid
        if self._needs_gate(job):
            self._needing.setdefault(host, {})[jid] = job
        elif jid in self._needing.get(host, ()):
            del self._needing[host][jid]
            if not self._needing[host]:
                del self._needing[host]
        self._arm()

    def expect_hidden(self, expected: bool) -> None:
        """A hidden launch has been made, whose jobs are known only later."""
        self._hidden = expected
        self._arm()

    def _arm(self) -> None:
        if self._gate is not None:
            self._gate.arm(bool(self._needing) or self._hidden)

    def _needs_gate(self, job: JobRecord) -> bool:
        """There is something to find out about the job, or to fail for."""
        if job.info.poll > 0 or self._options.ignores(job.info) or job.info.jid in self.answered:
            return False
        leaves_secret = self.clean_secrets and job.leaves_secret
        if not (job.wants_look or leaves_secret or judge(job, self._options) is Consequence.FAILS):
            return False
        return self._options.gate is not GatePlace.AUTO or not self._later.may_reap(job.info)

    def _enter(self, host: Host) -> None:
        """A host has reached the gate: tell it of its jobs."""
        if self._gate is None:
            return
        self._gate.silence_others(host)
        self.before_entry(host)
        name = host.get_name()
        jobs = list(self._needing.get(name, {}).values())
        if not jobs:
            return
        looks, cleans = bool(self.jobs_to_look_at(name)), bool(self.jobs_to_clean(name))
        if looks or cleans:
            from ansible_reap.runtime.gate.looking import set_errands  # noqa: PLC0415 - only a run with jobs needs it

            set_errands(self)
        self._tell(name, self._message(name))
        self._gate.enter(host, look=looks, clean=cleans and not looks, fail=not looks and bool(self._failing(name)))

    def _tell(self, host: str, message: str) -> None:
        self._play.get_variable_manager().set_nonpersistent_facts(host, {VARIABLE: as_data({"message": message})})

    def _failing(self, host: str) -> list[JobRecord]:
        return [
            job for job in list(self._needing.get(host, {}).values()) if judge(job, self._options) is Consequence.FAILS
        ]

    def _message(self, host: str) -> str:
        from ansible_reap.runtime.tracking.wording import failure_message  # noqa: PLC0415 - only a run with jobs needs it

        failing = self._failing(host)
        return failure_message(failing, time.time()) if failing else ""

    def result(self, task: Task, host: Host, *, is_item: bool) -> None:
        """One of the gate's own tasks has a result, good or bad."""
        name = host.get_name()
        if task.action != LOOK_ACTION:
            self.answered.update(job.info.jid for job in self._failing(name))
            return
        looks = self.mailbox.take(name, results.identity(task))
        if looks is None:
            looks = [Look(job, error="the look itself has failed") for job in self.jobs_to_look_at(name)]
        for job in tell(self._tracker, looks):
            self.file(job)
        if not is_item and self._gate is not None:
            self._tell(name, self._message(name))
            self._gate.set_fail(host, bool(self._failing(name)))

    def jobs_to_look_at(self, host: str) -> list[JobInfo]:
        """The jobs that the gate is about to look at on the host. Asked in a worker."""
        return [job.info for job in self._needing.get(host, {}).values() if job.wants_look] if self._looks else []

    def jobs_to_clean(self, host: str) -> list[JobInfo]:
        """The jobs of known end whose status files the gate is about to remove on the host. Asked in a worker."""
        if not self.clean_secrets:
            return []
        return [job.info for job in self._needing.get(host, {}).values() if job.leaves_secret]
