"""The text of an expression: the same for the same expression in other words, and different for all others.

Only such words count as the same as give the same value whatever the variables hold.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import nodes

from ansible_reap.content import expressions
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.layers import CALLED, Layer
from ansible_reap.flow.evaluation.plugin_names import first_name
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.values import Job, Lazy, as_seq, options
from ansible_reap.late_patterns import expression

MAX_TEXT = 400
MAX_DEPTH = 12
"""How deep an expression is put in the words that are the same for all."""
_LISTS = frozenset({"map", "select", "reject", "selectattr", "rejectattr", "sort", "unique", "list"})
"""Filters that give back a list, whatever they get (ansible-core 2.16 to 2.22)."""
_HOST_LISTS = frozenset({"ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all", "play_hosts"})
"""Variables of Ansible's that are lists of hosts."""
_PLAIN_TYPES = (dict, list, tuple, str, int, float, bool, type(None), dt.datetime)
_NAME = expression(r"[A-Za-z_]\w*")
_Write = Callable[[EvaluatorInterface, Any, int], str]


def tree_of(text: str) -> nodes.Node | None:
    """A condition as a tree: bare, or the one expression in braces."""
    bounds.spend(3 * len(text))
    return _read(text)


@lru_cache(maxsize=8192)
def _read(text: str) -> nodes.Node | None:
    bounds.spend(12 * len(text))
    if expressions.is_template(text):
        parts = expressions.template(text)
        solid = [part for part in parts or () if not (isinstance(part, str) and not part.strip())]
        return solid[0] if len(solid) == 1 and not isinstance(solid[0], str) else None
    return expressions.expression(text)


def canonical(evaluator: EvaluatorInterface, node: nodes.Node, depth: int = 0) -> str:
    """The expression as text that is the same for the same expression in other words."""
    if depth > MAX_DEPTH:
        return fitted(_outline(node))
    return fitted(_WRITERS.get(type(node), _fields)(evaluator, node, depth + 1))


def tested(text: str, name: str, arguments: str) -> str:
    """A test as text, of what is tested and of the arguments as text."""
    return f"{text} is {name}({arguments})" if arguments else f"{text} is {name}"


def arguments_of(evaluator: EvaluatorInterface, node: nodes.Filter | nodes.Test | nodes.Call, depth: int = 0) -> str:
    """All that a test, a filter or a call is given besides what it is applied to."""
    pairs = [pair for pair in node.kwargs if isinstance(pair, (nodes.Keyword, nodes.Pair))]
    named = sorted(f"{pair.key}={canonical(evaluator, pair.value, depth)}" for pair in pairs)
    spread = [(stars, more) for stars, more in (("*", node.dyn_args), ("**", node.dyn_kwargs)) if more is not None]
    rest = [f"{stars}{canonical(evaluator, more, depth)}" for stars, more in spread]
    return ", ".join([*(canonical(evaluator, argument, depth) for argument in node.args), *named, *rest])


def _const(evaluator: EvaluatorInterface, node: nodes.Const, depth: int) -> str:
    del evaluator, depth
    return repr(node.value)


def constant(value: Any) -> str:
    """Plain data as text: the same for what is equal."""
    if isinstance(value, float) and value.is_integer():
        return repr(int(value))
    if isinstance(value, list):
        return f"[{', '.join(_equal(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(sorted(f'{_equal(key)}: {_equal(inner)}' for key, inner in value.items()))}}}"
    return repr(value)


def _equal(value: Any) -> str:
    """An item as text: in lists and dictionaries true equals 1."""
    return constant(int(value)) if isinstance(value, bool) else constant(value)


def _name(evaluator: EvaluatorInterface, node: nodes.Name, depth: int) -> str:
    """A parameter that merely passes on an expression is that expression."""
    name = node.name
    for _, layer, raw in evaluator.scope.find(name):
        written, inside = raw, evaluator
        if isinstance(raw, Lazy) and raw.scope is not None:
            written, inside = raw.template, evaluator.within(raw.scope)
        if layer in CALLED and layer is not Layer.FACTS and expressions.is_template(written):
            tree = tree_of(written)
            if tree is not None and not (isinstance(tree, nodes.Name) and tree.name == name and inside is evaluator):
                return canonical(inside, tree, depth)
        break
    return name


def key_of(node: nodes.Node) -> object:
    """The constant key by which a part is taken; the node itself where there is none."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) else node


def _part(evaluator: EvaluatorInterface, node: nodes.Getattr | nodes.Getitem, depth: int) -> str:
    base, key = node.node, key_of(node)
    if key is node:
        assert isinstance(node, nodes.Getitem)
        return f"{canonical(evaluator, base, depth)}[{canonical(evaluator, node.arg, depth)}]"
    is_name = isinstance(key, str) and _NAME.fullmatch(key) is not None and not _is_attribute(key)
    if is_name and isinstance(base, nodes.Name) and base.name == "ansible_facts":
        return f"ansible_{key}"
    if isinstance(base, nodes.Name) and any(layer is Layer.LOOP for _, layer, _ in evaluator.scope.find(base.name)):
        held = evaluator.name(base.name)
        for _, inner in options(held):
            if isinstance(inner, Job) and key == inner.loop_var:
                return inner.loop_var  # what the launch looped over, in the words of the launch
    text = canonical(evaluator, base, depth)
    if is_name or isinstance(node, nodes.Getattr):
        return f"{text}.{key}"
    return f"{text}[{key!r}]"


@lru_cache(maxsize=1024)
def _is_attribute(key: str) -> bool:
    """Whether plain data may have an attribute of this name: ``x.items`` is not ``x['items']`` then."""
    return any(hasattr(kind, key) for kind in _PLAIN_TYPES)


def _filter(evaluator: EvaluatorInterface, node: nodes.Filter, depth: int) -> str:
    name, inner = first_name(node.name), node.node
    arguments = arguments_of(evaluator, node, depth)
    if inner is None:
        return f"|{name}({arguments})"
    if name == "length":
        inner = _unlisted(inner)
    elif name == "list" and not arguments and is_list(evaluator, inner):
        return canonical(evaluator, inner, depth)
    text = canonical(evaluator, inner, depth)
    if name == "first" and not arguments and is_list(evaluator, inner):
        return f"{text}[0]"
    if name == "default":  # the one filter that may be asked of what is not there
        return f"default({', '.join(part for part in (text, arguments) if part)})"
    return f"{text}|{name}({arguments})"


def _unlisted(node: nodes.Expr) -> nodes.Expr:
    """What ``list`` is applied to: it has as many items."""
    while isinstance(node, nodes.Filter) and first_name(node.name) == "list" and node.node is not None:
        node = node.node
    return node


def is_list(evaluator: EvaluatorInterface, node: nodes.Node) -> bool:
    """Whether the expression is a list, whatever the variables hold."""
    if isinstance(node, nodes.Filter):
        return first_name(node.name) in _LISTS
    if isinstance(node, nodes.Name) and node.name in _HOST_LISTS:
        return True
    base = node.node if isinstance(node, (nodes.Getattr, nodes.Getitem)) else None
    if isinstance(base, nodes.Name) and base.name == "groups":
        return True
    return as_seq(evaluator.value(node)) is not None


def _test(evaluator: EvaluatorInterface, node: nodes.Test, depth: int) -> str:
    text = tested(canonical(evaluator, node.node, depth), first_name(node.name), arguments_of(evaluator, node, depth))
    return f"({text})"


def _call(evaluator: EvaluatorInterface, node: nodes.Call, depth: int) -> str:
    called = canonical(evaluator, node.node, depth)
    return f"Call({', '.join(part for part in (called, arguments_of(evaluator, node, depth)) if part)})"


def _compare(evaluator: EvaluatorInterface, node: nodes.Compare, depth: int) -> str:
    rest = " ".join(f"{operand.op} {canonical(evaluator, operand.expr, depth)}" for operand in node.ops)
    return f"({canonical(evaluator, node.expr, depth)} {rest})"


def _fields(evaluator: EvaluatorInterface, node: nodes.Node, depth: int) -> str:
    """Any other kind of node: its name, and all that it holds."""
    held = (_field(evaluator, value, depth) for name, value in node.iter_fields() if name != "ctx")
    return f"{type(node).__name__}({', '.join(held)})"


def _field(evaluator: EvaluatorInterface, value: object, depth: int) -> str:
    if isinstance(value, nodes.Node):
        return canonical(evaluator, value, depth)
    if isinstance(value, (list, tuple)):
        return ", ".join(_field(evaluator, item, depth) for item in value)
    return "" if value is None else repr(value)


_WRITERS: Mapping[type[nodes.Node], _Write] = {
    nodes.Name: _name,
    nodes.Const: _const,
    nodes.Getattr: _part,
    nodes.Getitem: _part,
    nodes.Filter: _filter,
    nodes.Test: _test,
    nodes.Call: _call,
    nodes.Compare: _compare,
}


def _outline(node: nodes.Node) -> str:
    """The expression as it is written, of whatever depth."""
    parts: list[str] = []
    stack: list[object] = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, nodes.Node):
            parts.append(type(part).__name__)
            stack.extend(value for _, value in part.iter_fields())
        elif isinstance(part, (list, tuple)):
            parts.append(str(len(part)))
            stack.extend(part)
        else:
            parts.append(repr(part))
    bounds.spend(4 * len(parts))
    return " ".join(parts)


def fitted(text: str) -> str:
    """The text within bounds; of two that are equal up to there each is still another."""
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:MAX_TEXT]} {hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"
