"""Files whose calls have not been read yet, by the words that stand in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from ansible_reap.content.call_names import role_folder
from ansible_reap.content.call_text import telling_word
from ansible_reap.content.places import stem

_IMPORTS = frozenset({b"import_playbook", b"include"})
"""By which a playbook is called."""


class Unread:
    """Hands out the files that may call another, each once, so that as few as possible are read."""

    def __init__(self, paths: Iterable[str], linked: Collection[str]) -> None:
        """``paths`` are the files that may be asked for.

        ``linked`` are the names of symbolic links, which may lead from a role to any other.
        """
        self._linked = {telling_word(name) for name in linked}
        names = {"main", *(part for path in paths for part in path.split("/"))}
        self._asked_for = {telling_word(each) for name in names for each in (name, stem(name))}
        self._telling = self._asked_for | _IMPORTS
        self._words: dict[str, frozenset[bytes]] = {}
        """Of the files that are still to be read, those by which something may be called."""
        self._groups: dict[bytes, dict[str | None, list[str]]] = defaultdict(lambda: defaultdict(list))
        """Files by each word in them and by the role to which their calls are bound; None for those that roam."""

    def add(self, path: str, words: frozenset[bytes]) -> None:
        """A file, and every word of its calls."""
        self._words[path] = words & self._telling
        home = role_folder(path)
        if home is not None and not self._linked.isdisjoint(words):
            home = None
        for word in words & self._asked_for:
            self._groups[word][home].append(path)

    def take(self, path: str, *, is_playbook: bool) -> list[str]:
        """The files that may call this one, by the words in them. They do not come again."""
        word = telling_word(stem(path))
        if is_playbook:
            found = [each for each in self._with(word) if not _IMPORTS.isdisjoint(self._words.get(each, ()))]
        else:
            found = self._callers_of_tasks(path, word)
        return [each for each in found if self._words.pop(each, None) is not None]

    def _callers_of_tasks(self, path: str, word: bytes) -> list[str]:
        folder, _, _ = path.rpartition("/")
        owner, _, part = folder.rpartition("/")
        role = telling_word(owner.rpartition("/")[2]) if part in ("tasks", "handlers", "meta") else b""
        home = role_folder(path)
        found: list[str] = []
        if home is None and part != "meta":
            found += self._with(word)
        elif home is not None:
            found += self._with(word, only=(home, None))
            role = role or telling_word(home.rpartition("/")[2])
        if role:
            is_main = stem(path) == "main"
            found += [each for each in self._with(role) if is_main or word in self._words.get(each, ())]
        return found

    def clear(self) -> None:
        self._words.clear()
        self._groups.clear()

    def _with(self, word: bytes, only: Collection[str | None] | None = None) -> list[str]:
        groups = self._groups.get(word)
        if groups is None:
            return []
        wanted = groups if only is None else [home for home in only if home in groups]
        return [path for home in list(wanted) for path in groups[home]]
