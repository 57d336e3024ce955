"""Tasks that fail whenever they run: in a block whose ``rescue`` goes on, what is left of the block is passed over."""

from __future__ import annotations

from ansible_reap.flow.evaluation.conditions import condition
from ansible_reap.flow.evaluation.formulas import implies, settled
from ansible_reap.flow.walk import calls
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.late_patterns import expression

_FAILS = expression(r"\s*(?:/(?:usr/)?bin/)?false\s*")
_EXITS = expression(r"\s*(?:(?:/(?:usr/)?bin/)?false|exit\s+[1-9]\d{0,2})\s*")
_COMMANDS = {"command": _FAILS, "shell": _EXITS, "raw": _EXITS}
"""Modules of ansible-core 2.16 to 2.22 -> commands that end with another status than 0."""


def note_failure(visit: Visit) -> None:
    """Note that the block has failed, where the task surely fails and surely runs whenever the block does."""
    under = visit.frame.rescued_under
    if under is None or under is False or visit.step.loop_keyword is not None or visit.keyword("ignore_errors"):
        return
    if _surely_fails(visit) and implies(under, visit.guard):
        visit.walk.state.block_failed = True


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
