"""Where a project's run times are kept, for programs that are not the callback."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_reap import ansible_cfg, files
from ansible_reap.history.database import Address, StoreError, parse_address
from ansible_reap.records import replace

VARIABLE = "ASYNC_REAPER_HISTORY"


def configured(root: Path, stated: str | None = None) -> Address | None:
    """The store that is stated, else the callback's: its environment variable, its key in ansible.cfg, its default.

    None where it is turned off. Raises StoreError for a value that cannot be meant, and for an address or a variable of
    the environment in the project's own ansible.cfg.
    """
    if stated is None:
        stated = os.environ.get(VARIABLE)
    if stated is None:
        stated = _from_ansible_cfg(root)
        address = parse_address(stated)
        if stated is not None and address is not None and address.path is not None:
            # Nobody has named it but a file of settings: what lies in the project may have come with a pull request.
            return replace(address, is_brought=files.comes_with(root, address.path))
        return address
    return parse_address(stated)


def _from_ansible_cfg(root: Path) -> str | None:
    config = ansible_cfg.load(here=root)
    value = config.get(ansible_cfg.CALLBACK_SECTION, "history")
    if not value or config.path is None:
        return value
    is_address = "://" in value
    if (is_address or "$" in value) and _is_of_the_project(config.path, root):
        # Whoever may change the project would otherwise choose the server that a password of ours is sent to.
        what = "a database server" if is_address else "a variable of the environment"
        raise StoreError(f"{config.path}: history names {what}; only {VARIABLE} or the command line may do so here")
    return value if is_address else str(ansible_cfg.resolve_path(value, config.path.parent))


def _is_of_the_project(file: Path, root: Path) -> bool:
    return not os.environ.get("ANSIBLE_CONFIG") and file.parent == root
