"""A first look at a file's text for the keywords of a launch, before any parsing however they are spelled."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_reap.late_patterns import expression

_TO_COLON = rb"""["']?\s*:"""
"""What may stand between a key and its colon."""
_VALUE = rb"""[ \t]*["']?([^\s"'#,}]*)"""
_LIMIT = expression(rb"\basync(?:_val)?" + _TO_COLON + _VALUE)
_POLL = expression(rb"\bpoll" + _TO_COLON + _VALUE)
_ALIAS_AS_KEY = expression(rb"\*[\w-]+\s*:")
_KEY_ALONE = expression(rb"\?\s")
"""``? key``: with comments and lines before the colon. Questions look like it too; then the parser decides."""
BEGINS_LOOK = expression(rb"async_status|ansible_async")
WAITS_FOR_ALL = b"reap.jobs.wait"
_ESCAPED = expression(rb"""\\(?:/|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n[ \t]*)""")
"""How a text in double quotes may spell a letter, or break off in the middle of a word."""
_SPELLS_A_WORD = expression(
    rb"""\\(?:/|(?:x|u00|U000000)(?:2[d-fD-F]|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aAbB])"""
    rb"""|\r?\n[ \t]*(?:[\w./-]|\\[xuU]))"""
)
"""An escape that stands for a character of a word or a path, begins a template or breaks off in a word. Recorded
answers of web services are full of others."""
_MARKS = frozenset(b"\"'#\r\n\\")
"""What would mean something else in the text than in what it spells."""


_RETURN_ALONE = expression(rb"\r(?!\n)")
_ODD_BREAKS = tuple(each.encode() for each in "\x85\u2028\u2029")


class Keywords(NamedTuple):
    """Which of a launch's keywords the text of a file may hold."""

    bears_async: bool
    bears_poll: bool
    may_be_zero: bool
    """Whether some ``poll`` is 0 or no plain number, or some limit no plain number: below 0 Ansible never polls."""

    @classmethod
    def of(cls, data: bytes) -> Keywords:
        """The keywords in a text that is spelled out."""
        has_async, has_poll = b"async" in data, b"poll" in data
        limits = _LIMIT.findall(data) if has_async else []
        polls = _POLL.findall(data) if has_poll else []
        bears_async = bool(limits)
        may_be_zero = not all(map(bytes.isdigit, [*limits, *polls])) or not all(poll.strip(b"0") for poll in polls)
        if has_async and ((b"?" in data and _KEY_ALONE.search(data)) or (b"&" in data and _ALIAS_AS_KEY.search(data))):
            bears_async = may_be_zero = True  # a key may be an alias of a word that stands elsewhere
        return cls(bears_async, bool(polls) or may_be_zero, may_be_zero)


def spelled_out(data: bytes) -> bytes:
    """The text with the letters that escapes stand for, as far as names and keywords need them: ASCII alone.

    Breaks of lines that are neither ``\\n`` nor ``\\r\\n`` are ``\\n`` in it.
    """
    data = with_plain_breaks(data)
    return _ESCAPED.sub(_letter, data) if b"\\" in data and _SPELLS_A_WORD.search(data) else data


def with_plain_breaks(data: bytes) -> bytes:
    """The text with ``\\n`` for the other breaks of YAML 1.1; ``\\r\\n`` stays where it is the only other one."""
    if b"\r" in data and _RETURN_ALONE.search(data):
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.isascii():
        for each in _ODD_BREAKS:
            data = data.replace(each, b"\n")
    return data


def _letter(escape: re.Match[bytes]) -> bytes:
    text = escape.group()
    if text == b"\\/":
        return b"/"
    if text[1:2] not in (b"x", b"u", b"U"):
        return b""
    digits = text[2:]
    number = int(digits, 16)
    return bytes([number]) if number < 128 and number not in _MARKS else b"?"


def may_launch(data: bytes) -> bool:
    """Whether the text has both keywords of a launch."""
    words = Keywords.of(spelled_out(data))
    return words.bears_async and words.bears_poll
