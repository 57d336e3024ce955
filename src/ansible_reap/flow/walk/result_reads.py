"""Tasks that ask what a launch has registered for what only the result of a job that has ended holds."""

from __future__ import annotations

from ansible_reap.flow.evaluation.values import Job, Stage, Value, options
from ansible_reap.flow.walk.calls import ROLE_CALLS, TASK_CALLS
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.jobs import OF_ENDED
from ansible_reap.late_patterns import expression

_READS = expression(r"\b([A-Za-z_]\w*)(?:\.|\[\\*['\"])(?:" + "|".join(OF_ENDED) + r")\b")


def note(visit: Visit) -> None:
    """Note for each launch whose own result the task reads so, by which name it does."""
    walk, step = visit.walk, visit.step
    if step.module in TASK_CALLS or step.module in ROLE_CALLS or not walk.is_named(step, visit.frame):
        return
    names = dict.fromkeys(_READS.findall(walk.text_of(step)))
    if not names or visit.guard is False:
        return
    evaluator = next((each.evaluator for each in visit.rounds()), visit.evaluator)
    for name in names:
        for number in _launched(evaluator.name(name)):
            walk.record.instances[number].read_by[step] = name


def _launched(value: Value) -> frozenset[int]:
    """The launches whose own results the value is one of; none where it may be anything else."""
    found = set[int]()
    for _, inner in options(value):
        if not isinstance(inner, Job) or inner.stage is not Stage.LAUNCHED or inner.instance < 0:
            return frozenset()
        found.add(inner.instance)
    return frozenset(found)
