"""Tasks that look at jobs or wait for them, and which jobs they reach."""

from __future__ import annotations

import fnmatch
import re

from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import ReapKind
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
from ansible_reap.flow.walk.look_kinds import kind_of_look
from ansible_reap.flow.walk.record import MAX_SETTINGS, Cover, LookRecord
from ansible_reap.flow.walk.visit import Round, Visit
from ansible_reap.flow.walk.walk import Walk
from ansible_reap.timing import DEFAULT_DELAY, DEFAULT_RETRIES

_WORD = re.compile(r"\w+")


def look(visit: Visit) -> None:
    """An ``async_status``: what it waits for, and what its register then knows."""
    step = visit.step
    kind = kind_of_look(visit.scope, step)
    record = _note_look(visit, kind)
    jid = step.args.get("jid", step.args.get("_raw_params"))
    stage = Stage.DONE if kind is ReapKind.WAIT else Stage.LOOKED
    seen: list[Value] = []
    for each in visit.rounds():
        value = each.evaluator.data(jid)
        _looked(visit.walk, record, value, each, kind)
        seen.append(_status(value, stage, each.item, step.loop_variable))
    items = visit.items
    visit.register(seen[0] if items is None else Results(Seq(tuple(seen), items.is_open)))
    handlers.notify(visit, visit.guard, always_changes=False)


def _note_look(visit: Visit, kind: ReapKind) -> LookRecord:
    step, evaluator = visit.step, visit.evaluator
    look = visit.walk.record.looks.setdefault(id(step), LookRecord(step, kind))
    if look.kind is ReapKind.PEEK:
        look.kind = kind
    look.has_until = "until" in step.keywords
    look.retries.add_all(numbers(evaluator.data(step.keywords.get("retries")), DEFAULT_RETRIES))
    look.delay.add_all(numbers(evaluator.data(step.keywords.get("delay")), DEFAULT_DELAY))
    setting = visit.setting()
    if len(look.settings) < MAX_SETTINGS:
        look.settings.setdefault(setting.via, setting)
    visit.walk.looks.add(id(step))
    return look


def _looked(walk: Walk, look: LookRecord, value: Value, at: Round, kind: ReapKind) -> None:
    """One look, at what the round's evaluator made of its job id."""
    guard, misses_results = at.guard, bool(at.evaluator.misses_results)
    _covers(walk, look.task, value, guard, kind)
    look.misses_results = look.misses_results or misses_results
    if kind is ReapKind.WAIT and value == UNKNOWN and not misses_results:
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


def wait_for_all(visit: Visit) -> None:
    """``reap.jobs.wait``: everything outstanding, or what its globs name."""
    walk, guard = visit.walk, visit.guard
    _note_look(visit, ReapKind.WAIT)
    wanted = plain(visit.evaluator.data(visit.step.args.get("tasks")))
    globs = (
        [str(part) for part in wanted] if isinstance(wanted, list) else [str(wanted)] if isinstance(wanted, str) else []
    )
    for number in sorted(walk.launched):
        launched = walk.record.instances[number].task
        if not globs or any(fnmatch.fnmatchcase(launched.name or "", each) for each in globs):
            walk.record.cover(number, Cover(visit.step, ReapKind.WAIT, guard, None, is_partial=False))
            walk.reaped(number)
    visit.register(UNKNOWN)
