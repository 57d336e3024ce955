"""Jinja read as a tree. Nothing is ever rendered; jinja2 is imported only when the first expression is met."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

MAX_LENGTH = 20_000
MAX_DEPTH = 200
"""Levels of a tree; ``a and a and ...`` makes one of each word, and whoever walks through the tree calls as deep."""
MAX_REMEMBERED = 5000
_templated: dict[int, tuple[object, bool]] = {}
"""Whether a list or dictionary holds templates, by identity; the data is kept so that no other can take its place."""


@functools.lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment  # noqa: PLC0415

    return Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=False)  # noqa: S701


def is_template(value: object) -> bool:
    """Whether Ansible would template the value."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def has_templates(data: object) -> bool:
    """Whether there is any template in the data."""
    known = _templated.get(id(data))
    if known is None or known[0] is not data:
        if len(_templated) > MAX_REMEMBERED:
            _templated.clear()
        known = _templated[id(data)] = (data, is_template(repr(data)))
    return known[1]


@functools.lru_cache(maxsize=8192)
def expression(text: str) -> nodes.Expr | None:
    """A bare expression, as in ``when``; None where it does not parse."""
    from jinja2 import TemplateError  # noqa: PLC0415
    from jinja2.parser import Parser  # noqa: PLC0415

    if len(text) > MAX_LENGTH:
        return None
    try:
        parser = Parser(_environment(), text, state="variable")
        tree: nodes.Expr = parser.parse_expression()
        if not parser.stream.eos:
            return None
    except (TemplateError, RecursionError, ValueError, AssertionError, OverflowError):
        return None
    return None if _is_too_deep(text, tree) else tree


def _is_too_deep(text: str, tree: nodes.Node) -> bool:
    """Whether the tree of the text has more levels than we follow."""
    if len(text) <= MAX_DEPTH:
        return False
    level: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return False
    return True


@functools.lru_cache(maxsize=8192)
def template(text: str) -> tuple[nodes.Expr | str, ...] | None:
    """A template's parts in order: literal text and expressions. None where it does not parse.

    ``{% if %}`` around single values is read as a conditional expression. With other statements it is None too.
    """
    from jinja2 import TemplateError, nodes  # noqa: PLC0415

    if len(text) > MAX_LENGTH:
        return None
    try:
        tree = _environment().parse(text)
    except (TemplateError, RecursionError, ValueError, AssertionError, OverflowError):
        return None
    if _is_too_deep(text, tree):
        return None
    parts: list[nodes.Expr | str] = []
    for statement in tree.body:
        if isinstance(statement, nodes.Output):
            parts.extend(part.data if isinstance(part, nodes.TemplateData) else part for part in statement.nodes)
            continue
        choice = _choice(statement) if isinstance(statement, nodes.If) else None
        if choice is None:
            return None
        parts.append(choice)
    return tuple(parts)


def _choice(statement: nodes.If) -> nodes.Expr | None:
    """``{% if a %}{{ b }}{% else %}{{ c }}{% endif %}`` as ``b if a else c``; None where a branch is more than that."""
    from jinja2 import nodes  # noqa: PLC0415

    found = _single(statement.else_)
    for branch in [*reversed(statement.elif_), statement]:
        value = _single(branch.body)
        if value is None or found is None:
            return None
        found = nodes.CondExpr(branch.test, value, found)
    return found


def _single(body: list[nodes.Node]) -> nodes.Expr | None:
    """The only value of a branch, blanks round it aside; "" where there is none, None where there are several."""
    from jinja2 import nodes  # noqa: PLC0415

    found: list[nodes.Expr] = []
    for statement in body:
        if isinstance(statement, nodes.If):
            inner = _choice(statement)
            if inner is None:
                return None
            found.append(inner)
        elif isinstance(statement, nodes.Output):
            for part in statement.nodes:
                if not isinstance(part, nodes.TemplateData):
                    found.append(part)
                elif part.data.strip():
                    found.append(nodes.Const(part.data.strip()))
        else:
            return None
    if len(found) > 1:
        return None
    return found[0] if found else nodes.Const("")


@functools.lru_cache(maxsize=8192)
def names(text: str) -> frozenset[str]:
    """Every name that a template (or, without braces, a bare expression) reads; for statements, all of their names."""
    from jinja2 import TemplateError, nodes  # noqa: PLC0415

    try:
        tree: Any = _environment().parse(text) if is_template(text) else expression(text)
    except (TemplateError, RecursionError, ValueError, AssertionError, OverflowError):
        return frozenset()
    if tree is None or _is_too_deep(text, tree):
        return frozenset()
    found = {name.name for name in tree.find_all(nodes.Name)}
    if isinstance(tree, nodes.Name):
        found.add(tree.name)
    return frozenset(found)


def names_in(value: object, depth: int = 0) -> frozenset[str]:
    """Every name read by the templates in plain data."""
    if isinstance(value, str):
        return names(value) if is_template(value) else frozenset()
    if depth > 20:
        return frozenset()
    found: set[str] = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= names_in(key, depth + 1) | names_in(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            found |= names_in(inner, depth + 1)
    return frozenset(found)


_KEEP_UNDEFINED = frozenset({"list", "dict2items", "string", "int", "lower", "upper", "trim", "quote", "basename"})
"""Filters that fail where they are given what is not defined, as printing it does."""


@functools.lru_cache(maxsize=8192)
def required(text: str) -> frozenset[str]:
    """The variables, with their attributes, without which a template is an error: ``{{ app.name }}``, ``app``.

    None of a part that may see to it itself, as by ``default``, a test or a choice.
    """
    from jinja2 import nodes  # noqa: PLC0415

    found: set[str] = set()
    left: list[nodes.Node] = [part for part in template(text) or () if not isinstance(part, str)]
    while left:
        node = left.pop()
        if isinstance(node, (nodes.Concat, nodes.Add)):
            left += node.iter_child_nodes()
        elif isinstance(node, nodes.Filter) and node.name in _KEEP_UNDEFINED and node.node is not None:
            left.append(node.node)
        else:
            path = _path(node)
            found.update(".".join(path[: at + 1]) for at in range(len(path)))
    return frozenset(found)


def _path(node: nodes.Node) -> list[str]:
    """``a.b.c`` as its words; none where it is not just that."""
    from jinja2 import nodes  # noqa: PLC0415

    words: list[str] = []
    while isinstance(node, nodes.Getattr):
        words.insert(0, node.attr)
        node = node.node
    return [node.name, *words] if isinstance(node, nodes.Name) else []
