"""What the walk carries along: the frame that a task stands in, and what variables hold by now."""

from __future__ import annotations

import posixpath
from collections.abc import KeysView, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_reap.content.model import Place
from ansible_reap.content.roles import Role
from ansible_reap.flow.evaluation.formulas import Formula, conj
from ansible_reap.flow.evaluation.layers import Layer, Scope
from ansible_reap.flow.evaluation.values import Alt, Job, JobId, Map, Results, Seq, Unknown, Value, handles, taints

INHERITED = (
    *("become", "become_user", "delegate_to", "run_once", "check_mode", "ignore_errors", "vars", "when"),
    *("any_errors_fatal", "connection", "environment", "no_log", "notify", "module_defaults"),
)
"""Keywords of a play, block or include that its tasks take over (ansible-core 2.16 to 2.22)."""


class Frame(NamedTuple):
    """The surroundings of a task that are known before it runs. One per file and way in which it is reached.

    A named tuple, since the walk makes thousands of them that differ in one or two fields.
    """

    path: str
    via: tuple[str, ...]
    playbook: str | None = None
    play: Place | None = None
    hosts: str | None = None
    role: Role | None = None
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
    guard: Formula = True
    """Under what the includes that led here run."""
    keywords: Mapping[str, Any] = MappingProxyType({})
    """Inherited keywords: become, delegate_to and so on."""
    declared: tuple[Mapping[str, Any], ...] = ()
    """``vars:`` of tasks, blocks, includes, role entries and plays around: where a detachment may be declared."""
    tags: frozenset[str] = frozenset()
    """Those that tasks here inherit."""
    depth: int = 0
    signature: int = 0
    """Tells apart the parameters and play variables that led here."""

    def scope(self, state: State, task_vars: Mapping[str, Any] | None) -> Scope:
        """The variables as a task here sees them."""
        layers: list[tuple[Layer, Mapping[str, Any]]] = []
        layers += [(Layer.LOOP, entries) for entries in self.loops]
        layers += [(Layer.PARAMS, entries) for entries in self.params]
        layers.append((Layer.FACTS, state.facts))
        if state.included:
            layers.append((Layer.INCLUDED, state.included))
        if task_vars:
            layers.append((Layer.TASK, task_vars))
        layers += [(Layer.TASK, entries) for entries in self.blocks]
        layers += self.settings
        return Scope(tuple(layers))

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


def tags_of(keywords: Mapping[str, Any]) -> frozenset[str]:
    """The tags that a task, block, play or role entry bears."""
    written = keywords.get("tags")
    parts = written if isinstance(written, list) else [written] if written is not None else []
    return frozenset(tag.strip() for part in parts for tag in str(part).split(",") if tag.strip())


def bearing(entries: Mapping[str, Any]) -> frozenset[str]:
    """The names whose value may hold a handle."""
    return frozenset(name for name, value in entries.items() if isinstance(value, _VALUES) and taints(value))


_VALUES = (Unknown, Job, JobId, Results, Seq, Map, Alt)
"""The kinds of values that may hold a handle."""


class Facts(dict[str, Value]):
    """Registers and facts. Knows which of them may hold a handle without looking through them each time."""

    def __init__(self, *entries: Mapping[str, Value]) -> None:
        super().__init__(*entries)
        self._tainted: dict[str, None] = {}

    def __setitem__(self, name: str, value: Value) -> None:
        super().__setitem__(name, value)
        if taints(value):
            self._tainted[name] = None
        else:
            self._tainted.pop(name, None)

    def copy(self) -> Facts:
        made = Facts(self)
        made._tainted = dict(self._tainted)
        return made

    def handles(self) -> frozenset[int]:
        """The jobs whose handle stands in some variable."""
        return frozenset().union(*(handles(self[name]) for name in self._tainted))

    def tainted(self) -> KeysView[str]:
        """The names of the variables that may hold a handle or what comes of one."""
        return self._tainted.keys()


@dataclass(slots=True)
class State:
    """What changes as the walk goes on."""

    facts: Facts = field(default_factory=Facts)
    included: dict[str, Any] = field(default_factory=dict)
    """What ``include_vars`` has read, templates still to come."""
    notified: dict[str, Formula] = field(default_factory=dict)
    """By topic, under what something has notified it since handlers last ran."""
    ended: Formula = False
    """Under what the play has ended early for the host."""
    role_ended: Formula = False
    """Under what the role that is gone through has."""
    live: set[int] = field(default_factory=set)
    """Launches of which no wait for all jobs has been seen."""
    pending: set[int] = field(default_factory=set)
    """Those among them that something may still wait for."""
