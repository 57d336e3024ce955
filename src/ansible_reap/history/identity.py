"""What a launch is called in the history: the same wherever the project is checked out and when lines move."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass  # noqa: TID251 - these have an order
from pathlib import Path, PurePosixPath

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap.late_patterns import expression
from ansible_reap.project_root import is_trusted
from ansible_reap.reading import MAX_SETTINGS, SourceError, parse_ini, read, text_of
from ansible_reap.yaml_nodes import compose, plain

_COLLECTION = expression(r"(?:^|/)ansible_collections/(?P<namespace>\w+)/(?P<name>\w+)/(?P<rest>.+)$")
_ROLE = expression(r"(?:^|/)roles/(?P<role>.+?)/(?P<rest>(?:tasks|handlers)/.+)$")
_KEYWORDS = """any_errors_fatal args async async_val become become_exe become_flags become_method become_user
    changed_when check_mode collections connection debugger delay delegate_facts delegate_to diff environment
    failed_when ignore_errors ignore_unreachable listen loop loop_control module_defaults name no_log notify poll
    port register remote_user retries run_once tags throttle timeout until vars when"""
_NOT_ACTIONS = frozenset(_KEYWORDS.split())
"""Keywords of a task (ansible-core 2.16 to 2.22): any other key is its action."""


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """One launch as written. ``where`` is a role's, a collection's or a project's file, as :func:`locate` says."""

    where: str
    task: str
    position: int = 0
    """How many launches of the same name stand above it in its file."""


@dataclass(frozen=True, slots=True)
class Site:
    """A task that bears ``async``, as its file names it."""

    line: int
    """The line of the task's first key, from 1."""
    task: str
    """The name as written, templates and all; of a task without a name its action."""
    position: int


def collection_of(root: Path) -> str | None:
    """``namespace.name`` of the collection whose sources ``root`` is, or None."""
    try:
        galaxy = compose(read(root / "galaxy.yml", MAX_SETTINGS))
    except SourceError:
        return None
    match plain(galaxy) if galaxy is not None else None:
        case {"namespace": str(namespace), "name": str(name)}:
            return f"{namespace}.{name}"
    return None


def locate(path: str, root: str = "", collection: str | None = None) -> str:
    """Where a file stands, whatever folder holds the project.

    ``role:db/tasks/main.yml`` for a role, ``role:ns.coll.db/tasks/main.yml`` for a collection's role,
    ``collection:ns.coll/playbooks/site.yml`` for a collection's other files, else the path relative to ``root``
    (absolute where the file lies outside it). ``collection`` names the one whose sources ``root`` is.
    """
    text = PurePosixPath(path).as_posix()
    inside = text
    if root:
        folder = PurePosixPath(root).as_posix().rstrip("/") + "/"
        inside = text.removeprefix(folder)
    if found := _COLLECTION.search(text):
        collection, inside = f"{found['namespace']}.{found['name']}", found["rest"]
    elif inside.startswith("/"):
        collection = None
    if found := _ROLE.search(inside):
        prefix = f"{collection}." if collection else ""
        return f"role:{prefix}{found['role']}/{found['rest']}"
    return f"collection:{collection}/{inside}" if collection else inside


def sites(text: str) -> tuple[Site, ...]:
    """The tasks in a file that bear ``async``, top to bottom. A file that does not parse has none."""
    try:
        node = compose(text.encode(errors="replace"))
    except SourceError:
        return ()
    found = []
    seen: dict[str, int] = {}
    for line, task in sorted(_async_tasks(node, set())) if node is not None else ():
        found.append(Site(line, task, seen.get(task, 0)))
        seen[task] = seen.get(task, 0) + 1
    return tuple(found)


def _async_tasks(node: Node, visited: set[int]) -> Iterator[tuple[int, str]]:
    if id(node) in visited:  # an alias leads to a node that has been read
        return
    visited.add(id(node))
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _async_tasks(item, visited)
    elif isinstance(node, MappingNode):
        keys = {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}
        if "async" in keys or "async_val" in keys:
            yield node.start_mark.line + 1, _task_name(keys)
        for value in keys.values():
            yield from _async_tasks(value, visited)


def _task_name(keys: dict[str, Node]) -> str:
    name = keys.get("name")
    if isinstance(name, ScalarNode) and name.value:
        return str(name.value)
    action = next((key for key in keys if key not in _NOT_ACTIONS and not key.startswith("with_")), "")
    if action in {"action", "local_action"} and isinstance(keys[action], ScalarNode):
        return str(keys[action].value).partition(" ")[0]
    return action


def project_name(root: Path) -> str:
    """What tells one project's runs from another's in a store that both use: the git remote, else the folder's name.

    The remote is read from ``.git/config`` without running git; user names and passwords in it are left out.
    """
    remote = _git_remote(root)
    return remote or root.name or "project"


def _git_remote(root: Path) -> str | None:
    for folder in (root, *root.parents):
        dot_git = folder / ".git"
        if not (dot_git.exists() if folder == root else is_trusted(dot_git, root)):
            continue
        url = _remote_url(dot_git)
        if url is None:
            return None
        below = root.relative_to(folder).as_posix()
        return url if below == "." else f"{url}/{below}"
    return None


def _settings(path: Path) -> str:
    return text_of(read(path, MAX_SETTINGS))


def _remote_url(dot_git: Path) -> str | None:
    try:
        if dot_git.is_file():  # a work tree: "gitdir: /elsewhere/.git/worktrees/x", whose commondir leads to the config
            dot_git = dot_git.parent / _settings(dot_git).removeprefix("gitdir:").strip()
            common = dot_git / "commondir"
            dot_git = dot_git / _settings(common).strip() if common.exists() else dot_git
        config = parse_ini(_settings(dot_git / "config"), inline_comments=False)
    except (SourceError, OSError, ValueError):
        return None
    remote = config.get('remote "origin"')
    url = None if remote is None else remote.get("url")
    if not url:
        return None
    # https://user:secret@host/team/site.git, ssh://git@host/team/site.git and git@host:team/site.git are one project.
    bare = re.sub(r"^\w+://", "", url).rpartition("@")[2] if "@" in url or "://" in url else url
    return re.sub(r"^([^/:]+):(?!\d+/)/?", r"\1/", bare).removesuffix("/").removesuffix(".git")
