"""Every message that a rule can give stands in a golden case: the templates are read off the rules' own source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_reap import checks
from support import golden

FOLDER = Path(checks.__file__).parent
SENTENCE = 60
"""Characters from which on a text that a function returns is a message, or a good part of one."""


def pattern(node: ast.expr | None) -> str | None:
    """The text as an expression that its messages match; None for what is no text written there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(pattern(part) or ".*" for part in node.values)
    return None


def templates() -> Iterator[tuple[str, str]]:
    """Where each message is made, and its pattern."""
    for file in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "speak":
                text = pattern(node.args[2])
                if text:
                    yield f"{file.name}:{node.lineno}", text
            elif isinstance(node, ast.Return):
                text = pattern(node.value)
                if text and len(text) > SENTENCE:
                    yield f"{file.name}:{node.lineno}", text


MESSAGES = [
    finding["message"]
    for case in golden.cases()
    for finding in golden.expected(case)["findings"]
    if "message" in finding
]
TEMPLATES = list(templates())


def test_the_templates_are_found() -> None:
    assert len(TEMPLATES) > 30
    assert {"unreaped.py", "timeout.py", "scope.py"} <= {place.partition(":")[0] for place, _ in TEMPLATES}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template[0])
def test_a_golden_case_holds_the_message(template: tuple[str, str]) -> None:
    assert any(re.search(template[1], message, re.DOTALL) for message in MESSAGES), template[1]
