"""async-scope: the reap looks where the job is not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence import misplaced
from ansible_reap.checks.evidence.conditions import mentions
from ansible_reap.checks.evidence.releases import may_run_on
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import as_written, constant, speak
from ansible_reap.flow.analysis import Analysis, Launch, Reap


def check(context: RuleContext) -> Iterator[Finding]:
    analysis = context.analysis
    looked_at: dict[Reap, list[Launch]] = {}
    for launch in analysis.launches:
        for reap in dict.fromkeys((*launch.reaps, *launch.looks)):
            looked_at.setdefault(reap, []).append(launch)
    for reap in analysis.reaps:
        launches = looked_at.get(reap, [])
        if reap.misses_results:
            yield _results(analysis, reap, launches or _named(analysis, reap))
            continue
        finding = next(filter(None, (_misplaced(analysis, reap, launch) for launch in launches)), None)
        if finding and _is_tried_on_purpose(analysis, reap, launches):
            continue
        finding = finding or next(filter(None, (_skipped(analysis, reap, launch) for launch in launches)), None)
        if finding:
            yield finding


def _is_tried_on_purpose(analysis: Analysis, reap: Reap, launches: list[Launch]) -> bool:
    """Whether the look may fail, as ``ignore_errors`` says, and another one looks where the job is."""
    if not constant(reap.task.keywords.get("ignore_errors")):
        return False
    others = ((other, launch) for launch in launches for other in (*launch.reaps, *launch.looks) if other is not reap)
    return any(misplaced.of(analysis, other, launch) is None for other, launch in others)


def _misplaced(analysis: Analysis, reap: Reap, launch: Launch) -> Finding | None:
    found = misplaced.of(analysis, reap, launch)
    if found is None:
        return None
    description = f"look where the job is ({', '.join(found.keywords)})"
    return speak(
        RULE,
        reap.task,
        found.message,
        sub_tag=found.sub_tag,
        severity=found.severity,
        confidence=found.confidence,
        related=[(launch.task, "launched here")],
        settings=reap.settings,
        fix=fixes.keywords.put(analysis, reap.task, found.keywords, description) if found.keywords else None,
    )


def _named(analysis: Analysis, reap: Reap) -> list[Launch]:
    """The looped launches whose register the reap names in its job id or its loop."""
    texts = [reap.task.args.get("jid"), reap.task.keywords.get("loop"), reap.task.keywords.get("with_items")]
    return [each for each in analysis.launches if each.is_looped and each.register and
            any(mentions(text, each.register) for text in texts)]  # fmt: skip


def _results(analysis: Analysis, reap: Reap, launches: list[Launch]) -> Finding:
    register = next((launch.register for launch in launches if launch.register), None) or "the_register"
    return speak(
        RULE,
        reap.task,
        f"The launch runs in a loop, so the job ids stand in {register}.results, one for each item; "
        f"{register}.ansible_job_id does not exist, and this task fails. Loop over {register}.results.",
        sub_tag="results",
        related=[(launch.task, "launched here, in a loop") for launch in launches],
        settings=reap.settings,
        fix=fixes.looped_register.loop_over(analysis, reap.task, register),
    )


def _at_a_failed_item(analysis: Analysis, reap: Reap) -> str:
    """What becomes of the loop, by the versions that may run it."""
    ends = "the loop ends there and waits for no later item"
    goes_on = may_run_on(analysis, reap.task, (2, 19), reap.settings)
    return f"up to ansible-core 2.18 {ends}, from 2.19 on it goes on with the others" if goes_on else ends


def _skipped(analysis: Analysis, reap: Reap, launch: Launch) -> Finding | None:
    """A wait for every item of a loop some items of which the launch may skip: those have no job id."""
    item = launch.task.loop_variable
    when = launch.task.keywords.get("when")
    if not launch.is_looped or not launch.register or not mentions(when, item):
        return None
    loop = reap.task.keywords.get(reap.task.loop_keyword or "")
    results = re.compile(r"\{\{\s*" + re.escape(launch.register) + r"(?:\.results|\[(['\"])results\1\])\s*\}\}")
    each = reap.task.loop_variable
    jid = str(reap.task.args.get("jid", ""))
    if not isinstance(loop, str) or not results.fullmatch(loop.strip()) or "when" in reap.task.keywords:
        return None
    if not re.search(rf"\b{re.escape(each)}(?:\.|\[['\"])ansible_job_id", jid) or "default" in jid:
        return None
    return speak(
        RULE,
        reap.task,
        f"The launch skips the items that do not meet its condition ({as_written(when)}). A skipped item has no "
        f"ansible_job_id, so this task fails at it: {_at_a_failed_item(analysis, reap)}. Loop over the results that "
        f"have an id.",
        sub_tag="results",
        confidence=Level.MEDIUM,
        related=[(launch.task, "launched here, some items may be skipped")],
        settings=reap.settings,
        fix=fixes.looped_register.only_launched(analysis, reap.task, launch.register),
    )


RULE = Rule(
    id="async-scope",
    sub_tags=("become", "delegate", "async-dir", "hosts", "results"),
    severity=Level.HIGH,
    tags=("unpredictability",),
    summary="The reap looks where the job is not",
    check=check,
)
