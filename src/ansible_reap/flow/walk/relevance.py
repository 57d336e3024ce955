"""Whether anything can become of a job in a file, or in what it calls: a walk goes through no other."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ansible_reap.content.call_graph import CallGraph
from ansible_reap.content.expressions import is_template
from ansible_reap.content.mentions import DOTTED, UNNAMED_TOPICS
from ansible_reap.content.model import Place
from ansible_reap.flow.evaluation.values import taints
from ansible_reap.flow.walk import alterations
from ansible_reap.flow.walk.record import Record
from ansible_reap.flow.walk.state import State

MAX_ASIDE = 100
"""Files that are gone through only for what they may set without naming it."""
PLAY_ENDS = frozenset({"end_play", "end_host", "end_batch"})
"""Actions of ``meta`` after which nothing more of the play is run on the host, handlers included."""
ENDS = frozenset({*PLAY_ENDS, "end_role"})
"""Actions of ``meta`` after which tasks that follow are not run (ansible-core 2.16 to 2.22; ``end_role`` from 2.18)."""


class Relevance:
    """Answers it by what the walk has open at the moment."""

    def __init__(self, graph: CallGraph, state: State, record: Record, where: Callable[[], Place]) -> None:
        """``where`` tells where the walk is."""
        self.topics: set[str] = set()
        """What must be notified for a handler to run in which something may become of a job."""
        self._are_open: tuple[int, bool] = 0, False
        """Of how many topics it was asked last whether one is a template, and the answer."""
        self._graph = graph
        self._state = state
        self._record = record
        self._where = where
        self._aside = 0
        self._sets_unnamed: dict[str, bool] = {}
        self._asked: tuple[object, ...] = ()
        """What the answers hang on that ``concerns`` has given last."""
        self._answers: dict[str, bool] = {}

    @property
    def has_open_topics(self) -> bool:
        """Whether one of the topics is a template."""
        if self._are_open[0] != len(self.topics):
            self._are_open = len(self.topics), any(map(is_template, self.topics))
        return self._are_open[1]

    def concerns(self, path: str, given: Collection[str] = ()) -> bool:
        """Whether anything can become of a job in the file or in what it calls.

        ``given`` are the variables that hold handles there alone, as they are handed to it.
        """
        if self._graph.matters(path) or (given and self._graph.mentions(path, given)):
            return True
        state = self._state
        asked = (tuple(state.facts.tainted()), tuple(state.pending), tuple(self.topics), bool(state.notified))
        if not any(asked):
            return False
        if asked != self._asked:
            self._asked = asked
            self._answers.clear()
        known = self._answers.get(path)
        if known is None:
            is_met = self._touches(path) or self.notifies(path) or self._steers(path)
            known = self._answers[path] = is_met or self._may_change(path)
        return known or self._may_change_unnamed(path)

    def touches_pending(self, path: str) -> bool:
        """Whether anything there may concern a job that is not waited for yet."""
        names = [name for name in self._state.facts.tainted() if not self._state.pending.isdisjoint(self._held(name))]
        return (
            self._graph.mentions(path, [*names, *ENDS, DOTTED])
            or self._may_change(path)
            or self._may_change_unnamed(path)
            or self._graph.is_sealed(path)
        )

    def notifies(self, path: str) -> bool:
        """Whether the file, or what it calls, names a handler in which something may become of a job."""
        names = {"notify" if is_template(topic) else topic for topic in self.topics}
        return bool(names) and self._graph.mentions(path, [*sorted(names), UNNAMED_TOPICS])

    def _touches(self, path: str) -> bool:
        """Whether the file, or what it calls, names a variable that holds a handle now."""
        names = self._state.facts.tainted()
        return bool(names) and self._graph.mentions(path, names)

    def _held(self, name: str) -> frozenset[int]:
        return taints(self._state.facts[name])

    def _may_change(self, path: str) -> bool:
        """Whether the file, or what it calls, may set what the launch of a job that is not waited for yet hangs on."""
        names = self._asks()
        return bool(names) and self._graph.mentions(path, alterations.SETTERS) and self._graph.mentions(path, names)

    def _may_change_unnamed(self, path: str) -> bool:
        """Whether it may do so without naming what it sets, as by ``include_vars``."""
        asks = self._asks()
        if not asks or not self._may_set_unnamed(path, asks):
            return False
        if self._aside >= MAX_ASIDE:
            for number in self._state.pending:
                instance = self._record.instances[number]
                instance.past_aside = instance.past_aside or (self._where() if instance.asks else None)
            return False
        self._aside += 1
        return True

    def _may_set_unnamed(self, path: str, asks: frozenset[str]) -> bool:
        known = self._sets_unnamed.get(path)
        if known is None:
            names = self._record.own.setting_facts
            known = self._graph.mentions(path, alterations.UNNAMED) or self._graph.mentions(path, names)
            self._sets_unnamed[path] = known
        if not asks.isdisjoint(alterations.READ_ANY) and self._graph.mentions(path, alterations.SETTERS):
            return True
        if not asks.isdisjoint(alterations.FAILURE) and self._graph.mentions(path, ("rescue",)):
            return True
        return known or (any(map(alterations.is_fact, asks)) and self._graph.mentions(path, alterations.SETTING_FACTS))

    def _asks(self) -> frozenset[str]:
        """What the conditions read of the launches of which a job is not waited for yet."""
        return frozenset[str]().union(*(self._record.instances[number].asks for number in self._state.pending))

    def _steers(self, path: str) -> bool:
        """Whether the file, or what it calls, may end the play before a job is waited for, or run notified handlers."""
        state = self._state
        names = list(ENDS) if state.pending or state.notifying else []
        names += ["flush_handlers"] if state.notified or state.notifying else []
        return bool(names) and self._graph.mentions(path, names)
