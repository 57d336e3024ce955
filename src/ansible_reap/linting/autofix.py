"""``check --fix``: try the fixes until none is left, and keep only those that remove their finding.

Fixes are tried on the text in memory. A file is written once, when its final content is known.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ansible_reap import files
from ansible_reap.checks.finding import Finding
from ansible_reap.late_patterns import expression
from ansible_reap.linting import edits
from ansible_reap.linting.outcome import Outcome
from ansible_reap.records import dataclass, replace

ROUNDS = 20
"""The most rounds of fixing; fixes that touch the same lines need one round each."""

_COMMANDING = expression(r"[\"\\]|::|##")
_PLAIN = frozenset(byte for byte in range(32, 127) if chr(byte) not in '"\\:#')
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What fixing does: the outcome of the check afterwards, the findings that are mended, the files that change."""

    outcome: Outcome
    applied: tuple[Finding, ...]
    files: Mapping[str, bytes]
    """The new bytes, by path relative to the root."""


Lint = Callable[[Mapping[str, bytes | None]], Outcome]
"""Checks the project with these contents in place of the files on disk."""


def fix(root: Path, lint: Lint, unsaved: Mapping[str, bytes] | None = None, *, with_unsafe: bool = False) -> Fixed:
    """Fix what ``lint(unsaved)`` finds in the project at ``root``; nothing is written.

    ``with_unsafe`` also applies fixes that are only suggested, where they change no file but that of the finding.

    After each round the project is checked again with the changes. A fix whose finding is still there, or that broke
    something, is undone and not tried again. Raises OSError where a file cannot be read.
    """
    applied: list[Finding] = []
    refused: set[_Key] = set()
    texts = dict(unsaved or {})
    before = lint(texts)
    for _ in range(ROUNDS):
        findings = [_with_proposal(each) for each in before.findings] if with_unsafe else before.findings
        candidates = [finding for finding in findings if finding.fix and _key(finding) not in refused]
        chosen = edits.choose(candidates)
        old = {path: texts[path] if path in texts else (root / path).read_bytes() for path in edits.touched(chosen)}
        done, new = edits.applied(old, chosen)
        if not done:
            break
        after = lint({**texts, **new})
        failed = _failed(before, after, done)
        if failed:
            refused |= failed
            continue
        applied += done
        texts.update(new)
        before = after
    return Fixed(before, tuple(applied), {path: texts[path] for path in edits.touched(applied)})


def _with_proposal(finding: Finding) -> Finding:
    """The finding with its suggestion as its fix, where it has no other."""
    proposal = finding.proposal
    if finding.fix is not None or proposal is None:
        return finding
    is_within = all(edit.path == finding.place.path for edit in proposal.edits)
    return replace(finding, fix=proposal) if is_within else finding


def write(root: Path, fixed: Fixed) -> None:
    """Write the files that change. Raises OSError where one cannot be written."""
    for path, data in fixed.files.items():
        files.refuse_leaving(root, root / path)
        files.write(root / path, data, private=False)


def diff(root: Path, fixed: Fixed, unsaved: Mapping[str, bytes] | None = None, prefix: str = "") -> Iterator[str]:
    """What would change, as lines of a unified diff that ``git apply`` and ``patch -p1`` read.

    ``prefix`` stands before each path. Names are quoted as git quotes them, where they hold more than plain text.
    """
    for path, new in sorted(fixed.files.items()):
        old = (unsaved or {}).get(path)
        if old is None:
            old = (root / path).read_bytes()
        before, after = (data.decode("utf-8", "surrogateescape").splitlines(keepends=True) for data in (old, new))
        for line in difflib.unified_diff(before, after, quoted(f"a/{prefix}{path}"), quoted(f"b/{prefix}{path}")):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def quoted(name: str) -> str:
    """A name in a diff: in quotes with octal escapes where it may end its line, or command a terminal or a CI log."""
    if name.isprintable() and not _COMMANDING.search(name):
        return name
    data = name.encode("utf-8", "surrogateescape")
    return '"' + "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in data) + '"'


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
