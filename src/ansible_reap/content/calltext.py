"""A first look at a file's text for calls, before any parsing: which names may be called, and whether by template."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SIGNS = (b"include", b"import_", b"role", b"dependencies", b"hosts")
_CALL = re.compile(
    rb"""[\n\[{,][ \t-]*["']?(?:ansible\.(?:builtin|legacy)\.)?"""
    rb"""(?:include(?!_vars)|import_|(?:(roles?|dependencies)|hosts|action|local_action)["']?[ \t]*:)"""
)
"""The start of a line with which a call may begin; the group marks lists of roles."""
_NOT_WORDS = bytes(byte if (chr(byte).isalnum() and byte < 128) or byte in b"_-" else 32 for byte in range(256))
"""Blanks for whatever is no part of a word."""
_TEMPLATED = re.compile(
    rb"""^[ \t-]*["']?(?:(?:ansible\.(?:builtin|legacy)\.)?(?:include|import_)|(?:-[ \t]+)?roles?[ \t]*:)[^\n]*\{\{"""
    rb"""|^[ \t]+(?:name|role|tasks_from|file)[ \t]*:[^\n]*\{\{""",
    re.MULTILINE,
)
CALL_LENGTH = 500
"""How far after its first line a call's name may stand, in bytes."""
LIST_LENGTH = 8000
"""The same for a list of roles."""


@dataclass(frozen=True, slots=True)
class CallText:
    """What the text of a file's calls holds: every word, and whether some name may be a template."""

    words: frozenset[bytes]
    is_templated: bool


def call_text(data: bytes) -> CallText | None:
    """The text of the calls; None for a file that calls nothing."""
    if not any(sign in data for sign in _SIGNS):
        return None
    if data.lstrip()[:1] in (b"[", b"{"):
        return CallText(frozenset(_words(data)), b"{{" in data)
    data = b"\n" + data  # so that every call begins after one of a few bytes
    words: set[bytes] = set()
    is_templated = found = False
    end = 0
    for match in _CALL.finditer(data):
        found = True
        start = max(match.start(), end)
        end = max(end, match.end() + (LIST_LENGTH if match.group(1) else CALL_LENGTH))
        part = data[start:end]
        words.update(_words(part))
        is_templated = is_templated or (b"{{" in part and _TEMPLATED.search(part) is not None)
    return CallText(frozenset(words), is_templated) if found else None


def telling_word(name: str) -> bytes:
    """The part of a name by which it is looked up among the words."""
    return max(_words(name.encode()), key=len, default=b"")


def _words(text: bytes) -> list[bytes]:
    return text.translate(_NOT_WORDS).split()
