"""``check --statistics``: how often each tag is found, the most frequent first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from ansible_reap.checks.finding import Level
from ansible_reap.formats.text import summary
from ansible_reap.linting.outcome import Outcome

_COLOURS = {Level.HIGH: "1;31", Level.MEDIUM: "1;33", Level.LOW: "36"}


def render(name: str, outcome: Outcome, *, colour: bool = False) -> str:
    """The counts as ``text`` or ``json``: a list of ``rule``, ``tag``, ``severity``, ``count``, ``fixable``."""
    if name == "json":
        keys = ("rule", "tag", "severity", "count", "fixable")
        rows = [(rule, tag, level.value, *numbers) for rule, tag, level, *numbers in _rows(outcome)]
        return json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=1) + "\n"
    lines = []
    for _, tag, level, number, fixable in _rows(outcome):
        painted = f"\x1b[{_COLOURS[level]}m{tag}\x1b[0m" if colour else tag
        lines.append(f"{number:>6}  {painted}" + (f" ({fixable} fixable with --fix)" if fixable else ""))
    return "\n".join((*lines, summary(outcome))) + "\n"


def _rows(outcome: Outcome) -> Iterator[tuple[str, str, Level, int, int]]:
    counts = Counter((finding.tag, finding.severity, finding.rule) for finding in outcome.findings)
    fixable = Counter((finding.tag, finding.severity) for finding in outcome.findings if finding.fix)
    for (tag, level, rule), number in sorted(counts.items(), key=lambda item: (-item[1], item[0][0])):
        yield rule, tag, level, number, fixable[tag, level]
