"""async-noop: ``async`` or ``poll`` where they do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks import fixes, reboot
from ansible_reap.checks.evidence import work
from ansible_reap.checks.evidence.async_support import VERSIONS
from ansible_reap.checks.evidence.neighbours import is_silenced, readers_of
from ansible_reap.checks.finding import Finding, Fix, Level, Rule, RuleContext
from ansible_reap.checks.support import listed, number, speak
from ansible_reap.checks.unsupported import refusing_versions
from ansible_reap.content.expressions import names_in
from ansible_reap.content.model import Place, Task, as_list
from ansible_reap.flow.analysis import Analysis, AsyncUse
from ansible_reap.late_patterns import expression

_IGNORED = "Ansible takes no notice of it: the tasks run in the foreground, one after another"
_A_PARAMETER = "Ansible takes it for a variable of the role, which runs in the foreground"
_REFUSED = "Ansible stops with '{keyword} is not a valid attribute' there"
_REFUSED_UNLESS = f"{_REFUSED}, or passes over it where invalid_task_attribute_failed is off"
_WHERE = {
    "import_role": ("import_role", _IGNORED),
    "import_tasks": ("import_tasks", _IGNORED),
    "include_role": ("include_role", _REFUSED_UNLESS),
    "include_tasks": ("include_tasks", _REFUSED_UNLESS),
    "include": ("include", _REFUSED_UNLESS),
    "block": ("a block", _REFUSED),
    "import_playbook": ("import_playbook", _REFUSED),
    "a play": ("a play", _REFUSED),
    "an apply": ("the 'apply' of an include", _REFUSED),
    "a role": ("an entry of 'roles'", _A_PARAMETER),
    "a dependency": ("a role's dependency", _A_PARAMETER),
    "meta": ("meta", "Ansible takes no notice of it"),
}
"""By module, or kind of block: its name, and what Ansible does with the keyword (ansible-core 2.16 to 2.22)."""


_IMPORTS = ("import_role", "import_tasks")
"""Calls that Ansible replaces by the tasks called: nothing of ``async``, ``poll`` and ``register`` is left of them."""

_IF_DEFINED = expression(r"^\s*[\w.\[\]'\"]+\s+is\s+defined\b(?!.*\bor\b)")
"""A condition that does not hold where the variable is not there."""


def check(context: RuleContext) -> Iterator[Finding]:
    imports: dict[tuple[str, Place | None, str, str], list[AsyncUse]] = {}
    for use in context.analysis.uses:
        if use.is_read:
            continue
        if use.task.module in _IMPORTS:
            around = next((block.place for block in use.task.enclosing()), None)
            keyword = "async" if "async" in use.task.keywords else "poll"
            own = use.task.place if is_silenced(context.analysis, use.task) else around
            imports.setdefault((use.task.path, own, use.task.module, keyword), []).append(use)
            continue
        finding = (
            _keyword(context.analysis, [use])
            or _poll(context.analysis, use)
            or _zero(context.analysis, use)
            or _serial(use)
        )
        if finding:
            yield finding
    for uses in imports.values():
        finding = _keyword(context.analysis, uses)
        if finding:
            yield finding


def _keyword(analysis: Analysis, uses: list[AsyncUse]) -> Finding | None:
    """One finding for the tasks, which stand in one block and are of one kind."""
    tasks = [use.task for use in uses]
    task, *others = tasks
    if task.module not in _WHERE:
        return None
    what, effect = _WHERE[task.module]
    keyword = "async" if "async" in task.keywords else "poll"
    waits = [*dict.fromkeys(wait for each in tasks for wait in _waits_for_nothing(analysis, each))]
    comes_to = "is skipped" if waits and all(map(_is_skipped_without_it, waits)) else "fails"
    gone = f" No job id is registered either, so the wait for it {comes_to} ({waits[0].place})." if waits else ""
    readers = _readers(analysis, tasks, waits)
    todo = "take the wait out" if waits else ""
    alike = f" The same goes for the {task.module} in {_lines(others)}." if others else ""
    if not waits and task.module in _IMPORTS and any("register" in each.keywords for each in tasks):
        alike += " The register is passed over too: the variable does not exist"
        handed = [reader for reader in readers if reader.module == "async_status"]
        alike += f", and the wait in line {handed[0].line} has no job to wait for." if handed else "."
        todo = "take out the wait and what reads the register" if handed else "take out what reads the register"
    if readers:
        todo += f" ({_lines(readers)})" if not waits else f" and what else reads the register ({_lines(readers)})"
    wait_too = f", and {todo}" if waits or readers else ""
    return speak(
        RULE,
        task,
        f"{keyword} on {what} starts no job. {effect.format(keyword=keyword)}.{gone}{alike} Put async and poll on the "
        f"tasks themselves{wait_too}.",
        sub_tag="keyword",
        related=[
            *((other, "starts no job either") for other in others),
            *((wait, "waits for a job that is never started") for wait in waits),
        ],
        settings=uses[0].settings,
        fix=None if readers else _without_all(analysis, tasks, waits),
    )


def _lines(tasks: list[Task]) -> str:
    return f"line {tasks[0].line}" if len(tasks) == 1 else f"lines {listed(str(task.line) for task in tasks)}"


def _readers(analysis: Analysis, tasks: list[Task], waits: list[Task]) -> list[Task]:
    """What is left to read a register of imports without these waits, those first that wait by way of ``set_fact``."""
    if tasks[0].module not in _IMPORTS:
        return []
    read = dict.fromkeys(other for task in tasks for other in readers_of(analysis, task) if other not in waits)
    facts = {name for other in read if other.module == "set_fact" for name in other.args}
    handed = [
        reap.task
        for reap in analysis.reaps
        if reap.task.path == tasks[0].path
        and reap.task not in waits
        and not facts.isdisjoint(names_in([reap.task.args, reap.task.keywords.get(reap.task.loop_keyword or "")]))
    ]
    return [*dict.fromkeys([*handed, *read])]


def _without_all(analysis: Analysis, tasks: list[Task], waits: list[Task]) -> Fix | None:
    """Without the keywords that do nothing on any of the tasks."""
    if len(tasks) == 1:
        extra = ("register",) if tasks[0].module in _IMPORTS and "register" in tasks[0].keywords else ()
        return _without(analysis, tasks[0], waits, "async", "poll", *extra)
    if waits:
        return None
    found = [fixes.keywords.drop(analysis, task, "async", "poll", "register") for task in tasks]
    edits = tuple(edit for fix in found if fix for edit in fix.edits)
    return Fix(found[0].description, edits) if found[0] and all(found) else None


def _is_skipped_without_it(wait: Task) -> bool:
    """Whether the wait asks first whether what it waits for is there."""
    return any(_IF_DEFINED.search(str(term)) for term in as_list(wait.inherited("when")))


def _waits_for_nothing(analysis: Analysis, task: Task) -> list[Task]:
    """The tasks that look for the job that this task never starts."""
    register = task.keywords.get("register")
    if not isinstance(register, str):
        return []
    written = (
        (reap.task, [reap.task.args, reap.task.keywords.get(reap.task.loop_keyword or "")]) for reap in analysis.reaps
    )
    return [reap for reap, texts in written if register in names_in(texts)]


def _without(analysis: Analysis, task: Task, waits: list[Task], *keywords: str) -> Fix | None:
    """Without waits the keywords alone go; with them the register and the waits go too, for their author to look at."""
    if not waits:
        return fixes.keywords.drop(analysis, task, *keywords, is_safe=task.module not in ("a role", "a dependency"))
    is_read = any(other not in waits for other in readers_of(analysis, task))
    return fixes.keywords.drop_with_waits(analysis, task, waits, *keywords, *(() if is_read else ("register",)))


def _poll(analysis: Analysis, use: AsyncUse) -> Finding | None:
    if "poll" not in use.task.keywords or "async" in use.task.keywords:
        return None
    poll = number(use.task.keywords["poll"])
    is_background = poll is not None and poll <= 0
    then = (
        " and wait for its job before its result is read" if is_background and use.task.keywords.get("register") else ""
    )
    todo = f"Leave it out, or give the task a limit (async: SECONDS){then}"
    if "until" in use.task.keywords and "delay" not in use.task.keywords:
        todo = "Leave it out; what waits between the retries of an until is delay"
    return speak(
        RULE,
        use.task,
        f"poll does nothing without async: the task runs in the foreground. {todo}.",
        sub_tag="poll",
        settings=use.settings,
        fix=fixes.keywords.drop(analysis, use.task, "poll"),
    )


def _zero(analysis: Analysis, use: AsyncUse) -> Finding | None:
    if number(use.task.keywords.get("async")) != 0:
        return None
    waits = _waits_for_nothing(analysis, use.task)
    command = work.reboots(use.task)
    if command:
        left = any(each.is_background for each in work.commands(use.task))
        effect = (
            f"what leaves '{command}' in the background is the shell's '&'"
            if left
            else (f"'{command}' runs in the foreground")
        )
        todo = f"Use {reboot.module_for(analysis, use.task)}, which waits for the host, in place of it"
        if not reboot.has_module(analysis, use.task, use.settings):
            shell = "" if use.task.short_name == "shell" else " with the shell module"
            todo = f"Give the job a limit, and the reboot a pause before it ('sleep 3 && ...'{shell}, async: 60)"
    else:
        effect = "the task runs in the foreground and registers no job id"
        wait_too = f", and take the wait out ({waits[0].place})" if waits else ""
        todo = f"Leave async and poll out{wait_too}"
        if VERSIONS[-1] not in refusing_versions(use.task.module):
            todo = f"{todo}, or give the job a limit (async: SECONDS)"
    return speak(
        RULE,
        use.task,
        f"async: 0 starts no job: {effect}. {todo}.",
        sub_tag="zero",
        related=[(wait, "waits for a job that is never started") for wait in waits],
        settings=use.settings,
        fix=None if command else _without(analysis, use.task, waits, "async", "poll"),
    )


def _serial(use: AsyncUse) -> Finding | None:
    """A loop whose items each wait for their job before the next one starts. Opt-in."""
    if not any(key == "loop" or key.startswith("with_") for key in use.task.keywords):
        return None
    limit, poll = use.limit, use.poll
    if not (limit and limit.known and min(limit.values) > 0 and poll and poll.known and min(poll.values) > 0):
        return None
    return speak(
        RULE,
        use.task,
        "With poll above 0 the items of the loop run one after another, each waited for before the next one starts. To "
        "run them side by side, launch them with poll: 0 and wait in a second loop over the results.",
        sub_tag="serial",
        settings=use.settings,
    )


RULE = Rule(
    id="async-noop",
    sub_tags=("keyword", "poll", "zero", "serial"),
    severity=Level.MEDIUM,
    tags=("idiom",),
    summary="async or poll where they do nothing",
    check=check,
    opt_in=frozenset({"async-noop[serial]"}),
)
