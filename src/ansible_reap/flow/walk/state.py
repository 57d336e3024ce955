"""What the walk carries along: the frame that a task stands in, and what variables hold by now."""

from __future__ import annotations

import bisect
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, KeysView, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_reap.content.model import Place, names_of
from ansible_reap.content.roles import Role
from ansible_reap.flow.evaluation.formulas import Formula, conj
from ansible_reap.flow.evaluation.layers import Layer, Scope
from ansible_reap.flow.evaluation.values import Alt, Job, JobId, Map, Results, Seq, Unknown, Value, handles, taints
from ansible_reap.flow.walk.alterations import LastSet
from ansible_reap.flow.walk.hosts import PlayHosts
from ansible_reap.records import dataclass, field

INHERITED = (
    *("become", "become_user", "delegate_to", "run_once", "check_mode", "ignore_errors", "vars", "when"),
    *("any_errors_fatal", "connection", "environment", "no_log", "notify", "module_defaults", "strategy"),
    "collections",
)
"""Keywords of a play, block or include that its tasks take over (ansible-core 2.16 to 2.22).

The strategy is the play's own, and what its tasks do hangs on it.
"""
FREE = frozenset({"free", "host_pinned"})
"""Strategies of ansible-core 2.16 to 2.22 with which a task that has ``run_once`` runs on every host."""


class Frame(NamedTuple):
    """The surroundings of a task that are known before it runs. One per file and way in which it is reached.

    A named tuple, since the walk makes thousands of them that differ in one or two fields.
    """

    path: str
    via: tuple[str, ...]
    playbook: str | None = None
    play: Place | None = None
    hosts: str | None = None
    hosts_given: tuple[tuple[str, str], ...] = ()
    """What the play's own variables say of those in its hosts."""
    role: Role | None = None
    parents: tuple[str, ...] = ()
    """The roles around the role, the innermost first."""
    folders: tuple[str, ...] = ()
    """Where relative file names are looked up, innermost first."""
    params: tuple[Mapping[str, Any], ...] = ()
    """Variables of role entries and includes, innermost first; values are already evaluated."""
    blocks: tuple[Mapping[str, Any], ...] = ()
    """``vars:`` of the blocks around, innermost first."""
    loops: tuple[Mapping[str, Any], ...] = ()
    carried: frozenset[str] = frozenset()
    """The names among the parameters and loop variables whose value may hold a handle."""
    settings: tuple[tuple[Layer, Mapping[str, Any]], ...] = ()
    """Role vars, play vars, inventory and role defaults, highest first."""
    whens: tuple[Any, ...] = ()
    """Conditions that every task here inherits, as written."""
    asked: tuple[Any, ...] = ()
    """The conditions of the includes that led here, as written."""
    guard: Formula = True
    """Under what the includes that led here run."""
    at_work: tuple[tuple[int, Formula], ...] = ()
    """What these conditions say of jobs, by number, as long as every look finds them at work."""
    loops_around: tuple[Any, ...] = ()
    """The loops of these includes that may have no round, as ``empty_loops`` tells them."""
    keywords: Mapping[str, Any] = MappingProxyType({})
    """Inherited keywords: become, delegate_to and so on."""
    declared: tuple[Mapping[str, Any], ...] = ()
    """``vars:`` of tasks, blocks, includes, role entries and plays around: where a detachment may be declared."""
    tags: frozenset[str] = frozenset()
    """Those that tasks here inherit, as written."""
    is_handler: bool = False
    """Within a handler: its tags decide nothing (seen on ansible-core 2.16 and 2.22)."""
    failing_under: Formula | None = None
    """Under what the innermost block runs whose ``rescue`` takes up a failure, going on or not; None outside of any."""
    rescued_under: Formula | None = None
    """Under what the innermost block runs whose ``rescue`` takes up a failure and goes on; None outside of any."""
    is_passed_over: bool = False
    """Within such a block, and all that its ``rescue`` does is to tell of the failure."""
    is_caught: bool = False
    """Within the part of a block after whose failure its ``rescue`` or ``always`` is run."""
    may_break_off: bool = False
    """Within an include whose loop may end before its last item."""
    once: object = None
    """``run_once`` of the innermost include around that has it, as written: its tasks run on the first host alone."""
    depth: int = 0
    signature: int = 0
    """Tells apart the parameters and play variables that led here."""

    def scope(self, state: State, task_vars: Mapping[str, Any] | None) -> Scope:
        """The variables as a task here sees them."""
        layers: list[tuple[Layer, Mapping[str, Any]]] = [each for each in self.settings if each[0] is Layer.MAGIC]
        layers += [(Layer.LOOP, entries) for entries in self.loops]
        layers += [(Layer.PARAMS, entries) for entries in self.params]
        layers.append((Layer.FACTS, state.facts))
        if state.included:
            layers.append((Layer.INCLUDED, state.included))
        if task_vars:
            layers.append((Layer.TASK, task_vars))
        layers += [(Layer.TASK, entries) for entries in self.blocks]
        layers += [each for each in self.settings if each[0] is not Layer.MAGIC]
        return Scope(tuple(layers))

    @property
    def collections(self) -> tuple[str, ...]:
        """The collections in which short names are looked up first: the play's or the block's, in a role the role's."""
        return names_of(self.keywords.get("collections"))

    @property
    def is_rescued(self) -> bool:
        """Within a block whose ``rescue`` takes up a failure and goes on."""
        return self.rescued_under is not None

    @property
    def where(self) -> PlayHosts | None:
        """The play and its hosts; None outside of any play."""
        return PlayHosts(self.play, self.hosts, self.hosts_given) if self.play and self.hosts is not None else None

    @property
    def playbook_folder(self) -> str:
        """Where roles are looked up beside the playbook; without one, the file's own folder."""
        return posixpath.dirname(self.playbook or self.path)

    def under(self, guard: Formula) -> Frame:
        return self._replace(guard=conj(self.guard, guard))

    def with_params(self, params: Mapping[str, Any]) -> Frame:
        """The frame of what is called with these parameters."""
        if not params:
            return self
        return self._replace(params=(params, *self.params), carried=self.carried | bearing(params))

    def in_loop(self, names: Mapping[str, Any]) -> Frame:
        """The frame of one round of a loop, with its variables."""
        if not names:
            return self
        return self._replace(loops=(names, *self.loops), carried=self.carried | bearing(names))


def is_yes(written: object) -> bool:
    """Whether a switch is on, as written."""
    return written is True or str(written).strip().lower() in ("true", "yes", "on", "1")


def tags_of(keywords: Mapping[str, Any]) -> frozenset[str]:
    """The tags that a task, block, play or role entry bears."""
    written = keywords.get("tags")
    if written is None:
        return frozenset()
    parts = map(str, written) if isinstance(written, list) else str(written).split(",")
    return frozenset(tag.strip() for tag in parts if tag.strip())


def bearing(entries: Mapping[str, Any]) -> frozenset[str]:
    """The names whose value may hold a handle."""
    return frozenset(name for name, value in entries.items() if isinstance(value, _VALUES) and taints(value))


_VALUES = (Unknown, Job, JobId, Results, Seq, Map, Alt)
"""The kinds of values that may hold a handle."""


class Facts(dict[str, Value]):
    """Registers and facts. Knows which of them may hold a handle, and what each held before, without any copies."""

    def __init__(self) -> None:
        super().__init__()
        self._tainted: dict[str, frozenset[int]] = {}
        """The variables that may hold a handle or what comes of one, with the jobs whose handle itself they hold."""
        self._holders: Counter[int] = Counter()
        """By job, how many variables hold its handle."""
        self._set: list[str] = []
        """The names in the order in which they were set; a place in it is a point in time."""
        self._before: dict[str, list[tuple[int, Value | None]]] = {}
        """By name, when it was set and what it held until then."""

    def __setitem__(self, name: str, value: Value) -> None:
        held = self._tainted.get(name, frozenset())
        holds = handles(value) if taints(value) else None
        for number in held.difference(holds or ()):
            self._holders[number] -= 1
            if not self._holders[number]:
                del self._holders[number]
        self._holders.update((holds or frozenset()) - held)
        self._before.setdefault(name, []).append((self.now, self.get(name)))
        self._set.append(name)
        super().__setitem__(name, value)
        if holds is None:
            self._tainted.pop(name, None)
        else:
            self._tainted[name] = holds

    @property
    def now(self) -> int:
        """This point in time."""
        return len(self._set)

    def then(self, name: str, time: int) -> Value | None:
        """What a variable held at an earlier point in time; None where it was not there."""
        changes = self._before.get(name, ())
        at = bisect.bisect_left(changes, time, key=lambda change: change[0])
        return changes[at][1] if at < len(changes) else self.get(name)

    def set_since(self, time: int) -> list[str]:
        """The names that were set since then, each once."""
        return list(dict.fromkeys(self._set[time:]))

    def handles(self) -> KeysView[int]:
        """The jobs whose handle stands in some variable."""
        return self._holders.keys()

    def tainted(self) -> KeysView[str]:
        """The names of the variables that may hold a handle or what comes of one."""
        return self._tainted.keys()


class Earlier(Mapping[str, Value]):
    """Registers and facts as they were at some point in time."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._time = facts.now

    def __getitem__(self, name: str) -> Value:
        value = self._facts.then(name, self._time)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._facts if self._facts.then(name, self._time) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Live:
    """Launches of which no wait for all jobs has been seen, in the order of their numbers."""

    def __init__(self) -> None:
        self._plays: dict[int, tuple[str | None, Place | None]] = {}
        self._numbers: dict[tuple[str | None, Place | None], dict[int, None]] = {}
        self._all: frozenset[int] | None = frozenset()

    def add(self, number: int, frame: Frame) -> None:
        play = self._plays[number] = (frame.playbook, frame.play)
        self._numbers.setdefault(play, {})[number] = None
        self._all = None

    def discard(self, number: int) -> None:
        play = self._plays.pop(number, None)
        if play is not None:
            del self._numbers[play][number]
            self._all = None

    @property
    def all(self) -> frozenset[int]:
        if self._all is None:
            self._all = frozenset(self._plays)
        return self._all

    def of_play(self, frame: Frame) -> Iterable[int]:
        """Those that run in the frame's play."""
        return self._numbers.get((frame.playbook, frame.play), ())


class SetFrom(NamedTuple):
    """How a fact was set: to what, as written, where, and under what."""

    written: object
    play: Place | None
    role: Role | None
    guard: Formula
    at: int
    """The step."""


@dataclass(slots=True)
class State:
    """What changes as the walk goes on."""

    changes: LastSet
    """At which step variables were last set."""
    facts: Facts = field(default_factory=Facts)
    included: dict[str, Any] = field(default_factory=dict)
    """What ``include_vars`` has read, templates still to come."""
    set_from: dict[str, SetFrom] = field(default_factory=dict)
    """By fact, how it was set last."""
    included_under: dict[str, Formula | None] = field(default_factory=dict)
    """Under what it did last; None where it may have read something else."""
    notified: dict[str, tuple[Formula, ...]] = field(default_factory=dict)
    """By topic, under what each has notified it that did since handlers last ran."""
    notifying: set[int] = field(default_factory=set)
    """The launches that have notified handlers, of whatever kind, which have not run since."""
    ended: Formula = False
    """Under what the play has ended early for the host."""
    role_ended: Formula = False
    """Under what the role that is gone through has."""
    roles_run: set[str] = field(default_factory=set)
    """The calls of roles that the play does not run again, by their keys."""
    block_failed: bool = False
    """Whether the block that is gone through has failed, and what is left of it does not run."""
    has_facts: bool | None = None
    """Whether facts have been gathered; None outside of any play."""
    gathered: set[str] = field(default_factory=set)
    """The facts without the common prefix that tasks have set by now."""
    live: Live = field(default_factory=Live)
    pending: set[int] = field(default_factory=set)
    """Those among them that something may still wait for."""
