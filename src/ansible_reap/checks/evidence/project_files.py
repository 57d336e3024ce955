"""Files of the project read by their paths: a check may ask for one that the analysis does not carry."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from ansible_reap.content.model import Task
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import Content, read_content
from ansible_reap.reading import SourceError, read_inside
from ansible_reap.records import dataclass
from ansible_reap.remembered import at_the_start

MAX_KEPT = 4096
"""Files of which a few lines and names are remembered."""
MAX_BYTES = 2_000_000
"""Bytes of the files whose contents are remembered, all together."""
_LEAST = 500
"""Bytes that a file counts at least."""


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    content: Content | None
    tasks: list[Task]
    lines: list[int]
    size: int


class _Files:
    """The files that were asked for last. One by one they would be read anew for each launch that leads past them."""

    def __init__(self) -> None:
        self._files: OrderedDict[tuple[str, str], _File] = OrderedDict()
        self._size = 0

    def get(self, root: str, path: str) -> _File:
        found = self._files.get((root, path))
        if found is None:
            found = self._files[root, path] = _read(root, path)
            self._size += found.size
            while self._size > MAX_BYTES and len(self._files) > 1:
                self._size -= self._files.popitem(last=False)[1].size
        else:
            self._files.move_to_end((root, path))
        return found

    def forget(self) -> None:
        self._files.clear()
        self._size = 0


_files = _Files()
at_the_start(_files.forget)


def _read(root: str, path: str) -> _File:
    try:
        data = read_inside(Path(root), path)
        content = read_content(path, compose(data))
    except SourceError:
        return _File(None, [], [], _LEAST)
    tasks = sorted((step for step in content.steps() if isinstance(step, Task)), key=lambda task: task.line)
    return _File(content, tasks, [task.line for task in tasks], max(len(data), _LEAST))


def content_in(root: str, path: str) -> Content | None:
    """What a file of the project holds; None where it cannot be read."""
    return _files.get(root, path).content


def tasks_in(root: str, path: str) -> tuple[list[Task], list[int]]:
    """The tasks of a file of the project and the lines in which they begin; none where it cannot be read."""
    found = _files.get(root, path)
    return found.tasks, found.lines
