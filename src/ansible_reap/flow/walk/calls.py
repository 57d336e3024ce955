"""Includes and imports, of tasks and of roles: which files they mean, and how the walk goes through them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ansible_reap.content import arguments, expressions
from ansible_reap.content.encrypted_tasks import may_mean
from ansible_reap.content.model import Task, names_of
from ansible_reap.content.roles import MAX_CANDIDATES, Role
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, atoms, conj
from ansible_reap.flow.evaluation.layers import Layer
from ansible_reap.flow.evaluation.patterns import guarded_patterns, is_open, patterns
from ansible_reap.flow.evaluation.scalars import as_bool
from ansible_reap.flow.evaluation.values import (
    UNKNOWN,
    Job,
    Results,
    Seq,
    Stage,
    Unknown,
    handles,
    is_counted,
    one_of,
    taints,
)
from ansible_reap.flow.walk import at_work, empty_loops, encrypted
from ansible_reap.flow.walk.look_kinds import breaks_off, is_status, is_wait_action
from ansible_reap.flow.walk.role_runs import evaluated_params, is_plain_name, role_files, run_role
from ansible_reap.flow.walk.state import Frame, tags_of
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.flow.walk.walk import MAX_DEPTH, TOO_DEEP, Walk
from ansible_reap.records import replace

MAX_ROUNDS = 12
MAX_HANDLE_ROUNDS = 64
TASK_CALLS = frozenset({"include_tasks", "import_tasks", "include"})
ROLE_CALLS = frozenset({"include_role", "import_role"})
_OF_IMPORTS = ("become", "become_user", "delegate_to", "run_once", "ignore_errors", "collections", "environment")
"""Keywords of an import that its tasks take over; an include's are its own (seen on ansible-core 2.16 and 2.22)."""


def call(visit: Visit) -> None:
    """An include or import of tasks or of a role, loops and conditions included."""
    walk, task, frame = visit.walk, visit.step, visit.frame
    if not walk.goes_on() or _leads_nowhere(walk, task, frame):
        return
    task_vars = visit.vars
    is_static = task.module.startswith("import_")
    items = None if is_static else visit.items
    outer = frame
    if task_vars:
        outer = outer._replace(declared=(task_vars, *outer.declared))
    given = task.args.get("apply")
    applied: dict[str, Any] = given if isinstance(given, dict) else {}
    inherited = {key: task.keywords[key] for key in _OF_IMPORTS if key in task.keywords}
    outer = walk.inside(outer, inherited) if inherited and is_static else outer
    outer = walk.inside(outer, {name: raw for name, raw in applied.items() if name != "when"})
    if is_static:
        if "when" in task.keywords:
            outer = outer._replace(whens=(*outer.whens, task.keywords["when"]))
        if "tags" in task.keywords:
            outer = outer._replace(tags=outer.tags | tags_of(task.keywords))
        # what is known as a fact or register stands above the vars of an import (seen on ansible-core 2.16 and 2.22)
        below = {name: raw for name, raw in task_vars.items() if name in walk.state.facts}
        if below:
            outer = outer._replace(blocks=(below, *outer.blocks))
        above = {name: raw for name, raw in task_vars.items() if name not in below} if below else task_vars
        params = evaluated_params(walk, frame, above) if above else {}
        _one_call(walk, task, outer, params, True)
        return
    if visit.run_once not in (None, False):
        outer = outer._replace(once=visit.run_once)
    outer = outer._replace(
        may_break_off=outer.may_break_off or breaks_off(task),
        loops_around=(*outer.loops_around, *empty_loops.of_include(visit)),
    )
    asked = (*outer.asked, *outer.whens, *([task.keywords["when"]] if "when" in task.keywords else []))
    is_run = False
    rounds = [{}] if items is None else [{**names, "ansible_loop_var": UNKNOWN} for names in _rounds(visit, items)]
    many = items is not None and (items.is_open or len(items.items) > 2)
    for bound in rounds:
        if not walk.goes_on():
            return
        looped = outer.in_loop(bound)
        # its own vars stand above those of the includes around (seen on ansible-core 2.16 and 2.22)
        seen = walk.evaluator(looped.with_params(task_vars))
        guard = visit.condition_for(seen)
        if guard is False:
            continue
        is_run = True
        params = evaluated_params(walk, looped, task_vars).within(bound)
        before = walk.state.facts.now
        # the conditions around are in the guard now; inside they would be asked again after things have changed
        whens = (applied["when"],) if "when" in applied else ()
        inner = outer.under(guard)._replace(
            whens=whens, asked=asked, at_work=(*outer.at_work, *at_work.of_include(visit, seen, guard))
        )
        if guard is not True and _ends_with_the_first(visit):
            inner = inner._replace(may_break_off=True)
        _one_call(walk, task, inner, params, guard, is_repeated=many)
        walk.join(before, guard)
    if not is_run:
        _pass_by(walk, task, frame, set())


def _ends_with_the_first(visit: Visit) -> bool:
    """Whether the condition on the call no longer holds where but one of several jobs that were looked at has ended."""
    facts = visit.walk.state.facts
    for name in facts.tainted():
        value = facts[name]
        jobs = value.items.items if isinstance(value, Results) else ()
        looked = [job for job in jobs if isinstance(job, Job) and job.stage is Stage.LOOKED]
        if not looked or len(looked) != len(jobs) or not visit.walk.is_named(visit.step, visit.frame):
            continue
        ended = replace(looked[0], stage=Stage.DONE)
        at_work = [replace(job, stage=Stage.RUNNING) for job in (looked[1:] or looked)]
        some = Results(Seq((ended, *at_work)))
        if visit.condition_for(Evaluator(visit.scope.with_layer(Layer.LOOP, {name: some}))) is False:
            return True
    return False


def _leads_nowhere(walk: Walk, task: Task, frame: Frame) -> bool:
    """Whether the call's names are plain and lead only to files in which nothing can become of a job.

    Most calls are such, and nothing else of them needs to be worked out: no loop, no condition, no parameter.
    """
    paths, given = _files(walk, task, frame), _given(walk, task, frame)
    if not paths or any(walk.relevance.concerns(path, given) for path in paths):
        return False
    walk.passed_by.update(paths)
    if task.module in ROLE_CALLS and _is_public(task):
        for role in _roles(walk, task, frame):
            walk.share_variables(role)
    return True


def _given(walk: Walk, task: Task, frame: Frame) -> frozenset[str]:
    """The variables by which the call, or what is around it, may hand on a handle."""
    loop = {task.loop_variable: task.keywords.get(task.loop_keyword or "")}
    own = task.keywords.get("vars")
    return walk.handed_on(frame, own if isinstance(own, dict) else {}, loop)


def _files(walk: Walk, task: Task, frame: Frame) -> list[str] | None:
    """The files that the call leads to; None where its names are not plain."""
    if task.module in ROLE_CALLS:
        entry = task.args.get("tasks_from", "main")
        if not (is_plain_name(task.args.get("name", task.args.get("role"))) and is_plain_name(entry)):
            return None
        return [path for role in _roles(walk, task, frame) for path in role_files(walk, role, entry)]
    name = task.args.get("file", task.args.get("_raw_params"))
    if not is_plain_name(name) or task.module == "include":
        return None
    return walk.finder.find_files(name, frame.folders)


def _roles(walk: Walk, task: Task, frame: Frame) -> list[Role]:
    name = task.args.get("name", task.args.get("role"))
    return walk.finder.find_roles(name, frame.playbook_folder, frame.role, _collections(task, frame))


def _collections(task: Task, frame: Frame) -> tuple[str, ...]:
    """The collections in which the call looks for its role first (seen on ansible-core 2.16 and 2.22)."""
    return names_of(task.keywords["collections"]) if "collections" in task.keywords else frame.collections


def _pass_by(walk: Walk, task: Task, frame: Frame, seen: set[str]) -> None:
    """What a call leads to that never runs: that its looks are not come by is known."""
    for path in _files(walk, task, frame) or ():
        if path in seen or not walk.graph.matters(path):
            continue
        seen.add(path)
        inner = frame._replace(path=path, folders=(posixpath.dirname(path), *frame.folders))
        for step in walk.library.content(path).steps():
            if not isinstance(step, Task):
                continue
            if is_status(step) or is_wait_action(step):
                walk.looks.add(id(step))
            elif step.module in TASK_CALLS or step.module in ROLE_CALLS:
                _pass_by(walk, step, inner, seen)


def _rounds(visit: Visit, items: Seq) -> list[dict[str, Any]]:
    """The loop's variables in each round; where the items are not known in two, to see what the first leaves behind."""
    limit = MAX_HANDLE_ROUNDS if handles(items) else MAX_ROUNDS
    if items.items and len(items.items) <= limit and (not items.is_open or handles(items)):
        is_exact = is_counted(items)
        return [visit.bound(item, at if is_exact else None) for at, item in enumerate(items.items)]
    if not items.items and not items.is_open:
        return []
    held = handles(items)
    if held and len(items.items) > limit:
        bounds.met(f"an include in a loop of more than {limit} rounds; loop within the file, or over fewer jobs", held)
        return [visit.bound(Unknown(held)), visit.bound(Unknown(held))]
    is_one = len(items.items) == 1 and isinstance(items.items[0], Unknown)
    some = items.items[0] if is_one else one_of(Seq(items.items, is_open=True))
    return [visit.bound(some), visit.bound(some)]


def _one_call(
    walk: Walk, task: Task, frame: Frame, params: dict[str, Any], guard: Formula, *, is_repeated: bool = False
) -> None:
    inner = frame._replace(
        via=(*frame.via, str(task.place)),
        depth=frame.depth + 1,
        signature=hash((frame.signature, repr(params)[:2000])) if params else frame.signature,
    ).with_params(params)
    if inner.depth > MAX_DEPTH:
        walk.cut(TOO_DEEP)
        return
    if task.module in ROLE_CALLS:
        _role_call(walk, task, inner, params)
    else:
        _tasks_call(walk, task, inner, params, guard, is_repeated=is_repeated)


def _role_call(walk: Walk, task: Task, frame: Frame, params: dict[str, Any]) -> None:
    evaluator = walk.evaluator(frame)
    targets: dict[tuple[str, str], Role] = {}
    given = walk.handed_on(frame)
    others = False
    starts = tuple(patterns(evaluator, task.args.get("tasks_from", "main")))
    for pattern in patterns(evaluator, task.args.get("name", task.args.get("role"))):
        for role, entry, path in _entries(walk, pattern, starts, frame, _collections(task, frame)):
            if "*" not in pattern + entry or walk.relevance.concerns(path, given):
                targets[role.path, posixpath.basename(path)] = role
            else:
                others = True
    if not targets:
        _leaves(walk, task, params)
        walk.values.knows_roles = False
    known = walk.shared_vars.layers, walk.shared_defaults.layers
    for (_, entry), role, each in _alternatives(walk, task, frame, targets, others=others):
        run_role(
            walk,
            role,
            each,
            {},
            entry=entry,
            vars_from=_plain_name(evaluator, task.args.get("vars_from")),
            defaults_from=_plain_name(evaluator, task.args.get("defaults_from")),
        )
        if task.module == "include_role" and _is_public(task):
            walk.share_variables(role, again=True)
    if not _is_public(task):
        walk.shared_vars.layers, walk.shared_defaults.layers = known


def _is_public(task: Task) -> bool:
    """Whether the play sees the variables of the role that the task calls (seen on ansible-core 2.16 and 2.22)."""
    written = task.args.get("public", task.module == "import_role")
    return expressions.is_template(written) or as_bool(written)


def _entries(
    walk: Walk, pattern: str, starts: tuple[str, ...], frame: Frame, collections: tuple[str, ...]
) -> list[tuple[Role, str, str]]:
    """The roles that a pattern may mean, each with these entry points and their files."""
    key = (pattern, starts, frame.playbook_folder, frame.role, collections)
    known = walk.entries.get(key)
    if known is None:
        says_nothing = is_open(pattern)
        known = walk.entries[key] = [
            (role, entry, path)
            for role in walk.finder.find_roles(pattern, frame.playbook_folder, frame.role, collections)
            for entry in starts
            for path in walk.finder.part_files(role, "tasks", entry)
            if not (says_nothing and walk.graph.is_called(path))
        ]
    return known


def _plain_name(evaluator: Evaluator, written: object) -> str:
    found = patterns(evaluator, written) if written is not None else []
    return found[0] if found and "*" not in found[0] else "main"


def _alternatives(
    walk: Walk, task: Task, frame: Frame, targets: Mapping[Any, Any], *, others: bool, is_all: bool = False
) -> list[tuple[Any, Any, Frame]]:
    """Each target with the frame in which it is walked: of several only one is meant, and it is not known which.

    ``others``: nothing becomes of a job in those that may be meant besides; ``is_all``: there are none else.
    """
    if len(targets) > MAX_CANDIDATES:
        walk.cut(f"a name that may mean more than {MAX_CANDIDATES} files; write out more of it")
    if len(targets) == 1 and not others:
        return [(key, value, frame) for key, value in targets.items()]
    subject = f"choice at {task.place} {walk.record.fresh()}"
    count = len(targets) if is_all and not others else 0
    return [
        (key, value, frame.under(Atom(f"{subject} {key}", subject, str(key), is_choice=True, choices=count)))
        for key, value in list(targets.items())[:MAX_CANDIDATES]
    ]


def _tasks_call(
    walk: Walk, task: Task, frame: Frame, params: dict[str, Any], guard: Formula, *, is_repeated: bool
) -> None:
    evaluator = walk.evaluator(frame)
    written = task.args.get("file", task.args.get("_raw_params"))
    if isinstance(written, str) and task.module == "include":
        written = (arguments.words(written) or [""])[0]
    targets: dict[str, Formula] = {}
    given = walk.handed_on(frame)
    others = False
    for under, pattern in guarded_patterns(evaluator, written):
        if not pattern:
            continue
        for path in walk.finder.find_files(pattern, frame.folders):
            if is_open(pattern) and walk.graph.is_called(path):
                continue  # the name says nothing: what is called by its own name elsewhere is hardly meant
            if path in walk.library.vaulted and not may_mean(pattern, frame.path, path):
                continue
            if "*" not in pattern or walk.relevance.concerns(path, given):
                targets.setdefault(path, under)
            else:
                others = True
    if not targets:
        _leaves(walk, task, params)
        return
    if len(targets) == 1 and not others:
        chosen = [(path, frame) for path in targets]
    elif all(under is not True for under in targets.values()):
        chosen = [(path, frame.under(under)) for path, under in targets.items()]
    else:
        chosen = [
            (path, each) for path, _, each in _alternatives(walk, task, frame, targets, others=others, is_all=True)
        ]
    for path, each in chosen:
        _run_file(walk, path, each, guard, is_repeated=is_repeated, is_alone=len(chosen) == 1 and not others)


def _run_file(walk: Walk, path: str, frame: Frame, guard: Formula, *, is_repeated: bool, is_alone: bool) -> None:
    if walk.has_seen_round(path):
        # a file that calls itself until a job has finished waits for it
        is_sure = not frame.may_break_off
        walk.record.promote(walk.graph.called_from(path), frame.guard, is_sure=is_sure)
        return
    if encrypted.gone_through(walk, path):
        return
    if not walk.relevance.concerns(path, walk.handed_on(frame)):
        walk.passed_by.add(path)
        return
    walk.record.reached.add(path)
    if walk.is_settled(path, path, frame):
        walk.record.also_by(path, frame.via)
        return
    if not walk.may_enter(path):
        return
    before_it = walk.mark()
    before = walk.state.facts.now
    walk.stack.append(path)
    folder = posixpath.dirname(path)
    inner = frame._replace(path=path, folders=(folder, *(part for part in frame.folders if part != folder))[:8])
    walk.run(walk.library.content(path).tasks, inner)
    walk.stack.pop()
    walk.settle(path, frame, before_it)
    if is_repeated:
        walk.record.promote((path,), guard, or_asking=True)
    if not is_alone:
        own = [part for part in atoms(frame.guard) if part.is_choice]
        walk.join(before, conj(*own[-1:]) if own else frame.guard)


def _leaves(walk: Walk, task: Task, params: Mapping[str, Any]) -> None:
    """A call that leads to files that cannot be read may use the handles that it is given there."""
    for value in params.values():
        if not isinstance(value, (str, int, float, list, dict)) and value is not None:
            for number in taints(value):
                walk.record.escape(number, task)
    for raw in params.values():
        if isinstance(raw, str) and raw in walk.state.facts:
            for number in handles(walk.state.facts[raw]):  # the register's name is handed on
                walk.record.escape(number, task)
