"""Fix: a reap of a looped launch loops over ``.results``."""

from __future__ import annotations

import re

from ansible_reap.checks.finding import Edit, Fix
from ansible_reap.checks.fixes.layout import Entry, Item, find
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis

_OWN_ARGS = frozenset({"jid", "mode"})


def loop_over(analysis: Analysis, task: Task, register: str) -> Fix | None:
    """Reap every item of the looped register.

    A reap that loops over the register itself gets ``.results``; one that does not loop becomes a loop.
    """
    item = find(analysis, task)
    if item is None:
        return None
    loop = item.entry("loop") or item.entry("with_items")
    return _add_results(item, loop, register) if loop else _add_loop(item, task, register)


def only_launched(analysis: Analysis, task: Task, register: str) -> Fix | None:
    """A wait that loops over all results passes over those that have no job id: items that were skipped."""
    item = find(analysis, task)
    loop = (item.entry("loop") or item.entry("with_items")) if item else None
    if item is None or loop is None:
        return None
    edit = item.with_scalar(loop.key, f"{{{{ {register}.results | selectattr('ansible_job_id', 'defined') | list }}}}")
    return Fix("pass over the items that were skipped", (edit,)) if edit else None


def _add_results(item: Item, loop: Entry, register: str) -> Fix | None:
    if loop.scalar is None or not re.fullmatch(r"\{\{\s*" + re.escape(register) + r"\s*\}\}", loop.scalar):
        return None
    edit = item.with_scalar(loop.key, f"{{{{ {register}.results }}}}")
    return Fix(f"loop over {register}.results", (edit,)) if edit else None


def _add_loop(item: Item, task: Task, register: str) -> Fix | None:
    """The reap looks for ``register.ansible_job_id``: that becomes the loop variable's, line for line."""
    if item.entry("when") or item.entry("loop_control") or set(task.args) - _OWN_ARGS:
        return None
    if task.keywords.get("register") == register:
        return None
    action = item.entry(task.action)
    if action is None:
        return None
    variable = f"{register}_item"
    jid = re.compile(rf"\b{re.escape(register)}(?:\.ansible_job_id|\[(['\"])ansible_job_id\1\])")
    lines = list(range(action.first, action.last + 1))
    hits = [line for line in lines if jid.search(item.lines[line - 1])]
    if len(hits) != 1 or len(jid.findall(item.lines[hits[0] - 1])) != 1:
        return None
    line = item.lines[hits[0] - 1]
    keys = " " * item.indent
    jobs = f"{register}.results | default([]) | selectattr('ansible_job_id', 'defined') | list"
    added = (
        f'{keys}loop: "{{{{ {jobs} }}}}"\n'
        f"{keys}loop_control:\n"
        f"{keys}  loop_var: {variable}\n"
        f'{keys}  label: "{{{{ {variable}.ansible_job_id }}}}"\n'
    )
    edits = (
        Edit(item.path, hits[0], hits[0], jid.sub(f"{variable}.ansible_job_id", line)),
        item.after(action.last, added),
    )
    return Fix(f"loop over {register}.results", edits)
