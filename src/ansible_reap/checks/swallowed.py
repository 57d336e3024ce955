"""async-swallowed: a reap that hides the failure of its job."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence import conditions, intent
from ansible_reap.checks.evidence.later_tasks import clears_errors_after, keeps_up_what_comes_always
from ansible_reap.checks.evidence.neighbours import has_comment, is_ended_between, takes_down, tasks_around
from ansible_reap.checks.evidence.rescued import Rescue, idle_rescue
from ansible_reap.checks.evidence.result_readers import (
    caller_that_tests,
    fails_later,
    needs_success_of,
    shown_by,
    tests_failure_of,
)
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import constant, contexts, listed, speak
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Reap, ReapKind
from ansible_reap.late_patterns import expression
from ansible_reap.records import replace
from ansible_reap.wording import seconds_text

_OF_ANY_JOB = ("failed", "finished", "started", "changed", "skipped", "ansible_job_id", "results_file", "item")
_WORD = expression(r"\w+")
_NAMED_ON_PURPOSE = expression(
    r"\b(?:even (?:if|when|on)|(?:continue|go on|proceed) (?:anyway|regardless|on (?:error|failure))|best.effort"
    r"|ignor(?:e|ing) (?:\w+ )?(?:errors?|failures?|result)|may ?(?:be )?fail|tolerat\w+)\b",
    re.IGNORECASE,
)


def check(context: RuleContext) -> Iterator[Finding]:
    for reap in context.analysis.reaps:
        if reap.kind is not ReapKind.WAIT:
            continue
        finding = _never_failed(context.analysis, reap) or _ignored(context.analysis, reap)
        if not finding:
            yield from (
                _rescued(context.analysis, reap) or _cleared(context.analysis, reap) or _retried(context.analysis, reap)
            )
        elif not _is_on_purpose(context.analysis, reap):
            found = _on_untested_ways(context.analysis, reap, finding)
            if found:
                yield found


def _on_untested_ways(analysis: Analysis, reap: Reap, finding: Finding) -> Finding | None:
    """The finding as far as no file that calls this one tests the result after the call; None where all do."""
    testing = {via: caller_that_tests(analysis, reap.task, via) for via in reap.ways}
    tested = next((caller for caller in testing.values() if caller), None)
    if tested is None:
        return finding
    untested = next((via for via, caller in testing.items() if not caller), None)
    if untested is None:
        return None
    keyword = "ignore_errors" if finding.sub_tag == "ignore-errors" else "failed_when"
    message = (
        f"This task hides with {keyword} that the job has failed or was killed at its limit. Called from {tested} the "
        f"result is tested later, but called from {untested[-2]} it is not. Test it there too, or in this file."
    )
    return replace(finding, message=message, via=untested, fix=None, proposal=None)


def _is_on_purpose(analysis: Analysis, reap: Reap) -> bool:
    """Whether the author handles the failure elsewhere, or shows by its place or a comment that it does not matter."""
    keyword = "failed_when" if "failed_when" in reap.task.keywords else "ignore_errors"
    return (
        tests_failure_of(analysis, reap.task)
        or _is_expected(analysis, reap)
        or takes_down(reap.task)
        or keeps_up_what_comes_always(analysis, reap.task, _launches(analysis, reap))
        or has_comment(analysis, reap.task, keyword)
        or _NAMED_ON_PURPOSE.search(reap.task.name or "") is not None
        or any(_NAMED_ON_PURPOSE.search(intent.said(analysis, task)) for task in _also_ignored(analysis, reap))
        or fails_later(analysis, reap.task)
        or needs_success_of(analysis, reap.task)
        or (keyword == "failed_when" and _says_the_same_at_the_launch(analysis, reap))
        or _comes_up_in_another(analysis, reap)
    )


def _comes_up_in_another(analysis: Analysis, reap: Reap) -> bool:
    """Whether every job is waited for once more, later in the file and whenever it is here, and fails there."""
    launches = [launch for launch in analysis.launches if reap in launch.reaps]
    return bool(launches) and all(any(_fails_after(other, reap) for other in launch.reaps) for launch in launches)


def _fails_after(other: Reap, reap: Reap) -> bool:
    if other.kind is not ReapKind.WAIT or other.never_fails or _is_ignored(other) or other.task.path != reap.task.path:
        return False
    if conditions.always_false(other.task.keywords.get("failed_when")):
        return False
    runs_too = other.task.keywords.get("when") in (None, reap.task.keywords.get("when"))
    return runs_too and other.task.line > reap.task.line


def _launches(analysis: Analysis, reap: Reap) -> list[Task]:
    return [launch.task for launch in analysis.launches if reap in launch.reaps]


def _says_the_same_at_the_launch(analysis: Analysis, reap: Reap) -> bool:
    """Whether every launch has a ``failed_when`` that never holds too: its author knows that the work may fail."""
    launches = _launches(analysis, reap)
    return bool(launches) and all(conditions.always_false(task.keywords.get("failed_when")) for task in launches)


def _is_expected(analysis: Analysis, reap: Reap) -> bool:
    """Whether the play itself ends the job before it collects it, so that a failure is expected."""
    launches = [launch for launch in analysis.launches if reap in launch.reaps]
    return (
        bool(launches)
        and all(
            is_ended_between(analysis, launch.task, reap.task)
            for launch in launches
            if launch.task.path == reap.task.path
        )
        and any(launch.task.path == reap.task.path for launch in launches)
    )


def _ignored(analysis: Analysis, reap: Reap) -> Finding | None:
    if not _is_ignored(reap):
        return None
    also = _also_ignored(analysis, reap)
    shown = shown_by(analysis, reap.task)
    too = ", here and at the launches" if also else ""
    if len(also) == 1:
        too = f", here and in line {also[0].line}"
    return speak(
        RULE,
        reap.task,
        f"This task fails when the job has failed or was killed at its limit, but with ignore_errors"
        f"{_of_what(analysis, reap.task)} the play goes on, and no later task of the file tests the result"
        f"{f', which line {shown.line} prints' if shown else ''}. Take ignore_errors out{too}, or test the result.",
        sub_tag="ignore-errors",
        severity=Level.LOW if shown else None if "ignore_errors" in reap.task.keywords else Level.MEDIUM,
        settings=reap.settings,
        fix=fixes.keywords.drop_together(analysis, [reap.task, *also], "ignore_errors"),
    )


def _rescued(analysis: Analysis, reap: Reap) -> list[Finding]:
    """A ``rescue`` around the wait that does nothing about its failure."""
    rescue = idle_rescue(analysis, reap.task, reap.ways) if "until" in reap.task.keywords else None
    if rescue is None or _is_handled(analysis, reap) or _is_rescued_on_purpose(analysis, rescue):
        return []
    message = (
        f"This task fails when the job has failed or was killed at its limit, but the rescue in "
        f"{rescue.place if rescue.place.path != reap.task.path else f'line {rescue.place.line}'} only "
        f"{'prints a text' if rescue.prints else 'lets the play go on'}, and no later task of the file tests the "
        f"result. Take the rescue out, or end it with a task that fails."
    )
    severity = Level.LOW if rescue.prints else None
    return [speak(RULE, reap.task, message, sub_tag="ignore-errors", severity=severity, settings=reap.settings)]


def _cleared(analysis: Analysis, reap: Reap) -> list[Finding]:
    """A ``meta: clear_host_errors`` behind the wait, on every way on which that is reached."""
    ways = reap.ways or ((str(reap.task.place),),)
    clearing = [clears_errors_after(analysis, reap.task, way) for way in ways]
    first = clearing[0]
    if first is None or None in clearing or _is_handled(analysis, reap):
        return []
    if has_comment(analysis, first, first.action) or _NAMED_ON_PURPOSE.search(first.name or ""):
        return []
    where = f"line {first.line}" if first.path == reap.task.path else str(first.place)
    message = (
        f"This task fails when the job has failed or was killed at its limit, but 'meta: clear_host_errors' in {where} "
        f"takes that back where it is reached, the exit status too, and no later task of the file tests the result. "
        f"Take it out, or test the result."
    )
    return [speak(RULE, reap.task, message, sub_tag="ignore-errors", severity=Level.MEDIUM, settings=reap.settings)]


def _is_handled(analysis: Analysis, reap: Reap) -> bool:
    """Whether what follows hides no failure: there is no job, it is on purpose, or a caller tests the result."""
    return (
        not _launches(analysis, reap)
        or _is_on_purpose(analysis, reap)
        or any(caller_that_tests(analysis, reap.task, via) for via in reap.ways)
    )


def _is_rescued_on_purpose(analysis: Analysis, rescue: Rescue) -> bool:
    """Whether the block, its rescue or a comment beside that says that the failure does not matter."""
    block = rescue.block.as_task()
    tasks = [step for step in rescue.block.rescue if isinstance(step, Task)]
    said = [block.name, *(task.name for task in tasks), *(str(task.args.get("msg")) for task in tasks)]
    return has_comment(analysis, block, "rescue") or any(_NAMED_ON_PURPOSE.search(text or "") for text in said)


def _is_ignored(reap: Reap) -> bool:
    return all(constant(setting.ignore_errors) for setting in contexts(reap.task, reap.settings))


def _of_what(analysis: Analysis, task: Task) -> str:
    """Where ``ignore_errors`` stands, if not at the task."""
    if "ignore_errors" in task.keywords:
        return ""
    for block in task.enclosing():
        if "ignore_errors" in block.keywords and block.is_play:
            return f" (of the play in line {block.place.line})"
        if "ignore_errors" in block.keywords:
            written = next((step for step in tasks_around(analysis, task) if step.place == block.place), None)
            line = written.key_lines.get("ignore_errors", written.line) if written else block.place.line
            return f" (of the block, line {line})"
    return " (of what includes this file)"


def _also_ignored(analysis: Analysis, reap: Reap) -> list[Task]:
    """The launches in the same file that bear ``ignore_errors`` too: without it here it says nothing there."""
    launches = (launch.task for launch in analysis.launches if reap in launch.reaps)
    return [task for task in launches if task.path == reap.task.path and "ignore_errors" in task.keywords]


def _never_failed(analysis: Analysis, reap: Reap) -> Finding | None:
    written = reap.task.keywords.get("failed_when")
    if not (reap.never_fails or conditions.always_false(written)):
        return None
    ignored = _is_ignored(reap)
    too = f" With ignore_errors{_of_what(analysis, reap.task)} the play would go on all the same." if ignored else ""
    asked = _asked_of_the_launch(analysis, reap)
    why = f", as '{asked}' is what the launch returned before the job had run" if asked else ""
    let_go = _what_may_pass(written, asked) if asked else []
    if let_go:
        own = reap.task.keywords.get("register")
        of_it = f"'{own}'" if isinstance(own, str) else "what this task registers"
        what = listed(f"'{name}'" for name in ("failed", *let_go))
        todo = f"Ask {of_it} for {what} instead, all but 'failed' with a default: a killed job returns none of it."
    else:
        todo = "Take failed_when out: async_status fails by itself when the job has."
    return speak(
        RULE,
        reap.task,
        f"'failed_when: {_written(written)}' never holds{why}, so this wait succeeds even when the job has failed or "
        f"was killed at its limit, and no later task of the file tests the result. {todo}{too}",
        sub_tag="failed-when",
        settings=reap.settings,
        fix=None if ignored or let_go else fixes.keywords.drop(analysis, reap.task, "failed_when", is_safe=False),
    )


def _written(condition: object) -> str:
    if isinstance(condition, list):
        return " and ".join(map(_written, condition))
    return str(condition).lower() if isinstance(condition, bool) else str(condition)


def _asked_of_the_launch(analysis: Analysis, reap: Reap) -> str | None:
    """The variable in ``failed_when`` that has what the launch returned, as ``item`` in ``item.failed``."""
    task = reap.task
    names = {launch.keywords.get("register") for launch in _launches(analysis, reap)} - {task.keywords.get("register")}
    if task.loop_keyword is not None and task.loop_variable in _WORD.findall(str(task.args.get("jid"))):
        names.add(task.loop_variable)
    return next((word for word in _WORD.findall(_written(task.keywords["failed_when"])) if word in names), None)


def _what_may_pass(condition: object, launched: str) -> list[str]:
    """What of the work's result the condition asks beside its failure: by it some failures are meant to pass."""
    return [name for name in conditions.attributes(condition, launched) if name not in _OF_ANY_JOB]


def _retried(analysis: Analysis, reap: Reap) -> Iterator[Finding]:
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
        f"'until' asks for success, which a failed job never reaches: this task goes on asking for {wait} before it "
        f"fails. With 'until: {register} is finished' it ends when the job does, and fails by itself when the job has.",
        sub_tag="until",
        settings=reap.settings,
        fix=fixes.keywords.put(
            analysis, reap.task, {"until": f"{register} is finished"}, "wait for the end, whatever it is"
        ),
    )


RULE = Rule(
    id="async-swallowed",
    sub_tags=("ignore-errors", "failed-when", "until"),
    severity=Level.HIGH,
    tags=("unpredictability",),
    summary="A reap that cannot surface the failure it finds",
    check=check,
)
