"""Action plugins that refuse ``async``. Written by tools/generate_async_support.py; do not edit."""

from __future__ import annotations

from collections.abc import Mapping

VERSIONS: tuple[str, ...] = ("2.16", "2.17", "2.18", "2.19", "2.20", "2.21", "2.22")
"""The versions of ansible-core that were read."""

BUILTIN: Mapping[str, tuple[str, ...]] = {
    "add_host": VERSIONS,
    "assemble": VERSIONS,
    "assert": VERSIONS,
    "async_status": VERSIONS,
    "copy": VERSIONS,
    "debug": VERSIONS,
    "fail": VERSIONS,
    "fetch": VERSIONS,
    "gather_facts": VERSIONS,
    "group_by": VERSIONS,
    "include_vars": VERSIONS,
    "pause": VERSIONS,
    "raw": VERSIONS,
    "reboot": ("2.17", "2.18", "2.19", "2.20", "2.21", "2.22"),
    "script": VERSIONS,
    "set_fact": VERSIONS,
    "set_stats": VERSIONS,
    "template": VERSIONS,
    "unarchive": VERSIONS,
    "validate_argument_spec": VERSIONS,
    "wait_for_connection": VERSIONS,
}
"""Action of ansible.builtin -> the versions of ansible-core that refuse it with ``async``."""

COLLECTIONS: Mapping[str, str] = {
    "ansible.posix.patch": "2.1.0",
    "ansible.posix.synchronize": "2.1.0",
    "ansible.windows.win_copy": "3.3.0",
    "ansible.windows.win_template": "3.3.0",
    "kubernetes.core.helm": "6.2.0",
    "kubernetes.core.helm_info": "6.2.0",
    "kubernetes.core.helm_plugin": "6.2.0",
    "kubernetes.core.helm_plugin_info": "6.2.0",
    "kubernetes.core.helm_repository": "6.2.0",
    "kubernetes.core.k8s": "6.2.0",
    "kubernetes.core.k8s_cluster_info": "6.2.0",
    "kubernetes.core.k8s_cp": "6.2.0",
    "kubernetes.core.k8s_drain": "6.2.0",
    "kubernetes.core.k8s_exec": "6.2.0",
    "kubernetes.core.k8s_info": "6.2.0",
    "kubernetes.core.k8s_json_patch": "6.2.0",
    "kubernetes.core.k8s_log": "6.2.0",
    "kubernetes.core.k8s_rollback": "6.2.0",
    "kubernetes.core.k8s_scale": "6.2.0",
    "kubernetes.core.k8s_service": "6.2.0",
}
"""Action of another collection that refuses ``async`` -> the version of the collection that was read."""
