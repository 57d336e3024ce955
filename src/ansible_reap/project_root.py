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
    return next(filter(is_root, (start, *start.parents)), start)


def project_root(paths: Sequence[str | os.PathLike[str]]) -> Path:
    """The root of the project that the paths belong to (without any, the working folder).

    Where nothing marks one, it is the working folder if the paths lie below it, else the folder that holds them.
    """
    here = Path.cwd()
    start = Path(os.path.commonpath([Path(path).absolute() for path in paths])) if paths else here
    if not start.is_dir():
        start = start.parent
    root = next(filter(is_root, (start, *start.parents)), None)
    if root is not None:
        return root
    return here if start.is_relative_to(here) else start
