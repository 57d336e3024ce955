"""``key=value`` text split up as Ansible splits it, by hand: quotes and Jinja may hold spaces."""

from __future__ import annotations

_RAW_OPTIONS = frozenset(
    {"creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends", "argv"}
)
"""Options that the free form of command, shell and script takes out of the text (ansible-core 2.16 to 2.22)."""
_OPENERS = {"{{": "}}", "{%": "%}", "{#": "#}"}


def words(text: str) -> list[str]:
    """The text cut at blanks that stand in no quotes and no Jinja."""
    if not any(char in text for char in " \t\n'\"{"):
        return [text] if text else []
    out: list[str] = []
    start: int | None = None
    closer: str | None = None
    quote: str | None = None
    at = 0
    while at < len(text):
        char = text[at]
        if closer is not None:
            if text.startswith(closer, at):
                closer = None
                at += 2
                continue
        elif quote is not None:
            if char == quote and text[at - 1] != "\\":
                quote = None
        elif text[at : at + 2] in _OPENERS:
            closer = _OPENERS[text[at : at + 2]]
            start = at if start is None else start
            at += 2
            continue
        elif char.isspace():
            if start is not None:
                out.append(text[start:at])
                start = None
            at += 1
            continue
        elif char in "\"'":
            quote = char
        start = at if start is None else start
        at += 1
    if start is not None:
        out.append(text[start:])
    return out


def split(text: str, module: str) -> dict[str, object]:
    """The arguments that ``text`` spells; what is free-form stands under ``_raw_params``."""
    short = module.rsplit(".", 1)[-1]
    raw = short in {"command", "shell", "raw", "script", "win_command", "win_shell"}
    args: dict[str, object] = {}
    if raw and "=" not in text:
        return {"_raw_params": text}
    rest: list[str] = []
    for word in words(text):
        key, equals, value = word.partition("=")
        if equals and key.isidentifier() and (not raw or key in _RAW_OPTIONS):
            args[key] = unquoted(value)
        else:
            rest.append(word)
    if rest:
        args["_raw_params"] = text if raw and not args else " ".join(rest)
    return args


def unquoted(value: str) -> str:
    """The text without quotes around it."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
