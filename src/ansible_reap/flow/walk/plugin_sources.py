"""What the Python source of a plugin tells: the names that it brings, and whether it looks at jobs."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator

from ansible_reap.flow.evaluation.filters import HANDLERS, SAME
from ansible_reap.flow.evaluation.scalars import NUMERIC, TEXTUAL
from ansible_reap.flow.evaluation.state_tests import STATE_TESTS
from ansible_reap.late_patterns import expression

MAX_SOURCE = 300_000
"""Bytes of a plugin that are read; a longer one may do anything."""
_STATUS = frozenset({"async_status", "ansible.builtin.async_status", "ansible.legacy.async_status"})
_END = "finished"
"""The key of a look's result that says whether the job has ended."""
_TESTS = frozenset({"defined", "undefined", "none", "eq", "equalto", "ne", "in", "contains", "match"})
_TESTS |= {"search", "regex", "truthy", "falsy", "true", "false", "gt", "ge", "lt", "le", "greaterthan", "lessthan"}
"""Tests of Jinja and of ansible-core 2.16 to 2.22, besides those of a result."""
_KNOWN = frozenset({*HANDLERS, *SAME, *TEXTUAL, *NUMERIC, *STATE_TESTS, *_TESTS})
"""The tests and filters whose meaning a wait may hang on."""
_WORD = expression(rb"\w+")
_TABLES = ("filters", "tests")
"""The methods that give a plugin's table of names."""


def runs_status(source: bytes | None) -> bool:
    """Whether the source of a plugin hands the module's name to something: a call, a task; a comment says nothing."""
    tree = _speaking_of_status(source)
    return tree is not None and any(isinstance(each, ast.Constant) and each.value in _STATUS for each in _handed(tree))


def waits_for_end(source: bytes | None) -> bool:
    """Whether the source of a plugin that looks at jobs has a loop that asks whether one has finished."""
    tree = _speaking_of_status(source)
    loops = () if tree is None else (node for node in ast.walk(tree) if isinstance(node, (ast.While, ast.For)))
    return any(isinstance(node, ast.Constant) and node.value == _END for loop in loops for node in ast.walk(loop))


def _speaking_of_status(source: bytes | None) -> ast.Module | None:
    return _tree(source) if source is not None and b"async_status" in source else None


def _handed(tree: ast.Module) -> Iterator[ast.expr]:
    """What calls are given, and what an attribute, such as a task's ``action``, is set to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)
        elif isinstance(node, ast.Assign) and any(isinstance(target, ast.Attribute) for target in node.targets):
            yield node.value


def tests_spoken_of(source: bytes | None) -> Iterable[str]:
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


def names_brought(source: bytes | None) -> set[str]:
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
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


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
