"""Which names stand in a file and in all that it may call."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection

from ansible_reap.content.library import Library

MAX_REACH = 200
"""Files that are looked into for one."""
FEW = 12
"""Names that are searched for one by one; for more, the words of a text are listed once and for all."""
DOTTED = "jobs.wait"
"""The one name of two words."""
_WORD = re.compile(rb"\w+")


@functools.lru_cache(maxsize=1024)
def _as_word(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?<!\w)" + re.escape(name) + rb"(?!\w)")


class Words:
    """Told from the texts alone, each name as a word of its own."""

    def __init__(self, library: Library, called: Callable[[str], set[str]]) -> None:
        """``called`` tells the files that a file may call."""
        self._library = library
        self._called = called
        self._reaching: dict[str, frozenset[str]] = {}
        self._reached: dict[tuple[str, str], bool] = {}
        self._found: dict[tuple[str, str], bool] = {}
        self._words: dict[str, frozenset[str]] = {}
        self._all_words: dict[str, frozenset[str]] = {}
        self._known: dict[str, str] = {}
        """Each word once: most files share theirs."""

    def has_one_of(self, path: str, names: Collection[str]) -> bool:
        """Whether one of the names stands in the file or in anything it may call."""
        if len(names) <= FEW:
            return any(self._reaches(path, name) for name in names)
        words = self._all_words.get(path)
        if words is None:
            words = self._all_words[path] = frozenset().union(*map(self._listed, self._reach(path)))
        return not words.isdisjoint(names)

    def _reaches(self, path: str, name: str) -> bool:
        key = (path, name)
        known = self._reached.get(key)
        if known is None:
            known = self._reached[key] = any(self._has(each, name) for each in self._reach(path))
        return known

    def _has(self, path: str, name: str) -> bool:
        key = (path, name)
        known = self._found.get(key)
        if known is None:
            text, sought = self._library.text(path), name.encode(errors="replace")
            known = self._found[key] = sought in text and _as_word(sought).search(text) is not None
        return known

    def _listed(self, path: str) -> frozenset[str]:
        words = self._words.get(path)
        if words is None:
            text = self._library.text(path)
            found = {word.decode() for word in _WORD.findall(text)}
            if self._has(path, DOTTED):
                found.add(DOTTED)
            words = self._words[path] = frozenset(self._known.setdefault(word, word) for word in found)
        return words

    def _reach(self, path: str) -> frozenset[str]:
        known = self._reaching.get(path)
        if known is not None:
            return known
        seen = {path}
        pending = [path]
        while pending and len(seen) < MAX_REACH:
            fresh = sorted(self._called(pending.pop()) - seen)
            seen.update(fresh)
            pending += fresh
        known = self._reaching[path] = frozenset(seen)
        return known
