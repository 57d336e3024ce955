"""``value is name``: what tests say of a value, and of a job at the stage at which its result was had."""

from __future__ import annotations

from jinja2 import nodes

from ansible_reap.flow.evaluation.canonical import canonical, fitted, tested
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj, neg
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.values import (
    Const,
    Job,
    JobId,
    Map,
    Results,
    Seq,
    Stage,
    Undefined,
    Unknown,
    Value,
    taints,
    with_jobs,
)
from ansible_reap.records import replace

STATE_TESTS = {
    "changed": True,
    "change": True,
    "started": True,
    "succeeded": True,
    "success": True,
    "successful": True,
    "finished": False,
    "failed": False,
    "failure": False,
    "skipped": False,
    "skip": False,
    "unreachable": False,
    "timedout": False,
}
"""Test of a result -> what it says of a job that has just been launched (ansible-core 2.16 to 2.22)."""
_STATE_KEYS = {"changed": "changed", "change": "changed", "failed": "failed", "failure": "failed"} | {
    "skipped": "skipped",
    "skip": "skipped",
    "finished": "finished",
    "unreachable": "unreachable",
}
"""Tests of a result that say no more than one of its keys."""
_OF_SKIPPED = frozenset({"skipped", "skip", "succeeded", "success", "successful", "finished"})
"""Tests that hold for the result of what was skipped (seen on ansible-core 2.16 and 2.22)."""
_CHANGED = frozenset({"changed", "change"})
_FAILED = frozenset({"failed", "failure"})
_SUCCESS = frozenset({"succeeded", "success", "successful"})
_KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "float": float,
    "boolean": bool,
    "mapping": dict,
    "sequence": (str, list, tuple, dict),
    "iterable": (str, list, tuple, dict),
}
"""Tests of Jinja for the kind of a value."""
_OF_NUMBERS = frozenset({"integer", "float"})
"""Those that hold for no boolean."""
_ALWAYS_SETTLED = frozenset({"skipped", "skip", "started"})


def test(evaluator: EvaluatorInterface, name: str, value: Value, node: nodes.Node | None, arguments: str) -> Formula:
    """``value is name(arguments)``; ``node`` is the expression tested, for the atom's text."""
    text = canonical(evaluator, node) if node is not None else "item"
    if name == "defined":
        if isinstance(value, Undefined):
            return False if value.is_sure else Atom(f"{text} is defined")
        if isinstance(value, Unknown):
            return Atom(f"{text} is defined", about=value.taints)
        return True
    if name == "none":
        if isinstance(value, Const):
            return value.value is None
        return Atom(f"{text} is none", about=taints(value)) if isinstance(value, (Unknown, Undefined)) else False
    if name == "finished" and isinstance(value, Results):
        return True  # it has no such key, and what has none passes for finished
    settled: Formula | None = _test_of_data(name, value)
    settled = _test_of_job(name, value, text) if settled is None else settled
    if settled is not None:
        return settled
    if name in ("mapping", "iterable", "sequence") and isinstance(value, (Job, Results, Seq, Map)):
        return name != "mapping" or not isinstance(value, Seq)
    if name == "string" and isinstance(value, JobId):
        return True
    if isinstance(value, Undefined) and value.is_sure:
        return False
    if asks_for_more(name, value):
        return Atom(fitted(tested(text, name, arguments)), about=taints(value), is_opaque=True)
    return _state(text, name, taints(value), arguments)


def asks_for_more(name: str, value: Value) -> bool:
    """Whether a test asks a job for something else than its state, as ``match`` does."""
    return isinstance(value, JobId) or (isinstance(value, Job) and name not in STATE_TESTS)


def _test_of_data(name: str, value: Value) -> bool | None:
    """What is known of plain data, as what a result says that is a dictionary of it; None where nothing is.

    What has no key of that name is finished, and neither changed, failed nor skipped (ansible-core 2.16 to 2.22).
    """
    if isinstance(value, Const) and value.value is not None and name in _KINDS:
        return isinstance(value.value, _KINDS[name]) and not (name in _OF_NUMBERS and isinstance(value.value, bool))
    key = "failed" if name in _SUCCESS else _STATE_KEYS.get(name)
    if key is None or not isinstance(value, Map):
        return None
    found = value.get(key)
    if found is None or (isinstance(found, Undefined) and found.is_sure):
        says = key == "finished"
    elif isinstance(found, Const) and isinstance(found.value, (bool, int)):
        says = found.value == 1
    else:
        return None
    return says is not (name in _SUCCESS)


def _test_of_job(name: str, value: Value, text: str) -> Formula | None:
    """A test of a job's state, at the stage at which the result was had; None where it is no such test."""
    job = _state_of(value)
    if name not in STATE_TESTS or job is None:
        return None
    stage, number = job
    if stage is Stage.SKIPPED:
        return name in _OF_SKIPPED
    when = _when_of(value)
    if stage is Stage.LAUNCHED and when is not True:
        launched = _test_of_job(name, with_jobs(value, _not_skipped), text)
        assert launched is not None
        return disj(conj(when, launched), neg(when) if name in _OF_SKIPPED else False)
    if name in _CHANGED and stage is Stage.LAUNCHED:
        said = _said_changed(value)
        return _state(text, name, number) if said is None else said
    if name in _FAILED | _SUCCESS and stage is Stage.LAUNCHED:
        said = _said_failed(value)
        return _state(text, name, number) if said is None else said is (name in _FAILED)
    if stage is Stage.RUNNING and (_said_changed(value) is None if name in _CHANGED else _may_fail(name, value)):
        return _state(text, name, number)
    if stage in (Stage.LAUNCHED, Stage.RUNNING) or name in _ALWAYS_SETTLED:
        return STATE_TESTS[name] and not (name in _CHANGED and stage is Stage.RUNNING)
    if stage is Stage.DONE and name == "finished":
        return True
    return _state(text, name, number)


def _when_of(value: Value) -> Formula:
    """Under what the launch that the value is the result of is not skipped."""
    jobs = value.items.items if isinstance(value, Results) else (value,)
    said = {job.when for job in jobs if isinstance(job, Job)}
    return said.pop() if len(said) == 1 else True


def _not_skipped(job: Job | JobId) -> Job | JobId:
    return replace(job, when=True) if isinstance(job, Job) else job


def _said_changed(value: Value) -> bool | None:
    """Whether a launch counts as changed, which its ``changed_when`` may decide."""
    jobs = value.items.items if isinstance(value, Results) else (value,)
    said = {job.changed for job in jobs if isinstance(job, Job)}
    return said.pop() if len(said) == 1 else None


def _said_failed(value: Value) -> bool | None:
    """Whether a launch counts as failed, be it one item of it, which its ``failed_when`` may decide."""
    jobs = value.items.items if isinstance(value, Results) else (value,)
    said = {job.failed for job in jobs if isinstance(job, Job)}
    return None if None in said else True in said


def _may_fail(name: str, value: Value) -> bool:
    """Whether the test asks if a task has failed, of one whose own ``failed_when`` or ``until`` may say so."""
    return name in _FAILED | _SUCCESS and _said_failed(value) is None


def _state(text: str, name: str, about: frozenset[int], arguments: str = "") -> Formula:
    """``x is failed`` as ``x.failed``, and ``x is succeeded`` as its opposite."""
    if name in _SUCCESS:
        return neg(Atom(fitted(f"{text}.failed"), about=about))
    key = _STATE_KEYS.get(name)
    return Atom(fitted(f"{text}.{key}" if key else tested(text, name, arguments)), about=about)


def _state_of(value: Value) -> tuple[Stage, frozenset[int]] | None:
    if isinstance(value, Job):
        return value.stage, frozenset({value.instance})
    if isinstance(value, Results):
        found = taints(value)
        stages = {item.stage for item in value.items.items if isinstance(item, Job)}
        if found and len(stages) == 1:
            return stages.pop(), found
    return None
