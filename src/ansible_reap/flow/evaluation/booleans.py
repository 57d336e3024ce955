"""What is asked of a truth: ``x``, ``x | bool``, ``x == true`` and ``x is true`` differ where x is no boolean.

The text "no" is true by itself and false by ``bool``, and "yes" is not equal to true (ansible-core 2.16 to 2.22; since
2.19 ``when: x`` fails where x is no boolean). Each of the four holds only where those before it do.
"""

from __future__ import annotations

from jinja2 import nodes

from ansible_reap.flow.evaluation.canonical import canonical, key_of
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, decided, neg
from ansible_reap.flow.evaluation.plugin_names import first_name
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.records import replace

AS_BOOL, EQUAL, SAME = "|bool()", " == True", " is true"
AS_FACT = "|set_fact()"
"""What the text of a condition ends in that asks for the truth of a fact that was set to something: up to ansible-core
2.18 ``set_fact`` makes a boolean of the texts yes, no, true and false."""
_NOTHING = ("''", "[]", "{}")
"""What something equals that is empty: it is not true, but so are 0 and false (ansible-core 2.16 to 2.22)."""
_TRUE = (AS_BOOL, EQUAL, SAME)
_FALSE = {EQUAL: (" == False",), SAME: (" == False", " is false")}
_KEYS = frozenset(
    {"changed", "failed", "finished", "skipped", "unreachable", "started", "exists", "isdir", "isreg", "islnk"}
)
"""Keys under which modules of ansible-core 2.16 to 2.22 give back truths."""
_VARIABLES = frozenset({"ansible_check_mode", "ansible_diff_mode", "ansible_is_chroot", "ansible_fips"})


def taken_as_booleans(formula: Formula) -> Formula:
    """What the formula says where everything that is asked for as a truth is one, and what is not true is empty."""

    def plainly(atom: Atom) -> Formula | None:
        if atom.text.endswith(AS_FACT) or atom.constant in _NOTHING:
            return True
        for ending in (*_TRUE, *_FALSE[SAME]):
            if atom.text.endswith(ending):
                truth = replace(atom, text=atom.text.removesuffix(ending))
                return truth if ending in _TRUE else neg(truth)
        return None

    return decided(formula, plainly)


def is_boolean(node: nodes.Node) -> bool:
    """Whether the expression is a truth, whatever the variables of the user hold."""
    if isinstance(node, nodes.Filter):
        return first_name(node.name) == "bool"
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return key_of(node) in _KEYS
    if isinstance(node, nodes.Name):
        return node.name in _VARIABLES
    return isinstance(node, (nodes.Not, nodes.Test, nodes.Compare))


def stands(text: str, about: frozenset[int]) -> Formula:
    """That something holds, of its text: what a variable passes on may end in ``bool``."""
    atom = Atom(text, about=about)
    return conj(stands(text.removesuffix(AS_BOOL), about), atom) if text.endswith(AS_BOOL) else atom


def converted(text: str, form: str) -> Formula:
    """That it holds as a boolean."""
    said = stands(text, frozenset())
    return said if text.endswith(AS_BOOL) else conj(said, Atom(f"{text}{form}"))


def is_true(evaluator: EvaluatorInterface, node: nodes.Node, form: str, about: frozenset[int]) -> Formula:
    """Whether the expression is true in one of the three forms."""
    if is_boolean(node):
        return evaluator.truth(node)
    text = canonical(evaluator, node)
    forms = () if about else _TRUE[: _TRUE.index(form) + 1]
    return conj(Atom(text, about=about), *(Atom(f"{text}{each}") for each in forms))


def is_false(evaluator: EvaluatorInterface, node: nodes.Node, form: str, about: frozenset[int]) -> Formula:
    """Whether the expression equals false, or is false itself."""
    if is_boolean(node):
        return neg(evaluator.truth(node))
    text = canonical(evaluator, node)
    forms = () if about else _FALSE[form]
    return conj(neg(Atom(text, about=about)), *(Atom(f"{text}{each}") for each in forms))
