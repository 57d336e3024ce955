"""The parser of shell text, held against the grammar of bash that tree-sitter has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tree_sitter
import tree_sitter_bash
import yaml

from ansible_reap.shell.parser import Command, parse

GOLDEN = Path(__file__).parents[1] / "golden"
GRAMMAR = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
MODULES = ("shell", "ansible.builtin.shell", "command", "ansible.builtin.command", "raw", "ansible.builtin.raw")

TRICKY = (
    "# reboot is not needed\nwork --all",
    "work # reboot",
    "cat > /tmp/x <<EOF\nreboot\nEOF\nwork",
    "cat <<-'A'\n\treboot\n\tA\nwork",
    "cat <<EOF | sh\nreboot\nEOF",
    "a 2>&1 >/dev/null </dev/null & b",
    "a &>log; b >&2",
    "(a; (b && c)) | d",
    "( ( sleep 5; a ) & )",
    "{ a; b; } > log",
    "! a && b",
    "if a; then b; elif c; then d; else e; fi",
    "while ! a; do sleep 1; done; b",
    "for x in 1 2 3; do a $x & done; wait",
    "until a\ndo\n  b\ndone",
    'a "b \\" c" d\\ e',
    "a \"$(b 'c d')\" `e` f",
    "x=$(a | b); y=1 c $x",
    "a ${b:-c d} ${#e}",
    "a $((1 + (2 * 3))) b",
    "(( x > 3 )) && a",
    "diff <(a) <(b)",
    "a \\\n  --b \\\n  c",
    "a<<<'b c' d",
    "a; # b; c\nd",
    "a '#b' c#d",
    "a || b && c | d",
    "nohup a > b 2>&1 < /dev/null &",
    "export A=1 B='2 3'\na",
    "a --b='c d' --e=\"f g\"",
)


def texts() -> Iterator[str]:
    """What the tasks of the golden cases hand to a shell, without the Jinja in it."""
    for file in sorted(GOLDEN.rglob("*.yml")):
        try:
            documents = list(yaml.load_all(file.read_text(encoding="utf-8"), Loader=_Loader))
        except (yaml.YAMLError, UnicodeDecodeError):
            continue
        yield from _texts(documents)


class _Loader(yaml.SafeLoader):
    """Reads any tag as nothing."""


_Loader.add_multi_constructor("", lambda loader, suffix, node: None)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _texts(item)
    elif isinstance(node, dict) and "executable" not in str(node.get("args")):
        yield from _texts_of_a_mapping(node)


def _texts_of_a_mapping(node: dict[Any, Any]) -> Iterator[str]:
    for key, value in node.items():
        if key in MODULES:
            other = isinstance(value, dict) and "executable" in value
            text = value.get("cmd", value.get("_raw_params")) if isinstance(value, dict) else value
            if isinstance(text, str) and not other:
                yield JINJA.sub("JINJA", text)
        else:
            yield from _texts(value)


def by_grammar(text: str) -> list[tuple[str, int]] | None:
    """Each simple command's program and how many arguments it has; None where the grammar does not take the text."""
    root = GRAMMAR.parse(text.encode()).root_node
    if root.has_error:
        return None
    found: list[tuple[str, int]] = []
    _commands(root, found)
    return found


def _commands(node: tree_sitter.Node, found: list[tuple[str, int]]) -> None:
    if node.type in ("command_substitution", "process_substitution", "heredoc_body", "test_command"):
        return
    if node.type == "command":
        name = next(child for child in node.children if child.type == "command_name")
        skipped = ("command_name", "variable_assignment", "file_redirect", "herestring_redirect", "heredoc_redirect")
        arguments = [child for child in node.named_children if child.type not in skipped]
        found.append(((name.text or b"").decode().rpartition("/")[2], len(arguments)))
        return
    if node.type == "declaration_command":
        found.append((node.children[0].type, len(node.named_children)))
        return
    for child in node.children:
        _commands(child, found)


def by_us(text: str) -> list[tuple[str, int]]:
    """The same by our parser: conditions in brackets, loop heads and arithmetic are no commands."""
    return [
        (command.argv[0], len(command.argv) - 1) for command in parse(text) if not command.depth and _is_one(command)
    ]


def _is_one(command: Command) -> bool:
    heads = {"for", "case", "select", "function"}
    return (
        bool(command.argv)
        and heads.isdisjoint(command.reserved)
        and command.argv[0] not in ("[", "[[")
        and not command.argv[0].startswith("((")
    )


@pytest.mark.parametrize("text", TRICKY)
def test_tricky_texts_are_cut_as_the_grammar_cuts_them(text: str) -> None:
    expected = by_grammar(text)
    assert expected is not None
    assert by_us(text) == expected


def test_the_commands_of_the_golden_cases_are_cut_as_the_grammar_cuts_them() -> None:
    compared, different = 0, []
    for text in sorted(set(texts())):
        expected = by_grammar(text)
        if expected is None or " case " in f" {text}":
            continue
        compared += 1
        if by_us(text) != expected:
            different.append((text, by_us(text), expected))
    assert not different
    assert compared > 80
