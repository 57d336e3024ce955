"""Which files a project has, what their text is, and which of Ansible's settings decide how they are found."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ansible_reap import ansible_cfg
from ansible_reap.reading import SourceError, read
from ansible_reap.timing import DEFAULT_POLL

SKIPPED_FOLDERS = frozenset(
    [
        ".git",
        ".hg",
        ".svn",
        ".tox",
        ".nox",
        ".venv",
        ".cache",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        "node_modules",
        "__pycache__",
        ".eggs",
        ".github",
        ".circleci",
        ".idea",
        ".vscode",
        ".terraform",
    ]
)
RENDERED_FOLDER = "templates"
"""Its files are rendered, not read by Ansible, whatever they end in."""
COPIED_FOLDER = "files"
"""Its files are copied to hosts. They are read where they launch something: then Ansible runs there too."""
YAML_ENDINGS = (".yml", ".yaml")
MAX_FILES = 200_000


class AnsibleSettings(NamedTuple):
    """What ansible.cfg says that the analysis needs. ``poll`` is the default poll interval in seconds."""

    become: bool = False
    """Whether tasks become another user without being told to."""
    remote_user: str | None = None

    roles_path: tuple[str, ...] = ()
    collections_path: tuple[str, ...] = ()
    poll: int = DEFAULT_POLL


class Project:
    """The files below a root, by path relative to it. Text is read once and kept only while it is small.

    ``unsaved`` holds files as they are to be taken to read, whatever the disk has: an editor's buffers, fixes on trial,
    an earlier commit. None stands for a file that is taken not to be there.
    """

    def __init__(
        self, root: Path, unsaved: Mapping[str, bytes | None] | None = None, named: Collection[str] = ()
    ) -> None:
        self.root = root
        self._named = frozenset(named)
        self._unsaved = unsaved or {}
        self._real = os.path.realpath(root)
        self.yaml: list[str] = []
        self.copied: set[str] = set()
        """Those of the YAML files that Ansible copies to hosts. They need not parse."""
        self.others: set[str] = set()
        self.unreadable: list[tuple[str, str]] = []
        self._nested_configs: list[str] = []
        """The ansible.cfg of the folders below the root."""
        self._directories: dict[str, list[str]] = {}
        self._listed: set[str] = set()
        """The folders that are the project's own; others are looked into when something leads there."""
        self._canonical: dict[str, str | None] = {}
        self.links: set[str] = set()
        """Files and folders that are symbolic links, in the folders that were listed."""
        self._list()
        self.settings = self._settings()

    def read(self, path: str) -> bytes:
        """The bytes of a file of the project. Raises SourceError, also where a link leads out of it."""
        unsaved = self._unsaved.get(path)
        if unsaved is not None:
            return unsaved
        is_plain = path.rpartition("/")[0] in self._listed and self._is_free_of_links(path)
        if not is_plain and self.canonical(path) is None:
            raise SourceError("cannot be read: a link leads out of the project")
        return read(f"{self._real}{os.sep}{path}")

    def has_file(self, path: str) -> bool:
        """Whether a file stands there, listed or not (roles may lie in folders that are not listed)."""
        folder, _, name = path.rpartition("/")
        return name in self.listing(folder)

    def listing(self, folder: str) -> list[str]:
        """The names of the files in a folder."""
        known = self._directories.get(folder)
        if known is None:
            try:
                with os.scandir(f"{self._real}{os.sep}{folder}") as entries:
                    known = sorted(entry.name for entry in entries if entry.is_file())
            except (OSError, ValueError):  # no folder, or a name that no folder can have
                known = []
            known = [name for name in known if self.canonical(f"{folder}/{name}") is not None]
            known = self._present(f"{folder}/", known)
            self._directories[folder] = known
        return known

    def is_folder(self, path: str) -> bool:
        return (self.root / path).is_dir()

    def canonical(self, path: str) -> str | None:
        """The path as the project lists it: dots resolved, links followed; None where it leads out of the project."""
        if path not in self._canonical:
            plain = os.path.normpath(path).replace(os.sep, "/")
            is_plain = plain == path and path.rpartition("/")[0] in self._directories and self._is_free_of_links(path)
            self._canonical[path] = path if is_plain else self._resolved(path)
        return self._canonical[path]

    def _is_free_of_links(self, path: str) -> bool:
        if not self.links:
            return True
        at = len(path)
        while at > 0:
            if path[:at] in self.links:
                return False
            at = path.rfind("/", 0, at)
        return True

    def _resolved(self, path: str) -> str | None:
        try:
            real = os.path.realpath(f"{self._real}{os.sep}{path}")
        except ValueError:  # a name that no file can have
            return None
        if real == self._real:
            return ""
        if not real.startswith(self._real + os.sep):
            return None
        return real[len(self._real) + 1 :].replace(os.sep, "/")

    def _list(self) -> None:
        """Folder by folder, each before those in it, names in order. Links to folders are not followed."""
        copies: dict[str, list[str]] = {}
        pending = [""]
        while pending and len(self.yaml) <= MAX_FILES:
            prefix = pending.pop()
            folders: list[str] = []
            files: list[str] = []
            links: set[str] = set()
            try:
                with os.scandir(f"{self._real}{os.sep}{prefix}") as entries:
                    for entry in entries:
                        if entry.is_file(follow_symlinks=False):
                            files.append(entry.name)
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.name)
                            continue
                        if entry.is_symlink():
                            self.links.add(f"{prefix}{entry.name}")
                            if os.path.isdir(entry.path):  # noqa: PTH112 - unlike the entry, no error for a link to itself
                                continue
                            links.add(entry.name)
                        files.append(entry.name)
            except OSError as error:
                self.unreadable.append((prefix.rstrip("/") or ".", error.strerror or "cannot be read"))
                continue
            folders.sort(reverse=True)
            pending += [f"{prefix}{name}/" for name in folders if self._is_entered(prefix, name)]
            self._sort_in(prefix, self._present(prefix, sorted(files)), links, copies)
        self._add_new(copies)
        for paths in copies.values():
            if any(self._launches(path) for path in paths):
                self.copied.update(paths)
        if self.copied:
            self.yaml = sorted([*self.yaml, *self.copied])

    def _present(self, prefix: str, names: list[str]) -> list[str]:
        """The names without those of files that are taken not to be there."""
        if not self._unsaved:
            return names
        return [name for name in names if self._unsaved.get(prefix + name, b"") is not None]

    def _add_new(self, copies: dict[str, list[str]]) -> None:
        """The unsaved files that the disk does not have yet."""
        new = sorted(path for path, data in self._unsaved.items() if data is not None)
        if not new:
            return
        for path in new:
            folder, _, name = path.rpartition("/")
            listed = self._directories.get(folder, [])
            if name not in listed:
                self._sort_in(f"{folder}/" if folder else "", [name], set(), copies)
                self._directories[folder] = sorted([*listed, name])
        self.yaml.sort()

    def _launches(self, path: str) -> bool:
        try:
            data = self.read(path)
        except SourceError:
            return False
        return b"async:" in data and b"poll:" in data

    def _sort_in(self, prefix: str, names: list[str], links: set[str], copies: dict[str, list[str]]) -> None:
        """What lies in a folder: YAML that Ansible reads, YAML that it copies (by the folder above), the rest."""
        listed: list[str] = []
        parts = [] if "{{" in prefix else prefix.split("/")
        is_rendered = RENDERED_FOLDER in parts
        is_copied = COPIED_FOLDER in parts
        for name in names:
            if name.endswith(YAML_ENDINGS) or prefix + name in self._named:
                if name in links:  # to a file of the project, which is that file again, or out of the project
                    continue
                if is_copied and not is_rendered:
                    copies.setdefault("/".join(parts[: parts.index(COPIED_FOLDER)]), []).append(prefix + name)
                elif not is_rendered:
                    self.yaml.append(prefix + name)
            else:
                self.others.add(prefix + name)
                if name == "ansible.cfg" and prefix:
                    self._nested_configs.append(prefix + name)
            listed.append(name)
        self._directories[prefix.rstrip("/")] = listed
        self._listed.add(prefix.rstrip("/"))

    def _is_entered(self, prefix: str, name: str) -> bool:
        if name in SKIPPED_FOLDERS:
            return False
        return not (name in ("venv", "env") and (self.root / prefix / name / "pyvenv.cfg").exists())

    def _settings(self) -> AnsibleSettings:
        """What the ansible.cfg in effect says, and after that where those of sub-projects look for roles."""
        config = ansible_cfg.load(here=self.root)
        nested = [ansible_cfg.read(self.root / path) for path in sorted(self._nested_configs)]
        if config.path is None and not nested:
            return AnsibleSettings()

        def paths(*keys: str) -> tuple[str, ...]:
            return tuple(
                self._configured_path(part, each.path) for each in (config, *nested) for part in _path_list(each, keys)
            )

        poll = (config.get("defaults", "poll_interval") or "").strip()
        become = (config.get("privilege_escalation", "become") or config.get("defaults", "become") or "").strip()
        return AnsibleSettings(
            become=become.lower() in ("true", "yes", "on", "1"),
            remote_user=config.get("defaults", "remote_user"),
            roles_path=paths("roles_path"),
            collections_path=paths("collections_path", "collections_paths"),
            poll=int(poll) if poll.isascii() and poll.isdigit() and len(poll) < 10 else DEFAULT_POLL,
        )

    def _configured_path(self, text: str, config: Path | None) -> str:
        """A path in ansible.cfg, relative to that file unless it is absolute, as a path relative to our root."""
        if config is None or config.parent == self.root or text.startswith(("/", "~")):
            return text
        return os.path.relpath(config.parent / text, self.root).replace(os.sep, "/")

    def folders(self) -> Iterator[str]:
        """Every folder that was listed."""
        yield from self._directories


def _path_list(config: ansible_cfg.AnsibleCfg, keys: tuple[str, ...]) -> list[str]:
    """The parts of the first of these keys that is set."""
    value = next(filter(None, (config.get("defaults", key) for key in keys)), "")
    return [part.strip().rstrip("/") for part in value.split(":") if part.strip().rstrip("/")]
