"""The tasks that come after another in the order in which they run, in other files and other plays too."""

from __future__ import annotations

import posixpath
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from ansible_reap.checks.evidence.conditions import exclude_each_other
from ansible_reap.checks.evidence.neighbours import REACH, from_there, play_of
from ansible_reap.checks.evidence.project_files import MAX_KEPT, content_in, tasks_in
from ansible_reap.content.model import Place, Task
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import TaskBlock, walk
from ansible_reap.flow.analysis import Analysis
from ansible_reap.reading import SourceError, read_inside
from ansible_reap.remembered import for_one_check
from ansible_reap.yaml_nodes import pairs

MAX_FOLLOWED = 64
"""Files whose tasks are remembered in their order."""
PLAYBOOKS = 20
"""Playbooks that are imported after a task whose tasks are looked at."""


def following(analysis: Analysis, task: Task, via: Sequence[str]) -> Iterator[Task]:
    """The tasks that follow, in the order in which they run: with those of files that are included by their names.

    Of the tasks after a call, those are left out that run only where the call does not.
    """
    yield from _following(analysis.root, task.path, task.end_line)
    for place in reversed(via[:-1]):
        path, _, line = place.rpartition(":")
        call = _beginning(analysis.root, path, int(line))
        if call is None:
            return  # a play, or an entry of its roles
        later = _following(analysis.root, path, call.end_line)
        yield from (other for other in later if not exclude_each_other(call, other))


def clears_errors_after(analysis: Analysis, task: Task, via: Sequence[str]) -> Task | None:
    """The ``meta: clear_host_errors`` that follows the task or a call of its file, in its play or another of its hosts.

    It takes back that hosts have failed, and with it the exit status (ansible-core 2.16 to 2.22).
    """
    for place in reversed(via):
        path, _, line = place.rpartition(":")
        clearing = _clearing(analysis.root, path)
        here = _beginning(analysis.root, path, int(line)) if clearing else None
        found = next((other for other in clearing if here is not None and _comes_after(analysis, other, here)), None)
        if found is not None:
            return found
    return None


@for_one_check(MAX_FOLLOWED)
def _clearing(root: str, path: str) -> tuple[Task, ...]:
    """The tasks of a file that clear errors whenever the play comes to them."""
    return tuple(
        task
        for task in tasks_in(root, path)[0]
        if task.module == "meta"
        and str(task.args.get("_raw_params", "")).strip() == "clear_host_errors"
        and not task.is_handler
        and task.inherited("when") is None
    )


def _beginning(root: str, path: str, line: int) -> Task | None:
    """The task that begins in this line of a file."""
    tasks, lines = tasks_in(root, path)
    at = bisect_left(lines, line)
    return tasks[at] if at < len(lines) and lines[at] == line else None


def _comes_after(analysis: Analysis, other: Task, here: Task) -> bool:
    """Whether a task of the same file comes after this one, on its hosts, though nothing else fails."""
    of_rescues = rescues(analysis.root, here.path)
    if other.line <= here.end_line or not of_rescues.get(other.line, frozenset()) <= of_rescues.get(
        here.line, frozenset()
    ):
        return False
    return play_of(other) == play_of(here) or _hosts_of(other) in (_hosts_of(here), "all")


def _hosts_of(task: Task) -> object:
    """What the ``hosts`` of the play say in which the task stands; None in a file of another kind."""
    return next((block.keywords.get("hosts") for block in task.enclosing() if block.is_play), None)


class _Later(NamedTuple):
    """A task of a file, as one before it finds it."""

    task: Task
    play: Place | None
    rescues: frozenset[int]
    included: str | None
    """The file that it includes by its name."""


def _following(root: str, path: str, line: int) -> Iterator[Task]:
    """The tasks of the file after a line, of the same play, and those of the files that they include."""
    later, lines = _in_order(root, path)
    first = bisect_right(lines, line)
    if first == len(later):
        return
    here = later[max(first - 1, 0)]
    for other in islice(later, first, first + REACH):
        if other.play != here.play:
            return
        if not other.rescues <= here.rescues:
            continue  # it runs only where something has failed
        yield other.task
        if other.included is not None:
            yield from tasks_in(root, other.included)[0]


@for_one_check(MAX_FOLLOWED)
def _in_order(root: str, path: str) -> tuple[list[_Later], list[int]]:
    """The tasks of a file in the order of the text, and the lines in which they begin."""
    tasks, lines = tasks_in(root, path)
    of_rescues = rescues(root, path)
    return [
        _Later(task, play_of(task), of_rescues.get(task.line, frozenset()), _included(task)) for task in tasks
    ], lines


def _included(task: Task) -> str | None:
    called = task.args.get("file", task.args.get("_raw_params"))
    if task.module not in ("include_tasks", "import_tasks") or not isinstance(called, str) or "{" in called:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(task.path), called.strip()))


def in_later_plays(analysis: Analysis, via: Sequence[str]) -> Iterator[Task]:
    """The tasks of the plays that follow in the files on the way to a task, and of the playbooks imported there."""
    for place in reversed(via):
        path, _, line = place.rpartition(":")
        starts, imported = _imports(analysis.root, path)
        first = bisect_right(starts, int(line))
        for playbook in imported[first : first + PLAYBOOKS]:
            yield from tasks_in(analysis.root, playbook)[0]
        tasks, lines = tasks_in(analysis.root, path)
        first = bisect_right(lines, int(line))
        here = play_of(tasks[max(first - 1, 0)]) if tasks else None
        for other in from_there(tasks, first):
            play = play_of(other)
            if play is not None and (here is None or play.line != here.line):
                yield other


@for_one_check(MAX_KEPT)
def _imports(root: str, path: str) -> tuple[list[int], list[str]]:
    """The lines in which a playbook imports others, and the paths of these."""
    try:
        tree = compose(read_inside(Path(root), path))
    except SourceError:
        return [], []
    lines: list[int] = []
    found: list[str] = []
    for entry in tree.value if isinstance(tree, SequenceNode) else ():
        values = {key: value for key, _, value in pairs(entry)} if isinstance(entry, MappingNode) else {}
        named = values.get("import_playbook", values.get("ansible.builtin.import_playbook"))
        if isinstance(named, ScalarNode) and named.value and "{" not in named.value:
            lines.append(entry.start_mark.line + 1)
            found.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), named.value)))
    return lines, found


@for_one_check(MAX_KEPT)
def rescues(root: str, path: str) -> dict[int, frozenset[int]]:
    """By the line in which a task begins, the lines of the blocks in whose ``rescue`` it stands."""
    content = content_in(root, path)
    found: dict[int, frozenset[int]] = {}
    for block in content.steps() if content is not None else ():
        if not isinstance(block, TaskBlock):
            continue
        for task in (step for step in walk(block.rescue) if isinstance(step, Task)):
            found[task.line] = found.get(task.line, frozenset()) | {block.block.place.line}
    return found


def keeps_up_what_comes_always(analysis: Analysis, task: Task, launches: Iterable[Task]) -> bool:
    """Whether the task stands in an ``always``, before others there, and the launches above it in the block.

    If it failed, the tasks after it would not tidy up.
    """
    lines = {launch.line for launch in launches if launch.path == task.path}
    for start, rest in _always(analysis.root, task.path):
        if task.line in rest[:-1]:
            return bool(lines) and all(start < line < rest[0] for line in lines)
    return False


@for_one_check(MAX_KEPT)
def _always(root: str, path: str) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Where each block with an ``always`` begins, and the tasks of that."""
    content = content_in(root, path)
    steps = content.steps() if content is not None else ()
    blocks = (step for step in steps if isinstance(step, TaskBlock) and step.always)
    return tuple(
        (block.block.place.line, tuple(step.line for step in block.always if isinstance(step, Task)) or (0,))
        for block in blocks
    )
