"""Makes a project that shows something as small as it can be made: tasks, keywords, files and hosts go one by one."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from referee.controller import Controller
from referee.judgement import Disagreement, Half
from referee.project import Project
from referee.static import check
from referee.trial import Focus, trials

Place: TypeAlias = "tuple[str | int, ...]"
Shows: TypeAlias = "Callable[[Sequence[Project]], Project | None]"
"""The first of some projects that shows what is wanted."""
CALLS = ("include_tasks", "import_tasks", "include_role", "import_role")
SECTIONS = ("pre_tasks", "roles", "tasks", "post_tasks", "handlers")


def smallest(
    project: Project, shows: Shows, seconds: float, *, may: Callable[[Project], bool] = lambda _: True, at_once: int = 1
) -> Project:
    """The smallest found in so many seconds.

    ``may`` says cheaply which projects are worth trying; ``at_once`` of them are handed to ``shows`` at a time.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        smaller = _smaller(project, shows, until, may, at_once)
        if smaller is None:
            break
        project = smaller
    return project


def _smaller(
    project: Project, shows: Shows, until: float, may: Callable[[Project], bool], at_once: int
) -> Project | None:
    waiting: list[Project] = []
    for candidate in _by_size(project):
        if time.monotonic() > until:
            return None
        if not may(candidate):
            continue
        waiting.append(candidate)
        if len(waiting) == at_once:
            found = shows(waiting)
            if found:
                return found
            waiting = []
    return shows(waiting) if waiting else None


class Showing:
    """Whether projects show a disagreement, by trying them in the setting and with the options in which it was seen."""

    def __init__(self, controller: Controller, scratch: Path, wanted: Disagreement, at_once: int) -> None:
        self._controller = controller
        self._scratch = scratch
        self._wanted = wanted
        self._at_once = at_once
        self.tried = 0

    def may(self, project: Project) -> bool:
        """Whether the linter says of it what it must have said; that needs no run."""
        if self._wanted.half is not Half.STATIC:
            return True
        folder = self._scratch / "check"
        project.write(folder)
        checked = check(folder)
        if self._wanted.kind.startswith("check-"):
            return bool(checked.crash or checked.errors)
        launch = checked.launches.get(self._wanted.subject)
        if self._wanted.kind == "launch-not-listed":
            return launch is None
        return launch is not None and self._wanted.kind.startswith(launch.verdict)

    def shows(self, projects: Sequence[Project]) -> Project | None:
        """The first of them with a disagreement of the same kind."""
        focus = Focus(self._wanted.setting, self._wanted.options)
        results = trials(self._controller, list(projects), self._scratch / "trials", self._at_once, focus)
        self.tried += len(results)
        for project, result in zip(projects, results, strict=True):
            if any(self._same(found) for found in result.disagreements):
                return project
        return None

    def _same(self, found: Disagreement) -> bool:
        same_kind = (found.half, found.kind) == (self._wanted.half, self._wanted.kind)
        return same_kind and found.subject in ("", self._wanted.subject)


def _by_size(project: Project) -> list[Project]:
    """Every project that is one edit smaller, the smallest first."""
    sized: dict[str, tuple[int, Project]] = {}
    for candidate in _edits(project):
        text = "\n".join(f"{path}\n{content}" for path, content in candidate.texts().items())
        sized.setdefault(text, (len(text) + 20 * len(candidate.hosts), candidate))
    return [candidate for _, candidate in sorted(sized.values(), key=lambda pair: pair[0])]


def _edits(project: Project) -> Iterator[Project]:
    if len(project.hosts) > 1:
        yield from _with_one_host_less(project)
    if len(project.playbooks) > 1:
        for each in project.playbooks:
            yield replace(project, playbooks=tuple(other for other in project.playbooks if other != each))
    for path, data in project.files.items():
        if path not in project.playbooks and path != "hosts.ini":
            yield replace(project, files={name: rest for name, rest in project.files.items() if name != path})
        if not isinstance(data, str):
            for edited in _edits_of(data, project):
                yield replace(project, files={**project.files, path: edited})


def _with_one_host_less(project: Project) -> Iterator[Project]:
    for host in project.hosts:
        hosts = tuple(each for each in project.hosts if each != host)
        lines = [line for line in str(project.files["hosts.ini"]).splitlines() if line != host]
        yield replace(project, hosts=hosts, files={**project.files, "hosts.ini": "\n".join([*lines, ""])})


def _edits_of(data: Any, project: Project) -> Iterator[Any]:
    """Copies of a file's data with one thing less."""
    for place, value in list(_places(data)):
        if isinstance(value, dict):
            yield from _edits_of_mapping(data, place, value, project)
        if isinstance(value, list):
            for index in range(len(value)):
                if len(value) > 1 or (place and place[-1] in SECTIONS):
                    yield _without(data, place, index)
            if len(value) == 1 and place and place[-1] == "when":
                yield _edited(data, place, lambda old: old[0])  # as one condition, not a list


def _edits_of_mapping(data: Any, place: Place, value: dict[str, Any], project: Project) -> Iterator[Any]:
    for key in value:
        is_needed = key in ("name", "async", "poll", "hosts", "block") or (key == "register" and "async" in value)
        if not is_needed and len(value) > 1:
            yield _without(data, place, key)
    if place and isinstance(place[-1], int):
        contents = _contents(value, project)
        if contents is not None:
            yield _spliced(data, place, contents)


def _contents(task: dict[str, Any], project: Project) -> list[Any] | None:
    """The tasks that stand in a block or in the file or role that a task calls."""
    if "block" in task:
        return [*task["block"], *task.get("rescue", []), *task.get("always", [])]
    for key, argument in task.items():
        call = key.rpartition(".")[2]
        if call not in CALLS:
            continue
        if call.endswith("tasks"):
            path = argument["file"] if isinstance(argument, dict) else argument
        else:
            path = f"roles/{argument['name']}/tasks/{str(argument.get('tasks_from', 'main')).removesuffix('.yml')}.yml"
        content = project.files.get(path)
        return content if isinstance(content, list) else None
    return None


def _places(data: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every mapping and list, with the way to it."""
    if isinstance(data, dict):
        yield place, data
        for key, value in data.items():
            yield from _places(value, (*place, key))
    elif isinstance(data, list):
        yield place, data
        for index, value in enumerate(data):
            yield from _places(value, (*place, index))


def _edited(data: Any, place: Place, edit: Callable[[Any], Any]) -> Any:
    """A copy in which what stands at ``place`` is edited."""
    if not place:
        return edit(copy.deepcopy(data))
    result = copy.deepcopy(data)
    parent = result
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = edit(parent[place[-1]])
    return result


def _without(data: Any, place: Place, key: str | int) -> Any:
    """A copy without one key or element of what stands at ``place``."""

    def edit(old: Any) -> Any:
        del old[key]
        return old

    return _edited(data, place, edit)


def _spliced(data: Any, place: Place, contents: list[Any]) -> Any:
    """A copy in which a task is replaced by those."""

    def edit(tasks: list[Any]) -> list[Any]:
        index = int(place[-1])
        return tasks[:index] + copy.deepcopy(contents) + tasks[index + 1 :]

    return _edited(data, place[:-1], edit)
