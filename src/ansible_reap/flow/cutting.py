"""Launches that cut their own connection: by what they run, or by what waits for the connection right after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_reap.content.model import Task
from ansible_reap.content.tasks import Step
from ansible_reap.flow.evaluation.formulas import Formula, atoms
from ansible_reap.flow.evaluation.values import NOT_PLAIN, Const, Seq, Value, options, plain
from ansible_reap.flow.walk.context import own_vars
from ansible_reap.flow.walk.loops import loop_variable
from ansible_reap.flow.walk.state import Frame
from ansible_reap.shell.disconnects import awaits_connection, could_cut, cuts_connection

if TYPE_CHECKING:
    from ansible_reap.flow.evaluation.evaluator import Evaluator
    from ansible_reap.flow.walk.walk import Walk

MAX_ITEMS = 32
"""Items of a loop that are tried."""


def cuts(walk: Walk, step: Task, frame: Frame, items: Seq | None, guard: Formula) -> bool:
    """Whether the task cuts its own connection, with templates filled in where they are known."""
    if cuts_connection(step.module, step.args, step.name):
        return True
    if not could_cut(step.module):
        return False
    if _is_awaited(walk, step):
        return True
    if "{{" not in str(step.args):
        return False
    candidates: list[Value | None] = list(items.items[:MAX_ITEMS]) if items is not None else [None]
    if items is not None:
        # a loop over what is not known, narrowed down by `when: item in [...]`
        candidates += [Const(atom.value) for atom in atoms(guard) if atom.subject == loop_variable(step)]
    for item in candidates:
        bound = {} if item is None else {loop_variable(step): item}
        evaluator = walk.evaluator(frame, own_vars(step), bound)
        filled = {key: _filled(evaluator, raw) for key, raw in step.args.items()}
        if filled != step.args and cuts_connection(step.module, filled, step.name):
            return True
    return False


def _is_awaited(walk: Walk, step: Task) -> bool:
    """Whether the next task but for pauses waits for the host's connection: then the command is known to cut it."""
    if "delegate_to" in step.keywords:
        return False
    for steps in walk.library.content(step.path).lists():
        if step in steps:
            later = steps[steps.index(step) + 1 :]
            following = next((other for other in later if not _only_waits(other)), None)
            return following is not None and _awaits(step, following)
    return False


def _only_waits(step: Step) -> bool:
    return isinstance(step, Task) and step.module in ("pause", "meta")


def _awaits(step: Task, other: Step) -> bool:
    if not isinstance(other, Task):
        return False
    when = step.keywords.get("when")
    same = other.keywords.get("when", when) == when
    return same and awaits_connection(other.module, other.args, is_local="delegate_to" in other.keywords)


def _filled(evaluator: Evaluator, raw: Any) -> Any:
    for _, inner in options(evaluator.data(raw)):
        data = plain(inner)
        if data is not NOT_PLAIN:
            return data
    return raw
