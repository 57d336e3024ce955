"""Our own settings: which files hold them, what they are, and errors in them. Works without importing PyYAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ansible_reap.checks.level import Level

CONFIG_FILES = (".ansible-reap.yml", ".config/ansible-reap.yml")
"""Our own, relative to the project's root."""
PYPROJECT = "pyproject.toml"
TABLE = "ansible-reap"
"""The table of tools in it that is ours."""

Options = Mapping[str, Mapping[str, Any]]
"""Rule id -> option -> value."""


class ConfigError(ValueError):
    """A configuration file that cannot be used: ``FILE:LINE: what is wrong``."""

    def __init__(self, message: str, path: str, line: int = 1) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line
        self.reason = message


class Config(NamedTuple):
    """The project's own configuration."""

    rules: Options = MappingProxyType({})
    exclude_paths: tuple[str, ...] = ()
    """Paths and patterns, relative to the root, of files in which nothing is reported."""
    select: frozenset[str] = frozenset()
    """The rules, full tags or tags to report, where the command line names none; empty: everything."""
    ignore: frozenset[str] = frozenset()
    severity: Mapping[str, Level] = MappingProxyType({})
    """Rule or full tag -> the severity that its findings have here."""
    baseline: str = ""
    """The file of known findings, relative to the root; empty where there is none."""

    def options(self, rule: str) -> Mapping[str, Any]:
        """What the project sets for this rule; the rule's defaults are not in it."""
        return self.rules.get(rule, {})


def is_there(path: Path) -> bool:
    """Whether there is a settings file, even an unreadable one; a folder does not count."""
    return path.exists() and not path.is_dir()


def has_table(text: str) -> bool:
    """Whether the text of a pyproject.toml may hold our table: most have none, and parsing takes time."""
    return f"tool.{TABLE}" in text or f'"{TABLE}"' in text
