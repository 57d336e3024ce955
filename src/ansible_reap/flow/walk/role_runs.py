"""Roles: those that a play, or another role, names, and how the walk goes through one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_reap.content import arguments, expressions
from ansible_reap.content.keywords import ROLE_KEYWORDS
from ansible_reap.content.model import Place
from ansible_reap.content.roles import Role
from ansible_reap.content.tasks import variables_of
from ansible_reap.flow.evaluation.patterns import patterns
from ansible_reap.flow.evaluation.values import Undefined, Unknown
from ansible_reap.flow.walk import encrypted
from ansible_reap.flow.walk.handed_over import HandedOver
from ansible_reap.flow.walk.state import Frame, bearing
from ansible_reap.flow.walk.walk import MAX_DEPTH, TOO_DEEP, Walk
from ansible_reap.records import dataclass


@dataclass(frozen=True, slots=True)
class RoleCall:
    """A role entry of a play or of another role's dependencies."""

    role: Role
    frame: Frame
    params: Mapping[str, Any]
    key: str
    """What Ansible tells such calls apart by: two of the same key are one for it."""


def role_entry(
    walk: Walk, entry: Any, place: Place, frame: Frame, is_passed_by: Callable[[Role], bool] | None = None
) -> RoleCall | None:
    """A role named in ``roles:`` or ``dependencies:``.

    None where the project does not have it, or where nothing can become of a job in it: it leaves its variables then.
    Nor is one entered that ``is_passed_by``, as it was before.
    """
    params: dict[str, Any] = {}
    keywords: dict[str, Any] = {}
    own: list[object] = []
    if isinstance(entry, str):
        found = arguments.words(entry.replace(",", " "))
        name: object = found[0] if found else None
        params.update(dict(word.partition("=")[::2] for word in found[1:] if "=" in word))
        own = [repr(params), None, None, None]
    elif isinstance(entry, dict):
        name = entry.get("role", entry.get("name"))
        given = variables_of(entry.get("vars"))
        params = {str(key): value for key, value in entry.items() if key not in ROLE_KEYWORDS}
        own = [repr(params), given, entry.get("when"), entry.get("tags")]
        params.update({str(key): value for key, value in given.items()} if isinstance(given, dict) else {})
        keywords = {key: entry[key] for key in entry if key in ROLE_KEYWORDS and key not in ("role", "name", "vars")}
    else:
        return None
    collections = _collections(walk, frame)
    if is_plain_name(name):
        roles = walk.finder.find_roles(str(name), frame.playbook_folder, frame.role, collections)
        if len(roles) == 1 and is_passed_by is not None and is_passed_by(roles[0]):
            return None
        given = walk.handed_on(frame, params)
        role = roles[0] if len(roles) == 1 else None
        if role and not any(walk.relevance.concerns(path, given) for path in role_files(walk, role, "main")):
            walk.share_variables(role, of=frame.role)
            return None
    if not walk.may_enter_role():
        return None
    inner = walk.inside(frame, keywords)
    inner = inner._replace(
        via=(*frame.via, str(place)),
        declared=(params, *frame.declared) if params else frame.declared,
    )
    evaluator = walk.evaluator(inner)
    for pattern in patterns(evaluator, name):
        roles = walk.finder.find_roles(pattern, frame.playbook_folder, frame.role, collections)
        if len(roles) == 1:
            params = evaluated_params(walk, inner, params)
            if params:
                inner = inner._replace(signature=hash((inner.signature, repr(params)[:2000])))
            entered = walk.enter_role(inner, roles[0], params, of=frame.role)
            return RoleCall(roles[0], entered, params, f"{roles[0].path} {own}")
    walk.values.knows_roles = False
    return None


def _collections(walk: Walk, frame: Frame) -> tuple[str, ...]:
    """The collections in which a role is looked for first.

    A role's dependencies are in its own alone, whatever its ``meta`` names (seen on ansible-core 2.16 and 2.22).
    """
    if frame.role is None:
        return frame.collections
    own = walk.finder.collection_of(frame.role.path)
    return (own,) if own else ()


def run_call(walk: Walk, call: RoleCall) -> None:
    """Walk a role that a play or another role names: Ansible runs it but once in a play where all about it is the same.

    Seen on ansible-core 2.16 and 2.22; ``when``, ``tags``, parameters and ``vars`` tell two calls apart.
    """
    if call.key in walk.state.roles_run:
        return
    run_role(walk, call.role, call.frame, call.params, with_handlers=False)
    frame = call.frame
    is_sure = frame.guard is True and not (frame.whens or frame.loops_around or frame.once or frame.is_caught)
    if is_sure and "never" not in frame.tags and not _may_run_again(walk, call.role):
        walk.state.roles_run.add(call.key)


def _may_run_again(walk: Walk, role: Role) -> bool:
    """Whether the role's ``meta`` allows duplicates, or may."""
    metas = walk.finder.part_files(role, "meta")
    return any(walk.library.variables(path).get("allow_duplicates") not in (None, False) for path in metas)


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
    key = _key(role, entry)
    files = walk.finder.part_files(role, "tasks", entry)
    if walk.has_seen_round(key):
        for path in files[:1]:  # a role that calls itself until a job has finished waits for it
            walk.record.promote(walk.graph.called_from(path), frame.guard)
        return
    if not walk.goes_on():
        return
    if len(walk.stack) > MAX_DEPTH:
        walk.cut(TOO_DEEP)
        return
    metas = walk.finder.part_files(role, "meta")
    given = walk.handed_on(frame) | bearing(params)
    if not any(walk.relevance.concerns(path, given) for path in role_files(walk, role, entry)):
        walk.passed_by.update(files)
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
    for call in _dependencies(walk, role, inner, lambda other: walk.has_seen_round(_key(other))):
        run_call(walk, call)
    for path in files[:1]:
        if encrypted.gone_through(walk, path):
            continue
        walk.record.reached.add(path)
        walk.stack.append(path)
        ended, walk.state.role_ended = walk.state.role_ended, False
        walk.run(walk.library.content(path).tasks, inner._replace(path=path))
        walk.state.role_ended = ended
        walk.stack.pop()
    walk.stack.pop()
    walk.settle(key, frame, before_it)


def collect_handlers(walk: Walk, role: Role, frame: Frame, seen: set[str], *, comes_last: bool, depth: int = 0) -> None:
    """Make a role's handlers known to the play after those of its dependencies; ``seen`` are the roles gone through.

    Past the depth at which ``run_role`` cuts the walk short, nothing more is asked.
    """
    if depth > MAX_DEPTH:
        return
    seen.add(role.path)
    for call in _dependencies(walk, role, frame, lambda other: other.path in seen):
        if call.role.path not in seen:
            collect_handlers(walk, call.role, call.frame, seen, comes_last=comes_last, depth=depth + 1)
    walk.add_role_handlers(role, frame, comes_last=comes_last)


def _dependencies(walk: Walk, role: Role, frame: Frame, is_passed_by: Callable[[Role], bool]) -> Iterator[RoleCall]:
    """The roles that a role depends on, but for those passed by; each is looked up when it is asked for."""
    for path in walk.finder.part_files(role, "meta"):
        encrypted.gone_through(walk, path)
        found = walk.library.variables(path).get("dependencies")
        for number, entry in enumerate(found if isinstance(found, list) else []):
            if not walk.goes_on():
                return
            call = role_entry(walk, entry, Place(path, number + 1), frame, is_passed_by)
            if call is not None:
                yield call


def _key(role: Role, entry: str = "main") -> str:
    """Stands for a role's entry point among what is being gone through."""
    return f"role {role.path} {entry}"


def evaluated_params(walk: Walk, frame: Frame, written: Mapping[str, Any]) -> HandedOver:
    """Parameters as the caller means them.

    What stays unknown keeps its text, so that conditions can be compared; so does what may be set within the call.
    """
    evaluator = walk.evaluator(frame)
    out: dict[str, Any] = {}
    for key, raw in written.items():
        value = walk.later(evaluator, raw)
        is_later = isinstance(value, Undefined) or (isinstance(value, Unknown) and not value.taints)
        out[key] = raw if is_later and expressions.is_template(raw) else value
    return HandedOver(out, written, evaluator.scope, walk.state.facts)


def role_files(walk: Walk, role: Role, entry: str) -> list[str]:
    """Every file that running a role's entry point may go through first."""
    parts = (("tasks", entry), ("meta", "main"), ("handlers", "main"))
    return [path for part, name in parts for path in walk.finder.part_files(role, part, name)]


def is_plain_name(name: object) -> bool:
    return isinstance(name, str) and "{" not in name and "*" not in name
