"""The lines of a .gitignore, as ansible-lint reads ``exclude_paths`` (seen on ansible-lint 25.1 and 26.10)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

ANY_FOLDERS = "**"
_ESCAPED = re.compile(r"\\(.)")


class IgnoreLine(NamedTuple):
    """One line: the parts of the path that it means."""

    parts: tuple[str, ...]
    is_folder: bool
    leaves_out: bool
    """False for a line that takes back what one before it says."""

    def means(self, path: Sequence[str], *, is_folder: bool) -> bool:
        """Whether the line matches the very path."""
        if self.is_folder and not is_folder:
            return False
        states = self._with_skipped({0})
        for name in path:
            fresh = set[int]()
            for at in states:
                if at < len(self.parts) and self.parts[at] == ANY_FOLDERS:
                    fresh.add(at)
                elif at < len(self.parts) and fnmatchcase(name, self.parts[at]):
                    fresh.add(at + 1)
            states = self._with_skipped(fresh)
        return len(self.parts) in states

    def _with_skipped(self, states: set[int]) -> set[int]:
        """The places in the line that can be reached from these without any part of the path."""
        for at in sorted(states):
            following = at
            while following < len(self.parts) and self.parts[following] == ANY_FOLDERS:
                following += 1
                states.add(following)
        return states


class IgnoreLines:
    """What the lines leave out below a folder: of those that match a path the last counts."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._lines = [found for line in lines if (found := _read(line)) is not None]

    def leave_out(self, path: str) -> bool:
        """Whether the file, by its path from the folder, is left out, by itself or by a folder around it."""
        parts = path.split("/")
        return any(self._is_meant(parts[:count], is_folder=count < len(parts)) for count in range(1, len(parts) + 1))

    def _is_meant(self, path: Sequence[str], *, is_folder: bool) -> bool:
        return next((line.leaves_out for line in reversed(self._lines) if line.means(path, is_folder=is_folder)), False)


def _read(line: str) -> IgnoreLine | None:
    """The line taken apart; None for one that says nothing."""
    text = line.rstrip()
    if text.startswith("#") or not text.removeprefix("!").strip("/"):
        return None
    leaves_out = not text.startswith("!")
    text = text.removeprefix("!")
    parts = [_ESCAPED.sub(r"[\1]", part).replace("[^", "[!") for part in text.split("/") if part]
    if "/" not in text.rstrip("/"):
        parts.insert(0, ANY_FOLDERS)
    if parts[-1] == ANY_FOLDERS:
        parts[-1] = "*"  # what lies deeper lies in what is left out
    return IgnoreLine(tuple(parts), text.endswith("/"), leaves_out)
