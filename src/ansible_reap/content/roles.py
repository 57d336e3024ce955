"""Where roles, playbooks and tasks files are found, in Ansible's order of search."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Iterator, Sequence

from ansible_reap.content.arguments import unquoted
from ansible_reap.content.library import Library
from ansible_reap.content.model import names_of
from ansible_reap.content.places import JSON_ENDING, YAML_ENDINGS
from ansible_reap.records import dataclass

MAX_CANDIDATES = 40
MAX_LEVELS = 12
"""Folders of variables within each other."""
_PARTS = frozenset({"tasks", "handlers", "defaults", "vars", "meta"})


@dataclass(frozen=True, slots=True)
class Role:
    """A role's folder, relative to the project's root, and its name."""

    path: str
    name: str

    def part(self, folder: str) -> str:
        return f"{self.path}/{folder}" if self.path else folder


class Finder:
    """Finds what a playbook names. All paths are relative to the project's root."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._project = library.project
        self.roles: dict[str, Role] = {}
        self._by_name: dict[str, list[Role]] = {}
        self._collections: dict[str, str] = {}
        self._by_collection: dict[str, list[Role]] = {}
        self._found: dict[tuple[str, str], list[str]] = {}
        self._parts: dict[tuple[str, str, str], list[str]] = {}
        self._roles_found: dict[tuple[str, str, str, tuple[str, ...]], list[Role]] = {}
        self._index()

    def _index(self) -> None:
        found: set[str] = set()
        for path in self._project.yaml:
            folder, _, name = path.rpartition("/")
            owner, _, part = folder.rpartition("/")
            if part in _PARTS and (
                name == "main" or name.startswith("main.") or (part == "tasks" and "roles" in owner.split("/"))
            ):
                found.add(owner)
            elif name in ("galaxy.yml", "galaxy.yaml"):
                data = self._library.mapping(path)
                self._collections[f"{data.get('namespace')}.{data.get('name')}"] = folder
        for path in sorted(found):
            role = Role(path, path.rpartition("/")[2])
            self.roles[path] = role
            self._by_name.setdefault(role.name, []).append(role)

    def role_of(self, path: str) -> Role | None:
        """The role in whose tasks or handlers folder the file lies."""
        parts = path.split("/")
        for at in range(len(parts) - 2, -1, -1):
            if parts[at] in ("tasks", "handlers"):
                owner = "/".join(parts[:at])
                if owner in self.roles:
                    return self.roles[owner]
        return None

    def role_around(self, path: str) -> Role | None:
        """The role in one of whose folders the file lies."""
        return self.roles.get(posixpath.dirname(posixpath.dirname(path)))

    def find_roles(
        self, name: str, playbook_folder: str, current: Role | None, collections: tuple[str, ...] = ()
    ) -> list[Role]:
        """The roles that the name (with ``*`` for what is not known) can mean; empty where none is in the project.

        In the collections Ansible looks before anywhere else (ansible-core 2.16 and 2.22).
        """
        key = (name, playbook_folder, current.path if current is not None else "", collections)
        if key not in self._roles_found:
            wanted = name.strip().rstrip("/")
            found = self._in_collections(collections, wanted) if collections else []
            if "*" in wanted or not found:
                found = list(dict.fromkeys([*found, *self._search_roles(wanted, playbook_folder, current)]))
            self._roles_found[key] = found
        return self._roles_found[key]

    def _in_collections(self, collections: Iterable[str], name: str) -> list[Role]:
        """The roles of that name in the first of the collections that has one; of a pattern those of all."""
        known = [self.roles_of_collection(each) for each in collections]
        if "*" in name:
            return [role for roles in known for role in roles if fnmatch.fnmatchcase(role.name, name)]
        matching = ([role for role in roles if role.name == name] for roles in known)
        return next(filter(None, matching), [])

    def roles_of_collection(self, collection: str) -> list[Role]:
        """The roles of a collection that the project holds."""
        known = self._by_collection.get(collection)
        if known is None:
            place = "/ansible_collections/" + collection.replace(".", "/") + "/roles/"
            folder = self._collections.get(collection)
            own = None if folder is None else posixpath.join(folder, "roles")
            known = self._by_collection[collection] = [
                role
                for role in self.roles.values()
                if f"/{role.path}".endswith(place + role.name) or role.path.rpartition("/")[0] == own
            ]
        return known

    def collection_of(self, path: str) -> str | None:
        """The collection in whose folder of roles or playbooks the file or role lies."""
        parts = path.split("/")
        for at in range(len(parts) - 1, -1, -1):
            if parts[at] in ("roles", "playbooks"):
                folder = parts[:at]
                if folder[-3:-2] == ["ansible_collections"]:
                    return ".".join(folder[-2:])
                named = (name for name, each in self._collections.items() if each == "/".join(folder))
                return next(named, None)
        return None

    def collections_of(self, role: Role) -> list[str]:
        """Where the tasks of a role look first: in its own collection, and in those that its ``meta`` names."""
        own = self.collection_of(role.path)
        named = (self._library.variables(path).get("collections") for path in self.part_files(role, "meta"))
        return [*([own] if own else []), *(name for given in named for name in names_of(given))]

    def _search_roles(self, name: str, playbook_folder: str, current: Role | None) -> list[Role]:
        if "*" in name:
            return self._role_candidates(name, playbook_folder, current)
        if name.startswith("/"):
            inside = self._inside(name)
            role = self.roles.get(inside) if inside is not None else None
            return [role] if role else []
        if "/" in name:
            for base in self._role_bases(playbook_folder, current):
                role = self.roles.get(posixpath.normpath(posixpath.join(base, name)))
                if role:
                    return [role]
            return self._by_folders(name, playbook_folder)
        if name.count(".") >= 2:
            collection, _, short = name.rpartition(".")
            return self._in_collections((collection,), short)
        return self._by_plain_name(name, playbook_folder, current)

    def _by_plain_name(self, name: str, playbook_folder: str, current: Role | None) -> list[Role]:
        for base in self._role_bases(playbook_folder, current):
            role = self.roles.get(posixpath.join(base, name))
            if role is None:
                real = self._project.canonical(posixpath.join(base, name)) if name in self._by_name else None
                role = self.roles.get(real) if real is not None else None
            if role:
                return [role]
        known = self._by_name.get(name, [])
        if current is not None and current.name == name and not known:
            return [current]
        return _nearest(known, playbook_folder)

    def _by_folders(self, name: str, playbook_folder: str) -> list[Role]:
        """The nearest role that stands in folders of these names: ``web/base`` is no other ``base``."""
        named = posixpath.normpath(name).lstrip("./")
        known = self._by_name.get(named.rpartition("/")[2], [])
        return _nearest([role for role in known if f"/{role.path}".endswith(f"/{named}")], playbook_folder)

    def _role_bases(self, playbook_folder: str, current: Role | None) -> list[str]:
        """The folders of roles in Ansible's order (ansible-core 2.16 to 2.22)."""
        configured = (path for path in self._project.settings.roles_path if not path.startswith(("/", "~")))
        bases = [posixpath.join(playbook_folder, "roles"), *map(posixpath.normpath, configured)]
        if current is not None:
            bases.append(posixpath.dirname(current.path))
        bases.append(playbook_folder)
        return bases

    def _role_candidates(self, name: str, playbook_folder: str, current: Role | None) -> list[Role]:
        if name.rpartition("/")[0].strip("*/."):
            found = self._in_the_folder(name, playbook_folder, current)
            if found or not name.rpartition("/")[2].strip("*"):
                return found[: MAX_CANDIDATES + 1]
        short = name.rpartition("/")[2]
        if short.count(".") >= 2:
            short = short.rpartition(".")[2]
        bases = {posixpath.normpath(base) for base in self._role_bases(playbook_folder, current)}
        found = [
            role
            for role in self.roles.values()
            if role.path.rpartition("/")[0] in bases and fnmatch.fnmatchcase(role.name, short)
        ]
        if not found and short.strip("*"):
            found = [role for role in self.roles.values() if fnmatch.fnmatchcase(role.name, short)]
        return found[: MAX_CANDIDATES + 1]

    def _in_the_folder(self, name: str, playbook_folder: str, current: Role | None) -> list[Role]:
        """The roles of a name of which a folder is known, as in ``database/*``: no role elsewhere is meant."""
        if name.startswith("/"):
            inside = self._inside(name)
            wanted = [] if inside is None else [inside]
        else:
            bases = self._role_bases(playbook_folder, current)
            wanted = [posixpath.normpath(posixpath.join(base, name)) for base in bases]
        found = [role for role in self.roles.values() if any(_is_at(role.path, path) for path in wanted)]
        return found or [role for role in self.roles.values() if _is_below(role.path, name.lstrip("*/"))]

    def find_files(self, name: str, folders: Sequence[str]) -> list[str]:
        """The first file of that name in the folders; with ``*`` in the name, every file that it can mean.

        Ansible takes quotes off around it (``path_dwim`` of ansible-core 2.16 to 2.22).
        """
        name = unquoted(name)
        if name.startswith("/"):
            inside = self._inside(name)
            if inside is None:
                return []
            name, folders = inside, [""]
        for folder in folders:
            key = (folder, name)
            found = self._found.get(key)
            if found is None:
                found = self._found[key] = self._in_folder(posixpath.normpath(posixpath.join(folder, name)))
            if found:
                return found
        return []

    def _in_folder(self, path: str) -> list[str]:
        if path.startswith(".."):
            return []
        folder, _, base = path.rpartition("/")
        if "*" in folder:
            return self._by_pattern(path)
        if "*" in base:
            names = [name for name in self._project.listing(folder) if self._is_content(folder, name)]
            wanted = [base, base + ".yml", base + ".yaml"]
            matching = sorted({name for pattern in wanted for name in fnmatch.filter(names, pattern)})
            return [posixpath.join(folder, name) for name in matching][: MAX_CANDIDATES + 1]
        for candidate in (base, base + ".yml", base + ".yaml", base + ".json"):
            full = posixpath.join(folder, candidate)
            if candidate in self._project.listing(folder):
                real = self._project.canonical(full)
                return [real if real is not None else full]
        return []

    def _is_content(self, folder: str, name: str) -> bool:
        return name.endswith(YAML_ENDINGS) or self._project.is_read(posixpath.join(folder, name))

    def _by_pattern(self, path: str) -> list[str]:
        wanted = (path, path + ".yml", path + ".yaml")
        depth = path.count("/")
        return [
            known
            for known in self._project.yaml
            if known.count("/") == depth and any(fnmatch.fnmatchcase(known, pattern) for pattern in wanted)
        ][: MAX_CANDIDATES + 1]

    def find_playbook(self, name: str, folder: str) -> list[str]:
        """The playbook that an import names, a collection's too."""
        found = self.find_files(name, [folder, ""])
        if found or "/" in name or name.count(".") < 2:
            return found
        collection, _, short = name.rpartition(".")
        base = self._collections.get(collection)
        return self.find_files(short, [posixpath.join(base, "playbooks")]) if base is not None else []

    def part_files(self, role: Role, part: str, entry: str = "main") -> list[str]:
        """The files of a role's ``defaults``, ``vars``, ``tasks``, ``handlers`` or ``meta`` for an entry point."""
        key = (role.path, part, entry)
        found = self._parts.get(key)
        if found is None:
            found = self._parts_named(role.part(part), entry, may_be_folder=part in ("defaults", "vars"))
            self._parts[key] = found
        return found

    def _parts_named(self, folder: str, entry: str, *, may_be_folder: bool) -> list[str]:
        """The files of an entry point, variables in a folder of its name too.

        Of ``main``, as it is without any ``tasks_from``, the one without an ending is the last that Ansible looks for.
        """
        if "*" in entry or "/" in entry:
            return self.find_files(entry, [folder])
        endings = (*YAML_ENDINGS, JSON_ENDING)
        for ending in (*endings, "") if entry == "main" else ("", *endings):
            path = f"{folder}/{unquoted(entry)}{ending}"
            if self._project.has_file(path):
                real = self._project.canonical(path)
                return [path if real is None else real]
            if may_be_folder and self._project.is_folder(path):
                return list(self._variables_below(path, 0))
        return []

    def _variables_below(self, folder: str, depth: int) -> Iterator[str]:
        """The files of variables in a folder and those within, in the order in which they are read."""
        if depth > MAX_LEVELS:
            return
        folders = set(self._project.folders_in(folder))
        for name in sorted({*self._project.listing(folder), *folders}):
            ending = posixpath.splitext(name)[1]
            if name.startswith(".") or name.endswith("~") or ending not in ("", *YAML_ENDINGS, JSON_ENDING):
                continue
            if name not in folders:
                yield f"{folder}/{name}"
            elif not ending:
                yield from self._variables_below(f"{folder}/{name}", depth + 1)

    def absolute(self, path: str) -> str:
        """The path as Ansible's magic variables give it."""
        return f"{self._project.root}/{path}" if path else str(self._project.root)

    def _inside(self, path: str) -> str | None:
        root = str(self._project.root)
        path = posixpath.normpath(path)
        if path == root:
            return ""
        return path[len(root) + 1 :] if path.startswith(root + "/") else None


def _nearest(roles: list[Role], folder: str) -> list[Role]:
    return sorted(roles, key=lambda role: -len(posixpath.commonprefix([role.path, folder])))[:1]


def _is_at(path: str, pattern: str) -> bool:
    """Whether the path is one that the pattern means, part by part."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def _is_below(path: str, pattern: str) -> bool:
    """Whether the path ends as the pattern does, in whatever folder."""
    return _is_at("/".join(path.split("/")[-pattern.count("/") - 1 :]), pattern)
