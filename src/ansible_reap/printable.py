"""Text that came from a file made fit for a terminal, a log or an XML document."""

from __future__ import annotations

from ansible_reap.late_patterns import expression

_CONTROL = expression(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff"
    "\U000e0000-\U000e007f]"
)
"""Control characters, those that turn the direction of writing or are never seen, and what no UTF-8 text holds."""
_LOG_COMMAND = expression(r"#(?=#(?:vso)?\[)")
"""What Azure Pipelines and older GitHub runners take for a command anywhere in a line of a log."""


def printable(text: str) -> str:
    """The text with control characters shown as ``\\x1b``: a task's name must command neither terminal nor log."""
    # What is printable to Python has none of these characters, and the expression takes long to compile.
    shown = text if text.isprintable() else _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
    return _LOG_COMMAND.sub(r"\\x23", shown) if "##" in shown else shown


def one_line(text: str) -> str:
    """The text on one line, fit to print. It does not begin as a command of GitHub Actions does."""
    return harmless(printable(" ".join(text.split())))


def harmless(line: str) -> str:
    """A printable line that is no command for GitHub Actions, which looks at how a line begins after its blanks."""
    return line.replace("::", r"\x3a:", 1) if line.lstrip().startswith("::") else line


def file_name(path: str) -> str:
    """The path on one line, with line ends and tabs shown too: of two names that differ, both are told apart."""
    return harmless(printable(path).replace("\n", "\\n").replace("\t", "\\t"))


def json_text(value: object) -> str:
    """The value as JSON for people and programs alike: readable, but nothing in it commands a terminal."""
    import json  # noqa: PLC0415 - text needs none of it

    text = json.dumps(value, indent=1, ensure_ascii=False)
    shown = _CONTROL.sub(lambda match: json.dumps(match.group())[1:-1], text)
    return _LOG_COMMAND.sub(r"\\u0023", shown) if "##" in shown else shown
