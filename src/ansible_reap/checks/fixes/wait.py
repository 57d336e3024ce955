"""The missing wait: register the launch where it is not, and reap it at the end of the list that it stands in."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from functools import lru_cache

from ansible_reap.checks.evidence import work
from ansible_reap.checks.finding import Edit, Fix
from ansible_reap.checks.fixes.layout import Item, find, scalar
from ansible_reap.content.model import Task
from ansible_reap.content.source import end_line
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.jobs import Verdict
from ansible_reap.shell.disconnects import cuts_connection
from ansible_reap.timing import FIX_MARGIN, KILL_STEP

LONGEST = 43200
"""A limit above this (seconds) is one of a service meant to live on: to wait for it is not what its author means."""

_SERVICE = re.compile(
    r"""
    \b(?: servers?|daemon|proxy|tunnel|listen(?:er|ing|s)?|socat|nc|ncat|netcat|http\.server|SimpleHTTPServer
      | port-forward|tcpdump|watch(?:er|dog|es)?|monitor\w*|background|keep-?alive|vncserver|websockify|agent|follow )\b
    | \btail\b.*\s-\w*[fF] | \bssh\b.*\s-\w*[NLRD] | \bwhile\s+(?:true|:|\[) | \bserve(?:r)?\b | smtpserver
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words of names and commands of work that has no end of its own: a wait for it could only fail."""

_KEPT = (
    "become",
    "become_user",
    "become_method",
    "become_flags",
    "become_exe",
    "remote_user",
    "connection",
    "port",
    "delegate_to",
    "run_once",
    "check_mode",
    "any_errors_fatal",
    "no_log",
    "tags",
)
"""Keywords by which the reap looks where the job is, and runs when the launch runs."""

_REFUSED = ("until", "retries", "ignore_errors", "ignore_unreachable", "failed_when", "vars", "listen", "debugger")
"""Keywords with which the launch's author may mean something that a plain wait would break."""

MAX_KEPT = 4096
"""Tasks of which it is remembered whether they cut a wait off: each fix of a file asks for those after it."""
_SMALL = frozenset({"a", "an", "the", "and", "for", "from", "in", "is", "of", "on", "that", "this", "to", "with"})
_NAME = re.compile(r"[a-z_]\w*", re.IGNORECASE)
_VARIABLE = re.compile(r"\{\{\s*([a-z_]\w*)\s*(?:\|\s*int\s*)?\}\}", re.IGNORECASE)
_ROLE = re.compile(r"(?:^|/)roles/(?:[\w-]+\.)*([\w-]+)/")


def add(analysis: Analysis, launch: Launch) -> Fix | None:
    """The fix for a launch that nothing reaps; None where it is not certain to be right."""
    limit = launch.limit.single
    item = find(analysis, launch.task)
    if item is None or limit is None or not _is_safe(launch, item, limit):
        return None
    register = launch.register or _new_name(analysis, launch)
    edits = list(_registered(item, launch, register))
    place = _place(item, launch)
    reap = ("\n" if item.is_spaced_after(place) else "") + _reap(launch, item, register, limit)
    edits.append(item.after(place, reap))
    what = _what(launch, register)
    return Fix(f"wait for {what}" if launch.register else f"register the job and wait for {what}", tuple(edits))


def _is_safe(launch: Launch, item: Item, limit: float) -> bool:
    task = launch.task
    if launch.verdict is not Verdict.UNREAPED or task.is_handler or "/handlers/" in f"/{task.path}":
        return False
    if not KILL_STEP < limit <= LONGEST or item.number("poll") is None or _retries(launch, item, limit) is None:
        return False
    if any(item.entry(key) for key in _REFUSED) or work.leaves_by(work.commands(task)) or _lives_on(item, task):
        return False
    if launch.register is not None and not (_NAME.fullmatch(launch.register) and item.entry("register")):
        return False
    if launch.register is None and "register" in task.keywords:
        return False
    if task.inherited("ignore_errors") or task.inherited("ignore_unreachable"):
        return False
    later = {step.place.line for step in item.later}
    if any(look.task.path != task.path or look.task.line not in later for look in launch.looks):
        return False
    return not any(_is_per_item(launch, item, key) for key in _KEPT)


def _lives_on(item: Item, task: Task) -> bool:
    """Whether the work seems to be a service: by its words, or because a task after it waits for a port or a file."""
    texts = (task.name or "", *(str(value) for value in task.args.values()))
    if any(_SERVICE.search(text) for text in texts):
        return True
    return "wait_for" in [step.module for step in item.later]


def _is_per_item(launch: Launch, item: Item, key: str) -> bool:
    """Whether the keyword is another one for each item of the launch's loop."""
    entry = item.entry(key)
    if entry is None or not launch.is_looped:
        return False
    control = launch.task.keywords.get("loop_control")
    control = control if isinstance(control, dict) else {}
    names = [str(control.get("loop_var", "item")), str(control.get("index_var", "ansible_loop")), "ansible_loop"]
    return any(re.search(rf"\b{re.escape(name)}\b", item.text(entry.first, entry.last)) for name in names)


def _place(item: Item, launch: Launch) -> int:
    """The line after which the wait goes: the list's end, but before the first task that would cut it off.

    Before a task that looks at the job too, and above all before one that deletes its status file.
    """
    looks = {look.task.line for look in launch.looks}
    stop = next((at for at, step in enumerate(item.later) if step.place.line in looks or _cuts_off(step)), None)
    if stop is None:
        return item.last_of_list
    if stop == 0:
        return item.last
    before = item.later[stop - 1].line
    return next(end_line(node) for node in item.siblings if node.start_mark.line + 1 == before)


@lru_cache(maxsize=MAX_KEPT)
def _cuts_off(task: Task) -> bool:
    """Whether after this task the wait is not reached, or its job is gone: the host restarts, or the play ends."""
    if task.module == "meta":
        return str(task.args.get("_raw_params", "")).strip().startswith("end_")
    return task.module in ("reboot", "fail", "ansible.windows.win_reboot") or cuts_connection(
        task.module, task.args, task.name
    )


def _registered(item: Item, launch: Launch, register: str) -> Iterator[Edit]:
    if launch.register is None:
        entry = item.entry("poll") or item.entries[-1]
        yield item.after(entry.last, f"{' ' * item.indent}register: {register}\n")


def _reap(launch: Launch, item: Item, register: str, limit: float) -> str:
    outer, keys = " " * item.dash, " " * item.indent
    step = keys + "  "
    each = f"{register}_item" if launch.is_looped else register
    delay, _ = schedule(limit)
    lines = [
        f"{outer}-{' ' * (item.indent - item.dash - 1)}name: {scalar(f'Wait for {_what(launch, register)}')}",
        f"{keys}ansible.builtin.async_status:",
        f'{step}jid: "{{{{ {each}.ansible_job_id }}}}"',
    ]
    if launch.is_looped:
        jobs = f"{register}.results | default([]) | selectattr('ansible_job_id', 'defined') | list"
        lines += [
            f'{keys}loop: "{{{{ {jobs} }}}}"',
            f"{keys}loop_control:",
            f"{step}loop_var: {each}",
            f'{step}label: "{{{{ {each}.ansible_job_id }}}}"',
        ]
    elif item.entry("when"):
        lines.append(f"{keys}when: {register}.ansible_job_id is defined")
    lines += [
        f"{keys}register: {register}_result",
        f"{keys}until: {register}_result is finished",
        f"{keys}retries: {_retries(launch, item, limit)}",
        f"{keys}delay: {delay}",
    ]
    kept = "".join(_kept(item))
    return "\n".join(lines) + "\n" + kept


def _kept(item: Item) -> Iterator[str]:
    for key in _KEPT:
        entry = item.entry(key)
        if entry is not None:
            text = item.text(entry.first, entry.last).replace("\r\n", "\n")
            if entry.first == item.entries[0].first:  # it stands on the dash's line
                text = " " * item.indent + text[item.indent :]
            yield text if text.endswith("\n") else text + "\n"


def _retries(launch: Launch, item: Item, limit: float) -> str | None:
    """The tries as a number, or, where the limit is a variable, worked out of it; None where it is more than that."""
    delay, retries = schedule(limit)
    if item.number("async") is not None:
        return str(retries)
    entry = item.entry("async")
    variable = _VARIABLE.fullmatch(entry.scalar.strip()) if entry and entry.scalar else None
    if variable is None or _is_per_item(launch, item, "async"):
        return None
    return f'"{{{{ ({variable.group(1)} | int + {FIX_MARGIN}) // {delay} + 1 }}}}"'


def schedule(limit: float) -> tuple[int, int]:
    """Delay and retries (seconds, tries) of a wait that lasts until the job has met its limit and been killed."""
    delay = 30 if limit >= 3600 else 10 if limit >= 60 else 2
    return delay, math.ceil((limit + FIX_MARGIN) / delay)


def _what(launch: Launch, register: str) -> str:
    label = launch.task.label
    return register if "{{" in label or "{%" in label or not label.isprintable() else label


def _new_name(analysis: Analysis, launch: Launch) -> str:
    """A variable name that the project's files with async tasks do not hold, and that no other fix takes either."""
    name = _base_name(launch.task)
    nameless = [each for each in analysis.launches if each.register is None and _base_name(each.task) == name]
    taken = _words_of(analysis)
    numbered = (name if number == 1 else f"{name}_{number}" for number in itertools.count(1))
    free = (each for each in numbered if taken.isdisjoint((each, f"{each}_item", f"{each}_result")))
    return next(itertools.islice(free, nameless.index(launch), None))


@lru_cache(maxsize=1)
def _words_of(analysis: Analysis) -> frozenset[str]:
    return frozenset(word for text in analysis.texts.values() for word in re.findall(r"\w+", text))


@lru_cache(maxsize=MAX_KEPT)
def _base_name(task: Task) -> str:
    """Made of the task's name; in a role it starts with the role's, as ansible-lint wants it."""
    label = re.sub(r"{[{%].*?[%}]}", " ", task.name or task.module.rpartition(".")[2])
    words = [word for word in re.findall(r"[a-z0-9]+", label.lower()) if word not in _SMALL]
    role = _ROLE.search(task.path)
    prefix = re.findall(r"[a-z0-9]+", role.group(1).lower()) if role else []
    name = "_".join([*prefix, *words[:4], "job"])
    return f"job_{name}" if name[0].isdigit() else name
