"""Tasks that ask a skipped item of a looped launch for the job id that it does not have: they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set

from ansible_reap.content.expressions import names_in
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import MAX_ATOMS, Formula, atoms, conj, disj, satisfiable
from ansible_reap.flow.evaluation.layers import Layer
from ansible_reap.flow.evaluation.values import (
    Job,
    JobId,
    Map,
    Seq,
    Stage,
    Undefined,
    Value,
    handles,
    is_counted,
    options,
    present,
    with_jobs,
)
from ansible_reap.flow.walk.loops import loop_items
from ansible_reap.flow.walk.record import Instance
from ansible_reap.flow.walk.visit import MAX_ROUNDS, Visit
from ansible_reap.records import replace


def note(visit: Visit, numbers: Set[int], ask: Callable[[Evaluator], Value], is_wait: bool = False) -> None:
    """Note where what the task reads of the jobs of these launches is not there, as an item was skipped.

    ``ask`` gives what it reads. Up to ansible-core 2.18 the loop of a task ends at the first such item; from 2.19 on it
    goes on; a loop or a fact whose own list holds what is not there fails as a whole (seen on 2.16 and 2.22).
    """
    instances = visit.walk.record.instances
    for number in sorted(numbers):
        if not 0 <= number < len(instances) or not instances[number].lacking:
            continue
        instance = instances[number]
        for index, under in instance.lacking.items():
            if index not in instance.skips and instance.frame.play != visit.frame.play:
                continue  # a condition for the whole of the launch may pick the hosts of the other play
            if _fails(visit, instance, index, under, ask):
                instance.fails_at[visit.step] = None
                if is_wait and index in instance.skips and visit.step.loop_keyword is not None:
                    instance.stopped_at = instance.stopped_at or visit.step
                break


def _fails(visit: Visit, instance: Instance, index: int, under: Formula, ask: Callable[[Evaluator], Value]) -> bool:
    """Whether the task surely fails where this item was skipped, and can come to it."""
    evaluator, names = _with_skipped(visit, instance, index)
    if any(not names.isdisjoint(names_in(f"{{{{ {said} }}}}")) for said in visit.frame.asked):
        return False  # what is around it may see to it
    for chosen, bound in _rounds(visit, evaluator):
        missing = _missing(ask(bound))
        asked = conj(chosen, missing, visit.condition_for(bound)) if missing is not False else False
        if any(instance.number in atom.about for atom in atoms(asked)):
            continue  # it depends on what the result says
        if _can_hold(conj(instance.frame.guard, visit.frame.guard, under, asked)):
            return True
    return False


def _with_skipped(visit: Visit, instance: Instance, index: int) -> tuple[Evaluator, frozenset[str]]:
    """What the task sees where the item was skipped; the names by which it sees the launch's jobs."""

    def skipped(job: Job | JobId) -> Job | JobId:
        is_it = isinstance(job, Job) and job.stage is Stage.LAUNCHED
        is_it = is_it and (job.instance, job.index) == (instance.number, index) and job.of_hosts is None
        return replace(job, stage=Stage.SKIPPED) if isinstance(job, Job) and is_it else job

    held: dict[str, Value] = {}
    for entries in (visit.walk.state.facts, *reversed(visit.frame.params), *reversed(visit.frame.loops)):
        for name in visit.walk.state.facts.tainted() if entries is visit.walk.state.facts else visit.frame.carried:
            if name in entries:
                held[name] = entries[name]
    held = {name: value for name, value in held.items() if instance.number in handles(value)}
    changed = {name: with_jobs(value, skipped) for name, value in held.items()}
    return Evaluator(visit.scope.with_layer(Layer.LOOP, changed), visit.evaluator.live), frozenset(held)


def _rounds(visit: Visit, evaluator: Evaluator) -> Iterator[tuple[Formula, Evaluator]]:
    """The rounds of its loop, each with under what there is one."""
    items = loop_items(evaluator, visit.step)
    if items is None:
        yield True, evaluator
        return
    for at, item in enumerate(items.items[:MAX_ROUNDS]):
        for under, inner in options(present(item)):
            names = visit.bound(inner, at if is_counted(items) else None)
            yield under, Evaluator(evaluator.scope.with_layer(Layer.LOOP, names), evaluator.live)


def _missing(value: Value) -> Formula:
    """Under what it, or something in it, is surely not defined."""
    found: list[Formula] = []
    for under, inner in options(value):
        if isinstance(inner, Undefined):
            found.append(under if inner.is_sure else False)
        elif isinstance(inner, Seq):
            found += [conj(under, _missing(item)) for item in inner.items]
        elif isinstance(inner, Map):
            found += [conj(under, _missing(entry)) for _, entry in inner.entries]
    return disj(*found)


def _can_hold(formula: Formula) -> bool:
    """Whether the formula can hold; False where there is too much in it to tell."""
    return len(set(atoms(formula))) <= MAX_ATOMS and satisfiable(formula)
