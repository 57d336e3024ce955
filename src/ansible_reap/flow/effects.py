"""What a single task does to the state of the walk."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_reap.content.model import Task
from ansible_reap.flow import calls, launching
from ansible_reap.flow.analysis import ReapKind, Setting
from ansible_reap.flow.evaluate import Evaluator
from ansible_reap.flow.guards import Formula, conj
from ansible_reap.flow.looking import is_status, is_wait_action, kind_of_look, waits_for_process, watches_file
from ansible_reap.flow.loops import index_variable, loop_items, loop_variable
from ansible_reap.flow.naming import patterns
from ansible_reap.flow.numbers import numbers
from ansible_reap.flow.record import LookRecord
from ansible_reap.flow.scope import Choices
from ansible_reap.flow.state import Cover, Frame
from ansible_reap.flow.values import (
    UNDEFINED,
    UNKNOWN,
    Const,
    Job,
    JobId,
    Map,
    Results,
    Seq,
    Stage,
    Unknown,
    Value,
    handles,
    lifted,
    mapped,
    options,
    plain,
    replaced,
    taints,
)
from ansible_reap.timing import DEFAULT_DELAY, DEFAULT_RETRIES

if TYPE_CHECKING:
    from ansible_reap.flow.order import Walk

MAX_LOOK_ITEMS = 200
_INERT = frozenset({"debug", "assert", "fail", "pause", "meta", "ping", "setup", "gather_facts", "async_status"})
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
    | {"win_shell", "win_command", "win_copy", "ini_file", "file"}
)
"""Modules of Ansible's own that can carry an id to where it cannot be followed."""
_BUILTIN = (
    _INERT
    | _CARRIERS
    | frozenset(
        {
            "apt",
            "yum",
            "dnf",
            "package",
            "service",
            "systemd",
            "stat",
            "find",
            "slurp",
            "fetch",
            "get_url",
            "git",
            "user",
        }
        | {
            "group",
            "cron",
            "wait_for",
            "wait_for_connection",
            "unarchive",
            "pip",
            "tempfile",
            "mount",
            "hostname",
            "reboot",
        }
        | {"set_fact", "include_vars", "add_host", "group_by", "synchronize", "assemble", "apt_repository", "win_file"}
    )
)


def task(walk: Walk, step: Task, frame: Frame) -> None:
    """One task, whatever it is."""
    module = step.module
    if "async" in step.keywords or "poll" in step.keywords:
        launching.note_use(walk, step, frame)
    if module in calls.TASK_CALLS or module in calls.ROLE_CALLS:
        calls.call(walk, step, frame)
    elif module == "meta":
        if str(step.args.get("_raw_params", "")).strip() == "flush_handlers":
            walk.flush()
    elif module == "set_fact":
        _set_fact(walk, step, frame)
    elif module == "include_vars":
        _include_vars(walk, step, frame)
    elif module == "add_host":
        _add_host(walk, step, frame)
    elif is_status(step):
        _look(walk, step, frame)
    elif is_wait_action(step):
        _wait_for_all(walk, step, frame)
    elif "async" in step.keywords and launching.launch(walk, step, frame):
        pass
    else:
        _ordinary(walk, step, frame)


def setting_of(step: Task, frame: Frame, async_dir: str | None) -> Setting:
    """Where, as whom and under what the task runs here."""

    def seen(keyword: str) -> Any:
        return step.keywords.get(keyword, frame.keywords.get(keyword))

    delegate = seen("delegate_to")
    become_user = seen("become_user")
    return Setting(
        via=(*frame.via, str(step.place)),
        playbook=frame.playbook,
        play=frame.play,
        hosts=frame.hosts,
        become=seen("become"),
        become_user=None if become_user is None else str(become_user),
        delegate_to=None if delegate is None else str(delegate),
        run_once=seen("run_once"),
        check_mode=seen("check_mode"),
        ignore_errors=seen("ignore_errors"),
        async_dir=async_dir,
    )


def own_vars(step: Task) -> dict[str, Any]:
    given = step.keywords.get("vars")
    return {str(key): value for key, value in given.items()} if isinstance(given, dict) else {}


def async_dir_of(step: Task, frame: Frame) -> str | None:
    """The ``ansible_async_dir`` that some ``vars:`` around the task sets."""
    for given in (own_vars(step), *frame.declared):
        if "ansible_async_dir" in given:
            return str(given["ansible_async_dir"])
    return None


def set_register(walk: Walk, step: Task, name: object, value: Value) -> None:
    """Assign a register; jobs that only it knew are lost with what it held."""
    if not isinstance(name, str):
        return
    kept = handles(value)
    for number in handles(walk.state.facts.get(name)):
        if number not in kept:
            walk.record.instances[number].overwritten = step
    walk.state.facts[name] = value


# ---- facts


def _set_fact(walk: Walk, step: Task, frame: Frame) -> None:
    given = own_vars(step)
    evaluator = walk.evaluator(frame, given)
    items = loop_items(evaluator, step)
    written: Any = {key: value for key, value in step.args.items() if key not in ("cacheable", "_variable_params")}
    if items is None:
        guard = walk.guard_of(step, frame, evaluator)
        _assign(walk, evaluator, written, guard)
        return
    found = list(items.items[:MAX_LOOK_ITEMS]) or [UNKNOWN]
    for item in found:
        for under, inner in options(item):
            each = walk.evaluator(frame, given, _bound(step, inner))
            _assign(walk, each, written, conj(under, walk.guard_of(step, frame, each)))


def _assign(walk: Walk, evaluator: Evaluator, written: Mapping[str, Any], guard: Formula) -> None:
    if guard is False:
        return
    values = {}
    for key, raw in written.items():
        for name in (plain(evaluator.text(key)),) if isinstance(key, str) else ():
            if isinstance(name, str):
                values[name] = walk.later(evaluator, raw)
    for name, value in values.items():
        old = walk.state.facts.get(name)
        walk.state.facts[name] = replaced(old if old is not None else UNDEFINED, value, guard)


def _bound(step: Task, item: Value) -> dict[str, Any]:
    names: dict[str, Any] = {loop_variable(step): item}
    index = index_variable(step)
    if index is not None:
        names[index] = UNKNOWN
    return names


def _include_vars(walk: Walk, step: Task, frame: Frame) -> None:
    items = loop_items(walk.evaluator(frame, own_vars(step)), step)
    names: list[str] = []
    written = step.args.get("file", step.args.get("_raw_params"))
    for item in items.items[:12] if items is not None else (None,):
        bound = None if item is None else _bound(step, item)
        if isinstance(written, str):
            names += patterns(walk.evaluator(frame, own_vars(step), bound), written.split(" name=")[0])
    for name in names:
        found = walk.load_variables(name, frame) if "*" not in name else None
        if not found:
            continue
        under = step.args.get("name")
        read: Mapping[str, Any] = {under: found} if isinstance(under, str) else found
        for key, raw in read.items():
            old = walk.state.included.get(key)
            if old is None or old == raw or len(names) == 1:
                walk.state.included[key] = raw
            else:
                known = old.raws if isinstance(old, Choices) else (old,)
                walk.state.included[key] = Choices(key, (*known, raw)) if raw not in known else old


def _add_host(walk: Walk, step: Task, frame: Frame) -> None:
    evaluator = walk.evaluator(frame, own_vars(step))
    for key, raw in step.args.items():
        if key in ("name", "hostname", "host", "groups", "group", "groupname", "_raw_params"):
            continue
        value = evaluator.data(raw)
        if taints(value):
            walk.state.facts[str(key)] = value


# ---- looks


def _look(walk: Walk, step: Task, frame: Frame) -> None:
    given = own_vars(step)
    evaluator = walk.evaluator(frame, given)
    scope = frame.scope(walk.state, given)
    kind = kind_of_look(scope, step)
    look = _note_look(walk, step, frame, evaluator, kind)
    items = loop_items(evaluator, step)
    jid = step.args.get("jid", step.args.get("_raw_params"))
    stage = Stage.DONE if kind is ReapKind.WAIT else Stage.LOOKED
    if items is None:
        value = evaluator.data(jid)
        _covers(walk, step, value, conj(frame.guard, walk.guard_of(step, frame, evaluator)), kind)
        look.misses_results = look.misses_results or bool(evaluator.misses_results)
        register: Value = _status(value, stage, None, "item")
    else:
        results: list[Value] = []
        for item in items.items[:MAX_LOOK_ITEMS]:
            for under, inner in options(item):
                each = walk.evaluator(frame, given, _bound(step, inner))
                value = each.data(jid)
                guard = conj(frame.guard, under, walk.guard_of(step, frame, each))
                _covers(walk, step, value, guard, kind)
                look.misses_results = look.misses_results or bool(each.misses_results)
                results.append(_status(value, stage, inner, loop_variable(step)))
        register = Results(Seq(tuple(results), items.is_open))
    set_register(walk, step, step.keywords.get("register"), register)
    walk.notify(step, frame, walk.guard_of(step, frame, evaluator), always_changes=False)


def _note_look(walk: Walk, step: Task, frame: Frame, evaluator: Evaluator, kind: ReapKind) -> LookRecord:
    look = walk.record.looks.setdefault(id(step), LookRecord(step, kind))
    if look.kind is ReapKind.PEEK:
        look.kind = kind
    look.has_until = "until" in step.keywords
    look.retries.add_all(numbers(evaluator.data(step.keywords.get("retries")), DEFAULT_RETRIES))
    look.delay.add_all(numbers(evaluator.data(step.keywords.get("delay")), DEFAULT_DELAY))
    setting = setting_of(step, frame, async_dir_of(step, frame))
    if len(look.settings) < 50:
        look.settings.setdefault(setting.via, setting)
    walk.looks.add(id(step))
    return look


def _covers(walk: Walk, step: Task, value: Value, guard: Formula, kind: ReapKind) -> None:
    for under, inner in options(value):
        _cover_one(walk, step, inner, conj(guard, under), kind)


def _cover_one(walk: Walk, step: Task, inner: Value, under: Formula, kind: ReapKind) -> None:
    if isinstance(inner, (Job, JobId)):
        walk.record.cover(inner.instance, Cover(step, kind, under, inner.index, inner.is_partial))
        if kind is ReapKind.WAIT and not inner.is_partial:
            walk.reaped(inner.instance)
    elif isinstance(inner, Unknown):
        for number in inner.taints:
            walk.record.cover(number, Cover(step, kind, under, None, is_partial=False, is_sure=False))
    elif isinstance(inner, Results):
        for item in inner.items.items:
            _covers(walk, step, item, under, kind)
    elif isinstance(inner, Seq):
        for item in inner.items:
            _covers(walk, step, item, under, kind)


def _status(value: Value, stage: Stage, item: Value | None, loop_var: str) -> Value:
    def one(inner: Value) -> Value:
        if isinstance(inner, (Job, JobId)):
            return Job(inner.instance, inner.index, inner.is_partial, stage, item, loop_var)
        return Unknown(taints(inner))

    return mapped(value, one)


def _wait_for_all(walk: Walk, step: Task, frame: Frame) -> None:
    evaluator = walk.evaluator(frame, own_vars(step))
    guard = conj(frame.guard, walk.guard_of(step, frame, evaluator))
    _note_look(walk, step, frame, evaluator, ReapKind.WAIT)
    wanted = plain(evaluator.data(step.args.get("tasks")))
    globs = (
        [str(part) for part in wanted] if isinstance(wanted, list) else [str(wanted)] if isinstance(wanted, str) else []
    )
    for number in sorted(walk.launched):
        launched = walk.record.instances[number].task
        if not globs or any(fnmatch.fnmatchcase(launched.name or "", each) for each in globs):
            walk.record.cover(number, Cover(step, ReapKind.WAIT, guard, None, is_partial=False))
            walk.reaped(number)
    set_register(walk, step, step.keywords.get("register"), UNKNOWN)


# ---- everything else


def _ordinary(walk: Walk, step: Task, frame: Frame) -> None:
    register = step.keywords.get("register")
    found: frozenset[int] = frozenset()
    if walk.is_named(step, frame):
        found = _carried(walk, step, frame)
    if isinstance(register, str) and (found or register in walk.state.facts):
        set_register(walk, step, register, Unknown(found))
    if walk.handlers and ("notify" in step.keywords or "notify" in frame.keywords):
        evaluator = walk.evaluator(frame, own_vars(step))
        walk.notify(step, frame, conj(frame.guard, walk.guard_of(step, frame, evaluator)), always_changes=False)


def _carried(walk: Walk, step: Task, frame: Frame) -> frozenset[int]:
    """What a task that names a handle does with it; the jobs that its result may tell of."""
    given = own_vars(step)
    evaluator = walk.evaluator(frame, given)
    items = loop_items(evaluator, step)
    found: set[int] = set()
    for item in items.items[:MAX_LOOK_ITEMS] if items is not None else (None,):
        each = evaluator if item is None else walk.evaluator(frame, given, _bound(step, item))
        value = each.data(dict(step.args))
        guard = conj(frame.guard, walk.guard_of(step, frame, each))
        found |= taints(value)
        ids = _ids(value)
        if ids and (watches_file(step) or waits_for_process(step)):
            for job in ids:
                walk.record.cover(job.instance, Cover(step, ReapKind.WAIT, guard, job.index, job.is_partial))
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
    module = step.module.rsplit(".", 1)[-1]
    if module in _INERT:
        return frozenset()
    if module in _BUILTIN:
        if module not in _CARRIERS or "kill" in str(step.args.get("_raw_params", step.args.get("cmd", ""))):
            return frozenset()
        return frozenset(job.instance for job in ids)
    escaping = handles(value)
    if module in walk.plugins:
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
