"""What the formats are given: everything that one check of a project found and decided."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ansible_reap.checks.finding import Finding, Rule
    from ansible_reap.content.model import Place
    from ansible_reap.flow.analysis import Launch, NotFollowed, ReadError


class Outcome(NamedTuple):
    """The result of one check. Everything is sorted by file and line."""

    root: str
    """The project's root, absolute."""
    findings: tuple[Finding, ...]
    """What fails the check."""
    warnings: tuple[Finding, ...]
    """What is known already (``warn_list``, the ignore file): listed, but no failure."""
    launches: tuple[Launch, ...]
    errors: tuple[ReadError, ...]
    files: int
    elapsed: float
    """Seconds."""
    texts: Mapping[str, str] = MappingProxyType({})
    """The text of the files that hold launches or reaps, by path relative to the root."""
    rules: Mapping[str, Rule] = MappingProxyType({})
    passed_over: tuple[ReadError, ...] = ()
    """YAML files that do not parse and concern no job."""
    not_followed: tuple[NotFollowed, ...] = ()
    """Launches that are unknown because a bound of the analysis was reached."""
    encrypted: tuple[ReadError, ...] = ()
    """Files of tasks or plays that are encrypted as a whole."""
    stale: tuple[str, ...] = ()
    """Entries of the ignore file that no longer match a finding, one line each."""

    @property
    def exit_status(self) -> int:
        """0 nothing found, 1 findings, 2 something could not be read or parsed."""
        if self.errors:
            return 2
        return 1 if self.findings else 0

    def excerpt(self, path: str, first: int, last: int) -> list[str]:
        """The lines ``first`` to ``last`` of a file, without line ends; empty where the text is not at hand."""
        return _lines(self.texts.get(path, ""))[first - 1 : last]


@lru_cache(maxsize=1)
def _lines(text: str) -> list[str]:
    """Kept for the next finding, which is most likely in the same file."""
    return text.splitlines()


def seen_from(outcome: Outcome, folder: Path) -> Outcome:
    """The outcome with paths relative to another folder than the project's root; absolute where the two lie apart."""
    root = Path(outcome.root)
    if root == folder:
        return outcome
    told = outcome.findings or outcome.warnings or outcome.errors or outcome.passed_over or outcome.encrypted
    if not (told or outcome.launches):
        return outcome._replace(root=str(folder))
    from ansible_reap.records import replace  # noqa: PLC0415 - of a project without any job, it would be the slowest import

    lie_apart = not root.is_relative_to(folder) and not folder.is_relative_to(root)

    def path(name: str) -> str:
        full = os.path.normpath(f"{root}/{name}")
        return (full if lie_apart else os.path.relpath(full, folder)).replace(os.sep, "/")

    def place(old: Place) -> Place:
        return replace(old, path=path(old.path))

    def step(text: str) -> str:
        name, colon, line = text.rpartition(":")
        return f"{path(name)}:{line}" if colon else text

    def moved(finding: Finding) -> Finding:
        fix = finding.fix
        return replace(
            finding,
            place=place(finding.place),
            related=tuple(replace(each, place=place(each.place)) for each in finding.related),
            via=tuple(map(step, finding.via)),
            fix=fix and replace(fix, edits=tuple(replace(edit, path=path(edit.path)) for edit in fix.edits)),
        )

    return outcome._replace(
        root=str(folder),
        findings=tuple(map(moved, outcome.findings)),
        warnings=tuple(map(moved, outcome.warnings)),
        launches=tuple(
            replace(launch, task=replace(launch.task, place=place(launch.task.place))) for launch in outcome.launches
        ),
        errors=tuple(replace(error, path=path(error.path)) for error in outcome.errors),
        passed_over=tuple(replace(error, path=path(error.path)) for error in outcome.passed_over),
        encrypted=tuple(replace(each, path=path(each.path)) for each in outcome.encrypted),
        not_followed=tuple(
            replace(each, path=path(each.path), bound=replace(each.bound, path=path(each.bound.path)))
            for each in outcome.not_followed
        ),
        texts={path(name): text for name, text in outcome.texts.items()},
    )
