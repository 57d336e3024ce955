"""Comments that silence a rule for one task, read as ansible-lint reads them.

Seen on ansible-lint 25.1 and 26.10: ``# noqa: id id`` counts anywhere from the task's first key to the next item's
start, comment lines after its last line included, and only there. Ids are separated by spaces; a bare ``# noqa``, a
list with commas, a comment above the task, beside its dash or on the head line of a block scalar have no effect. For a
task in flow style only the full tag counts. (26.10 takes the full tag above a task too; 25.1 does not, nor do we.)
"""

from __future__ import annotations

from functools import cached_property

MARKER = "# noqa"


class Comments:
    """The ``# noqa`` comments of one file. Lines count from 1."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _bears_marker(self) -> bool:
        return MARKER in self._text

    @cached_property
    def _lines(self) -> list[str]:
        return self._text.splitlines()

    @cached_property
    def _ids_by_line(self) -> dict[int, frozenset[str]]:
        """The ids that each line's comment names; scalars that merely look so are left out."""
        candidates = {number for number, line in enumerate(self._lines, 1) if MARKER in line}
        if not candidates:
            return {}
        ends = self._scalar_ends()
        found = {}
        for number in candidates:
            line = self._lines[number - 1]
            _, marker, names = line[ends.get(number, 0) :].partition(MARKER)
            if marker:
                found[number] = frozenset(names.lstrip(" :").split())
        return found

    def _scalar_ends(self) -> dict[int, int]:
        """For each line the column at which its last scalar ends; a comment cannot begin before it."""
        import yaml  # noqa: PLC0415 - few files have such a comment, and those without a job never need it

        ends: dict[int, int] = {}
        try:
            for token in yaml.scan(self._text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                if not isinstance(token, yaml.ScalarToken):
                    continue
                start, end = token.start_mark, token.end_mark
                for line in range(start.line, end.line):
                    ends[line + 1] = len(self._lines[line])
                if end.column:
                    ends[end.line + 1] = end.column
        except yaml.YAMLError:
            return {}
        return ends

    def silence(self, rule: str, tag: str, line: int, end_line: int) -> bool:
        """Whether the rule, or its sub-tag by the full tag, is silenced for the task between these lines.

        ``line`` is that of the task's first key.
        """
        if not self._bears_marker:
            return False
        if self._is_flow(line):
            return tag in self._ids_by_line.get(line, ())
        last = end_line
        while last < len(self._lines) and _is_blank_or_comment(self._lines[last]):
            last += 1
        named = [ids for number, ids in self._ids_by_line.items() if line <= number <= last]
        return any(rule in ids or tag in ids for ids in named)

    def _is_flow(self, line: int) -> bool:
        return line <= len(self._lines) and self._lines[line - 1].lstrip(" -").startswith("{")


def _is_blank_or_comment(line: str) -> bool:
    text = line.strip()
    return not text or text.startswith("#")
