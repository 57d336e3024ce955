"""async-timeout: the limit or the wait does not suit the work."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence.neighbours import may_be_on_windows
from ansible_reap.checks.evidence.work import known_time, number
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import speak, variable
from ansible_reap.flow.analysis import Analysis, AsyncUse, Launch, Quantity, Reap, ReapKind
from ansible_reap.jobs import EXPECT_VARIABLE
from ansible_reap.timing import DEFAULT_DELAY, FIX_MARGIN, KILL_STEP
from ansible_reap.wording import seconds_text

DEFAULT_HEADROOM = 2.0


def check(context: RuleContext) -> Iterator[Finding]:
    for use in context.analysis.uses:
        if use.limit is None:
            continue
        finding = _interval(context.analysis, use) or _ceiling(use, use.limit) or _headroom(context, use)
        if finding:
            yield finding
    for reap in context.analysis.reaps:
        waited_for = [launch for launch in context.analysis.launches if reap in launch.reaps]
        yield from _window(context.analysis, reap, waited_for)


def _interval(analysis: Analysis, use: AsyncUse) -> Finding | None:
    """A limit under the step in which ansible-core enforces it, or a fraction where it takes whole seconds."""
    for keyword in ("async", "poll"):
        value = number(use.task.keywords.get(keyword))
        if value is not None and value != int(value):
            return speak(
                RULE,
                use.task,
                f"{keyword}: {value:g} is finer than Ansible honours: ansible-core takes whole seconds there. "
                f"Up to 2.17 the fraction is cut off, from 2.18 the task fails.",
                sub_tag="interval",
                settings=use.settings,
                suggestion=f"{keyword}: {math.ceil(value)}",
            )
    limit = use.limit
    if limit is None or not limit.known:
        return None
    longest = max(limit.values)
    if not 0 < longest < KILL_STEP or may_be_on_windows(analysis, use.task):
        return None
    return speak(
        RULE,
        use.task,
        f"async: {longest:g} is finer than Ansible honours: depending on its version, ansible-core kills the job at "
        f"about {seconds_text(longest)} or up to {2 * KILL_STEP} s later. Give the work a limit that it cannot reach.",
        sub_tag="interval",
        confidence=Level.MEDIUM,
        settings=use.settings,
        suggestion="async: 60",
    )


def _ceiling(use: AsyncUse, limit: Quantity) -> Finding | None:
    known = known_time(use.task)
    if known is None or not limit.known or not 0 < max(limit.values) <= known.seconds:
        return None
    longest = max(limit.values)
    return speak(
        RULE,
        use.task,
        f"By its own words ({known.source}) the work may take {seconds_text(known.seconds)}, but "
        f"{'that is just when' if longest == known.seconds else f'after {seconds_text(longest)}'} its limit kills it.",
        sub_tag="ceiling",
        settings=use.settings,
        suggestion=f"async: {_round_up(2 * known.seconds)}",
    )


def _headroom(context: RuleContext, use: AsyncUse) -> Finding | None:
    limit = use.limit.single if use.limit else None
    if not limit or limit <= 0:
        return None
    headroom = float(context.options.get("headroom", DEFAULT_HEADROOM))
    return _expected(use, limit, headroom) or _measured(context, use, limit, headroom)


def _expected(use: AsyncUse, limit: float, headroom: float) -> Finding | None:
    stated = use.launch.expected if use.launch else None
    expected = stated.single if stated else number(variable(use.task, EXPECT_VARIABLE))
    if not expected or expected <= 0 or limit / expected >= headroom:
        return None
    times = math.floor(100 * limit / expected) / 100  # rounded down: what is too little must not look like enough
    return speak(
        RULE,
        use.task,
        f"The limit of {seconds_text(limit)} is {times:g} times the {seconds_text(expected)} that "
        f"async_reaper_expect states; {headroom:g} times leaves room for a slow run.",
        sub_tag="headroom",
        settings=use.settings,
        suggestion=f"async: {_round_up(expected * headroom)}",
    )


def _measured(context: RuleContext, use: AsyncUse, limit: float, headroom: float) -> Finding | None:
    task = use.task
    if context.history is None:
        return None
    text = context.analysis.texts.get(task.path, "")
    known = context.history.for_launch(task.path, task.line, task.name or task.action, text)
    from ansible_reap.checks.evidence.measured import judge  # noqa: PLC0415 - few projects have measured run times

    verdict = judge(known, limit, headroom)
    if verdict is None:
        return None
    suggestion = f"async: {verdict.advice}"
    return speak(RULE, task, verdict.message, sub_tag=verdict.sub_tag, settings=use.settings, suggestion=suggestion)


def _window(analysis: Analysis, reap: Reap, launches: list[Launch]) -> Iterator[Finding]:
    """The wait gives up while a job that it waits for may still be running within its limit."""
    budget = reap.budget
    if reap.kind is not ReapKind.WAIT or budget is None or not budget.known:
        return
    longest = max(budget.values)
    cut_short = [launch for launch in launches if launch.limit.known and _waits(launch) < _shortest(launch)]
    if not cut_short:
        return
    limit = max(map(_shortest, cut_short))
    delay = (reap.delay.single if reap.delay else None) or DEFAULT_DELAY
    retries = math.ceil((limit + FIX_MARGIN) / delay)
    given = "" if "retries" in reap.task.keywords else " ('until' without 'retries' tries 3 times)"
    yield speak(
        RULE,
        reap.task,
        f"The wait ends after {seconds_text(longest)}{given}, but the job has {seconds_text(limit)} before its own "
        f"limit: a job that is still in time is reported as failed and then runs on unseen.",
        sub_tag="window",
        related=[(each.task, f"the job's limit is {seconds_text(_shortest(each))}") for each in cut_short],
        settings=reap.settings,
        suggestion=f"retries: {retries}\ndelay: {delay:g}",
        fix=fixes.window.widen(analysis, reap, limit),
    )


def _shortest(launch: Launch) -> float:
    """The shortest limit under which jobs are started; 0 starts none."""
    return min((value for value in launch.limit.values if 0 < value < math.inf), default=0.0)


def _waits(launch: Launch) -> float:
    """How long all the waits for the launch's jobs last together; endless where one of them is not known."""
    budgets = [reap.budget for reap in launch.reaps]
    return sum(max(budget.values) if budget and budget.known else math.inf for budget in budgets)


def _round_up(value: float) -> float:
    from ansible_reap.history.estimate import round_up  # noqa: PLC0415 - only a finding needs it

    return round_up(value)


RULE = Rule(
    id="async-timeout",
    sub_tags=("ceiling", "headroom", "window", "interval"),
    severity=Level.MEDIUM,
    tags=("unpredictability",),
    summary="The limit or the wait does not suit the work",
    check=check,
    defaults={"headroom": DEFAULT_HEADROOM},
)
