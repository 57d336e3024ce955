"""What ansible-lint's configuration and ignore file leave out, read as ansible-lint reads them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ansible_reap.late_patterns import expression
from ansible_reap.linting.ignore_lines import IgnoreLines
from ansible_reap.linting.problems import ConfigError, is_there
from ansible_reap.reading import MAX_SETTINGS, SourceError, read_inside, text_of

CONFIG_FILES = (
    ".ansible-lint",
    ".ansible-lint.yml",
    ".ansible-lint.yaml",
    ".config/ansible-lint.yml",
    ".config/ansible-lint.yaml",
)
"""ansible-lint 26.10 looks for these in this order; the first that exists counts."""

IGNORE_FILES = (".ansible-lint-ignore", ".config/ansible-lint-ignore.txt")

IGNORE_HEADER = "# This file contains ignores rule violations for ansible-lint\n"
"""The first line that ansible-lint's own ``--generate-ignore`` writes (25.1 to 26.10)."""

_WILDCARD = expression(r"[*?\[]")


class LintConfig(NamedTuple):
    """The keys of ``.ansible-lint`` that decide what is reported. Names are rule ids, full tags or a rule's tags."""

    skip: frozenset[str] = frozenset()
    warn: frozenset[str] = frozenset()
    enable: frozenset[str] = frozenset()
    exclude: tuple[str, ...] = ()
    """Absolute paths or patterns: those of our own settings."""
    ignore_lines: IgnoreLines = IgnoreLines()
    """The entries of its ``exclude_paths``, which count from ``root``."""
    root: str = ""

    def excludes(self, path: str | os.PathLike[str]) -> bool:
        """Whether the file (absolute path) is left out: by a line, below a path, or by a pattern that matches."""
        name = os.fspath(path)
        if name.startswith(f"{self.root}/") and self.ignore_lines.leave_out(name[len(self.root) + 1 :]):
            return True
        return any(
            name.startswith(pattern)
            or fnmatch(name, pattern)
            or fnmatch(name, f"{pattern.rstrip('/')}/*")
            or PurePosixPath(name).match(pattern)
            for pattern in self.exclude
            if name.startswith(_WILDCARD.split(pattern, maxsplit=1)[0]) or not pattern.startswith("/")
        )


def load_lint_config(root: Path) -> LintConfig:
    """Read the project's ansible-lint configuration; without one nothing is left out. Raises ConfigError."""
    name = next((name for name in CONFIG_FILES if is_there(root / name)), None)
    if name is None:
        return LintConfig()
    from ansible_reap.linting.config import load_mapping  # noqa: PLC0415 - PyYAML is needed where there is such a file

    values = load_mapping(root / name, name)
    return LintConfig(
        skip=frozenset(_names(values, "skip_list", name)),
        warn=frozenset(_names(values, "warn_list", name)),
        enable=frozenset(_names(values, "enable_list", name)),
        ignore_lines=IgnoreLines(_names(values, "exclude_paths", name)),
        root=str(root),
    )


def _names(values: dict[str, Any], key: str, file: str) -> list[str]:
    value = values.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str | int) for item in value):
        raise ConfigError(f"'{key}' must be a list of names", file)
    return [str(item) for item in value]


class IgnoreEntry(NamedTuple):
    """One line of the ignore file: findings of exactly this tag in this file are known."""

    path: str
    tag: str
    is_silent: bool
    """``skip``: not even listed as a warning."""
    line: int


class IgnoreFile(NamedTuple):
    """The project's ignore file; ``name`` is relative to the root, and is set even where there is no file yet."""

    name: str = IGNORE_FILES[0]
    entries: tuple[IgnoreEntry, ...] = ()

    def by_place(self) -> dict[tuple[str, str], list[IgnoreEntry]]:
        """The entries by file and tag, those that say ``skip`` first. One that names a rule alone ignores nothing."""
        found: dict[tuple[str, str], list[IgnoreEntry]] = {}
        for entry in sorted(self.entries, key=lambda each: not each.is_silent):
            found.setdefault((entry.path, entry.tag), []).append(entry)
        return found


def load_ignore_file(root: Path) -> IgnoreFile:
    """Read ``.ansible-lint-ignore``. Raises ConfigError for a line that ansible-lint would refuse."""
    name = next((name for name in IGNORE_FILES if is_there(root / name)), None)
    if name is None:
        return IgnoreFile()
    try:
        lines = text_of(read_inside(root, name, MAX_SETTINGS)).splitlines()
    except SourceError as error:
        raise ConfigError(error.message, name, error.line) from error
    return IgnoreFile(name, tuple(_entries(lines, name)))


def merged(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    """An ignore file's text with these pairs of file and full tag added; existing lines are kept."""
    known = {tuple(line.split("#")[0].split()[:2]) for line in text.splitlines()}
    added = sorted({f"{path} {tag}\n" for path, tag in pairs if (path, tag) not in known})
    if added and not text:
        text = IGNORE_HEADER
    elif added and not text.endswith("\n"):
        text += "\n"
    return text + "".join(added)


def is_expressible(path: str) -> bool:
    """Whether the ignore file can name the file: its fields end at blanks, and a ``#`` begins a comment."""
    return "#" not in path and len(path.split()) == 1


def _entries(lines: list[str], name: str) -> Iterable[IgnoreEntry]:
    for number, line in enumerate(lines, 1):
        fields = line.split("#")[0].split()
        if not fields:
            continue
        qualifiers = fields[2].split(",") if len(fields) == 3 else []
        if len(fields) < 2 or any(word != "skip" for word in qualifiers):
            raise ConfigError("expected 'FILE TAG' or 'FILE TAG skip'", name, number)
        yield IgnoreEntry(fields[0], fields[1], bool(qualifiers), number)
