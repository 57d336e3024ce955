"""The templates that inventories and the variables of hosts may give a variable: they are worked out at each use."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from ansible_reap.content import expressions
from ansible_reap.content.inventory import is_list, is_of_inventory, may_be_inventory
from ansible_reap.content.library import Library
from ansible_reap.content.source import SourceError
from ansible_reap.late_patterns import expression

MAX_FILES = 2000
MAX_SIZE = 1 << 20
_TEMPLATE = b"{{"
_NO_INVENTORY = (".py", ".sh", ".j2", ".md", ".rst", ".html", ".js", ".css", ".svg", ".png", ".lock")
_TEMPLATE_OR_NAME = expression(
    rb"(?P<written>\{\{.*?\}\})|(?<![\w.])(?P<name>[A-Za-z_]\w*)['\"]?[ \t]*[:=](?!=)", re.DOTALL
)
"""A template, its end on whatever line, or a name that is given something."""


class InventoryTemplates:
    """By variable, the templates that some inventory of the project gives it. Which inventory is used is not known."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._found: dict[str, str] | None = None
        self._names: dict[str, frozenset[str]] = {}

    def of(self, name: str) -> str:
        """The templates, one behind the other; empty where there are none."""
        if self._found is None:
            self._found = {}
            for path in itertools.islice(self._paths(), MAX_FILES):
                self._read(self._text(path))
        return self._found.get(name, "")

    def names_behind(self, name: str) -> frozenset[str]:
        """The variables in these templates."""
        if name not in self._names:
            self._names[name] = expressions.names_in(self.of(name))
        return self._names[name]

    def _paths(self) -> Iterator[str]:
        project = self._library.project
        yield from (path for path in project.yaml if is_of_inventory(path))
        for path in sorted(project.others):
            if not path.endswith(_NO_INVENTORY):
                yield path

    def _text(self, path: str) -> bytes:
        try:
            text = self._library.project.read(path)[:MAX_SIZE]
        except SourceError:
            return b""
        if _TEMPLATE not in text or is_list(text):
            return b""
        is_inventory = is_of_inventory(path) or may_be_inventory(text)
        return text if is_inventory else b""

    def _read(self, text: bytes) -> None:
        """Each template is given to the name before it, and to the last one at the start of a line: a dictionary's."""
        assert self._found is not None
        name, outer = b"", b""
        for found in _TEMPLATE_OR_NAME.finditer(text) if text else ():
            if found["name"]:
                name = found["name"]
                outer = name if text[found.start() - 1 : found.start()] in (b"", b"\n") else outer
                continue
            for each in {name, outer} - {b""}:
                key = each.decode()
                self._found[key] = self._found.get(key, "") + found["written"].decode(errors="replace")
