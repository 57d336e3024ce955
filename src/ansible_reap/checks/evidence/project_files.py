"""Files of the project read by their paths: a check may ask for one that the analysis does not carry."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ansible_reap.content.model import Task
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import Content, read_content
from ansible_reap.reading import SourceError, read_inside

MAX_KEPT = 64
"""Files that are remembered."""


@lru_cache(maxsize=MAX_KEPT)
def content_in(root: str, path: str) -> Content | None:
    """What a file of the project holds; None where it cannot be read."""
    try:
        return read_content(path, compose(read_inside(Path(root), path)))
    except SourceError:
        return None


@lru_cache(maxsize=MAX_KEPT)
def tasks_in(root: str, path: str) -> tuple[list[Task], list[int]]:
    """The tasks of a file of the project and the lines in which they begin; none where it cannot be read."""
    content = content_in(root, path)
    steps = content.steps() if content is not None else ()
    tasks = sorted((step for step in steps if isinstance(step, Task)), key=lambda task: task.line)
    return tasks, [task.line for task in tasks]
