"""Tasks that look at jobs or wait for them, and which jobs they reach."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import ReapKind
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Formula, conj
from ansible_reap.flow.evaluation.scalars import numbers
from ansible_reap.flow.evaluation.values import (
    UNKNOWN,
    Job,
    JobId,
    Results,
    Seq,
    Stage,
    Unknown,
    Value,
    handles,
    mapped,
    options,
    plain,
    taints,
)
from ansible_reap.flow.walk import handlers
from ansible_reap.flow.walk.context import async_dir_of, bound, own_vars, set_register, setting_of
from ansible_reap.flow.walk.look_kinds import kind_of_look
from ansible_reap.flow.walk.loops import loop_items, loop_variable
from ansible_reap.flow.walk.record import LookRecord
from ansible_reap.flow.walk.state import Cover, Frame
from ansible_reap.timing import DEFAULT_DELAY, DEFAULT_RETRIES

if TYPE_CHECKING:
    from ansible_reap.flow.walk.walk import Walk

MAX_LOOK_ITEMS = 200
_WORD = re.compile(r"\w+")


def look(walk: Walk, step: Task, frame: Frame) -> None:
    """An ``async_status``: what it waits for, and what its register then knows."""
    given = own_vars(step)
    evaluator = walk.evaluator(frame, given)
    scope = frame.scope(walk.state, given)
    kind = kind_of_look(scope, step)
    look = _note_look(walk, step, frame, evaluator, kind)
    items = loop_items(evaluator, step)
    jid = step.args.get("jid", step.args.get("_raw_params"))
    stage = Stage.DONE if kind is ReapKind.WAIT else Stage.LOOKED
    if items is None:
        value = evaluator.data(jid)
        _looked(walk, look, value, conj(frame.guard, walk.guard_of(step, frame, evaluator)), kind, evaluator)
        register: Value = _status(value, stage, None, "item")
    else:
        results: list[Value] = []
        for item in items.items[:MAX_LOOK_ITEMS]:
            for under, inner in options(item):
                each = walk.evaluator(frame, given, bound(step, inner))
                value = each.data(jid)
                guard = conj(frame.guard, under, walk.guard_of(step, frame, each))
                _looked(walk, look, value, guard, kind, each)
                results.append(_status(value, stage, inner, loop_variable(step)))
        register = Results(Seq(tuple(results), items.is_open))
    set_register(walk, step, step.keywords.get("register"), register)
    handlers.notify(walk, step, frame, walk.guard_of(step, frame, evaluator), always_changes=False)


def _note_look(walk: Walk, step: Task, frame: Frame, evaluator: Evaluator, kind: ReapKind) -> LookRecord:
    look = walk.record.looks.setdefault(id(step), LookRecord(step, kind))
    if look.kind is ReapKind.PEEK:
        look.kind = kind
    look.has_until = "until" in step.keywords
    look.retries.add_all(numbers(evaluator.data(step.keywords.get("retries")), DEFAULT_RETRIES))
    look.delay.add_all(numbers(evaluator.data(step.keywords.get("delay")), DEFAULT_DELAY))
    setting = setting_of(step, frame, async_dir_of(step, frame))
    if len(look.settings) < 50:
        look.settings.setdefault(setting.via, setting)
    walk.looks.add(id(step))
    return look


def _looked(walk: Walk, look: LookRecord, value: Value, guard: Formula, kind: ReapKind, evaluator: Evaluator) -> None:
    """One look, at what ``evaluator`` made of its job id."""
    _covers(walk, look.task, value, guard, kind)
    look.misses_results = look.misses_results or bool(evaluator.misses_results)
    if kind is ReapKind.WAIT and value == UNKNOWN and not evaluator.misses_results:
        _may_mean(walk, look.task, guard)


def _covers(walk: Walk, step: Task, value: Value, guard: Formula, kind: ReapKind) -> None:
    for under, inner in options(value):
        _cover_one(walk, step, inner, conj(guard, under), kind)


def _cover_one(walk: Walk, step: Task, inner: Value, under: Formula, kind: ReapKind) -> None:
    if isinstance(inner, (Job, JobId)):
        walk.record.cover(inner.instance, Cover(step, kind, under, inner.index, inner.is_partial))
        if kind is ReapKind.WAIT and not inner.is_partial:
            walk.reaped(inner.instance)
    elif isinstance(inner, Unknown):
        for number in inner.taints:
            walk.record.cover(number, Cover(step, kind, under, None, is_partial=False, is_sure=False))
    elif isinstance(inner, Results):
        for item in inner.items.items:
            _covers(walk, step, item, under, kind)
    elif isinstance(inner, Seq):
        for item in inner.items:
            _covers(walk, step, item, under, kind)


def _may_mean(walk: Walk, step: Task, guard: Formula) -> None:
    """A wait for what is not understood may be for any job whose variable it names, be it in a text."""
    words = set(_WORD.findall(f"{step.args} {step.keywords}"))
    for name in words & walk.state.facts.tainted():
        for number in handles(walk.state.facts[name]):
            walk.record.cover(number, Cover(step, ReapKind.WAIT, guard, None, is_partial=False, is_sure=False))


def _status(value: Value, stage: Stage, item: Value | None, loop_var: str) -> Value:
    def one(inner: Value) -> Value:
        if isinstance(inner, (Job, JobId)):
            return Job(inner.instance, inner.index, inner.is_partial, stage, item, loop_var)
        return Unknown(taints(inner))

    return mapped(value, one)


def wait_for_all(walk: Walk, step: Task, frame: Frame) -> None:
    """``reap.jobs.wait``: everything outstanding, or what its globs name."""
    evaluator = walk.evaluator(frame, own_vars(step))
    guard = conj(frame.guard, walk.guard_of(step, frame, evaluator))
    _note_look(walk, step, frame, evaluator, ReapKind.WAIT)
    wanted = plain(evaluator.data(step.args.get("tasks")))
    globs = (
        [str(part) for part in wanted] if isinstance(wanted, list) else [str(wanted)] if isinstance(wanted, str) else []
    )
    for number in sorted(walk.launched):
        launched = walk.record.instances[number].task
        if not globs or any(fnmatch.fnmatchcase(launched.name or "", each) for each in globs):
            walk.record.cover(number, Cover(step, ReapKind.WAIT, guard, None, is_partial=False))
            walk.reaped(number)
    set_register(walk, step, step.keywords.get("register"), UNKNOWN)
