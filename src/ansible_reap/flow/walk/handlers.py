"""Handlers: who is notified, and when they run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fnmatch import fnmatchcase

from ansible_reap.content.expressions import is_template
from ansible_reap.content.model import Task, as_list
from ansible_reap.content.tasks import Step
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj, implies
from ansible_reap.flow.evaluation.patterns import guarded_patterns
from ansible_reap.flow.walk import encrypted
from ansible_reap.flow.walk.reported import changes
from ansible_reap.flow.walk.state import Frame
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.flow.walk.walk import Walk, listened_to, names_of, topics_of
from ansible_reap.late_patterns import expression

_TEMPLATE = expression(r"\{\{.*?\}\}")


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
        if said is None:
            said = changes(visit)
        changed = said if isinstance(said, bool) else Atom(f"changed {visit.step.place}")
    notified = visit.walk.state.notified
    for name in as_list(written):
        for under, topic in _worked_out(visit, str(name), guard):
            notified[topic] = (*notified.get(topic, ()), conj(under, changed))


def _worked_out(visit: Visit, written: str, guard: Formula) -> Iterator[tuple[Formula, str]]:
    """The topics that a ``notify`` comes to, each under its condition: it may be a template, of the loop's item too.

    A handler's own name may be one as well (seen on ansible-core 2.16 and 2.22); what that comes to is left open.
    """
    known = visit.walk.relevance.topics
    if not (is_template(written) or visit.walk.relevance.has_open_topics):
        yield guard, written
        return
    is_looped = visit.step.loop_keyword is not None
    for each in visit.rounds() if is_template(written) else [visit.any_round]:
        at = each.guard if is_looped and is_template(written) else guard
        for under, pattern in guarded_patterns(each.evaluator, written):
            if pattern in known:
                yield conj(at, under), pattern
                continue
            for topic in sorted(known):
                if fnmatchcase(topic, pattern) or (is_template(topic) and _may_be_one(pattern, topic)):
                    perhaps = Atom(f"{visit.step.place} notifies {topic}", is_opaque=True)
                    yield conj(at, under, perhaps), topic


def _may_be_one(pattern: str, topic: str) -> bool:
    """Whether both may come to the same name; of two that are open nobody can tell."""
    return "*" in pattern or fnmatchcase(pattern, _TEMPLATE.sub("*", topic))


def flush(walk: Walk) -> None:
    """Run the handlers that were notified, in the order in which they are defined.

    What a handler notifies runs in the same turn where it is defined further down, else in the next one. Where the role
    has ended before it came to the flush, they are left for the next one (ansible-core 2.18 to 2.22).
    """
    _note_whom_they_miss(walk)
    for path in walk.hidden_handlers:
        encrypted.gone_through(walk, path)
    if not walk.state.notified:
        return
    due, walk.state.notified = walk.state.notified, {}
    left: dict[str, tuple[Formula, ...]] = {}
    if walk.state.role_ended is not False:
        left = {topic: tuple(conj(each, walk.state.role_ended) for each in under) for topic, under in due.items()}
    hearing = _hearing(walk.handlers)
    for at, (step, frame) in enumerate(walk.handlers):
        if not walk.goes_on():
            break
        heard = [topic for topic in (_alone(at), *topics_of(step)) if topic in due]
        guard = disj(*(under for topic in heard if at in hearing.get(topic, (at,)) for under in due[topic]))
        if guard is False:
            walk.silent.update({id(step)} if heard else ())
            continue
        _run_handler(walk, step, frame, guard)
        fresh, walk.state.notified = walk.state.notified, {}
        for topic, under in fresh.items():
            due[topic] = (*due.get(topic, ()), *under)
            for number in hearing.get(topic, ()):
                if number <= at:
                    left[_alone(number)] = (*left.get(_alone(number), ()), *under)
    walk.state.notified = left


def _note_whom_they_miss(walk: Walk) -> None:
    """Note the launches whose hosts have left the play by now, so that no handler runs there."""
    for number in tuple(walk.state.notifying):
        instance = walk.record.instances[number]
        ended = walk.state.ended
        instance.misses_handlers = ended is not False and implies(instance.guard, ended)
        if not instance.misses_handlers:
            walk.state.notifying.discard(number)


def _hearing(known: list[tuple[Step, Frame]]) -> dict[str, set[int]]:
    """By topic, the places of the handlers that are run for it: of those of one name only one is.

    That is the first of them in the list of handlers, or in the role, that comes last (ansible-core 2.16 to 2.22).
    """
    files: dict[str, list[int]] = {}
    for at, (_, frame) in enumerate(known):
        files.setdefault(frame.path, []).append(at)
    called: dict[str, int] = {}
    listening: dict[str, dict[object, int]] = {}
    for at in itertools.chain(*reversed(files.values())):
        step = known[at][0]
        names = names_of(step)
        for name in names:
            called.setdefault(name, at)
        for topic in listened_to(step):
            listening.setdefault(topic, {}).setdefault(names[0] if names else at, at)
    hearing = {topic: set(places.values()) for topic, places in listening.items()}
    for name, at in called.items():
        hearing.setdefault(name, set()).add(at)
    return hearing


def _alone(number: int) -> str:
    """A topic that only the handler at this place listens to."""
    return f"handler {number} by itself"


def flush_unseen(walk: Walk) -> None:
    """Handlers that nothing seen notifies: something that was passed over may."""
    hearing = _hearing(walk.handlers)
    for at, (step, frame) in enumerate(walk.handlers):
        task = step if isinstance(step, Task) else step.as_task()
        if (task.place.path, task.place.line) not in walk.record.ran_handlers and walk.graph.matters(frame.path):
            # what notifies it may be a task that never counts as changed: then it is known not to run
            may_run = id(step) not in walk.silent and any(at in hearing[topic] for topic in topics_of(step))
            _run_handler(walk, step, frame, may_run and Atom(f"notified {task.place}"))


def _run_handler(walk: Walk, step: Step, frame: Frame, guard: Formula) -> None:
    task = step if isinstance(step, Task) else step.as_task()
    walk.record.ran_handlers.add((task.place.path, task.place.line))
    before = walk.state.facts.now
    walk.run([step], frame.under(guard)._replace(is_handler=True))
    walk.join(before, guard)
