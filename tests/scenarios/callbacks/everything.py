"""A callback that writes down all that a callback can get hold of. ``EVERYTHING_PATH`` says where."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: everything
type: notification
short_description: writes down all results and tasks, whole
description: For tests.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "everything"
    CALLBACK_NEEDS_ENABLED = True
    wants_implicit_tasks = True

    def v2_on_any(self, *args: Any, **kwargs: Any) -> None:
        with Path(os.environ["EVERYTHING_PATH"]).open("a", encoding="utf-8") as stream:
            # Text by itself is what a prompt of the play is given, its default for one.
            values = [value for value in args if not isinstance(value, str)]
            stream.writelines(json.dumps(_shown(value), default=repr) + "\n" for value in values)


def _shown(value: Any) -> Any:
    if hasattr(value, "_result"):
        return {"result": value._result, "task": _shown(value._task)}
    # Of a task that is not the gate's everybody has the arguments anyhow: the playbook has them.
    if "async_reaper" in str(getattr(value, "name", "")) and hasattr(value, "dump_attrs"):
        return value.dump_attrs()
    return repr(value)
