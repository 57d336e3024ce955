"""Values that a variable may be given where the walk does not look: inventories, prompts, plugins, folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from ansible_reap.content import expressions
from ansible_reap.content.library import ENCRYPTED, Library
from ansible_reap.content.source import SourceError
from ansible_reap.flow.evaluation.layers import Scope

MAX_FILES = 5000
MAX_SIZE = 1 << 20
MAX_LEVELS = 8
"""Variables that are defined by one another."""
_PASSED_OVER = (".j2", ".md", ".rst", ".html", ".js", ".css", ".svg", ".png", ".lock")
_SELDOM_INVENTORIES = (".txt", ".cfg", ".toml")
_TEMPLATE = b"{{"
_NULL = (b"", b"~", b"null", b"Null", b"NULL")
"""An interval of null is as good as 0: nobody polls then."""
_NEXT_LINE = rb"[ \t]*(?:#[^\n]*)?(?:\r?\n[ \t]*(?:#[^\n]*)?)*\r?\n( *)[^\s#]"
"""What follows a line, up to the first word of the next that is neither empty nor a comment."""
_KEYWORDS = frozenset({"async", "poll"})
"""Names that tasks give values to without setting a variable."""


def may_be_given(
    library: Library, scope: Scope, written: object, wanted: Callable[[float], bool], filters: Collection[str]
) -> bool:
    """Whether a variable behind a keyword may be given a value that is wanted by what only a run reads.

    In YAML a number counts, a question of ``vars_prompt``, and in ``host_vars`` a template; so do numbers and templates
    in files that may be an inventory and seldom are. Elsewhere, as in an inventory or a plugin, whatever is given
    counts that is no number that is not wanted. ``filters`` are those for which the project has its own.
    """
    behind, texts = _behind(written, scope)
    if any(
        re.search(rf"\|\s*(?:ansible\.(?:builtin|legacy)\.)?{re.escape(name)}\b", text)
        for name in filters
        for text in texts
    ):
        return True
    names = behind - _KEYWORDS
    if not names:
        return False
    if _may_be_encrypted(names, scope):
        return True
    alternatives = b"|".join(re.escape(name.encode(errors="replace")) for name in sorted(names))
    given = re.compile(rb"(?<![\w.])(?:" + alternatives + rb")['\"]?[ \t]*[:=](?!=)[ \t]*['\"]?([^\s'\",}\]#;]*)")
    asked = re.compile(rb"\bname['\"]?[ \t]*[:=][ \t]*['\"]?(?:" + alternatives + rb")\b")
    is_yaml = set(library.project.yaml)
    paths = [
        path for path in (*library.project.yaml, *sorted(library.project.others)) if not path.endswith(_PASSED_OVER)
    ]
    for path in paths[:MAX_FILES]:
        text = _text(library, path)
        if b"vars_prompt" in text and asked.search(text):
            return True
        is_given = path not in is_yaml and not path.endswith(_SELDOM_INVENTORIES)
        may_be_worked_out = path not in is_yaml or "host_vars/" in path
        for found in given.finditer(text):
            value = found[1]
            if not value and _has_more_below(text, found):
                continue
            if may_be_worked_out and value.startswith(_TEMPLATE):
                return True
            if _is_wanted(value, wanted, unless_number=is_given):
                return True
    return len(paths) > MAX_FILES


def _has_more_below(text: bytes, found: re.Match[bytes]) -> bool:
    """Whether the key has no value on its line, but a mapping or a list below it."""
    own = text[text.rfind(b"\n", 0, found.start()) + 1 : found.start()]
    below = re.compile(_NEXT_LINE).match(text, found.end())
    return below is not None and len(below[1]) > len(own) - len(own.lstrip(b" "))


def _may_be_encrypted(names: Collection[str], scope: Scope) -> bool:
    """Whether a file that is encrypted as a whole may set one of the variables, before what else does."""
    hidden = next((number for number, _, _ in scope.find(ENCRYPTED)), None)
    if hidden is None:
        return False
    return any(next((number for number, _, _ in scope.find(name)), hidden) >= hidden for name in names)


def _is_wanted(value: bytes, wanted: Callable[[float], bool], *, unless_number: bool) -> bool:
    try:
        return wanted(0 if value in _NULL else float(value))
    except ValueError:
        return unless_number


def _behind(written: object, scope: Scope) -> tuple[set[str], list[str]]:
    """The variables that a value is worked out of, and the texts in which they stand."""
    found: set[str] = set()
    texts = [str(written)]
    fresh = set(expressions.names_in(written))
    for _ in range(MAX_LEVELS):
        fresh -= found
        found |= fresh
        raws = [raw for name in fresh for _, _, raw in scope.find(name) if isinstance(raw, (str, list, dict))]
        texts += map(str, raws)
        fresh = {name for raw in raws for name in expressions.names_in(raw)}
    return found, texts


def _text(library: Library, path: str) -> bytes:
    try:
        return library.project.read(path)[:MAX_SIZE]
    except SourceError:
        return b""
