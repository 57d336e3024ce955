"""Handlers: who is notified, and when they run."""

from __future__ import annotations

from ansible_reap.content.model import Task
from ansible_reap.content.tasks import Step
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj
from ansible_reap.flow.walk.state import Frame
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.flow.walk.walk import Walk, topics_of


def notify(visit: Visit, guard: Formula, *, changed: Formula | None = None) -> None:
    """Remember what the task notifies.

    ``guard`` is under what it runs, as a visit or one of its rounds gives it; ``changed`` under what its result counts
    as changed, where that is known better than by its ``changed_when``.
    """
    written = visit.keyword("notify")
    if not written or not visit.walk.handlers:
        return
    if changed is None:
        said = visit.changed_when({})
        changed = said if isinstance(said, bool) else Atom(f"changed {visit.step.place}")
    notified = visit.walk.state.notified
    for name in written if isinstance(written, list) else [written]:
        topic = str(name)
        notified[topic] = (*notified.get(topic, ()), conj(guard, changed))


def flush(walk: Walk) -> None:
    """Run the handlers that were notified, in the order in which they are defined.

    What a handler notifies runs in the same turn where it is defined further down, else in the next one.
    """
    if not walk.state.notified:
        return
    due, walk.state.notified = walk.state.notified, {}
    left: dict[str, tuple[Formula, ...]] = {}
    for at, (step, frame) in enumerate(walk.handlers):
        heard = [topic for topic in (_alone(at), *topics_of(step)) if topic in due]
        guard = disj(*(under for topic in heard for under in due[topic]))
        if guard is False:
            walk.silent.update({id(step)} if heard else ())
            continue
        _run_handler(walk, step, frame, guard)
        fresh, walk.state.notified = walk.state.notified, {}
        for topic, under in fresh.items():
            due[topic] = (*due.get(topic, ()), *under)
            for number, (other, _) in enumerate(walk.handlers[: at + 1]):
                if topic in topics_of(other):
                    left[_alone(number)] = (*left.get(_alone(number), ()), *under)
    walk.state.notified = left


def _alone(number: int) -> str:
    """A topic that only the handler at this place listens to."""
    return f"handler {number} by itself"


def flush_unseen(walk: Walk) -> None:
    """Handlers that nothing seen notifies: something that was passed over may."""
    for step, frame in walk.handlers:
        task = step if isinstance(step, Task) else step.as_task()
        if (task.place.path, task.place.line) not in walk.record.ran_handlers and walk.graph.matters(frame.path):
            # what notifies it may be a task that never counts as changed: then it is known not to run
            _run_handler(walk, step, frame, id(step) not in walk.silent and Atom(f"notified {task.place}"))


def _run_handler(walk: Walk, step: Step, frame: Frame, guard: Formula) -> None:
    task = step if isinstance(step, Task) else step.as_task()
    walk.record.ran_handlers.add((task.place.path, task.place.line))
    before = walk.state.facts.now
    walk.run([step], frame.under(guard))
    walk.join(before, guard)
