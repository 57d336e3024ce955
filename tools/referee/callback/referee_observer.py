"""Writes down what Ansible tells its callbacks: tasks, results, failures, the recap. Knows nothing of ansible-reap."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: referee_observer
type: aggregate
short_description: Writes a run's events to a file
description:
  - Appends one JSON line an event to C(events.jsonl) in the folder that C(REFEREE_RUN) names.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """One JSON line an event."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "referee_observer"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._file = (Path(os.environ["REFEREE_RUN"]) / "events.jsonl").open("a", encoding="utf-8", buffering=1)

    def _write(self, event: str, **more: object) -> None:
        self._file.write(json.dumps({"event": event, **more}) + "\n")

    def _result(self, event: str, result: Any, **more: object) -> None:
        task = result._task  # noqa: SLF001 - how every callback reads a result
        answer = result._result  # noqa: SLF001 - as above
        self._write(
            event,
            host=result._host.get_name(),  # noqa: SLF001 - as above
            path=task.get_path() or "",
            task=task.name or "",
            action=task.action,
            run_async=bool(task.async_val),
            job=answer.get("ansible_job_id"),
            msg=str(answer.get("msg") or answer.get("exception") or "")[:400],
            changed=bool(answer.get("changed")),
            **more,
        )

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._write("playbook", path=playbook._file_name)  # noqa: SLF001 - as above

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._write("play", task=play.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        self._result("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._result("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._result("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._result("unreachable", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._result("item_ok", result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._result("item_failed", result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        self._result("item_skipped", result)

    def v2_runner_on_async_poll(self, result: Any) -> None:
        self._write("polled", job=result._result.get("ansible_job_id"))  # noqa: SLF001 - as above

    def v2_runner_on_async_ok(self, result: Any) -> None:
        self.v2_runner_on_async_poll(result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        self.v2_runner_on_async_poll(result)

    def v2_runner_retry(self, result: Any) -> None:
        self._result("retry", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write("stats", hosts={host: stats.summarize(host) for host in sorted(stats.processed)})
