"""What conditions come to as long as a job that was looked at is still at work: that is when it needs a wait."""

from __future__ import annotations

from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, atoms, conj, decided
from ansible_reap.flow.evaluation.layers import Layer
from ansible_reap.flow.evaluation.values import Job, JobId, Stage, Value, taints, with_jobs
from ansible_reap.flow.walk.state import bearing
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.records import replace


def needed(visit: Visit, number: int, evaluator: Evaluator, own: Formula) -> Formula:
    """What a wait's condition says of a job that every look so far has found at work.

    ``own`` is the condition, as the evaluator sees it, where nothing is known of what the looks have found; those of
    the includes around count too.
    """
    around = (said for asked, said in visit.frame.at_work if asked == number)
    is_asked = _is_looked_at(visit, number) and number in _asked(own)
    return conj(*around, _while_at_work(visit, number, evaluator) if is_asked else True)


def of_include(visit: Visit, evaluator: Evaluator, guard: Formula) -> tuple[tuple[int, Formula], ...]:
    """The same of the condition of an include: by job, what it says."""
    asked = sorted(number for number in _asked(guard) if _is_looked_at(visit, number))
    return tuple((number, _while_at_work(visit, number, evaluator)) for number in asked)


def _is_looked_at(visit: Visit, number: int) -> bool:
    """Whether another task has looked at the job before."""
    return number >= 0 and any(cover.task is not visit.step for cover in visit.walk.record.instances[number].covers)


def _asked(guard: Formula) -> frozenset[int]:
    return frozenset().union(*(atom.about for atom in atoms(guard) if not atom.is_opaque))


def _while_at_work(visit: Visit, number: int, evaluator: Evaluator) -> Formula:
    names = set(visit.walk.state.facts.tainted())
    for layer, entries in evaluator.scope.layers:
        if layer in (Layer.LOOP, Layer.PARAMS):
            names.update(bearing(entries))

    def at_work(job: Job | JobId) -> Job | JobId:
        if isinstance(job, Job) and job.instance == number and job.stage is Stage.LOOKED:
            return replace(job, stage=Stage.RUNNING)
        return job

    held: dict[str, Value] = {}
    for name in names:
        value = evaluator.name(name)
        if number in taints(value):
            changed = with_jobs(value, at_work)
            if changed != value:
                held[name] = changed
    texts = {f"{name}.finished" for name in held}  # by way of a fact, as it was when that was set

    def of_fact(atom: Atom) -> bool | None:
        return False if atom.text in texts and number in atom.about else None

    return decided(
        visit.condition_for(Evaluator(evaluator.scope.with_layer(Layer.LOOP, held), evaluator.live)), of_fact
    )
