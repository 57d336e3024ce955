"""async-unsupported: an action, or a mode of running, that refuses ``async``."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks.evidence.async_support import BUILTIN, COLLECTIONS, VERSIONS
from ansible_reap.checks.evidence.conditions import mentions
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import constant, contexts, speak
from ansible_reap.content.model import Task
from ansible_reap.content.requirements import admits
from ansible_reap.flow.analysis import AsyncUse, Launch

REFUSES_CHECK_MODE = (2, 16)
"""The last ansible-core that refuses async under ``--check``; 2.17 and later start the wrapper in check mode."""

_SHORT_NAMES = {
    name.rpartition(".")[2]: name
    for name in COLLECTIONS
    if name.startswith(("ansible.", "kubernetes.core.k8s"))  # helm alone was never a short name
}
"""Names that ansible-core still routes to a collection."""


def check(context: RuleContext) -> Iterator[Finding]:
    for use in context.analysis.uses:
        if use.limit is not None and use.limit.known and min(use.limit.values) > 0:
            finding = _action(use)
            if finding:
                yield finding
            elif use.launch and admits(context.analysis.root, use.task.path, REFUSES_CHECK_MODE):
                yield from _check_mode(use.launch)


def refusing_versions(module: str) -> tuple[str, ...]:
    """The versions of ansible-core that refuse ``async`` on the module."""
    name = _SHORT_NAMES.get(module, module)
    return VERSIONS if name in COLLECTIONS else BUILTIN.get(module, ())


def _action(use: AsyncUse) -> Finding | None:
    refusing = refusing_versions(use.task.module)
    if VERSIONS[-1] not in refusing:
        return None
    on = "" if refusing == VERSIONS else f" (ansible-core {refusing[0]} and later)"
    return speak(
        RULE,
        use.task,
        f"{use.task.action} does not support async{on}: the task fails, and its work is never started.",
        sub_tag="action",
        settings=use.settings,
        suggestion="# leave async and poll out",
    )


def _check_mode(launch: Launch) -> Iterator[Finding]:
    if _never_in_check_mode(launch):
        return
    yield speak(
        RULE,
        launch.task,
        "The role or collection admits ansible-core 2.16, which fails this task under --check: 'check mode and async "
        "cannot be used on same task'.",
        sub_tag="check-mode",
        confidence=Level.MEDIUM,
        settings=launch.settings,
        suggestion='async: "{{ ansible_check_mode | ternary(0, LIMIT) }}"',
    )


def _never_in_check_mode(launch: Launch) -> bool:
    """Whether something about the task speaks of check mode: it is not ours to judge what that something does."""
    if all(constant(setting.check_mode) is False for setting in contexts(launch.task, launch.settings)):
        return True
    texts = (launch.limit.text, launch.poll.text)
    return any("ansible_check_mode" in text for text in texts) or _guarded(launch.task)


def _guarded(task: Task) -> bool:
    conditions = [task.keywords.get("when"), *(block.keywords.get("when") for block in task.enclosing())]
    return any(mentions(condition, "ansible_check_mode") for condition in conditions)


RULE = Rule(
    id="async-unsupported",
    sub_tags=("action", "check-mode"),
    severity=Level.MEDIUM,
    tags=("unpredictability",),
    summary="An action, or a mode of running, that refuses async",
    check=check,
)
