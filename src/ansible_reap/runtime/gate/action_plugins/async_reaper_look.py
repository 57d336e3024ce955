"""The action of the gate: looks at jobs once, or waits for them. It fails for nothing that it finds."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_reap.runtime.gate.looking import look


class ActionModule(ActionBase):  # type: ignore[misc]
    """Argument: ``wait``, whether to wait for the jobs or look once."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._supports_check_mode = True
        result: dict[str, Any] = dict(super().run(tmp, task_vars))
        look(self, task_vars or {}, wait=bool(self._task.args.get("wait")))
        result["changed"] = False
        return result
