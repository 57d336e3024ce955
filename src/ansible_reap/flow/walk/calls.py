"""Includes, imports and roles: which files they mean, and how the walk goes through them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ansible_reap.content import arguments, expressions
from ansible_reap.content.keywords import ROLE_KEYWORDS
from ansible_reap.content.model import Place, Task
from ansible_reap.content.roles import MAX_CANDIDATES, Role
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, atoms, conj
from ansible_reap.flow.evaluation.patterns import guarded_patterns, is_open, patterns
from ansible_reap.flow.evaluation.values import UNKNOWN, Seq, Undefined, Unknown, handles, is_counted, one_of, taints
from ansible_reap.flow.walk.look_kinds import breaks_off
from ansible_reap.flow.walk.state import Frame, tags_of
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.flow.walk.walk import MAX_DEPTH, TOO_DEEP, Walk
from ansible_reap.records import dataclass

MAX_ROUNDS = 12
MAX_HANDLE_ROUNDS = 64
TASK_CALLS = frozenset({"include_tasks", "import_tasks", "include"})
ROLE_CALLS = frozenset({"include_role", "import_role"})


@dataclass(frozen=True, slots=True)
class RoleCall:
    """A role entry of a play or of another role's dependencies."""

    role: Role
    frame: Frame
    params: Mapping[str, Any]


# ---- roles


def role_entry(walk: Walk, entry: Any, place: Place, frame: Frame) -> RoleCall | None:
    """A role named in ``roles:`` or ``dependencies:``.

    None where the project does not have it, or where nothing can become of a job in it: it leaves its variables then.
    """
    params: dict[str, Any] = {}
    keywords: dict[str, Any] = {}
    if isinstance(entry, str):
        found = arguments.words(entry.replace(",", " "))
        name: object = found[0] if found else None
        params.update(dict(word.partition("=")[::2] for word in found[1:] if "=" in word))
    elif isinstance(entry, dict):
        name = entry.get("role", entry.get("name"))
        given = entry.get("vars")
        params = {str(key): value for key, value in entry.items() if key not in ROLE_KEYWORDS}
        params.update({str(key): value for key, value in given.items()} if isinstance(given, dict) else {})
        keywords = {key: entry[key] for key in entry if key in ROLE_KEYWORDS and key not in ("role", "name", "vars")}
    else:
        return None
    if _is_plain(name):
        roles = walk.finder.find_roles(str(name), frame.playbook_folder, frame.role)
        if len(roles) == 1 and not any(walk.relevance.concerns(path) for path in role_files(walk, roles[0], "main")):
            walk.share_variables(roles[0])
            return None
    inner = walk.inside(frame, keywords)
    inner = inner._replace(
        via=(*frame.via, str(place)),
        declared=(params, *frame.declared) if params else frame.declared,
    )
    evaluator = walk.evaluator(inner)
    for pattern in patterns(evaluator, name):
        roles = walk.finder.find_roles(pattern, frame.playbook_folder, frame.role)
        if len(roles) == 1:
            params = evaluated_params(walk, inner, params)
            if params:
                inner = inner._replace(signature=hash((inner.signature, repr(params)[:2000])))
            return RoleCall(roles[0], walk.enter_role(inner, roles[0], params), params)
    return None


def run_role(
    walk: Walk,
    role: Role,
    frame: Frame,
    params: Mapping[str, Any],
    *,
    entry: str = "main",
    vars_from: str = "main",
    defaults_from: str = "main",
    with_handlers: bool = True,
) -> None:
    """Walk a role: what it depends on, then its tasks. Its handlers come after all others, if not known before."""
    key = f"role {role.path} {entry}"
    if key in walk.stack or not walk.goes_on():
        return
    if len(walk.stack) > MAX_DEPTH:
        walk.cut(TOO_DEEP)
        return
    files = walk.finder.part_files(role, "tasks", entry)
    metas = walk.finder.part_files(role, "meta")
    if not any(walk.relevance.concerns(path) for path in role_files(walk, role, entry)):
        return
    if files and walk.is_settled(key, files[0], frame):
        walk.record.reached.update(files[:1])
        walk.record.also_by(files[0], frame.via)
        if with_handlers:
            inner = walk.enter_role(frame, role, params, vars_from, defaults_from)
            collect_handlers(walk, role, inner, set(), comes_last=True)
        return
    if not all(walk.may_enter(path) for path in metas):
        return
    before_it = walk.mark()
    walk.stack.append(key)
    inner = (
        frame
        if frame.role is role and not with_handlers
        else walk.enter_role(frame, role, params, vars_from, defaults_from)
    )
    if with_handlers:
        collect_handlers(walk, role, inner, set(), comes_last=True)
    for path in metas:
        for number, dependency in enumerate(_dependencies(walk, path)):
            call = role_entry(walk, dependency, Place(path, number + 1), inner)
            if call is not None:
                run_role(walk, call.role, call.frame, call.params, with_handlers=False)
    for path in files[:1]:
        walk.record.reached.add(path)
        walk.stack.append(path)
        ended, walk.state.role_ended = walk.state.role_ended, False
        walk.run(walk.library.content(path).tasks, inner._replace(path=path))
        walk.state.role_ended = ended
        walk.stack.pop()
    walk.stack.pop()
    walk.settle(key, frame, before_it)


def collect_handlers(walk: Walk, role: Role, frame: Frame, seen: set[str], *, comes_last: bool) -> None:
    """Make a role's handlers known to the play after those of its dependencies; ``seen`` are the roles gone through."""
    seen.add(role.path)
    for path in walk.finder.part_files(role, "meta"):
        for number, dependency in enumerate(_dependencies(walk, path)):
            call = role_entry(walk, dependency, Place(path, number + 1), frame)
            if call is not None and call.role.path not in seen:
                collect_handlers(walk, call.role, call.frame, seen, comes_last=comes_last)
    walk.add_role_handlers(role, frame, comes_last=comes_last)


def _dependencies(walk: Walk, path: str) -> list[Any]:
    found = walk.library.variables(path).get("dependencies")
    return found if isinstance(found, list) else []


def evaluated_params(walk: Walk, frame: Frame, written: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the caller means them.

    What stays unknown keeps its text, so that conditions can be compared; so does what may be set within the call.
    """
    evaluator = walk.evaluator(frame)
    out: dict[str, Any] = {}
    for key, raw in written.items():
        value = walk.later(evaluator, raw)
        is_later = isinstance(value, Undefined) or (isinstance(value, Unknown) and not value.taints)
        out[key] = raw if is_later and expressions.is_template(raw) else value
    return out


# ---- calls as tasks


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
    inherited = {key: value for key, value in task.keywords.items() if key in ("become", "become_user", "delegate_to")}
    outer = outer._replace(keywords={**outer.keywords, **inherited}) if inherited and is_static else outer
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
    if breaks_off(task):
        outer = outer._replace(may_break_off=True)
    asked = (*outer.asked, *outer.whens, *([task.keywords["when"]] if "when" in task.keywords else []))
    rounds = [{}] if items is None else [{**names, "ansible_loop_var": UNKNOWN} for names in _rounds(visit, items)]
    many = items is not None and (items.is_open or len(items.items) > 2)
    for bound in rounds:
        if not walk.goes_on():
            return
        looped = outer.in_loop(bound)
        guard = visit.condition_for(walk.evaluator(looped, task_vars))
        if guard is False:
            continue
        params = {**bound, **evaluated_params(walk, looped, task_vars)}
        before = walk.state.facts.now
        # the conditions around are in the guard now; inside they would be asked again after things have changed
        whens = (applied["when"],) if "when" in applied else ()
        inner = outer.under(guard)._replace(whens=whens, asked=asked)
        _one_call(walk, task, inner, params, guard, is_repeated=many)
        walk.join(before, guard)


def _leads_nowhere(walk: Walk, task: Task, frame: Frame) -> bool:
    """Whether the call's names are plain and lead only to files in which nothing can become of a job.

    Most calls are such, and nothing else of them needs to be worked out: no loop, no condition, no parameter.
    """
    if task.module in ROLE_CALLS:
        name = task.args.get("name", task.args.get("role"))
        entry = task.args.get("tasks_from", "main")
        if not (_is_plain(name) and _is_plain(entry)):
            return False
        roles = walk.finder.find_roles(name, frame.playbook_folder, frame.role)
        paths = [path for role in roles for path in role_files(walk, role, entry)]
    else:
        name = task.args.get("file", task.args.get("_raw_params"))
        if not _is_plain(name) or task.module == "include":
            return False
        paths = walk.finder.find_files(name, frame.folders)
    return bool(paths) and not any(walk.relevance.concerns(path) for path in paths)


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and "{" not in name and "*" not in name


def role_files(walk: Walk, role: Role, entry: str) -> list[str]:
    """Every file that running a role's entry point may go through first."""
    parts = (("tasks", entry), ("meta", "main"), ("handlers", "main"))
    return [path for part, name in parts for path in walk.finder.part_files(role, part, name)]


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
    some = one_of(Seq(items.items, is_open=True))
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
    starts = tuple(patterns(evaluator, task.args.get("tasks_from", "main")))
    for pattern in patterns(evaluator, task.args.get("name", task.args.get("role"))):
        for role, entry, path in _entries(walk, pattern, starts, frame):
            if "*" not in pattern + entry or walk.relevance.concerns(path):
                targets[role.path, posixpath.basename(path)] = role
    if not targets:
        _leaves(walk, task, params)
    for (_, entry), role, each in _alternatives(walk, task, frame, targets):
        run_role(
            walk,
            role,
            each,
            {},
            entry=entry,
            vars_from=_plain_name(evaluator, task.args.get("vars_from")),
            defaults_from=_plain_name(evaluator, task.args.get("defaults_from")),
        )


def _entries(walk: Walk, pattern: str, starts: tuple[str, ...], frame: Frame) -> list[tuple[Role, str, str]]:
    """The roles that a pattern may mean, each with these entry points and their files."""
    key = (pattern, starts, frame.playbook_folder, frame.role)
    known = walk.entries.get(key)
    if known is None:
        says_nothing = is_open(pattern)
        known = walk.entries[key] = [
            (role, entry, path)
            for role in walk.finder.find_roles(pattern, frame.playbook_folder, frame.role)
            for entry in starts
            for path in walk.finder.part_files(role, "tasks", entry)
            if not (says_nothing and walk.graph.is_called(path))
        ]
    return known


def _plain_name(evaluator: Evaluator, written: object) -> str:
    found = patterns(evaluator, written) if written is not None else []
    return found[0] if found and "*" not in found[0] else "main"


def _alternatives(
    walk: Walk, task: Task, frame: Frame, targets: Mapping[Any, Any], *, others: bool = True
) -> list[tuple[Any, Any, Frame]]:
    """Each target with the frame in which it is walked: of several only one is meant, and it is not known which."""
    if len(targets) > MAX_CANDIDATES:
        walk.cut(f"a name that may mean more than {MAX_CANDIDATES} files; write out more of it")
    if len(targets) == 1:
        return [(key, value, frame) for key, value in targets.items()]
    subject = f"choice at {task.place} {walk.record.fresh()}"
    count = 0 if others else len(targets)
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
    others = False
    for under, pattern in guarded_patterns(evaluator, written):
        if not pattern:
            continue
        for path in walk.finder.find_files(pattern, frame.folders):
            if is_open(pattern) and walk.graph.is_called(path):
                continue  # the name says nothing: what is called by its own name elsewhere is hardly meant
            if "*" not in pattern or walk.relevance.concerns(path):
                targets.setdefault(path, under)
            else:
                others = True
    if not targets:
        _leaves(walk, task, params)
        return
    if len(targets) == 1:
        chosen = [(path, frame) for path in targets]
    elif all(under is not True for under in targets.values()):
        chosen = [(path, frame.under(under)) for path, under in targets.items()]
    else:
        chosen = [(path, each) for path, _, each in _alternatives(walk, task, frame, targets, others=others)]
    for path, each in chosen:
        _run_file(walk, path, each, guard, is_repeated=is_repeated, is_alone=len(chosen) == 1)


def _run_file(walk: Walk, path: str, frame: Frame, guard: Formula, *, is_repeated: bool, is_alone: bool) -> None:
    if path in walk.stack:
        walk.record.promote(path, frame.guard)  # a file that calls itself until a job has finished waits for it
        return
    if not walk.relevance.concerns(path):
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
        walk.record.promote(path, guard, or_asking=True)
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
