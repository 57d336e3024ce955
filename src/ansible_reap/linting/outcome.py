"""What a format is given: everything that one check of a project found and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_reap.checks.finding import Finding, Rule
from ansible_reap.flow.analysis import Launch, ReadError


@dataclass(frozen=True, slots=True)
class Outcome:
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
    texts: Mapping[str, str] = field(default_factory=dict)
    """The text of the files that hold launches or reaps, by path relative to the root."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    stale: tuple[str, ...] = ()
    """Entries of the ignore file that nothing meets any more, one line each."""

    @property
    def exit_status(self) -> int:
        """0 nothing found, 1 findings, 2 something could not be read or parsed."""
        if self.errors:
            return 2
        return 1 if self.findings else 0

    def excerpt(self, path: str, first: int, last: int) -> list[str]:
        """The lines ``first`` to ``last`` of a file, without line ends; empty where the text is not at hand."""
        return self.texts.get(path, "").splitlines()[first - 1 : last]
