"""The file of ``check --baseline``: findings that are known already, each by its fingerprint.

An entry stands for one finding. A second launch of the same kind in a file that is listed fails the check, which the
ignore file of ansible-lint, by file and tag, cannot tell.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ansible_reap import files
from ansible_reap.formats.fingerprint import fingerprints
from ansible_reap.reading import MAX_SETTINGS, SourceError, parse_json, read
from ansible_reap.wording import counted

if TYPE_CHECKING:
    from ansible_reap.checks.finding import Finding
    from ansible_reap.linting.outcome import Outcome

VERSION = 1


class BaselineError(ValueError):
    """A file that cannot be used; the message is one line."""


class Baseline(NamedTuple):
    """What the file holds."""

    name: str
    """The file as it was given."""
    known: frozenset[str]
    """The fingerprints."""

    def apply(self, outcome: Outcome) -> Outcome:
        """The same with the known findings among those that are only listed."""
        found = list(zip(outcome.findings, _marks(outcome), strict=True))
        return outcome._replace(
            findings=tuple(finding for finding, mark in found if mark not in self.known),
            warnings=_sorted([*outcome.warnings, *(finding for finding, mark in found if mark in self.known)]),
        )

    def stale(self, outcome: Outcome) -> Iterator[str]:
        """One line where findings are gone; ``outcome`` is that of the whole project, before ``apply``."""
        gone = len(self.known.difference(_marks(outcome)))
        if gone:
            entries = counted(gone, "finding is gone", "findings are gone")
            yield f"{self.name}: {entries}; --generate-baseline takes {'it' if gone == 1 else 'them'} out"


def load(path: Path, name: str) -> Baseline:
    """Read the file. Raises BaselineError, which calls it ``name``."""
    try:
        text = read(path, MAX_SETTINGS)
    except SourceError as error:
        raise BaselineError(f"cannot read '{name}': {error.message}; --generate-baseline writes it") from error
    try:
        data = parse_json(text)
    except SourceError as error:
        raise BaselineError(f"'{name}' {error.message}") from error
    if not isinstance(data, dict) or data.get("version") != VERSION or not isinstance(data.get("findings"), list):
        raise BaselineError(f"'{name}' is no baseline of version {VERSION}; --generate-baseline writes one")
    marks = [entry.get("fingerprint") if isinstance(entry, dict) else None for entry in data["findings"]]
    if not all(isinstance(mark, str) for mark in marks):
        raise BaselineError(f"'{name}' has an entry without a fingerprint")
    return Baseline(name, frozenset(map(str, marks)))


def write(root: Path, path: Path, outcome: Outcome) -> int:
    """Write what fails the check now; how many findings that are. Raises OSError."""
    entries = [
        {"fingerprint": mark, "tag": finding.tag, "path": finding.place.path, "task": finding.task}
        for finding, mark in zip(outcome.findings, _marks(outcome), strict=True)
    ]
    listed = ",".join(f"\n  {json.dumps(entry, ensure_ascii=False)}" for entry in entries)
    text = f'{{"version": {VERSION}, "findings": [{listed}]}}\n'
    if not path.parent.is_dir():  # more likely misspelt than meant to be made
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    files.refuse_links(root, path)
    files.write(path, text, private=False)
    return len(entries)


def _marks(outcome: Outcome) -> list[str]:
    """The fingerprint of each finding. Equal ones are told apart by their order, among those that are listed too."""
    everything = _sorted([*outcome.findings, *outcome.warnings])
    by_identity = dict(zip(map(id, everything), fingerprints(everything), strict=True))
    return [by_identity[id(finding)] for finding in outcome.findings]


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda each: (each.place.path, each.place.line, each.place.column, each.tag)))
