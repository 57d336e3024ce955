"""What a ``when``, ``until`` or ``failed_when`` says, as a formula."""

from __future__ import annotations

import functools
from typing import Any

from jinja2 import nodes

from ansible_reap.content import expressions
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.canonical import fitted, tree_of
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Delayed, Formula, conj, disj
from ansible_reap.flow.evaluation.layers import Layer, Scope
from ansible_reap.flow.evaluation.truths import truth
from ansible_reap.flow.evaluation.values import Const, options, plain, taints

MAX_PARTS = 400
"""Entries of a list of conditions that are read."""
_CONSTANTS = frozenset({"true", "false", "yes", "no"})
_FALSE_TEXT = frozenset({"", "false", "no", "off", "n", "f", "0", "0.0"})
"""Texts that are no condition which holds: false, or names of variables that are not there."""
MAGIC = {"ansible_check_mode": Const(value=False)}
"""Ordinary runs are not in check mode."""


def condition(evaluator: Evaluator, written: Any) -> Formula:
    """A ``when`` (or ``until``, ``failed_when``) as written: a boolean, text, or a list of which all must hold."""
    if written is None:
        return True
    if isinstance(written, list):
        parts = (bool(part) if isinstance(part, list) else condition(evaluator, part) for part in written[:MAX_PARTS])
        return conj(*parts, unread(evaluator, written[MAX_PARTS:]))
    if isinstance(written, (bool, int, dict)):
        return bool(written)  # of a collection up to ansible-core 2.18; later ones fail there
    text = str(written).strip()
    if not text:
        return True
    if text.lower() not in _CONSTANTS and not evaluator.scope.may_mean(text):
        return _delayed(text)
    tree = tree_of(text)
    if tree is None:
        return Atom(fitted(" ".join(text.split())), about=_text_taints(evaluator, text))
    folds, evaluator.folds_settings = evaluator.folds_settings, False
    before = bounds.count()
    try:
        said = _read_anew(evaluator, tree) if text.startswith("{{") else truth(evaluator, tree)
    finally:
        evaluator.folds_settings = folds
    if bounds.count() > before:  # it may ask for something else than the job's state
        return Atom(fitted(text), about=evaluator.live, is_opaque=True)
    return said


def unread(evaluator: Evaluator, parts: list[Any]) -> Formula:
    """What is left of a very long list of conditions, as one that may ask for anything."""
    if not parts:
        return True
    bounds.met(f"a list of more than {MAX_PARTS} conditions; give parts of it a name", evaluator.live)
    return Atom(fitted(" and ".join(map(str, parts))), about=evaluator.live, is_opaque=True)


def _read_anew(evaluator: Evaluator, tree: nodes.Node) -> Formula:
    """A condition in braces: Ansible takes a text to which it comes for the condition (ansible-core 2.16 to 2.22)."""
    found = [(guard, plain(value)) for guard, value in options(evaluator.value(tree))]
    if not all(isinstance(text, str) for _, text in found):
        return truth(evaluator, tree)
    return disj(*(guard for guard, text in found if text.strip().lower() not in _FALSE_TEXT))


@functools.lru_cache(maxsize=8192)
def _delayed(text: str) -> Delayed:
    return Delayed(text, _read_alone)


def _read_alone(text: str) -> Formula:
    """A condition in which nothing but settings is named."""
    tree = tree_of(text)
    if tree is None:
        return Atom(fitted(" ".join(text.split())))
    evaluator = Evaluator(Scope(((Layer.MAGIC, MAGIC),)))
    evaluator.folds_settings = False
    return truth(evaluator, tree)


def _text_taints(evaluator: Evaluator, text: str) -> frozenset[int]:
    found: set[int] = set()
    for name in expressions.names(text):
        found |= taints(evaluator.name(name))
    return frozenset(found)
