"""Run by the interpreter of an ansible-playbook: prints as JSON what that Ansible makes of the callback here."""

import importlib.util
import json
import os
import traceback
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.loader import callback_loader, init_plugin_loader
from ansible.release import __version__

NAMES = ("async_reaper", "reap.jobs.async_reaper", "ansible.legacy.async_reaper")


def _package_version() -> "str | None":
    if importlib.util.find_spec("ansible_reap") is None:
        return None
    from ansible_reap import __version__ as version  # noqa: PLC0415 - only where it is

    return version


def _look(name: str) -> "dict[str, Any]":
    """One way in which the callback is named: where it is, whether it loads, its options' values here."""
    found: dict[str, Any] = {"name": name, "path": None, "error": None, "options": {}}
    try:
        plugin = callback_loader.get(name, class_only=True)
        if plugin is None:
            return found
        found["path"] = plugin._original_path  # noqa: SLF001 - where the loader found it; it has no other word for it
        found["options"] = constants.config.get_plugin_options("callback", plugin._load_name)  # noqa: SLF001
    except Exception:  # noqa: BLE001 - whatever a plugin does while loading is what is asked for
        found["error"] = traceback.format_exc().strip().splitlines()[-1]
    return found


init_plugin_loader()
enabled = [name for name in constants.CALLBACKS_ENABLED if name in NAMES]
print(
    json.dumps(
        {
            "core": __version__,
            "config_file": constants.CONFIG_FILE,
            "cwd_config_ignored": constants.CONFIG_FILE is None
            and not os.environ.get("ANSIBLE_CONFIG")
            and Path("ansible.cfg").exists(),
            "package": _package_version(),
            "enabled_by": constants.config.get_config_value_and_origin("CALLBACKS_ENABLED")[1],
            "ad_hoc": bool(constants.config.get_config_value("DEFAULT_LOAD_CALLBACK_PLUGINS")),
            "callbacks": [_look(name) for name in enabled],
            "by_full_name": _look(NAMES[1]),
        },
        default=str,
    )
)
