"""async-finished: spellings of ``finished`` that depend on its type. Opt-in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence.conditions import reads_attribute
from ansible_reap.checks.finding import Finding, Level, Rule
from ansible_reap.checks.support import speak
from ansible_reap.flow.analysis import Analysis

if TYPE_CHECKING:
    from ansible_reap.history.estimate import Estimates


def check(analysis: Analysis, options: Mapping[str, Any], history: Estimates | None) -> Iterator[Finding]:
    del options, history
    for reap in analysis.reaps:
        if reads_attribute(reap.task.keywords.get("until"), "finished"):
            register = reap.task.keywords.get("register")
            name = register if isinstance(register, str) else "result"
            yield speak(
                RULE,
                reap.task,
                "finished is a number up to ansible-core 2.18 and true or false from 2.19; 'is finished' suits both.",
                settings=reap.settings,
                suggestion=f"until: {name} is finished",
                fix=fixes.finished.use_test(analysis, reap.task),
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
