"""The project's files as content, built only when asked for, and which of them can matter to async jobs at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap import json_nodes
from ansible_reap.content import source
from ansible_reap.content.call_references import Reference, references
from ansible_reap.content.call_text import CallText
from ansible_reap.content.launch_text import spelled_out
from ansible_reap.content.model import Task
from ansible_reap.content.places import is_content_place
from ansible_reap.content.project import Project
from ansible_reap.content.source import SourceError, compose_text, may_merge, plain, refuse_undecided
from ansible_reap.content.survey import Survey
from ansible_reap.content.tasks import Content, Step, is_playbook, read_content
from ansible_reap.reading import RefusedError

ENCRYPTED = "$ANSIBLE_VAULT"
"""The one name in a file of variables that is encrypted as a whole: no variable can have it."""
MAX_TASKS = 100_000
"""Tasks that are kept of all files; one with ``async`` or ``poll`` weighs as much as TASKS_OF_ONE, as findings and
verdicts are made of it."""
TASKS_OF_ONE = 8
MAX_NODES = 400_000
"""Characters of the files whose nodes are kept until it is known which of them matter; nodes take twenty times as much
room as their text, and composing a file once more costs less than a megabyte."""
_BEARING = frozenset({"async", "poll"})


class Library:
    """Every YAML file of a project: what is wrong with it, what it calls, what it holds."""

    def __init__(self, project: Project, survey: Survey | None = None) -> None:
        self.project = project
        self._survey = survey or Survey(project)
        self.errors: dict[str, SourceError] = dict(self._survey.unreadable)
        """What is wrong with the files that were asked for, as far as they may concern a job."""
        self.passed_over: dict[str, SourceError] = {}
        """The same of files that concern none: no content of Ansible's, or content that nothing of interest calls."""
        self.asynchronous = self._survey.asynchronous
        self.polling = self._survey.polling
        self.looking = self._survey.looking
        self.has_launches = self._survey.has_launches
        self.vaulted: Collection[str] = self._survey.vaulted
        self.callers: dict[str, CallText] = self._survey.callers()
        """Files that may call others, until the graph of calls is made of them."""
        self.playbooks: set[str] = set()
        """Playbooks among the files whose calls have been read."""
        self._references: dict[str, list[Reference]] = {}
        self._contents: dict[str, Content] = {}
        self._places: dict[str, dict[int, tuple[tuple[Step, ...], int]]] = {}
        """By file and the identity of its tasks and blocks, the list that each stands in, and where in it."""
        self._asked_for: set[str] = set()
        """Files whose variables were asked for."""
        self._variables: dict[str, dict[str, Any]] = {}
        self._unread = set(self.callers)
        self._calling = frozenset(self.callers)
        self._nodes: dict[str, Node] = {}
        """Composed, but not built yet."""
        self._size_of_nodes = 0
        self._size_of_tasks = 0
        for path in self.callers:
            if _may_be_undecided(self._survey.text(path)):
                self.node(path)

    def _note(self, path: str, error: SourceError) -> None:
        is_none = path in self.project.copied and not isinstance(error, RefusedError)
        if not is_none and path not in self.passed_over:
            error.__traceback__ = error.__context__ = None  # their frames hold the whole text, of each such file
            self.errors.setdefault(path, error)
        self._survey.forget(path)

    def sort_errors(self, is_called: Callable[[str], bool]) -> None:
        """Leave in ``errors`` what may concern a job; ``is_called`` tells whether content that matters calls a file.

        A file may concern one that bears the words of jobs and stands where Ansible loads content. Wherever it stands,
        one that is refused may that bears these words or calls others, as Ansible may read it.
        """
        bearing = {*self.asynchronous, *self.polling}
        for path in [*self.errors]:
            is_wanted = is_called(path) or path in self._asked_for
            says_so = path in bearing or path in self._survey.unreadable
            is_refused = isinstance(self.errors[path], RefusedError)
            may_load = (says_so and is_content_place(path)) or (is_refused and (says_so or path in self._calling))
            is_of_concern = is_wanted or may_load
            if not is_of_concern:
                self.passed_over[path] = self.errors.pop(path)

    def calls_of(self, path: str, *, keeps: bool = False) -> list[Reference]:
        """What the file calls. It is composed for that, at the first time of asking.

        With ``keeps`` its nodes are kept then, however many there are of others: until ``build`` or ``drop``.
        """
        if path in self._unread:
            self._unread.discard(path)
            root = self.node(path)
            if root is not None and (keeps or self._size_of_nodes < MAX_NODES):
                self._nodes[path] = root
                self._size_of_nodes += root.end_mark.index
            if is_playbook(root):
                self.playbooks.add(path)
            found = references(root)
            if found:
                self._references[path] = found
        return self._references.get(path, [])

    def drop(self, path: str) -> None:
        """Let go of the nodes of a file that does not seem to matter."""
        self._take(path)

    def build(self, path: str) -> None:
        """Make what the file holds of its nodes, which takes less room: it matters."""
        node = self._nodes.get(path)
        if isinstance(node, SequenceNode):
            self.content(path)

    def _take(self, path: str) -> Node | None:
        node = self._nodes.pop(path, None)
        if node is not None:
            self._size_of_nodes -= node.end_mark.index
        return node

    def forget(self, kept: Collection[str]) -> None:
        """Let go of the nodes of files that do not matter."""
        self._nodes = {path: node for path, node in self._nodes.items() if path in kept}

    # ---- what a file holds

    def node(self, path: str) -> Node | None:
        """The file's root node; None where it is empty, vaulted or broken (which is noted)."""
        kept = self._take(path)
        if kept is not None:
            return kept
        try:
            return _composed(self._survey.read(path))
        except SourceError as error:
            self._note(path, error)
            return None

    def content(self, path: str) -> Content:
        """Plays or tasks of a file; empty for what cannot be read."""
        known = self._contents.get(path)
        if known is None:
            handlers = path.rpartition("/")[0].rpartition("/")[2] == "handlers"
            known = self._within_bounds(path, read_content(path, self.node(path), handlers=handlers))
            self._contents[path] = known
        return known

    def _within_bounds(self, path: str, content: Content) -> Content:
        """The content of a file, none where there would be too much together with the files before."""
        size = sum(
            TASKS_OF_ONE if isinstance(step, Task) and not _BEARING.isdisjoint(step.keywords) else 1
            for step in content.steps()
        )
        if self._size_of_tasks + size <= MAX_TASKS:
            self._size_of_tasks += size
            return content
        what = f"is not read: the project has more than {MAX_TASKS // TASKS_OF_ONE:,} launches or {MAX_TASKS:,} tasks"
        self._note(path, RefusedError(f"{what}; check parts of it"))
        return Content(path)

    def after(self, task: Task) -> Iterator[Step]:
        """The tasks and blocks that come after a task in its list."""
        places = self._places.get(task.path)
        if places is None:
            lists = self.content(task.path).lists()
            places = {id(step): (steps, at) for steps in lists for at, step in enumerate(steps)}
            self._places[task.path] = places
        steps, at = places.get(id(task), ((), 0))
        return (steps[later] for later in range(at + 1, len(steps)))

    def variables(self, path: str) -> dict[str, Any]:
        """The variables of a vars file that something asks for; empty for what cannot be read."""
        self._asked_for.add(path)
        return {ENCRYPTED: path} if path in self.vaulted else self.mapping(path)

    def mapping(self, path: str) -> dict[str, Any]:
        """The mapping in a file; empty for what is none or cannot be read."""
        known = self._variables.get(path)
        if known is None:
            node = self.node(path)
            data = plain(node) if isinstance(node, MappingNode) else {}
            known = {str(key): value for key, value in data.items()}
            self._variables[path] = known
        return known

    def is_known(self, path: str) -> bool:
        """Whether the file could be read."""
        return self._survey.is_known(path) or path in self._contents

    def text(self, path: str) -> bytes:
        """The bytes that are searched for names."""
        return self._survey.text(path)

    def source(self, path: str) -> bytes:
        """The file's bytes; none where it cannot be read."""
        try:
            return self._survey.read(path)
        except SourceError:
            return b""


def _may_be_undecided(data: bytes) -> bool:
    """Whether releases of PyYAML or Ansible may read the text in other ways; then what it calls is not known."""
    return may_merge(data) or (b"ansible_" in data and json_nodes.STAND_IN in spelled_out(data))


def _composed(data: bytes) -> Node | None:
    """The root node; content that releases of PyYAML read in other ways is refused. Raises SourceError."""
    root = compose_text(data)
    if isinstance(root, SequenceNode):
        refuse_undecided(root, data)
    return root


def check_text(data: bytes, *, must_be_content: bool) -> None:
    """Whether the text parses, and whether it is a list or a mapping. Raises SourceError."""
    if not must_be_content and b"{%" not in data:
        source.check(data)
    elif isinstance(compose_text(data), ScalarNode):
        raise SourceError("is no Ansible content: neither a list nor a mapping")
