"""Escapes untrusted text for GitHub's Markdown and for workflow commands of GitHub Actions."""

from __future__ import annotations

import re

from ansible_reap.late_patterns import expression
from ansible_reap.printable import one_line, printable

_MEANINGFUL = expression(r"([\\`*_\[\]<>&|~#$!]|:(?=//)|(?<=\bwww)\.)", re.IGNORECASE)
"""Characters with a meaning in Markdown, HTML, mathematics or links; each may be escaped (CommonMark 2.4)."""


def code_span(text: str) -> str:
    """The text as a code span, in which only backticks and, within a table, the bar have a meaning."""
    text = one_line(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if longest else ""
    return f"{fence}{blank}{text}{blank}{fence}".replace("|", "\\|")


def escaped(text: str) -> str:
    """The text on one line with all Markdown escaped. An ``@`` neither mentions a user nor makes a mail address."""
    return _MEANINGFUL.sub(r"\\\1", one_line(text)).replace("@", "@<!-- -->")


def workflow_command(level: str, properties: dict[str, str], message: str) -> str:
    """A workflow command: ``level`` is ``error``, ``warning`` or ``notice``."""
    listed = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items())
    return f"::{level} {listed}::{_escape(message)}"


def _escape(text: str) -> str:
    """The escapes that the runner decodes: a line end would end the command."""
    return printable(text.replace("\r", "")).replace("%", "%25").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
