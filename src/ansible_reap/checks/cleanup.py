"""async-cleanup: a reaped job whose status file is never cleaned up. Opt-in."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import speak
from ansible_reap.flow.analysis import ReapKind
from ansible_reap.jobs import Verdict


def check(context: RuleContext) -> Iterator[Finding]:
    for launch in context.analysis.launches:
        if launch.verdict is not Verdict.REAPED:
            continue
        if any(look.kind is ReapKind.CLEANUP for look in (*launch.looks, *launch.reaps)):
            continue
        wait = launch.reaps[0].task if launch.reaps else None
        yield speak(
            RULE,
            launch.task,
            "The job is waited for, but its status file stays on the host: with poll: 0 Ansible never removes it. Add "
            "an async_status with 'mode: cleanup' after the wait.",
            related=[(reap.task, "waits for it; clean up after this") for reap in launch.reaps],
            settings=launch.settings,
            fix=fixes.cleanup.after(context.analysis, wait) if wait else None,
        )


RULE = Rule(
    id="async-cleanup",
    sub_tags=(),
    severity=Level.LOW,
    tags=("unpredictability", "opt-in"),
    summary="A reaped job whose status file is never cleaned up",
    check=check,
    opt_in=frozenset({"async-cleanup"}),
)
