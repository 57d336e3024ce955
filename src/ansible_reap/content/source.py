"""Files of content: what is asked of their bytes and of their nodes. Nothing here knows what a playbook is."""

from __future__ import annotations

from collections.abc import Sequence

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap import json_nodes, yaml_nodes
from ansible_reap.reading import VAULT_HEADER, SourceError
from ansible_reap.yaml_nodes import MAX_DEPTH, Hidden, Undecided, Unsafe, may_merge, pairs, plain, refuse_undecided

__all__ = [
    "MAX_DEPTH",
    "Hidden",
    "SourceError",
    "Undecided",
    "Unsafe",
    "check",
    "compose",
    "compose_text",
    "end_line",
    "is_vaulted",
    "may_merge",
    "pairs",
    "plain",
    "refuse_undecided",
]


def is_vaulted(data: bytes) -> bool:
    """Whether the whole file is vaulted."""
    return data.startswith(VAULT_HEADER)


def compose(data: bytes) -> Node | None:
    """As Ansible does, as JSON, else as ``yaml_nodes.compose``; None for a vaulted file too. Raises SourceError."""
    if is_vaulted(data):
        return None
    return json_nodes.compose(data, MAX_DEPTH) or yaml_nodes.compose(data)


def check(data: bytes) -> None:
    """Whether the text parses: a fifth of the cost of composing. Raises SourceError."""
    if not is_vaulted(data) and not json_nodes.is_json(data):
        yaml_nodes.check(data)


def without_statements(data: bytes) -> bytes:
    """The text with lines of nothing but Jinja statements blanked, as a project template reads once it is rendered."""
    return b"\n".join(
        b"" if line.strip().startswith(b"{%") and line.strip().endswith(b"%}") else line for line in data.split(b"\n")
    )


def compose_text(data: bytes) -> Node | None:
    """As ``compose``; a project template gets a second chance without its own statements."""
    try:
        return compose(data)
    except SourceError:
        if b"{%" not in data:
            raise
        return compose(without_statements(data))


def end_line(node: Node, lines: Sequence[str] = ()) -> int:
    """The last line (from 1) that the node's text stands on; a block's end mark lies at the start of what follows.

    Blank lines after a folded text (``>``) count as its own unless the file's ``lines`` are given.
    """
    line = 0
    while isinstance(node, (MappingNode, SequenceNode)):
        start = int(node.start_mark.line) + 1
        if node.flow_style:
            return max(line, int(node.end_mark.line) + 1)
        if not node.value:
            return max(line, start)
        last = node.value[-1]
        if isinstance(node, SequenceNode):
            line, node = max(line, start), last
            continue
        key, node = last
        line = max(line, int(key.end_mark.line) + 1)
        if node.start_mark.line < key.start_mark.line:
            return line  # an alias stands elsewhere, and so does an empty value
    return max(line, _end_of_scalar(node, lines))


def _end_of_scalar(node: Node, lines: Sequence[str]) -> int:
    first = int(node.start_mark.line) + 1
    if not isinstance(node, ScalarNode):
        return first
    end = int(node.end_mark.line)
    if node.end_mark.column > 0 or end < first:  # a block scalar ends within a line at the end of the file alone
        end += 1
    keeps = node.value.endswith("\n\n")  # blank lines after it are part of the text (``|+``, ``>+``)
    if node.style == "|" and not keeps:
        end = min(end, first + node.value.rstrip("\n").count("\n") + 1)
    elif node.style == ">" and not keeps:
        while first < end <= len(lines) and not lines[end - 1].strip():
            end -= 1
    return max(first, end)
