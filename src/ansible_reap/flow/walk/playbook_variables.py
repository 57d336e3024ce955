"""Which files beside a playbook may set a variable: each reads the ``group_vars`` and ``host_vars`` beside it."""

from __future__ import annotations

import posixpath
from collections import defaultdict

from ansible_reap.content.inventory import is_called_inventory, may_be_inventory
from ansible_reap.content.library import Library
from ansible_reap.content.source import SourceError
from ansible_reap.late_patterns import expression

_BESIDE = expression(r"(?P<folder>(?:.*/)?)(?:group|host)_vars/")
_KEY = expression(rb"""(?m)^[\'\"{ ]*([A-Za-z_]\w*)[\'\"]?[ \t]*:""")
_PROGRAM_OR_TEXT = expression(r"[A-Z].*|.*\..*")
"""Names that no inventory has which is not called one: ``Makefile``, ``LICENSE``, ``site.py``."""


class PlaybookVariables:
    """The variables of groups and hosts by the folder of the playbooks that they stand beside."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._files: dict[str, list[str]] | None = None
        self._names: dict[str, dict[str, list[str]]] = {}

    def of(self, folder: str, name: str) -> tuple[str, ...]:
        """The files that a playbook in the folder reads and that may set the variable.

        Those beside an inventory are left out: whatever playbook runs, the inventory brings them along.
        """
        if self._files is None:
            self._files = self._found()
        if folder not in self._files:
            return ()
        if folder not in self._names:
            self._names[folder] = self._read(self._files[folder])
        return tuple(self._names[folder].get(name, ()))

    def _found(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path in self._library.project.yaml:
            beside = _BESIDE.match(path) if "_vars/" in path else None
            if beside:
                found[beside["folder"].rstrip("/")].append(path)
        return {folder: paths for folder, paths in found.items() if not self._has_inventory(folder)}

    def _read(self, paths: list[str]) -> dict[str, list[str]]:
        names: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            for key in set(_KEY.findall(self._library.text(path))):
                names[key.decode()].append(path)
        return names

    def _has_inventory(self, folder: str) -> bool:
        project = self._library.project
        here = [path for path in (*project.yaml, *project.others) if posixpath.dirname(path) == folder]
        return any(map(is_called_inventory, here)) or any(
            not _PROGRAM_OR_TEXT.fullmatch(posixpath.basename(path)) and self._may_be_inventory(path)
            for path in here
            if path in project.others
        )

    def _may_be_inventory(self, path: str) -> bool:
        try:
            return may_be_inventory(self._library.project.read(path))
        except SourceError:
            return True
