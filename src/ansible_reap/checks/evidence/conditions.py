"""Conditions (``until``, ``failed_when``) read as Jinja trees. Nothing is rendered.

jinja2 is imported by the functions that need it: a project without reaps must not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ansible_reap.content import expressions
from ansible_reap.jobs import OF_ENDED

if TYPE_CHECKING:
    from jinja2 import nodes

    from ansible_reap.content.model import Task

MAX_DEPTH = 8
_SUCCESS_TESTS = frozenset({"success", "succeeded", "successful"})
_FAILURE_TESTS = frozenset({"failed", "failure"})
_OUTCOMES = frozenset({"failed", "finished", "rc", "stderr", "msg", "exception"})
"""Attributes of a result that tell how the task ended."""


def terms(condition: object) -> list[nodes.Expr] | None:
    """The parts of a condition that must all hold: list items and the operands of ``and``. None if unreadable."""
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(condition, (list, tuple)):
        found: list[nodes.Expr] = []
        for item in condition:
            part = terms(item)
            if part is None:
                return None
            found += part
        return found
    if isinstance(condition, bool):
        return [nodes.Const(condition)]
    expression = _expression(condition) if isinstance(condition, str) else None
    return None if expression is None else list(_conjuncts(expression))


def exclude_each_other(task: Task, other: Task) -> bool:
    """Whether conditions of both want different constants of one thing, as in ``mode == 'a'`` and ``mode == 'b'``."""
    mine, theirs = (dict(_wanted(each)) for each in (task, other))
    return any(mine[what] != theirs[what] for what in mine.keys() & theirs.keys())


def _wanted(task: Task) -> Iterator[tuple[str, object]]:
    """What the conditions of the task, and of the blocks around it, compare with which constant."""
    from jinja2 import nodes  # noqa: PLC0415

    for keywords in (task.keywords, *(block.keywords for block in task.enclosing())):
        for term in terms(keywords.get("when")) or ():
            if isinstance(term, nodes.Compare) and len(term.ops) == 1 and term.ops[0].op == "eq":
                value = term.ops[0].expr
                if isinstance(value, nodes.Const):
                    yield repr(term.expr), value.value


def always_false(condition: object) -> bool:
    """Whether no value of any variable can make the condition true: one of its parts is a false constant."""
    if condition is None:
        return False
    return any(_constant(term) is False for term in terms(condition) or ())


def demands_success(term: nodes.Expr, register: str) -> bool:
    """Whether the term holds for a result that succeeded and not for one that failed."""
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(term, nodes.Not):
        return demands_failure(term.node, register)
    if isinstance(term, nodes.Test):
        return term.name in _SUCCESS_TESTS and is_variable(term.node, register)
    if isinstance(term, nodes.Compare) and len(term.ops) == 1:
        operator, value = term.ops[0].op, _constant(term.ops[0].expr)
        attribute = attribute_of(term.expr, register)
        if operator == "eq":
            return (attribute == "rc" and value == 0) or (attribute == "failed" and value is False)
        return operator == "ne" and attribute == "failed" and value is True
    return False


def demands_failure(term: nodes.Expr, register: str) -> bool:
    """Whether the term holds for a result that failed, as in ``x is failed`` or ``x.failed``."""
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(term, nodes.Test):
        return term.name in _FAILURE_TESTS and is_variable(term.node, register)
    return attribute_of(term, register) == "failed"


def demands_end(term: nodes.Expr, register: str) -> bool:
    """Whether the term holds only once the job has ended: one of the spellings of finished."""
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(term, nodes.Test):
        return term.name == "finished" and is_variable(term.node, register)
    if isinstance(term, nodes.Compare):
        return demands_end(term.expr, register)
    return attribute_of(term, register) == "finished"


def holds_until_the_end(condition: object, register: str) -> bool:
    """Whether the condition is that the job has not ended, as in ``not x.finished``: it holds while the job runs."""
    from jinja2 import nodes  # noqa: PLC0415

    found = terms(condition) or ()
    if len(found) != 1:
        return False
    term = found[0]
    if isinstance(term, nodes.Not):
        return demands_end(term.node, register) and not isinstance(term.node, nodes.Compare)
    if not isinstance(term, nodes.Compare) or len(term.ops) != 1 or not demands_end(term.expr, register):
        return False
    asked = _constant(term.ops[0].expr), term.ops[0].op
    return asked in {(0, "eq"), (1, "ne")}


def attribute_of(node: nodes.Node, register: str) -> str | None:
    """The attribute in ``x.finished`` and ``x['finished']``, also behind filters such as ``| bool``."""
    from jinja2 import nodes  # noqa: PLC0415

    while isinstance(node, nodes.Filter) and node.node is not None:
        node = node.node
    return (
        _attribute(node)
        if isinstance(node, (nodes.Getattr, nodes.Getitem)) and is_variable(node.node, register)
        else None
    )


def reads_attribute(condition: object, attribute: str) -> bool:
    """Whether any part of a condition reads the attribute, of whatever variable."""
    from jinja2 import nodes  # noqa: PLC0415

    return any(
        _attribute(node) == attribute
        for term in terms(condition) or ()
        for node in _within(term)
        if isinstance(node, (nodes.Getattr, nodes.Getitem))
    )


def attributes(condition: object, register: str) -> list[str]:
    """The attributes of the variable that a condition reads, in the order in which they stand."""
    from jinja2 import nodes  # noqa: PLC0415

    read = [
        _attribute(node)
        for term in terms(condition) or ()
        for node in _within(term)
        if isinstance(node, (nodes.Getattr, nodes.Getitem)) and is_variable(node.node, register)
    ]
    return list(dict.fromkeys(name for name in read if name))


def needs_the_end(condition: object, register: str) -> list[str]:
    """The attributes of an ended job that a condition reads without asking whether they are there."""
    if condition is None or isinstance(condition, bool):
        return []
    return [name for name in OF_ENDED if reads_bare(condition, register, name)]


def reads_bare(condition: object, register: str, attribute: str) -> bool:
    """Whether a condition reads the attribute of the variable and nothing in it sees to the attribute being there."""
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(condition, (list, tuple)):
        for item in condition:
            if reads_bare(item, register, attribute):
                return True
            if isinstance(item, str) and mentions(item, register) and _is_guarded(item):
                return False  # Ansible goes no further where this one does not hold
        return False
    if not isinstance(condition, str) or register not in condition or attribute not in condition:
        return False
    tree = _expression(condition)
    return tree is not None and _reads_bare([tree, *tree.find_all(nodes.Expr)], register, attribute)


def reads_bare_anywhere(data: object, register: str, attribute: str, depth: int = 0) -> bool:
    """Whether a template in plain data, or a bare expression of a condition in it, reads the attribute unguarded."""
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(data, dict) and depth < MAX_DEPTH:
        return any(
            reads_bare(value, register, attribute)
            if key in ("when", "that", "failed_when", "changed_when", "until")
            else reads_bare_anywhere(value, register, attribute, depth + 1)
            for key, value in data.items()
        )
    if isinstance(data, (list, tuple)) and depth < MAX_DEPTH:
        return any(reads_bare_anywhere(item, register, attribute, depth + 1) for item in data)
    if not isinstance(data, str) or register not in data or not expressions.is_template(data):
        return False
    parts = [part for part in expressions.template(data) or () if not isinstance(part, str)]
    return any(_reads_bare([part, *part.find_all(nodes.Expr)], register, attribute) for part in parts)


def _reads_bare(inside: list[nodes.Expr], register: str, attribute: str) -> bool:
    from jinja2 import nodes  # noqa: PLC0415

    subscripts = [node for node in inside if isinstance(node, (nodes.Getattr, nodes.Getitem))]
    reads = [node for node in subscripts if _attribute(node) == attribute and is_variable(node.node, register)]
    return bool(reads) and not _sees_to_it(inside)


def asks_first(term: nodes.Expr, register: str) -> bool:
    """Whether a term of a condition reads the variable and asks whether something is there, or how a task has ended."""
    return any(is_variable(node, register) for node in _within(term)) and _sees_to_it(_within(term))


def _is_guarded(condition: str) -> bool:
    tree = _expression(condition)
    return tree is not None and _sees_to_it(_within(tree))


def _sees_to_it(inside: Iterable[nodes.Node]) -> bool:
    """Whether one of the parts asks whether something is there, or how a task has ended."""
    from jinja2 import nodes  # noqa: PLC0415

    guards = ("default", "d", "defined", "undefined", "finished", "skipped", "failed", "succeeded", "success")
    for node in inside:
        if isinstance(node, (nodes.Filter, nodes.Test)) and node.name in guards:
            return True
        if isinstance(node, (nodes.Getattr, nodes.Getitem)) and _attribute(node) == "finished":
            return True
        if isinstance(node, nodes.Compare) and node.ops[0].op in ("in", "notin") and _constant(node.expr) in OF_ENDED:
            return True  # as in 'rc' in x
    return False


def judges(text: str, register: str) -> bool:
    """Whether a template or bare expression reads the register and tests how its task ended."""
    from jinja2 import nodes  # noqa: PLC0415

    if register not in text:
        return False
    parts = expressions.template(text) if expressions.is_template(text) else (expressions.expression(text),)
    for part in parts or ():
        if isinstance(part, str) or part is None:
            continue
        inside = list(_within(part))
        if not any(is_variable(node, register) for node in inside):
            continue
        for node in inside:
            if isinstance(node, nodes.Test) and node.name in _SUCCESS_TESTS | _FAILURE_TESTS | {"finished"}:
                return True
            if isinstance(node, (nodes.Getattr, nodes.Getitem)) and _attribute(node) in _OUTCOMES:
                return True
            if isinstance(node, nodes.Const) and any(word in str(node.value) for word in ("failed", "finished")):
                return True  # as in selectattr('failed') and json_query('[?failed]')
    return False


def hands_on(text: str, register: str) -> bool:
    """Whether a template's value is the whole result, or all of a loop's: who gets it may judge how it ended."""
    from jinja2 import nodes  # noqa: PLC0415

    parts = expressions.template(text) if register in text and expressions.is_template(text) else None
    for part in parts or ():
        whole: nodes.Node | str | None = part
        while isinstance(whole, nodes.Filter):
            whole = whole.node
        if isinstance(whole, (nodes.Getattr, nodes.Getitem)) and _attribute(whole) == "results":
            whole = whole.node
        if not isinstance(whole, str) and is_variable(whole, register):
            return True
    return False


def mentions(condition: object, name: str) -> bool:
    """Whether a condition reads the variable; one that does not parse may."""
    if isinstance(condition, (list, tuple)):
        return any(mentions(item, name) for item in condition)
    if not isinstance(condition, str) or name not in condition:
        return False
    expression = _expression(condition)
    return expression is None or any(is_variable(node, name) for node in _within(expression))


def _expression(condition: str) -> nodes.Expr | None:
    """The expression of a condition, with or without the braces that it should not have."""
    text = condition.strip()
    if text.startswith("{{") and text.endswith("}}"):
        text = text[2:-2].strip()
    return expressions.expression(text)


def _within(node: nodes.Node) -> Iterator[nodes.Node]:
    from jinja2 import nodes  # noqa: PLC0415

    yield node
    yield from node.find_all(nodes.Expr)


def _attribute(node: nodes.Getattr | nodes.Getitem) -> str | None:
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(node, nodes.Getattr):
        return node.attr
    value = _constant(node.arg)
    return value if isinstance(value, str) else None


def _constant(node: nodes.Node) -> object:
    """The value of a constant, also behind ``not``; None for all else."""
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(node, nodes.Not) and isinstance(node.node, nodes.Const):
        return not node.node.value
    return node.value if isinstance(node, nodes.Const) else None


def is_variable(node: nodes.Node | None, register: str) -> bool:
    """Whether the expression is the variable itself."""
    from jinja2 import nodes  # noqa: PLC0415

    return isinstance(node, nodes.Name) and node.name == register


def _conjuncts(expression: nodes.Expr) -> Iterator[nodes.Expr]:
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(expression, nodes.And):
        yield from _conjuncts(expression.left)
        yield from _conjuncts(expression.right)
    else:
        yield expression
