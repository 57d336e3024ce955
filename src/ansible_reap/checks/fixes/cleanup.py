"""Fix: remove the job's status file after the wait."""

from __future__ import annotations

from ansible_reap.checks.finding import Edit, Fix
from ansible_reap.checks.fixes.layout import Item, find, scalar
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis

_KEPT = frozenset({"loop", "loop_control", "when", "vars", "become", "become_user", "become_method", "become_flags",
                   "delegate_to", "connection", "remote_user", "run_once", "tags", "no_log"})  # fmt: skip
"""Keywords by which the wait finds the status files, and passes over what was never launched."""


def after(analysis: Analysis, wait: Task) -> Fix | None:
    """A task after the wait that looks where the wait looks: the same ids, user, host and folder."""
    item = find(analysis, wait)
    jid = wait.args.get("jid")
    if item is None or not isinstance(jid, str) or "mode" in wait.args or item.entry(wait.action) is None:
        return None
    outer, keys = " " * item.dash, " " * item.indent
    name = scalar(f"Remove the status file of {wait.label}" if "{{" not in wait.label else "Remove the status file")
    text = (
        f"{outer}-{' ' * (item.indent - item.dash - 1)}name: {name}\n"
        f"{keys}ansible.builtin.async_status:\n{keys}  jid: {_quoted(jid)}\n{keys}  mode: cleanup\n"
    )
    text += "".join(_kept(item))
    blank = "\n" if item.is_spaced_after(item.last) else ""
    # The wait stands in the edit too: the clean-up belongs right after it.
    first = item.entries[0].first
    wait_itself = item.text(first, item.last).replace("\r\n", "\n").rstrip("\n") + "\n"
    edit = Edit(item.path, first, item.last, wait_itself + blank + text)
    return Fix("remove the status file after the wait", (edit,), is_safe=False)


def _kept(item: Item) -> list[str]:
    entries = [entry for entry in item.entries if entry.key in _KEPT or entry.key.startswith("with_")]
    return [item.own_lines(entry) for entry in entries]


def _quoted(text: str) -> str:
    return f'"{text}"' if '"' not in text else "'" + text.replace("'", "''") + "'"
