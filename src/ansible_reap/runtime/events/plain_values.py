"""Values of variables that may be written down: neither a template nor something from a vault, nor a host's word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeGuard

from ansible_reap.runtime.events.ansible_objects import Variables
from ansible_reap.runtime.events.launch_way import is_template
from ansible_reap.runtime.events.own_words import is_fact
from ansible_reap.runtime.events.vaulted import is_vaulted, names_vaulted

_REFERENCE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_HOME = "HOME"


def is_plain(value: object) -> TypeGuard[str | int | float | bool]:
    """Neither a template nor something from a vault: encrypted by itself, or read from a file that is."""
    return isinstance(value, str | int | float | bool) and not is_template(value) and not is_vaulted(value)


def with_values(text: str, variables: Variables) -> str | None:
    """The text with names of plain variables replaced by their values; None where it takes more than that."""
    if names_vaulted(text, variables):
        return None
    values = {name: None if is_fact(name, variables) else variables.get(name) for name in _REFERENCE.findall(text)}
    if not all(map(is_plain, values.values())):
        return None
    filled = _REFERENCE.sub(lambda match: str(values[match[1]]), text)
    return filled if is_plain(filled) else None


def home_set(environment: object, variables: Variables) -> str | None:
    """The ``HOME`` that the keyword ``environment`` sets, as written; None where it does not, or takes more to tell.

    Ansible merges what play, blocks and task say, the innermost last.
    """
    found: object = None
    for part in environment if isinstance(environment, list | tuple) else [environment]:
        settings = _named(part, variables)
        if isinstance(settings, Mapping) and _HOME in settings:
            found = settings[_HOME]
    return with_values(found, variables) if isinstance(found, str) and found else None


def _named(part: object, variables: Variables) -> object:
    reference = _REFERENCE.fullmatch(part.strip()) if isinstance(part, str) else None
    return part if reference is None or is_fact(reference[1], variables) else variables.get(reference[1])
