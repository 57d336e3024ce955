"""``check --fix``: apply the safe fixes until none is left, and keep only those that did what they promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible_reap.checks.finding import Finding
from ansible_reap.linting import edits
from ansible_reap.linting.outcome import Outcome

ROUNDS = 20
"""Rounds after which fixing ends whatever is left; fixes that touch the same lines need one each."""

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What fixing did: the outcome of the check afterwards, and the findings whose fixes were written."""

    outcome: Outcome
    applied: tuple[Finding, ...]


def fix(root: Path, lint: Callable[[], Outcome]) -> Fixed:
    """Fix what ``lint()`` finds in the project at ``root``.

    After each round the project is checked again; a fix whose finding is still there, or that broke something, is
    taken back and not tried again. Raises OSError where a file cannot be written.
    """
    applied: list[Finding] = []
    refused: set[_Key] = set()
    before = lint()
    for _ in range(ROUNDS):
        candidates = [finding for finding in before.findings if finding.fix and _key(finding) not in refused]
        chosen = edits.choose(candidates)
        kept = {path: (root / path).read_bytes() for path in edits.touched(chosen)}
        done = edits.apply(root, chosen)
        if not done:
            break
        after = lint()
        failed = _failed(before, after, done)
        if failed:
            for path, data in kept.items():
                (root / path).write_bytes(data)
            refused |= failed
            continue
        applied += done
        before = after
    return Fixed(before, tuple(applied))


def _failed(before: Outcome, after: Outcome, done: Iterable[Finding]) -> set[_Key]:
    """The fixed findings that are still there; all of them where a file does not parse any more."""
    expected = Counter(_key(finding) for finding in before.findings)
    fixed = Counter(_key(finding) for finding in done)
    left = Counter(_key(finding) for finding in after.findings)
    if len(after.errors) > len(before.errors):
        return set(fixed)
    return {key for key in fixed if left[key] > expected[key] - fixed[key]}


def _key(finding: Finding) -> _Key:
    return finding.tag, finding.place.path, finding.task
