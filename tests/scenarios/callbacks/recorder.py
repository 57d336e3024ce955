"""A callback that writes down every event that it gets, for comparing two runs. ``RECORDER_PATH`` says where."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: notification
short_description: writes down every event
description: For tests.
"""
_VARYING = re.compile(
    r"[0-9]{4}-[0-9-]+ [0-9:.]+|0:00:[0-9.]+|/tmp/\S+|0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27,}|[0-9]{6,}\.[0-9]+"
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True
    wants_implicit_tasks = True

    def v2_on_any(self, *args: Any, **kwargs: Any) -> None:
        line = json.dumps([*map(_shown, args), sorted(kwargs)], default=str)
        with Path(os.environ["RECORDER_PATH"]).open("a", encoding="utf-8") as stream:
            stream.write(_VARYING.sub("~", line) + "\n")


def _shown(value: Any) -> Any:
    if hasattr(value, "_result"):
        result = {
            key: part for key, part in value._result.items() if key not in ("invocation", "start", "end", "delta")
        }
        return [
            "result",
            value._host.get_name(),
            value._task.get_name(),
            value._task.action,
            sorted(result),
            str(result.get("msg")),
        ]
    if hasattr(value, "summarize"):
        return ["stats", {host: value.summarize(host) for host in sorted(value.processed)}]
    if hasattr(value, "get_name"):
        return [type(value).__name__, value.get_name(), getattr(value, "action", "")]
    return type(value).__name__
