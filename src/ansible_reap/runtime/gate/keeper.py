"""Which jobs the gate handles, and what it does about them on each host."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.plays import may_start_jobs, tasks_in
from ansible_reap.runtime.gate.later_plays import LaterPlays
from ansible_reap.runtime.policy.options import GatePlace, OnUnreaped, Options
from ansible_reap.runtime.tracking.faults import note

# A run in which nothing is launched has a keeper too: what only a gate or a job needs is imported where it is needed.
if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import BlockLike, Host, Play, Playbook, Task
    from ansible_reap.runtime.gate.blocks import Gate
    from ansible_reap.runtime.remote.mailbox import Mailbox
    from ansible_reap.runtime.tracking.info import JobInfo
    from ansible_reap.runtime.tracking.tracker import JobRecord, Tracker


class Gatekeeper:
    """Puts a gate at the end of each play that may need one, and answers for the hosts that come to it."""

    def __init__(self, options: Options, core: tuple[int, ...], guard: Callable[..., Any]) -> None:
        """``guard`` calls a function and keeps what it raises away from the run; it returns None then."""
        self.answered: set[str] = set()
        """The ids of the jobs for which a host has been failed."""
        self.before_entry: Callable[[Host], None] = lambda host: None
        """Called when a host comes to the gate, before it is told of its jobs."""
        self.expected: Callable[[JobInfo, float], str] = lambda _job, _age: ""
        """When a job of an age (seconds) is expected to end, in words; empty where nothing tells."""
        self._tracker: Tracker | None = None
        self.mailbox: Mailbox
        """Where the gate's action, which runs in workers, leaves what it has seen."""
        self._options = options
        self.core = core
        self._guard = guard
        self._waits = options.on_unreaped is OnUnreaped.REAP
        self._looks = options.look or self._waits
        self.clean_secrets = options.clean_secrets
        self._later = LaterPlays()
        self._play: Play
        self._gate: Gate | None = None
        self._needing: dict[str, dict[str, JobRecord]] = {}
        """The jobs that the gate handles, by host and id."""
        self._waited: dict[str, dict[str, JobRecord]] = {}
        """The jobs that the gate has waited for and whose status files it has yet to remove, by host and id."""
        self._hidden = False
        """A hidden launch may have left jobs that are not known yet."""

    def watch(self, tracker: Tracker, mailbox: Mailbox) -> None:
        """The run may have jobs from now on."""
        self._tracker, self.mailbox = tracker, mailbox

    def playbook_start(self, playbook: Playbook) -> None:
        """A playbook starts; its plays are those that may still reap."""
        self._later = LaterPlays(playbook)

    def play_start(self, play: Play) -> None:
        """A play, or a batch of it, starts: put a gate at its end where it may need one."""
        self._play = play
        self._gate = None
        self._later.enter(play)
        for job in self._tracker or ():
            self.file(job)
        if self._options.gate is not GatePlace.RUN or self._later.is_last:
            _append(play, lambda blocks: self._guard(self._make_gate, blocks))

    def _make_gate(self, blocks: list[BlockLike]) -> Gate | None:
        """The gate, where the play's own tasks could start jobs or earlier plays have left some."""
        if not self._needing and not may_start_jobs(tasks_in([*blocks, *self._play.handlers])):
            return None
        from ansible_reap.runtime.gate.blocks import Gate  # noqa: PLC0415 - see the top
        from ansible_reap.runtime.gate.hold import hold_back  # noqa: PLC0415 - see the top

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
        if not (job.wants_look or leaves_secret or self._is_to_fail(job)):
            return False
        return self._options.gate is not GatePlace.AUTO or not self._later.may_reap(job.info)

    def _is_to_fail(self, job: JobRecord) -> bool:
        from ansible_reap.runtime.policy.consequence import Consequence, judge  # noqa: PLC0415 - see the top

        return judge(job, self._options) is Consequence.FAILS

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
            from ansible_reap.runtime.gate.looking import set_errands  # noqa: PLC0415 - see the top

            set_errands(self)
        self._gate.tell(name, self._message(name))
        self._gate.enter(host, look=looks, clean=cleans and not looks, fail=not looks and bool(self._failing(name)))

    def _failing(self, host: str) -> list[JobRecord]:
        return [job for job in list(self._needing.get(host, {}).values()) if self._is_to_fail(job)]

    def _message(self, host: str) -> str:
        from ansible_reap.runtime.tracking import clock  # noqa: PLC0415 - see the top
        from ansible_reap.runtime.tracking.wording import failure_message  # noqa: PLC0415 - see the top

        failing = self._failing(host)
        return failure_message(failing, clock.now()) if failing else ""

    def result(self, task: Task, host: Host, *, is_item: bool) -> None:
        """One of the gate's own tasks has a result, good or bad."""
        if self._gate is None or self._tracker is None:
            return
        name = host.get_name()
        if not self._gate.is_look(task):
            for job in self._failing(name):
                self.answered.add(job.info.jid)
                self._tracker.answer(job.info.jid)
            return
        from ansible_reap.runtime.remote.mailbox import Look  # noqa: PLC0415 - see the top
        from ansible_reap.runtime.remote.own_tasks import tell  # noqa: PLC0415 - see the top

        looks = self.mailbox.take(name, results.identity(task))
        if looks is None:
            looks = [Look(job, error="the look itself has failed") for job in self.jobs_to_look_at(name)]
        is_clean_up = self._gate.is_clean_up(task)
        if is_clean_up:
            self._waited.pop(name, None)
        for job in tell(self._tracker, looks):
            self.file(job)
            if self._waits and not is_clean_up and job.has_file:
                self._waited.setdefault(name, {})[job.info.jid] = job
        if not is_item:
            self._gate.tell(name, self._message(name))
            cleans = self._waits and not is_clean_up and bool(self.jobs_to_clean(name))
            self._gate.go_on(host, clean=cleans, fail=bool(self._failing(name)))

    def jobs_to_look_at(self, host: str) -> list[JobInfo]:
        """The jobs that the gate is about to look at on the host. Asked in a worker."""
        return [job.info for job in self._needing.get(host, {}).values() if job.wants_look] if self._looks else []

    def jobs_to_clean(self, host: str) -> list[JobInfo]:
        """The jobs of known end whose status files the gate is about to remove on the host. Asked in a worker."""
        found = dict(self._waited.get(host, {}))
        if self.clean_secrets:
            found.update((jid, job) for jid, job in self._needing.get(host, {}).items() if job.leaves_secret)
        return [job.info for job in found.values()]


def _append(play: Play, make_gate: Callable[[list[BlockLike]], Gate | None]) -> None:
    """Have the play compile to its own blocks and then the gate's. ``make_gate`` gets its own blocks; None: no gate."""
    compile_play = play.compile

    def compile_with_gate() -> list[BlockLike]:
        blocks = compile_play()
        try:
            gate = make_gate(blocks)
            if gate is None:
                return blocks
            handlers, with_gate = [*play.handlers, gate.handlers], [*blocks, gate.block]
        except Exception as error:  # noqa: BLE001 - a play without its gate; the end of the run still has a status
            note(error)
            return blocks
        play.handlers = handlers
        return with_gate

    play.compile = compile_with_gate
