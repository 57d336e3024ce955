"""Tasks that look at jobs: what they wait for, and which jobs they mean."""

from __future__ import annotations

from typing import NamedTuple

from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import ReapKind
from ansible_reap.flow.evaluation.formulas import Formula, atoms, decided, satisfiable, settled
from ansible_reap.flow.evaluation.values import Job, Stage, Value, plain
from ansible_reap.flow.walk.visit import Visit

_RUNNING = -7
"""The instance number that stands for the job that is asked for while it is still running."""

_WATCHING = frozenset({"stat", "slurp", "command", "shell", "raw", "win_shell", "win_command", "win_stat", "wait_for"})
"""Modules that can look at a status file: of ansible-core 2.16 to 2.22, and of ansible.windows."""


def is_status(task: Task) -> bool:
    """``async_status`` in any of its spellings, a mistaken collection name and a project's own copy of it too."""
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


def kind_of_look(visit: Visit) -> LookKind:
    """Whether the task goes on only when the job has finished."""
    task = visit.step
    mode = visit.argument(visit.any_round.evaluator, "mode")
    if mode is not None and plain(mode) == "cleanup":
        return LookKind(ReapKind.CLEANUP)
    register = task.keywords.get("register")
    names: dict[str, Value] = {}
    if isinstance(register, str):
        names = {register: Job(_RUNNING, stage=Stage.RUNNING)}
    until = visit.until(names)
    until = None if until is None else settled(until)
    if until is not None and until is not True and _asks_for_the_end(until):
        return LookKind(ReapKind.WAIT)
    failed_when = task.keywords.get("failed_when")
    if failed_when is not None and not isinstance(failed_when, bool):
        parts = failed_when if isinstance(failed_when, list) else [failed_when]
        if parts and all(visit.asked(part, names) is True for part in parts):
            return LookKind(ReapKind.WAIT)
    if until is None or until is True:
        return LookKind(ReapKind.PEEK)
    return LookKind(ReapKind.WAIT, is_sure=False)


def _asks_for_the_end(until: Formula) -> bool:
    """Whether the condition cannot hold, whatever else does, before what it asks of the job has changed."""
    is_of_job = {atom for atom in atoms(until) if _RUNNING in atom.about}
    if_none_holds = decided(until, lambda atom: False if atom in is_of_job else None)
    if_all_hold = decided(until, lambda atom: True if atom in is_of_job else None)
    return not (satisfiable(if_none_holds) and satisfiable(if_all_hold))


def watches_file(task: Task) -> bool:
    """Whether a task that is given a job's status file waits for what is to come in it."""
    module = task.short_name
    if module == "wait_for":
        return "search_regex" in task.args
    return module in _WATCHING and "until" in task.keywords


def waits_for_process(task: Task) -> bool:
    """A wait for the job's own watchdog to end."""
    module = task.short_name
    return module == "win_wait_for_process" and str(task.args.get("state", "")) == "absent"
