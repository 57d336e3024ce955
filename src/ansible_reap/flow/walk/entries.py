"""Every entry of a project walked: its playbooks, then the roles and tasks files that none of them reaches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ansible_reap.content.call_graph import CallGraph
from ansible_reap.content.call_names import MAIN_FILES
from ansible_reap.content.host_groups import HostGroups
from ansible_reap.content.library import Library
from ansible_reap.content.model import Place
from ansible_reap.content.roles import Finder
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.walk import effects, order
from ansible_reap.flow.walk.own_plugins import OwnPlugins
from ansible_reap.flow.walk.record import Record
from ansible_reap.flow.walk.shares import Shares
from ansible_reap.flow.walk.variables import GroupVariables, RoleVariables
from ansible_reap.flow.walk.walk import Ground, Walk


def walk_project(library: Library) -> Record:
    """Walk everything in which something can become of a job, and give back what was seen."""
    graph = CallGraph(library)
    finder = Finder(library)
    ground = Ground(library, graph, finder, GroupVariables(library), RoleVariables(library, finder))
    record = Record(OwnPlugins(library), HostGroups(library.project))
    record.shares = Shares({*graph.mattering, *library.polling}, record.reached)
    bounds.taken()  # what an earlier analysis has left
    _walk_playbooks(ground, record)
    _walk_the_rest(ground, record)
    library.sort_errors(graph.is_called)
    return record


def _start(ground: Ground, record: Record, path: str) -> Walk:
    walk = Walk(ground, record, effects.task)
    walk.entry = path
    record.starts.append(len(record.instances))
    return walk


def _finish(walk: Walk, record: Record) -> None:
    """Note what the walk leaves open, also where a bound has kept others from coming here."""
    cut_before = record.first_cut if walk.entry in record.behind else None
    if walk.cut_at is not None:
        record.behind |= _behind(walk)
    for number, what in bounds.taken().items():
        record.beyond(number, walk.place, what)
    cut_at = walk.cut_at or cut_before
    for number in walk.launched:
        record.seen_with[number] = walk.looks
        if cut_at is not None or walk.has_crashed:
            record.cut_short[number] = cut_at
        if cut_at is not None:
            record.bounds.setdefault(number, cut_at)


def _behind(walk: Walk) -> set[str]:
    """The files that are called by their names from where the walk has begun, by way of others too."""
    graph, found, waiting = walk.graph, set[str](), [walk.entry]
    while waiting:
        each = waiting.pop()
        if each not in found and graph.matters(each):
            found.add(each)
            waiting += graph.called_by_name(each)
    return found - {walk.entry}


def _walk_playbooks(ground: Ground, record: Record) -> None:
    mattering = sorted(path for path in ground.library.playbooks if ground.graph.matters(path))
    imported = {target for path in mattering for target in ground.graph.called_playbooks(path) if target != path}
    for path in sorted(mattering, key=lambda each: each in imported):
        if path in imported and path in record.played:
            continue
        walk = _start(ground, record, path)
        _enter(walk, path, partial(order.walk_playbook, walk, path))
        _finish(walk, record)


def _walk_the_rest(ground: Ground, record: Record) -> None:
    """Roles and tasks files that no playbook of the project calls: callers first, then what is still left."""
    waiting = sorted(
        path
        for path in ground.graph.mattering
        if path not in record.reached and path not in ground.library.playbooks and ground.library.is_known(path)
    )
    called: set[str] = set()
    for path in waiting:
        called |= ground.graph.called_files(path) - {path}
    waiting.sort(key=lambda each: (each in called, not _is_main(each), each))
    for path in [*waiting, *ground.library.polling]:
        if path in record.reached:
            continue
        role = ground.finder.role_of(path)
        walk = _start(ground, record, path)
        if role is not None and _is_main(path) and path.startswith(role.part("tasks") + "/main"):
            _enter(walk, path, partial(order.walk_role, walk, role))
        if path not in record.reached:
            _enter(walk, path, partial(order.walk_tasks_file, walk, path, role))
        _finish(walk, record)


def _enter(walk: Walk, path: str, go: Callable[[], None]) -> None:
    """Walk one entry; an error of our own outside any task costs what is left of this entry and nothing else."""
    walk.place = Place(path, 1)
    try:
        go()
    except Exception as error:  # noqa: BLE001 - see above
        walk.crashed(path, 1, error)


def _is_main(path: str) -> bool:
    return path.rpartition("/")[2] in MAIN_FILES
