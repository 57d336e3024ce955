"""The action of the gate: looks at jobs once, waits for them, or removes their files. It fails for nothing it finds."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_reap.runtime.gate.blocks import Errand
from ansible_reap.runtime.gate.looking import run_errand


class ActionModule(ActionBase):  # type: ignore[misc]
    """Argument: ``errand``, what to do about the jobs."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._supports_check_mode = True
        result: dict[str, Any] = dict(super().run(tmp, task_vars))
        run_errand(self, task_vars or {}, Errand(str(self._task.args.get("errand"))))
        result["changed"] = False
        return result
