"""A stdout callback of the name of ansible.posix's, which prints one JSON document at the end: tasks and results."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: json
type: stdout
short_description: prints one document
description: For tests.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "json"

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[dict[str, Any]] = []

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._begin(f"PLAY {play.get_name()}")

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._begin(task.get_name())

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._begin(task.get_name())

    def _begin(self, name: str) -> None:
        self._tasks.append({"name": name, "hosts": {}})

    def _end(self, result: Any, **_more: Any) -> None:
        self._tasks[-1]["hosts"][result._host.get_name()] = sorted(result._result)

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _end

    def v2_playbook_on_stats(self, stats: Any) -> None:
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        self._display.display(json.dumps({"tasks": self._tasks, "stats": hosts}, indent=1, sort_keys=True))
