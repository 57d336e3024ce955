"""The variables of roles and of inventory groups as layers that read a file only when it may hold what is asked for."""

from __future__ import annotations

import bisect
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ansible_reap.content.inventory import is_list, is_of_inventory, may_be_inventory
from ansible_reap.content.library import Library
from ansible_reap.content.roles import Finder, Role
from ansible_reap.content.source import SourceError
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.layers import Choices
from ansible_reap.flow.walk.inventory_templates import InventoryTemplates
from ansible_reap.flow.walk.playbook_variables import PlaybookVariables
from ansible_reap.late_patterns import expression

MAX_CHOICES = 8
MAX_TEXT = 1024 * 1024
"""Bytes of the files of all groups that are kept in one piece, which is searched much faster than each of them."""
MAX_OTHERS = 2000
"""Files that may be inventories, though they are no YAML, which are searched for names."""
_NO_INVENTORY = (".py", ".sh", ".j2", ".md", ".rst", ".html", ".js", ".css", ".svg", ".png", ".lock")
_GIVEN = expression(rb"""(?<![\w.])([A-Za-z_]\w*)['"]?[ \t]*[:=](?!=)""")
_KEY = expression(rb"""^[\'\"{ ]*([A-Za-z_]\w*)[\'\"]?[ \t]*:""", re.MULTILINE)
"""A key at the start of a line: a superset of the variables that a file defines."""

_WORD = expression(rb"[A-Za-z_]\w*")
_FOR_ALL = expression(r"group_vars/all[/.]")


class FileVariables(Mapping[str, Any]):
    """What some vars files define together; of two that define a name the later counts."""

    def __init__(self, library: Library, paths: list[str]) -> None:
        self._library = library
        self._paths = paths[::-1]
        self._found: dict[str, str | None] = {}
        """By name, the file that defines it."""

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of the files, among which the names are that they define, if they have any."""
        texts = [self._library.text(path) for path in self._paths] if self.has_words else []
        return frozenset(word.decode() for text in texts for word in _WORD.findall(text))

    @cached_property
    def has_words(self) -> bool:
        """Whether each name stands in a text as a word of its own: not where letters are escaped or no text is kept."""
        return all(b"\\" not in (text := self._library.text(path)) and text for path in self._paths)

    def _file_of(self, name: str) -> str | None:
        if name not in self._found:
            wanted = name.encode(errors="replace")
            holding = (path for path in self._paths if self._may_hold(path, wanted))
            self._found[name] = next((path for path in holding if name in self._library.variables(path)), None)
        return self._found[name]

    def _may_hold(self, path: str, name: bytes) -> bool:
        text = self._library.text(path)
        return (
            not text or name in text or b"\\" in text
        )  # that of a very large file is not kept; letters may be escaped

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._file_of(name) is not None

    def __getitem__(self, name: str) -> Any:
        path = self._file_of(name)
        if path is None:
            raise KeyError(name)
        return self._library.variables(path)[name]

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for path in self._paths for name in self._library.variables(path)})

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Shared(Mapping[str, Any]):
    """What the roles of a play leave to all that follows: the layers of each, those that count first at the front."""

    def __init__(self) -> None:
        self.layers: list[FileVariables] = []
        self._by_word: dict[str, set[int]] = defaultdict(set)
        """By word, the layers that have been put here, by identity, in whose text it stands."""
        self._indexed: set[int] = set()
        self._wordless: set[int] = set()
        self._found: dict[str, FileVariables | None] = {}
        self._found_in = self.layers
        """The layers for which that holds."""

    def _first_with(self, name: object) -> FileVariables | None:
        if not isinstance(name, str) or not self.layers:
            return None
        if self._found_in is not self.layers:
            self._found, self._found_in = {}, self.layers
        if name not in self._found:
            self._found[name] = self._looked_up(name)
        return self._found[name]

    def _looked_up(self, name: str) -> FileVariables | None:
        bounds.spend(1)
        holding = self._indexed
        if name.isascii() and name.isidentifier():
            holding = self._by_word.get(name, set()) | self._wordless
        if not holding:
            return None
        bounds.spend(len(self.layers) // 20 + len(holding))
        return next((layer for layer in self.layers if id(layer) in holding and name in layer), None)

    def __contains__(self, name: object) -> bool:
        return self._first_with(name) is not None

    def __getitem__(self, name: str) -> Any:
        layer = self._first_with(name)
        if layer is None:
            raise KeyError(name)
        return layer[name]

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for layer in self.layers for name in layer})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def put(self, layer: FileVariables, below: FileVariables | None = None, *, again: bool = False) -> None:
        """Add the layer, which counts before all others but for the one ``below`` which it is put.

        One that is among them already stays where it is, but for a role that is made known ``again``.
        """
        bounds.spend(len(self.layers) // 5)
        others = self.layers
        if id(layer) not in self._indexed:
            self._index(layer)
        else:
            others = [other for other in others if other is not layer]
            if len(others) < len(self.layers) and not again:
                return
        at = next((number + 1 for number, other in enumerate(others) if other is below), 0) if below is not None else 0
        self.layers = [*others[:at], layer, *others[at:]]

    def _index(self, layer: FileVariables) -> None:
        self._indexed.add(id(layer))
        for word in layer.words:
            self._by_word[word].add(id(layer))
        if not layer.has_words:
            self._wordless.add(id(layer))


class RoleVariables:
    """Each role's ``vars`` and ``defaults`` by entry point."""

    def __init__(self, library: Library, finder: Finder) -> None:
        self._library = library
        self._finder = finder
        self._known: dict[tuple[str, str, str], FileVariables] = {}

    def of(self, role: Role, part: str, entry: str) -> FileVariables:
        """``part`` is ``vars`` or ``defaults``."""
        key = (role.path, part, entry)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = FileVariables(self._library, self._finder.part_files(role, part, entry))
        return known


def _beginning(library: Library, path: str) -> bytes:
    try:
        return library.project.read(path)[:MAX_TEXT]
    except SourceError:
        return b""


class GroupVariables(Mapping[str, Any]):
    """Every ``group_vars`` of the project as one layer. Which inventory is in use is not known: values are a choice."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.of_hosts = InventoryTemplates(library)
        self.beside_playbooks = PlaybookVariables(library)
        self._files = [path for path in library.project.yaml if "group_vars/" in path]
        self._names: set[str] | None = None
        self._names_elsewhere: set[str] | None = None
        self._text = b""
        """That of all files, where it is not too much to be kept."""
        self._ends: list[int] = []
        """Where in it each file ends."""
        self._known: dict[str, tuple[Any, ...]] = {}

    def _is_defined(self, name: str) -> bool:
        if self._names is None:
            texts = [self._library.text(path) for path in self._files]
            text = b"\n".join(texts)
            self._names = {found.decode() for found in _KEY.findall(text)}
            if len(text) <= MAX_TEXT:
                self._text = text
                self._ends = list(itertools.accumulate(len(each) + 1 for each in texts))
        return name in self._names

    def _holding(self, name: bytes) -> Iterator[str]:
        """The files in whose text the name stands."""
        if not self._text:
            yield from (path for path in self._files if name in self._library.text(path))
            return
        at = self._text.find(name)
        while at >= 0:
            file = bisect.bisect_right(self._ends, at)
            if self._library.text(self._files[file]):  # it has not turned out to be no YAML
                yield self._files[file]
            at = self._text.find(name, self._ends[file])

    def may_define(self, name: str) -> bool:
        """Whether some file may define the variable, inventories of other forms among them."""
        if self._names_elsewhere is None:
            others = (path for path in sorted(self._library.project.others) if not path.endswith(_NO_INVENTORY))
            texts = (_beginning(self._library, path) for path in itertools.islice(others, MAX_OTHERS))
            given = (_GIVEN.findall(text) for text in texts if may_be_inventory(text))
            self._names_elsewhere = {found.decode() for names in given for found in names}
        return name in self._names_elsewhere or self._is_defined(name)

    def is_for_all(self, name: str) -> bool:
        """Whether the variables of all hosts define it, so that no role default counts."""
        wanted = name.encode(errors="replace")
        holding = self._holding(wanted) if self._is_defined(name) else ()
        return any(_FOR_ALL.search(path) and name in self._library.variables(path) for path in holding)

    def may_be_set(self, name: str) -> bool:
        """Whether some inventory of the project, the variables of a host among them, may define the variable."""
        wanted = name.encode(errors="replace")
        texts = (self._library.text(path) for path in self._library.project.yaml if is_of_inventory(path))
        return self.may_define(name) or any(wanted in text and not is_list(text) for text in texts)

    def _values(self, name: str) -> tuple[Any, ...]:
        known = self._known.get(name)
        if known is None:
            found: list[Any] = []
            wanted = name.encode(errors="replace")
            for path in self._holding(wanted) if self._is_defined(name) else ():
                variables = self._library.variables(path)
                if name in variables and variables[name] not in found:
                    found.append(variables[name])
            known = self._known[name] = tuple(found)
        return known

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._files) and bool(self._values(name))

    def __getitem__(self, name: str) -> Any:
        values = self._values(name)
        if not values:
            raise KeyError(name)
        return values[0] if len(values) == 1 else Choices(name, values[:MAX_CHOICES])

    def __iter__(self) -> Iterator[str]:
        return (name for name, values in self._known.items() if values)

    def __len__(self) -> int:
        return sum(1 for _ in self)
