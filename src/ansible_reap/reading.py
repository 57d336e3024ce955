"""Files that others wrote, read within bounds: their bytes, and JSON. The YAML reader is in :mod:`yaml_nodes`.

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

_PAGE = 64 * 1024
_SURROGATE_ESCAPE = expression(r"\\u[dD][89a-fA-F]")


class SourceError(Exception):
    """A file that cannot be read or parsed; ``line`` counts from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def read(path: Path | str, limit: int = MAX_CONTENT) -> bytes:
    """The bytes of a regular file that is no larger than ``limit``. Raises SourceError where there is none such."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not make us wait
        try:
            return _bytes(file, limit)
        finally:
            os.close(file)
    except FileNotFoundError:
        raise SourceError("cannot be read: no such file") from None
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}") from None
    except ValueError:  # a path with a NUL byte or a lone surrogate
        raise SourceError("cannot be read: no path can be written like that") from None


def read_inside(root: Path, name: str, limit: int = MAX_CONTENT) -> bytes:
    """As ``read``, of a file of the project at ``root``. Raises SourceError also where a link leads out of it."""
    top, real = os.path.realpath(root), os.path.realpath(root / name)
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
            raise SourceError(f"cannot be read: larger than {limit // 1024 // 1024} MB")
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
