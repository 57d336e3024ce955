"""async-unsupported: an action, or a mode of running, that refuses ``async``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence.async_support import ACCEPTING, BUILTIN, COLLECTIONS, VERSIONS
from ansible_reap.checks.evidence.conditions import mentions
from ansible_reap.checks.evidence.releases import may_run_on, version
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import constant, contexts, speak
from ansible_reap.content.model import Task
from ansible_reap.content.requirements import admits
from ansible_reap.flow.analysis import Analysis, AsyncUse, Launch

REFUSES_CHECK_MODE = (2, 16)
"""The last ansible-core that refuses async under ``--check``; 2.17 and later start the wrapper in check mode."""

_SHORT_NAMES = {
    name.rpartition(".")[2]: name
    for name in COLLECTIONS
    if name.startswith(("ansible.", "kubernetes.core.k8s"))  # helm alone was never a short name
}
"""Names that ansible-core still routes to a collection."""


def check(context: RuleContext) -> Iterator[Finding]:
    refused: dict[str, list[Launch]] = {}
    for use in context.analysis.uses:
        if use.limit is not None and use.limit.known and min(use.limit.values) > 0:
            finding = _action(context.analysis, use)
            if finding:
                yield finding
            elif use.launch and _is_refused_in_check_mode(context.analysis, use.launch):
                refused.setdefault(_owner(use.task.path), []).append(use.launch)
    for launches in refused.values():
        yield _check_mode(launches)


def _owner(path: str) -> str:
    """The role that a file belongs to, as a path; for others the collection or project, as nothing."""
    found = re.match(r"(?:.*/)?roles/[^/]+/", path)
    return found.group() if found else ""


def _is_refused_in_check_mode(analysis: Analysis, launch: Launch) -> bool:
    return admits(analysis.root, launch.task.path, REFUSES_CHECK_MODE) and not _never_in_check_mode(launch)


def refusing_versions(module: str) -> tuple[str, ...]:
    """The versions of ansible-core that refuse ``async`` on the module."""
    name = _SHORT_NAMES.get(module, module)
    whole = f"{name.rpartition('.')[0]}.*"
    if name in COLLECTIONS or (whole in COLLECTIONS and name not in ACCEPTING):
        return VERSIONS
    return BUILTIN.get(module, ())


def _action(analysis: Analysis, use: AsyncUse) -> Finding | None:
    refusing = refusing_versions(use.task.module)
    if VERSIONS[-1] not in refusing:
        return None
    if refusing != VERSIONS and not may_run_on(analysis, use.task, version(refusing[0]), use.settings):
        return None
    on = "" if refusing == VERSIONS else f" on ansible-core {refusing[0]} and later"
    readers = (*use.launch.reaps, *use.launch.looks) if use.launch else ()
    return speak(
        RULE,
        use.task,
        f"{use.task.action} does not support async: this task fails{on}, and its work is never started. Take async and "
        f"poll out{', and the wait for its job' if readers else ''}.",
        sub_tag="action",
        related=[(reap.task, "looks for the job that is never started") for reap in readers],
        settings=use.settings,
        fix=fixes.keywords.drop(analysis, use.task, "async", "poll", is_safe=False) if not readers else None,
    )


def _check_mode(launches: list[Launch]) -> Finding:
    first, *others = launches
    more = f", and so do {len(others)} more of the role" if others else ""
    return speak(
        RULE,
        first.task,
        f"Under --check ansible-core 2.16, which the role or collection admits, fails this task{more}: 'check mode and "
        f"async cannot be used on same task'. Skip it there (when: not ansible_check_mode), and its wait with it.",
        sub_tag="check-mode",
        confidence=Level.MEDIUM,
        related=[(other.task, "fails under --check too") for other in others],
        settings=first.settings,
    )


def _never_in_check_mode(launch: Launch) -> bool:
    """Whether something about the task speaks of check mode: it is not ours to judge what that something does."""
    if all(constant(setting.check_mode) is False for setting in contexts(launch.task, launch.settings)):
        return True
    texts = (launch.limit.text, launch.poll.text)
    return any("ansible_check_mode" in text for text in texts) or _guarded(launch.task)


def _guarded(task: Task) -> bool:
    conditions = task.whens()
    return any(mentions(condition, "ansible_check_mode") for condition in conditions)


RULE = Rule(
    id="async-unsupported",
    sub_tags=("action", "check-mode"),
    severity=Level.MEDIUM,
    tags=("unpredictability",),
    opt_in=frozenset({"async-unsupported[check-mode]"}),
    summary="An action, or a mode of running, that refuses async",
    check=check,
)
