"""How wide text is on a terminal: East Asian characters and emoji take two cells, combining marks none."""

from __future__ import annotations

from collections.abc import Iterator

_JOINERS = "\u200b\u200c\u200d\u2060\ufe0e\ufe0f"
"""Format characters that are not combining marks and take no room; the last ones choose an emoji's form."""


def width(text: str) -> int:
    """The cells that the text takes, without control characters in it."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cut(text: str, limit: int) -> str:
    """The beginning of the text that fits into ``limit`` cells."""
    if text.isascii():
        return text[:limit]
    used = 0
    for number, character in enumerate(text):
        used += _cells(character)
        if used > limit:
            return text[:number]
    return text


def wrap(text: str, limit: int, indent: str) -> Iterator[str]:
    """The words of the text in lines of at most ``limit`` cells, each indented; a longer word is broken."""
    room = limit - len(indent)
    line = ""
    for word in _fitting(text.split(), room):
        joined = f"{line} {word}" if line else word
        if line and width(joined) > room:
            yield indent + line
            joined = word
        line = joined
    if line:
        yield indent + line


def _fitting(words: list[str], room: int) -> Iterator[str]:
    for word in words:
        rest = word
        while width(rest) > room:
            head = cut(rest, room)
            yield head
            rest = rest[len(head) :]
        yield rest


def _cells(character: str) -> int:
    if character < "\u0300":
        return 1
    import unicodedata  # noqa: PLC0415 - most text is plain, and a check must start fast

    if character in _JOINERS or unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
