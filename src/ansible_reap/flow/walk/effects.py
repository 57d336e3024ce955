"""What a single task does to the state of the walk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_reap.content import expressions
from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import ReapKind
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Formula, disj
from ansible_reap.flow.evaluation.layers import Choices
from ansible_reap.flow.evaluation.patterns import patterns
from ansible_reap.flow.evaluation.values import (
    UNDEFINED,
    UNKNOWN,
    Const,
    JobId,
    Map,
    Seq,
    Unknown,
    Value,
    had_anywhere,
    handles,
    lifted,
    options,
    plain,
    present,
    replaced,
    taints,
)
from ansible_reap.flow.walk import alterations, calls, failing, handlers, launches, looks
from ansible_reap.flow.walk.look_kinds import (
    is_ansibles_own,
    is_status,
    is_wait_action,
    surely_watches_file,
    waits_for_process,
    watches_file,
)
from ansible_reap.flow.walk.record import Cover
from ansible_reap.flow.walk.state import Frame
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.flow.walk.walk import PLAY_ENDS, Walk

MAX_VARS_FILES = 12
"""Rounds of a looped include_vars that are read."""
_OF_A_HOSTNAME = ("ansible_hostname", "ansible_nodename", "ansible_fqdn", "ansible_domain")
"""What the module of this name sets."""
_OF_MANAGERS = frozenset({"ansible_pkg_mgr", "ansible_service_mgr"})
"""Facts that name modules for packages and services, which set nothing."""
_INERT = frozenset({"debug", "assert", "fail", "pause", "meta", "ping", "setup", "gather_facts", "async_status"})
"""Modules of ansible-core 2.16 to 2.22 that do nothing to a job and write its id nowhere."""
_CARRIERS = frozenset(
    {
        "copy",
        "lineinfile",
        "blockinfile",
        "uri",
        "set_stats",
        "replace",
        "template",
        "command",
        "shell",
        "raw",
        "script",
    }
    | {"win_shell", "win_command", "win_copy", "ini_file", "file", "expect"}
)
"""Modules that can carry an id to where it cannot be followed: of ansible-core 2.16 to 2.22, ansible.windows and, for
``ini_file``, community.general."""
_NO_WAIT = BUILTIN_MODULES | _CARRIERS | {"mount", "synchronize", "win_file"}
"""Modules known to do nothing with a job but carry its id about."""


def task(walk: Walk, step: Task, frame: Frame) -> None:
    """One task, whatever it is."""
    module, visit = step.module, Visit(walk, step, frame)
    seen: frozenset[int] = frozenset()
    if "async" in step.keywords or "poll" in step.keywords:
        launches.note_use(visit)
    if module in calls.TASK_CALLS or module in calls.ROLE_CALLS:
        calls.call(visit)
    elif module == "meta":
        _meta(visit)
    elif module == "set_fact":
        _set_fact(visit)
    elif module == "include_vars":
        _include_vars(visit)
    elif module in ("assert", "fail"):
        looks.insist(visit)
        _ordinary(visit)
    elif module == "add_host":
        _add_host(visit)
    elif is_status(step):
        seen = looks.look(visit)
    elif is_wait_action(step):
        looks.wait_for_all(visit)
    elif "async" in step.keywords and launches.launch(visit):
        pass
    else:
        _ordinary(visit)
    failing.note_failure(visit)
    _note_changes(visit, seen)


def _meta(visit: Visit) -> None:
    what, state = str(visit.step.args.get("_raw_params", "")).strip(), visit.walk.state
    if what == "flush_handlers":
        handlers.flush(visit.walk)
    elif what in PLAY_ENDS:
        state.ended = disj(state.ended, visit.guard)
    elif what == "end_role":
        state.role_ended = disj(state.role_ended, visit.guard)


# ---- facts


def _set_fact(visit: Visit) -> None:
    args = _facts_given(visit)
    written: Any = {key: value for key, value in args.items() if key not in ("cacheable", "_variable_params")}
    is_shared = bool(visit.keyword("delegate_facts")) or visit.keyword("run_once") is True
    for each in list(visit.rounds()) or [visit.any_round]:
        _assign(visit.walk, each.evaluator, written, each.own_condition, is_shared=is_shared)


def _facts_given(visit: Visit) -> Mapping[str, Any]:
    """What a ``set_fact`` is given, by module_defaults too."""
    return {**visit.module_defaults, **visit.step.args}


def _assign(walk: Walk, evaluator: Evaluator, written: Mapping[str, Any], guard: Formula, *, is_shared: bool) -> None:
    if guard is False:
        return
    values = {}
    for key, raw in written.items():
        for name in (plain(evaluator.text(key)),) if isinstance(key, str) else ():
            if isinstance(name, str):
                value = present(walk.later(evaluator, raw))
                values[name] = had_anywhere(value) if is_shared else value
            else:  # it may be any of them
                values.update((each, UNKNOWN) for each in walk.state.facts.keys() - walk.state.facts.tainted())
    for name, value in values.items():
        old = walk.state.facts.get(name)
        walk.state.facts[name] = replaced(old if old is not None else UNDEFINED, value, guard)


def _include_vars(visit: Visit) -> None:
    walk, step = visit.walk, visit.step
    written = step.args.get("file", step.args.get("_raw_params"))
    names: list[str] = []
    if isinstance(written, str):
        for each in visit.rounds(MAX_VARS_FILES):
            names += patterns(each.evaluator, written.split(" name=")[0])
    if not names:
        _note_included(visit, None)
    for name in names:
        found = walk.load_variables(name, visit.frame) if "*" not in name else None
        under = step.args.get("name")
        _note_included(visit, (under,) if isinstance(under, str) else found)
        if not found:
            continue
        read: Mapping[str, Any] = {under: found} if isinstance(under, str) else found
        for key, raw in read.items():
            old = walk.state.included.get(key)
            if old is None or old == raw or len(names) == 1:
                walk.state.included[key] = raw
            else:
                known = old.raws if isinstance(old, Choices) else (old,)
                walk.state.included[key] = Choices(key, (*known, raw)) if raw not in known else old


def _add_host(visit: Visit) -> None:
    for key, raw in visit.step.args.items():
        if key in ("name", "hostname", "host", "groups", "group", "groupname", "_raw_params"):
            continue
        value = visit.evaluator.data(raw)
        if taints(value):
            visit.walk.state.facts[str(key)] = had_anywhere(value)


# ---- what conditions read


def _note_changes(visit: Visit, seen: frozenset[int]) -> None:
    """Write down which variables the task may have set; ``seen`` are the jobs that it has looked at."""
    walk, register = visit.walk, visit.step.keywords.get("register")
    names = [register] if isinstance(register, str) else []
    for module in _modules(visit):
        names += _set_by(visit, module)
    for job in (walk.record.instances[number].task for number in seen if number >= 0):
        names += _facts_of(walk, job.short_name, job.args.get("database"))  # the result of its module comes back
    for name in names:
        walk.state.changes[name] = walk.steps


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
    elif module == "include_role" and step.args.get("public"):
        yield from _shared_by(visit)
    elif module == "include_vars" and module != step.module:
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


def _shared_by(visit: Visit) -> Iterable[str]:
    """The variables of an included role that the tasks after it see too."""
    walk, args = visit.walk, visit.step.args
    name = args.get("name", args.get("role"))
    if not isinstance(name, str) or "{" in name:
        yield alterations.ANYTHING
        return
    for role in walk.finder.find_roles(name, visit.frame.playbook_folder, visit.frame.role):
        for part in ("vars", "defaults"):
            yield from walk.role_variables.of(role, part, str(args.get(f"{part}_from", "main")))


def _set_facts(visit: Visit) -> Iterable[str]:
    args = _facts_given(visit)
    for key in args:
        name = plain(visit.evaluator.text(key))
        yield name if isinstance(name, str) else alterations.ANYTHING
        if "cacheable" in args:
            yield f"ansible_{name}"
    if "_variable_params" in args or "_raw_params" in args:
        yield alterations.ANYTHING


def _note_included(visit: Visit, names: Iterable[str] | None) -> None:
    """The names that an ``include_vars`` reads; None where it is not known which."""
    for name in (alterations.ANYTHING,) if names is None else names:
        visit.walk.state.changes[name] = visit.walk.steps


# ---- everything else


def _ordinary(visit: Visit) -> None:
    walk, step = visit.walk, visit.step
    register = step.keywords.get("register")
    found = _carried(visit) if walk.is_named(step, visit.frame) else frozenset()
    if isinstance(register, str) and (found or register in walk.state.facts):
        visit.register(Unknown(found))
    if walk.handlers and visit.keyword("notify"):
        handlers.notify(visit, visit.guard)


def _carried(visit: Visit) -> frozenset[int]:
    """What a task that names a handle does with it; the jobs that its result may tell of."""
    walk, step = visit.walk, visit.step
    found: set[int] = set()
    for each in visit.rounds():
        value = each.evaluator.data(dict(step.args))
        guard = each.guard
        found |= taints(value)
        ids = _ids(value)
        if ids and (watches_file(step) or waits_for_process(step)):
            is_sure = (waits_for_process(step) or surely_watches_file(step)) and is_ansibles_own(visit)
            for job in ids:
                walk.record.cover(job.instance, Cover(step, ReapKind.WAIT, guard, job.index, job.is_partial, is_sure))
                if is_sure:
                    walk.reaped(job.instance)
        else:
            for number in _escaping(walk, step, value, ids):
                walk.record.escape(number, step)
    return frozenset(found)


def _ids(value: Value) -> list[JobId]:
    out: list[JobId] = []
    for _, inner in options(value):
        if isinstance(inner, JobId):
            out.append(inner)
        elif isinstance(inner, Seq):
            out += [found for item in inner.items for found in _ids(item)]
        elif isinstance(inner, Map):
            out += [found for _, entry in inner.entries for found in _ids(entry)]
    return out


def _escaping(walk: Walk, step: Task, value: Value, ids: list[JobId]) -> frozenset[int]:
    module = step.short_name
    if module in _INERT:
        return frozenset()
    if module in _NO_WAIT:
        if module not in _CARRIERS or "kill" in str(step.args.get("_raw_params", step.args.get("cmd", ""))):
            return frozenset()
        return frozenset(job.instance for job in ids)
    escaping = handles(value)
    if walk.record.own.has_module(module):
        for name in _strings(value):
            escaping |= handles(walk.state.facts.get(name))  # it takes the register's name
    return escaping


def _strings(value: Value) -> list[str]:
    if isinstance(value, Const):
        if isinstance(value.value, (list, dict)):
            return _strings(lifted(value.value))
        return [value.value] if isinstance(value.value, str) else []
    if isinstance(value, Seq):
        return [text for item in value.items for text in _strings(item)]
    if isinstance(value, Map):
        return [text for _, item in value.entries for text in _strings(item)]
    return []
