"""Where a run would keep its ledger, for programs that are not part of a run."""

from __future__ import annotations

import configparser
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from ansible_reap.runtime.ledger.writer import default_folder

ENVIRONMENT = "ASYNC_REAPER_LEDGER_DIR"
SECTION = "callback_async_reaper"


def ledger_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that the environment names, else the ansible.cfg that Ansible would read here, else the default."""
    named = environment.get(ENVIRONMENT)
    if named:
        return Path(named).expanduser()
    config = next(_ansible_cfg(environment), None)
    if config is not None:
        value = _option(config)
        if value:
            return config.parent / Path(os.path.expandvars(value)).expanduser()
    return default_folder()


def _ansible_cfg(environment: Mapping[str, str]) -> Iterator[Path]:
    """Ansible reads the first that there is: ANSIBLE_CONFIG, here, the home folder, /etc. It merges none."""
    named = environment.get("ANSIBLE_CONFIG")
    if named:
        path = Path(named).expanduser()
        yield from filter(Path.is_file, [path / "ansible.cfg" if path.is_dir() else path])
    here = Path.cwd()
    # One in a folder that everybody can write to is not read, as Ansible does.
    if not here.stat().st_mode & stat.S_IWOTH:
        yield from filter(Path.is_file, [here / "ansible.cfg"])
    yield from filter(Path.is_file, [Path("~/.ansible.cfg").expanduser(), Path("/etc/ansible/ansible.cfg")])


def _option(config: Path) -> str | None:
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None, strict=False)
    try:
        parser.read(config, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return None
    return parser.get(SECTION, "ledger_dir", fallback=None)
