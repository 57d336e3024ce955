"""By which names a call can mean a file, and what a name can mean where the call stands. No file is read."""

from __future__ import annotations

import re
from collections.abc import Collection

from ansible_reap.content.references import Kind, Reference

_UNFIT = re.compile(r"[\s*?\[]")
"""What cannot stand in a key, which is split at blanks and compared with patterns."""
BY_ROLE = ("role", "entry")
"""The kinds of keys that name a role, not a file."""
PLAYBOOK = "playbook"
FREE = "file"
"""The kind of key for calls of tasks that may lead anywhere."""
OUTSIDE = "outside"
"""The kind for calls in a role that stay in it, where they mean a file that no role owns."""


def keys_of(path: str, *, is_playbook: bool | None = None) -> list[str]:
    """The names under which a call may mean the file; None where it is not known to be a playbook or not."""
    name = stem(path)
    if is_playbook:
        return [f"{PLAYBOOK} {name}"]
    folder, _, _ = path.rpartition("/")
    owner, _, part = folder.rpartition("/")
    role = owner.rpartition("/")[2]
    home = role_folder(path)
    keys = [] if part == "meta" else [f"{FREE} {name}", f"{OUTSIDE if home is None else _inside(home)} {name}"]
    if part in ("tasks", "handlers", "meta") and name == "main":
        keys.append(f"role {role}")
    if part == "tasks":
        keys.append(f"entry {role} {name}")
    if is_playbook is None:
        keys.append(f"{PLAYBOOK} {name}")
    return keys


def keys_wanted(reference: Reference, caller: str, linked: Collection[str]) -> list[str]:
    """The names that a call uses, ``*`` for what a template stands for. ``linked`` are names of symbolic links."""
    if reference.kind is Kind.PLAYBOOK:
        return [f"{PLAYBOOK} {stem(reference.name)}"]
    if reference.kind is Kind.TASKS:
        name = stem(reference.name)
        home = role_folder(caller)
        if home is not None and _stays_in_role(reference, linked):
            return [f"{_inside(home)} {name}", f"{OUTSIDE} {name}"]
        return [f"{FREE} {name}"]
    name = reference.name.rstrip("/").rpartition("/")[2].rpartition(".")[2]
    if reference.entry is None:
        return [f"role {name}"]
    return [f"role {name}", f"entry {name} {stem(reference.entry)}"]


def _inside(role: str) -> str:
    """The kind of key for calls in a role that stay in it."""
    return f"in:{role}"


def stem(path: str) -> str:
    """The last part of a path, without a YAML file's ending."""
    name = path.rpartition("/")[2]
    return name.rsplit(".", 1)[0] if name.endswith((".yml", ".yaml")) else name


def is_open(key: str) -> bool:
    """Whether the key says nothing at all about the name."""
    return not key.split(" ", 1)[1].strip("* ")


def role_folder(path: str) -> str | None:
    """The role in whose tasks or handlers the file lies; None outside a folder of roles."""
    for part in ("/tasks/", "/handlers/"):
        owner, found, _ = path.rpartition(part)
        if found and owner.rpartition("/")[0].rpartition("/")[2].startswith("roles"):
            return None if _UNFIT.search(owner) else owner
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
    folder = caller.rpartition("/")[0]
    for part in ("tasks", "handlers"):
        if f"/{part}/" in f"/{folder}/":
            return f"/{folder}/".rpartition(f"/{part}/")[0].strip("/")
    return folder


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
        return [f"{role}/tasks/main.yml", f"{role}/tasks/main.yaml"]
    return []
