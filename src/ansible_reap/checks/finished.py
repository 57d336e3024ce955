"""async-finished: spellings of ``finished`` that depend on its type. Opt-in."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence.conditions import reads_attribute
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import speak


def check(context: RuleContext) -> Iterator[Finding]:
    for reap in context.analysis.reaps:
        if reads_attribute(reap.task.keywords.get("until"), "finished"):
            register = reap.task.keywords.get("register")
            name = register if isinstance(register, str) else "result"
            yield speak(
                RULE,
                reap.task,
                f"'finished' is 0 or 1 up to ansible-core 2.18, and false or true from 2.19 on. "
                f"'until: {name} is finished' means the same on every version.",
                settings=reap.settings,
                fix=fixes.finished.use_test(context.analysis, reap.task),
            )


RULE = Rule(
    id="async-finished",
    sub_tags=(),
    severity=Level.LOW,
    tags=("deprecations", "opt-in"),
    summary="finished read as a number or truth value, whose type changed in ansible-core 2.19",
    check=check,
    opt_in=frozenset({"async-finished"}),
)
