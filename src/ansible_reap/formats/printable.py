"""Text that came from a file made fit for a terminal, a log or an XML document."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """The text with control characters shown as ``\\x1b``: a task's name must not command the terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def one_line(text: str) -> str:
    """The text on one line, fit to print."""
    return printable(" ".join(text.split()))
