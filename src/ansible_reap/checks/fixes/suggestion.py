"""The text of a fix, as it is shown and as it can be pasted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import lru_cache

from ansible_reap.checks.finding import Edit, Finding
from ansible_reap.content.model import Task

MAX_KEPT = 64
"""Files whose lines are remembered: a file may have hundreds of findings."""


def suggestion(finding: Finding, text: str, steps: tuple[Task, ...]) -> str:
    """The task as it should read where it changes, the other tasks of its file that change, and those that are added.

    They come in the order of the file. Each stands as a whole, to be pasted in place of the task of its name, or after
    the one before it where the file has none of that name.
    ``text`` is the file's and ``steps`` are its tasks. Empty where there is no fix, or one that changes another file
    too; tasks that a fix takes out are not part of it.
    """
    fix = finding.fix or finding.proposal
    path = finding.place.path
    if fix is None or any(edit.path != path for edit in fix.edits):
        return ""
    edits = [edit for edit in fix.edits if edit.path == path]
    lines = _lines(text)
    first, last = finding.place.line, max(finding.end_line, finding.place.line)
    inside = [edit for edit in edits if first <= edit.first <= last + 1 and edit.last <= last]
    others = [edit for edit in edits if edit not in inside]
    lowest, highest = min([edit.first for edit in others], default=1), max([edit.first for edit in others], default=0)
    tasks = _between(steps, lowest, highest) if others else ()
    parts = {first: _edited(lines, inside, first, last)} if inside else {}
    for task in tasks:
        own = [edit for edit in others if _is_within(edit, task)]
        if own:
            parts[task.line] = _edited(lines, own, task.line, task.end_line)
    changed = "".join(_headed(line, part, parts.values()) for line, part in sorted(parts.items()) if part.strip())
    added = (edit for edit in others if edit.last < edit.first and not any(_is_within(edit, task) for task in tasks))
    changed += "".join(_placed(edit, lines, last) for edit in added)
    return "" if changed.strip() == "".join(lines[first - 1 : last]).strip() else changed


def _between(steps: tuple[Task, ...], first: int, last: int) -> tuple[Task, ...]:
    """The tasks of the file that have a line between these."""
    tasks, lines = _by_line(steps)
    at = bisect_right(lines, first) - 1
    if at >= 0 and tasks[at].end_line >= first:
        at = bisect_left(lines, lines[at])
    else:
        at += 1
    return tasks[at : bisect_right(lines, last)]


@lru_cache(maxsize=MAX_KEPT)
def _by_line(steps: tuple[Task, ...]) -> tuple[tuple[Task, ...], list[int]]:
    tasks = sorted((step for step in steps if step.module != "block"), key=lambda step: step.line)
    return tuple(tasks), [task.line for task in tasks]


@lru_cache(maxsize=MAX_KEPT)
def _lines(text: str) -> list[str]:
    """The lines of the file, with a line feed as their ends; nobody changes them."""
    return text.replace("\r\n", "\n").splitlines(keepends=True)


def _placed(edit: Edit, lines: list[str], last: int) -> str:
    """What is put in, with a comment that says where unless that is right after the finding's task."""
    between = lines[last : edit.last]
    if not any(line.strip() and not line.lstrip().startswith("#") for line in between):
        return edit.replacement
    body = edit.replacement.lstrip("\n")
    blank = edit.replacement[: len(edit.replacement) - len(body)]
    where = f"before the first task that needs the work done, at the latest after line {edit.last}"
    return f"{blank}{_indent(body)}# To be put in {where}:\n{body}"


def _headed(line: int, part: str, all_parts: Iterable[str]) -> str:
    """The task, with a comment that says which one it replaces where they do not all stand at one depth."""
    indents = {_indent(each) for each in all_parts if each.strip()}
    return part if len(indents) < 2 else f"{_indent(part)}# In place of the task in line {line}:\n{part}"


def _indent(text: str) -> str:
    body = text.lstrip("\n")
    return body[: len(body) - len(body.lstrip(" "))]


def _is_within(edit: Edit, task: Task) -> bool:
    """Whether the edit changes something inside the task; what is put in before or after it does not."""
    return task.line <= edit.last and edit.first <= task.end_line and edit.last <= task.end_line


def _edited(lines: list[str], edits: Iterable[Edit], first: int, last: int) -> str:
    """The lines ``first`` to ``last`` after the edits."""
    out = lines[first - 1 : last]
    if out and not out[-1].endswith("\n"):
        out[-1] += "\n"
    for edit in [*sorted(edits, key=lambda each: (each.first, each.last))][::-1]:
        out[edit.first - first : edit.last - first + 1] = [edit.replacement.replace("\r\n", "\n")]
    return "".join(out)
