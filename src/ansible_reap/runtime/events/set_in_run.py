"""What the run itself has set for a host, by ``set_fact`` and ``register``.

Such a value does not tell what it was made of. Where the run has the password of a vault, that may be what a vault
holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_reap.runtime.events.ansible_objects import Loader, VariableManager


def set_in_run(manager: VariableManager, host: str) -> Mapping[str, object]:
    """The variables that the run has set for the host."""
    return manager._nonpersistent_fact_cache.get(host, {})  # noqa: SLF001 - no other way


def untold(manager: VariableManager, loader: Loader, host: str) -> Iterable[str]:
    """Those of them that may be made of what a vault holds."""
    return set_in_run(manager, host) if has_vault(loader) else ()


def has_vault(loader: Loader) -> bool:
    """Whether the run has the password of a vault."""
    return bool(loader._vault.secrets)  # noqa: SLF001 - no other way
