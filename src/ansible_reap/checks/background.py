"""async-background: work that leaves the job, so that the job's result says nothing about it."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks.evidence import work
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import speak
from ansible_reap.jobs import Verdict

_WHY = {
    "&": "'&' puts the work in the background, so the job ends at once and its result says nothing about the work",
    "disown": "disown lets the work outlive the job, whose result says nothing about it",
    "setsid": "setsid moves the work out of the job's process group: the limit does not reach it",
    "nohup": "nohup is for work that leaves its shell: a job needs none, and its result should be the work's own",
}


def check(context: RuleContext) -> Iterator[Finding]:
    for use in context.analysis.uses:
        if use.limit is None or not use.limit.values or max(use.limit.values) <= 0:
            continue
        # A job declared detached has a result that nobody reads, and one that reboots is async-reboot's.
        if use.launch and use.launch.verdict in (Verdict.DETACHED, Verdict.REBOOT):
            continue
        sign = None if work.reboots(use.task) else work.leaves_by(work.commands(use.task))
        if sign:
            yield speak(
                RULE,
                use.task,
                f"{_WHY[sign]}. async already runs it in the background.",
                confidence=Level.HIGH if sign == "&" else Level.MEDIUM,
                settings=use.settings,
                suggestion="# leave '&', nohup, setsid and disown out; async is the background",
            )


RULE = Rule(
    id="async-background",
    sub_tags=(),
    severity=Level.LOW,
    tags=("idiom",),
    summary="Work put in the background inside an async shell",
    check=check,
)
