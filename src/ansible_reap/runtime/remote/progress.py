"""Lines for the user that must not stand in the middle of a document on standard output."""

from __future__ import annotations

from ansible import constants
from ansible.utils.display import Display

_DOCUMENTS = frozenset({"json", "jsonl", "null"})
"""Stdout callbacks that print one document, or nothing.

``json`` and ``jsonl`` are of ansible.posix (1.5 to 2.1), ``null`` is of community.general (8 to 12); ansible-core
2.16 to 2.22 has none.
"""


def stdout_is_document() -> bool:
    """Whether another program reads standard output, so that a line of ours would spoil it."""
    return str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2] in _DOCUMENTS


def say(host: str, text: str) -> None:
    """Print a line of progress: on standard error where standard output is a document."""
    Display().display(f"async_reaper: [{host}] {text}", stderr=stdout_is_document())
