"""Where a run would keep its ledger, for programs that are not part of a run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ansible_reap import ansible_cfg
from ansible_reap.runtime.ledger.writer import default_folder

ENVIRONMENT = "ASYNC_REAPER_LEDGER_DIR"


def ledger_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that the environment names, else the ansible.cfg that Ansible would read here, else the default."""
    named = environment.get(ENVIRONMENT)
    if named:
        return ansible_cfg.resolve_path(named)
    config = ansible_cfg.load(environment)
    value = config.get(ansible_cfg.CALLBACK_SECTION, "ledger_dir")
    if value and config.path is not None:
        return ansible_cfg.resolve_path(value, config.path.parent)
    return default_folder()
