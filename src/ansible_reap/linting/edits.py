"""Applies fixes to files: whole lines in, every other byte as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_reap.checks.finding import Edit, Finding
from ansible_reap.content.source import SourceError, compose
from ansible_reap.late_patterns import expression

_LINE = expression(rb"[^\n]*\n|[^\n]+")


def choose(findings: Iterable[Finding]) -> list[Finding]:
    """The findings whose fixes can be applied together, in their order; the others wait for the next round.

    Two insertions at one place go together, in the order of the findings.
    """
    chosen: list[Finding] = []
    taken: list[Edit] = []
    for finding in findings:
        if finding.fix is None or any(_collide(edit, other) for edit in finding.fix.edits for other in taken):
            continue
        chosen.append(finding)
        taken += finding.fix.edits
    return chosen


def _collide(one: Edit, other: Edit) -> bool:
    if one.path != other.path:
        return False
    if _is_insertion(one) and _is_insertion(other):
        return False
    if _is_insertion(one) or _is_insertion(other):
        point, span = (one, other) if _is_insertion(one) else (other, one)
        return span.first < point.first <= span.last
    return one.first <= other.last and other.first <= one.last


def _is_insertion(edit: Edit) -> bool:
    return edit.last < edit.first


def applied(texts: Mapping[str, bytes], findings: Iterable[Finding]) -> tuple[list[Finding], dict[str, bytes]]:
    """The findings whose fixes can be applied together, and the bytes that the files they touch then have.

    A file that would no longer parse stays as it is, and so does every other file that the same fixes touch. ``texts``
    holds every file that is touched, by path.
    """
    chosen = choose(findings)
    while chosen:
        new = {path: edited(texts[path], _edits(chosen, path)) for path in touched(chosen)}
        broken = {path for path, data in new.items() if not _parses(data)}
        if not broken:
            return chosen, new
        chosen = [finding for finding in chosen if broken.isdisjoint(touched([finding]))]
    return [], {}


def touched(findings: Iterable[Finding]) -> list[str]:
    """The files that the findings' fixes change."""
    return sorted({edit.path for finding in findings if finding.fix for edit in finding.fix.edits})


def preview(texts: Mapping[str, str], finding: Finding) -> dict[str, str]:
    """The files that the finding's fix touches, as they would read; ``texts`` holds them by path."""
    return {
        path: edited(texts[path].encode(), _edits([finding], path)).decode()
        for path in touched([finding])
        if path in texts
    }


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The file's bytes after the edits; what is added takes the file's own line end."""
    lines = _LINE.findall(data)
    end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    # From the end of the file to its start, so that line numbers hold; of insertions at one place the last goes first.
    for edit in reversed([*sorted(edits, key=_order)]):
        added = edit.replacement.encode().replace(b"\r\n", b"\n").replace(b"\n", end)
        before = edit.first - 1
        if added and before == len(lines) and lines and not lines[-1].endswith(b"\n"):
            # The file's last line has no end: it gets one, and what follows it has none instead.
            lines[-1] += end
            added = added.removesuffix(end)
        lines[before : edit.last] = [added]
    return b"".join(lines)


def _order(edit: Edit) -> tuple[int, int, bool]:
    """By place; of insertions at one place those that go on with the task above come before new tasks."""
    return edit.first, edit.last, edit.replacement.lstrip().startswith("- ")


def _edits(findings: Iterable[Finding], path: str) -> list[Edit]:
    return [edit for finding in findings if finding.fix for edit in finding.fix.edits if edit.path == path]


def _parses(data: bytes) -> bool:
    try:
        compose(data)
    except SourceError:
        return False
    return True
