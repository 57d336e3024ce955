"""async-swallowed: a reap that cannot surface the failure it finds."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks.evidence import conditions
from ansible_reap.checks.evidence.neighbours import tests_failure_of
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import constant, contexts, speak
from ansible_reap.flow.analysis import Reap, ReapKind
from ansible_reap.wording import seconds_text


def check(context: RuleContext) -> Iterator[Finding]:
    for reap in context.analysis.reaps:
        if reap.kind is not ReapKind.WAIT:
            continue
        finding = _ignored(reap) or _never_failed(reap)
        if finding and not tests_failure_of(context.analysis, reap.task):
            yield finding
        elif not finding:
            yield from _retried(reap)


def _ignored(reap: Reap) -> Finding | None:
    ignored = [constant(setting.ignore_errors) for setting in contexts(reap.task, reap.settings)]
    if not all(ignored):
        return None
    return speak(
        RULE,
        reap.task,
        "ignore_errors hides what this wait is for: when the job has failed, or was killed at its limit, the play "
        "goes on.",
        sub_tag="ignore-errors",
        settings=reap.settings,
        suggestion="# leave ignore_errors out, or test the result in the next task",
    )


def _never_failed(reap: Reap) -> Finding | None:
    if not conditions.always_false(reap.task.keywords.get("failed_when")):
        return None
    return speak(
        RULE,
        reap.task,
        "failed_when is never true, so this wait reports success whatever has become of the job.",
        sub_tag="failed-when",
        settings=reap.settings,
        suggestion="# leave failed_when out: async_status fails by itself when the job has failed",
    )


def _retried(reap: Reap) -> Iterator[Finding]:
    """An ``until`` that a failed job never meets: the failure comes up only when the whole wait is used up."""
    register = reap.task.keywords.get("register")
    terms = conditions.terms(reap.task.keywords.get("until"))
    if not isinstance(register, str) or not terms:
        return
    if not any(conditions.demands_end(term, register) for term in terms):
        return
    if not any(conditions.demands_success(term, register) for term in terms):
        return
    budget = max(reap.budget.values) if reap.budget and reap.budget.known else None
    wait = "the whole wait" if budget is None else f"all {seconds_text(budget)} of the wait"
    yield speak(
        RULE,
        reap.task,
        f"'until' asks for success, which a failed job never reaches: its failure is kept back for {wait}. "
        f"async_status fails by itself as soon as 'until' is met.",
        sub_tag="until",
        settings=reap.settings,
        suggestion=f"until: {register} is finished",
    )


RULE = Rule(
    id="async-swallowed",
    sub_tags=("ignore-errors", "failed-when", "until"),
    severity=Level.HIGH,
    tags=("unpredictability",),
    summary="A reap that cannot surface the failure it finds",
    check=check,
)
