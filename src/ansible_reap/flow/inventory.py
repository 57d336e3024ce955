"""Variables that inventories give to whole groups, looked up by name when something asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_reap.content.library import Library
from ansible_reap.flow.evaluation.scope import Choices

MAX_CHOICES = 8
_KEY = re.compile(rb"""^[\'\"{ ]*([A-Za-z_]\w*)[\'\"]?[ \t]*:""", re.MULTILINE)
"""A key at the start of a line: a superset of the variables that a file defines."""


class GroupVariables(Mapping[str, Any]):
    """Every ``group_vars`` of the project as one layer. Which inventory is in use is not known: values are a choice."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._files = [path for path in library.project.yaml if "group_vars/" in path]
        self._names: set[str] | None = None
        self._known: dict[str, tuple[Any, ...]] = {}

    def _is_defined(self, name: str) -> bool:
        if self._names is None:
            text = b"\n".join(self._library.text(path) for path in self._files)
            self._names = {found.decode() for found in _KEY.findall(text)}
        return name in self._names

    def _values(self, name: str) -> tuple[Any, ...]:
        known = self._known.get(name)
        if known is None:
            found: list[Any] = []
            wanted = name.encode()
            for path in self._files if self._is_defined(name) else ():
                if wanted in self._library.text(path):
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
