"""Which releases of ansible-core a task can run on at all: what a check says of the others is not for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from jinja2 import nodes

from ansible_reap.checks.evidence.async_support import VERSIONS
from ansible_reap.checks.evidence.neighbours import play_of
from ansible_reap.checks.evidence.project_files import content_in, tasks_in
from ansible_reap.content import expressions
from ansible_reap.content.keywords import RETIRED_KEYWORDS
from ansible_reap.content.model import Place, Task, as_list
from ansible_reap.content.requirements import Version, excludes
from ansible_reap.flow.analysis import Analysis, Setting
from ansible_reap.late_patterns import expression
from ansible_reap.reading import read_inside
from ansible_reap.remembered import for_one_check

_INCLUDED = expression(rb"^- +include *:", re.MULTILINE)
"""An ``include`` among plays, or a nameless one among the tasks of a file."""
_RUNNING = r"ansible_version\w*(?:\.full|\.string|\['full'\]|\['string'\])?\s+is\s+version"
_GIVEN = r"['\"](?P<version>\d{1,3}(?:\.\d{1,3})+)['\"]\s*,\s*"
_FROM = expression(rf"{_RUNNING}\(\s*{_GIVEN}['\"](?:>=|ge)['\"][^()]*\)", re.ASCII)
"""A condition that holds from a version of ansible-core on."""
_BELOW = expression(rf"{_RUNNING}(?:_compare)?\(\s*{_GIVEN}['\"](?P<sign><=?|lt|le)['\"][^()]*\)", re.ASCII)
"""A condition that holds below a version of Ansible, or up to it."""
_GONE_FILTERS = frozenset({"success", "succeeded", "failed", "changed", "skipped"})
"""Tests of a result that were filters too, up to Ansible 2.8."""
_WARNED = frozenset({"command", "shell"})
_NO_WARN = "The argument 'warn' of command and shell went with ansible-core 2.14"
"""The module refuses it (seen on 2.16 and 2.22): a task fails by it, and of a launch the job does, unseen."""
_OWN_PLUGINS = ("filter_plugins", "plugins/filter", "library", "plugins/modules", "action_plugins")
MAX_KEPT = 512


def may_run_on(analysis: Analysis, task: Task, first: Version, settings: Sequence[Setting]) -> bool:
    """Whether this ansible-core, or a later one, may run the task on one of the ways to it.

    None does where the role, the collection or the ``requirements.txt`` of its file, or of one on the way to it, keeps
    to older ones, or where such a file holds what newer ones refuse to load.
    """
    later = [each for each in map(version, VERSIONS) if each >= first and not _is_ruled_out(analysis, task, each)]
    if too_old(analysis.root, task.path, task.line) is not None:
        return False  # they do not get there
    ways = {(task.path, *(place.rpartition(":")[0] for place in setting.via)) for setting in settings} or {(task.path,)}

    def refuses(path: str) -> bool:
        is_of_old = path != task.path and _is_of_old(analysis.root, path)  # of its own file it was asked above
        return is_of_old or excludes(analysis.root, path, later)

    if not later or _is_kept_below(analysis, task, first, settings):
        return False
    return any(not any(map(refuses, dict.fromkeys(way))) for way in ways)


def may_have_module(analysis: Analysis, task: Task, since: Version, settings: Sequence[Setting]) -> bool:
    """Whether a release with a module that came with this one, in the 2.x of Ansible, may run the task."""
    if _is_kept_below(analysis, task, since, settings):
        return False
    later = [(2, minor) for minor in range(since[1], version(VERSIONS[-1])[1] + 1)]
    return not excludes(analysis.root, task.path, later)


def _is_kept_below(analysis: Analysis, task: Task, core: Version, settings: Sequence[Setting]) -> bool:
    """Whether on each way to the task a condition asks for an older Ansible than that."""
    ways = [[_step_at(analysis, place) for place in setting.via] for setting in settings] or [[]]
    return all(any(map(partial(_asks_for_less, core), (task, *filter(None, way)))) for way in ways)


def _step_at(analysis: Analysis, place: str) -> Task | None:
    path, _, line = place.rpartition(":")
    return next((step for step in tasks_in(str(analysis.root), path)[0] if str(step.line) == line), None)


def _asks_for_less(core: Version, task: Task) -> bool:
    asked = filter(None, (_BELOW.fullmatch(str(text).strip()) for when in task.whens() for text in as_list(when)))
    return any(
        version(found["version"]) < core or (version(found["version"]) == core and found["sign"] in ("<", "lt"))
        for found in asked
    )


def _is_ruled_out(analysis: Analysis, task: Task, core: Version) -> bool:
    """Whether a task above in the same play ends it, or fails, on this ansible-core and on later ones."""
    play = play_of(task)
    ending = _ending(analysis.steps.get(task.path, ())) if play is not None else ()
    return any(
        other.line < task.line and play_of(other) == play and core >= since[: len(core)] for other, since in ending
    )


@lru_cache(maxsize=MAX_KEPT)
def _ending(steps: tuple[Task, ...]) -> tuple[tuple[Task, Version], ...]:
    """The tasks of a file that end a play, or fail, from a version of ansible-core on."""
    found = []
    for other in steps:
        ends = other.module == "fail" or str(other.args.get("_raw_params", "")).strip() in ("end_play", "end_host")
        told = [when[0] if isinstance(when, list) and len(when) == 1 else when for when in other.whens()]
        told = [when for when in told if when is not None]
        asked = _FROM.fullmatch(told[0].strip()) if ends and len(told) == 1 and isinstance(told[0], str) else None
        if asked:
            found.append((other, version(asked["version"])))
    return tuple(found)


def version(text: str) -> Version:
    return tuple(map(int, text.split(".")))


class OfOld(NamedTuple):
    """What stands in a file and no release from ansible-core 2.16 on takes (seen on 2.16 and 2.22)."""

    line: int
    what: str
    """As in ``'sudo'``, or the name of a filter."""
    play: Place | None
    """Where the play begins that alone is concerned; None where the whole file is, or is no playbook."""
    fails: str = ""
    """How the run fails at the line, where the file is loaded all the same."""
    only_there: bool = False
    """Whether the run goes on after it, so that it concerns that task alone."""


def too_old(root: str, path: str, line: int) -> OfOld | None:
    """What keeps these releases from running the task that begins at a line: in its file, or in its play."""
    found = _of_old(root, path)
    whole = next((each for each in found if not each.fails), None)
    if whole is not None or not found:
        return whole
    task = next((each for each in tasks_in(root, path)[0] if each.line == line), None)
    if task is None or _has_own_plugins(root, path):
        return None
    before = (each for each in found if each.play == play_of(task) and each.line <= task.end_line)
    return next((each for each in before if not each.only_there or each.line >= task.line), None)


def _has_own_plugins(root: str, path: str) -> bool:
    """Whether the project may have filters or modules of its own for the file: one may have the name that is gone."""
    folder = path.rpartition("/")[0]
    role = path.rpartition("/tasks/")[0]
    return any(Path(root, base, name).is_dir() for base in ("", folder, role) for name in _OWN_PLUGINS)


def _is_of_old(root: str, path: str) -> bool:
    """Whether the file holds what keeps ansible-core from 2.16 on from loading it."""
    return any(not each.fails for each in _of_old(root, path))


@for_one_check(MAX_KEPT)
def _of_old(root: str, path: str) -> tuple[OfOld, ...]:
    """An ``include``, a keyword of Ansible 1.x to 2.8, a test asked for as a filter, or ``warn`` of a command."""
    content = content_in(root, path)
    if content is None:
        return ()
    found = []
    ends: set[Place | None] = set()
    data = read_inside(Path(root), path)
    included = _INCLUDED.search(data)
    if included:
        found.append(OfOld(data.count(b"\n", 0, included.start()) + 1, "'include'", None))
    for task in (step for step in content.steps() if isinstance(step, Task)):
        if task.module == "include":
            found.append(OfOld(task.line, "'include'", None))
        own = sorted(RETIRED_KEYWORDS.intersection(task.keywords))
        found += [OfOld(task.line_of(keyword), f"'{keyword}'", None) for keyword in own]
        for block in task.enclosing():
            where = "play" if block.is_play else "block"
            of_block = sorted(RETIRED_KEYWORDS.intersection(block.keywords))
            found += [OfOld(block.place.line, f"'{keyword}' of the {where}", None) for keyword in of_block]
        if task.module == "meta":
            ends.add(play_of(task))
        for key in () if play_of(task) in ends or not _always_runs(task) else ("when", "until", "failed_when"):
            name = _gone_filter(task.keywords.get(key)) if key == "when" or "when" not in task.keywords else None
            fails = (
                f"The test '{name}' as a filter (line {task.line_of(key)}) went with Ansible 2.9: a run fails there."
            )
            found += [OfOld(task.line_of(key), f"'{name}'", play_of(task), fails)] if name else []
        if task.short_name in _WARNED and "warn" in task.args:
            goes_on = "async" in task.keywords or "when" in task.keywords or not _always_runs(task)
            goes_on = goes_on or play_of(task) in ends
            fails = "the command is never run" if goes_on else f"a run fails there (line {task.line})"
            found.append(OfOld(task.line, "'warn'", play_of(task), f"{_NO_WARN}: {fails}.", only_there=goes_on))
    return tuple(found)


def _always_runs(task: Task) -> bool:
    """Whether each run comes by the task, as far as its file tells, and ends where the task fails."""
    above = [block.keywords for block in task.enclosing()]
    return not (
        task.is_handler
        or "/handlers/" in f"/{task.path}"
        or task.inherited("ignore_errors")
        or task.inherited("tags")
        or any("when" in keywords for keywords in above)
        or sum(not block.is_play for block in task.enclosing())  # its block may have a rescue
    )


def _gone_filter(condition: object) -> str | None:
    """A test of a result that a condition asks for first, as a filter. Since Ansible 2.9 there is no such filter."""
    for text in as_list(condition)[:1]:
        tree = expressions.expression(text) if isinstance(text, str) and "|" in text else None
        for node in (tree, *tree.find_all(nodes.Filter)) if tree is not None else ():
            if isinstance(node, nodes.Filter) and node.name in _GONE_FILTERS:
                return node.name
    return None
