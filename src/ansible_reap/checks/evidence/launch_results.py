"""What a condition says of a launch's own result, which is known: the job has been started and has not ended.

jinja2 is imported by the functions that need it: a project without launches must not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_reap.checks.evidence import conditions
from ansible_reap.content.model import Task
from ansible_reap.jobs import OF_ENDED

if TYPE_CHECKING:
    from jinja2 import nodes

_HELD = {"started": 1, "finished": 0, "failed": False}
"""Attributes of a launch's result whose values are known (ansible-core 2.16 to 2.22)."""
_TESTS = {
    **dict.fromkeys(("started", "success", "succeeded", "successful"), True),
    **dict.fromkeys(("finished", "failed", "failure", "skipped", "skip"), False),
}
_NOT_KNOWN = object()


def keeps_from(task: Task, register: str, *, is_changed: bool) -> bool:
    """Whether a ``when`` of the task, or of a block around it, may keep it from running after a launch.

    That is one that does not hold of what the launch has registered, or asks for what may not be there and is not
    known to hold.
    """
    for keywords in (task.keywords, *(block.keywords for block in task.enclosing())):
        for term in conditions.terms(keywords.get("when")) or ():
            said = _truth(term, register, is_changed=is_changed)
            if said is False or (said is None and conditions.asks_first(term, register)):
                return True
    return False


def _truth(node: nodes.Node, register: str, *, is_changed: bool) -> bool | None:
    """Whether an expression holds where the register is what a launch returns; None where that is not known."""
    from jinja2 import nodes  # noqa: PLC0415

    def inner(part: nodes.Node) -> bool | None:
        return _truth(part, register, is_changed=is_changed)

    if isinstance(node, nodes.Not):
        said = inner(node.node)
        return None if said is None else not said
    if isinstance(node, (nodes.And, nodes.Or)):
        decides = isinstance(node, nodes.Or)
        sides = [inner(node.left), inner(node.right)]
        return decides if decides in sides else None if None in sides else not decides
    if isinstance(node, nodes.Test):
        return _tested(node, register, is_changed=is_changed)
    if isinstance(node, nodes.Compare):
        return _compared(node, register)
    if conditions.attribute_of(node, register) == "changed":
        return is_changed or None
    value = _value(node, register)
    return None if value is _NOT_KNOWN else bool(value)


def _tested(node: nodes.Test, register: str, *, is_changed: bool) -> bool | None:
    name = node.name.rpartition(".")[2]
    if name in ("defined", "undefined"):
        is_there = _is_there(node.node, register)
        return None if is_there is None else is_there is (name == "defined")
    if not conditions.is_variable(node.node, register):
        return None
    return (is_changed or None) if name in ("changed", "change") else _TESTS.get(name)


def _is_there(node: nodes.Node, register: str) -> bool | None:
    from jinja2 import nodes  # noqa: PLC0415

    if conditions.is_variable(node, register):
        return True
    if not isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return None
    attribute = conditions.attribute_of(node, register)
    return False if attribute in OF_ENDED else True if attribute in _HELD else None


def _compared(node: nodes.Compare, register: str) -> bool | None:
    from ansible_reap.flow.evaluation.comparisons import ORDER  # noqa: PLC0415 - it imports jinja2

    if len(node.ops) != 1:
        return None
    how, other = node.ops[0].op, node.ops[0].expr
    value = _value(node.expr, register)
    if how in ("in", "notin"):
        known = value in OF_ENDED if isinstance(value, str) else False
        return how == "notin" if known and conditions.is_variable(_mapping(other), register) else None
    second = _value(other, register)
    if value is _NOT_KNOWN or second is _NOT_KNOWN or how not in ORDER:
        return None
    try:
        return bool(ORDER[how](value, second))
    except TypeError:
        return None


def _mapping(node: nodes.Node) -> nodes.Node:
    """What the keys are of, as in ``x.keys()`` and ``x | list``."""
    from jinja2 import nodes  # noqa: PLC0415

    while True:
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr == "keys":
            node = node.node.node
        elif isinstance(node, nodes.Filter) and node.name == "list" and node.node is not None:
            node = node.node
        else:
            return node


def _value(node: nodes.Node | None, register: str) -> object:
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, nodes.Neg):
        value = _value(node.node, register)
        return -value if isinstance(value, (int, float)) else _NOT_KNOWN
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return _HELD.get(conditions.attribute_of(node, register) or "", _NOT_KNOWN)
    if isinstance(node, nodes.Filter) and node.node is not None:
        if node.name in ("default", "d"):
            is_there = _is_there(node.node, register)
            if is_there is False:
                return _value(node.args[0], register) if node.args else ""
            return _value(node.node, register) if is_there and not node.args[1:] else _NOT_KNOWN
        if node.name in ("bool", "int"):
            value = _value(node.node, register)
            return value if isinstance(value, (bool, int)) else _NOT_KNOWN
    return _NOT_KNOWN
