"""The ledgers that a task of ours is to read."""

from __future__ import annotations

from pathlib import Path

from ansible.errors import AnsibleActionFail

from ansible_reap import ansible_cfg
from ansible_reap.runtime.entry import current
from ansible_reap.runtime.events.ansible_objects import Variables
from ansible_reap.runtime.ledger.folder import ledger_folder
from ansible_reap.runtime.ledger.reader import RunLedger, read_folder


def ledgers_for(arguments: Variables, warnings: list[str]) -> list[RunLedger]:
    """The ledgers in the folder that the task's ``ledger_dir`` names, oldest first.

    Without that argument it is the callback's folder: that of this run where the callback is on. A ledger that cannot
    be read adds a line to ``warnings``.

    Raises:
        AnsibleActionFail: the folder cannot be read.
    """
    folder = _folder(arguments["ledger_dir"])
    try:
        return read_folder(folder, warnings.append)
    except OSError as error:
        raise AnsibleActionFail(f"the ledgers in {folder} cannot be read: {error.strerror}") from error


def _folder(argument: str | None) -> Path:
    session = current()
    named = argument or (session.options.ledger_dir if session is not None else None)
    return ansible_cfg.resolve_path(named) if named else ledger_folder()
