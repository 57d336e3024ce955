"""The root of a project: the nearest folder up that bears the mark of one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

ROOT_MARKERS = (".git", "ansible.cfg", ".ansible-lint", "galaxy.yml")


def is_root(folder: Path) -> bool:
    """Whether the folder bears the mark of a project's root."""
    return any((folder / marker).exists() for marker in ROOT_MARKERS)


def find_root(start: Path) -> Path:
    """The root of the project that the folder ``start`` belongs to; ``start`` itself where nothing marks one."""
    return _nearest(start) or start


def _nearest(start: Path) -> Path | None:
    """The nearest root from ``start`` up.

    Above it a mark counts only where it belongs to the user, to root or to the owner of ``start``: in a folder like
    ``/tmp`` others could make a root with settings of theirs around us.
    """
    if is_root(start):
        return start
    for folder in start.parents:
        if any(is_trusted(folder / marker, start) for marker in ROOT_MARKERS):
            return folder
    return None


def is_trusted(path: Path, start: Path) -> bool:
    """Whether there is such a file or folder, and it belongs to the user, to root or to the owner of ``start``."""
    owners = {0, _owner(start), os.geteuid() if hasattr(os, "geteuid") else None}
    return path.exists() and _owner(path) in owners


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def project_root(paths: Sequence[str | os.PathLike[str]]) -> Path:
    """The root of the project that the paths belong to (without any, the working folder).

    One path that is a project's root is that project. Else it is the project around the working folder, whichever of
    its files are named, so that a hook that passes more or fewer of them reads the same project. Only paths outside of
    it have a project of their own: the nearest root up from all of them. Where nothing marks one, it is the working
    folder if the paths lie below it, else the folder that holds them.
    """
    here = Path.cwd()
    named = [Path(os.path.normpath(Path(path).absolute())) for path in paths]
    if len(named) == 1 and named[0].is_dir() and is_root(named[0]):
        return named[0]
    around = _nearest(here)
    if around is not None and all(path.is_relative_to(around) for path in named):
        return around
    start = Path(os.path.commonpath(named)) if named else here
    if not start.is_dir():
        start = start.parent
    root = _nearest(start)
    if root is not None:
        return root
    return here if start.is_relative_to(here) else start
