"""Where a task stands in its file's text, for fixes that change single lines of it."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator, Set
from functools import lru_cache
from typing import NamedTuple

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap.checks.finding import Edit
from ansible_reap.checks.support import number
from ansible_reap.content.keywords import ALIASES
from ansible_reap.content.model import Task
from ansible_reap.content.source import SourceError, compose, end_line
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass

_ODD_BREAKS = expression("\r(?!\n)|[\x85\u2028\u2029]")
"""Line ends that YAML knows but editors count differently."""

REACH = 500
"""Tasks after one in its list that are looked at."""
MAX_KEPT = 64
"""Files whose layout is remembered: one rule after the other asks for it."""

_KEEPS = expression(r"[|>]\d?\+")
"""The head of a block text that keeps the blank lines behind it."""
_PLAIN = expression(r"[A-Za-z][\w./()]*(?:[ -]+[\w./()]+)*")
_WORDS = expression(r"y|n|yes|no|on|off|true|false|null|none", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One key of a task and its value."""

    key: str
    """Its name, whatever alias is written."""
    first: int
    """The line of the key, from 1."""
    last: int
    """The last line of the value."""
    value: Node

    @property
    def scalar(self) -> str | None:
        """The text of a scalar."""
        return self.value.value if isinstance(self.value, ScalarNode) else None


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A task written in block style, one key a line: ``- key: value``. Lines count from 1."""

    path: str
    lines: tuple[str, ...]
    """The file's lines with their ends."""
    entries: tuple[Entry, ...]
    dash: int
    """Spaces before the dash."""
    indent: int
    """Spaces before the keys."""
    siblings: tuple[Node, ...]
    """The items of the list that the task stands in, itself included."""
    index: int
    later: tuple[Task, ...]
    """The tasks and blocks after it in its list, up to REACH of them."""
    last: int
    """The last line of the task, comments after it left out."""

    def entry(self, key: str) -> Entry | None:
        """The entry of this key; None where the task has none."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def number(self, key: str) -> float | None:
        """The number that a keyword is written as; None for a template and for what stands elsewhere."""
        entry = self.entry(key)
        return number(entry.scalar) if entry else None

    @property
    def last_of_list(self) -> int:
        """The last line of the list that the task stands in."""
        return self.end_line(self.siblings[-1])

    def end_line(self, node: Node) -> int:
        """The last line of a node of the list, blank lines after it left out."""
        return end_line(node, self.lines)

    def text(self, first: int, last: int) -> str:
        """The text of these lines (from 1, both included)."""
        return "".join(self.lines[first - 1 : last])

    def own_lines(self, entry: Entry) -> str:
        """The entry's lines as they read in another task of the list."""
        text = self.text(entry.first, entry.last).replace("\r\n", "\n")
        if entry.first == self.entries[0].first:  # it stands on the dash's line
            text = " " * self.indent + text[self.indent :]
        return text if text.endswith("\n") else text + "\n"

    def is_spaced_after(self, line: int) -> bool:
        """Whether a task put in after this line has a blank line before it, as the list's others have.

        Not behind a text that keeps the blank lines after it (``|+``): one more would be part of it.
        """
        at = bisect.bisect_left(self.siblings, line, key=lambda node: node.start_mark.line) - 1
        if at >= 0 and self.end_line(self.siblings[at]) == line and self._keeps_blank_lines(self.siblings[at]):
            return False
        if line != self.last_of_list:
            return not self.text(line + 1, line + 1).strip()
        if len(self.siblings) < 2:
            return True
        before, after = self.siblings[-2:]
        between = self.lines[self.end_line(before) : after.start_mark.line]
        return any(not line.strip() for line in between)

    def _keeps_blank_lines(self, node: Node) -> bool:
        while isinstance(node, (MappingNode, SequenceNode)):
            if not node.value or node.flow_style:
                return False
            node = node.value[-1] if isinstance(node, SequenceNode) else node.value[-1][1]
        start = node.start_mark
        return _KEEPS.match(self.lines[start.line], start.column) is not None

    def after(self, line: int, text: str) -> Edit:
        """Insert whole lines after this one."""
        return Edit(self.path, line + 1, line, text)

    def without(self, *keys: str) -> list[Edit] | None:
        """Take these keys out; None where one cannot be (it stands on the dash's line)."""
        edits = []
        for key in keys:
            entry = self.entry(key)
            if entry is None:
                continue
            if entry.first == self.entries[0].first:
                return None
            edits.append(Edit(self.path, entry.first, entry.last, ""))
        return edits

    def with_scalar(self, key: str, text: str) -> Edit | None:
        """Write another value after a key whose value is a scalar on the same line; comment and quotes stay."""
        entry = self.entry(key)
        if entry is None or not isinstance(entry.value, ScalarNode) or entry.first != entry.last:
            return None
        start, end = entry.value.start_mark, entry.value.end_mark
        if entry.value.style in ("|", ">") or start.line != end.line or start.line + 1 != entry.first:
            return None
        line = self.lines[entry.first - 1]
        written = line[start.column : end.column]
        quote = written[0] if written[:1] in ("'", '"') and written[:1] == written[-1:] else ""
        if quote and quote in text:
            return None
        return Edit(
            self.path, entry.first, entry.first, f"{line[: start.column]}{quote}{text}{quote}{line[end.column :]}"
        )


def find(analysis: Analysis, task: Task) -> Item | None:
    """The task as an item of the text; None where its layout is not the plain one, and nothing is to be changed.

    Nothing is either where an alias or a merge key elsewhere stands for it: what changes here would change there.
    """
    text = analysis.texts.get(task.path)
    lines = None if text is None else _lines(text)
    if text is None or lines is None:
        return None
    lists, shared = _lists(text)
    found = lists.get((task.line, task.place.column))
    if found is None:
        return None
    siblings, index = found
    node = siblings.value[index]
    starts = [each.start_mark.line for each in siblings.value]
    if node in shared or starts != sorted(set(starts)):  # an alias among the others stands where its anchor is
        return None
    head = lines[node.start_mark.line][: node.start_mark.column].removeprefix("\ufeff")
    if node.flow_style or siblings.flow_style or head.strip() != "-" or "\t" in head:
        return None
    entries = tuple(_entries(node, lines))
    if not _is_plain(node, entries):
        return None
    return Item(
        path=task.path,
        lines=lines,
        entries=entries,
        dash=len(head) - len(head.lstrip(" ")),
        indent=node.start_mark.column,
        siblings=tuple(siblings.value),
        index=index,
        later=_later(analysis.steps.get(task.path, ()), siblings, index),
        last=end_line(node, lines),
    )


def _later(steps: tuple[Task, ...], siblings: SequenceNode, index: int) -> tuple[Task, ...]:
    lines, tasks = _in_order(steps, siblings)
    first = bisect.bisect_right(lines, siblings.value[index].start_mark.line + 1)
    return tasks[first : first + REACH]


@lru_cache(maxsize=MAX_KEPT)
def _in_order(steps: tuple[Task, ...], siblings: SequenceNode) -> tuple[list[int], tuple[Task, ...]]:
    """The tasks of a list, behind the lines on which they begin."""
    known = {step.line: step for step in steps}
    lines = sorted(line for node in siblings.value if (line := node.start_mark.line + 1) in known)
    return lines, tuple([known[line] for line in lines])


def _entries(node: MappingNode, lines: tuple[str, ...]) -> Iterator[Entry]:
    for key, value in node.value:
        if isinstance(key, ScalarNode):
            first = key.start_mark.line + 1
            last = max(first, end_line(value, lines)) if value.start_mark.line >= key.start_mark.line else first
            yield Entry(ALIASES.get(name := str(key.value), name), first, last, value)


def _is_plain(node: MappingNode, entries: tuple[Entry, ...]) -> bool:
    """One key a line, below each other, no merge key and no alias."""
    if len(entries) != len(node.value) or any(entry.key == "<<" for entry in entries):
        return False
    if any(entry.value.start_mark.line + 1 < entry.first for entry in entries):
        return False  # an alias: its value stands where the anchor is
    firsts = [entry.first for entry in entries]
    return len(set(firsts)) == len(firsts) and all(
        before.last < after.first for before, after in itertools.pairwise(entries)
    )


@lru_cache(maxsize=MAX_KEPT)
def _lines(text: str) -> tuple[str, ...] | None:
    """The lines with their ends; None where editors and YAML count them differently."""
    return None if _ODD_BREAKS.search(text) else tuple(text.splitlines(keepends=True))


@lru_cache(maxsize=MAX_KEPT)
def _root(text: str) -> Node | None:
    try:
        return compose(text.encode("utf-8", "surrogatepass"))
    except SourceError:
        return None


class _Lists(NamedTuple):
    """What a text's lists hold."""

    items: dict[tuple[int, int], tuple[SequenceNode, int]]
    """Every mapping in a list, by line and column from 1: the list, and its place in it."""
    shared: Set[Node]
    """The nodes that stand in more than one place, by an alias, with all that is in them."""


@lru_cache(maxsize=MAX_KEPT)
def _lists(text: str) -> _Lists:
    found: dict[tuple[int, int], tuple[SequenceNode, int]] = {}
    seen: set[Node] = set()
    shared: set[Node] = set()
    root = _root(text)
    stack = [] if root is None else [root]
    while stack:
        node = stack.pop()
        if node in seen:
            if node not in shared:
                shared.update(_below(node))
            continue
        seen.add(node)
        if isinstance(node, SequenceNode):
            for index, item in enumerate(node.value):
                if isinstance(item, MappingNode):
                    found.setdefault((item.start_mark.line + 1, item.start_mark.column + 1), (node, index))
        stack += _children(node)
    return _Lists(found, shared)


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, SequenceNode):
        yield from node.value
    elif isinstance(node, MappingNode):
        yield from itertools.chain.from_iterable(node.value)


def _below(node: Node) -> Iterator[Node]:
    """The node and all that is in it, what stands there twice once."""
    seen, stack = {node}, [node]
    while stack:
        each = stack.pop()
        yield each
        new = set(_children(each)) - seen
        seen |= new
        stack += new


def scalar(text: str) -> str:
    """Text as a YAML scalar on one line, in quotes where it needs them."""
    if _PLAIN.fullmatch(text) and not _WORDS.fullmatch(text):
        return text
    return "'" + " ".join(text.split()).replace("'", "''") + "'"
