"""The other tasks of a task's file, and what they tell about the host that it runs on."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks.evidence.work import is_windows
from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.model import Place, Task
from ansible_reap.content.source import SourceError, compose
from ansible_reap.content.tasks import read_content
from ansible_reap.flow.analysis import Analysis

_ADDRESS = frozenset({"ansible_host", "ansible_ssh_host", "ansible_port", "ansible_ssh_port"})


def tasks_of_file(analysis: Analysis, path: str) -> Iterator[Task]:
    """Every task of a file that some launch or look stands in, in the order of the text; blocks as tasks too."""
    try:
        content = read_content(path, compose(analysis.texts.get(path, "").encode()))
    except SourceError:
        return
    for step in content.steps():
        yield step if isinstance(step, Task) else step.as_task()


def gives_a_new_address(analysis: Analysis, task: Task) -> bool:
    """Whether a later task of the same play tells Ansible to reach the host elsewhere, as after a change of network."""
    play = _play(task)
    for other in tasks_of_file(analysis, task.path):
        if other.line > task.line and _play(other) == play:
            given = other.keywords.get("vars")
            facts = other.args if other.module == "set_fact" else given if isinstance(given, dict) else {}
            if not _ADDRESS.isdisjoint(facts):
                return True
    return False


def may_be_on_windows(analysis: Analysis, task: Task) -> bool:
    """Whether the task runs on Windows, or by a module that says nothing of it beside tasks that do."""
    if is_windows(task):
        return True
    return task.module not in BUILTIN_MODULES and any(map(is_windows, tasks_of_file(analysis, task.path)))


def _play(task: Task) -> Place | None:
    return next((block.place for block in task.enclosing() if block.is_play), None)
