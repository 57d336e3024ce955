"""Where this installation's parts lie, and what an Ansible started from it needs to find them."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import ansible_reap

SHORT_NAME = "async_reaper"
FULL_NAME = "reap.jobs.async_reaper"
COLLECTION = Path("ansible_collections") / "reap" / "jobs"
CALLBACK = COLLECTION / "plugins" / "callback" / "async_reaper.py"

PACKAGE = Path(ansible_reap.__file__).resolve().parent


class CallbackNotFoundError(Exception):
    """The callback lies neither beside the package nor in a clone around it; the message is one line."""


def installed_collection() -> Path | None:
    """The collection that the wheel put beside the package, or None: a clone or an editable install."""
    folder = PACKAGE.parent / COLLECTION
    return folder if (PACKAGE.parent / CALLBACK).is_file() else None


def collection_source() -> Path | None:
    """The collection that came with the package, installed or in the clone around it; None where it is not there."""
    found = installed_collection() or PACKAGE.parents[1] / "collection"
    return found if found.is_dir() else None


def clone_callbacks() -> Path | None:
    """``callback_plugins/`` of the clone that the package runs from, or None: an installed wheel."""
    folder = PACKAGE.parents[1] / "callback_plugins"
    return folder if (folder / f"{SHORT_NAME}.py").is_file() else None


def has_ansible() -> bool:
    """True where ansible-core is importable in this environment."""
    return find_spec("ansible") is not None


def ansible_command(program: str) -> list[str]:
    """How to start an Ansible program (``playbook``, ``doc``) of this environment, whatever is on PATH."""
    return [sys.executable, "-m", "ansible", program]


def callback_environment() -> dict[str, str]:
    """The environment variables with which the Ansible of this environment loads the callback.

    Raises CallbackNotFoundError.
    """
    if installed_collection():
        return {"ANSIBLE_CALLBACKS_ENABLED": FULL_NAME}
    folder = clone_callbacks()
    if folder is None:
        raise CallbackNotFoundError(f"{PACKAGE}: no callback beside it: install the wheel (pip install ansible-reap)")
    return {
        "ANSIBLE_CALLBACKS_ENABLED": SHORT_NAME,
        "ANSIBLE_CALLBACK_PLUGINS": str(folder),
        **import_environment(),
    }


def import_environment() -> dict[str, str]:
    """What a Python of this environment needs to import the package from any folder: nothing, once it is installed."""
    if installed_collection():
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH", ""))))}
