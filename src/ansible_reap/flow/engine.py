"""One look at a project: files in, an immutable Analysis out."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_reap.content.project import Project
from ansible_reap.content.survey import Survey
from ansible_reap.flow.analysis import Analysis, ReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_reap.reading import SourceError


def analyse(root: Path, unsaved: Mapping[str, bytes | None] | None = None) -> Analysis:
    """Every launch and reap of the project below ``root``, each launch with its verdict. Never raises for content.

    ``unsaved`` holds the bytes of files that are not (yet) as the disk has them, by path relative to the root; None
    stands for a file that is taken not to be there.
    """
    project = Project(root, unsaved)
    survey = Survey(project)
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
    errors = sorted((*unreadable, *result.errors), key=lambda error: (error.path, error.line))
    is_needed = bool(result.launches or result.reaps)
    return replace(result, errors=tuple(errors), set_elsewhere=_set_elsewhere(project) if is_needed else frozenset())


def _set_elsewhere(project: Project) -> frozenset[str]:
    """What decides where and as whom tasks run although no play says it."""
    from ansible_reap.content.inventory import set_by_inventory  # noqa: PLC0415 - projects without async need none of it

    names = set(set_by_inventory(project))
    if project.settings.become:
        names.add("become")
    if project.settings.remote_user:
        names.add("ansible_user")
    return frozenset(names)


def _walked(survey: Survey) -> Analysis:
    # projects without async need none of this, and every pre-commit run of theirs would pay for it
    from ansible_reap.content.library import Library  # noqa: PLC0415
    from ansible_reap.flow.assembly import outcome  # noqa: PLC0415
    from ansible_reap.flow.walk.entries import walk_project  # noqa: PLC0415

    library = Library(survey.project, survey)
    record = walk_project(library)
    result = outcome(library, record)
    return replace(result, errors=_told(library.errors), passed_over=_told(library.passed_over))


def _told(errors: Mapping[str, SourceError]) -> tuple[ReadError, ...]:
    return tuple(ReadError(path, error.line, error.message) for path, error in sorted(errors.items()))
