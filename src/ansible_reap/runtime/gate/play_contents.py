"""What a play holds that has not started: which of its tasks may wait for jobs, and which may do anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ansible import context

from ansible_reap.records import dataclass
from ansible_reap.runtime.events.action_names import is_reap
from ansible_reap.runtime.events.ansible_objects import Play, Task
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


def contents_of(play: Play) -> PlayContents:
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
