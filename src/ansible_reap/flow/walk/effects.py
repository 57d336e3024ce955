"""What a single task does to the state of the walk."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ansible_reap.content import expressions
from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.library import ENCRYPTED
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import ReapKind
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj
from ansible_reap.flow.evaluation.layers import CACHEABLE, Choices
from ansible_reap.flow.evaluation.patterns import patterns
from ansible_reap.flow.evaluation.values import (
    UNDEFINED,
    UNKNOWN,
    Const,
    JobId,
    Lazy,
    Map,
    Seq,
    Unknown,
    Value,
    alt,
    bounded,
    had_anywhere,
    handles,
    lifted,
    of_first_host,
    options,
    plain,
    present,
    replaced,
    taints,
    with_conditions,
)
from ansible_reap.flow.walk import (
    alterations,
    altering,
    calls,
    empty_loops,
    encrypted,
    failing,
    handlers,
    launches,
    looks,
    result_reads,
    skipped,
)
from ansible_reap.flow.walk.file_watches import surely_watches_file, waits_for_process, watches_file
from ansible_reap.flow.walk.look_kinds import (
    deletes,
    is_ansibles_own,
    is_status,
    is_wait_action,
)
from ansible_reap.flow.walk.record import Cover
from ansible_reap.flow.walk.relevance import PLAY_ENDS
from ansible_reap.flow.walk.role_runs import is_plain_name
from ansible_reap.flow.walk.state import Frame, is_yes
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.flow.walk.walk import Walk
from ansible_reap.late_patterns import expression

MAX_VARS_FILES = 12
"""Rounds of a looped include_vars that are read."""
_FINISHED = expression(r"\s*\{\{\s*(\w+(?:\.finished|\[['\"]finished['\"]\]))\s*(?:\|\s*(?:bool|int)\s*)?\}\}\s*")
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
    result_reads.note(visit)
    if module in calls.TASK_CALLS or module in calls.ROLE_CALLS:
        if module == "include_role":
            walk.roles_of_play += f" {step.args}"
        calls.call(visit)
    elif module == "meta":
        _meta(visit)
    elif module == "set_fact":
        _set_fact(visit)
    elif module == "include_vars":
        _include_vars(visit)
    elif module == "add_host":
        _add_host(visit)
    elif is_status(step):
        seen = looks.look(visit)
    elif is_wait_action(step):
        looks.wait_for_all(visit)
    elif "async" in step.keywords and launches.launch(visit):
        pass
    else:
        looks.insist(visit)
        _ordinary(visit)
    failing.note_failure(visit)
    altering.note_changes(visit, seen)


def _meta(visit: Visit) -> None:
    what, state = str(visit.step.args.get("_raw_params", "")).strip(), visit.walk.state
    if what == "flush_handlers":
        handlers.flush(visit.walk)
    elif what == "clear_host_errors":
        visit.walk.cut_off.clear()
    elif what in PLAY_ENDS:
        state.ended = disj(state.ended, visit.guard)
    elif what == "end_role":
        state.role_ended = disj(state.role_ended, visit.guard)


# ---- facts


def _set_fact(visit: Visit) -> None:
    args = visit.args
    written: Any = {key: value for key, value in args.items() if key not in ("cacheable", "_variable_params")}
    if visit.walk.is_named(visit.step, visit.frame):
        read = frozenset().union(*(handles(each.evaluator.data(written)) for each in visit.rounds()))
        skipped.note(visit, read, lambda evaluator: evaluator.data(written))
    for each in list(visit.rounds()) or [visit.any_round]:
        _assign(visit, each.evaluator, written, each.own_condition)


_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}
_CONVERTS, _KEEPS = (
    Atom(f"set_fact of ansible-core {which}", "set_fact", which, is_choice=True, choices=2)
    for which in ("up to 2.18", "from 2.19 on")
)


def _as_fact(value: Value) -> Value:
    """What ``set_fact`` makes of a text that means yes or no: up to ansible-core 2.18 a boolean, after that nothing."""
    text = value.value if isinstance(value, Const) else None
    known = _TRUTHS.get(text.lower()) if isinstance(text, str) else None
    return value if known is None else alt([(_CONVERTS, Const(known)), (_KEEPS, value)])


def _given_to_hosts(visit: Visit, value: Value) -> Value:
    """A fact as the hosts know it that are given it: with ``run_once`` all are (ansible-core 2.16 and 2.22)."""
    once = visit.keyword("run_once")
    if is_yes(once):
        return of_first_host(value)
    if visit.keyword("delegate_facts"):
        return had_anywhere(value)
    return of_first_host(value, is_sure=False) if expressions.is_template(once) else value


def _as_truth(raw: object) -> object:
    """Whether a job has finished, where a fact keeps it: 0 and 1 up to ansible-core 2.18, a boolean from 2.19 on."""
    found = _FINISHED.fullmatch(raw) if isinstance(raw, str) else None
    return raw if found is None else f"{{{{ not not ({found[1]}) }}}}"


def _as_asked_now(visit: Visit, evaluator: Evaluator, written: object, value: Value) -> Value:
    """A fact whose conditions are asked as it is set, whenever it is worked out."""
    reading = visit.reading(evaluator)
    reading = reading._replace(now=reading.now - 1)  # before the task itself has set anything

    def asked(found: Value) -> Value:
        changes = visit.walk.state.changes
        return with_conditions(found, lambda said: alterations.asked_now(said, changes, reading, [written]))

    if not isinstance(value, Lazy):
        return asked(value)
    read, depth = value.read, value.depth
    is_its_own = not (visit.run_once or visit.keyword("delegate_facts"))  # else it is what another host has
    scope = value.scope if is_its_own else None
    unfolded = value.read_unfolded
    return Lazy(
        lambda: asked(read()),
        value.written,
        depth,
        template=value.template,
        scope=scope,
        read_unfolded=None if unfolded is None else lambda: asked(unfolded()),
    )


def _assign(visit: Visit, evaluator: Evaluator, written: Mapping[str, Any], guard: Formula) -> None:
    if guard is False:
        return
    walk, values = visit.walk, {}
    for key, raw in written.items():
        for name in (plain(evaluator.text(key)),) if isinstance(key, str) else ():
            if isinstance(name, str):
                value = walk.later(evaluator, _as_truth(raw))
                value = bounded(_as_fact(present(_as_asked_now(visit, evaluator, raw, bounded(value)))))
                values[name] = _given_to_hosts(visit, value) if taints(value) else value
            else:  # it may be any of them
                values.update((each, UNKNOWN) for each in walk.state.facts.keys() - walk.state.facts.tainted())
    if is_yes(visit.args.get("cacheable")):
        held = {CACHEABLE + name: value for name, value in values.items()}
        values.update({name: value for name, value in held.items() if taints(value) or name in walk.state.facts})
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
    of_folder = [walk.library.variables(path) for path in _files_of_folder(visit)]
    if of_folder:
        _included(visit, {key: raw for found in of_folder for key, raw in found.items()}, is_sure=True)
    elif not names:
        altering.note_included(visit, None)
    for name in names:
        if "*" in name:
            _perhaps_included(visit, name)
        else:
            _included(visit, walk.load_variables(name, visit.frame), is_sure=len(names) == 1)


def _perhaps_included(visit: Visit, pattern: str) -> None:
    """What one of the files sets that a name may mean of which parts are not known."""
    walk = visit.walk
    found = walk.files_of_variables(pattern, visit.frame) if pattern.strip("*") else []
    names = {name for path in found for name in walk.library.variables(path)}
    under = visit.step.args.get("name")
    if isinstance(under, str):
        altering.note_included(visit, {under: None}, is_sure=False)
    elif not found or len(found) > MAX_VARS_FILES or ENCRYPTED in names:
        altering.note_included(visit, None)
    else:
        altering.note_perhaps_included(visit, names)


def _included(visit: Visit, found: Mapping[str, Any] | None, *, is_sure: bool) -> None:
    """What ``include_vars`` reads; None where that is not known. Where it is not sure, it may read something else."""
    walk, under = visit.walk, visit.step.args.get("name")
    read: Mapping[str, Any] | None = {under: found or {}} if isinstance(under, str) else found
    if read and ENCRYPTED in read:
        encrypted.read_as_variables(walk, read[ENCRYPTED])
    else:
        altering.note_included(visit, read, is_sure=is_sure)
    if not found or not read:
        return
    for key, raw in read.items():
        old = walk.state.included.get(key)
        if old is None or old == raw or is_sure:
            walk.state.included[key] = raw
        else:
            known = old.raws if isinstance(old, Choices) else (old,)
            walk.state.included[key] = Choices(key, (*known, raw)) if raw not in known else old


def _files_of_folder(visit: Visit) -> list[str]:
    """The files that ``include_vars`` reads of a folder; none where something chooses among them.

    What is read later counts: names in order, and the folders within after them (seen on ansible-core 2.16 and 2.22).
    """
    args, frame = visit.step.args, visit.frame
    where = args.get("dir")
    if not is_plain_name(where) or not {"dir", "name", "depth", "ignore_unknown_extensions"} >= set(args):
        return []
    folders = [frame.role.part("vars")] if frame.role is not None else []
    folders += [posixpath.join(folder, part) for folder in frame.folders for part in ("", "vars")]
    for folder in folders:
        below = posixpath.normpath(posixpath.join(folder, str(where))) + "/"
        found = [path for path in visit.walk.library.project.yaml if path.startswith(below)]
        if found:
            found.sort(key=lambda path: (path.split("/")[:-1], path))
            return found if len(found) <= MAX_VARS_FILES else []
    return []


def _add_host(visit: Visit) -> None:
    for key, raw in visit.step.args.items():
        if key in ("name", "hostname", "host", "groups", "group", "groupname", "_raw_params"):
            continue
        value, facts = visit.evaluator.data(raw), visit.walk.state.facts
        if taints(value):
            under = visit.any_round.own_condition
            facts[str(key)] = replaced(facts.get(str(key), UNDEFINED), had_anywhere(value), under)


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
            is_sure = (waits_for_process(step) or surely_watches_file(visit)) and is_ansibles_own(visit)
            for job in ids:
                under = conj(guard, empty_loops.needed(visit, job.instance, each.item))
                walk.record.cover(job.instance, Cover(step, ReapKind.WAIT, under, job.index, job.is_partial, is_sure))
                if is_sure:
                    walk.reaped(job.instance)
        elif ids and deletes(step):
            for job in ids:
                walk.record.cover(job.instance, Cover(step, ReapKind.CLEANUP, guard, job.index, job.is_partial))
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
