"""Handlers: who is notified, and when they run."""

from __future__ import annotations

from ansible_reap.content.model import Task
from ansible_reap.content.tasks import Step
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj
from ansible_reap.flow.walk.state import Frame
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.flow.walk.walk import Walk


def notify(visit: Visit, guard: Formula, *, always_changes: bool) -> None:
    """Remember what the task notifies. ``guard`` is under what it runs, as a visit or one of its rounds gives it."""
    written = visit.keyword("notify")
    if not written or not visit.walk.handlers:
        return
    changed: Formula = True if always_changes else Atom(f"changed {visit.step.place}")
    notified = visit.walk.state.notified
    for name in written if isinstance(written, list) else [written]:
        topic = str(name)
        notified[topic] = disj(notified.get(topic, False), conj(guard, changed))


def flush(walk: Walk) -> None:
    """Run the handlers that were notified, in the order in which they are defined."""
    if not walk.state.notified:
        return
    notified, walk.state.notified = walk.state.notified, {}
    for step, frame in walk.handlers:
        guard = disj(*(notified[topic] for topic in _topics(step) if topic in notified))
        if guard is not False:
            _run_handler(walk, step, frame, guard)


def flush_unseen(walk: Walk) -> None:
    """Handlers that nothing seen notifies: something that was passed over may."""
    for step, frame in walk.handlers:
        task = step if isinstance(step, Task) else step.as_task()
        if (task.place.path, task.place.line) not in walk.record.ran_handlers and walk.graph.matters(frame.path):
            _run_handler(walk, step, frame, Atom(f"notified {task.place}"))


def _run_handler(walk: Walk, step: Step, frame: Frame, guard: Formula) -> None:
    task = step if isinstance(step, Task) else step.as_task()
    walk.record.ran_handlers.add((task.place.path, task.place.line))
    before = walk.state.facts.copy()
    walk.run([step], frame.under(guard))
    walk.join(before, guard)


def _topics(step: Step) -> list[str]:
    task = step if isinstance(step, Task) else step.as_task()
    listen = task.keywords.get("listen")
    topics = [str(topic) for topic in (listen if isinstance(listen, list) else [listen] if listen else [])]
    if task.name:
        topics.append(task.name)
        role = task.place.path.split("/handlers/")[0].rpartition("/")[2]
        topics.append(f"{role} : {task.name}")
    return topics
