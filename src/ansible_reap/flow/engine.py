"""One look at a project: files in, an immutable Analysis out."""

from __future__ import annotations

import gc
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_reap.content.library import Library
from ansible_reap.content.project import Project
from ansible_reap.flow.analysis import Analysis, ReadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_reap.flow.ground import Ground
    from ansible_reap.flow.walk.record import Record
    from ansible_reap.flow.walk.walk import Walk


def analyse(root: Path) -> Analysis:
    """Every launch and reap of the project below ``root``, each launch with its verdict. Never raises for content."""
    project = Project(root)
    library = Library(project)
    result: Analysis | None = None
    if library.asynchronous or library.polling:
        enabled = gc.isenabled()
        gc.disable()  # plain trees without cycles: collecting them again and again only costs time
        try:
            result = _walked(library)
        finally:
            if enabled:
                gc.enable()
    errors = [ReadError(path, 1, f"cannot be read: {message}") for path, message in project.unreadable]
    errors += [ReadError(path, error.line, error.message) for path, error in library.errors.items()]
    errors.sort(key=lambda error: (error.path, error.line))
    return Analysis(
        root=str(root),
        launches=result.launches if result else (),
        reaps=result.reaps if result else (),
        uses=result.uses if result else (),
        errors=tuple(errors),
        files=len(project.yaml),
        crashes=result.crashes if result else (),
        texts=result.texts if result else {},
    )


def _walked(library: Library) -> Analysis:
    from ansible_reap.content.call_graph import CallGraph  # noqa: PLC0415 - projects without async need none of this
    from ansible_reap.content.roles import Finder  # noqa: PLC0415
    from ansible_reap.flow.assembly import outcome  # noqa: PLC0415
    from ansible_reap.flow.ground import Ground  # noqa: PLC0415
    from ansible_reap.flow.inventory import GroupVariables  # noqa: PLC0415
    from ansible_reap.flow.walk.record import Record  # noqa: PLC0415
    from ansible_reap.flow.walk.variables import RoleVariables  # noqa: PLC0415

    graph = CallGraph(library)
    finder = Finder(library)
    ground = Ground(library, graph, finder, GroupVariables(library), RoleVariables(library, finder))
    record = Record()
    record.plugins, record.self_reaping = _plugins(library)
    _walk_playbooks(ground, record)
    _walk_the_rest(ground, record)
    library.check_unread()
    return outcome(library, record)


def _plugins(library: Library) -> tuple[frozenset[str], frozenset[str]]:
    """The project's own modules and action plugins, and those that look at jobs themselves."""
    names: set[str] = set()
    reaping: set[str] = set()
    for path in library.project.others:
        folder, _, name = path.rpartition("/")
        if not name.endswith(".py"):
            continue
        short = name[:-3]
        is_action = folder.endswith(("plugins/action", "action_plugins"))
        if is_action or folder.endswith(("library", "plugins/modules")) or "plugins/modules/" in folder:
            names.add(short)
        if is_action and b"async_status" in _source(library, path):
            reaping.add(short)
    return frozenset(names), frozenset(reaping)


def _source(library: Library, path: str) -> bytes:
    from ansible_reap.content.source import SourceError  # noqa: PLC0415

    try:
        return library.project.read(path)
    except SourceError:
        return b""


def _new_walk(ground: Ground, record: Record) -> Walk:
    from ansible_reap.flow.walk.walk import Walk  # noqa: PLC0415

    return Walk(ground, record)


def _finish(walk: Walk, record: Record) -> None:
    for number in walk.launched:
        record.seen_with[number] = walk.looks
        if walk.is_cut_short or walk.has_crashed:
            record.cut_short.add(number)


def _walk_playbooks(ground: Ground, record: Record) -> None:
    mattering = sorted(path for path in ground.library.playbooks if ground.graph.matters(path))
    imported = {target for path in mattering for target in ground.graph.called_playbooks(path) if target != path}
    for path in sorted(mattering, key=lambda each: each in imported):
        if path in imported and path in record.reached:
            continue
        walk = _new_walk(ground, record)
        _enter(walk, path, partial(walk.playbook, path))
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
        walk = _new_walk(ground, record)
        if role is not None and _is_main(path) and path.startswith(role.part("tasks") + "/main."):
            _enter(walk, path, partial(walk.role, role))
        if path not in record.reached:
            _enter(walk, path, partial(walk.tasks_file, path, role))
        _finish(walk, record)


def _enter(walk: Walk, path: str, go: Callable[[], None]) -> None:
    """Walk one entry; an error of our own outside any task costs what is left of this entry and nothing else."""
    try:
        go()
    except Exception as error:  # noqa: BLE001 - see above
        walk.crashed(path, 1, error)


def _is_main(path: str) -> bool:
    return path.rpartition("/")[2] in ("main.yml", "main.yaml")
