"""Our own configuration, ``.ansible-reap.yml``: the rules' options.

```yaml
rules:
  async-timeout:
    headroom: 3
```
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from yaml.nodes import MappingNode, Node, ScalarNode

from ansible_reap.reading import MAX_SETTINGS, SourceError, read
from ansible_reap.wording import did_you_mean
from ansible_reap.yaml_nodes import compose, pairs, plain

CONFIG_FILES = (".ansible-reap.yml", ".config/ansible-reap.yml")

MAX_NUMBER = 1_000_000_000
"""What an option that is a number must stay below."""

Options = Mapping[str, Mapping[str, Any]]
"""Rule id -> option -> value."""


class ConfigError(ValueError):
    """A configuration file that cannot be used: ``FILE:LINE: what is wrong``."""

    def __init__(self, message: str, path: str, line: int = 1) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line
        self.reason = message


@dataclass(frozen=True, slots=True)
class Config:
    """The project's own configuration."""

    rules: Options = field(default_factory=dict)

    def options(self, rule: str) -> Mapping[str, Any]:
        """What the project sets for this rule; the rule's defaults are not in it."""
        return self.rules.get(rule, {})


def load_config(root: Path, known: Options) -> Config:
    """Read the configuration of the project at ``root``.

    ``known`` holds the rules' options with their defaults, which also say of what type a value must be. Raises
    ConfigError for what is unknown or of another type: a misspelt option must not pass in silence.
    """
    found = [name for name in CONFIG_FILES if is_there(root / name)]
    if not found:
        return Config()
    name = found[0]
    if len(found) > 1:
        raise ConfigError(f"'{found[1]}' exists too; keep one of them", name)
    node = _compose(root / name, name)
    if node is None:
        return Config()
    return _Reader(name, known).config(node)


def is_there(path: Path) -> bool:
    """Whether there is a file of settings, be it one that cannot be read; a folder is none."""
    return path.exists() and not path.is_dir()


def load_mapping(path: Path, name: str) -> dict[str, Any]:
    """The YAML mapping in a file; empty where the file is. Raises ConfigError, which calls the file ``name``."""
    node = _compose(path, name)
    if node is None:
        return {}
    value = plain(node)
    if not isinstance(value, dict):
        raise ConfigError("expected a mapping", name)
    return value


def _compose(path: Path, name: str) -> Node | None:
    try:
        return compose(read(path, MAX_SETTINGS))
    except SourceError as error:
        raise ConfigError(error.message, name, error.line) from error


class _Reader:
    """Turns the nodes into a Config; every complaint knows its line."""

    def __init__(self, name: str, known: Options) -> None:
        self._name = name
        self._known = known

    def config(self, node: Node) -> Config:
        rules: dict[str, Mapping[str, Any]] = {}
        for key, value in self._items(node, "the file"):
            self._check_known(key, ["rules"], "key")
            for rule, options in self._items(value, "'rules'"):
                self._check_known(rule, self._known, "rule")
                rules[rule.value] = dict(self._option(rule.value, *item) for item in self._items(options, rule.value))
        return Config(rules)

    def _option(self, rule: str, key: ScalarNode, value: Node) -> tuple[str, Any]:
        defaults = self._known[rule]
        self._check_known(key, defaults, f"option of {rule}:")
        data = plain(value)
        expected = _type_name(defaults[key.value])
        if _type_name(data) != expected:
            self._refuse(value, f"'{key.value}' of {rule} must be a {expected}, not {reprlib.repr(data)}")
        if expected == "number" and not 0 <= data < MAX_NUMBER:
            self._refuse(value, f"'{key.value}' of {rule} must be a number from 0 to {MAX_NUMBER}, not {data}")
        return str(key.value), data

    def _items(self, node: Node, what: str) -> Iterator[tuple[ScalarNode, Node]]:
        if isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null":
            return
        if not isinstance(node, MappingNode):
            self._refuse(node, f"{what} must be a mapping")
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, f"a key of {what} must be a word")
        for _, key, value in pairs(node):
            if isinstance(key, ScalarNode):
                yield key, value

    def _check_known(self, key: ScalarNode, known: Mapping[str, Any] | list[str], kind: str) -> None:
        if key.value not in known:
            self._refuse(key, f"unknown {kind} '{key.value}'{did_you_mean(str(key.value), known)}")

    def _refuse(self, node: Node, message: str) -> NoReturn:
        raise ConfigError(message, self._name, node.start_mark.line + 1)


def _type_name(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    names: dict[type, str] = {str: "string", list: "list", tuple: "list", dict: "mapping"}
    return names.get(type(value), "value")
