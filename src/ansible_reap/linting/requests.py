"""What the caller of a check asks for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ansible_reap.checks.level import Level

if TYPE_CHECKING:
    from ansible_reap.checks.finding import Finding


WHOLE = "."
"""The path of the project's root, relative to it."""


class Request(NamedTuple):
    """What the caller asked for. Names are rule ids, full tags or a rule's tags."""

    select: frozenset[str] = frozenset()
    """Empty: everything."""
    ignore: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    """Files and folders relative to the root; empty: everything."""
    min_severity: Level = Level.LOW
    min_confidence: Level = Level.LOW

    def covers(self, path: str) -> bool:
        """Whether a file (relative to the root) is one that the caller asked about."""
        if not self.paths:
            return True
        return any(chosen in (path, ".") or path.startswith(chosen + "/") for chosen in self.paths)

    def concerns(self, finding: Finding) -> bool:
        """Whether the finding, a related place or a caller of its task is in the files that were asked about.

        A change in one file can be the cause of a finding in another.
        """
        places = (finding.place.path, *(each.place.path for each in finding.related))
        callers = (step.rpartition(":")[0] for step in finding.via)
        return any(map(self.covers, (*places, *callers)))


def relative_paths(root: Path, paths: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
    """The paths (relative to the working folder) as paths relative to the root. Raises ValueError for one outside."""
    return tuple(_relative(root, os.fspath(path)) for path in paths)


def with_targets(root: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """The paths, relative to the root, and where links in the project lead from them: findings stand there."""
    found = dict.fromkeys(paths)
    top = os.path.realpath(root)
    for path in [*found]:
        target = os.path.relpath(os.path.realpath(f"{top}{os.sep}{path}"), top)
        if not target.startswith(".."):
            found.setdefault(target.replace(os.sep, "/"))
    return tuple(found)


def _relative(root: Path, path: str) -> str:
    """A hook may pass hundreds of paths, so links are followed only where the names alone are not enough."""
    name = os.path.relpath(os.path.abspath(path), root)  # noqa: PTH100 - pathlib's takes ten times as long
    if name.startswith(".."):
        name = os.path.relpath(Path(path).resolve(), root.resolve())
    if name.startswith(".."):
        said = "a path starts at the working folder, and --project-dir names the project"
        raise ValueError(f"{path} lies outside the project {root}: {said}")
    return name
