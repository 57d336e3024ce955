"""A first look at a file's text for calls, before any parsing: which names may be called, and whether by template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ansible_reap.late_patterns import expression

_ENTRY = b"tasks_from"
_CALL_SIGNS = (b"include", b"import_", _ENTRY)
_SIGNS = (b"include", b"import_", b"role", b"dependencies", b"hosts", b"action")
_CALL = expression(rb"""include(?!_vars)|import_|(?:(roles|dependencies)|role|hosts|action)["']?[ \t]*:""")
"""The key of a call, from the word that marks it on; the group marks lists of roles."""
_BEFORE = expression(rb"""(?:^|[\[{,])[ \t-]*["']?(?:ansible\.(?:builtin|legacy)\.)?(?:local_)?$""")
"""What may stand before it in its line."""
_NOT_WORDS = bytes(byte if (chr(byte).isalnum() and byte < 128) or byte in b"_-" else 32 for byte in range(256))
"""Blanks for whatever is no part of a word."""
_TEMPLATED = expression(
    rb"""^[ \t-]*["']?(?:(?:ansible\.(?:builtin|legacy)\.)?(?:include|import_)|(?:-[ \t]+)?roles?[ \t]*:)[^\n]*\{\{"""
    rb"""|^[ \t]+(?:name|role|tasks_from|file)[ \t]*:[^\n]*\{\{""",
    re.MULTILINE,
)
_MAPPING = expression(rb"""(?:(?:---)?[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*(["']?)[\w.-]+\1[ \t]*:(?=\s)""")
"""The beginning of a mapping in block style, behind comments and the mark of a document."""
BEFORE_LENGTH = 200
"""How far into its line a call's key may begin, in bytes; some files are a single line of a megabyte."""
CALL_LENGTH = 500
"""How far after its first line a call's name may stand, in bytes."""
LIST_LENGTH = 8000
"""The same for a list of roles."""

_IS_CALL = expression(rb"""(?:include(?:_\w+)?|import_\w+|tasks_from)["']?\s*[:=]""")
MAX_PADDING = 150
"""Bytes of comments and empty lines within CALL_LENGTH of a call; with more of them its name may stand beyond."""
_COMMENT = expression(rb"#(?<=[ \t\n]#)[^\n]*")
_EMPTY_LINES = expression(rb"\n(?:[ \t]*\n)+")
"""Both have a literal in front, which is searched for at the speed of memory."""
_PADDING = expression(rb"\n[ \t\r\f\v]*#[^\n]*|#[^\n]*|\n[ \t\r\f\v]+(?=\n|\Z)")
"""What may be comments and empty lines: too much rather than too little."""
_EMPTY_LINE = expression(rb"\n[ \t\r\f\v]+(?=\n|\Z)")
"""What of that has no comment."""

_NAME = rb"""["']?([^\s"',}\]#]+)"""
_NAMED = expression(rb"""(?:include(?:_tasks)?|import_(?:tasks|playbook)|tasks_from)["']?\s*[:=]?\s*""" + _NAME)
_QUOTED = expression(
    rb"""(?:(?:include(?:_tasks)?|import_(?:tasks|playbook)|tasks_from)["']?|\bfile)\s*:\s*"""
    rb"""["']([^"'\n]{1,200} [^"'\n]{1,200})["']"""
)
"""A name with blanks in it."""
_SPELLED_OTHERWISE = expression(
    rb"""(?:include(?:_tasks)?|import_(?:tasks|playbook)|tasks_from|\bfile)["']?\s*:\s*"""
    rb"""(?:(?:&\S+\s+)?[*!>|]"""
    rb"""|["']?[^\n"'{]{0,200}\{\{(?![^\n]{0,200}\.(?:ya?ml|json)["'\s]*(?:\n|$)))"""
)
"""A call by an alias, a text in a block or with a tag, or by a template that does not end as YAML does."""
_ODD = expression(rb":\s*[&*!>|]")
_FILE = expression(rb"""\bfile["']?\s*[:=]\s*""" + _NAME)
_OWN_FOLDER = expression(rb"""\{\{-?\s*(?:playbook_dir|role_path)\s*-?\}\}/""")


class CallText(NamedTuple):
    """What the text of a file's calls holds: whether some name may be a template, and every word where none is."""

    words: frozenset[bytes]
    is_templated: bool


def call_text(data: bytes, *, is_padded: bool | None = None) -> CallText | None:
    """The text of the calls; None for a file that calls nothing: of mappings only a role's ``meta`` does.

    ``is_padded`` is what the function of that name tells of the text, where it has been asked.
    """
    if b"dependencies" not in data and _MAPPING.match(data):
        return None
    signs = [sign for sign in _SIGNS if sign in data]
    if not signs:
        return None
    if is_padded or (is_padded is None and has_padded_calls(call_parts(data))):
        data = closed_up(data)
    if data.lstrip()[:1] in (b"[", b"{"):
        is_templated = b"{{" in data
        return CallText(frozenset() if is_templated else frozenset(_words(data)), is_templated)
    calls = sorted(call for sign in signs for call in _calls(data, sign))
    if not calls:
        return None
    parts: list[bytes] = []
    end = 0
    for start, length in calls:
        part = data[max(start, end) : start + length]
        end = max(end, start + length)
        if b"{{" in part and _TEMPLATED.search(part):
            return CallText(frozenset(), is_templated=True)
        parts.append(part)
    return CallText(frozenset(_words(b" ".join(parts))), is_templated=False)


def _calls(data: bytes, sign: bytes) -> Iterator[tuple[int, int]]:
    """Where the lines of calls with this marking word begin, and how far each call may reach, both in bytes.

    The word is searched for first and what is around it checked then: one pattern for both takes five times as long.
    """
    at = data.find(sign)
    while at >= 0:
        match = _CALL.match(data, at)
        if match is not None:
            nearest = max(0, at - BEFORE_LENGTH)
            start = max(nearest, data.rfind(b"\n", nearest, at) + 1)
            if _BEFORE.search(data[start:at]):
                yield start, at - start + len(match.group()) + (LIST_LENGTH if match.group(1) else CALL_LENGTH)
        at = data.find(sign, at + len(sign))


def call_parts(data: bytes) -> list[bytes]:
    """The text of each call of tasks, roles or playbooks, from its key on."""
    parts: list[bytes] = []
    for sign in _CALL_SIGNS:
        if sign == _ENTRY and not parts:
            break  # it is an argument of a call
        at = data.find(sign)
        while at >= 0:
            parts.append(data[at : at + CALL_LENGTH])
            at = data.find(sign, at + len(sign))
    return parts


def named_files(parts: Iterable[bytes]) -> set[str]:
    """The names, written out, of the files that calls may mean; too many rather than too few.

    The parts are those of a text without padded calls, or of one that is closed up.
    """
    found: set[bytes] = set()
    for part in parts:
        if b"{{" in part:
            part = _OWN_FOLDER.sub(b"", part)  # noqa: PLW2901 - the same, with less in it
        match = _NAMED.match(part)
        if match is not None:
            found.add(match.group(1))
            if b"'" in part or b'"' in part:
                found.update(_QUOTED.findall(part))
            if b"file" in part:
                found.update(_FILE.findall(part))
    return {name.removeprefix(b"file=").decode("utf-8", "replace") for name in found if b"{" not in name}


def calls_unnamed(parts: Iterable[bytes]) -> bool:
    """Whether some call may lead to a file of any ending by a name that the text alone does not tell.

    The parts are those of a text without padded calls, or of one that is closed up.
    """
    return any((b"{{" in part or _ODD.search(part)) and _SPELLED_OTHERWISE.search(part) for part in parts)


def has_padded_calls(parts: Iterable[bytes]) -> bool:
    """Whether so many comments and empty lines stand in a call that its name may be any number of them away."""
    return any(_IS_CALL.match(part) and _is_padded(part) for part in parts)


def closed_up(data: bytes) -> bytes:
    """The text without comments and empty lines."""
    return _EMPTY_LINES.sub(b"\n", _COMMENT.sub(b"", data))


def _is_padded(part: bytes) -> bool:
    if b"#" not in part and _EMPTY_LINE.search(part) is None:
        return False
    if len(b"".join(_PADDING.findall(part))) <= MAX_PADDING:
        return False
    lines = part.split(b"\n")
    padding = sum(len(line) if line.lstrip()[:1] in (b"", b"#") else len(line.partition(b"#")[2]) for line in lines)
    return padding > MAX_PADDING


def telling_word(name: str) -> bytes:
    """The part of a name by which it is looked up among the words."""
    return max(_words(name.encode(errors="replace")), key=len, default=b"")


def _words(text: bytes) -> list[bytes]:
    return text.translate(_NOT_WORDS).split()
