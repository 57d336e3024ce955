"""The order in which an entry of the project is gone through: its playbooks, plays, roles and lists of tasks."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_reap.content import expressions
from ansible_reap.content.library import ENCRYPTED
from ansible_reap.content.model import as_list, names_of
from ansible_reap.content.roles import Role
from ansible_reap.content.tasks import Play, Step, TaskBlock
from ansible_reap.flow.evaluation.formulas import Atom
from ansible_reap.flow.evaluation.layers import Layer
from ansible_reap.flow.evaluation.patterns import patterns
from ansible_reap.flow.walk import ahead, alterations, encrypted, handlers, role_runs
from ansible_reap.flow.walk.hosts import given_by_the_play
from ansible_reap.flow.walk.role_runs import is_plain_name
from ansible_reap.flow.walk.state import INHERITED, Frame, tags_of
from ansible_reap.flow.walk.variables import Shared
from ansible_reap.flow.walk.walk import MAX_DEPTH, TOO_DEEP, Walk

MAX_PLAYBOOKS = 60
"""How many playbooks a name that is not known may mean."""


def walk_playbook(walk: Walk, path: str, frame: Frame | None = None) -> None:
    """A playbook from its first play to its last."""
    if path in walk.stack:
        return
    if encrypted.gone_through(walk, path):
        return
    if len(walk.stack) > MAX_DEPTH:
        walk.cut(TOO_DEEP)
        return
    walk.stack.append(path)
    walk.record.reached.add(path)
    walk.record.played.add(path)
    plays = walk.library.content(path).plays
    for at, play in enumerate(plays):
        walk.ahead.append((path, plays[at + 1 :]))
        if play.imports is not None:
            _import_playbook(walk, play, path, frame)
        else:
            walk_play(walk, play, path, frame)
            ahead.give_up(walk)
        walk.ahead.pop()
    walk.stack.pop()


def walk_tasks_file(walk: Walk, path: str, role: Role | None) -> None:
    """A tasks or handlers file that nothing calls, on its own."""
    walk.stack.append(path)
    walk.record.reached.add(path)
    frame = walk.enter_role(_bare_frame(walk, path), role, {}) if role else _bare_frame(walk, path)
    frame = frame._replace(path=path, folders=(posixpath.dirname(path), *frame.folders))
    if role is not None:
        walk.add_role_handlers(role, frame)
    walk.run(walk.library.content(path).tasks, frame)
    handlers.flush(walk)
    walk.stack.pop()


def walk_role(walk: Walk, role: Role) -> None:
    """A role that nothing calls, on its own."""
    role_runs.run_role(walk, role, _bare_frame(walk, role.path), {})
    handlers.flush(walk)


def _bare_frame(walk: Walk, path: str) -> Frame:
    settings = (
        (Layer.ROLE, walk.shared_vars),
        (Layer.INVENTORY, walk.inventory),
        (Layer.DEFAULTS, walk.shared_defaults),
        (Layer.MAGIC, walk.magic(posixpath.dirname(path))),
    )
    return Frame(path=path, via=(), settings=settings)


def _import_playbook(walk: Walk, play: Play, path: str, frame: Frame | None) -> None:
    assert play.imports is not None
    folder = posixpath.dirname(path)
    base = frame or Frame(path=path, via=())
    given = play.block.keywords.get("vars")
    walk.place = play.block.place
    names = [play.imports]
    if expressions.is_template(play.imports):
        settings = ((Layer.INVENTORY, walk.inventory), (Layer.MAGIC, walk.magic(folder)))
        params = (given, *base.params) if isinstance(given, dict) else base.params
        names = patterns(walk.evaluator(base._replace(params=params, settings=settings)), play.imports)
    found: dict[str, None] = {}
    for name in names:
        for target in walk.finder.find_playbook(name, folder) if name.strip("*") else ():
            if walk.relevance.concerns(target):
                found[target] = None
    if not found:
        return
    inner = base._replace(
        via=(*base.via, str(play.block.place)),
        params=(given, *base.params) if isinstance(given, dict) else base.params,
        signature=hash((base.signature, repr(given))) if isinstance(given, dict) else base.signature,
        declared=(given, *base.declared) if isinstance(given, dict) else base.declared,
        whens=(*base.whens, play.block.keywords["when"]) if "when" in play.block.keywords else base.whens,
        tags=base.tags | tags_of(play.block.keywords),
    )
    subject = f"choice at {play.block.place} {walk.record.fresh()}"
    for target in list(found)[:MAX_PLAYBOOKS]:
        if not walk.may_go_on():
            break
        if len(found) == 1:
            walk_playbook(walk, target, inner)
            continue
        choice = Atom(f"{subject} {target}", subject, target, is_choice=True)
        before = walk.state.facts.now
        walk_playbook(walk, target, inner.under(choice))
        walk.join(before, choice)
    if len(found) > MAX_PLAYBOOKS:
        walk.place = play.block.place
        walk.cut(f"a name that may mean more than {MAX_PLAYBOOKS} playbooks; write out more of it")


def walk_play(walk: Walk, play: Play, path: str, base: Frame | None) -> None:
    """One play: its roles and lists of tasks in Ansible's order, the notified handlers after each part."""
    folder = posixpath.dirname(path)
    keywords = play.block.keywords
    play_vars = {str(k): v for k, v in keywords["vars"].items()} if isinstance(keywords.get("vars"), dict) else {}
    walk.shared_vars, walk.shared_defaults = Shared(), Shared()
    walk.state.roles_run.clear()
    outer = base or Frame(path=path, via=())
    frame = outer._replace(
        path=path,
        via=(*outer.via, str(play.block.place)),
        playbook=path,
        play=play.block.place,
        hosts=play.hosts,
        folders=(folder,),
        settings=(
            (Layer.ROLE, walk.shared_vars),
            (Layer.PLAY, play_vars),
            (Layer.INVENTORY, walk.inventory),
            (Layer.DEFAULTS, walk.shared_defaults),
            (Layer.MAGIC, walk.magic(folder, play.hosts, keywords.get("name", play.hosts))),
        ),
        keywords={
            **{key: keywords[key] for key in (*INHERITED, "serial", "order") if key in keywords},
            "collections": _collections(walk, keywords.get("collections"), path),
        },
        tags=outer.tags | tags_of(keywords),
        declared=(play_vars, *outer.declared),
        signature=hash((outer.signature, repr(play_vars)[:2000])) if play_vars else outer.signature,
    )
    files = _vars_files(walk, keywords.get("vars_files"), frame)
    given = (*frame.params, files, _prompted(keywords), play_vars)
    frame = frame._replace(hosts_given=given_by_the_play(play.hosts or "", given))
    if files:
        settings = (frame.settings[0], (Layer.PLAY, files), *frame.settings[1:])
        frame = frame._replace(settings=settings)
    walk.values.knows_roles = True
    walk.relevance.topics, walk.silent = set(), set()
    walk.state.notified.clear()
    walk.state.notifying.clear()
    walk.state.ended = False
    _gather_facts(walk, keywords.get("gather_facts", True))
    _collect_handlers(walk, play, frame)
    if walk.relevance.topics and play.roles:  # once more: a role may have handlers of the names that are known now
        _collect_handlers(walk, play, frame)
    walk.roles_of_play = " ".join(repr(entry) for _, entry in play.roles)
    _share_imported(walk, (*play.pre_tasks, *play.tasks, *play.post_tasks), frame)
    walk.run(play.pre_tasks, frame)
    handlers.flush(walk)
    for place, entry in play.roles:
        call = role_runs.role_entry(walk, entry, place, frame)  # its parameters are read when the role runs
        if call is not None:
            role_runs.collect_handlers(walk, call.role, call.frame, set(), comes_last=False)
            role_runs.run_call(walk, call)
    walk.run(play.tasks, frame)
    handlers.flush(walk)
    walk.run(play.post_tasks, frame)
    handlers.flush(walk)
    handlers.flush_unseen(walk)


def _collections(walk: Walk, written: object, path: str) -> list[str]:
    """The collections that a play looks in first: the one that its playbook is part of, and those that it names."""
    own = walk.finder.collection_of(path)
    return [*([own] if own else []), *names_of(written)]


def _share_imported(walk: Walk, steps: Iterable[Step], frame: Frame) -> None:
    """The variables of roles that ``import_role`` names are there from the play's start (ansible-core 2.16 to 2.22)."""
    for step in steps:
        if isinstance(step, TaskBlock):
            _share_imported(walk, (*step.body, *step.rescue, *step.always), walk.inside(frame, step.block.keywords))
        elif step.module == "import_role":
            walk.roles_of_play += f" {step.args}"
            name = step.args.get("name", step.args.get("role"))
            collections = (
                names_of(step.keywords["collections"]) if "collections" in step.keywords else frame.collections
            )
            found = walk.finder.find_roles(str(name), frame.playbook_folder, None, collections)
            for role in found if is_plain_name(name) else ():
                walk.share_variables(role)


def _gather_facts(walk: Walk, written: Any) -> None:
    """What the start of a play does to the facts."""
    state = walk.state
    if str(written).strip().lower() in ("false", "no", "off", "0"):
        state.has_facts = bool(state.has_facts)
        return
    if state.has_facts is False:
        state.changes[alterations.THERE] = walk.steps
    elif state.has_facts and walk.library.project.settings.gathers_again:
        state.changes.perhaps((alterations.GATHERED,), walk.steps)
    state.has_facts = True


def _collect_handlers(walk: Walk, play: Play, frame: Frame) -> None:
    """Make known the handlers of the play's roles, and after them its own."""
    walk.handlers = []
    walk.hidden_handlers.clear()
    for place, entry in play.roles:
        call = role_runs.role_entry(walk, entry, place, frame)
        if call is not None:
            role_runs.collect_handlers(walk, call.role, call.frame, set(), comes_last=True)
    walk.add_handlers(play.handlers, frame)


def _prompted(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The questions of ``vars_prompt``, by the variables that the answers are for."""
    written = keywords.get("vars_prompt")
    entries = written if isinstance(written, list) else []
    return {str(entry.get("name")): entry for entry in entries if isinstance(entry, dict)}


def _vars_files(walk: Walk, written: Any, frame: Frame) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    walk.values.knows_files = True
    for entry in as_list(written or None):
        for name in entry if isinstance(entry, list) else [entry]:
            found = walk.load_variables(str(name), frame)
            if found is not None:
                merged.update(found)
                walk.values.knows_files = walk.values.knows_files and ENCRYPTED not in found
                break
        else:
            walk.values.knows_files = False
    return merged
