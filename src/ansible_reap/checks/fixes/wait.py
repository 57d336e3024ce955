"""Fix: add the missing wait. Registers the launch if needed, and reaps it at the end of its list of tasks."""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from ansible_reap.checks.evidence import conditions, known_times, leaving, own_waits, rescued, work
from ansible_reap.checks.evidence.neighbours import tasks_naming
from ansible_reap.checks.evidence.topics import check_after, first_to_name_its_work
from ansible_reap.checks.finding import Edit, Fix
from ansible_reap.checks.fixes.keywords import put
from ansible_reap.checks.fixes.layout import REACH, Item, find, scalar
from ansible_reap.checks.support import number
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.flow.walk.calls import ROLE_CALLS, TASK_CALLS
from ansible_reap.jobs import Verdict
from ansible_reap.late_patterns import expression
from ansible_reap.shell.disconnects import cuts_connection
from ansible_reap.timing import DEFAULT_DELAY, FIX_MARGIN, KILL_STEP

LONGEST = 43200
"""For a limit above this (seconds) a wait is only suggested: the play would stand still for half a day."""

_KEPT = (
    "vars",
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
    "notify",
)
"""Keywords by which the reap looks where the job is, and runs when the launch runs (ansible-core 2.16 to 2.22).

It notifies what the launch notifies: once the work is done.
"""

_REACHING = ("ansible_", "async_reaper_")
"""How the variables begin that decide where and as whom a task runs, or are for us."""

_AUTHORS_OWN = ("until", "retries", "ignore_unreachable", "listen", "debugger")
"""Keywords with which the launch's author may mean something that a plain wait would break."""

MAX_TEXT = 1000
"""Characters of a name or command that are searched: the expressions may go over the rest once for each word."""
MAX_KEPT = 4096
"""Tasks of which it is remembered whether they cut a wait off: each fix of a file asks for those after it."""
_SMALL = frozenset({"a", "an", "the", "and", "for", "from", "in", "is", "of", "on", "that", "this", "to", "with"})
_OF_A_LAUNCH = {"ansible_job_id", "started", "finished", "results_file", "changed", "failed", "skipped", "results"}
"""What the result of a launch holds, with what every result and that of a loop has (ansible-core 2.16 to 2.22)."""
_WORD = expression(r"\w+")
_KEY = expression(r"(\w+)\W{0,2}:")
_NAME = expression(r"[a-z_]\w*", re.IGNORECASE)
_TEMPLATE = expression(r"\{\{((?:(?!\{\{|\}\}).)+)\}\}")
_ROLE = expression(r"(?:^|/)roles/(?:[\w-]+\.)*([\w-]+)/")


def add(analysis: Analysis, launch: Launch, *, is_safe: bool = True, limit: float | None = None) -> Fix | None:
    """The wait for a launch that nothing reaps; None where no complete one can be written.

    ``is_safe`` is False where the caller knows of a reason not to write it unasked; there may be others here.
    ``limit`` (seconds) takes the place of a limit that is too low for the work.
    """
    item = find(analysis, launch.task)
    if item is None or not _is_possible(launch, item):
        return None
    if rescued.idle_rescue(analysis, launch.task, [launch.via]) is not None:
        return None  # where nothing is done about a failure, a wait would tell of none
    register = launch.register or _new_name(analysis, launch)
    edits = list(_registered(item, launch, register))
    if limit is None:
        limit = launch.limit.single
    else:
        raised = item.with_scalar("async", f"{limit:g}") if item.number("async") is not None else None
        if raised is None or limit > LONGEST:
            return None
        edits.insert(0, raised)
        is_safe = False
    place = _place(analysis, item, launch)
    reap = ("\n" if item.is_spaced_after(place) else "") + _reap(launch, item, register, limit)
    edits.append(item.after(place, reap))
    what = _what(launch, register)
    description = f"wait for {what}" if launch.register else f"register the job and wait for {what}"
    return Fix(description, tuple(edits), is_safe and _is_safe(launch, item, limit))


def correct(analysis: Analysis, look: Task, limit: float | None) -> Fix | None:
    """The look that does not wait, with an ``until`` that does and tries that cover the limit (seconds).

    None where the task registers nothing, or its numbers cannot be told: then only its author knows what it is for.
    """
    item, register = find(analysis, look), look.keywords.get("register")
    if item is None or limit is None:
        return None
    delay = item.number("delay") if item.entry("delay") else DEFAULT_DELAY
    if not delay or delay <= 0:
        return None
    if not (isinstance(register, str) and _NAME.fullmatch(register)):
        return None
    values = {"until": f"{register} is finished"}
    if conditions.holds_until_the_end(look.keywords.get("failed_when"), register):
        values["failed_when"] = f"{register} is failed"  # with such an until it would never hold
    retries = math.ceil((limit + FIX_MARGIN) / delay)
    given = item.number("retries") if item.entry("retries") else 0
    if given is None:
        return None
    if given < retries:
        values["retries"] = str(retries)
    return put(analysis, look, values, f"wait until {register} is finished")


def _is_possible(launch: Launch, item: Item) -> bool:
    """Whether a wait can be written that looks where the job is, under the same conditions."""
    task = launch.task
    if launch.verdict is not Verdict.UNREAPED or task.is_handler or "/handlers/" in f"/{task.path}":
        return False
    if item.number("poll") is None or _retries(launch, item, launch.limit.single) is None:
        return False
    if task.inherited("ignore_errors") or item.entry("failed_when"):
        return False  # its author lets it fail: whether the wait may fail the play is for them to say
    if launch.register is not None and not (_NAME.fullmatch(launch.register) and item.entry("register")):
        return False
    if launch.register is None and "register" in task.keywords:
        return False
    later = {step.place.line for step in item.later}
    if any(look.task.path != task.path or look.task.line not in later for look in launch.looks):
        return False
    return not any(_is_per_item(launch, item, key) and key != "delegate_to" for key in _kept_keys(launch, item))


def _is_safe(launch: Launch, item: Item, limit: float | None) -> bool:
    task = launch.task
    if limit is None or not KILL_STEP < limit <= LONGEST:
        return False
    if any(item.entry(key) for key in _AUTHORS_OWN) or leaving.leaves_by(work.commands(task)):
        return False
    if task.inherited("ignore_unreachable"):
        return False
    if _is_per_item(launch, item, "delegate_to") or any(not name.startswith(_REACHING) for name in task.vars):
        return False
    return "wait_for" not in [step.module.rpartition(".")[2] for step in item.later]


def _is_per_item(launch: Launch, item: Item, key: str) -> bool:
    """Whether the keyword is another one for each item of the launch's loop."""
    entry = item.entry(key)
    if entry is None or not launch.is_looped:
        return False
    names = [launch.task.loop_variable, launch.task.index_variable or "ansible_loop", "ansible_loop"]
    return any(re.search(rf"\b{re.escape(name)}\b", item.text(entry.first, entry.last)) for name in names)


def _place(analysis: Analysis, item: Item, launch: Launch) -> int:
    """The line after which the wait goes: the list's end, but before the first task that would cut it off.

    Before a task that looks at the job too, above all before one that deletes its status file, and before one that
    gives the register another value: where that one stands in another file, before the first call of any.
    """
    ending = {look.task.line for look in launch.looks}
    if launch.overwritten is not None and launch.overwritten.path != item.path:
        ending |= {step.line for step in analysis.steps.get(item.path, ()) if step.module in TASK_CALLS | ROLE_CALLS}
    if launch.register is not None:
        ending |= _lines_that_set(analysis.steps.get(item.path, ())).get(launch.register, frozenset())
        ending |= _lines_that_need(analysis, launch.task, launch.register)
    # Where the work has failed, the play may not get past a task that asks for what it has done.
    asking = (check_after(analysis, launch.task), first_to_name_its_work(analysis, launch.task))
    ending |= {each.line for each in (*own_waits.right_after(analysis, launch.task), *asking) if each}
    lines = sorted(ending)
    stop = None
    for at, step in enumerate(item.later):
        nearest = bisect_left(lines, step.place.line)
        if _cuts_off(step) or (nearest < len(lines) and lines[nearest] <= step.end_line):
            stop = at
            break
    if stop is None and len(item.later) < REACH:
        return item.last_of_list
    if not stop:
        return item.last
    before = item.later[stop - 1].line
    return next(item.end_line(node) for node in item.siblings if node.start_mark.line + 1 == before)


@lru_cache(maxsize=64)
def _lines_that_set(steps: tuple[Task, ...]) -> dict[str, frozenset[int]]:
    """By variable, the lines of the tasks of a file that give it a value, whatever it held before."""
    found: dict[str, set[int]] = {}
    for step in steps:
        register = step.keywords.get("register")
        names = [register] if isinstance(register, str) else []
        for name in (*names, *(step.args if step.module == "set_fact" else ())):
            found.setdefault(name, set()).add(step.line)
    return {name: frozenset(lines) for name, lines in found.items()}


def _lines_that_need(analysis: Analysis, task: Task, register: str) -> set[int]:
    """The lines of later tasks that read from the register what a launch does not return: without it they fail."""
    naming = list(tasks_naming(analysis, task.path, register, task.end_line))
    if not naming:
        return set()
    attribute = re.compile(rf"(?<![\w.]){re.escape(register)}\.(\w+)(?!\w|\s*\()")
    return {other.line for other in naming if set(attribute.findall(f"{other.args} {other.keywords}")) - _OF_A_LAUNCH}


@lru_cache(maxsize=MAX_KEPT)
def _cuts_off(task: Task) -> bool:
    """Whether after this task the wait is not reached, or its job is gone: the host restarts, or the play ends."""
    seconds, known = number(task.keywords.get("async")), known_times.of(task)
    if seconds and known and not known.is_bound and seconds < known.seconds and task.keywords.get("poll") != 0:
        return True  # its own limit ends it, and it fails
    if task.module == "meta":
        return str(task.args.get("_raw_params", "")).strip().startswith("end_")
    return task.module in ("reboot", "fail", "ansible.windows.win_reboot") or cuts_connection(
        task.module, task.args, task.name
    )


def _registered(item: Item, launch: Launch, register: str) -> Iterator[Edit]:
    if launch.register is None:
        entry = item.entry("poll") or item.entries[-1]
        yield item.after(entry.last, f"{' ' * item.indent}register: {register}\n")


def _reap(launch: Launch, item: Item, register: str, limit: float | None) -> str:
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
    elif item.entry("when") or item.number("async") is None:  # a limit of 0, too, starts no job
        lines.append(f"{keys}when: {register}.ansible_job_id is defined")
    lines += [
        f"{keys}register: {register}_result",
        f"{keys}until: {register}_result is finished",
        f"{keys}retries: {_retries(launch, item, limit)}",
        f"{keys}delay: {delay}",
    ]
    if item.entry("local_action") and not item.entry("delegate_to"):
        lines.append(f"{keys}delegate_to: localhost")
    return "\n".join(lines) + "\n" + "".join(_kept(launch, item, each))


def _kept(launch: Launch, item: Item, each: str) -> Iterator[str]:
    """The keywords that the wait shares with the launch; ``each`` is what it calls one job of a looped launch."""
    for key in _kept_keys(launch, item):
        entry = item.entry(key)
        if entry is not None:
            text = item.own_lines(entry)
            if _is_per_item(launch, item, key):  # a result holds the item that it is of
                variable = launch.task.loop_variable
                text = re.sub(rf"(?<![\w.]){re.escape(variable)}\b", f"{each}.{variable}", text)
            yield text


def _kept_keys(launch: Launch, item: Item) -> list[str]:
    """Those of the shared keywords that matter to the wait: variables only where one decides where or how long."""
    keys = [key for key in _KEPT if item.entry(key)]
    entry = item.entry("vars")
    if entry is None:
        return keys
    text = item.text(entry.first, entry.last)
    used = [key for key in keys if key != "vars"] + ([] if item.number("async") is not None else ["async"])
    shared = "".join(item.text(other.first, other.last) for key in used if (other := item.entry(key)))
    names = launch.task.vars.keys() & set(_KEY.findall(text))
    words = set(_WORD.findall(shared))
    matters = any(name.startswith("ansible_") or name in words for name in names)
    return keys if matters else [key for key in keys if key != "vars"]


def _retries(launch: Launch, item: Item, limit: float | None) -> str | None:
    """The tries as a number, or, where the limit is a template, worked out of it; None where it is more than that."""
    delay, retries = schedule(limit)
    number = item.number("async")
    if number is not None:  # one that is beyond any time is no limit that is known
        return str(retries or math.ceil((number + FIX_MARGIN) / delay))
    entry = item.entry("async")
    template = _TEMPLATE.fullmatch(entry.scalar.strip()) if entry and entry.scalar else None
    if template is None or '"' in template.group(1) or _is_per_item(launch, item, "async"):
        return None
    text = template.group(1).strip().removesuffix("| int").strip()
    value = text if _NAME.fullmatch(text) else f"({text})"
    return f'"{{{{ ({value} | int + {FIX_MARGIN}) // {delay} + 1 }}}}"'


def schedule(limit: float | None) -> tuple[int, int]:
    """Delay and retries (seconds, tries) of a wait that lasts until the job has met its limit and been killed."""
    if limit is None:
        return 10, 0
    delay = _delay(limit)
    return delay, math.ceil((limit + FIX_MARGIN) / delay)


def _delay(limit: float) -> int:
    if limit > LONGEST:
        return 60
    if limit >= 3600:
        return 30
    return 10 if limit >= 60 else 2


def _what(launch: Launch, register: str) -> str:
    label = launch.task.label
    return register if "{{" in label or "{%" in label or not label.isprintable() else label


def _new_name(analysis: Analysis, launch: Launch) -> str:
    """A variable name that the project's files with async tasks do not hold, and that no other fix takes either."""
    return _new_names(analysis)[id(launch)]


@lru_cache(maxsize=1)
def _new_names(analysis: Analysis) -> dict[int, str]:
    """For every launch without a register, by its identity."""
    taken = frozenset(word for text in analysis.texts.values() for word in re.findall(r"\w+", text))
    free: dict[str, Iterator[str]] = {}
    names = {}
    for launch in analysis.launches:
        if launch.register is None:
            base = _base_name(launch.task)
            names[id(launch)] = next(free.setdefault(base, _numbered(base, taken)))
    return names


def _numbered(name: str, taken: frozenset[str]) -> Iterator[str]:
    for at in itertools.count(1):
        each = name if at == 1 else f"{name}_{at}"
        if taken.isdisjoint((each, f"{each}_item", f"{each}_result")):
            yield each


def _base_name(task: Task) -> str:
    """Made of the task's name; in a role it starts with the role's, as ansible-lint wants it."""
    label = re.sub(r"{[{%].*?[%}]}", " ", (task.name or task.module.rpartition(".")[2])[:MAX_TEXT])
    words = [word for word in re.findall(r"[a-z0-9]+", label.lower()) if word not in _SMALL]
    role = _ROLE.search(task.path)
    prefix = re.findall(r"[a-z0-9]+", role.group(1).lower()) if role else []
    name = "_".join([*prefix, *words[:4], "job"])
    return f"job_{name}" if name[0].isdigit() else name
