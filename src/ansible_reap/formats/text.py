"""For people: each finding with the lines it is about, then one line that sums up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ansible_reap import pages
from ansible_reap.checks.level import Level
from ansible_reap.formats.width import cut, wrap
from ansible_reap.late_patterns import expression

if TYPE_CHECKING:
    from ansible_reap.checks.finding import Finding
    from ansible_reap.linting.outcome import Outcome
from ansible_reap.printable import file_name, harmless, one_line, printable
from ansible_reap.wording import counted

MANY = 4
"""Findings that say the same from which on only the first is shown in full."""
_PLACE = expression(r"(?:\b[Ll]ines? \d+|[^\s'\"]{1,200}:\d+)")
"""How messages name a place: ``line 7``, ``roles/db/tasks/main.yml:7``."""
EXCERPT = 8
"""Lines of a task that are shown; the rest is cut."""

_WIDTH = 96
_BOLD, _DIM, _RED, _YELLOW, _CYAN = "1", "2", "1;31", "1;33", "36"
_SEVERITY_COLOURS = {Level.HIGH: _RED, Level.MEDIUM: _YELLOW, Level.LOW: _CYAN}


def render(outcome: Outcome, *, colour: bool = False, links: bool = False, shows_known: bool = False) -> str:
    """The findings and a summary; every finding starts with ``path:line:column: tag: task``, which editors understand.

    What could not be read is counted only: it goes to standard error. With ``links`` each tag leads to its rule's page;
    without, a line says how to read it. Known findings are counted, unless ``shows_known``.
    """
    return "\n".join(_Writer(outcome, colour=colour, links=links).lines(shows_known=shows_known)) + "\n"


def _alike(findings: Sequence[Finding]) -> Iterator[list[Finding]]:
    """The findings in their order; those that say the same together, where they are many."""
    groups: dict[tuple[str, Level, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_said(finding), []).append(finding)
    for finding in findings:
        alike = groups[_said(finding)]
        if len(alike) < MANY:
            yield [finding]
        elif alike[0] is finding:
            yield alike


def _said(finding: Finding) -> tuple[str, Level, str]:
    """What the finding says, whatever the place: two that say the same have one cause."""
    return finding.tag, finding.severity, _PLACE.sub("", finding.message)


class _Writer:
    def __init__(self, outcome: Outcome, *, colour: bool, links: bool) -> None:
        self._outcome = outcome
        self._colour = colour
        self._links = links

    def lines(self, *, shows_known: bool) -> Iterator[str]:
        for finding in self._outcome.warnings if shows_known else ():
            yield from self._finding(finding, note=" (known)")
        for alike in _alike(self._outcome.findings):
            yield from self._finding(alike[0], others=alike[1:])
        if self._outcome.findings and not self._links:
            yield f"'ansible-reap explain {self._outcome.findings[0].rule}' says why, and what is right"
        yield summary(self._outcome, shows_known=shows_known)

    def _head(self, finding: Finding, note: str = "") -> str:
        place = f"{finding.place.path}:{finding.place.line}:{finding.place.column}:"
        tag = self._link(pages.url(finding.rule), self._paint(_SEVERITY_COLOURS[finding.severity], finding.tag))
        grave = f"{note} ({finding.severity.value})"
        return f"{self._paint(_BOLD, file_name(place))} {tag}{grave}: {one_line(finding.task)}"

    def _finding(self, finding: Finding, note: str = "", others: Sequence[Finding] = ()) -> Iterator[str]:
        yield self._head(finding, note)
        yield from map(harmless, wrap(one_line(finding.message), _WIDTH, "  "))
        yield from self._excerpt(finding)
        for related in finding.related:
            yield f"  {self._paint(_DIM, 'see')} {file_name(str(related.place))}: {one_line(related.message)}"
        if len(finding.via) > 1:
            yield f"  {self._paint(_DIM, 'by way of')} {file_name(' > '.join(finding.via))}"
        if finding.fix:
            yield f"  {self._paint(_DIM, '--fix:')} {one_line(finding.fix.description)}"
        if finding.suggestion:
            yield f"  {self._paint(_DIM, 'write:')}"
            yield from (harmless(f"      {printable(line)}") for line in finding.suggestion.rstrip().splitlines())
        if others:
            yield f"  {self._paint(_DIM, f'the same in {len(others)} more places')} (--format json has each in full):"
            yield from map(self._head, others)
        yield ""

    def _excerpt(self, finding: Finding) -> Iterator[str]:
        first, last = finding.place.line, max(finding.end_line, finding.place.line)
        shown = self._outcome.excerpt(finding.place.path, first, min(last, first + EXCERPT - 1))
        width = len(str(first + len(shown)))
        for number, line in enumerate(shown, first):
            yield f"  {self._paint(_DIM, f'{number:>{width}} |')} {cut(printable(line.rstrip()), _WIDTH)}"
        if shown and last >= first + EXCERPT:
            yield f"  {self._paint(_DIM, ' ' * width + ' :')}"

    def _link(self, url: str, text: str) -> str:
        return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\" if self._links else text

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def summary(outcome: Outcome, *, shows_known: bool = True) -> str:
    """What was found and what was looked at, on one line; how known findings are shown, where they are not."""
    verdicts = Counter(launch.verdict.value for launch in outcome.launches)
    launches = counted(len(outcome.launches), "launch", "launches")
    if verdicts:
        launches += " (" + ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common()) + ")"
    fixable = sum(1 for finding in outcome.findings if finding.fix)
    parts = [counted(len(outcome.findings), "finding") + (f", {fixable} fixable with --fix" if fixable else "")]
    if outcome.warnings:
        parts.append(f"{len(outcome.warnings)} known" + ("" if shows_known else " (--show-known lists them)"))
    if outcome.errors:
        parts.append(counted(len(outcome.errors), "error"))
    parts += [launches, f"{counted(outcome.files, 'file')} in {outcome.elapsed:.2f} s"]
    return "; ".join(parts)
