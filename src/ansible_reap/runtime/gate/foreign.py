"""What a task that is no ``async_status`` may do to jobs, as far as that can be told before it runs.

Ansible's own actions do nothing to them. A plugin of the project or of a collection runs in the controller and may do
anything, and so may an include whose files cannot be found or hold more than plain tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import ansible
import yaml
from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible.playbook.block import Block
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, module_loader

from ansible_reap.reading import SourceError, read, text_of
from ansible_reap.runtime.events.action_names import COLLECT, WAIT, is_reap, short

_INCLUDES = frozenset({"include_tasks", "include_role", "include", "import_tasks", "import_role"})
"""Actions that bring in tasks; ``include`` was there up to ansible-core 2.15 and is still met."""
_MOVE_HOSTS = frozenset({"add_host", "group_by", "meta"})
"""``meta`` may be ``refresh_inventory``."""
_KEYWORDS = frozenset({*Task.fattributes, *Block.fattributes, "action", "local_action"})
_ROLE_TASKS = ("tasks", "handlers")
_ROLE_PLUGINS = ("action_plugins", "library", "lookup_plugins", "filter_plugins")


class Effects(Enum):
    """What a task may do besides its work."""

    NOTHING = "nothing"
    MOVES_HOSTS = "moves hosts"
    WAITS = "waits"
    """It waits for the jobs of its own host, as ``reap.jobs.wait`` does."""
    ANYTHING = "anything"


def effects_of(task: Any, basedir: Path) -> Effects:
    """What the task may do; ``basedir`` is the playbook's folder."""
    action = str(task.action)
    if short(action) in _INCLUDES:
        return _included(task, basedir)
    if short(action) == "meta" and task.args.get("_raw_params") != "refresh_inventory":
        return Effects.NOTHING
    return Effects.NOTHING if is_reap(action) else _effects_of_action(action, tuple(task.collections or ()))


@cache
def _effects_of_action(action: str, collections: tuple[str, ...]) -> Effects:
    if "{{" in action:
        return Effects.ANYTHING
    if short(action) in _MOVE_HOSTS:
        return Effects.MOVES_HOSTS
    try:
        return _effects_of_plugin(action, collections)
    except Exception:  # noqa: BLE001 - a plugin that was removed, for one; Ansible will complain of it in its turn
        return Effects.ANYTHING


def _effects_of_plugin(action: str, collections: tuple[str, ...]) -> Effects:
    found = action_loader.find_plugin_with_context(action, ignore_deprecated=True, collection_list=collections)
    if found.resolved:
        if found.resolved_fqcn == WAIT:
            return Effects.WAITS
        is_known = found.resolved_fqcn == COLLECT or _is_ansibles(found.plugin_resolved_path)
        return Effects.NOTHING if is_known else Effects.ANYTHING
    module = module_loader.find_plugin_with_context(action, ignore_deprecated=True, collection_list=collections)
    path = module.plugin_resolved_path
    if not module.resolved or not path:
        return Effects.ANYTHING  # a role may bring it
    # A module runs on its host and knows what its arguments tell it. One that the project wrote may be made to wait.
    return Effects.NOTHING if _is_ansibles(path) or "ansible_collections" in Path(path).parts else Effects.ANYTHING


def _is_ansibles(path: str | None) -> bool:
    return bool(path) and Path(str(path)).is_relative_to(Path(ansible.__file__).parent)


def _included(task: Any, basedir: Path) -> Effects:
    """What the files of an include may do; anything, where they cannot be told."""
    here = Path(str(task.get_path()).rpartition(":")[0]).parent
    collections = tuple(task.collections or ())
    if short(task.action) in ("include_role", "import_role"):
        name = str(task.args.get("name", task.args.get("role", "")))
        return _role(name, basedir, here) if name and not collections else Effects.ANYTHING
    name = str(task.args.get("_raw_params") or task.args.get("file") or "")
    if not name or "{{" in name:
        return Effects.ANYTHING
    # Which of them is taken depends on what stands around the include, so each is read.
    files = {path.resolve() for folder in (here, basedir, basedir / "tasks") if (path := folder / name).is_file()}
    return _worst(_file(path, collections) for path in files) if files else Effects.ANYTHING


def _role(name: str, basedir: Path, here: Path) -> Effects:
    """What a role's own files may do. One with dependencies, or with plugins of its own, may do anything."""
    if "{{" in name or "." in name:
        return Effects.ANYTHING  # the role of a collection
    places = [basedir / "roles", *map(Path, C.DEFAULT_ROLES_PATH), here.parent.parent, basedir]
    folders = {folder.resolve() for place in places if (folder := place / name).is_dir()}
    if not folders:
        return Effects.ANYTHING
    return _worst(_role_folder(folder) for folder in folders)


def _role_folder(folder: Path) -> Effects:
    if any((folder / plugins).exists() for plugins in _ROLE_PLUGINS):
        return Effects.ANYTHING
    for path in folder.glob("meta/main.*"):
        about = _read(path)
        if not isinstance(about, Mapping) or about.get("dependencies") or about.get("collections"):
            return Effects.ANYTHING
    files = [path for kind in _ROLE_TASKS for path in (folder / kind).rglob("*") if path.is_file()]
    return _worst(_file(path, ()) for path in files)


def _file(path: Path, collections: tuple[str, ...]) -> Effects:
    """What the tasks of a file may do. One that includes another, or that waits for a job itself, may do anything."""
    content = _read(path)
    if content is None:
        return Effects.NOTHING
    if not isinstance(content, list):
        return Effects.ANYTHING
    return _worst(
        Effects.ANYTHING if short(action) in _INCLUDES or is_reap(action) else _effects_of_action(action, collections)
        for action in _actions(content)
    )


def _actions(tasks: Sequence[Any]) -> Iterator[str]:
    for task in tasks:
        if not isinstance(task, Mapping):
            yield "{{ not a task }}"
            continue
        for key in ("block", "rescue", "always"):
            yield from _actions(task.get(key) or ())
        if task.get("collections"):
            yield "{{ of a collection }}"
        for key in ("action", "local_action"):
            value = task.get(key)
            if value is not None:
                yield str(value.get("module") if isinstance(value, Mapping) else value).split(" ")[0]
        yield from (str(key) for key in task if key not in _KEYWORDS and not str(key).startswith("with_"))


def _worst(several: Iterable[Effects]) -> Effects:
    found = set(several) - {Effects.NOTHING}
    if not found:
        return Effects.NOTHING
    return found.pop() if len(found) == 1 else Effects.ANYTHING


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads YAML with tags that Ansible knows, such as ``!vault``, as the text they stand for."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: str(getattr(node, "value", "")))


def _read(path: Path) -> Any:
    """A file's content; text where it is none that can be read."""
    try:
        return yaml.load(text_of(read(path)), Loader=_Loader)  # noqa: S506 - a safe loader
    except (SourceError, ValueError, yaml.YAMLError, RecursionError):
        return "unreadable"
