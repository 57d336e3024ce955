"""What Ansible's configuration says of a job's folder and account, where no variable and no keyword says it.

Whoever comes back for the job may have another environment and another ansible.cfg, so it is written down.
"""

from __future__ import annotations

from functools import cache

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.loader import become_loader, shell_loader

_WINDOWS = frozenset({"winrm", "psrp"})
"""Connections of ansible-core 2.16 to 2.22 whose shell is PowerShell unless ``ansible_shell_type`` says otherwise."""


def folder(shell: object, connection: object) -> str | None:
    """The folder of status files, by ``ansible_shell_type`` and the connection; None for Ansible's own default."""
    name = "powershell" if str(connection).rpartition(".")[2] in _WINDOWS else "sh"
    return _configured("shell", str(shell) if shell else name, "async_dir")


def account(become_method: object) -> str | None:
    """Whom a task becomes by that method; None for the method's own default."""
    return _configured("become", str(become_method), "become_user") if become_method else None


@cache
def _configured(kind: str, plugin: str, option: str) -> str | None:
    loader = {"shell": shell_loader, "become": become_loader}[kind]
    try:
        if loader.get(plugin, class_only=True) is None:
            return None
        value, origin = constants.config.get_config_value_and_origin(option, plugin_type=kind, plugin_name=plugin)
    except AnsibleError:  # a required option that nothing sets, or a value that is none
        return None
    return str(value) if value and origin != "default" else None
