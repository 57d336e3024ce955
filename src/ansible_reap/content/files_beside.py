"""Files of a project that lie beside its content: they are read only where something calls them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence

from ansible_reap.content.call_text import CallText, telling_word, words_of
from ansible_reap.content.launch_text import may_launch, spelled_out, with_plain_breaks
from ansible_reap.content.places import JSON_ENDING, YAML_ENDINGS, stem
from ansible_reap.late_patterns import expression
from ansible_reap.reading import VAULT_HEADER, SourceError, beginning, read

MAX_LOOKED_BESIDE = 5_000
"""Files that do not end as YAML does which are looked into where a call may mean any of them."""
MAX_BEGINNING = 4096
"""Bytes that tell whether a file may begin as a list."""
_BACKUPS = ("~", ".bak", ".orig", ".swp")
"""Endings of files that ansible-core 2.16 to 2.22 passes by in folders of inventories."""
_BEFORE_LIST = expression(rb"(?:\s|#[^\n]*(?:\n|\Z)|---(?=\s|\Z)|%[^\n]*(?:\n|\Z)|[&!]\S*(?:\s|\Z)|\xef\xbb\xbf)*")
_LIST = expression(rb"-(?:\s|\Z)|\[(?![\w.:@-]*\])|\{\s*\"[_\\]")
"""How a list begins, behind comments and the like; a section of an INI file does not, a mapping in JSON may."""


def is_backup(name: str) -> bool:
    """Whether an editor or a merge has left the file, so that no inventory is read from it."""
    return name.endswith(_BACKUPS)


class FilesBeside:
    """These files, by the last part of their names. What is in one is looked at as late as can be."""

    def __init__(self, root: str, is_inside: Callable[[str], bool]) -> None:
        """``is_inside`` tells whether a path leads to a file of the project, links followed."""
        self._root = root
        self._is_inside = is_inside
        self._by_name: dict[str, list[str]] = {}
        self._by_word: dict[bytes, list[tuple[str, bytes, bytes, frozenset[bytes]]]] = {}
        """The names by their telling words, with their bytes, those without an ending, and all words in these."""
        self._lists: dict[str, bool] = {}
        """Of the files that were looked into, whether they begin as lists."""
        self._has_looked = 0
        """1: at those that end as YAML does; 2: at all."""

    def add(self, name: str, path: str) -> None:
        """One more file; ``name`` is the last part of its path."""
        self._by_name.setdefault(name, []).append(path)

    def called(self, name: str) -> Sequence[str]:
        """The files of this name."""
        return self._by_name.get(name, ())

    def other_playbooks(self, leave_out: Collection[str], named: Collection[str]) -> Iterator[str]:
        """JSON, and files without any ending, that are a playbook which launches: Ansible runs it when it is named.

        So it does any other file: of those that are ``named`` here each that is such a playbook.
        """
        for name, paths in self._by_name.items():
            may_be = name.endswith(JSON_ENDING) or "." not in name
            for path in paths:
                if (may_be or path in named) and path not in leave_out and self._is_other_playbook(path):
                    yield path

    def _is_other_playbook(self, path: str) -> bool:
        data = self._list_of(path)
        return b"hosts" in spelled_out(data) and may_launch(data)

    def _list_of(self, path: str) -> bytes:
        """The bytes of a file of the project that begins as a list; none of another, or of one that is too large."""
        whole = f"{self._root}{os.sep}{path}"
        if not _may_be_list(beginning(whole, MAX_BEGINNING)) or not self._is_inside(path):
            return b""
        try:
            data = read(whole)
        except SourceError:
            return b""
        return data if _may_be_list(data) else b""

    def may_be_called(self, calls: CallText, data: bytes) -> bool:
        """Whether the name of a file beside the content stands in the text, and the file may be a list of tasks."""
        if not self._by_word:
            for name in self._by_name:
                whole, short = (each.encode(errors="surrogateescape") for each in (name, stem(name)))
                entry = (name, whole, short, words_of(stem(name)))
                self._by_word.setdefault(telling_word(name), []).append(entry)
        may_add_ending: bool | None = None
        for word in calls.words & self._by_word.keys():
            for name, whole, short, others in self._by_word[word]:
                if not others <= calls.words:
                    continue
                if may_add_ending is None:
                    may_add_ending = b"tasks_from" in data or b"handlers_from" in data
                if (short if may_add_ending else whole) in data and any(map(self.may_be_list, self._by_name[name])):
                    return True
        return False

    def may_be_list(self, path: str) -> bool:
        known = self._lists.get(path)
        if known is None:
            is_one = _may_be_list(beginning(f"{self._root}{os.sep}{path}", MAX_BEGINNING))
            known = self._lists[path] = is_one and self._is_inside(path)
        return known

    def launching(self, known: Collection[str], *, may_end_otherwise: bool) -> list[str]:
        """The files that begin as lists of tasks and launch something, for a call of any of them; none a second time.

        ``known`` are those that are read already. Only where a call ``may_end_otherwise`` it means more than YAML.
        """
        if not self._by_name or self._has_looked >= (2 if may_end_otherwise else 1):
            return []
        self._has_looked = 2 if may_end_otherwise else 1
        found: list[str] = []
        looked = 0
        for name, paths in self._by_name.items():
            if not (may_end_otherwise or name.endswith(YAML_ENDINGS)):
                continue
            for path in paths:
                looked += 1
                if looked > MAX_LOOKED_BESIDE:
                    return found
                if path not in known and may_launch(self._list_of(path)):
                    found.append(path)
        return found


def _may_be_list(data: bytes) -> bool:
    """Whether a list begins in the text, or may begin behind it, as there are comments alone; or what is encrypted."""
    if data.startswith(VAULT_HEADER):
        return True
    text = with_plain_breaks(data)
    found = _BEFORE_LIST.match(text)
    at = found.end() if found is not None else 0
    return _LIST.match(text, at) is not None or (len(data) == MAX_BEGINNING and at == len(text))
