"""Which variables a task may set: conditions that read them may be answered otherwise from then on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_reap.content import expressions
from ansible_reap.content.inventory import WHERE_VARIABLES
from ansible_reap.content.model import Task
from ansible_reap.flow.evaluation.values import Const, options, plain
from ansible_reap.flow.walk import alterations
from ansible_reap.flow.walk.role_runs import is_plain_name
from ansible_reap.flow.walk.state import SetFrom
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.flow.walk.walk import Walk

_OF_A_HOSTNAME = ("ansible_hostname", "ansible_nodename", "ansible_fqdn", "ansible_domain")
"""What the module of this name sets."""
_OF_MANAGERS = frozenset({"ansible_pkg_mgr", "ansible_service_mgr"})
"""Facts that name modules for packages and services, which set nothing."""


def note_changes(visit: Visit, seen: frozenset[int]) -> None:
    """Write down which variables the task may have set; ``seen`` are the jobs that it has looked at."""
    walk, register = visit.walk, visit.step.keywords.get("register")
    names = [register] if isinstance(register, str) else []
    for module in _modules(visit):
        names += _set_by(visit, module)
    for job in (walk.record.instances[number].task for number in seen if number >= 0):
        names += _facts_of(walk, job.short_name, job.args.get("database"))  # the result of its module comes back
    _note(walk, names)
    if isinstance(register, str):
        walk.state.changes.registered(register, is_of_job=register in walk.state.facts.tainted())
    walk.record.set_on_the_way.update(WHERE_VARIABLES.intersection(names))


def _modules(visit: Visit) -> list[str]:
    """The task's module; of one that is a template all that it may be, `?` for one that is not known."""
    module = visit.step.module
    if not expressions.is_template(module):
        return [module]
    if expressions.names(module) <= _OF_MANAGERS:
        return []
    found = [plain(inner) for _, inner in options(visit.any_round.evaluator.text(module))]
    return [each.removeprefix("ansible.builtin.") if isinstance(each, str) else "?" for each in found]


def _set_by(visit: Visit, module: str) -> Iterable[str]:
    step, walk = visit.step, visit.walk
    if walk.record.own.may_set_facts(module.rpartition(".")[2]):  # be it under the name of one of Ansible's
        yield alterations.ANYTHING
    elif module == "set_fact":
        yield from _set_facts(visit)
    elif module in ("add_host", "group_by"):
        yield from (*alterations.GROUPS, *map(str, step.args), alterations.INVENTORY)
    elif module == "meta":
        what = str(step.args.get("_raw_params", "")).strip()
        if what == "refresh_inventory":
            yield from (*alterations.GROUPS, alterations.INVENTORY)
        elif what == "clear_facts":
            yield from (alterations.GATHERED, alterations.THERE, *walk.state.gathered)
            walk.state.has_facts = False
    elif _reads_any_file(step, module):
        yield alterations.ANYTHING
    elif module == "?":
        yield alterations.PERHAPS
    else:
        database = step.args.get("database")
        yield from _facts_of(walk, module.rpartition(".")[2], visit.evaluator.data(database))


def _facts_of(walk: Walk, module: str, database: object) -> Iterable[str]:
    """The facts that the result of a module may set (ansible-core 2.16 to 2.22); ``database`` is what getent asks."""
    state = walk.state
    if module in ("setup", "gather_facts"):
        yield alterations.GATHERED
        if state.has_facts is False:
            yield alterations.THERE
        state.has_facts = True
    elif module == "getent":
        asked = plain(database) if isinstance(database, Const) else database
        name = f"getent_{asked}" if isinstance(asked, str) and "{" not in asked else alterations.PERHAPS
        state.gathered.add(name)
        yield from (name, f"ansible_{name}")
    elif module == "hostname":
        yield from _OF_A_HOSTNAME
    elif module.endswith("_facts"):
        own = alterations.OWN_FACTS.get(module, ())
        state.gathered.update(own)
        yield from (alterations.GATHERED, *own)


def _reads_any_file(step: Task, module: str) -> bool:
    """Whether the task makes the play see variables of which it is not known where they stand."""
    if module == "include_role":
        return bool(step.args.get("public")) and not is_plain_name(step.args.get("name", step.args.get("role")))
    return module == "include_vars" and module != step.module


def _set_facts(visit: Visit) -> Iterable[str]:
    args = visit.args
    for key in args:
        name = plain(visit.evaluator.text(key))
        if isinstance(name, str) and _is_set_again(visit, name, args[key]):
            continue
        if isinstance(name, str) and visit.frame.path in visit.walk.passed_by:  # it may have been set to the same there
            visit.walk.state.changes.perhaps((name,), visit.walk.steps)
            continue
        yield name if isinstance(name, str) else alterations.ANYTHING
        if "cacheable" in args:
            yield f"ansible_{name}"
    if "_variable_params" in args or "_raw_params" in args:
        yield alterations.ANYTHING


def _is_set_again(visit: Visit, name: str, written: Any) -> bool:
    """Whether the fact has been set before from the same template, in which nothing has changed since."""
    walk, frame, step = visit.walk, visit.frame, visit.step
    bound = any((*frame.params, *frame.blocks, *frame.loops))
    if bound or step.loop_keyword is not None or "vars" in step.keywords:
        return False
    own = SetFrom(written, frame.play, frame.role, visit.guard, walk.steps)
    before = walk.state.set_from.get(name)
    if before is None or before[:-1] != own[:-1] or walk.state.changes.get(name) != before.at:
        walk.state.set_from[name] = own
        return False
    if not isinstance(written, str):
        return False
    return alterations.is_as_it_was(written, before.at, walk.state.changes, visit.reading(visit.evaluator))


def note_included(visit: Visit, read: Mapping[str, Any] | None, *, is_sure: bool = True) -> None:
    """What an ``include_vars`` reads; None where that is not known. Where it is not sure, it may read something else.

    What it has read before, under no other condition, it leaves as it is, and perhaps what has been so by other files.
    """
    if read is None:
        return _note(visit.walk, (alterations.ANYTHING,))
    state, under = visit.walk.state, visit.guard if is_sure else None
    known = {key for key, raw in read.items() if state.included.get(key) == raw}
    same = {key for key in known if state.included_under.get(key) in (True, under)} if under is not None else set[str]()
    state.included_under.update((key, under) for key in read.keys() - same)
    values, fresh = visit.walk.values, read.keys() - same
    perhaps = {key for key in fresh if key not in state.changes and values.may_be_what_it_was(key, read[key])}
    note_perhaps_included(visit, perhaps)
    return _note(visit.walk, fresh - perhaps)


def note_perhaps_included(visit: Visit, names: Iterable[str]) -> None:
    """The names that are in one of the files that an ``include_vars`` may read."""
    visit.walk.state.changes.perhaps(names, visit.walk.steps)


def _note(walk: Walk, names: Iterable[str]) -> None:
    changes = walk.state.changes
    for name in names:
        if name == alterations.ANYTHING:
            changes.perhaps((name,), walk.steps)
        else:
            changes[name] = walk.steps
