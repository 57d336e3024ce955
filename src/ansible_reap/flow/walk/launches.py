"""Launches: tasks whose limit is above 0 and whose poll interval is 0 on some way in which they are reached."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_reap.content import expressions
from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.model import Task, as_list
from ansible_reap.content.source import Hidden
from ansible_reap.flow.evaluation.evaluator import OMIT, Evaluator
from ansible_reap.flow.evaluation.formulas import (
    Atom,
    Formula,
    atoms,
    conj,
    decided,
    disj,
    exclude_plainly,
    neg,
    satisfiable,
    settled,
)
from ansible_reap.flow.evaluation.parts import ABSENT_WHILE_RUNNING
from ansible_reap.flow.evaluation.scalars import is_no_number, numbers
from ansible_reap.flow.evaluation.values import (
    EACH,
    NOT_PLAIN,
    Alt,
    Const,
    Job,
    Results,
    Seq,
    Undefined,
    Value,
    mapped,
    options,
    plain,
    with_jobs,
)
from ansible_reap.flow.walk import disconnection, elsewhere, encrypted, handlers
from ansible_reap.flow.walk.record import Instance, UseRecord
from ansible_reap.flow.walk.tags import TAG_OPTION
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.flow.walk.walk import Walk
from ansible_reap.jobs import DETACH_VARIABLE, EXPECT_VARIABLE
from ansible_reap.late_patterns import expression
from ansible_reap.records import replace

MAX_COUNTED = 32
MAX_BESIDE = 20
"""Launches that are named as running beside another."""
MAX_CONDITIONS = 4
"""Conditions of a launch with which it is followed what its register holds where it was skipped."""
MAX_COMPARED = 100
"""Launches that are looked at for that: a play may launch thousands."""
_KEY = expression(r"(?<![.\w])(?P<of>\w+)(?:\.(?P<key>\w+)|\[\s*['\"](?P<quoted>\w+)['\"]\s*\])")
_SEES_TO_IT = expression(r"\b(?:default|d|get)\(|\bdefault\b|\b(?:un)?defined\b")
"""What a condition says that can be answered where a key is not there."""
_MAY_NOT_COME_TO_IT = expression(r"\b(?:and|or|if)\b")
"""What a condition may be answered by before it reads the key."""
_SELF_REAPING = frozenset({"community.general.iptables_state", "iptables_state"})
"""Modules whose action plugin waits for the job it starts."""


def note_use(visit: Visit) -> None:
    """Write down what the task's ``async`` and ``poll`` are here."""
    step = visit.step
    use = visit.walk.record.uses.setdefault(id(step), UseRecord(step))
    evaluator = visit.any_round.evaluator
    if "async" in step.keywords:
        use.limit.add_all(numbers(evaluator.data(step.keywords["async"]), 0))
    poll = _poll(visit, evaluator)
    for default in _default_polls(visit):
        use.poll.add_all(numbers(poll, default))
    for given in (visit.vars, *visit.frame.declared):
        if EXPECT_VARIABLE in given:
            use.expected.add_all(numbers(evaluator.data(given[EXPECT_VARIABLE]), 0))
            break
    use.settings.add(visit.setting(), visit.guard)


def _split(evaluator: Evaluator, raw: Any) -> Value:
    """The value, with all that a setting may make of it: ``0 if in_background else 15`` foresees both."""
    evaluator.splits_on_settings = True
    try:
        return evaluator.data(raw)
    finally:
        evaluator.splits_on_settings = False


def _poll(visit: Visit, evaluator: Evaluator) -> Value:
    """The poll interval, with 0 for null: Ansible starts the job before it fails on that (``_loses_id``)."""
    if "poll" not in visit.step.keywords:
        return OMIT
    return mapped(
        _split(evaluator, visit.step.keywords["poll"]), lambda value: Const(0) if plain(value) is None else value
    )


def _loses_id(visit: Visit) -> bool | None:
    """Whether the poll interval is null: the task starts its job, fails and gives no job id. None: perhaps.

    Seen on ansible-core 2.16 and 2.22. A template in the task that gives null fails on 2.16 before there is a job.
    """
    if "poll" not in visit.step.keywords:
        return False
    are_null = {
        plain(each) is None for _, each in options(_split(visit.any_round.evaluator, visit.step.keywords["poll"]))
    }
    return are_null.pop() if len(are_null) == 1 else None


def _default_polls(visit: Visit) -> frozenset[float]:
    return visit.walk.library.project.settings.default_polls(visit.frame.playbook or visit.step.path)


def _does_not_wait(poll: float) -> bool:
    """Ansible waits only where the interval is above 0 (ansible-core 2.16 to 2.22), cut down to whole seconds.

    Up to 2.17 it cuts fractions; from 2.18 on such a task fails (seen on 2.16 and 2.22).
    """
    return poll < 1


def _where(value: Value, default: float, wanted: Callable[[float], bool]) -> Formula:
    """Under what the value can be a number that is wanted."""
    found: list[Formula] = []
    for guard, inner in options(value):
        known, is_open = numbers(inner, default)
        if is_open or any(wanted(number) for number in known):
            found.append(guard)
    return disj(*found)


def launch(visit: Visit) -> bool:
    """Start the task's jobs, if it is a launch here; False where it runs in the foreground."""
    walk, step, frame = visit.walk, visit.step, visit.frame
    each, items = visit.any_round, visit.items
    start = _start(visit)
    if start is None:
        return False
    guard = conj(each.guard, start.under)
    number = len(walk.record.instances)
    register = step.keywords.get("register")
    declared = _detachment(visit, each.evaluator)
    instance = Instance(
        number=number,
        task=step,
        frame=frame,
        guard=True if guard is False else guard,
        is_looped=items is not None,
        count=_count(items),
        never_runs=guard is False,
        is_doubtful=start.is_doubtful,
        register=register if isinstance(register, str) else None,
        asks=visit.asks(guard),
        beside=_beside(visit, guard),
        detached=None if declared is None else declared.reason,
        lacks_reason=() if declared is None else declared.lacking,
        reaps_itself=_reaps_itself(walk, step),
        may_reap_itself=_may_reap_itself(walk, step),
        disconnect=disconnection.by_what_runs(visit, guard),
        run_once=visit.run_once,
        holds=visit.holds,
        by_default=conj(visit.by_default(each.evaluator.scope), start.under),
        own_condition=each.own_condition,
    )
    result = _handle(instance, items, step.loop_variable)
    changed = _changes(visit, result)
    instance.changed = changed if isinstance(changed, bool) else None
    result = _with_change(result, changed)
    instance.loses_id = _loses_id(visit)
    instance.fails_at_once = instance.loses_id is True or _failure(visit, result) is True
    result = _with_failure(visit, result)
    instance.starts_again = _starts_again(visit, result)
    instance.skips = _skips(visit, instance)
    if instance.skips and EACH not in instance.skips:
        rounds = enumerate(visit.rounds())
        instance.leaves_out = frozenset(at for at, each in rounds if each.own_condition is False)
    instance.lacking = _lacking(visit, instance)
    result = _perhaps_skipped(instance, result)
    if instance.disconnect is None or instance.disconnect.is_doubtful:
        instance.disconnect = disconnection.by_what_follows(visit, result) or instance.disconnect
    if start.is_doubtful:
        encrypted.may_set_numbers(visit.scope, number, walk)
    walk.record.instances.append(instance)
    walk.launched.append(number)
    walk.state.live.add(number, frame)
    if instance.register is not None and not (instance.is_detached or instance.reaps_itself):
        walk.state.pending.add(number)
    if visit.keyword("notify"):
        walk.state.notifying.add(number)
    visit.register(result)
    handlers.notify(visit, guard, changed=changed)
    return True


class _Start(NamedTuple):
    """That a task starts jobs that nothing polls for."""

    under: Formula
    is_doubtful: bool
    """No values that are known make it do so."""


def _start(visit: Visit) -> _Start | None:
    """Under what the task starts jobs; None where it runs in the foreground."""
    evaluator, keywords, defaults = visit.any_round.evaluator, visit.step.keywords, _default_polls(visit)
    if is_no_number(keywords["async"]) or is_no_number(keywords.get("poll")):
        return None  # the task fails and starts nothing
    poll, limits = _poll(visit, evaluator), _split(evaluator, keywords["async"])
    unpolled = conj(
        _where(limits, 0, lambda seconds: seconds > 0),
        disj(*(_where(poll, default, _does_not_wait) for default in defaults)),
    )
    # A limit below 0 starts a job too, for which Ansible never polls (seen on ansible-core 2.16 and 2.22).
    starts = disj(unpolled, _where(limits, 0, lambda seconds: seconds < 0))
    if starts is False:
        return _Start(True, is_doubtful=True) if _may_be_launch_elsewhere(visit, limits, poll, defaults) else None
    if starts is not True and not satisfiable(conj(starts, visit.any_round.own_condition)):
        return None
    is_unpolled = any(_does_not_wait(each) for default in defaults for each in numbers(poll, default)[0])
    is_below = any(seconds < 0 for seconds in numbers(limits, 0)[0])
    return _Start(starts, is_doubtful=not (is_unpolled or is_below))


def _may_be_launch_elsewhere(visit: Visit, limits: Value, poll: Value, defaults: frozenset[float]) -> bool:
    """Whether a task that runs in the foreground by all that is read may be a launch by what only a run reads."""
    keywords, scope = visit.step.keywords, visit.any_round.evaluator.scope

    def may_be(name: str, wanted: Callable[[float], bool]) -> bool:
        written = keywords.get(name)
        own = visit.walk.record.own.words
        return elsewhere.may_be_given(visit.walk.library, scope, written, wanted, own)

    starts = _where(limits, 0, lambda seconds: seconds != 0) is not False or may_be("async", lambda each: each != 0)
    polls_never = any(_where(poll, default, _does_not_wait) is not False for default in defaults)
    return starts and (polls_never or may_be("poll", _does_not_wait))


def _of_one_round(visit: Visit, result: Value) -> dict[str, Value]:
    """The register as the conditions of the task itself see it: one result, also in a loop."""
    name = visit.step.keywords.get("register")
    if not isinstance(name, str):
        return {}
    return {name: result.items.items[0] if isinstance(result, Results) and result.items.items else result}


def _changes(visit: Visit, result: Value) -> Formula:
    """Under what the launch counts as changed: always, unless ``changed_when`` says otherwise."""
    said = visit.changed_when(_of_one_round(visit, result))
    return True if said is None else said


def _with_change(result: Value, changed: Formula) -> Value:
    if changed is True:
        return result
    known = changed if isinstance(changed, bool) else None
    if isinstance(result, Results):
        items = tuple(replace(item, changed=known) if isinstance(item, Job) else item for item in result.items.items)
        return Results(replace(result.items, items=items))
    return replace(result, changed=known) if isinstance(result, Job) else result


def _with_failure(visit: Visit, result: Value) -> Value:
    """The result of a launch that may count as failed and be ignored: its job runs all the same.

    Seen on ansible-core 2.16 and 2.22. Where the failure is not ignored the host comes no further.
    """
    if not _own_conditions(visit) or str(visit.keyword("ignore_errors")).strip().lower() in (
        "none",
        "false",
        "no",
        "off",
        "0",
    ):
        return result
    known = _failure(visit, result)
    return with_jobs(result, lambda job: replace(job, failed=known) if isinstance(job, Job) else job)


def _own_conditions(visit: Visit) -> list[object]:
    """What the task judges its own result by."""
    return [visit.step.keywords[name] for name in ("failed_when", "changed_when") if name in visit.step.keywords]


def _failure(visit: Visit, result: Value) -> bool | None:
    """Whether its own conditions call the launch failed as soon as the job has been started. None: perhaps."""
    known = _reads_output(visit, _own_conditions(visit))
    if known is False and "failed_when" in visit.step.keywords:
        said = settled(visit.asked(visit.step.keywords["failed_when"], _of_one_round(visit, result)))
        known = said if isinstance(said, bool) else None
    return known


def _reads_output(visit: Visit, written: list[object]) -> bool | None:
    """Whether one of these conditions reads what only an ended job's result has: the task fails. None: perhaps.

    Seen on ansible-core 2.16 and 2.22.
    """
    register = visit.step.keywords.get("register")
    if not isinstance(register, str):
        return False
    parts = [str(part) for each in written for part in as_list(each)]
    read = (match for part in parts for match in _KEY.finditer(part) if match["of"] == register)
    if not any((match["key"] or match["quoted"]) in ABSENT_WHILE_RUNNING for match in read):
        return False
    text = " ".join(parts)
    if _SEES_TO_IT.search(text):
        return False
    return None if len(parts) > len(written) or _MAY_NOT_COME_TO_IT.search(text) else True


def _starts_again(visit: Visit, result: Value) -> bool | None:
    """Whether the launch's ``until`` is not met by a job that has just started: each try then starts one more."""
    met = visit.until(_of_one_round(visit, result))
    if met is None or met is True:
        return False
    return True if met is False else None


def _skips(visit: Visit, instance: Instance) -> frozenset[int]:
    """The items of the loop for which the task's own condition, or that of a block around it, may not hold."""
    written = [part for each in (*visit.frame.whens, visit.step.keywords.get("when")) for part in as_list(each)]
    named = frozenset[str]().union(*(expressions.names(str(part)) for part in written))
    if not instance.is_looped or visit.step.loop_variable not in named:
        return frozenset()
    if instance.count is None:
        return frozenset({EACH})
    return frozenset(at for at, each in enumerate(visit.rounds()) if each.own_condition is not True)


def _lacking(visit: Visit, instance: Instance) -> dict[int, Formula]:
    """The results of the loop that may be those of skipped items, each with under what it is one.

    Where the condition does not name the item, all are or none; then only a list that is written out surely has some.
    """
    if EACH in instance.skips:
        return {EACH: neg(instance.own_condition)}
    if not instance.is_looped or instance.count is None:
        return {}
    lacking = {at: neg(decided(each.own_condition, _as_ordered)) for at, each in enumerate(visit.rounds())}
    return {at: under for at, under in lacking.items() if under is not False}


def _as_ordered(atom: Atom) -> bool | None:
    """A run that does what it is for, with all tags."""
    if atom.text == "ansible_check_mode":
        return False
    return True if atom.text.startswith(TAG_OPTION) else None


def _perhaps_skipped(instance: Instance, result: Value) -> Value:
    """The register as later tasks see it: of a launch that its condition may skip the whole of."""
    when = instance.own_condition
    if isinstance(when, bool) or instance.skips or len(set(atoms(when))) > MAX_CONDITIONS:
        return result
    return with_jobs(result, lambda job: replace(job, when=when) if isinstance(job, Job) else job)


def _count(items: Seq | None) -> int | None:
    """How many jobs a loop over a list that is written out starts."""
    if items is None:
        return 1
    if items.is_open or not items.items or len(items.items) > MAX_COUNTED:
        return None
    if any(isinstance(item, (Alt, Job)) or plain(item) is NOT_PLAIN for item in items.items):
        return None
    return len(items.items)


def _handle(instance: Instance, items: Seq | None, loop_var: str) -> Value:
    if items is None:
        return Job(instance.number)
    if instance.count is not None:
        jobs = (Job(instance.number, at, loop_var=loop_var, item=item) for at, item in enumerate(items.items))
        return Results(Seq(tuple(jobs)))
    return Results(Seq((Job(instance.number, EACH, loop_var=loop_var),)))


def _beside(visit: Visit, guard: Formula) -> tuple[Task, ...]:
    """The launches of the play that may still run; not those whose condition rules this one's out."""
    walk = visit.walk
    found: list[Task] = []
    for number in itertools.islice(walk.state.live.of_play(visit.frame), MAX_COMPARED):
        if len(found) == MAX_BESIDE:
            break
        other = walk.record.instances[number]
        if other.task is visit.step or other.task in found:
            continue
        if not exclude_plainly(guard, other.guard):
            found.append(other.task)
    return tuple(found)


class _Declared(NamedTuple):
    """What the nearest ``vars:`` around a launch declares."""

    reason: str
    lacking: tuple[tuple[int | None, Formula], ...] = ()
    """The items (None for all) whose reason comes to nothing, each with the condition under which it does."""


def _detachment(visit: Visit, evaluator: Evaluator) -> _Declared | None:
    declaring = next((given for given in (visit.vars, *visit.frame.declared) if DETACH_VARIABLE in given), None)
    if declaring is None:
        return None
    raw = declaring[DETACH_VARIABLE]
    rounds: list[tuple[int | None, Evaluator]] = [(None, evaluator)]
    if _count(visit.items) is not None and visit.items is not None and expressions.is_template(raw):
        rounds = [(at, each.evaluator) for at, each in enumerate(visit.rounds())]
    values = [(at, each.data(raw)) for at, each in rounds]
    lacking = tuple((at, under) for at, value in values if (under := _is_empty(value)) is not False)
    given = next((value for at, value in values if (at, True) not in lacking), None)
    return _Declared("") if given is None else _Declared(_reason(raw, given), lacking)


def _is_empty(value: Value) -> Formula:
    """Under what a reason comes to nothing."""
    return disj(*(under for under, inner in options(value) if _is_nothing(inner)))


def _is_nothing(value: Value) -> bool:
    data = plain(value)
    if isinstance(data, str):
        return not data.strip() or value == OMIT
    return data is None or data is False or (isinstance(value, Undefined) and value.is_sure)


def _reason(raw: Any, value: Value) -> str:
    data = plain(value)
    return str(raw if data is NOT_PLAIN or isinstance(raw, Hidden) else data)


def _reaps_itself(walk: Walk, step: Task) -> bool:
    """Whether the task's action plugin waits for its job: Ansible's, or the project's under a name of its own."""
    own = walk.record.own
    if step.short_name not in BUILTIN_MODULES and own.waits_for_jobs(step.short_name):
        return True
    return step.module in _SELF_REAPING and not (own.has_module(step.short_name) or own.has_basis)


def _may_reap_itself(walk: Walk, step: Task) -> bool:
    """Whether a plugin, the project's own or not, may wait for the job under the name of one that does so.

    A full name, as ``ansible.builtin.command``, never means the project's (seen on ansible-core 2.16 and 2.22), unless
    it is that of a collection which the project holds, or which sends the name on.
    """
    own = walk.record.own
    if step.module in _SELF_REAPING and "." in step.module and not own.has_in_collection(step.module):
        return True
    return not step.action.startswith("ansible.builtin.") and own.looks_at_jobs(step.short_name)
