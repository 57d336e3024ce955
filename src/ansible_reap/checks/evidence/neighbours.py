"""The other tasks of a task's file: what they tell about its host, and which of them name it.

Only within one file, where the order is the text's.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, takewhile

from ansible_reap.checks.evidence import work
from ansible_reap.checks.evidence.work import is_windows
from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.model import Place, Task
from ansible_reap.content.places import is_among_tests
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression

ENDING_PROGRAMS = frozenset({"kill", "pkill", "killall", "taskkill", "skill"})
_TAKES_DOWN = expression(
    r"(?:^|[^a-z])(?:destroy|tear.?down|clean.?up|delet\w*|remov\w*|uninstall|undeploy|stop\w*|purge|decommission)(?=$|[^a-z])",
    re.IGNORECASE,
)
REACH = 1000
"""Tasks of a file, after one of them and before it, among which something is looked for that has to do with it."""
NAMING = 200
"""The same of those that name its register."""
MAX_KEPT = 64
"""Files whose words are remembered."""
_WORD = expression(r"\w+")


def tasks_around(analysis: Analysis, task: Task) -> Iterator[Task]:
    """The tasks of a task's file, itself included, in the order of the text, blocks included."""
    steps, lines = _by_line(analysis.steps.get(task.path, ()))
    return from_there(steps, max(bisect_left(lines, task.line) - REACH, 0), 2 * REACH)


def tasks_after(analysis: Analysis, path: str, line: int) -> Iterator[Task]:
    """The tasks of the file that begin after a line, in the order of the text."""
    steps, lines = _by_line(analysis.steps.get(path, ()))
    return from_there(steps, bisect_right(lines, line))


def from_there(tasks: Sequence[Task], first: int, most: int = REACH) -> Iterator[Task]:
    """The tasks from this one on, without a look at those before; no more than are looked at for one task."""
    return (tasks[at] for at in range(first, min(first + most, len(tasks))))


@lru_cache(maxsize=MAX_KEPT)
def _by_line(steps: tuple[Task, ...]) -> tuple[list[Task], list[int]]:
    ordered = sorted(steps, key=lambda step: step.line)
    return ordered, [step.line for step in ordered]


def may_be_on_windows(analysis: Analysis, task: Task) -> bool:
    """Whether the task runs on Windows, or by a module that says nothing of it beside tasks that do."""
    if is_windows(task):
        return True
    return task.module not in BUILTIN_MODULES and any(map(is_windows, tasks_around(analysis, task)))


def play_of(task: Task) -> Place | None:
    """Where the play begins that the task stands in; None for a task of another kind of file."""
    block = task.block
    while block is not None and not block.is_play:
        block = block.parent
    return None if block is None else block.place


def is_test(task: Task) -> bool:
    """Whether the task stands among tests."""
    return is_among_tests(task.path)


def takes_down(task: Task) -> bool:
    """Whether the task belongs to taking something down, where a failure often means that it was gone already."""
    return any(_TAKES_DOWN.search(text) for text in (task.path, task.name or ""))


def lines_of(analysis: Analysis, path: str) -> list[str]:
    """The lines of the file; nobody changes them."""
    return _lines(analysis.texts.get(path, ""))


@lru_cache(maxsize=MAX_KEPT)
def _lines(text: str) -> list[str]:
    return text.splitlines()


def is_silenced(analysis: Analysis, task: Task) -> bool:
    """Whether a comment of the task silences findings: those are told of it alone, not of it and others together."""
    return any("noqa" in line for line in lines_of(analysis, task.path)[task.line - 1 : task.end_line])


def has_comment(analysis: Analysis, task: Task, keyword: str) -> bool:
    """Whether a comment on the keyword's line, or right above it, says why it stands there."""
    return bool(comment_on(analysis, task, keyword))


def comment_on(analysis: Analysis, task: Task, keyword: str) -> str:
    """The comment on the keyword's line, or right above it; empty where there is none."""
    lines = lines_of(analysis, task.path)
    for at in range(task.line - 1, min(task.end_line, len(lines))):
        if re.match(rf"\s*(?:- )?{re.escape(keyword)}\s*:", lines[at]):
            above = takewhile(lambda line: line.lstrip().startswith("#"), reversed(lines[:at]))
            own = lines[at].partition(" #")
            return " ".join([*reversed([line.strip() for line in above]), *own[1:]]).strip()
    return ""


def tasks_naming(analysis: Analysis, path: str, word: str, line: int) -> Iterator[Task]:
    """The tasks and blocks of a file, after a line, that hold the word anywhere but in their own names."""
    naming, lines = _by_word(analysis.steps.get(path, ())).get(word, ((), ()))
    return islice(from_there(naming, bisect_right(lines, line)), NAMING)


def readers_of(analysis: Analysis, task: Task) -> list[Task]:
    """The tasks and blocks further down the file that read what the task registers, before another one does so."""
    register = task.keywords.get("register")
    found: list[Task] = []
    for other in tasks_naming(analysis, task.path, register, task.end_line) if isinstance(register, str) else ():
        read = {key: value for key, value in other.keywords.items() if key != "register"}
        if register in _WORD.findall(f"{other.args} {read}"):
            found.append(other)
        if other.keywords.get("register") == register:
            break
    return found


def has_word(analysis: Analysis, task: Task, words: tuple[str, ...]) -> bool:
    """Whether the task holds one of the words anywhere but in its own name."""
    return task in _with_word(analysis.steps.get(task.path, ()), words)


@lru_cache(maxsize=MAX_KEPT)
def _with_word(steps: tuple[Task, ...], words: tuple[str, ...]) -> frozenset[Task]:
    return frozenset(task for word in words for task in _by_word(steps).get(word, ((), ()))[0])


@lru_cache(maxsize=MAX_KEPT)
def _by_word(steps: tuple[Task, ...]) -> dict[str, tuple[tuple[Task, ...], tuple[int, ...]]]:
    """By each word the tasks that hold it, and their lines. Kept, since every launch and wait of a file asks."""
    found: dict[str, dict[Task, None]] = {}
    for step in sorted(steps, key=lambda step: step.line):
        for word in _WORD.findall(f"{step.args} {step.keywords}"):
            found.setdefault(word, {})[step] = None
    return {word: (tuple(naming), tuple(step.line for step in naming)) for word, naming in found.items()}


def is_ended_between(analysis: Analysis, launch: Task, wait: Task) -> bool:
    """Whether a task between the two in their file ends the job's work by other means, as ``pkill`` does."""
    if launch.path != wait.path:
        return False
    return any(launch.end_line < other.line < wait.line for other in tasks_that_end_work(analysis, launch.path))


def tasks_that_end_work(analysis: Analysis, path: str) -> tuple[Task, ...]:
    """The tasks of a file that run a program such as ``pkill``, in the order of the text."""
    return _ending(analysis.steps.get(path, ()))


@lru_cache(maxsize=MAX_KEPT)
def _ending(steps: tuple[Task, ...]) -> tuple[Task, ...]:
    return tuple(step for step in steps if not ENDING_PROGRAMS.isdisjoint(work.program_names(step)))
