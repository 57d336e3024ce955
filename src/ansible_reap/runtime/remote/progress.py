"""Lines that tell a user who waits what is being waited for."""

from __future__ import annotations

from ansible import constants
from ansible.utils.display import Display

_DOCUMENTS = ("json", "jsonl", "null")
"""Stdout callbacks that print one document, which must not have our lines in it."""


def say(host: str, text: str) -> None:
    """A line of progress: on standard error where standard output is a document."""
    is_document = str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2] in _DOCUMENTS
    Display().display(f"async_reaper: [{host}] {text}", stderr=is_document)
