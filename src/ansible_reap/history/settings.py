"""Where a project's run times are kept, for programs that are not the callback."""

from __future__ import annotations

import os
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from ansible_reap.history.database import Address, parse_address

VARIABLE = "ASYNC_REAPER_HISTORY"
SECTION = "callback_async_reaper"


def configured(root: Path, stated: str | None = None) -> Address | None:
    """The store that is stated, else the callback's: its environment variable, its key in ansible.cfg, its default.

    None where it is turned off. Raises StoreError for a value that cannot be meant.
    """
    if stated is None:
        stated = os.environ.get(VARIABLE)
    if stated is None:
        stated, base = _from_ansible_cfg(root)
        if stated and base and "://" not in stated:  # as Ansible does: a path there is relative to the file
            stated = str(base / Path(os.path.expandvars(stated)).expanduser())
    return parse_address(stated)


def _from_ansible_cfg(root: Path) -> tuple[str | None, Path | None]:
    named = os.environ.get("ANSIBLE_CONFIG")
    for file in ([Path(named)] if named else []) + [root / "ansible.cfg", Path.home() / ".ansible.cfg"]:
        if file.is_file():
            parser = ConfigParser(inline_comment_prefixes=(";",), interpolation=None, strict=False)
            try:
                parser.read_string(file.read_text(encoding="utf-8"))
            except (OSError, ValueError, ConfigError):
                return None, None
            return parser.get(SECTION, "history", fallback=None), file.parent
    return None, None
