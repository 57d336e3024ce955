"""The ansible.cfg in effect, read as Ansible reads it, for programs that are not part of a run.

Ansible takes the first file that there is and merges none: the file that ANSIBLE_CONFIG names (or ansible.cfg in the
folder that it names), ansible.cfg in the current folder unless everybody may write to that folder, ~/.ansible.cfg and
/etc/ansible/ansible.cfg. Source: ansible/config/manager.py of ansible-core 2.16 to 2.22.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ansible_reap import reading

CALLBACK_SECTION = "callback_async_reaper"
SYSTEM_FILE = Path("/etc/ansible/ansible.cfg")


class AnsibleCfg(NamedTuple):
    """What one ansible.cfg says: nothing where there is no file (``path`` is None), or one that does not parse."""

    path: Path | None
    values: Mapping[tuple[str, str], str]
    sections: frozenset[str] = frozenset()
    refused: str = ""
    """Why the file was not read although Ansible may read it."""

    def get(self, section: str, key: str) -> str | None:
        """The value as written, without quotes around it; None where the file does not give the key."""
        value = self.values.get((section, key))
        if value is None and section in self.sections:
            value = self.values.get((reading.INI_DEFAULTS, key))
        if value is not None and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            return value[1:-1]
        return value

    def keys(self, section: str) -> list[str]:
        """The keys that a section has, in their order."""
        shared = reading.INI_DEFAULTS if section in self.sections else section
        return list(dict.fromkeys(key for wanted in (section, shared) for there, key in self.values if there == wanted))


def find(environment: Mapping[str, str] = os.environ, here: Path | None = None) -> Path | None:
    """The file that Ansible would read when started in the folder ``here`` (default: the current one)."""
    here = here or Path.cwd()
    candidates = []
    named = environment.get("ANSIBLE_CONFIG")
    if named is not None:
        path = resolve_path(named, here)
        candidates.append(path / "ansible.cfg" if path.is_dir() else path)
    if not is_world_writable(here):
        candidates.append(here / "ansible.cfg")
    candidates += [Path(os.path.expanduser("~/.ansible.cfg")), SYSTEM_FILE]  # noqa: PTH111 - Path raises without a home
    # Asked in this order: is_file() raises where a folder on the way may not be entered.
    return next((path for path in candidates if os.access(path, os.R_OK) and path.is_file()), None)


def is_world_writable(folder: Path) -> bool:
    """Whether everybody may write to the folder: Ansible ignores an ansible.cfg there."""
    try:
        return bool(folder.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return True


def load(environment: Mapping[str, str] = os.environ, here: Path | None = None) -> AnsibleCfg:
    """The ansible.cfg that Ansible would read when started in the folder ``here``."""
    path = find(environment, here)
    return AnsibleCfg(None, {}) if path is None else read(path)


def read(path: Path) -> AnsibleCfg:
    """One ansible.cfg; it says nothing where it cannot be read or does not parse."""
    try:
        return parsed(path, reading.read(path, reading.MAX_SETTINGS))
    except reading.RefusedError as error:
        return AnsibleCfg(path, {}, refused=error.message)
    except reading.SourceError:
        return AnsibleCfg(path, {})


def parsed(path: Path, data: bytes) -> AnsibleCfg:
    """An ansible.cfg of this content; it says nothing where it does not parse."""
    try:
        found = reading.parse_ini(data.decode("utf-8-sig", "replace"), inline_comments=True)
    except reading.SourceError:
        return AnsibleCfg(path, {})
    values = {(name, key): value for name, section in found.items() for key, value in section.items()}
    return AnsibleCfg(path, values, frozenset(found))


def resolve_path(text: str, folder: Path | None = None) -> Path:
    """A path as Ansible resolves an option of type path: ``~``, variables of the environment and ``{{CWD}}`` are
    replaced, and a relative one starts at ``folder`` (of an ini key the file's folder, else the current one).

    Raises:
        OSError: it starts at the current folder, and that is gone.
    """
    plain = text.replace("{{CWD}}", os.getcwd()) if "{{CWD}}" in text else text  # noqa: PTH109 - text, as Ansible has it
    path = Path(os.path.expanduser(os.path.expandvars(plain)))  # noqa: PTH111 - as in find
    return Path(os.path.normpath(path if path.is_absolute() else (folder or Path.cwd()) / path))
