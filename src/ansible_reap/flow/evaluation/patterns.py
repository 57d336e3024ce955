"""Names of files and roles that templates stand for, with ``*`` where a part is not known."""

from __future__ import annotations

from ansible_reap.content import expressions
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Formula, conj
from ansible_reap.flow.evaluation.values import options, plain

MAX_PATTERNS = 24


def patterns(evaluator: Evaluator, text: object) -> list[str]:
    """The names that a template can stand for, with ``*`` where a part is not known."""
    return [pattern for _, pattern in guarded_patterns(evaluator, text)]


def guarded_patterns(evaluator: Evaluator, text: object) -> list[tuple[Formula, str]]:
    """As ``patterns``, each with the condition under which it is the one."""
    if not isinstance(text, str):
        return [(True, "*")] if text is not None else []
    if not expressions.is_template(text):
        return [(True, text)]
    parts = expressions.template(text)
    if parts is None:
        return [(True, "*")]
    found: list[tuple[Formula, str]] = [(True, "")]
    for part in parts:
        if isinstance(part, str):
            found = [(guard, start + part) for guard, start in found]
            continue
        grown: list[tuple[Formula, str]] = []
        for guard, inner in options(evaluator.value(part)):
            data = plain(inner)
            names = data if isinstance(data, list) and len(parts) == 1 else [data]
            for name in names:
                piece = str(name) if isinstance(name, (str, int, float)) and name != "__omit__" else "*"
                grown += [(conj(guard, under), start + piece) for under, start in found]
        if len(grown) > MAX_PATTERNS:
            return [(True, "*")]
        found = grown
    return found


def is_open(pattern: str) -> bool:
    """Whether the pattern says nothing at all about the name."""
    return "*" in pattern and not pattern.removesuffix(".yml").removesuffix(".yaml").strip("*/.")
