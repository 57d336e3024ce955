"""Which files a project has, and what their text is."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ansible_reap import ansible_cfg
from ansible_reap.content.ansible_settings import AnsibleSettings, settings_of
from ansible_reap.content.call_text import CallText
from ansible_reap.content.files_beside import FilesBeside, is_backup
from ansible_reap.content.launch_text import may_launch
from ansible_reap.content.places import JSON_ENDING, YAML_ENDINGS
from ansible_reap.reading import SourceError, read

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
        ".idea",
        ".vscode",
        ".terraform",
    ]
)
RENDERED_FOLDER = "templates"
"""Its files are rendered, not read by Ansible, whatever they end in."""
COPIED_FOLDER = "files"
"""Its files are copied to hosts. They are read where they launch something: then Ansible runs there too."""
MAX_FILES = 200_000
SELDOM_CALLED = (".j2", ".md", ".rst", ".py")
MAX_PART = 200
"""Bytes of a path before and after the name of a folder in it."""
_PATH_LETTERS = bytes(byte for byte in range(128) if chr(byte).isalnum() or byte in b"_./-")
MAX_PLUGIN_FOLDERS = 2_000
"""Folders below one of plugins that is not listed."""
MAX_LOOKED_FOR = 50_000
"""Paths that are looked for because a call names something in a folder that is not listed."""


class Project:
    """The files below a root, by path relative to it.

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
        self._aside: set[str] = set()
        """Folders that are not listed, of which a file is read; Ansible takes plugins from beside a playbook."""
        self._canonical: dict[str, str | None] = {}
        self.links: set[str] = set()
        """Files and folders that are symbolic links, in the folders that were listed."""
        self._free_folders: dict[str, bool] = {}
        """Whether a folder lies below no link, as long as there are as many links as when it was told last."""
        self._links_seen = 0
        self._folder_links: list[str] = []
        self._file_links: list[str] = []
        self._stand_ins: dict[str, str] = {}
        """By what lies beside the content, the link under whose name it is read."""
        self._skipped_signs: dict[str, bytes] = {}
        """By the last part of the names of folders that are not listed, what a path through them has in it."""
        self._beside = FilesBeside(self._real, lambda path: self.canonical(path) is not None)
        self.unlikely: list[str] = []
        """Files beside the content that some call may mean: they are content if their names stand in the project."""
        self._list()
        self.settings = self._settings()
        self._follow_settings()
        self._known = set(self.yaml)
        self._looked_for = 0

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

    def folders_in(self, folder: str) -> list[str]:
        """The names of the folders in a folder of the project, links to such among them."""
        try:
            with os.scandir(f"{self._real}{os.sep}{folder}") as entries:
                names = [entry.name for entry in entries if entry.is_dir()]
        except (OSError, ValueError):
            return []
        return [name for name in names if self._resolved(f"{folder}/{name}") is not None]

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(f"{self._real}{os.sep}{path}")  # noqa: PTH112 - a name too long for a file is no error

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
        if path in self.links:
            return False
        folder = path.rpartition("/")[0]
        if not folder:
            return True
        if len(self.links) != self._links_seen:
            self._links_seen = len(self.links)
            self._free_folders.clear()
        known = self._free_folders.get(folder)
        if known is None:
            known = self._free_folders[folder] = self._is_free_of_links(folder)
        return known

    def _resolved(self, path: str) -> str | None:
        try:
            real = os.path.realpath(f"{self._real}{os.sep}{path}")
        except ValueError:  # a name that no file can have
            return None
        if real == self._real:
            return ""
        if not real.startswith(self._real + os.sep):
            return None
        path = real[len(self._real) + 1 :].replace(os.sep, "/")
        return self._stand_ins.get(path, path)

    def _list(self) -> None:
        """What the project has: what its folders hold, and what its links lead to."""
        copies: dict[str, list[str]] = {}
        self._list_from("", copies)
        for path in self._folder_links:
            target = self._resolved(path)
            if target is not None and target not in self._listed:
                self._list_from(f"{target}/", copies)
        self._add_new(copies)
        for paths in copies.values():
            if any(self._launches(path) for path in paths):
                self.copied.update(paths)
        self.copied.update(self._beside.other_playbooks(self.links, self._named))
        if self.copied:
            self.yaml = sorted({*self.yaml, *self.copied})
        self._stand_in()

    def _list_from(self, start: str, copies: dict[str, list[str]]) -> None:
        """Folder by folder, each before those in it, names in order. Links to folders are not followed here."""
        pending = [start]
        while pending:
            if len(self.yaml) > MAX_FILES:
                self.unreadable.append((start.rstrip("/") or ".", f"has more than {MAX_FILES:,} YAML files"))
                return
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
                                self._folder_links.append(f"{prefix}{entry.name}")
                                continue
                            links.add(entry.name)
                        files.append(entry.name)
            except OSError as error:
                self.unreadable.append((prefix.rstrip("/") or ".", error.strerror or "cannot be read"))
                continue
            folders.sort(reverse=True)
            for name in folders:
                if self._is_entered(prefix, name):
                    pending.append(f"{prefix}{name}/")
                    continue
                self._skipped_signs[name] = f"{name}/".encode()
                if self.is_folder(f"{prefix}{name}/tasks"):  # a role may be called so
                    parts = (f"{prefix}{name}/{part}" for part in (*_ROLE_PARTS, *_PLUGIN_PARTS))
                    pending += [f"{part}/" for part in parts if self.is_folder(part)]
            self._sort_in(prefix, self._present(prefix, sorted(files)), links, copies)

    def _stand_in(self) -> None:
        """Links to what is not read in its own place are read in theirs; others are a file again that is."""
        known = set(self.yaml)
        for path in sorted(self._file_links):
            target = self._resolved(path)
            if target is None or target in known or target in self._stand_ins or not self._is_file(target):
                continue
            self._stand_ins[target] = path
            self._canonical.pop(path, None)
            self._add_called(path)
        self.yaml.sort()

    def _follow_settings(self) -> None:
        """List the folders of roles that the settings name, wherever they are."""
        before = len(self.yaml)
        collections = (f"{path}/ansible_collections" for path in self.settings.collections_path)
        for path in (*self.settings.roles_path, *collections):
            folder = self._resolved(path) if not path.startswith(("/", "~")) else None
            if folder and folder not in self._listed and self.is_folder(folder):
                self._list_from(f"{folder}/", {})
        if len(self.yaml) > before:
            self.yaml.sort()

    # ---- what calls lead to

    def reach(self, caller: str, data: bytes, calls: CallText | None, written: bytes) -> list[str]:
        """Have read what the text calls by a name that is written out, wherever it is. Returns the files that are new.

        What a call may mean is found by name alone, so that too much is read rather than too little. ``calls`` is
        what the first look at the text tells of them, ``written`` the text with the escapes that ``data`` spells out.
        """
        is_aside = caller.rpartition("/")[0] not in self._listed
        skipped = [sign for sign in self._skipped_signs.values() if sign in data]
        new: list[str] = []
        if calls is not None:
            if is_aside or skipped or self._beside.may_be_called(calls, data):
                from ansible_reap.content.call_references import names_called  # noqa: PLC0415 - it needs PyYAML

                for name in names_called(written):
                    new += self._called(
                        caller, name, is_aside=is_aside or any(sign.decode() in name for sign in skipped)
                    )
            if calls.is_templated:
                launching = self._beside.launching(self._known, may_end_otherwise=calls.may_end_otherwise)
                self.unlikely += (path for path in launching if path.endswith(SELDOM_CALLED))
                new += self._add_beside([path for path in launching if not path.endswith(SELDOM_CALLED)])
        for sign in skipped:
            for path in sorted(_paths_through(data, sign)):
                new += self._called(caller, path.decode("utf-8", "replace"), is_aside=True)
        return new

    def _called(self, caller: str, name: str, *, is_aside: bool) -> list[str]:
        """The files, not read so far, that a call by this name may mean."""
        if name.startswith("/"):
            inside = self._inside(name)
            if inside is None:
                return []
            caller, name, is_aside = ".", inside, True
        base = name.rpartition("/")[2]
        endings = ("", *YAML_ENDINGS, JSON_ENDING)
        nearby = [path for ending in endings for path in self._beside.called(base + ending)]
        if not nearby and not is_aside:
            return []
        self._looked_for += (caller.count("/") + 1) * len(_NEAR)
        if self._looked_for > MAX_LOOKED_FOR:
            self._tell_once("not all was looked for that is called here by its name", caller)
            return []
        places = {posixpath.normpath(f"{folder}{part}{name}") for folder in _above(caller) for part in _NEAR}
        wanted = {place + ending for place in places if not place.startswith(("..", "/")) for ending in endings}
        tail = posixpath.normpath(name).rpartition("../")[2]
        tails = tuple(f"/{tail}{ending}" for ending in endings)
        found = {
            path
            for path in nearby
            if path in wanted or _is_entry(path, name) or (f"/{path}".endswith(tails) and self._may_stand(path, tail))
        }
        if is_aside:
            self._looked_for += len(wanted)
            found.update(path for path in wanted if self._is_file(path))
        before = len(self.yaml)
        for path in sorted(found.difference(self._known, self._stand_ins)):
            if self.canonical(path) is not None:
                self._add_called(path)
        for path in sorted(places) if is_aside else ():
            if not path.startswith(("..", "/")) and path not in self._listed and self.is_folder(f"{path}/tasks"):
                self._list_from(f"{path}/", {})
        new = self.yaml[before:]
        self._known.update(new)
        return new

    def _may_stand(self, path: str, tail: str) -> bool:
        """Whether a file that stands nowhere near its caller may be meant, as one beside the playbook may."""
        parts = path.split("/")
        is_apart = RENDERED_FOLDER in parts or COPIED_FOLDER in parts
        return ("/" in tail or not is_apart) and self._beside.may_be_list(path)

    def _inside(self, path: str) -> str | None:
        """An absolute path, as one relative to the root; None where it leads out of the project."""
        plain = posixpath.normpath(path)
        tops = (str(self.root), self._real)
        return next((plain[len(top) + 1 :] for top in tops if plain.startswith(f"{top}/")), None)

    def is_read(self, path: str) -> bool:
        """Whether the file is read as content, for where it stands or because something calls it."""
        return path in self._known

    def add_named(self, path: str) -> list[str]:
        """Have one of the unlikely files read. Returns what is new."""
        return [] if path in self._known else self._add_beside([path])

    def _add_beside(self, paths: list[str]) -> list[str]:
        for path in sorted(paths):
            self._add_called(path)
        self.copied.update(paths)  # they need not parse
        self._known.update(paths)
        return sorted(paths)

    def _tell_once(self, what: str, path: str) -> None:
        if not any(told == what for _, told in self.unreadable):
            self.unreadable.append((path, what))

    def _add_called(self, path: str) -> None:
        self.yaml.append(path)
        self.others.discard(path)
        folder, _, name = path.rpartition("/")
        if folder not in self._listed:
            self._aside.add(folder)
        listed = self._directories.get(folder)
        if listed is not None and name not in listed:
            listed.append(name)

    def _is_file(self, path: str) -> bool:
        try:
            return os.path.isfile(f"{self._real}{os.sep}{path}")  # noqa: PTH113 - pathlib's raises for some names
        except ValueError:
            return False

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
        return may_launch(data)

    def _sort_in(self, prefix: str, names: list[str], links: set[str], copies: dict[str, list[str]]) -> None:
        """What lies in a folder: YAML that Ansible reads, YAML that it copies (by the folder above), the rest."""
        listed: list[str] = []
        parts = [] if "{{" in prefix else prefix.split("/")
        is_rendered = RENDERED_FOLDER in parts and not _is_role_named(parts, RENDERED_FOLDER)
        is_copied = COPIED_FOLDER in parts and not _is_role_named(parts, COPIED_FOLDER)
        for name in names:
            if name.endswith(YAML_ENDINGS) or prefix + name in self._named:
                if name in links:  # to a file of the project, which is that file again, or out of the project
                    self._file_links.append(prefix + name)
                    continue
                if is_copied and not is_rendered:
                    copies.setdefault("/".join(parts[: parts.index(COPIED_FOLDER)]), []).append(prefix + name)
                elif is_rendered and parts[-2] in ("tasks", "handlers"):  # it may be a role all the same
                    copies.setdefault("/".join(parts[:-2]), []).append(prefix + name)
                elif not is_rendered:
                    self.yaml.append(prefix + name)
                if is_copied or is_rendered:
                    self._beside.add(name, prefix + name)
            elif _is_role_part(parts, name) and not (is_copied or is_rendered or name in links):
                self.yaml.append(prefix + name)
            else:
                self._beside.add(name, prefix + name)
                if not is_backup(name):
                    self.others.add(prefix + name)
                if name == "ansible.cfg" and prefix:
                    self._nested_configs.append(prefix + name)
            listed.append(name)
        self._directories[prefix.rstrip("/")] = listed
        self._listed.add(prefix.rstrip("/"))

    def _is_entered(self, prefix: str, name: str) -> bool:
        if name in SKIPPED_FOLDERS:
            return False
        return name not in ("venv", "env") or not _is_environment(self.root / prefix / name)

    def _settings(self) -> AnsibleSettings:
        """What the ansible.cfg in effect says, and after that where those of sub-projects look for roles."""
        path = ansible_cfg.find(here=self.root)
        own = path.relative_to(self.root).as_posix() if path is not None and path.is_relative_to(self.root) else None
        if own is None and self._unsaved.get("ansible.cfg") is not None and "ANSIBLE_CONFIG" not in os.environ:
            own = "ansible.cfg"
        if own is not None:
            config = self._config(own)
        else:
            config = ansible_cfg.AnsibleCfg(None, {}) if path is None else ansible_cfg.read(path)
        nested = [each for each in sorted(self._nested_configs) if self._resolved(each) is not None]
        configs = {"": config, **{each.rpartition("/")[0]: self._config(each) for each in nested}}
        for each in configs.values():
            if each.path is not None and each.refused:
                what = each.refused.removeprefix("cannot be read: ")
                self.unreadable.append((os.path.relpath(each.path, self.root), what))
        return settings_of(self.root, configs, self._inside)

    def _config(self, path: str) -> ansible_cfg.AnsibleCfg:
        """An ansible.cfg of the project; one that is not there, or that a link leads to outside of it, says nothing."""
        if path in self._unsaved:
            data = self._unsaved[path]
            return ansible_cfg.AnsibleCfg(None, {}) if data is None else ansible_cfg.parsed(self.root / path, data)
        if self._resolved(path) is None:
            return ansible_cfg.AnsibleCfg(None, {})
        return ansible_cfg.read(self.root / path)

    def plugin_files(self) -> Iterator[tuple[str, str]]:
        """The files of modules and plugins that Ansible may load, each with its folder as Ansible sees it.

        A link, or a folder that an ansible.cfg names, stands for what is in it, also where that is not listed.
        """
        for folder, names in self._directories.items():
            if _holds_plugins(folder):
                yield from ((f"{folder}/{name}", folder) for name in names)
        for link in self._folder_links:
            target = self._resolved(link) if _holds_plugins(link) else None
            if target is not None:
                yield from ((path, f"{link}/{path[len(target) :]}") for path in self._files_below(target))
        for folder in (f"{folder}/{part}".lstrip("/") for folder in sorted(self._aside) for part in _PLUGIN_PARTS):
            yield from ((path, folder) for path in self._files_below(folder))
        for configured, kind in self.settings.plugin_folders:
            target = self._resolved(configured) if not configured.startswith(("/", "~")) else None
            if target is not None:
                yield from ((path, kind) for path in self._files_below(target))

    def _files_below(self, folder: str) -> Iterator[str]:
        """The files of a folder, listed or not, and of those in it; of a very large one those found first."""
        if self._resolved(folder) is None:
            return
        seen: set[str] = set()
        for top, folders, names in os.walk(f"{self._real}{os.sep}{folder}", followlinks=True):
            real = os.path.realpath(top)
            if real in seen:
                folders.clear()
                continue
            if len(seen) > MAX_PLUGIN_FOLDERS:
                self._tell_once(f"holds more than {MAX_PLUGIN_FOLDERS:,} folders of plugins", folder)
                return
            seen.add(real)
            inside = os.path.relpath(top, self._real).replace(os.sep, "/")
            yield from (f"{inside}/{name}".removeprefix("./") for name in names)

    def folders(self) -> Iterator[str]:
        """Every folder that was listed."""
        yield from self._directories


_PLUGIN_PARTS = ("library", "action_plugins", "test_plugins", "filter_plugins", "module_utils", "plugins")
"""Folders of modules and plugins, of a project, a role or a collection."""
_ROLE_PARTS = ("tasks", "handlers", "meta", "vars", "defaults")
_NEAR = ("", "tasks/", "handlers/")
"""Where, from the folders above a call, its file may lie."""


def _holds_plugins(folder: str) -> bool:
    return not {*_PLUGIN_PARTS}.isdisjoint(folder.split("/"))


def _paths_through(data: bytes, folder: bytes) -> set[bytes]:
    """The paths in the text with the folder in them; ``folder`` ends in a slash.

    Of each place what consists of letters of a path, and what is cut off by quotes or as a value is without any.
    """
    found: set[bytes] = set()
    at = data.find(folder)
    while at >= 0:
        end = at + len(folder)
        before, after = data[max(0, at - MAX_PART) : at], data[end : end + MAX_PART]
        start = len(before.rstrip(_PATH_LETTERS))
        length = len(after) - len(after.lstrip(_PATH_LETTERS))
        if length:
            found.add(before[start:] + folder + after[:length])
        before, after = before.rpartition(b"\n")[2], after.partition(b"\n")[0]
        for opening, closing in ((b'"', b'"'), (b"'", b"'"), (b": ", b" #"), (b"- ", b" #")):
            if opening in before and (opening != closing or closing in after):
                found.add(before.rpartition(opening)[2].lstrip() + folder + after.partition(closing)[0].rstrip())
        at = data.find(folder, end)
    return found


def _above(path: str) -> Iterator[str]:
    """The folders that the file lies in, the nearest first, each with a slash behind it; the root is empty."""
    while path:
        path = path.rpartition("/")[0]
        yield f"{path}/" if path else ""


def _is_entry(path: str, name: str) -> bool:
    """Whether the file is one of a role's tasks that ``tasks_from`` may name so."""
    return path.rpartition(".")[0].endswith(f"/tasks/{name}") or path.endswith(f"/tasks/{name}")


def _is_role_named(parts: list[str], name: str) -> bool:
    """Whether the one folder of this name is a role, in which Ansible reads what it would elsewhere copy or render."""
    at = parts.index(name)
    return (
        0 < at < len(parts) - 1
        and parts[at - 1] == "roles"
        and parts[at + 1] in _ROLE_PARTS
        and name not in parts[at + 1 :]
    )


def _is_role_part(parts: list[str], name: str) -> bool:
    """Whether Ansible loads the file with a role, though it does not end as YAML does."""
    return len(parts) > 1 and parts[-2] in ("tasks", "handlers", "meta") and name in ("main", "main.json")


def _is_environment(folder: Path) -> bool:
    """Whether a folder is a virtual environment of Python: an empty ``pyvenv.cfg`` makes none."""
    try:
        if not (folder / "pyvenv.cfg").exists() or (folder / "tasks").is_dir():
            return False
        return any(folder.glob("lib/python*/site-packages")) or (folder / "Lib/site-packages").exists()
    except OSError:
        return False  # the listing tells of what cannot be read
