"""Blocks around a task whose ``rescue`` does nothing about its failure: the play goes on as if there were none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ansible_reap.checks.evidence.project_files import MAX_KEPT, content_in
from ansible_reap.content.model import Place, Task
from ansible_reap.content.tasks import TaskBlock, walk
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression
from ansible_reap.remembered import for_one_check

_INERT = frozenset({"debug", "meta", "ping", "set_fact"})
"""Modules of ansible-core 2.16 to 2.22 that tell nobody outside of the run that something has failed."""
_GOING_ON = frozenset({"noop", "clear_host_errors"})
"""What ``meta`` may say for the play to go on (ansible-core 2.16 and 2.22)."""
_OF_FAILURE = "ansible_failed_"
"""How the names of what Ansible tells a ``rescue`` of the failure begin."""
_WORD = expression(r"\w+")


class Rescue(NamedTuple):
    """A rescue that does nothing, and the block it belongs to."""

    block: TaskBlock
    prints: bool

    @property
    def place(self) -> Place:
        return Place(self.block.block.place.path, self.block.key_lines.get("rescue", self.block.block.place.line))


def idle_rescue(analysis: Analysis, task: Task, ways: Sequence[Sequence[str]]) -> Rescue | None:
    """The rescue that takes up the task's failure and does nothing about it, on every way on which it is reached."""
    found: Rescue | None = None
    for way in ways or ((str(task.place),),):
        rescue = _innermost(analysis, way)
        idle = _idle(analysis, rescue) if rescue is not None else None
        if idle is None:
            return None
        found = found or idle
    return found


def _innermost(analysis: Analysis, way: Sequence[str]) -> TaskBlock | None:
    """The innermost block with a ``rescue`` in whose body the last place of the way stands, or what leads there."""
    for place in reversed(way):
        path, _, line = place.rpartition(":")
        around = _rescuing(analysis.root, path).get(int(line))
        if around is not None:
            return around
    return None


@for_one_check(MAX_KEPT)
def _rescuing(root: str, path: str) -> dict[int, TaskBlock]:
    """By the line in which a task begins, the innermost block with a ``rescue`` in whose body it stands."""
    content = content_in(root, path)
    found: dict[int, TaskBlock] = {}
    for block in content.steps() if content is not None else ():
        if not isinstance(block, TaskBlock) or not block.rescue:
            continue
        for inner in walk(block.body):
            if isinstance(inner, Task):
                known = found.get(inner.line)
                if known is None or known.block.place.line < block.block.place.line:
                    found[inner.line] = block
    return found


def _idle(analysis: Analysis, block: TaskBlock) -> Rescue | None:
    tasks = [step if isinstance(step, Task) else None for step in block.rescue]
    if not all(task is not None and _does_nothing(analysis, task) for task in tasks):
        return None
    return Rescue(block, any(task is not None and task.module == "debug" for task in tasks))


def _does_nothing(analysis: Analysis, task: Task) -> bool:
    if task.module not in _INERT or not {"failed_when", "notify"}.isdisjoint(task.keywords):
        return False
    if _OF_FAILURE in f"{task.args} {task.keywords}":
        return False  # it looks at the failure: that may be all that is wanted
    if task.module == "meta":
        return str(task.args.get("_raw_params", "")).strip() in _GOING_ON
    return task.module != "set_fact" or not any(_is_read(analysis, str(name)) for name in task.args)


def _is_read(analysis: Analysis, name: str) -> bool:
    """Whether a fact may be read: its name stands once more in the files at hand."""
    if "{" in name:
        return True
    return sum(_WORD.findall(text).count(name) for text in analysis.texts.values() if name in text) > 1
