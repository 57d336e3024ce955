"""Tasks that look at jobs: what they wait for, and which jobs they mean."""

from __future__ import annotations

from typing import NamedTuple

from ansible_reap.content import expressions
from ansible_reap.content.model import Task, as_list
from ansible_reap.flow.analysis import ReapKind
from ansible_reap.flow.evaluation.formulas import Formula, atoms, disj, satisfiable, settled
from ansible_reap.flow.evaluation.scalars import numbers
from ansible_reap.flow.evaluation.values import Const, Job, Stage, Undefined, Value, options, plain
from ansible_reap.flow.walk import alterations
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.late_patterns import expression
from ansible_reap.timing import DEFAULT_RETRIES

_RUNNING = -7
"""The instance number that stands for the job that is asked for while it is still running."""

_ASKED_BY = expression(r"(?:\bis[\s(]+(?:not[\s(]+)?|\|\s*|['\"])(?:ansible\.legacy\.)?([A-Za-z]\w*)")
"""The tests and filters in a text, those of collections left out; ``select`` has a test's name in quotes.

Under ``ansible.legacy`` the project's own come first too (ansible-core 2.16 and 2.22).
"""
_ESCAPED_BLANK = expression(r"\\[nrtf]")
"""What stands for a blank in the text of a list or a mapping."""
_NOT_ASKING = frozenset({"name", "retries", "delay", "no_log", "become", "become_user", "tags", "changed_when"})
"""Keywords on which it does not hang whether a task waits, and for what."""


def is_status(task: Task) -> bool:
    """``async_status`` in any of its spellings, a mistaken collection name too, and a project's own copy perhaps."""
    name = task.short_name
    return name == "async_status" or ("async_status" in name and "jid" in task.args)


def is_wait_action(task: Task) -> bool:
    """The action that reaps everything outstanding on its host."""
    return task.module == "reap.jobs.wait"


class LookKind(NamedTuple):
    """What a task at a job does."""

    kind: ReapKind
    is_sure: bool = True
    """False of a wait whose condition may hold while the job still runs, for all that is understood of it."""
    may_hold_early: bool = False
    """Whether that doubt is about its own ``until``."""
    once: Formula = False
    """Under what it goes on though the job runs: with no retries, or by what else its condition asks for."""


def kind_of_look(visit: Visit) -> LookKind:
    """Whether the task goes on only when the job has finished."""
    task = visit.step
    mode = visit.argument(visit.any_round.evaluator, "mode")
    modes = {_mode(inner) for _, inner in options(mode)} if mode is not None else {"status"}
    if modes == {"cleanup"}:
        return LookKind(ReapKind.CLEANUP)
    if not modes <= {"status"}:
        return LookKind(ReapKind.WAIT, is_sure=False)
    if task.short_name != "async_status":
        return LookKind(ReapKind.WAIT, is_sure=False)  # whatever a module of such a name does
    register = task.keywords.get("register")
    names: dict[str, Value] = {}
    if isinstance(register, str):
        names = {register: Job(_RUNNING, stage=Stage.RUNNING)}
    until = visit.until(names)
    until = None if until is None else settled(until)
    once = _looks_once(visit) if until is not None else True
    if until is not None and until is not True and once is not True and not satisfiable(until):
        return LookKind(ReapKind.WAIT, is_ansibles_own(visit) and not _may_give_up(visit), once=once)
    otherwise = _met_otherwise(visit, until) if until is not None and once is False else None
    if otherwise is not None:
        return LookKind(ReapKind.WAIT, is_ansibles_own(visit) and not _may_give_up(visit), once=otherwise)
    failed_when = task.keywords.get("failed_when")
    if failed_when is not None and not isinstance(failed_when, bool):
        parts = as_list(failed_when)
        if parts and all(visit.asked(part, names) is True for part in parts):
            ignored = visit.keyword("ignore_errors")
            if not ignored:
                return LookKind(ReapKind.WAIT, is_sure=is_ansibles_own(visit) and not visit.frame.is_rescued)
            if not isinstance(ignored, bool):
                return LookKind(ReapKind.WAIT, is_sure=False)
    if until is None or until is True or once is True:
        return LookKind(ReapKind.PEEK)
    return LookKind(ReapKind.WAIT, is_sure=False, may_hold_early=True)


def _met_otherwise(visit: Visit, until: Formula) -> Formula | None:
    """What ``until`` says of a job that runs, where nothing but the job decides on it any more; None where more may."""
    step, written, asked = visit.step, [visit.step.keywords["until"]], list(atoms(until))
    words = {word for atom in asked for word in alterations.asked_words(atom.text)}
    register = step.keywords.get("register")
    if not isinstance(register, str):
        return None
    own = {register, step.loop_variable, step.index_variable, "ansible_loop"}
    is_of_jobs = any(atom.about or atom.is_opaque or atom.is_choice for atom in asked)
    if until is True or is_of_jobs or words & own or alterations.may_vary((atom.text for atom in asked), visit.scope):
        return None
    if register not in alterations.asked_for(written, visit.scope):
        return None  # it does not ask for the job
    return alterations.asked_now(until, visit.walk.state.changes, visit.reading(visit.evaluator), written)


def never_holds(visit: Visit) -> bool:
    """Whether the task's ``until`` holds neither while the job runs nor when it has ended, whatever becomes of it."""
    register = visit.step.keywords.get("register")
    found: list[Formula | None] = []
    for stage in (Stage.RUNNING, Stage.DONE):
        names: dict[str, Value] = {register: Job(_RUNNING, stage=stage)} if isinstance(register, str) else {}
        found.append(visit.until(names))
    return all(said is not None and not satisfiable(said) for said in found) and is_ansibles_own(visit)


def _mode(value: Value) -> str | None:
    """The ``mode`` of a look; None for one that is not known."""
    if isinstance(value, Undefined) and value.is_sure:
        return "status"
    data = plain(value)
    if data is None or data == "__omit__":
        return "status"
    return data if isinstance(data, str) else None


def _looks_once(visit: Visit) -> Formula:
    """Under what the task has no retries: ``until`` is not asked at all then (ansible-core 2.16 to 2.22)."""
    written = visit.step.keywords.get("retries")
    if not expressions.is_template(written):
        known, _ = numbers(Const(written), DEFAULT_RETRIES)
        return bool(known) and max(known) < 1
    choices = ((guard, numbers(inner, DEFAULT_RETRIES)) for guard, inner in options(visit.evaluator.data(written)))
    return settled(disj(*(guard for guard, (known, _) in choices if known and max(known) < 1)))


def is_ansibles_own(visit: Visit) -> bool:
    """Whether the module and all that the condition asks by are Ansible's, and not the project's under their names.

    Also under the full name Ansible's action runs the module that the project has in ``library`` (seen on ansible-core
    2.16 and 2.22).
    """
    task, own = visit.step, visit.walk.record.own
    if own.has_module(task.short_name) or own.has_basis:
        return False
    if not own.words:
        return True
    keywords = {name: raw for name, raw in task.keywords.items() if name not in _NOT_ASKING}
    return own.words.isdisjoint(_ASKED_BY.findall(_ESCAPED_BLANK.sub(" ", f"{task.args} {keywords}")))


def _may_give_up(visit: Visit) -> bool:
    """Whether the wait may end before the job does, by its loop or an include's."""
    return breaks_off(visit.step) or visit.frame.may_break_off


def breaks_off(task: Task) -> bool:
    """Whether the loop may end before its last item: ``break_when`` (ansible-core 2.18 and later)."""
    control = task.keywords.get("loop_control")
    return isinstance(control, dict) and "break_when" in control


def deletes(task: Task) -> bool:
    """Whether a task that is given a job's status file deletes it, as a clean-up does."""
    return task.module == "file" and task.args.get("state") == "absent"
