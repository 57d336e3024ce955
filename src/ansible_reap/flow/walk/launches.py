"""Launches: tasks whose limit is above 0 and whose poll interval is 0 on some way in which they are reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_reap.content.model import Task
from ansible_reap.content.source import Hidden
from ansible_reap.flow.cutting import cuts
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Formula, conj, disj, exclude_plainly, satisfiable
from ansible_reap.flow.evaluation.scalars import numbers
from ansible_reap.flow.evaluation.values import EACH, NOT_PLAIN, UNKNOWN, Alt, Job, Results, Seq, Value, options, plain
from ansible_reap.flow.walk import handlers
from ansible_reap.flow.walk.context import async_dir_of, own_vars, set_register, setting_of
from ansible_reap.flow.walk.loops import loop_items, loop_keyword, loop_variable
from ansible_reap.flow.walk.record import UseRecord
from ansible_reap.flow.walk.state import Frame, Instance
from ansible_reap.jobs import DETACH_VARIABLE, EXPECT_VARIABLE

if TYPE_CHECKING:
    from ansible_reap.flow.walk.walk import Walk

MAX_COUNTED = 32
_SELF_REAPING = frozenset({"community.general.iptables_state", "iptables_state"})
"""Modules whose action plugin waits for the job it starts."""


def _item_evaluator(walk: Walk, step: Task, frame: Frame) -> Evaluator:
    """An evaluator for what does not depend on the loop's item."""
    if loop_keyword(step.keywords) is None:
        return walk.evaluator(frame, own_vars(step))
    return walk.evaluator(frame, own_vars(step), {loop_variable(step): UNKNOWN})


def note_use(walk: Walk, step: Task, frame: Frame) -> None:
    """Write down what the task's ``async`` and ``poll`` are here."""
    use = walk.record.uses.setdefault(id(step), UseRecord(step))
    evaluator = _item_evaluator(walk, step, frame)
    if "async" in step.keywords:
        use.limit.add_all(numbers(evaluator.data(step.keywords["async"]), 0))
    default = walk.library.project.settings.poll
    use.poll.add_all(numbers(_split(evaluator, step.keywords.get("poll")), default))
    for given in (own_vars(step), *frame.declared):
        if EXPECT_VARIABLE in given:
            use.expected.add_all(numbers(evaluator.data(given[EXPECT_VARIABLE]), 0))
            break
    if len(use.settings) < 50:
        setting = setting_of(step, frame, async_dir_of(step, frame))
        use.settings.setdefault(setting.via, setting)


def _split(evaluator: Evaluator, raw: Any) -> Value:
    """The value, with all that a setting may make of it: ``0 if in_background else 15`` foresees both."""
    evaluator.splits_on_settings = True
    try:
        return evaluator.data(raw)
    finally:
        evaluator.splits_on_settings = False


def _where(value: Value, default: float, wanted: Callable[[float], bool]) -> Formula:
    """Under what the value can be a number that is wanted."""
    found: list[Formula] = []
    for guard, inner in options(value):
        known, is_open = numbers(inner, default)
        if is_open or any(wanted(number) for number in known):
            found.append(guard)
    return disj(*found)


def launch(walk: Walk, step: Task, frame: Frame) -> bool:
    """Start the task's jobs, if it is a launch here; False where it runs in the foreground."""
    evaluator = _item_evaluator(walk, step, frame)
    default = walk.library.project.settings.poll
    poll = _split(evaluator, step.keywords.get("poll"))
    starts = conj(
        _where(_split(evaluator, step.keywords["async"]), 0, lambda limit: limit > 0),
        _where(poll, default, lambda seconds: seconds == 0),
    )
    own = walk.guard_of(step, frame, evaluator)
    if starts is False or (starts is not True and not satisfiable(conj(starts, own))):
        return False
    guard = conj(frame.guard, own, starts)
    items = loop_items(walk.evaluator(frame, own_vars(step)), step)
    number = len(walk.record.instances)
    register = step.keywords.get("register")
    instance = Instance(
        number=number,
        task=step,
        frame=frame,
        guard=True if guard is False else guard,
        is_looped=items is not None,
        count=_count(items),
        never_runs=guard is False,
        is_doubtful=0 not in numbers(poll, default)[0],
        register=register if isinstance(register, str) else None,
        beside=_beside(walk, step, frame, guard),
        detached=_detachment(evaluator, step, frame),
        reaps_itself=_reaps_itself(walk, step),
        cuts=cuts(walk, step, frame, items, guard),
    )
    walk.record.instances.append(instance)
    walk.launched.append(number)
    walk.state.live.add(number)
    if instance.register is not None and not (instance.cuts or instance.detached or instance.reaps_itself):
        walk.state.pending.add(number)
    set_register(walk, step, register, _handle(instance, items, loop_variable(step)))
    handlers.notify(walk, step, frame, guard, always_changes=True)
    return True


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


def _beside(walk: Walk, step: Task, frame: Frame, guard: Formula) -> tuple[Task, ...]:
    """The launches of the play that may still run; not those whose condition rules this one's out."""
    found: list[Task] = []
    for number in sorted(walk.state.live):
        other = walk.record.instances[number]
        same_play = other.frame.play == frame.play and other.frame.playbook == frame.playbook
        if not same_play or other.task is step or other.task in found:
            continue
        if not exclude_plainly(guard, other.guard):
            found.append(other.task)
    return tuple(found[:20])


def _detachment(evaluator: Evaluator, step: Task, frame: Frame) -> str | None:
    """The reason that the nearest ``vars:`` around the task declares."""
    for given in (own_vars(step), *frame.declared):
        if DETACH_VARIABLE in given:
            return _reason(evaluator, given)
    return None


def _reason(evaluator: Evaluator, given: Mapping[str, Any]) -> str:
    raw = given[DETACH_VARIABLE]
    data = plain(evaluator.data(raw))
    if data is None or data is False:
        return ""
    return str(raw if data is NOT_PLAIN or isinstance(raw, Hidden) else data)


def _reaps_itself(walk: Walk, step: Task) -> bool:
    return step.module in _SELF_REAPING or step.module.rsplit(".", 1)[-1] in walk.self_reaping
