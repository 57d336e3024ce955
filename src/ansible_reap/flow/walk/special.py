"""Ansible's special variables: the names that are taken, and on what about a task's place their values hang."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_reap.flow.walk.hosts import OF_PLAY
from ansible_reap.flow.walk.state import Frame

OF_ROLES = frozenset({"ansible_role_names", "ansible_play_role_names", "ansible_dependent_role_names", "role_names"})
"""The roles of the play, among them those that ``include_role`` has added by then."""
_OF_PARENTS = frozenset({"ansible_parent_role_names", "ansible_parent_role_paths"})
_OF_ROLE = frozenset({"role_path", "role_uuid", "ansible_collection_name"})
TAKEN = frozenset(
    {
        *OF_PLAY,
        *OF_ROLES,
        *("playbook_dir", "ansible_playbook_python", "ansible_config_file", "ansible_play_name", "ansible_search_path"),
        *("groups", "hostvars", "environment", "ansible_version", "ansible_check_mode", "ansible_diff_mode"),
        *("ansible_forks", "ansible_inventory_sources", "ansible_skip_tags", "ansible_run_tags", "ansible_verbosity"),
    }
)
"""What Ansible sets itself for every task of a play, whatever a register or a fact of the name holds."""
TAKEN_IN_ROLES = frozenset({*_OF_ROLE, "role_name", "ansible_role_name"})
"""The same for the tasks of roles."""
KNOWN = frozenset({"role_name", "ansible_role_name", "ansible_play_name"})
"""Those of which it is known what they hold."""
# these lists: "Special variables" in Ansible's documentation, and VariableManager in ansible-core 2.16 to 2.22


def value_of_place(frame: Frame, environment: Any, roles_of_play: str) -> Callable[[str], object]:
    """By a variable's name, what its value hangs on in the frame; None for KNOWN, and for what is the same for all."""

    def of(name: str) -> object:
        if name in OF_PLAY:
            return frame.hosts, frame.hosts_given
        if name in OF_ROLES:
            return roles_of_play
        if name in _OF_ROLE:
            return frame.role and frame.role.path
        if name in _OF_PARENTS:
            return frame.parents
        if name == "playbook_dir":
            return frame.playbook_folder
        if name == "ansible_search_path":
            return frame.folders
        return repr(environment) if name == "environment" else None

    return of
