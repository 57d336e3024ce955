"""Whether a value, or what a template names, comes out of a vault: such values are used and never written.

Nothing is evaluated. What Ansible keeps of a value is its type as long as it is encrypted, and the file that it was
read from, by which a file that is encrypted as a whole is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from ansible_reap.reading import SourceError, read
from ansible_reap.runtime.events.ansible_objects import Variables
from ansible_reap.runtime.tracking.display_text import OutOfVault

try:  # since ansible-core 2.19
    from ansible._internal._datatag._tags import Origin, VaultedValue
except ImportError:

    def _file_of(value: Any) -> str | None:
        """The file that the value was read from, up to ansible-core 2.18; None where that is not known."""
        position = getattr(value, "ansible_pos", None)
        return str(position[0]) if position else None

    def _is_decrypted(value: Any) -> bool:
        del value
        return False
else:

    def _file_of(value: Any) -> str | None:
        """The file that the value was read from; None where that is not known."""
        origin = Origin.get_tag(value)
        return None if origin is None else origin.path

    def _is_decrypted(value: Any) -> bool:
        return bool(VaultedValue.is_tagged_on(value))


_ENCRYPTED = frozenset({"AnsibleVaultEncryptedUnicode", "EncryptedString"})
"""The types of ``!vault`` values: up to ansible-core 2.18, and since."""
UNTOLD = object()
"""Stands for a value that does not tell what it was made of."""
_HEAD = b"$ANSIBLE_VAULT"
_NAME = re.compile(r"[A-Za-z_]\w*")
_DEEPEST = 5
_MOST = 1000
"""Values of a list or mapping that are looked at; of a larger one nothing is known."""


def is_vaulted(value: object) -> bool:
    """Whether the value is encrypted, or was read from a file that is."""
    if value is UNTOLD or type(value).__name__ in _ENCRYPTED or _is_decrypted(value):
        return True
    file = _file_of(value)
    return file is not None and _is_encrypted(file)


def opened(value: object) -> object:
    """The value, with each text out of a vault, also in a list, as one that no message shows.

    Raises:
        AnsibleError: nobody has given the password.
    """
    if isinstance(value, list | tuple):
        return [opened(part) for part in value]
    is_text = isinstance(value, str) or type(value).__name__ in _ENCRYPTED
    return OutOfVault(str(value)) if is_text and is_vaulted(value) else value


def names_vaulted(template: object, variables: Variables) -> bool:
    """Whether a template, as written, names a variable that is vaulted or leads to one."""
    return _leads_to_vault(template, variables, _DEEPEST, set())


def _leads_to_vault(value: object, variables: Variables, depth: int, seen: set[str]) -> bool:
    if is_vaulted(value):
        return True
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        names = {name for name in _NAME.findall(value) if name in variables} - seen
        seen |= names
        return any(_leads_to_vault(variables[name], variables, depth, seen) for name in names)
    if isinstance(value, Mapping | list | tuple):
        if depth == 0 or len(value) > _MOST:
            return True
        parts = value.values() if isinstance(value, Mapping) else value
        return any(_leads_to_vault(part, variables, depth - 1, seen) for part in parts)
    return False


@cache
def _is_encrypted(path: str) -> bool:
    try:
        return read(path).startswith(_HEAD)
    except SourceError:
        return False
