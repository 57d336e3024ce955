"""Which releases of ansible-core a task can run on at all: what a check says of the others is not for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ansible_reap.checks.evidence.async_support import VERSIONS
from ansible_reap.content.keywords import RETIRED_KEYWORDS
from ansible_reap.content.model import Task
from ansible_reap.content.requirements import Version, excludes
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import read_content
from ansible_reap.flow.analysis import Analysis, Setting
from ansible_reap.late_patterns import expression
from ansible_reap.reading import SourceError, read_inside

_INCLUDED = expression(rb"^- +include *:", re.MULTILINE)
"""An ``include`` among plays, or a nameless one among the tasks of a file."""
MAX_KEPT = 512


def may_run_on(analysis: Analysis, task: Task, first: Version, settings: Sequence[Setting]) -> bool:
    """Whether this ansible-core, or a later one, may run the task on one of the ways to it.

    None does where the role, the collection or the ``requirements.txt`` of its file, or of one on the way to it, keeps
    to older ones, or where such a file holds what newer ones refuse to load.
    """
    later = [each for each in map(version, VERSIONS) if each >= first]
    ways = {(task.path, *(place.rpartition(":")[0] for place in setting.via)) for setting in settings} or {(task.path,)}
    return any(
        not any(excludes(analysis.root, path, later) or _is_of_old(analysis.root, path) for path in dict.fromkeys(way))
        for way in ways
    )


def version(text: str) -> Version:
    return tuple(map(int, text.split(".")))


@lru_cache(maxsize=MAX_KEPT)
def _is_of_old(root: str, path: str) -> bool:
    """Whether the file holds what keeps ansible-core from 2.16 on from loading it (seen on 2.16 and 2.22).

    That is an ``include``, or a keyword of Ansible 1.x to 2.8.
    """
    try:
        data = read_inside(Path(root), path)
        content = read_content(path, compose(data))
    except SourceError:
        return False
    if _INCLUDED.search(data):
        return True
    tasks = (step for step in content.steps() if isinstance(step, Task))
    return any(task.module == "include" or not RETIRED_KEYWORDS.isdisjoint(task.keywords) for task in tasks)
