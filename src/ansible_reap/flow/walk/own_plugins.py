"""The plugins that a project brings along: which names they have, and what can be told of what they do."""

from __future__ import annotations

import ast
import itertools
import posixpath
from collections.abc import Iterable, Iterator

from ansible_reap.content.library import Library
from ansible_reap.content.source import SourceError
from ansible_reap.flow.evaluation.filters import HANDLERS, SAME
from ansible_reap.flow.evaluation.scalars import NUMERIC, TEXTUAL
from ansible_reap.flow.evaluation.truths import STATE_TESTS
from ansible_reap.flow.walk.routing import Routing
from ansible_reap.late_patterns import expression

MAX_SOURCE = 300_000
"""Bytes of a plugin that are read; a longer one may do anything."""
_STATUS = frozenset({"async_status", "ansible.builtin.async_status", "ansible.legacy.async_status"})
_TESTS = frozenset({"defined", "undefined", "none", "eq", "equalto", "ne", "in", "contains", "match"})
_TESTS |= {"search", "regex", "truthy", "falsy", "true", "false", "gt", "ge", "lt", "le", "greaterthan", "lessthan"}
"""Tests of Jinja and of ansible-core 2.16 to 2.22, besides those of a result."""
_KNOWN = frozenset({*HANDLERS, *SAME, *TEXTUAL, *NUMERIC, *STATE_TESTS, *_TESTS})
"""The tests and filters whose meaning a wait may hang on."""
_WORD = expression(rb"\w+")
_TABLES = ("filters", "tests")
"""The methods that give a plugin's table of names."""
_WAIT = "ansible_collections/reap/jobs/plugins/"
_FACTS = b"ansible_facts"


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
        self._tests: list[str] = []
        self._utils: dict[str, list[str]] = {}
        """What modules may import of the project, by name."""
        self._reaping: dict[str, bool] = {}
        self._setting: dict[str, bool] = {}
        self._words: frozenset[str] | None = None
        self._setting_facts: frozenset[str] | None = None
        self._speaking: frozenset[bytes] | None = None
        self._routing = Routing(library)
        for path, folder in dict.fromkeys(library.project.plugin_files()):
            self._sort_in(path, folder)

    def _sort_in(self, path: str, folder: str) -> None:
        name, ending = posixpath.splitext(path.rpartition("/")[2])
        if _is_within(folder, "library", "plugins/modules"):  # a module may be any program
            self._modules.setdefault(name, []).append(path)
        elif ending != ".py":
            return
        elif _is_within(folder, "plugins/action", "action_plugins"):
            self._modules.setdefault(name, []).append(path)
            self._actions.setdefault(name, []).append(path)
        elif _is_within(folder, "module_utils", "plugins/plugin_utils"):
            self._utils.setdefault(name, []).append(path)
        elif _is_within(folder, "test_plugins", "plugins/test"):
            self._tests.append(path)
        elif _is_within(folder, "filter_plugins", "plugins/filter"):
            self._filters.append(path)

    def has_module(self, name: str) -> bool:
        """Whether a module or action plugin has the name, or a collection sends it elsewhere."""
        return name in self._modules or self._routing.target(name) is not None

    def looks_at_jobs(self, name: str) -> bool:
        """Whether the action plugin of this name looks at jobs itself."""
        if name not in self._actions:
            return False
        if name not in self._reaping:
            self._reaping[name] = any(_runs_status(self._source(path)) for path in self._actions[name])
        return self._reaping[name]

    def may_set_facts(self, name: str) -> bool:
        """Whether the source of the module speaks of ``ansible_facts``: it may set any variable then.

        So may one that cannot be read, and one that a collection sends on to such a module or to one of Ansible's.
        """
        target = self._routing.target(name)
        if target is not None and target.rpartition(".")[2] != name:
            return self._routing.sets_facts(target) or self._may_set_facts(target.rpartition(".")[2])
        return self._may_set_facts(name)

    def _may_set_facts(self, name: str) -> bool:
        if name not in self._modules:
            return False
        if name not in self._setting:
            self._setting[name] = any(map(self._speaks_of_facts, self._modules[name]))
        return self._setting[name]

    def _speaks_of_facts(self, path: str) -> bool:
        source = self._source(path)
        if source is None or _FACTS in source:
            return True
        return b"module_utils" in source and not self._speaking_utils.isdisjoint(_WORD.findall(source))

    @property
    def _speaking_utils(self) -> frozenset[bytes]:
        """The names of what modules may import that speaks of facts."""
        if self._speaking is None:
            speaking = (
                name
                for name, paths in self._utils.items()
                if any((source := self._source(path)) is None or _FACTS in source for path in paths)
            )
            self._speaking = frozenset(name.encode(errors="replace") for name in speaking)
        return self._speaking

    @property
    def setting_facts(self) -> frozenset[str]:
        """The modules that may set any variable."""
        if self._setting_facts is None:
            names = {*self._modules, *self._routing.names}
            self._setting_facts = frozenset(name for name in names if self.may_set_facts(name))
        return self._setting_facts

    @property
    def words(self) -> frozenset[str]:
        """Tests and filters of Ansible's or Jinja's for which the project has its own."""
        if self._words is None:
            brought = (_brought(self._source(path)) for path in (*self._filters, *self._tests))
            spoken = (_spoken(self._source(path)) for path in self._tests)
            self._words = frozenset().union(*brought, *spoken)
        return self._words

    @property
    def has_wait(self) -> bool:
        """Whether the project has a ``reap.jobs.wait`` that is not ours."""
        waits = [path for path in self._modules.get("wait", ()) if _WAIT in path]
        actions = self._actions.get("wait", ())
        return bool(waits) and not any(
            b"ansible_reap" in (self._source(path) or b"") for path in waits if path in actions
        )

    def _source(self, path: str) -> bytes | None:
        """The text of a plugin; None where it cannot be read."""
        try:
            return self._library.project.read(path)
        except SourceError:
            return None


def _is_within(folder: str, *names: str) -> bool:
    """Whether a folder is called one of the names, or lies below one that is: Ansible loads plugins from those too."""
    return any(f"/{name}/" in f"/{folder}/" for name in names)


def _runs_status(source: bytes | None) -> bool:
    """Whether the source of a plugin hands the module's name to something it calls; a comment says nothing."""
    if source is None or b"async_status" not in source:
        return False
    tree = _tree(source)
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call)) if tree is not None else ()
    given = (value for call in calls for value in (*call.args, *(keyword.value for keyword in call.keywords)))
    return any(isinstance(value, ast.Constant) and value.value in _STATUS for value in given)


def _spoken(source: bytes | None) -> Iterable[str]:
    """The tests of a result that the source of a test plugin has as words, be it in whatever place."""
    if source is None or len(source) > MAX_SOURCE:
        return STATE_TESTS
    tree = _tree(source)
    if tree is None:
        return {word for found in _WORD.findall(source) if (word := found.decode("utf-8", "replace")) in STATE_TESTS}
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    said = itertools.chain.from_iterable(_said(node) for node in ast.walk(tree) if id(node) not in documented)
    return STATE_TESTS.keys() & set(said)


def _said(node: ast.AST) -> Iterator[str]:
    """The names in a node that may become a test's: texts, functions, arguments by name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from node.value.split()
    elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.keyword, ast.alias)):
        yield (node.arg if isinstance(node, ast.keyword) else node.asname or node.name) or ""
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id


def _brought(source: bytes | None) -> set[str]:
    """The known tests and filters for which the source of a plugin has its own: the keys of its tables of names."""
    if source is None or len(source) > MAX_SOURCE:
        return {*_KNOWN}
    words = {found.decode("utf-8", "replace") for found in _WORD.findall(source)}
    if _KNOWN.isdisjoint(words):
        return set()
    tree = _tree(source)
    return set() if tree is None else set(_keys(tree)) & _KNOWN


def _keys(tree: ast.Module) -> Iterator[str]:
    """The names in the tables outside of functions, in the methods that give the tables, and in what these call."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    wanted, pending = set(_TABLES), [*_TABLES]
    while pending:
        function = functions.get(pending.pop())
        called = {_called(node) for node in ast.walk(function) if isinstance(node, ast.Call)} if function else set()
        pending += called - wanted
        wanted |= called
    left = [tree, *(functions[name] for name in wanted if name in functions)]
    while left:
        node = left.pop()
        yield from _table_keys(node)
        left += (child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.FunctionDef))


def _called(call: ast.Call) -> str:
    """The name of what is called, the method's of an object."""
    name = call.func
    return name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else ""


def _table_keys(node: ast.AST) -> Iterator[str]:
    """What a node names as a key: of a dictionary as it is written, made by ``dict`` or ``update``, or filled."""
    keys: list[ast.expr | None] = []
    if isinstance(node, ast.Dict):
        keys = [key for key, value in zip(node.keys, node.values, strict=True) if not isinstance(value, ast.Constant)]
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        keys = [target.slice for target in targets if isinstance(target, ast.Subscript)]
    elif isinstance(node, ast.Call) and _called(node) in ("dict", "update", "setdefault", "OrderedDict", "zip"):
        yield from (keyword.arg for keyword in node.keywords if keyword.arg)
        for argument in node.args:
            keys += [inner for inner in ast.walk(argument) if isinstance(inner, ast.Constant)]
    yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _tree(source: bytes) -> ast.Module | None:
    """A plugin's source as a tree; None where it is too long or no Python."""
    if len(source) > MAX_SOURCE:
        return None
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
