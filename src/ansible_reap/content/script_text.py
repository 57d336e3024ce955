"""The text of a script that tasks run, where the project holds it: in a role, or beside a playbook."""

from __future__ import annotations

import posixpath
from contextlib import suppress
from pathlib import Path

from ansible_reap.reading import SourceError, read_inside
from ansible_reap.remembered import for_one_check

_FOLDERS = ("files", "templates", "scripts", "")
MAX_SIZE = 65536
"""Bytes of a script that is read."""
MAX_KEPT = 512


def held(root: Path, path: str, name: str) -> str | None:
    """The text of the script of this name that the tasks of a file may run; None where the project holds none.

    A name with a folder may be one below the project's root too, where the whole project is copied to the host.
    """
    places = (*_places(root, path), "") if "/" in name else _places(root, path)
    return next((text for place in places if (text := _read(root, place, name)) is not None), None)


@for_one_check(MAX_KEPT)
def _places(root: Path, path: str) -> tuple[str, ...]:
    """The folders in which Ansible looks for what the tasks of this file name, and ``scripts`` beside them."""
    folder = path.rpartition("/")[0]
    role = path.rpartition("/tasks/")[0] if "/tasks/" in path else folder
    places = dict.fromkeys(posixpath.join(base, kind) for base in (role, folder) for kind in _FOLDERS)
    return tuple(place for place in places if Path(root, place).is_dir())


@for_one_check(MAX_KEPT)
def _read(root: Path, place: str, name: str) -> str | None:
    for file in (name, f"{name}.j2"):
        with suppress(SourceError):
            inside = posixpath.normpath(posixpath.join(place, file))
            return read_inside(root, inside, MAX_SIZE).decode("utf-8", "replace")
    return None
