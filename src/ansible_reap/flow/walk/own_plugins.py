"""The plugins that a project brings along: which names they have, and what can be told of what they do."""

from __future__ import annotations

import ast

from ansible_reap.content.library import Library
from ansible_reap.content.source import SourceError
from ansible_reap.flow.evaluation.filters import HANDLERS, SAME
from ansible_reap.flow.evaluation.truths import STATE_TESTS
from ansible_reap.flow.walk.record import OwnPlugins
from ansible_reap.late_patterns import expression

MAX_SOURCE = 300_000
"""Bytes of a plugin that are read; what a longer one does is not told."""
_STATUS = frozenset({"async_status", "ansible.builtin.async_status", "ansible.legacy.async_status"})
_KNOWN = frozenset({*HANDLERS, *SAME, *STATE_TESTS})
"""The tests and filters whose meaning a wait may hang on."""
_KEY = expression(rb"""["'](\w+)["']\s*:""")
"""How a plugin names the tests and filters that it brings: as the keys of a dictionary."""
_WAIT = "ansible_collections/reap/jobs/plugins/"


def own_plugins(library: Library) -> OwnPlugins:
    """The project's own modules, action plugins, tests and filters."""
    names: set[str] = set()
    reaping: set[str] = set()
    words: set[str] = set()
    waits: set[str] = set()
    fact_modules: set[str] = set()
    is_ours = False
    for path in library.project.others:
        folder, _, name = path.rpartition("/")
        if not name.endswith(".py"):
            continue
        for configured, kind in library.project.settings.plugin_folders:
            if f"{folder}/".startswith(f"{configured.removeprefix('./')}/"):
                folder = kind
        short = name[:-3]
        is_action = _is_within(folder, "plugins/action", "action_plugins")
        if is_action or _is_within(folder, "library", "plugins/modules"):
            names.add(short)
            if b"ansible_facts" in _source(library, path):
                fact_modules.add(short)
            if short == "wait" and _WAIT in path:
                waits.add(path)
                is_ours = is_ours or (is_action and b"ansible_reap" in _source(library, path))
        if is_action and _runs_status(_source(library, path)):
            reaping.add(short)
        if _is_within(folder, "test_plugins", "filter_plugins", "plugins/test", "plugins/filter"):
            words |= _brought(_source(library, path))
    return OwnPlugins(
        modules=frozenset(names),
        self_reaping=frozenset(reaping),
        words=frozenset(words),
        fact_modules=frozenset(fact_modules),
        has_wait=bool(waits) and not is_ours,
    )


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


def _source(library: Library, path: str) -> bytes:
    try:
        return library.project.read(path)
    except SourceError:
        return b""
