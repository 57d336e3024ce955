"""One look at a project: files in, an immutable Analysis out."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_reap.content.places import YAML_ENDINGS
from ansible_reap.content.project import Project
from ansible_reap.content.survey import Survey
from ansible_reap.flow.analysis import Analysis, ReadError
from ansible_reap.reading import SourceError
from ansible_reap.records import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


_ADDRESSES = frozenset({"ansible_host", "ansible_ssh_host"})


def analyse(root: Path, unsaved: Mapping[str, bytes | None] | None = None, named: Collection[str] = ()) -> Analysis:
    """Every launch and reap of the project below ``root``, each launch with its verdict. Never raises for content.

    ``unsaved`` holds the bytes of files that are not (yet) as the disk has them, by path relative to the root; None
    stands for a file that is taken not to be there. ``named`` are files and folders, relative to the root, that the
    caller asks about by name: each must be readable content, or hold some.
    """
    return analysed(Survey(Project(root, unsaved, named)), named)


def analysed(survey: Survey, named: Collection[str] = ()) -> Analysis:
    """The same for files that have been looked at."""
    project = survey.project
    root = project.root
    result = Analysis(root=str(root), launches=(), reaps=(), uses=(), errors=(), files=len(project.yaml))
    if survey.concerns_jobs or survey.unreadable:
        enabled = gc.isenabled()
        gc.disable()  # plain trees without cycles: collecting them again and again only costs time
        try:
            result = _walked(survey)
        finally:
            if enabled:
                gc.enable()
    unreadable = [ReadError(path, 1, f"cannot be read: {message}") for path, message in project.unreadable]
    told = {error.path for error in result.errors}
    asked = _of_named(survey, [path for path in named if path not in told]) if named or not project.yaml else ()
    passed_over = tuple(error for error in result.passed_over if error.path not in named)
    errors = sorted((*unreadable, *result.errors, *asked), key=lambda error: (error.path, error.line))
    is_needed = bool(result.launches or result.reaps)
    set_elsewhere = _set_elsewhere(project, result.set_elsewhere) if is_needed else frozenset()
    controllers = _controllers(project) if "ansible_connection" in set_elsewhere else frozenset()
    return replace(
        result,
        errors=tuple(errors),
        passed_over=passed_over,
        encrypted=tuple(_encrypted(survey, named)) if survey.vaulted and (survey.may_hide_tasks or named) else (),
        set_elsewhere=set_elsewhere,
        strategy=project.settings.strategy,
        become=project.settings.become,
        become_user=project.settings.become_user,
        controllers=controllers,
        hosts=_hosts(project) if len(set(_plays(result))) > 1 else {},
        addresses=_addresses(project) if is_needed and result.set_elsewhere.isdisjoint(_ADDRESSES) else None,
    )


def _controllers(project: Project) -> frozenset[str]:
    from ansible_reap.content.inventory import on_the_controller  # noqa: PLC0415 - few inventories speak of it

    return on_the_controller(project)


def _plays(result: Analysis) -> Iterator[str | None]:
    """The hosts of the plays of launches and reaps, as written."""
    settings = (*(each.settings for each in result.launches), *(each.settings for each in result.reaps))
    return (each.hosts for found in settings for each in found)


def _hosts(project: Project) -> Mapping[str, frozenset[str]]:
    from ansible_reap.content.inventory import hosts_by_name  # noqa: PLC0415 - most launches have one play

    return hosts_by_name(project)


def _addresses(project: Project) -> frozenset[str] | None:
    from ansible_reap.content.inventory import addresses  # noqa: PLC0415 - most inventories give none

    return addresses(project)


def _set_elsewhere(project: Project, on_the_way: frozenset[str]) -> frozenset[str]:
    """What decides where and as whom tasks run although no play says it; ``on_the_way`` is what the walk has met."""
    from ansible_reap.content.inventory import NOT_ROOT, set_by_inventory  # noqa: PLC0415 - projects without async need none of it

    names = set(set_by_inventory(project))
    if project.settings.is_local:
        names.add("ansible_connection")
    if project.settings.has_async_dir:
        names.add("ansible_async_dir")
    if on_the_way & {"ansible_user", "ansible_ssh_user"}:
        names.discard(NOT_ROOT)
    if project.settings.remote_user:
        names.add("ansible_user")
        if project.settings.remote_user == "root":
            names.discard(NOT_ROOT)
    return on_the_way.union(names)


def _walked(survey: Survey) -> Analysis:
    # projects without async need none of this, and every pre-commit run of theirs would pay for it
    from ansible_reap.content.library import Library  # noqa: PLC0415
    from ansible_reap.flow.assembly import outcome  # noqa: PLC0415
    from ansible_reap.flow.walk.entries import walk_project  # noqa: PLC0415

    library = Library(survey.project, survey)
    record = walk_project(library)
    result = outcome(library, record)
    return replace(result, errors=_told(library.errors), passed_over=_told(library.passed_over))


def _of_named(survey: Survey, named: Collection[str]) -> Iterator[ReadError]:
    """What is wrong with the files and folders that are asked about by name; of a whole project, whether it has any."""
    listed = set(survey.project.yaml)
    for path in named or ["."]:
        prefix = "" if path == "." else f"{path}/"
        if path in listed:
            from ansible_reap.content.library import check_text  # noqa: PLC0415 - it needs PyYAML

            try:
                check_text(survey.read(path), must_be_content=not path.endswith(YAML_ENDINGS))
            except SourceError as error:
                yield ReadError(path, error.line, error.message)
        elif (survey.project.canonical(path) or ".") in {*named} - {path}:
            continue  # a link, to what is asked about too
        elif survey.project.is_folder(path) and not any(each.startswith(prefix) for each in listed):
            yield ReadError(path, 1, "holds no YAML file that Ansible would load")


def _encrypted(survey: Survey, named: Collection[str]) -> Iterator[ReadError]:
    from ansible_reap.content.encrypted_tasks import NOT_READ, with_tasks  # noqa: PLC0415 - few projects have such files

    yield from (ReadError(path, 1, NOT_READ) for path in with_tasks(survey, named))


def _told(errors: Mapping[str, SourceError]) -> tuple[ReadError, ...]:
    return tuple(ReadError(path, error.line, error.message) for path, error in sorted(errors.items()))
