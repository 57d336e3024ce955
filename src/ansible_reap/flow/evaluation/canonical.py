"""The text of a condition: the same for the same condition in other words."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from jinja2 import nodes

from ansible_reap.content import expressions
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.layers import CALLED, Layer
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.values import Job, Lazy, options

_TRANSPARENT = frozenset({"bool", "string", "int", "list", "trim", "lower"})
MAX_TEXT = 400
MAX_DEPTH = 12
"""How deep an expression is put in the words that are the same for all."""


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
    """The expression as text that is the same for the same condition in other words."""
    if depth > MAX_DEPTH:
        return fitted(_outline(node))
    return fitted(_canonical(evaluator, node, depth + 1))


def _canonical(evaluator: EvaluatorInterface, node: nodes.Node, depth: int) -> str:
    if isinstance(node, nodes.Name):
        return _canonical_name(evaluator, node.name, depth)
    if isinstance(node, nodes.Const):
        return repr(node.value)
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return _canonical_part(evaluator, node, depth)
    if isinstance(node, nodes.Filter) and node.node is not None:
        inner = canonical(evaluator, node.node, depth)
        if node.name in _TRANSPARENT or node.name in ("default", "d"):
            return inner
        if node.name == "first" and not node.args:
            return f"{inner}.0"
        arguments = ", ".join(canonical(evaluator, argument, depth) for argument in node.args)
        return f"{inner}|{node.name}({arguments})"
    if isinstance(node, nodes.Test):
        arguments = ", ".join(canonical(evaluator, argument, depth) for argument in node.args)
        return f"{canonical(evaluator, node.node, depth)} is {node.name}({arguments})"
    if isinstance(node, nodes.Compare):
        rest = " ".join(f"{operand.op} {canonical(evaluator, operand.expr, depth)}" for operand in node.ops)
        return f"{canonical(evaluator, node.expr, depth)} {rest}"
    name = type(node).__name__
    parts = [canonical(evaluator, child, depth) for child in node.iter_child_nodes()]
    return f"{name}({', '.join(parts)})"


def _canonical_name(evaluator: EvaluatorInterface, name: str, depth: int) -> str:
    """A parameter that merely passes on an expression is that expression."""
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


def _canonical_part(evaluator: EvaluatorInterface, node: nodes.Getattr | nodes.Getitem, depth: int) -> str:
    key = node.attr if isinstance(node, nodes.Getattr) else None
    if isinstance(node, nodes.Getitem):
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        if key is None:
            return f"{canonical(evaluator, node.node, depth)}[{canonical(evaluator, node.arg, depth)}]"
    base = node.node
    if isinstance(base, nodes.Name) and base.name == "ansible_facts" and isinstance(key, str):
        return f"ansible_{key}"
    if isinstance(base, nodes.Name) and any(layer is Layer.LOOP for _, layer, _ in evaluator.scope.find(base.name)):
        held = evaluator.name(base.name)
        for _, inner in options(held):
            if isinstance(inner, Job) and key == inner.loop_var:
                return inner.loop_var  # what the launch looped over, in the words of the launch
    return f"{canonical(evaluator, base, depth)}.{key}"


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
