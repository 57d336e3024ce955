"""Tasks that fail whenever they run: what is left of the play is not reached.

In a block with a ``rescue`` only what is left of the block is passed over, unless that fails in its turn.
"""

from __future__ import annotations

from ansible_reap.flow.analysis import ReapKind
from ansible_reap.flow.evaluation.conditions import condition
from ansible_reap.flow.evaluation.formulas import Formula, conj, implies, settled
from ansible_reap.flow.walk import calls
from ansible_reap.flow.walk.record import Instance
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.late_patterns import expression

_FAILS = expression(r"\s*(?:/(?:usr/)?bin/)?false\s*")
_EXITS = expression(r"\s*(?:(?:/(?:usr/)?bin/)?false|exit\s+[1-9]\d{0,2})\s*")
_COMMANDS = {"command": _FAILS, "shell": _EXITS, "raw": _EXITS}
"""Modules of ansible-core 2.16 to 2.22 -> commands that end with another status than 0."""


def note_failure(visit: Visit) -> None:
    """Note what is not reached, where the task surely fails and surely runs whenever the block or the launch does."""
    walk, frame = visit.walk, visit.frame
    _pass_by(visit)
    under = frame.failing_under
    is_of_concern = under is not False if under is not None else bool(walk.state.pending) and not frame.is_caught
    if not is_of_concern or visit.keyword("ignore_errors"):
        return
    own = _launched_in_vain(visit)
    fails = _fails_where(visit, own)
    if fails is False:
        return
    if under is not None:
        if implies(under, fails):
            walk.state.block_failed = True
        return
    is_for_all = visit.run_once in (None, False)
    for number in () if frame.is_handler else walk.state.pending:
        instance = walk.record.instances[number]
        is_here = instance.frame.play == frame.play and not instance.never_runs
        if is_here and (instance is own or (is_for_all and implies(instance.guard, fails))):
            walk.cut_off.setdefault(number, (visit.step, len(instance.covers)))


def _launched_in_vain(visit: Visit) -> Instance | None:
    """The launch that the task has just been, where its own conditions call it failed whatever becomes of the job."""
    for last in visit.walk.record.instances[-1:]:
        is_this = last.task is visit.step and last.frame is visit.frame
        if is_this and last.fails_at_once and not (last.is_doubtful or last.never_runs):
            return last
    return None


def _fails_where(visit: Visit, own: Instance | None) -> Formula:
    """Under what the task runs and surely fails; ``own`` is the launch that it is, where that fails at once."""
    if own is not None:
        return conj(own.guard, own.holds)
    return visit.guard if visit.step.loop_keyword is None and _surely_fails(visit) else False


def _pass_by(visit: Visit) -> None:
    """A look that comes after its launch's host has failed is not reached; handlers and other plays may be."""
    for number, (step, before) in visit.walk.cut_off.items():
        instance = visit.walk.record.instances[number]
        is_reached = visit.frame.is_handler or visit.frame.play != instance.frame.play
        for cover in instance.covers[before:]:
            if is_reached:
                cover.is_sure = False
            elif cover.kind is ReapKind.WAIT:
                cover.guard = False
                instance.cut_off_by = step
        visit.walk.cut_off[number] = step, len(instance.covers)


def _surely_fails(visit: Visit) -> bool:
    step = visit.step
    if step.module == "meta" or step.module in calls.TASK_CALLS or step.module in calls.ROLE_CALLS:
        return False
    if "failed_when" in step.keywords:
        # what it registers is known by now
        return settled(visit.asked(step.keywords["failed_when"], {})) is True
    if step.module == "assert" and not visit.walk.record.own.has_module(step.short_name):
        that = step.args.get("that", step.args.get("_raw_params"))
        return that is not None and settled(condition(visit.evaluator, that)) is False
    return always_fails(visit)


def always_fails(visit: Visit) -> bool:
    """Whether the task fails whenever its module runs: a ``fail``, or a command that can end in no other way."""
    step = visit.step
    if visit.walk.record.own.has_module(step.short_name):
        return False  # whatever the project's own module of that name does
    if step.module == "fail":
        return True
    command = _COMMANDS.get(step.module)
    if command is None or "async" in step.keywords:
        return False
    given = set(step.args) - {"_raw_params", "cmd"}
    text = step.args.get("_raw_params", step.args.get("cmd"))
    return not given and isinstance(text, str) and command.fullmatch(text) is not None
