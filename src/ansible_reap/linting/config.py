"""Our own configuration: ``.ansible-reap.yml``, or the table ``[tool.ansible-reap]`` of ``pyproject.toml``.

```yaml
exclude_paths: [vendor/]
ignore: [async-background]
severity: {async-noop: high}
rules:
  async-timeout:
    headroom: 3
```

``schemas/config.json`` describes it; tools/config_schema.py makes that from what is here.
"""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ansible_reap.checks.finding import Level
from ansible_reap.linting.problems import (
    CONFIG_FILES,
    PYPROJECT,
    TABLE,
    Config,
    ConfigError,
    Options,
    has_table,
    is_there,
)
from ansible_reap.reading import MAX_SETTINGS, SourceError, read, read_inside
from ansible_reap.wording import did_you_mean, shortened
from ansible_reap.yaml_nodes import compose, pairs, plain

MAX_NUMBER = 1_000_000_000
"""What an option that is a number must stay below."""

KEYS: Mapping[str, str] = {
    "exclude_paths": "Files and folders, or patterns of them, in which nothing is reported; they are still read.",
    "select": "The rules, sub-tags and tags to report; by default all that are not opt-in.",
    "ignore": "Rules, sub-tags and tags that are not reported.",
    "severity": "The severity of a rule's findings, or of one of its sub-tags.",
    "baseline": "The file of findings that are known already, which check --generate-baseline writes.",
    "rules": "The options of the rules.",
}
"""Key -> what it is for."""


def load_config(root: Path, known: Options, names: Collection[str] = ()) -> Config:
    """Read the configuration of the project at ``root``.

    ``known`` holds the rules' options with their defaults, which also say of what type a value must be; ``names`` are
    what can be selected. Raises ConfigError for what is unknown or of another type: a misspelt option must not pass in
    silence.
    """
    found = [name for name in CONFIG_FILES if is_there(root / name)]
    table = _pyproject_table(root)
    if table is not None:
        found.append(PYPROJECT)
    if not found:
        return Config()
    name = found[0]
    if len(found) > 1:
        other = f"[tool.{TABLE}] in {PYPROJECT}" if found[1] == PYPROJECT else f"'{found[1]}'"
        raise ConfigError(f"{other} exists too; keep one of them", name)
    node = table if name == PYPROJECT else _compose(root / name, name)
    if node is None:
        return Config()
    return _Reader(name, known, names or [*known]).config(node)


def _pyproject_table(root: Path) -> Node | None:
    """Our table as YAML's nodes, so that one reader reads both; None where there is none."""
    if not is_there(root / PYPROJECT):
        return None
    try:
        text = read(root / PYPROJECT, MAX_SETTINGS).decode("utf-8", "replace")
        if not has_table(text):
            return None
        text = read_inside(root, PYPROJECT, MAX_SETTINGS).decode("utf-8", "replace")
    except SourceError as error:
        raise ConfigError(error.message, PYPROJECT, error.line) from error
    from ansible_reap.linting import toml_nodes  # noqa: PLC0415 - for the few that have one

    try:
        return toml_nodes.table(text, ("tool", TABLE))
    except toml_nodes.TomlError as error:
        raise ConfigError(error.message, PYPROJECT, error.line) from error


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
        return compose(read_inside(path.parents[name.count("/")], name, MAX_SETTINGS))
    except SourceError as error:
        raise ConfigError(error.message, name, error.line) from error


class _Reader:
    """Turns the nodes into a Config; every error names its line."""

    def __init__(self, name: str, known: Options, names: Collection[str]) -> None:
        self._name = name
        self._known = known
        self._names = names

    def config(self, node: Node) -> Config:
        found: dict[str, Node] = {}
        for key, value in self._items(node, "the file"):
            self._check_known(key, [*KEYS], "key")
            found[key.value] = value
        return Config(
            rules=dict(self._rules(found["rules"])) if "rules" in found else {},
            exclude_paths=tuple(each.value for each in self._list(found, "exclude_paths")),
            select=frozenset(self._rule_names(found, "select")),
            ignore=frozenset(self._rule_names(found, "ignore")),
            severity=dict(self._severities(found["severity"])) if "severity" in found else {},
            baseline=self._text(found, "baseline"),
        )

    def _text(self, found: Mapping[str, Node], key: str) -> str:
        node = found.get(key)
        if node is None or (isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"):
            return ""
        if not isinstance(node, ScalarNode):
            self._refuse(node, f"'{key}' must be a path")
        return str(node.value)

    def _rules(self, node: Node) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for rule, options in self._items(node, "'rules'"):
            self._check_known(rule, self._known, "rule")
            yield rule.value, dict(self._option(rule.value, *item) for item in self._items(options, rule.value))

    def _list(self, found: Mapping[str, Node], key: str) -> list[ScalarNode]:
        node = found.get(key)
        if node is None or (isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"):
            return []
        if not isinstance(node, SequenceNode) or not all(isinstance(each, ScalarNode) for each in node.value):
            self._refuse(node, f"'{key}' must be a list of words")
        return list(node.value)

    def _rule_names(self, found: Mapping[str, Node], key: str) -> Iterator[str]:
        for each in self._list(found, key):
            self._check_known(each, self._names, "rule or tag")
            yield each.value

    def _severities(self, node: Node) -> Iterator[tuple[str, Level]]:
        levels = [level.value for level in Level]
        for name, value in self._items(node, "'severity'"):
            self._check_known(name, [each for each in self._names if each.partition("[")[0] in self._known], "rule")
            if not isinstance(value, ScalarNode) or value.value not in levels:
                self._refuse(value, f"the severity of {name.value} must be one of {', '.join(levels)}")
            yield name.value, Level(value.value)

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

    def _check_known(self, key: ScalarNode, known: Collection[str], kind: str) -> None:
        if key.value not in known:
            self._refuse(key, f"unknown {kind} '{shortened(str(key.value))}'{did_you_mean(str(key.value), known)}")

    def _refuse(self, node: Node, message: str) -> NoReturn:
        raise ConfigError(message, self._name, node.start_mark.line + 1)


def _type_name(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    names: dict[type, str] = {str: "string", list: "list", tuple: "list", dict: "mapping"}
    return names.get(type(value), "value")
