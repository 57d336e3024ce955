"""Files that others wrote, read within bounds: their bytes, JSON, and INI. The YAML reader is in :mod:`yaml_nodes`.

Whoever reads a file of a project, of a run or of a host reads it through here, so that no device, pipe, giant, endless
number or lone surrogate reaches the code behind.
"""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path
from typing import Any

from ansible_reap.late_patterns import expression

MAX_CONTENT = 32 * 1024 * 1024
"""Bytes of a file of content; a larger one is an error of its own."""

MAX_SETTINGS = 1024 * 1024
"""Bytes of a file of settings."""

MAX_DIGITS = 18
"""Digits of a whole number that is kept exactly; no limit, count or time needs as many."""

VAULT_HEADER = b"$ANSIBLE_VAULT"
"""How a file begins that is vaulted as a whole."""

INI_DEFAULTS = "DEFAULT"
"""The section whose keys all others have too."""

_PAGE = 64 * 1024
_SURROGATE_ESCAPE = expression(r"\\u[dD][89a-fA-F]")


class SourceError(Exception):
    """A file that cannot be read or parsed; ``line`` counts from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class RefusedError(SourceError):
    """A file past a bound of ours: we do not read it, and Ansible may."""


def read(path: Path | str, limit: int = MAX_CONTENT) -> bytes:
    """The bytes of a regular file that is no larger than ``limit``. Raises SourceError where there is none such."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not make us wait
        try:
            return _bytes(file, limit)
        finally:
            os.close(file)
    except OSError as error:
        raise SourceError(f"cannot be read: {_why(error)}") from None
    except ValueError:  # a path with a NUL byte or a lone surrogate
        raise SourceError("cannot be read: no path can be written like that") from None


def _why(error: OSError) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)


def beginning(path: Path | str, size: int) -> bytes:
    """At most so many bytes from the file's start; none where there is no file. Only for a look at what it may be."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not make us wait
        try:
            return os.read(file, size)
        finally:
            os.close(file)
    except (OSError, ValueError):
        return b""


def read_inside(root: Path, name: str, limit: int = MAX_CONTENT) -> bytes:
    """As ``read``, of a file of the project at ``root``. Raises SourceError also where a link leads out of it."""
    path = root / name
    try:
        os.lstat(path)  # most files that are asked for are not there, and to follow a path's links costs ten times this
        top, real = os.path.realpath(root), os.path.realpath(path)
    except OSError as error:
        raise SourceError(f"cannot be read: {_why(error)}") from None
    except ValueError:  # a path with a NUL byte or a lone surrogate
        raise SourceError("cannot be read: no path can be written like that") from None
    if os.path.commonpath([top, real]) != top:
        raise SourceError("cannot be read: a link leads out of the project")
    return read(real, limit)


def _bytes(file: int, limit: int) -> bytes:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise SourceError("cannot be read: not a regular file")
    at_once = min(found.st_size or _PAGE, limit) + 1  # the kernel's own files say that they are empty
    part = os.read(file, at_once)
    if len(part) == found.st_size > 0 and len(part) <= limit:
        return part
    parts = []
    size = 0
    while part:
        size += len(part)
        if size > limit:
            raise RefusedError(f"cannot be read: larger than {limit // 1024 // 1024} MB")
        parts.append(part)
        part = os.read(file, at_once)
    return b"".join(parts)


def text_of(data: bytes) -> str:
    """The bytes as text, without a byte order mark. Raises SourceError where they are not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise SourceError(f"is not UTF-8 text (byte 0x{data[wrong.start]:02x})", line) from None


def parse_ini(text: str, *, inline_comments: bool) -> dict[str, dict[str, str]]:
    """The sections of an INI file, as ``configparser`` reads them where a key needs no value (Python 3.10 to 3.14).

    The time that it takes is in proportion to the length. There it is not: a pattern is tried at each blank of a line,
    and each error copies all errors before it. Keys are in lower case; those of INI_DEFAULTS stay where they are.
    ``inline_comments`` says whether ``;`` after a blank begins one. Raises SourceError.
    """
    found: dict[str, dict[str, list[str] | None]] = {}
    section: dict[str, list[str] | None] | None = None
    parts: list[str] | None = None
    key, indent = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        content = _without_comment(line) if inline_comments else line
        value = "" if line.lstrip().startswith(("#", ";")) else content.strip()
        if not value:
            if parts is not None and content == line and not line.strip():
                parts.append("")
            continue
        at = len(content) - len(content.lstrip())
        if key and at > indent:
            if parts is None:
                raise SourceError("goes on with a key that has no value", number)
            parts.append(value)
            continue
        indent = at
        end = value.rfind("]")
        if value[0] == "[" and end > 1:
            section, parts, key = found.setdefault(value[1:end], {}), None, ""
            continue
        if section is None:
            raise SourceError("has a key before the first section", number)
        name, delimiter, rest = _split(value)
        if not name:
            raise SourceError("has a value without a key", number)
        key = name.lower()
        parts = section[key] = [rest] if delimiter else None
    return {
        title: {name: "\n".join(parts or ()).rstrip() for name, parts in keys.items()} for title, keys in found.items()
    }


def _split(text: str) -> tuple[str, str, str]:
    name, delimiter, rest = min((text.partition(sign) for sign in "=:"), key=lambda parts: len(parts[0]))
    return name.rstrip(), delimiter, rest.lstrip()


def _without_comment(line: str) -> str:
    at = line.find(";")
    while at > 0 and not line[at - 1].isspace():
        at = line.find(";", at + 1)
    return line if at < 0 else line[:at]


def parse_json(data: bytes) -> Any:
    """The value that the JSON text holds. Raises SourceError.

    A number that no computer keeps (NaN, an infinity, 1e999) is None, a whole number of too many digits a float, and a
    lone surrogate a question mark: one such value must not cost the rest of the file.
    """
    import json  # noqa: PLC0415 - most of what is read is no JSON

    text = text_of(data)
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_float, parse_int=_integer)
        if _SURROGATE_ESCAPE.search(text):
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError:
        raise SourceError("is not JSON: nested too deeply") from None
    except json.JSONDecodeError as error:
        raise SourceError(f"is not JSON: {error.msg}", error.lineno) from None
    return value


def _no_number(_: str) -> None:
    return None


def _float(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _integer(text: str) -> int | float | None:
    return int(text) if len(text) <= MAX_DIGITS else _float(text)
