"""The plugins that a project brings along: which names they have, and what can be told of what they do."""

from __future__ import annotations

import ast

from ansible_reap.content.library import Library
from ansible_reap.content.source import SourceError
from ansible_reap.flow.evaluation.filters import HANDLERS, SAME
from ansible_reap.flow.evaluation.truths import STATE_TESTS
from ansible_reap.late_patterns import expression

MAX_SOURCE = 300_000
"""Bytes of a plugin that are read; what a longer one does is not told."""
_STATUS = frozenset({"async_status", "ansible.builtin.async_status", "ansible.legacy.async_status"})
_KNOWN = frozenset({*HANDLERS, *SAME, *STATE_TESTS})
"""The tests and filters whose meaning a wait may hang on."""
_KEY = expression(rb"""["'](\w+)["']\s*:""")
"""How a plugin names the tests and filters that it brings: as the keys of a dictionary."""
_WAIT = "ansible_collections/reap/jobs/plugins/"


class OwnPlugins:
    """The project's own modules, action plugins, tests and filters.

    The source of one is read when something asks for what it does: a project may bring thousands.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._modules: dict[str, list[str]] = {}
        """The files of modules and action plugins by their names."""
        self._actions: dict[str, list[str]] = {}
        """Those of action plugins."""
        self._filters: list[str] = []
        self._reaping: dict[str, bool] = {}
        self._setting: dict[str, bool] = {}
        self._words: frozenset[str] | None = None
        self._setting_facts: frozenset[str] | None = None
        for path in library.project.others:
            if path.endswith(".py"):
                self._sort_in(path)

    def _sort_in(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        for configured, kind in self._library.project.settings.plugin_folders:
            if f"{folder}/".startswith(f"{configured.removeprefix('./')}/"):
                folder = kind
        is_action = _is_within(folder, "plugins/action", "action_plugins")
        if is_action or _is_within(folder, "library", "plugins/modules"):
            self._modules.setdefault(name[:-3], []).append(path)
        if is_action:
            self._actions.setdefault(name[:-3], []).append(path)
        if _is_within(folder, "test_plugins", "filter_plugins", "plugins/test", "plugins/filter"):
            self._filters.append(path)

    def has_module(self, name: str) -> bool:
        """Whether a module or action plugin has the name."""
        return name in self._modules

    def looks_at_jobs(self, name: str) -> bool:
        """Whether the action plugin of this name looks at jobs itself."""
        if name not in self._actions:
            return False
        if name not in self._reaping:
            self._reaping[name] = any(_runs_status(self._source(path)) for path in self._actions[name])
        return self._reaping[name]

    def may_set_facts(self, name: str) -> bool:
        """Whether the source of the module speaks of ``ansible_facts``: it may set any variable then."""
        if name not in self._modules:
            return False
        if name not in self._setting:
            self._setting[name] = any(b"ansible_facts" in self._source(path) for path in self._modules[name])
        return self._setting[name]

    @property
    def setting_facts(self) -> frozenset[str]:
        """The modules that may set any variable."""
        if self._setting_facts is None:
            self._setting_facts = frozenset(name for name in self._modules if self.may_set_facts(name))
        return self._setting_facts

    @property
    def words(self) -> frozenset[str]:
        """Tests and filters of Ansible's or Jinja's for which the project has its own."""
        if self._words is None:
            self._words = frozenset().union(*(_brought(self._source(path)) for path in self._filters))
        return self._words

    @property
    def has_wait(self) -> bool:
        """Whether the project has a ``reap.jobs.wait`` that is not ours."""
        waits = [path for path in self._modules.get("wait", ()) if _WAIT in path]
        actions = self._actions.get("wait", ())
        return bool(waits) and not any(b"ansible_reap" in self._source(path) for path in waits if path in actions)

    def _source(self, path: str) -> bytes:
        try:
            return self._library.project.read(path)
        except SourceError:
            return b""


def _is_within(folder: str, *names: str) -> bool:
    """Whether a folder is called one of the names, or lies below one that is: Ansible loads plugins from those too."""
    return any(f"/{name}/" in f"/{folder}/" for name in names)


def _runs_status(source: bytes) -> bool:
    """Whether the source of a plugin hands the module's name to something it calls; a comment says nothing."""
    if b"async_status" not in source:
        return False
    calls = (node for node in _nodes(source) if isinstance(node, ast.Call))
    given = (value for call in calls for value in (*call.args, *(keyword.value for keyword in call.keywords)))
    return any(isinstance(value, ast.Constant) and value.value in _STATUS for value in given)


def _brought(source: bytes) -> set[str]:
    """The known tests and filters for which the source of a plugin has its own: the keys that ``filters()`` returns."""
    if _KNOWN.isdisjoint(found.decode() for found in _KEY.findall(source[:MAX_SOURCE])):
        return set()
    methods = [
        node for node in _nodes(source) if isinstance(node, ast.FunctionDef) and node.name in ("filters", "tests")
    ]
    tables = [node for method in methods for node in ast.walk(method) if isinstance(node, ast.Dict)]
    keys = {key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)}
    return {key for key in keys if isinstance(key, str)} & _KNOWN


def _nodes(source: bytes) -> list[ast.AST]:
    """The nodes of a plugin's source; none where it is too long or no Python."""
    if len(source) > MAX_SOURCE:
        return []
    try:
        return list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
