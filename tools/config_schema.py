"""Writes the JSON Schema of ``.ansible-reap.yml`` from the rules, their options and the keys that the reader knows.

    PYTHONPATH=src .envs/dev/bin/python tools/config_schema.py

What an option means is taken from the table "Options" of the rule's page. A test holds the file against what is made
here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible_reap
from ansible_reap import pages
from ansible_reap.checks.finding import Level, Rule
from ansible_reap.checks.registry import RULES
from ansible_reap.linting.config import KEYS, MAX_NUMBER
from ansible_reap.linting.selection import known_names

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src" / "ansible_reap" / "schemas" / "config.json"

_TYPES: tuple[tuple[type, dict[str, Any]], ...] = (
    (bool, {"type": "boolean"}),
    (int, {"type": "number", "minimum": 0, "exclusiveMaximum": MAX_NUMBER}),
    (float, {"type": "number", "minimum": 0, "exclusiveMaximum": MAX_NUMBER}),
    (str, {"type": "string"}),
    (list, {"type": "array"}),
    (tuple, {"type": "array"}),
)


def schema() -> dict[str, Any]:
    """The schema, draft 7, which editors and SchemaStore understand."""
    names = known_names(RULES)
    tags = [name for name in names if name.partition("[")[0] in {rule.id for rule in RULES}]
    levels = [level.value for level in Level]
    values: dict[str, dict[str, Any]] = {
        "exclude_paths": _list({"type": "string"}),
        "select": _list({"enum": names}),
        "ignore": _list({"enum": names}),
        "severity": _mapping({tag: {"enum": levels} for tag in tags}),
        "baseline": {"type": ["string", "null"]},
        "rules": _mapping({rule.id: _rule(rule) for rule in RULES}),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": f"{ansible_reap.DOCS_URL.partition('/en/')[0]}/schemas/config.json",
        "title": "ansible-reap: .ansible-reap.yml, or [tool.ansible-reap] in pyproject.toml",
        "description": f"{ansible_reap.DOCS_URL}/configuration/",
        **_mapping({key: {"description": text, **values[key]} for key, text in KEYS.items()}),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    described = _options_on(rule.id)
    options = {
        name: {"description": described[name], **_type(default), "default": default}
        for name, default in rule.defaults.items()
    }
    return {"description": f"{rule.summary} {pages.url(rule.id)}", **_mapping(options)}


def _type(default: object) -> dict[str, Any]:
    return next(description for kind, description in _TYPES if isinstance(default, kind))


def _options_on(rule: str) -> dict[str, str]:
    """Option -> its meaning, from the table of the rule's page."""
    text = pages.available()[rule].read_text(encoding="utf-8").partition("## Options")[2]
    return dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*?) \|$", text, re.MULTILINE))


def _mapping(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Null stands for an empty one, as it does for the reader."""
    return {"type": ["object", "null"], "additionalProperties": False, "properties": dict(properties)}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": items}


if __name__ == "__main__":
    TARGET.write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")
