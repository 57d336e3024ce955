"""What the scripts do that the project holds and its tasks run: whether their last act is to cut the connection."""

from __future__ import annotations

import posixpath
from pathlib import Path

from ansible_reap.content import script_text
from ansible_reap.content.model import Task
from ansible_reap.late_patterns import expression
from ansible_reap.shell.called_scripts import last_script, script_of
from ansible_reap.shell.disconnects import Disconnect, last_act
from ansible_reap.shell.own_path import sets_path

_OWN_FOLDER = expression(r"\A\{\{\s*(?:role_path|playbook_dir)\s*\}\}/")
_PLAIN = expression(r"[\w./-]+")
_SHELL = expression(r"#!.*\b(?:ba|da|k|z)?sh\b")
_OF_A_SHELL = (".sh", ".bash", ".ksh", ".ps1", ".bat", ".cmd")


def last_act_of(root: Path, task: Task, playbook: str | None) -> Disconnect | None:
    """How the script that the task runs last cuts the connection in the end; None where it is not known to."""
    is_script = task.short_name == "script"
    called = script_of(task.args) if is_script else last_script(task.module, task.args)
    if called is None:
        return None
    name = _OWN_FOLDER.sub("", called.name)
    name = name if is_script else posixpath.basename(name)  # elsewhere it is a copy that is run
    if not _PLAIN.fullmatch(name):
        return None
    for path in filter(None, dict.fromkeys((task.path, playbook))):
        text = script_text.held(root, path, name)
        if text is not None:
            act = last_act(text) if name.endswith(_OF_A_SHELL) or _SHELL.match(text) else None
            return act and Disconnect(called.works_first or act.works_first, is_doubtful=sets_path(text))
    return None
