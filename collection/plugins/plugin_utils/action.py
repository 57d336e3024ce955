# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions of this collection share: the work of each is in the Python package ansible-reap."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


class ActionFromPackage(ActionBase):  # type: ignore[misc]
    """An action that a module of ``ansible_reap.runtime.actions`` does.

    The module specifies the task's arguments in ``ARGUMENTS``; its function of the action's name makes the result.
    """

    _supports_check_mode = True

    ACTION: ClassVar[str]
    """The name of the action, without the collection's."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            result.update(self._work(task_vars or {}))
        except AnsibleActionFail as error:
            # Were it raised, ansible-core up to 2.18 would tell users of "An exception": "NoneType: None".
            result.update(failed=True, msg=error.message)
        return result

    def _work(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        try:
            module = import_module(f"ansible_reap.runtime.actions.{self.ACTION}")
        except ImportError as error:
            raise AnsibleActionFail(
                f"reap.jobs.{self.ACTION} needs the Python package ansible-reap, of the same version as this "
                f"collection, in the environment that holds Ansible: {error}"
            ) from error
        _result, arguments = self.validate_argument_spec(argument_spec=module.ARGUMENTS)
        done: dict[str, Any] = getattr(module, self.ACTION)(self, arguments, task_vars)
        return done
