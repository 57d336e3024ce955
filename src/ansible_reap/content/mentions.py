"""Which names stand in a file and in all that it may call."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from ansible_reap.content.library import Library
from ansible_reap.late_patterns import expression

MAX_REACH = 200
"""Files that are looked into for one."""
FEW = 40
"""Names that are searched for one by one; for more, the words of a text are listed once and for all."""
DOTTED = "jobs.wait"
"""The one name of two words."""
UNNAMED_FACTS = "set_fact {{"
"""Stands for a ``set_fact`` that may work out the name of what it sets."""
UNNAMED_TOPICS = "notify {{"
"""Stands for a ``notify`` that may work out whom it notifies."""
_WORKS_OUT_A_TOPIC = expression(
    rb"""\bnotify["']?[ \t]*:[^\n]*(?:\{\{|[*&])"""
    rb"""|\bnotify["']?[ \t]*:[ \t]*(?:\#[^\n]*)?\n(?:[ \t]*(?:-|\#)[^\n]*\n)*?[ \t]*-[^\n]*\{\{"""
)
_WORKS_OUT_A_KEY = expression(
    rb"""\}\}[\w-]*["']?[ \t]*:(?=\s)|\}\}\w*=(?!=)|<<[ \t]*:|\bargs["']?[ \t]*:"""
    rb"""|set_fact["']?[ \t]*:[ \t]*(?:[*>|&!]|["']?\{\{)"""
)
_WORD = expression(rb"\w+")


class Words:
    """Told from the texts alone, each name as a word of its own."""

    def __init__(self, library: Library, called: Callable[[str], set[str]]) -> None:
        """``called`` tells the files that a file may call."""
        self._library = library
        self._called = called
        self._called_by: dict[str, set[str]] = {}
        self._reaching: dict[str, list[str]] = {}
        self._names: dict[str, _Name] = {}
        self._absent: dict[str, set[str]] = {}
        """By file, the names of which it is known that neither it nor what it calls has them."""
        self._words: dict[str, frozenset[str]] = {}
        self._all_words: dict[str, frozenset[str]] = {}
        self._known: dict[str, str] = {}
        """Each word once: most files share theirs."""

    def has_one_of(self, path: str, names: Collection[str]) -> bool:
        """Whether one of the names stands in the file or in anything it may call."""
        if len(names) <= FEW:
            absent = self._absent.setdefault(path, set())
            for name in names:
                if name not in absent:
                    if self._is_reached(path, self._name(name)):
                        return True
                    absent.add(name)
            return False
        words = self._all_words.get(path)
        if words is None:
            words = self._all_words[path] = frozenset().union(*map(self._listed, self._reach(path)))
        return not words.isdisjoint(names)

    def _listed(self, path: str) -> frozenset[str]:
        words = self._words.get(path)
        if words is None:
            found = {word.decode() for word in _WORD.findall(self._library.text(path))}
            if self._has(path, self._name(DOTTED)):
                found.add(DOTTED)
            words = self._words[path] = frozenset(self._known.setdefault(word, word) for word in found)
        return words

    def _name(self, text: str) -> _Name:
        name = self._names.get(text)
        if name is None:
            name = self._names[text] = _Name(text)
        return name

    def _is_reached(self, path: str, name: _Name) -> bool:
        reach = self._reach(path)
        return not name.holding.isdisjoint(reach) or any(
            self._has(each, name) for each in reach if each not in name.searched
        )

    def _has(self, path: str, name: _Name) -> bool:
        if path not in name.searched:
            name.searched.add(path)
            if name.stands_in(self._library.text(path)):
                name.holding.add(path)
        return path in name.holding

    def _reach(self, path: str) -> list[str]:
        """The file itself, then those that it may call."""
        known = self._reaching.get(path)
        if known is not None:
            return known
        seen = {path}
        pending = [path]
        while pending and len(seen) < MAX_REACH:
            caller = pending.pop()
            called = self._called_by.get(caller)
            if called is None:
                called = self._called_by[caller] = self._called(caller)
            fresh = sorted(called - seen)
            seen.update(fresh)
            pending += fresh
        known = self._reaching[path] = [path, *sorted(seen - {path})]
        return known


class _Name:
    """A name that was asked for, and where it stands."""

    def __init__(self, text: str) -> None:
        self._bytes = text.encode(errors="replace")
        self._as_word: re.Pattern[bytes] | None = None
        self.searched: set[str] = set()
        """The files whose text has been searched for it."""
        self.holding: set[str] = set()
        """Those among them in which it stands."""

    def stands_in(self, text: bytes) -> bool:
        if self._bytes == UNNAMED_FACTS.encode():
            return b"set_fact" in text and _WORKS_OUT_A_KEY.search(text) is not None
        if self._bytes == UNNAMED_TOPICS.encode():
            return b"notify" in text and _WORKS_OUT_A_TOPIC.search(text) is not None
        if self._bytes not in text:
            return False
        if self._as_word is None:
            self._as_word = re.compile(rb"(?<!\w)" + re.escape(self._bytes) + rb"(?!\w)")
        return self._as_word.search(text) is not None
