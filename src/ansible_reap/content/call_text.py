"""A first look at a file's text for calls, before any parsing: which names may be called, and whether by template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ansible_reap.late_patterns import expression

_SIGNS = (b"include", b"import_", b"role", b"dependencies", b"hosts", b"action")
_CALL = expression(rb"""include(?!_vars)|import_|(?:(roles|dependencies)|role|(hosts)|action)["']?[ \t]*:""")
"""The key of a call, from the word that marks it on; the groups mark lists of roles, and plays."""
_BEFORE = expression(rb"""(?:^|[\[{,])[ \t?-]*(?:[&!]\S*[ \t]+)*["']?(?:ansible\.(?:builtin|legacy)\.)?(?:local_)?$""")
"""What may stand before it in its line."""
_ALIAS_AS_KEY = expression(rb"\*[^\s,\[\]{}]+[ \t]+:(?=\s)")
_NOT_WORDS = bytes(byte if (chr(byte).isalnum() and byte < 128) or byte in b"_-" else 32 for byte in range(256))
"""Blanks for whatever is no part of a word."""
_CALLED = expression(
    rb"""(?<![\w-])(?:(name|roles?|include_role|import_role)|include\w*|import_\w+|file|(?:tasks|handlers)_from|action"""
    rb"""|_raw_params)["']?[ \t]*[:=][ \t]*"""
)
"""What a name of a file or a role stands behind. The group marks names of roles."""
_OPEN = expression(rb"""[*>|]|[&!]\S*[ \t]+[*>|]|["'][^"'\n]*\n|[^\n]*?\{[{%]""")
"""A name that is no plain text beside its key: an alias, a block, a text that goes on in the next line, a template."""
_ODD = expression(rb"""\{[{%]|[:=][ \t]*(?:[*&!>|]|["'][^"'\n]*\n)""")
"""What each of them has, and few other calls."""
_NAME_BELOW = expression(
    rb""":[ \t]*(?:[&!]\S*[ \t]+)*(?:[&!]\S*)?(?:\#[^\n]*)?\r?\n(?:[ \t]*(?:\#[^\n]*)?\r?\n)*[ \t]+"""
    rb"""(?![ \t]|["']?[\w.-]+["']?[ \t]*:|-\s)"""
)
"""What stands between a key and a value that begins in a later line, and is neither a mapping nor a list."""
_KEY_ALONE = expression(rb"(?:\A|[\n\[{,])[ \t-]*\?\s")
"""``? key``, whose value stands elsewhere."""
_TEMPLATE = expression(rb"\{\{.*?\}\}|\{%.*?%\}")
_YAML_NAME = expression(rb"""["']?[\w./-]*\.ya?ml["']?\s*""")
_COMMENT = expression(rb"[ \t]\#")
_ARGS = expression(rb"""args["']?[ \t]*:""")
_MAPPING = expression(rb"""(?:(?:---)?[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*(["']?)[\w.-]+\1[ \t]*:(?=\s)""")
"""The beginning of a mapping in block style, behind comments and the mark of a document."""
BEFORE_LENGTH = 200
"""How far into its line a call's key may begin, in bytes; some files are a single line of a megabyte."""
CALL_LENGTH = 500
"""How far after its key a call's name is looked for at the least, in bytes: in quotes, lines may begin anywhere."""
MAX_LINE = 1000
"""Bytes of a line in which each name is looked at; in a longer one any may be open."""


class CallText(NamedTuple):
    """What the text of a file's calls holds: every word, and whether some name is not written out beside its call."""

    words: frozenset[bytes]
    is_templated: bool
    may_end_otherwise: bool = False
    """Whether such a name may be that of a file which does not end as YAML does."""


def call_text(data: bytes) -> CallText | None:
    """The text of the calls; None for a file that calls nothing: of mappings only a role's ``meta`` does."""
    if _MAPPING.match(data) and b"dependencies" not in data:
        return None
    signs = [sign for sign in _SIGNS if sign in data]
    if not signs:
        return None
    if data.lstrip()[:1] in (b"[", b"{"):
        is_templated = any(sign in data for sign in (b"{{", b"{%", b"*"))
        return CallText(frozenset(_words(data)), is_templated, is_templated)
    if b"*" in data and b"&" in data and _ALIAS_AS_KEY.search(data):
        return CallText(frozenset(_words(data)), is_templated=True, may_end_otherwise=True)
    calls = sorted(call for sign in signs for call in _calls(data, sign))
    if not calls:
        return None
    if b"args" in data and _ARGS.search(data):  # which may stand before a call's own key
        parts = [data]
    else:
        parts, end = [], 0
        for start, after in calls:
            parts.append(data[max(start, end) : after])
            end = max(end, after)
    has_odd = [part for part in parts if _ODD.search(part) is not None]
    if has_odd and b"?" in data and _KEY_ALONE.search(data):
        endings = [False]
    else:
        endings = [ends_as_yaml for part in has_odd for ends_as_yaml in _open_names(part)]
    return CallText(frozenset(_words(b" ".join(parts))), bool(endings), not all(endings))


def _open_names(part: bytes) -> Iterator[bool]:
    """Of each name that is no plain text beside its key, whether it can be that of no file but one that ends as YAML.

    So it is for the name of a role. Only lines in which something is odd are looked at: the expressions are slow.
    """
    part = _NAME_BELOW.sub(b": ", part)
    end = 0
    while (odd := _ODD.search(part, end)) is not None:
        start = part.rfind(b"\n", 0, odd.start()) + 1
        end = part.find(b"\n", odd.start()) + 1 or len(part)
        line = part[start:end]
        for found in _CALLED.finditer(line):
            if len(line) > MAX_LINE:
                yield False
                break
            if _OPEN.match(line, found.end()):
                yield found.group(1) is not None or _ends_as_yaml(line[found.end() :])


def _ends_as_yaml(name: bytes) -> bool:
    """Whether a name ends as YAML whatever its templates give; a comment may stand behind it."""
    return _YAML_NAME.fullmatch(_TEMPLATE.sub(b"", _COMMENT.split(name, 1)[0])) is not None


def _calls(data: bytes, sign: bytes) -> Iterator[tuple[int, int]]:
    """Where the lines of calls with this marking word begin, and where each call ends.

    The word is searched for first and what is around it checked then: one pattern for both takes five times as long.
    """
    at = data.find(sign)
    while at >= 0:
        match = _CALL.match(data, at)
        if match is not None:
            nearest = max(0, at - BEFORE_LENGTH)
            line = data.rfind(b"\n", nearest, at) + 1
            start = max(nearest, line)
            if _BEFORE.search(data[start:at]):
                yield start, _end(data, start, match)
        at = data.find(sign, at + len(sign))


def _end(data: bytes, start: int, call: re.Match[bytes]) -> int:
    """Where the task ends that bears the call's key, or the list of roles: with the first line less far in."""
    least = call.end() + CALL_LENGTH
    if call.group(2) is not None:
        return least
    key = data[start : call.start()]
    indent = len(key) - len(key.lstrip(b" -"))
    outside = _less_than(indent, is_list=call.group(1) is not None).search(data, call.end())
    end = outside.start() if outside is not None else len(data)
    inside = data[start:end]
    if inside.count(b"{") != inside.count(b"}") or inside.count(b"[") != inside.count(b"]"):
        return len(data)
    return max(end, least) if inside.count(b'"') % 2 or inside.count(b"'") % 2 else end


@lru_cache(maxsize=64)
def _less_than(indent: int, *, is_list: bool) -> re.Pattern[bytes]:
    """A line that stands less far in, or, behind a list, as far in without being an entry; not comments."""
    depth = min(indent, BEFORE_LENGTH)
    as_far = rb"|\n {%d}[^\s#-]" % depth if is_list else b""
    return re.compile((rb"\n {0,%d}[^\s#]" % (depth - 1) if depth else rb"(?!)") + as_far)


def telling_word(name: str) -> bytes:
    """The part of a name by which it is looked up among the words."""
    return max(_words(name.encode(errors="replace")), key=len, default=b"")


def words_of(name: str) -> frozenset[bytes]:
    """All words of a name, which stand in the calls that have it."""
    return frozenset(_words(name.encode(errors="replace")))


def _words(text: bytes) -> list[bytes]:
    return text.translate(_NOT_WORDS).split()
