"""Which files can matter to async jobs: those in which something is launched or reaped, and whoever may call them.

So may files of tasks that are encrypted.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections import defaultdict
from collections.abc import Collection
from functools import cached_property

from ansible_reap.content.call_index import Unread
from ansible_reap.content.call_names import Key, folders_above, keys_of, keys_wanted, role_mains, surroundings
from ansible_reap.content.call_references import Reference, ReferenceKind
from ansible_reap.content.library import Library
from ansible_reap.content.mentions import Words
from ansible_reap.content.places import is_of_tasks, stem

MAX_SEARCHED = 50_000
"""Texts that are searched for a name, each counted once for each name."""
MAX_BYTES_SEARCHED = 500_000_000
"""Bytes of these texts."""


class CallGraph:
    """Who calls whom, by name alone: too many rather than too few.

    A file's calls are read only when its text holds the name of a file that matters, or calls by template.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._linked = {stem(path) for path in library.project.links}
        self._files: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        """Every file of the project, by the scope and the name of its keys."""
        self._words = Words(library, self.called_files)
        self._exact: dict[Key, set[str]] = defaultdict(set)
        self._open: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        """By scope and pattern."""
        self._anything: dict[Key, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        """By a pattern that says nothing at all, and by the folder near which the caller looks."""
        self._is_called: dict[str, bool] = {}
        self._called_from: dict[str, frozenset[str]] = {}
        self._unread = Unread(library.project.yaml, self._linked)
        self._asked: dict[str, set[str]] = defaultdict(set)
        """By scope, the names whose callers have been asked for."""
        self._files_with: dict[str, frozenset[str]] = {}
        self._mattering = self._spread()
        self._looking: frozenset[str] | None = None
        self._leading_into_sealed: frozenset[str] | None = None

    @property
    def mattering(self) -> frozenset[str]:
        return self._mattering

    def matters(self, path: str) -> bool:
        """Whether a launch or reap stands in the file or in anything it may call."""
        return path in self._mattering

    def may_look(self, path: str) -> bool:
        """Whether something may look at a job in the file or in anything it may call."""
        if self._looking is None:
            self._looking = self._leading_to({*self._library.looking, *self._library.vaulted}, defaultdict(set))
        return path in self._looking

    def is_sealed(self, path: str) -> bool:
        """Whether the file, or anything it may call, is encrypted: nobody can tell what its tasks do."""
        if not self._library.vaulted:
            return False
        if self._leading_into_sealed is None:
            self._leading_into_sealed = self._leading_to(self._library.vaulted, defaultdict(set))
        return path in self._leading_into_sealed

    def is_called(self, path: str) -> bool:
        """Whether something calls the file by its own name."""
        known = self._is_called.get(path)
        if known is None:
            known = self._is_called[path] = any(self._exact.get(key) for key in self._keys(path))
        return known

    # ---- upwards: who may call what matters

    def _spread(self) -> frozenset[str]:
        library = self._library
        asynchronous = {*library.asynchronous, *library.vaulted}
        for path, calls in library.callers.items():
            if path in asynchronous or calls.is_templated:
                self._read(path)
            else:
                self._unread.add(path, calls.words)
        library.callers.clear()
        mattering = self._leading_to(asynchronous, self._asked)
        self._unread.clear()
        library.forget(mattering)
        return mattering

    def _leading_to(self, paths: Collection[str], asked: dict[str, set[str]]) -> frozenset[str]:
        """These files, and all that may call one of them; ``asked`` takes the names whose callers are asked for."""
        found = set(paths)
        pending = [*found, *(main for path in found for main in role_mains(path))]
        orphans: list[str] = []
        while pending or orphans:
            if pending:
                path = pending.pop()
                callers = self._callers(path, asked)
                is_hidden = path in self._library.vaulted and not is_of_tasks(path)
                if not is_hidden and not any(self._exact.get(key) for key in self._keys(path)):
                    orphans.append(path)
            else:
                callers = self._open_callers(orphans.pop())
            for caller in callers - found:
                found.add(caller)
                self._library.build(caller)
                pending += [caller, *role_mains(caller)]
        return frozenset(found)

    def _read(self, path: str, *, keeps: bool = False) -> bool:
        """Note what the file calls. Returns whether that is something whose callers were asked for before."""
        is_wanted = False
        for reference in self._library.calls_of(path, keeps=keeps):
            for key in keys_wanted(reference, path, self._linked):
                if "*" not in key.name:
                    self._exact[key].add(path)
                    is_wanted = is_wanted or key.name in self._asked[key.scope]
                elif key.is_open:
                    self._anything[key][surroundings(path)].add(path)
                else:
                    self._open[key.scope][key.name].add(path)
                    is_wanted = is_wanted or bool(fnmatch.filter(self._asked[key.scope], key.name))
        return is_wanted

    def _callers(self, path: str, asked: dict[str, set[str]]) -> set[str]:
        """The files that may call this one, once those are read that have its name; and what these call besides."""
        found: set[str] = set()
        keys = self._keys(path)
        for caller in self._unread.take(path, is_playbook=self._is_playbook(path)):
            is_wanted = self._read(caller, keeps=True)
            if is_wanted or any(caller in self._exact.get(key, ()) for key in keys):
                found.add(caller)
                self._library.build(caller)
            else:
                self._library.drop(caller)
        for key in keys:
            if key.name in asked[key.scope]:
                continue
            asked[key.scope].add(key.name)
            found |= self._exact.get(key, set())
            for wanted, group in self._open[key.scope].items():
                if fnmatch.fnmatchcase(key.name, wanted):
                    found |= group
        return found

    def _is_playbook(self, path: str) -> bool:
        """Of a file that matters. Every playbook has calls or hosts, and those of files that matter have been read."""
        return path in self._library.playbooks

    def _keys(self, path: str) -> list[Key]:
        """The keys of a file that matters."""
        return keys_of(path, is_playbook=None if path in self._library.vaulted else self._is_playbook(path))

    def _open_callers(self, path: str) -> set[str]:
        """Callers whose text says nothing of the name: of a file that nothing calls by its name, those nearby."""
        found: set[str] = set()
        above = folders_above(path)
        for key in self._keys(path):
            for wanted, groups in self._anything.items():
                if wanted.scope == key.scope and fnmatch.fnmatchcase(key.name, wanted.name):
                    found.update(*(groups.get(folder, ()) for folder in (groups if key.is_of_role else above)))
        return found

    def files_with(self, name: str) -> frozenset[str] | None:
        """The files in whose text the name stands; None where too much has been searched for already."""
        known = self._files_with.get(name)
        if known is None:
            paths = self._library.project.yaml
            searches = len(self._files_with) + 1
            if searches * len(paths) > MAX_SEARCHED or searches * self._size_of_texts > MAX_BYTES_SEARCHED:
                return None
            wanted = name.encode(errors="replace")
            known = self._files_with[name] = frozenset(path for path in paths if wanted in self._library.text(path))
        return known

    @cached_property
    def _size_of_texts(self) -> int:
        return sum(len(self._library.text(path)) for path in self._library.project.yaml)

    # ---- downwards: what a file may call

    def mentions(self, path: str, names: Collection[str]) -> bool:
        """Whether the file, or anything it may call, has one of the names in its text, as a word of its own."""
        return self._words.has_one_of(path, names)

    def called_files(self, path: str) -> set[str]:
        """The files that a file may call, by name alone."""
        return set().union(*(self._targets(reference, path) for reference in self._library.calls_of(path)))

    def called_by_name(self, path: str) -> set[str]:
        """The same, without those that a name may mean which is not known in full."""
        references = self._library.calls_of(path)
        return {each for reference in references for each in self._targets(reference, path, is_open=False)}

    def called_from(self, path: str) -> frozenset[str]:
        """The file itself and those that it calls, by way of others too, as far as something may become of a job."""
        known = self._called_from.get(path)
        if known is None:
            waiting, seen = [path], set[str]()
            while waiting:
                each = waiting.pop()
                if each not in seen and self.matters(each):
                    seen.add(each)
                    waiting += self.called_files(each)
            known = self._called_from[path] = frozenset(seen)
        return known

    def called_playbooks(self, path: str) -> list[str]:
        """The playbooks that a playbook imports, by their place."""
        folder = path.rpartition("/")[0]
        known = self._library.playbooks
        found: list[str] = []
        for reference in self._library.calls_of(path):
            if reference.kind is ReferenceKind.PLAYBOOK:
                full = posixpath.normpath(posixpath.join(folder, reference.name))
                found += fnmatch.filter(known, full) if "*" in full else [full]
                if "/" not in reference.name and reference.name.count(".") >= 2:
                    found += [each for each in known if stem(each) == reference.name.rpartition(".")[2]]
        return found

    def _targets(self, reference: Reference, caller: str, *, is_open: bool = True) -> list[str]:
        if not self._files:
            for path in self._library.project.yaml:
                for key in keys_of(path):
                    self._files[key.scope][key.name].append(path)
        keys = (key for key in keys_wanted(reference, caller, self._linked) if is_open or "*" not in key.name)
        return [path for key in keys for path in self._matching(key)]

    def _matching(self, key: Key) -> list[str]:
        files = self._files[key.scope]
        if "*" in key.name and key.name not in files:
            files[key.name] = [path for name in fnmatch.filter(list(files), key.name) for path in files[name]]
        return files.get(key.name, [])
