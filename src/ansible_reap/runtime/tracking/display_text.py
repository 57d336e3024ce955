"""Text of others made fit to be shown: one line, printable, not too long, and without registered secrets."""

from __future__ import annotations

from collections.abc import Callable

from ansible_reap.late_patterns import expression
from ansible_reap.printable import printable

LONGEST = 500
"""Characters that are kept of a name, label or message."""
MASK = "$REDACTED$"
"""What stands for a registered secret from ansible-core 2.22 on."""

_ROOM_FOR_ONE = 4
"""A character may need as much room once it is escaped; more of the text is not even looked at."""

_MOST_MASKED = 20_000
"""Characters that are masked; far more than are shown."""

_WORKFLOW_COMMAND = expression(r"(?<!\S)::(?=[A-Za-z])")
"""What GitHub Actions takes for a command where a line begins so; an address such as ``::1`` is none."""

_mask: Callable[[str], str] = str


class OutOfVault(str):
    """Text that came out of a vault: it is used, and no message shows it."""

    __slots__ = ()


def mask_with(service: Callable[[str], str]) -> None:
    """Have everything that is shown masked by ``service``: from ansible-core 2.22 there is one."""
    global _mask  # noqa: PLW0603 - one run has one service
    _mask = service


def masked(text: str) -> str:
    """The text with registered secrets taken out, where this ansible-core knows of any."""
    return _mask(text)


def fit(text: str, longest: int = LONGEST) -> str:
    """The text on one line, cut to ``longest`` characters, and harmless to terminals and logs.

    Control characters are shown as ``\\x1b``, and commands of CI logs are broken, wherever Ansible may wrap the line.
    """
    cut = text[: longest * _ROOM_FOR_ONE]
    line = " ".join(cut.split())
    line = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in line)
    line = _WORKFLOW_COMMAND.sub(r"\\x3a:", printable(line))
    return line if len(line) <= longest else line[: longest - 3] + "..."


def shown(text: str, longest: int = LONGEST) -> str:
    """``fit``, and masked first, so that no half of a secret is left where the text is cut."""
    return fit(masked(text[:_MOST_MASKED]), longest)
