"""async-background: work that leaves the job, so that the job's result says nothing about it."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks import meant
from ansible_reap.checks.evidence import leaving, work
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import speak
from ansible_reap.jobs import Verdict
from ansible_reap.wording import seconds_text

_WHY = {
    "&": "'&' leaves the work to run in the background of its shell: the job's result is the shell's, and {limit} need "
    "not reach the work",
    "disown": "disown lets the work outlive its shell: the job's result is the shell's, and {limit} does not reach it",
    "setsid": "setsid gives the work a process group of its own, and {limit} ends the job's group only",
    "nohup": "nohup changes nothing here: a job has no terminal whose end could reach it",
}
_TODO = {
    "&": "Leave '&' out, or end the shell with 'wait', so that the job ends when the work does; give it as long as the "
    "work needs (async: SECONDS).",
    "nohup": "Leave it out.",
}


def check(context: RuleContext) -> Iterator[Finding]:
    for use in context.analysis.uses:
        if use.limit is None or not use.limit.values or max(use.limit.values) <= 0:
            continue
        # Nobody reads the result of a job that is declared detached, and async-reboot reports jobs that reboot.
        if use.launch and use.launch.verdict in (Verdict.DETACHED, Verdict.REBOOT):
            continue
        sign = None if work.reboots(use.task) else leaving.leaves_by(work.commands(use.task))
        if not sign:
            continue
        # What is meant to live on has to outlive its shell: async-unreaped says what to do with it instead.
        if use.launch and meant.is_daemon(context.analysis, use.launch):
            continue
        if use.launch and meant.is_left_behind(context.analysis, use.launch):
            continue  # async-unreaped says both
        seconds = use.limit.single
        limit = f"the limit of {seconds_text(seconds)}" if seconds else "the limit"
        todo = _TODO.get(sign, f"Leave {sign} out: async runs the work in the background already.")
        yield speak(
            RULE,
            use.task,
            f"{_WHY[sign].format(limit=limit)}. {todo}",
            confidence=Level.HIGH if sign == "&" else Level.MEDIUM,
            settings=use.settings,
        )


RULE = Rule(
    id="async-background",
    sub_tags=(),
    severity=Level.LOW,
    tags=("idiom",),
    summary="Work put in the background inside an async shell",
    check=check,
)
