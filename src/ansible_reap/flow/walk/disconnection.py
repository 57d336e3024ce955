"""Whether a launch cuts its own connection, by what it runs or by what waits for the connection right after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_reap.content.model import Task, as_list
from ansible_reap.content.tasks import Step
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Formula, atoms, implies
from ansible_reap.flow.evaluation.scalars import numbers
from ansible_reap.flow.evaluation.values import NOT_PLAIN, Const, Undefined, Value, options, plain
from ansible_reap.flow.walk.own_scripts import last_act_of
from ansible_reap.flow.walk.visit import Round, Visit
from ansible_reap.records import replace
from ansible_reap.shell.disconnects import (
    Disconnect,
    awaits_connection,
    could_cut,
    cuts_connection,
    leaves_connection,
    stays_without_a_shell,
)
from ansible_reap.shell.names import COMMAND_MODULES, SERVICE_MODULES
from ansible_reap.shell.own_path import is_shell_of_system, names_programs_by_path, sets_path
from ansible_reap.shell.sure_disconnects import how_it_cuts

MAX_CUTTING_ITEMS = 32
"""Items of a loop that are tried for what cuts the connection."""
WORK_PER_CHARACTER = 18
"""What it takes to understand a command, here and wherever a check asks what it does."""
WORK_PER_COMMAND = 160_000
"""The most of that: a text of more commands is not understood."""
_RUN_BY = {"shell": frozenset({"command"}), "service": SERVICE_MODULES}
"""What the actions of ansible-core 2.16 to 2.22 run under other names than their own, from ``library`` too."""
_ADDRESS = frozenset({"ansible_host", "ansible_ssh_host", "ansible_port", "ansible_ssh_port"})
TIME_TO_CUT = 60
"""Seconds: under a limit up to this what runs before the connection is cut is no work of its own."""


def by_what_runs(visit: Visit, guard: Formula) -> Disconnect | None:
    """How the task cuts its own connection, by its command or its script; None where it is not known to."""
    step, walk = visit.step, visit.walk
    if step.short_name in COMMAND_MODULES:
        bounds.spend(min(WORK_PER_CHARACTER * len(str(step.args)), WORK_PER_COMMAND))
    found = _how_it_cuts(visit, guard) or last_act_of(walk.library.project.root, step, visit.frame.playbook)
    if found is not None and _may_be_of_project(visit):
        return replace(found, is_doubtful=True)
    if found is None or not found.works_first or _has_time_for_work(visit.any_round.evaluator, step):
        return found
    return replace(found, works_first=False)


def by_what_follows(visit: Visit, result: Value) -> Disconnect | None:
    """The same by the task after it, which waits for the connection. ``result`` is what the register holds then."""
    step = visit.step
    if not could_cut(step.module) or stays_without_a_shell(step.module, step.args) or not _is_awaited(visit, result):
        return None
    return Disconnect(works_first=leaves_connection(step.module, step.args), is_doubtful=_may_be_of_project(visit))


def _may_be_of_project(visit: Visit) -> bool:
    """Whether the task may run a module of the project's own, or a program that the project has put first."""
    step, own = visit.step, visit.walk.record.own
    if own.has_basis or own.has_module(step.short_name) or any(map(own.has_beside, _RUN_BY.get(step.short_name, ()))):
        return True
    if not _is_shell_of_system(visit.any_round.evaluator):
        return True
    return _is_path_set(visit) and not names_programs_by_path(step.module, step.args)


def _is_shell_of_system(evaluator: Evaluator) -> bool:
    """Whether the shell that Ansible runs everything by is one of the system."""
    for _, value in options(evaluator.name("ansible_shell_executable")):
        data = plain(value)
        if not isinstance(value, Undefined) and not (isinstance(data, str) and is_shell_of_system(data)):
            return False
    return True


def _is_path_set(visit: Visit) -> bool:
    """Whether ``environment``, of the task or around it, may say where programs or their libraries are looked for."""
    given = (as_list(visit.step.keywords.get("environment")), as_list(visit.frame.keywords.get("environment")))
    evaluator = visit.any_round.evaluator
    return any(_may_set_path(evaluator, each) for entries in given for each in entries)


def _may_set_path(evaluator: Evaluator, given: object) -> bool:
    if isinstance(given, Mapping):
        return any(sets_path(f"{name}={value}") for name, value in given.items())
    for _, value in options(evaluator.data(given)):
        data = plain(value)
        if data is NOT_PLAIN or isinstance(value, Undefined):
            return True
        if isinstance(data, Mapping) and any(sets_path(f"{name}={inner}") for name, inner in data.items()):
            return True
    return False


def _how_it_cuts(visit: Visit, guard: Formula) -> Disconnect | None:
    """How the task cuts its own connection, by what it runs. Templates are filled in where they are known."""
    step, items = visit.step, visit.items
    found = _by_args(step, step.args)
    if (found and not found.is_doubtful) or not could_cut(step.module) or "{{" not in str(step.args):
        return found
    rounds = [Round(visit, visit.evaluator)]
    if items is not None:
        tried: list[Value] = list(items.items[:MAX_CUTTING_ITEMS])
        # a loop over what is not known, narrowed down by `when: item in [...]`
        named = (atom for atom in atoms(guard) if atom.value is not None and atom.said == step.loop_variable)
        tried += [Const(atom.value) for atom in named]
        rounds = [visit.round_with(item) for item in tried]
    for each in rounds:
        filled = {key: _filled(each.evaluator, raw) for key, raw in step.args.items()}
        each_found = _by_args(step, filled) if filled != step.args else None
        if each_found and not each_found.is_doubtful:
            return each_found
        found = found or each_found
    return found


def _by_args(step: Task, args: Mapping[str, object]) -> Disconnect | None:
    """How the task with these arguments cuts its connection; by its name alone it is taken to do nothing else."""
    if cuts_connection(step.module, args, None):
        return how_it_cuts(step.module, args)
    return Disconnect(works_first=False) if cuts_connection(step.module, args, step.name) else None


def _has_time_for_work(evaluator: Evaluator, step: Task) -> bool:
    """Whether the limit gives a command time for more than to cut the connection."""
    limits, is_open = numbers(evaluator.data(step.keywords["async"]), 0)
    return is_open or any(limit > TIME_TO_CUT for limit in limits)


def _is_awaited(visit: Visit, result: Value) -> bool:
    """Whether the next task waits for the host's connection: then the command is known to cut it.

    Pauses, and facts that say at which address the host is from now on, may stand in between.
    """
    step = visit.step
    if "delegate_to" in step.keywords:
        return False
    later = visit.walk.library.after(step)
    following = next((other for other in later if not _leads_up(other)), None)
    return isinstance(following, Task) and _awaits(visit, following, result)


def _leads_up(step: Step) -> bool:
    if not isinstance(step, Task):
        return False
    return step.module in ("pause", "meta") or (
        step.short_name == "set_fact" and _ADDRESS.issuperset({*step.args} - {"cacheable"})
    )


def _awaits(visit: Visit, other: Task, result: Value) -> bool:
    """Whether the other task waits for the connection wherever this one runs: it may be skipped together with it."""
    if not awaits_connection(other.module, other.args, is_local="delegate_to" in other.keywords):
        return False
    when = other.keywords.get("when")
    if when is None or when == visit.step.keywords.get("when"):
        return True
    name = visit.step.keywords.get("register")
    asked = visit.asked(when, {name: result} if isinstance(name, str) else {})
    return implies(visit.any_round.own_condition, asked)


def _filled(evaluator: Evaluator, raw: Any) -> Any:
    for _, inner in options(evaluator.data(raw)):
        data = plain(inner)
        if data is not NOT_PLAIN:
            return data
    return raw
