"""Fix: replace a plain hand-rolled reboot and the wait after it with ``ansible.builtin.reboot``."""

from __future__ import annotations

from typing import Any

from yaml.nodes import MappingNode

from ansible_reap.checks.evidence import work
from ansible_reap.checks.evidence.neighbours import tasks_after
from ansible_reap.checks.evidence.reboots import own_command, waits_without_it
from ansible_reap.checks.finding import Edit, Fix
from ansible_reap.checks.fixes.layout import Item, find
from ansible_reap.checks.support import number
from ansible_reap.content.model import Task
from ansible_reap.content.source import plain
from ansible_reap.content.tasks import short_module
from ansible_reap.flow.analysis import Analysis

_COMMANDS = frozenset({"command", "shell"})
_DROPPED = frozenset({"async", "poll", "ignore_errors", "ignore_unreachable", "changed_when", "failed_when", "args"})
"""Keywords that only made the hand-rolled reboot bearable."""
_KEPT = frozenset({"name", "become", "become_user", "become_method", "when", "tags", "no_log"})
"""Keywords that the reboot module's task keeps (ansible-core 2.16 to 2.22)."""
_WAIT_KEYS = frozenset({"name", "become", "when", "tags", "vars"})
"""Keywords that a wait after the reboot may have and still be one that the module makes superfluous."""
_PROGRAMS = frozenset({"sleep", "sync", "reboot", "shutdown", "systemctl", "init", "telinit", "sh", "bash"})
"""Programs that a plain reboot consists of; whether it reboots is the check's to say."""
DEFAULT_TIMEOUT = 600
"""Of the reboot module and of wait_for_connection, ansible-core 2.16 to 2.22. Seconds."""
LONG_PAUSE = 120
"""Seconds: a wait that begins with such a pause is there for more than the host, for a cluster that has to settle."""


def use_module(analysis: Analysis, task: Task) -> Fix | None:
    """Replace the command by the module, and take out the ``wait_for_connection`` that follows it at once.

    Not for handlers (the next handler need not run), not where either task does more than reboot and wait, not where
    they run under different conditions, and not where the module has to be told the command.
    """
    item = find(analysis, task)
    after = next(tasks_after(analysis, task.path, task.end_line), None)
    if own_command(analysis, task) is not None or (after is not None and waits_without_it(analysis, task, after)):
        return None
    if item is None or task.is_handler or "/handlers/" in f"/{task.path}" or not _is_plain_launch(task, item):
        return None
    wait = item.siblings[item.index + 1] if item.index + 1 < len(item.siblings) else None
    arguments = _wait_arguments(plain(wait), task) if wait is not None else None
    if not isinstance(wait, MappingNode) or wait.flow_style or arguments is None:
        return None
    timeout, delay = arguments.get("timeout", 0), arguments.get("delay", 0)
    body = "ansible.builtin.reboot:\n"
    if timeout > DEFAULT_TIMEOUT:
        body += f"{' ' * item.indent}  reboot_timeout: {timeout:g}\n"
    if delay >= LONG_PAUSE:
        body += f"{' ' * item.indent}  post_reboot_delay: {delay:g}\n"
    action = item.entry(task.action)
    if action is None:
        return None
    dropped = item.without(*(key for key in task.keywords if key in _DROPPED))
    if dropped is None:
        return None
    head = item.lines[action.first - 1][: item.indent]
    edits = [Edit(item.path, action.first, action.last, head + body), *dropped, _taken_out(item, wait)]
    return Fix("use ansible.builtin.reboot, which waits until the host is back", tuple(edits))


def _is_plain_launch(task: Task, item: Item) -> bool:
    """Whether the command only reboots, and nothing reads its register."""
    if task.module not in _COMMANDS or set(task.keywords) - _DROPPED - _KEPT:
        return False
    if item.entry(task.action) is None or set(task.args) - {"_raw_params", "cmd", "executable"}:
        return False
    programs = [list(command.programs())[-1:] for command in work.commands(task)]
    return bool(programs) and all(argv and argv[0][0] in _PROGRAMS for argv in programs)


def _wait_arguments(wait: Any, task: Task) -> dict[str, float] | None:
    """The numbers that a ``wait_for_connection`` is given, or None where the next task is not a plain one."""
    if not isinstance(wait, dict):
        return None
    actions = [key for key in wait if short_module(str(key)) == "wait_for_connection"]
    if len(actions) != 1 or set(wait) - _WAIT_KEYS - set(actions) or "vars" in wait:
        return None
    if wait.get("when") != task.keywords.get("when") and wait.get("when") is not None:
        return None
    if wait.get("tags") != task.keywords.get("tags"):
        return None
    arguments = wait[actions[0]]
    if arguments is None:
        return {}
    if not isinstance(arguments, dict) or set(arguments) - {"delay", "timeout", "sleep", "connect_timeout"}:
        return None
    numbers = {str(key): number(value) for key, value in arguments.items()}
    return None if None in numbers.values() else {key: value for key, value in numbers.items() if value is not None}


def _taken_out(item: Item, wait: MappingNode) -> Edit:
    """The second task goes, and the blank lines before it unless a comment stands among them."""
    first = wait.start_mark.line + 1
    between = item.lines[item.last : first - 1]
    return Edit(item.path, first if any(line.strip() for line in between) else item.last + 1, item.end_line(wait), "")
