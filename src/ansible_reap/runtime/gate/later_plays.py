"""Whether a later play of the playbook may still reap a job, so that the gate of this play leaves the job to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ansible
from ansible.plugins.loader import action_loader
from jinja2 import Environment, TemplateError, meta, nodes

from ansible_reap.runtime.events.action_names import is_reap, short
from ansible_reap.runtime.events.plays import may_launch, tasks_in
from ansible_reap.runtime.events.results import register_name
from ansible_reap.runtime.tracking.info import JobInfo

_WAIT = "reap.jobs.wait"
_TELLTALES = ("async_status", _WAIT, "include", "import", "action_plugins")
_HARMLESS = frozenset({"omit", "ansible_loop", "inventory_hostname", "ansible_job_id", "range", "lookup", "query"})
_ELSEWHERE = frozenset({"hostvars", "groups", "vars"})
_INCLUDES = frozenset({"include_tasks", "include_role", "include"})


@dataclass(frozen=True, slots=True)
class Reaper:
    """A task of a later play that waits for jobs. ``names`` are the variables it reads; None: whatever there is."""

    names: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Survey:
    """What a later play holds, as far as reaping goes."""

    hosts: frozenset[str] | None
    """None where the pattern cannot be worked out yet."""
    waits_for_all: bool
    """``reap.jobs.wait``, a plugin of the project, or an include whose file is not known before it runs."""
    reapers: tuple[Reaper, ...]
    own_registers: frozenset[str]
    """Names that the play's own launches register."""

    def may_reap(self, job: JobInfo) -> bool:
        reaches_out = any(reaper.names is None or reaper.names & _ELSEWHERE for reaper in self.reapers)
        if self.hosts is not None and job.host not in self.hosts and not reaches_out:
            return False
        if self.waits_for_all:
            return True
        register = job.site.register
        if register is None:
            # A task without register hands its job ids to nobody.
            return False
        return any(
            reaper.names is None or register in reaper.names or bool(reaper.names - self.own_registers)
            for reaper in self.reapers
        )


class LaterPlays:
    """The plays of a playbook behind the one that runs."""

    def __init__(self, playbook: Any = None) -> None:
        self._plays: list[Any] = list(playbook.get_plays()) if playbook is not None else []
        self._index = -1
        self._surveys: dict[int, Survey] = {}
        self._answers: dict[tuple[str | None, str], bool] = {}

    def enter(self, play: Any) -> None:
        """The play has started; under ``serial`` once for each batch."""
        uuid = play._uuid  # noqa: SLF001 - a copy of a play is told by nothing else
        self._index = next((i for i, known in enumerate(self._plays) if known._uuid == uuid), self._index)  # noqa: SLF001
        self._answers.clear()

    @property
    def is_last(self) -> bool:
        return self._index >= len(self._plays) - 1

    def may_reap(self, job: JobInfo) -> bool:
        """A later play has a task that may wait for the job, unless it provably cannot mean it."""
        key = (job.site.register, job.host)
        answer = self._answers.get(key)
        if answer is None:
            answer = any(self._survey(i).may_reap(job) for i in range(self._index + 1, len(self._plays)))
            self._answers[key] = answer
        return answer

    def _survey(self, index: int) -> Survey:
        if index not in self._surveys:
            self._surveys[index] = survey(self._plays[index])
        return self._surveys[index]


def survey(play: Any) -> Survey:
    """Read a play that has not started."""
    tasks = list(tasks_in([*play.compile(), *play.compile_roles_handlers(), *play.handlers]))
    basedir = Path(str(play.get_loader().get_basedir()))
    reapers = tuple(Reaper(_names_read(task)) for task in tasks if is_reap(task.action))
    return Survey(
        hosts=_hosts(play),
        waits_for_all=any(_is_opaque(task, basedir) for task in tasks),
        reapers=reapers,
        own_registers=frozenset(
            name for task in tasks if may_launch(task) and (name := register_name(task)) is not None
        ),
    )


def _hosts(play: Any) -> frozenset[str] | None:
    inventory = getattr(play.get_variable_manager(), "_inventory", None)
    pattern = play.hosts
    if inventory is None or any("{{" in str(part) for part in (pattern if isinstance(pattern, list) else [pattern])):
        return None
    try:
        # Under serial the inventory is restricted to the batch that runs; the later play is not.
        return frozenset(host.name for host in inventory.get_hosts(pattern, ignore_restrictions=True))
    except Exception:  # noqa: BLE001 - a pattern that Ansible itself will complain of in its turn
        return None


def _is_opaque(task: Any, basedir: Path) -> bool:
    """The task may wait for any job, for all that can be told before it runs."""
    action = str(task.action)
    if action == _WAIT:
        return True
    if short(action) in _INCLUDES:
        return _may_bring_reaps(task, basedir)
    if is_reap(action):
        return False
    return "." not in action and _has_project_plugin(action)


@cache
def _has_project_plugin(action: str) -> bool:
    """The action is done by a plugin that is not ansible-core's, so it may do anything in the controller."""
    found = action_loader.find_plugin_with_context(action)
    path = found.plugin_resolved_path
    return bool(found.resolved and path) and not Path(path).is_relative_to(Path(ansible.__file__).parent)


def _may_bring_reaps(task: Any, basedir: Path) -> bool:
    """An include brings in a reap, or something that cannot be read beforehand."""
    files = list(_included_files(task, basedir))
    if not files:
        return True
    try:
        return any(word in path.read_text(encoding="utf-8") for path in files for word in _TELLTALES)
    except (OSError, ValueError):
        return True


def _included_files(task: Any, basedir: Path) -> Iterator[Path]:
    here = Path(str(task.get_path()).rpartition(":")[0]).parent
    if short(task.action) == "include_role":
        name = str(task.args.get("name", task.args.get("role", "")))
        if name and "{{" not in name:
            for folder in (basedir / "roles" / name, here.parents[1] / name if len(here.parents) > 1 else here / name):
                yield from sorted(folder.glob("*/*.y*ml"))
        return
    name = str(task.args.get("_raw_params") or task.args.get("file") or "")
    if name and "{{" not in name:
        for folder in (here, basedir, basedir / "tasks"):
            if (folder / name).is_file():
                yield folder / name
                return


def _names_read(task: Any) -> frozenset[str] | None:
    """The variables that the task's job id comes from; None where that cannot be told."""
    control = task.loop_control
    loop_variables = {"item", str(getattr(control, "loop_var", None) or "item"), str(getattr(control, "index_var", ""))}
    texts = list(_texts([task.args, task.loop, task.vars, task.delegate_to]))
    names: set[str] = set()
    for text in texts:
        read = names_in(text)
        if read is None:
            return None
        names |= read
    names -= _HARMLESS | loop_variables
    # An id that comes from no variable was typed in, or comes from a lookup.
    return frozenset(names) or None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield value
    elif isinstance(value, Mapping):
        yield from (text for part in value.values() for text in _texts(part))
    elif isinstance(value, Iterable):
        yield from (text for part in value for text in _texts(part))


def names_in(template: str) -> frozenset[str] | None:
    """The variables that a template reads; None where it does not parse or calls a lookup."""
    try:
        tree = Environment(autoescape=False).parse(template)  # noqa: S701 - parsed, never rendered
    except TemplateError:
        return None
    if any(
        isinstance(call.node, nodes.Name) and call.node.name in ("lookup", "query", "q")
        for call in tree.find_all(nodes.Call)
    ):
        return None
    return frozenset(meta.find_undeclared_variables(tree))
