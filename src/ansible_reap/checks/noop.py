"""async-noop: ``async`` or ``poll`` where they do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence.work import number
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import speak
from ansible_reap.flow.analysis import Analysis, AsyncUse

IMPORTS = frozenset({"import_role", "import_tasks"})
INCLUDES = frozenset({"include_role", "include_tasks", "include", "block", "import_playbook"})


def check(context: RuleContext) -> Iterator[Finding]:
    for use in context.analysis.uses:
        finding = (
            _keyword(context.analysis, use)
            or _poll(context.analysis, use)
            or _zero(context.analysis, use)
            or _serial(use)
        )
        if finding:
            yield finding


def _keyword(analysis: Analysis, use: AsyncUse) -> Finding | None:
    task = use.task
    if task.module in IMPORTS:
        effect = "ignores it without a word: the tasks run in the foreground, one after another"
    elif task.module in INCLUDES:
        effect = "does not know it there: the play is refused, or with invalid_task_attribute_failed off it is ignored"
    elif task.module == "meta":
        effect = "ignores it there"
    else:
        return None
    keyword = "async" if "async" in task.keywords else "poll"
    what = "a block" if task.module == "block" else task.module
    return speak(
        RULE,
        task,
        f"{keyword} on {what} starts no job. Ansible {effect}.",
        sub_tag="keyword",
        settings=use.settings,
        suggestion="# put async and poll on the tasks themselves",
        fix=fixes.keywords.drop(analysis, task, "async", "poll"),
    )


def _poll(analysis: Analysis, use: AsyncUse) -> Finding | None:
    if "poll" not in use.task.keywords or "async" in use.task.keywords:
        return None
    return speak(
        RULE,
        use.task,
        "poll does nothing without async: the task runs in the foreground.",
        sub_tag="poll",
        settings=use.settings,
        suggestion="# leave poll out, or give the task a limit: async: SECONDS",
        fix=fixes.keywords.drop(analysis, use.task, "poll"),
    )


def _zero(analysis: Analysis, use: AsyncUse) -> Finding | None:
    if number(use.task.keywords.get("async")) != 0:
        return None
    return speak(
        RULE,
        use.task,
        "async: 0 means no async at all: the task runs in the foreground and registers no job id.",
        sub_tag="zero",
        settings=use.settings,
        suggestion="# leave async and poll out, or give the job a limit: async: SECONDS",
        fix=fixes.keywords.drop(analysis, use.task, "async", "poll"),
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
        "With poll above 0 the items of the loop run one after another. To run them side by side, launch with poll: 0 "
        "and reap the results in a second loop.",
        sub_tag="serial",
        settings=use.settings,
        suggestion="poll: 0",
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
