# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends chosen jobs of this host. ``ansible_reap.runtime`` finds them; the module of this name works on the host."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """``reap.jobs.stop``; its options are documented in the module of that name."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            from ansible_reap.runtime.actions.stop import ARGUMENTS, stop  # noqa: PLC0415 - said better below
        except ImportError as error:
            raise AnsibleActionFail(
                f"reap.jobs.stop needs the Python package ansible-reap in the environment that holds Ansible: {error}"
            ) from error
        _result, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        result.update(stop(self, arguments, task_vars or {}))
        return result
