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
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch, Reap, Setting


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
        found = (_skipped(analysis, reap.task, reap.settings, launch) for launch in analysis.launches)
        finding = finding or next(filter(None, found), None)
        if finding:
            yield finding
    looks = {reap.task for reap in analysis.reaps}
    for launch in analysis.launches:
        found = (_skipped(analysis, task, (), launch) for task in launch.fails_at if task not in looks)
        yield from filter(None, found)


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
    message = (
        f"The launch runs in a loop, so the job ids stand in {register}.results, one for each item; "
        f"{register}.ansible_job_id does not exist, and this task fails. Loop over {register}.results."
    )
    jid = str(reap.task.args.get("jid"))
    if "results" in jid or not mentions(jid, register):
        message = (
            f"The launch runs in a loop, so {register}.results is a list of results, each with a job id of its own. "
            f"What this task asks for one is such a list as a whole, which has none: it fails. Loop over the results "
            f"themselves."
        )
    return speak(
        RULE,
        reap.task,
        message,
        sub_tag="results",
        related=[(launch.task, "launched here, in a loop") for launch in launches],
        settings=reap.settings,
        fix=fixes.looped_register.loop_over(analysis, reap.task, register),
    )


def _what_becomes_of_it(analysis: Analysis, task: Task, settings: tuple[Setting, ...]) -> str:
    """What becomes of a task that asks an item for an id which it does not have, by the versions that may run it."""
    loop = task.keywords.get(task.loop_keyword or "")
    if loop is None or "async_status" not in task.module:
        return "so this task fails for it"
    if "ansible_job_id" in str(loop):
        return "so this loop fails as a whole and waits for none"
    ends = "the loop ends there and waits for no later item"
    goes_on = may_run_on(analysis, task, (2, 19), settings)
    ends = f"up to ansible-core 2.18 {ends}, from 2.19 on it goes on with the others" if goes_on else ends
    return f"so this task fails at it: {ends}"


def _skipped(analysis: Analysis, task: Task, settings: tuple[Setting, ...], launch: Launch) -> Finding | None:
    """A task that asks each item of a loop for its job id, some or all of which the launch may skip."""
    if task not in launch.fails_at or launch.register is None:
        return None
    item = launch.task.loop_variable
    blocks = [launch.task.keywords, *(block.keywords for block in launch.task.enclosing())]
    whens = [keywords["when"] for keywords in blocks if keywords.get("when") is not None]
    of_items = [when for when in whens if mentions(when, item)]
    said = f" ({as_written((of_items or whens)[0])})" if whens else ""
    what = f"The launch skips the items that do not meet its condition{said}."
    becomes, advice = _what_becomes_of_it(analysis, task, settings), "Loop over the results that have an id."
    if whens and not of_items:
        what = f"The launch skips every item where its condition{said} does not hold."
        becomes, advice = (
            "so this task fails",
            "Give both the same condition, or loop over the results that have an id.",
        )
    loop = task.keywords.get(task.loop_keyword or "")
    results = re.compile(r"\{\{\s*" + re.escape(launch.register) + r"(?:\.results|\[(['\"])results\1\])\s*\}\}")
    is_plain = isinstance(loop, str) and results.fullmatch(loop.strip()) and task.index_variable is None
    return speak(
        RULE,
        task,
        f"{what} A skipped item has no ansible_job_id, {becomes}. {advice}",
        sub_tag="results",
        confidence=Level.MEDIUM,
        related=[(launch.task, "launched here, some items may be skipped")],
        settings=settings,
        fix=fixes.looped_register.only_launched(analysis, task, launch.register) if is_plain else None,
    )


RULE = Rule(
    id="async-scope",
    sub_tags=("become", "delegate", "async-dir", "hosts", "results"),
    severity=Level.HIGH,
    tags=("unpredictability",),
    summary="The reap looks where the job is not",
    check=check,
)
