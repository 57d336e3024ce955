"""Whether a later play of the playbook may still reap a job, so that the gate of this play leaves the job to it.

A later play may mean a job unless the contrary can be proved. An error on this side only puts the answer off: the later
play has a gate too, and the end of the run has an exit status.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible import context

from ansible_reap.runtime.events.action_names import is_reap
from ansible_reap.runtime.events.ansible_objects import Play, Playbook, Task
from ansible_reap.runtime.events.plays import may_launch, tasks_in
from ansible_reap.runtime.events.results import register_name
from ansible_reap.runtime.gate.foreign import Effects, effects_of
from ansible_reap.runtime.gate.names_read import names_read
from ansible_reap.runtime.tracking.info import JobInfo


@dataclass(frozen=True, slots=True)
class Reaper:
    """A task of a play that waits for jobs.

    ``names`` are the variables that the id may come from; None: it may come from anywhere. ``own`` are those of them
    that a launch of the same play has registered before.
    """

    names: frozenset[str] | None
    own: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlayContents:
    """What a play holds, as far as reaping goes."""

    is_opaque: bool
    """A plugin that is not ansible-core's, or an include that cannot be read before it runs: it may do anything."""
    waits_for_its_hosts: bool
    """``reap.jobs.wait``, which takes all that is outstanding on the hosts of the play."""
    moves_hosts: bool
    """It may change which hosts a later play has: ``group_by``, ``add_host``, ``meta: refresh_inventory``."""
    reapers: tuple[Reaper, ...]
    launch_registers: frozenset[str]

    def may_reap(self, job: JobInfo, *, on_host: bool, launch_registers: frozenset[str]) -> bool:
        """``on_host`` says whether the job's host may be in the play.

        ``launch_registers`` are the names that launches of the playbook register: what stands there is a launch's.
        """
        if self.is_opaque or (self.waits_for_its_hosts and on_host):
            return True
        register = job.site.register
        for reaper in self.reapers:
            if reaper.names is None:
                return True
            if on_host and register in reaper.names:
                return True  # the play's own launch of that name may be skipped, and then this job's id stands there
            others = reaper.names - reaper.own
            # A task without register hands its job ids to no variable, but they can be found on the host.
            if others if register is not None else others - launch_registers:
                return True
        return False


class LaterPlays:
    """The plays of a playbook behind the one that runs, and the batches of that one which are still to come."""

    def __init__(self, playbook: Playbook | None = None) -> None:
        self._plays: list[Play] = list(playbook.get_plays()) if playbook is not None else []
        self._index = -1
        self._surveys: dict[int, PlayContents] = {}
        self._hosts: dict[int, frozenset[str] | None] = {}
        self._answers: dict[tuple[str | None, str], bool] = {}
        self._done: set[str] = set()
        """Hosts of the batches of the running play that have begun, this one included."""

    def enter(self, play: Play) -> None:
        """The play has started; under ``serial`` once for each batch."""
        uuid = play._uuid  # noqa: SLF001 - a copy of a play is told by nothing else
        index = next((i for i, known in enumerate(self._plays) if known._uuid == uuid), self._index)  # noqa: SLF001
        if index != self._index:
            self._done.clear()
        self._index = index
        if play.serial:
            self._done |= _hosts(play, of_batch=True) or frozenset()
        self._hosts.clear()
        self._answers.clear()

    @property
    def is_last(self) -> bool:
        return self._index >= len(self._plays) - 1

    def may_reap(self, job: JobInfo) -> bool:
        """A later play, or a later batch of this one, has a task that may wait for the job."""
        key = (job.site.register, job.host)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._batches_may_reap(job) or self._plays_may_reap(job)
        return answer

    def other_hosts_may_reap(self, job: JobInfo) -> bool:
        """The play that runs has a task with which another host may wait for the job."""
        return self._play_may_reap(self._index, job, on_host=False)

    def _batches_may_reap(self, job: JobInfo) -> bool:
        if not 0 <= self._index < len(self._plays) or not self._plays[self._index].serial:
            return False
        hosts = self._hosts_of(self._index)
        are_left = hosts is None or bool(hosts - self._done)
        return are_left and self._play_may_reap(self._index, job, on_host=False)

    def _plays_may_reap(self, job: JobInfo) -> bool:
        moved = self._survey(self._index).moves_hosts if self._index >= 0 else False
        for index in range(self._index + 1, len(self._plays)):
            hosts = None if moved else self._hosts_of(index)
            if self._play_may_reap(index, job, on_host=hosts is None or job.host in hosts):
                return True
            moved = moved or self._survey(index).moves_hosts
        return False

    def _play_may_reap(self, index: int, job: JobInfo, *, on_host: bool) -> bool:
        known = frozenset(name for other in range(len(self._plays)) for name in self._survey(other).launch_registers)
        return self._survey(index).may_reap(job, on_host=on_host, launch_registers=known)

    def _survey(self, index: int) -> PlayContents:
        if index not in self._surveys:
            self._surveys[index] = survey(self._plays[index])
        return self._surveys[index]

    def _hosts_of(self, index: int) -> frozenset[str] | None:
        if index not in self._hosts:
            self._hosts[index] = _hosts(self._plays[index])
        return self._hosts[index]


def survey(play: Play) -> PlayContents:
    """Read a play that has not started."""
    tasks = list(tasks_in([*play.compile(), *play.compile_roles_handlers(), *play.handlers]))
    basedir = Path(str(play.get_loader().get_basedir()))
    effects = [effects_of(task, basedir) for task in tasks]
    reapers, registers = _reapers(tasks)
    return PlayContents(
        is_opaque=Effects.ANYTHING in effects,
        waits_for_its_hosts=Effects.WAITS in effects,
        moves_hosts=bool({Effects.ANYTHING, Effects.MOVES_HOSTS} & set(effects)),
        reapers=reapers,
        launch_registers=registers,
    )


def _reapers(tasks: Iterable[Task]) -> tuple[tuple[Reaper, ...], frozenset[str]]:
    """The waiting tasks, and the names that launches register, in the order in which they run."""
    registers: set[str] = set()
    reapers = []
    may_be_left_out = _some_tags_are_left_out()
    for task in tasks:
        name = register_name(task)
        if may_launch(task):
            registers |= {name} if name is not None else set()
        elif is_reap(task.action):
            names = names_read(task)
            own = frozenset() if may_be_left_out or names is None else names & registers
            reapers.append(Reaper(names, own))
    return tuple(reapers), frozenset(registers)


def _some_tags_are_left_out() -> bool:
    """A task left out for its tags overwrites no variable; one whose ``when`` is false does."""
    chosen, skipped = context.CLIARGS.get("tags") or (), context.CLIARGS.get("skip_tags") or ()
    return set(chosen) > {"all"} or (bool(chosen) and "all" not in chosen) or bool(skipped)


def _hosts(play: Play, *, of_batch: bool = False) -> frozenset[str] | None:
    """The hosts of a play by the inventory as it stands; None where its pattern cannot be worked out yet.

    Under ``serial`` the inventory is restricted to the batch that runs; ``of_batch`` asks for those alone.
    """
    inventory = getattr(play.get_variable_manager(), "_inventory", None)
    pattern = play.hosts
    if inventory is None or any("{{" in str(part) for part in (pattern if isinstance(pattern, list) else [pattern])):
        return None
    try:
        return frozenset(host.name for host in inventory.get_hosts(pattern, ignore_restrictions=not of_batch))
    except Exception:  # noqa: BLE001 - a pattern that Ansible itself will complain of in its turn
        return None
