"""By which names a call can mean a file, and what a name can mean where the call stands. No file is read."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ansible_reap.content.call_references import Reference, ReferenceKind
from ansible_reap.content.places import stem


class Key(NamedTuple):
    """A name under which files are called, in a scope: a key of one scope means nothing in another."""

    scope: str
    name: str
    """With ``*`` for what a template stands for."""

    @property
    def is_open(self) -> bool:
        """Whether it says nothing at all about the name."""
        return not self.name.strip("* ")

    @property
    def is_of_role(self) -> bool:
        """Whether it names a role, not a file."""
        return self.scope in (ROLE, ENTRY)


ROLE = "role"
ENTRY = "entry"
"""The scope of role and entry point, with a blank between them."""
PLAYBOOK = "playbook"
FREE = "file"
"""The scope of calls of tasks that may lead anywhere."""
MAIN_FILES = ("main.yml", "main.yaml", "main.json", "main")
"""What the file of a role's part may be called: Ansible takes the first that is there (ansible-core 2.16 to 2.22)."""
OUTSIDE = "outside"
"""The scope of calls in a role that stay in it, where they mean a file that no role owns."""


def keys_of(path: str, *, is_playbook: bool | None = None) -> list[Key]:
    """The names under which a call may mean the file; None where it is not known to be a playbook or not."""
    name = stem(path)
    if is_playbook:
        return [Key(PLAYBOOK, name)]
    folder, _, _ = path.rpartition("/")
    owner, _, part = folder.rpartition("/")
    role = owner.rpartition("/")[2]
    home = role_folder(path)
    keys = [] if part == "meta" else [Key(FREE, name), Key(OUTSIDE if home is None else _inside(home), name)]
    if part in ("tasks", "handlers", "meta") and name == "main":
        keys.append(Key(ROLE, role))
    if part == "tasks":
        keys.append(Key(ENTRY, f"{role} {name}"))
    if is_playbook is None:
        keys.append(Key(PLAYBOOK, name))
    return keys


def keys_wanted(reference: Reference, caller: str, linked: Collection[str]) -> list[Key]:
    """The names that a call uses. ``linked`` are the names of symbolic links."""
    if reference.kind is ReferenceKind.PLAYBOOK:
        return [Key(PLAYBOOK, stem(reference.name))]
    if reference.kind is ReferenceKind.TASKS:
        name = stem(reference.name)
        home = role_folder(caller)
        if home is not None and _stays_in_role(reference, linked):
            return [Key(_inside(home), name), Key(OUTSIDE, name)]
        return [Key(FREE, name)]
    name = reference.name.rstrip("/").rpartition("/")[2].rpartition(".")[2]
    if reference.entry is None:
        return [Key(ROLE, name)]
    return [Key(ROLE, name), Key(ENTRY, f"{name} {stem(reference.entry)}")]


def _inside(role: str) -> str:
    """The scope of calls in a role that stay in it."""
    return f"in {role}"


def role_folder(path: str) -> str | None:
    """The role in whose tasks or handlers the file lies; None outside a folder of roles."""
    owner = _owner(path)
    return owner if owner and owner.rpartition("/")[0].rpartition("/")[2].startswith("roles") else None


def _owner(path: str) -> str | None:
    """The folder in whose tasks or handlers the file lies, "" being the root; None where it lies in neither."""
    for part in ("/tasks/", "/handlers/"):
        owner, found, _ = f"/{path}".rpartition(part)
        if found:
            return owner[1:]
    return None


def _stays_in_role(reference: Reference, linked: Collection[str]) -> bool:
    """Whether the call, standing in a role, can mean no file of another role.

    Ansible looks a tasks file up in the role and beside the playbook. A path that climbs, a template in front, and a
    symbolic link (``linked`` are their names) may lead to other roles.
    """
    *folders, _ = parts = reference.name.split("/")
    if any(part in ("", "..") or "*" in part for part in folders):
        return False
    return not any(stem(part) in linked for part in parts) if linked else True


def surroundings(caller: str) -> str:
    """The folder in or below which a file lies that the caller may mean: its role's, else its own; "" is the root."""
    owner = _owner(caller)
    return caller.rpartition("/")[0] if owner is None else owner


def folders_above(path: str) -> list[str]:
    """The folders that the file lies in or below, the root among them."""
    folders = [""]
    at = path.find("/")
    while at >= 0:
        folders.append(path[:at])
        at = path.find("/", at + 1)
    return folders


def role_mains(path: str) -> list[str]:
    """Whoever calls the role may run this file: handlers and meta come with the role's tasks."""
    folder = path.rpartition("/")[0]
    role, _, part = folder.rpartition("/")
    if part in ("handlers", "meta", "tasks"):
        return [f"{role}/tasks/{name}" for name in MAIN_FILES]
    return []
