"""A suggestion pasted into its file as a reader does it."""

from __future__ import annotations

import re

from ansible_reap.checks.finding import Finding
from ansible_reap.content.model import Task
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import read_content

AFTER = re.compile(
    r" *# To be put in before the first task that needs the work done, at the latest after line (\d+):\n"
)
"""Where a task goes that does not belong right after the finding's."""
INSTEAD = re.compile(r"^ *# In place of the task in line (\d+):\n", re.MULTILINE)
"""Which task one replaces where they stand at several depths."""


def paste(text: str, finding: Finding) -> str:
    """As a reader pastes: each task over the task of its name, or after the one before it where there is none."""
    named = {task.name: task for task in tasks_of(text) if task.name and task.line != finding.place.line}
    lines = text.splitlines(keepends=True)
    if INSTEAD.search(finding.suggestion):
        ends = {task.line: task.end_line for task in tasks_of(text)}
        _, *found = INSTEAD.split(finding.suggestion)
        for line, new in sorted(zip(map(int, found[::2]), found[1::2], strict=True), reverse=True):
            lines[line - 1 : ends[line]] = [new]
        return "".join(lines)
    at = (finding.place.line, finding.end_line)
    parts = split(finding.suggestion)
    own = next((part for part in parts if re.search(rf"name: {re.escape(finding.task)}$", part, re.MULTILINE)), None)
    if own is not None:
        parts.remove(own)
        parts.insert(0, own)
    is_own = (
        parts[0].splitlines()[0].rstrip() == lines[finding.place.line - 1].rstrip() or "async_status" not in parts[0]
    )
    replaced = {at: parts.pop(0) if is_own else "".join(lines[finding.place.line - 1 : finding.end_line])}
    for other in parts:
        elsewhere = AFTER.match(other)
        if elsewhere:
            line = int(elsewhere[1])
            assert line > finding.end_line
            replaced[line + 1, line] = other[elsewhere.end() :]
            continue
        name = re.search(r"name: (.*)", other)
        there = named.get(name[1].strip()) if name else None
        if there:
            at = (there.line, there.end_line)
            replaced[at] = other
        else:
            replaced[at] += other
    for (first, last), new in sorted(replaced.items(), reverse=True):
        lines[first - 1 : last] = [new]
    return "".join(lines)


def tasks_of(text: str) -> list[Task]:
    return [step for step in read_content("site.yml", compose(text.encode())).steps() if isinstance(step, Task)]


def split(text: str) -> list[str]:
    """The tasks of a suggestion, each as text."""
    indent = re.match(r" *", text)
    spaces = indent[0] if indent else ""
    marker = rf"(?:{spaces}{AFTER.pattern})?"
    starts = [match.start() for match in re.finditer(rf"^{marker}{spaces}- ", text, re.MULTILINE)]
    return [text[start:end] for start, end in zip([0, *starts[1:]], [*starts[1:], len(text)], strict=True)]
