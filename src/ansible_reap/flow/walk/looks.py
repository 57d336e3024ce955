"""Tasks that look at jobs or wait for them, and which jobs they reach."""

from __future__ import annotations

import fnmatch

from ansible_reap.content import expressions
from ansible_reap.content.model import Task, as_list
from ansible_reap.flow.analysis import ReapKind
from ansible_reap.flow.evaluation.conditions import condition
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, atoms, conj, decided, disj, neg
from ansible_reap.flow.evaluation.host_sets import NOT_KNOWN
from ansible_reap.flow.evaluation.layers import Layer
from ansible_reap.flow.evaluation.scalars import numbers
from ansible_reap.flow.evaluation.values import (
    UNDEFINED,
    UNKNOWN,
    Const,
    Job,
    JobId,
    Results,
    Seq,
    Stage,
    Undefined,
    Unknown,
    Value,
    handles,
    mapped,
    of_first_host,
    options,
    plain,
    present,
    taints,
    with_jobs,
)
from ansible_reap.flow.walk import at_work, empty_loops, handlers, skipped
from ansible_reap.flow.walk.failing import always_fails
from ansible_reap.flow.walk.hosts import HostOverlap, reached
from ansible_reap.flow.walk.look_kinds import LookKind, is_ansibles_own, kind_of_look, never_holds
from ansible_reap.flow.walk.loops import loop_items
from ansible_reap.flow.walk.record import Cover, LookRecord
from ansible_reap.flow.walk.state import is_yes
from ansible_reap.flow.walk.visit import MAX_ROUNDS, Round, Visit
from ansible_reap.flow.walk.walk import Walk
from ansible_reap.late_patterns import expression
from ansible_reap.records import replace
from ansible_reap.timing import DEFAULT_DELAY, DEFAULT_RETRIES

_WORD = expression(r"\w+")
_ASKS = expression(r"\bis\s+(?:not\s+)?(?:un)?defined\b|\|\s*(?:default|d)\b")


def look(visit: Visit) -> frozenset[int]:
    """An ``async_status``: what it waits for, and what its register then knows. The jobs that it may look at."""
    step = visit.step
    found = kind_of_look(visit)
    kind = found.kind
    record = _note_look(visit, kind)
    stage = Stage.DONE if kind is ReapKind.WAIT and found.is_sure and found.once is False else Stage.LOOKED
    seen: list[Value] = []
    runs = _loop_can_be_read(visit)
    for each in visit.rounds():
        value = _jid(visit, each.evaluator)
        if visit.items is not None and visit.items.is_open and isinstance(each.item, Const):
            value = with_jobs(value, _of_some_host)
        _looked(visit, record, value, each, found, runs)
        seen.append(_status(step, value, stage, each.item))
        record.is_loose = record.is_loose or (not handles(value) and each.guard is not False)
    skipped.note(visit, handles(Seq(tuple(seen))), lambda evaluator: _jid(visit, evaluator), kind is ReapKind.WAIT)
    items = visit.items
    result = seen[0] if items is None else Results(Seq(tuple(seen), items.is_open))
    visit.register(of_first_host(result) if is_yes(visit.keyword("run_once")) else result)
    handlers.notify(visit, visit.guard)
    return taints(Seq(tuple(seen)))


def _of_some_host(job: Job | JobId) -> Job | JobId:
    """The job read in a round of a loop of which not every item is known."""
    return replace(job, of_hosts=NOT_KNOWN) if job.of_hosts is not None and not job.of_hosts.is_first else job


def _jid(visit: Visit, evaluator: Evaluator) -> Value:
    found = visit.argument(evaluator, "jid", "_raw_params")
    return Const(None) if found is None else present(found)


def _note_look(visit: Visit, kind: ReapKind) -> LookRecord:
    step, evaluator = visit.step, visit.evaluator
    look = visit.walk.record.looks.setdefault(id(step), LookRecord(step, kind))
    if look.kind is ReapKind.PEEK:
        look.kind = kind
    look.has_until = "until" in step.keywords
    look.never_holds = look.never_holds is not False and kind is ReapKind.WAIT and never_holds(visit)
    look.never_fails = look.never_fails is not False and visit.never_fails()
    look.retries.add_all(numbers(evaluator.data(step.keywords.get("retries")), DEFAULT_RETRIES))
    look.delay.add_all(numbers(evaluator.data(step.keywords.get("delay")), DEFAULT_DELAY))
    look.settings.add(visit.setting(), visit.guard)
    visit.walk.looks.add(id(step))
    return look


def _loop_can_be_read(visit: Visit) -> Formula:
    """Where the loop does not end in a silent skip for want of one of its items.

    A loop over a list of which one item is not defined runs for none of them. The task then fails, unless its ``when``
    asks whether there is an item, as ``item.ansible_job_id is defined``: then it is skipped without a word. A ``when``
    that takes the item for granted, as ``'ansible_job_id' in item``, fails (ansible-core 2.16 to 2.22).
    """
    items = visit.items
    if items is None or not _asks_for_the_item(visit.step):
        return True
    lacks = disj(*(under for item in items.items for under, inner in options(item) if isinstance(inner, Undefined)))
    if lacks is False or _are_set_by_others(visit):
        return True
    without = visit.round_with(Undefined(is_sure=True)).evaluator
    return disj(neg(lacks), visit.condition_for(without))


def _are_set_by_others(visit: Visit) -> bool:
    """Whether tasks have set all that the loop names and nothing is known of, as registers of other work are."""
    walk, step = visit.walk, visit.step
    named = expressions.names_in(step.keywords[step.loop_keyword or ""])
    unknown = [name for name in named if visit.evaluator.name(name) == UNDEFINED]
    return bool(unknown) and all(walk.state.changes.by(name, walk.steps) for name in unknown)


def _asks_for_the_item(step: Task) -> bool:
    """Whether ``when`` can be answered where the loop has no item; each part of it that names the item asks first."""
    parts = [str(part) for part in as_list(step.keywords.get("when")) if part is not None]
    naming = [part for part in parts if step.loop_variable in _WORD.findall(part)]
    return bool(naming) and all(_ASKS.search(part) for part in naming)


def _looked(visit: Visit, look: LookRecord, value: Value, at: Round, kind: LookKind, runs: Formula) -> None:
    """One look, at what the round's evaluator made of its job id; ``runs`` is under what the task has any rounds."""
    guard, misses_results = conj(at.guard, runs, neg(kind.once)), bool(at.evaluator.misses_results)
    _covers(visit, value, guard, kind, at)
    look.misses_results = look.misses_results or misses_results
    if kind.kind is ReapKind.WAIT and value == UNKNOWN and not misses_results:
        _may_mean(visit.walk, look.task, guard)


def _covers(visit: Visit, value: Value, guard: Formula, kind: LookKind, at: Round) -> None:
    for under, inner in options(value):
        _cover_one(visit, inner, conj(guard, under), kind, at)


def _cover_one(visit: Visit, inner: Value, under: Formula, kind: LookKind, at: Round) -> None:
    walk, step = visit.walk, visit.step
    if isinstance(inner, (Job, JobId)):
        if kind.kind is ReapKind.WAIT:
            under = conj(under, at_work.needed(visit, inner.instance, at.evaluator, at.own_condition))
        if inner.of_hosts is None:
            under = conj(under, empty_loops.needed(visit, inner.instance, at.item))
        is_first = inner.of_hosts is not None and inner.of_hosts.is_first
        read = None if is_first else inner.of_hosts
        cover = Cover(
            step,
            kind.kind,
            under,
            inner.index,
            inner.is_partial,
            kind.is_sure,
            None if inner.is_anywhere else visit.frame.where,
            run_once=is_first or (None if inner.is_anywhere else visit.run_once),
            read=read,
            given=visit.given_of(read) if read is not None else (),
            may_hold_early=kind.may_hold_early,
            asks=visit.asks(under) - walk.state.changes.keys(),
            by_default=conj(visit.by_default(at.evaluator.scope), neg(kind.once)),
        )
        walk.record.cover(inner.instance, cover)
        where = walk.record.instances[inner.instance].frame.where if inner.instance >= 0 else None
        is_whole = read is None or reached(where, read, cover.given) is HostOverlap.ALL
        if kind.kind is ReapKind.WAIT and kind.is_sure and is_whole and not inner.is_partial and not is_first:
            walk.reaped(inner.instance)
    elif isinstance(inner, Unknown):
        for number in inner.taints:
            walk.record.cover(number, Cover(step, kind.kind, under, None, is_partial=False, is_sure=False))
    elif isinstance(inner, Results):
        for item in inner.items.items:
            _covers(visit, item, under, kind, at)
    elif isinstance(inner, Seq):
        for item in inner.items:
            _covers(visit, item, under, kind, at)


def _may_mean(walk: Walk, step: Task, guard: Formula) -> None:
    """A wait for what is not understood may be for any job whose variable it names, be it in a text."""
    words = set(_WORD.findall(f"{step.args} {step.keywords}"))
    for name in words & walk.state.facts.tainted():
        for number in handles(walk.state.facts[name]):
            walk.record.cover(number, Cover(step, ReapKind.WAIT, guard, None, is_partial=False, is_sure=False))


def _status(step: Task, value: Value, stage: Stage, item: Value | None) -> Value:
    """What the register of a look holds."""
    is_plain = not {"failed_when", "until"} & set(step.keywords)

    def one(inner: Value) -> Value:
        if isinstance(inner, (Job, JobId)):
            return Job(
                inner.instance,
                inner.index,
                inner.is_partial,
                stage,
                item,
                step.loop_variable,
                inner.is_anywhere,
                inner.of_hosts,
                changed=None if "changed_when" in step.keywords else True,
                failed=False if is_plain else None,
            )
        return Unknown(taints(inner))

    return mapped(value, one)


def wait_for_all(visit: Visit) -> None:
    """``reap.jobs.wait``: everything outstanding, or what its globs name."""
    walk, guard = visit.walk, visit.guard
    _note_look(visit, ReapKind.WAIT)
    wanted = plain(visit.evaluator.data(visit.step.args.get("tasks")))
    globs = [str(part) for part in as_list(wanted)] if isinstance(wanted, (list, str)) else []
    for number in sorted(walk.launched):
        launched = walk.record.instances[number].task
        if not globs or any(fnmatch.fnmatchcase(launched.name or "", each) for each in globs):
            once = visit.run_once
            is_sure = not (walk.record.own.has_wait or walk.record.own.has_basis)
            under = conj(guard, empty_loops.needed(visit, number, None))
            reach = Cover(visit.step, ReapKind.WAIT, under, None, is_partial=False, is_sure=is_sure, run_once=once)
            walk.record.cover(number, reach)
            if is_sure:
                walk.reaped(number)
    visit.register(UNKNOWN)


def insist(visit: Visit) -> None:
    """A task that ends the play while a job still runs makes a wait of the look at it before.

    Be it an ``assert``, a ``fail``, a command that fails whenever it runs, or what its own ``failed_when`` says.
    """
    walk, step = visit.walk, visit.step
    if visit.frame.is_passed_over and "register" not in step.keywords:
        return  # the play goes on all the same
    if visit.keyword("ignore_errors") or not (_is_a_test(step) or walk.is_named(step, visit.frame)):
        return
    looked = {
        name: with_jobs(value, lambda job: replace(job, stage=Stage.RUNNING) if isinstance(job, Job) else job)
        for name, value in ((name, walk.state.facts[name]) for name in walk.state.facts.tainted())
        if _is_looked_at(value)
    }
    if not looked:
        return
    evaluator = Evaluator(visit.scope.with_layer(Layer.LOOP, looked), visit.evaluator.live)
    items = loop_items(evaluator, step)
    scopes = [evaluator.scope]
    if items is not None:
        scopes = [evaluator.scope.with_layer(Layer.LOOP, visit.bound(item)) for item in items.items[:MAX_ROUNDS]]
    ends = [_fails_under(visit, Evaluator(scope)) for scope in scopes]
    # by way of a fact, as it was when that was set
    asked = {f"{name}.finished{end}": name for name in looked for end in ("", " == 1")}

    def while_at_work(atom: Atom) -> bool | None:
        name = asked.get(atom.text)
        return False if name is not None and atom.about <= handles(looked[name]) else None

    if ends and all(decided(each, while_at_work) is True for each in ends):
        # what `fail` asks for is whether the job has finished; what else is around it still counts
        guard = visit.guard if step.module == "assert" or "failed_when" in step.keywords else visit.frame.guard
        by_facts = {asked[atom.text] for each in ends for atom in atoms(each) if atom.text in asked}
        for name, value in looked.items():
            if name in by_facts or name in f"{step.args} {step.keywords}":
                is_sure = is_ansibles_own(visit) and not visit.frame.is_rescued
                for number in handles(value):
                    walk.record.insist(number, name, guard, is_sure=is_sure)


def _is_a_test(step: Task) -> bool:
    return step.module in ("assert", "fail") and "failed_when" not in step.keywords


def _fails_under(visit: Visit, evaluator: Evaluator) -> Formula:
    """Under what the task fails that is asked of a job by its own condition; False where it is not known to."""
    step = visit.step
    if "failed_when" in step.keywords:
        return condition(evaluator, step.keywords["failed_when"])
    if step.module == "assert":
        that = step.args.get("that", step.args.get("_raw_params"))
        return False if that is None else neg(condition(evaluator, that))
    if step.keywords.get("when") is None or not (step.module == "fail" or always_fails(visit)):
        return False  # of a module of the project's own by the name of `fail` it is not sure
    return visit.condition_for(evaluator)


def _is_looked_at(value: Value) -> bool:
    if isinstance(value, Results):
        return all(isinstance(item, Job) and item.stage is Stage.LOOKED for item in value.items.items)
    return isinstance(value, Job) and value.stage is Stage.LOOKED
