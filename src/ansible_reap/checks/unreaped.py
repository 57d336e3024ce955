"""async-unreaped: a launch whose jobs nobody waits for, all or in part."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_reap.checks import fixes, meant
from ansible_reap.checks.evidence import conditions, daemon, intent, known_times, misplaced, misread, own_waits, work
from ansible_reap.checks.evidence.endless import WEAK
from ansible_reap.checks.evidence.limits import (
    ENOUGH_FOR_SHORT_WORK,
    TooShort,
    at_the_limit,
    ended_before,
    ends_it_at_once,
    failing_keyword,
    only_timeout_ends,
    too_short,
    what_it_tells,
)
from ansible_reap.checks.evidence.neighbours import is_test
from ansible_reap.checks.evidence.own_waits import OwnWait, ends_with_its_process
from ansible_reap.checks.evidence.result_readers import tests_failure_of
from ansible_reap.checks.finding import Finding, Fix, Level, Related, Rule, RuleContext
from ansible_reap.checks.result import keeps_from_its_wait
from ansible_reap.checks.support import as_written, constant, limit_text, listed
from ansible_reap.content.expressions import is_template
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch, Reap, ReapKind
from ansible_reap.jobs import DETACH_VARIABLE, Verdict
from ansible_reap.late_patterns import expression
from ansible_reap.wording import seconds_text

_FLAGGED = (Verdict.UNREAPED, Verdict.PARTIAL)
_LOOKS = {
    ReapKind.PEEK: "looks at the job, but does not wait for it",
    ReapKind.CLEANUP: "deletes the job's status file, which neither waits nor collects",
    ReapKind.WAIT: "waits, but not for every job of this launch",
}
_ENDS = expression(r"\b(?:cancel|stop|kill|abort|terminate|end)(?:s|d|ed|led|ped|ing|ling|ping)?\b", re.IGNORECASE)
"""How a task is called that is to end a job."""
_DECLARE = f"say in its vars why nobody has to ({DETACH_VARIABLE}: REASON)"


def check(context: RuleContext) -> Iterator[Finding]:
    """One finding for each launch that is unreaped or reaped only in part."""
    for launch in context.analysis.launches:
        # async-result says of a launch that fails at once for lack of a result that its wait is not reached
        if launch.verdict in _FLAGGED and launch.sub_tag is not None and not keeps_from_its_wait(launch):
            yield _finding(context.analysis, launch)


def says_the_limit(analysis: Analysis, launch: Launch) -> bool:
    """Whether the finding for this launch also says that its limit is too low, and suggests a higher one."""
    if launch.verdict is not Verdict.UNREAPED or launch.sub_tag not in ("never", "unregistered"):
        return False
    if too_short(launch.task, launch.limit) is None:
        return False
    return meant.by_its_author(analysis, launch, daemon.signs_of(analysis, launch)) is None


def _severity(analysis: Analysis, launch: Launch, own_wait: OwnWait | None) -> Level:
    """Less where hardly anything can fail, among tests, and where its author has written that a failure is no matter.

    A little less where a later task waits for the work in a way of its own, and where the author speaks of work in the
    background: a failure may show there.
    """
    task = launch.task
    is_trivial = work.is_trivial(task) and not work.lacks_a_shell(task)
    if is_trivial or constant(task.inherited("ignore_errors")) or task.keywords.get("failed_when") is False:
        return Level.LOW
    if work.always_succeeds(task) or daemon.has_a_window(task) or is_test(task):
        return Level.LOW
    if own_wait is not None and own_waits.may_show_a_failure(own_wait):
        return Level.MEDIUM
    if launch.verdict is Verdict.UNREAPED and intent.is_in_background(analysis, task):
        return Level.MEDIUM
    return RULE.severity


def _finding(analysis: Analysis, launch: Launch) -> Finding:
    task = launch.task
    signs = daemon.signs_of(analysis, launch) if launch.verdict is Verdict.UNREAPED else ()
    on_purpose = meant.by_its_author(analysis, launch, signs)
    # A sign that is not enough to tell a daemon is enough to leave the wait to its author.
    is_safe = sum(sign.weight for sign in signs) <= WEAK
    own_wait = _own_wait(analysis, launch)
    # So is a wait that comes next: what it waits for may be there only while the job runs.
    is_safe = is_safe and (own_wait is None or own_wait.is_tied)
    # And work that its own timeout may be meant to end: the wait would fail then.
    is_safe = is_safe and ended_before(launch) is None
    fix = None if on_purpose else _fix(analysis, launch, own_wait, is_safe=is_safe)
    if on_purpose:
        message = on_purpose.message
    else:
        message = _fails_for_want_of_a_shell(task) or (
            _message(analysis, launch, own_wait) + _heard_of_elsewhere(analysis, task, own_wait) + _shell(task)
        )
    lives_on = meant.is_one_by(analysis, signs, launch)
    return Finding(
        rule=RULE.id,
        sub_tag="daemon" if lives_on else launch.sub_tag,
        severity=on_purpose.severity if on_purpose else _severity(analysis, launch, own_wait),
        confidence=Level(launch.confidence),
        place=task.place,
        end_line=task.end_line,
        task=task.label,
        message=_missed(analysis, launch) + message,
        related=tuple(
            Related(look.task.place, _what(analysis, look, launch)) for look in (*launch.looks, *launch.reaps)
        ),
        via=launch.via,
        fix=fix if fix and fix.is_safe else None,
        proposal=None if fix is None or fix.is_safe else fix,
    )


def _missed(analysis: Analysis, launch: Launch) -> str:
    """That the one task that looks at the job misses it."""
    missing = [look for look in launch.looks if misplaced.of(analysis, look, launch)]
    if missing:
        return f"{missing[0].task.place} looks for this job where it is not (async-scope). "
    found = misread.of(analysis, launch)
    if found is None:
        return ""
    return (
        f"Line {found.task.line} never looks at this job: it loops over '{launch.register}.results', which a launch "
        f"without a loop does not have, and {'is skipped' if found.is_skipped else 'fails'}. "
    )


def _shell(task: Task) -> str:
    """That the work is not what it looks like, for want of a shell."""
    only = work.lacks_a_shell(task)
    if only is None or not only.argv or only.reserved:
        return ""
    what = f"'{only.ended_by}' and what follows" if only.ended_by else "its redirections"
    return f" 'command' runs no shell: {what} are arguments of '{only.argv[0]}'. Use ansible.builtin.shell."


def _fails_for_want_of_a_shell(task: Task) -> str:
    """That a pause before the work fails at once, and so the work never comes."""
    only = work.lacks_a_shell(task)
    if only is None or only.argv[:1] != ("sleep",) or not only.ended_by:
        return ""
    advice = f"Use ansible.builtin.shell and wait with async_status, or {_DECLARE}."
    if work.reboots_with_a_shell(task):
        advice = "Use ansible.builtin.reboot, which waits for the host."
    jobs = "its job fails at once and nothing waits for it"
    if task.loop_keyword is not None:
        jobs = "its jobs fail at once and nothing waits for them"
    return (
        f"This task succeeds, but {jobs}: 'command' runs no shell, so that '{only.ended_by}' and what follows are "
        f"arguments of 'sleep'. {advice}"
    )


def _what(analysis: Analysis, look: Reap, launch: Launch) -> str:
    if misplaced.of(analysis, look, launch):
        return "looks for the job where it is not"
    if look.kind is ReapKind.WAIT and launch.verdict is Verdict.UNREAPED:
        if any(other.kind is ReapKind.CLEANUP for other in launch.looks):
            return "waits when the job's status file is gone already"
        return "does not come to wait where this launch has run"
    return _LOOKS[look.kind]


def _fix(analysis: Analysis, launch: Launch, own_wait: OwnWait | None, *, is_safe: bool) -> Fix | None:
    if launch.sub_tag not in ("never", "unregistered", "peek") or work.lacks_a_shell(launch.task) or launch.loses_id:
        return None
    if any(look.kind is ReapKind.WAIT for look in launch.looks):
        return None  # the wait is there, in the wrong place
    if intent.goes_on_beside_later_plays(analysis, launch.task) or work.installs_a_guest(launch.task):
        return None  # right here a wait may be for what a later play does
    if own_waits.is_of_a_unit(launch.task):
        return None  # what takes a unit long to start is for its author to know, and when to ask for it
    missing = misread.of(analysis, launch)
    if missing is not None and not missing.is_skipped:
        return None  # behind a task that fails it is not reached
    if only_timeout_ends(launch.task):
        return None  # it would fail whenever the work has done what it is for
    if own_wait is not None and own_waits.outlasts_the_job(own_wait, launch):
        return None  # what the play gives more time than the job has may come about without it
    look = launch.looks[0].task if launch.sub_tag == "peek" and len(launch.looks) == 1 else None
    if look is not None and "until" in look.keywords and launch.looks[0].kind is ReapKind.PEEK:
        return fixes.wait.correct(analysis, look, launch.limit.single)
    return fixes.wait.add(analysis, launch, is_safe=is_safe, limit=_limit_to_raise_to(analysis, launch))


def _limit_to_raise_to(analysis: Analysis, launch: Launch) -> float | None:
    """A limit (seconds) in place of one that is too low for the work; None where nothing tells that it is."""
    short = too_short(launch.task, launch.limit)
    if short:
        return short.advice
    is_token = ends_it_at_once(analysis, launch.task, launch.limit, launch.settings)
    return ENOUGH_FOR_SHORT_WORK if is_token else None


def _own_wait(analysis: Analysis, launch: Launch) -> OwnWait | None:
    """A later task that waits in its own way, where nothing waits for the job."""
    if launch.verdict is not Verdict.UNREAPED or launch.sub_tag not in ("never", "unregistered"):
        return None
    return own_waits.after(analysis, launch)


def _heard_of_elsewhere(analysis: Analysis, task: Task, other: OwnWait | None) -> str:
    """What the reader may object: that a later task waits in its own way."""
    if other is None:
        return ""
    if other.before:
        lines = listed(str(each.line) for each in (*other.before, other.task))
        unless = ", and not at all where what they wait for was there before" if other.until else ""
        return f" Lines {lines} seem to wait for this work: a failed job shows there at most as a time-out{unless}."
    where = f"Line {other.task.line}" if other.task.path == task.path else str(other.task.place)
    if own_waits.is_of_the_host(other):
        return f" {where} waits until the host can be reached, which does not tell how the job ended."
    if other.is_tied and ends_with_its_process(other.task):
        return f" {where} seems to wait until its process is gone: how the job ended does not show there."
    until = f" {other.until}" if other.until else ""
    shows = "a failed job shows there at most as its time-out"
    if own_waits.is_passed_over(other.task) and not tests_failure_of(analysis, other.task):
        shows = "a failed job does not show there, as the play goes on where that wait was in vain"
    elif other.until:
        shows += ", and not at all where that was so before"
    if other.is_tied:
        return f" {where} seems to wait for this work{until}: {shows}."
    return f" {where} waits{until}. If that is for this work, {shows}."


def _message(analysis: Analysis, launch: Launch, own_wait: OwnWait | None) -> str:
    jobs = "jobs" if launch.is_looped else "job"
    if launch.loses_id:
        return f"{launch.explanation} Write 'poll: 0' and wait with async_status, or leave poll out."
    its = f"the {jobs} in '{launch.register}'" if launch.register else f"the {jobs}"
    its += " with async_status" if own_wait else ""
    short = too_short(launch.task, launch.limit)
    counts = _cut_short(short) if short and not launch.fails_at_once else what_it_tells(launch)
    first = ["raise the limit"] if _limit_to_raise_to(analysis, launch) is not None else []
    if launch.fails_at_once:
        first.append(f"take {failing_keyword(launch)} out here")
    if launch.sub_tag == "unregistered":
        first.append("register the result")
    if short and short.advice > fixes.wait.LONGEST:
        advice = f"Raise the limit, and {_DECLARE}, or run it as a service."
    else:
        which = f" for '{launch.register}.ansible_job_id', without a loop" if misread.of(analysis, launch) else ""
        wait = f"wait with async_status{which}{_where_to_wait(analysis, launch)}{_if_at_all(launch)}"
        wait += _letting_timeout_pass(launch)
        advice = f"{listed([*first, wait])}, or {_DECLARE}."
    advice = advice[0].upper() + advice[1:]
    if launch.sub_tag == "unregistered":
        ids = "their ids are" if launch.is_looped else "its id is"
        return f"Nothing waits for {its}, and {ids} not registered: {counts}. {advice}"
    if launch.sub_tag == "never" and launch.cut_off_by is not None:
        return _cut_off(launch, launch.cut_off_by, its)
    if launch.sub_tag == "never":
        return f"Nothing waits for {its}: {counts}. {advice}"
    if launch.sub_tag == "reason":
        if launch.detached is not None and launch.detached.reason:
            return (
                f"{DETACH_VARIABLE} comes to nothing for some items or in some runs, so those jobs are not declared "
                f"detached, and nothing waits for them. Write why nobody needs the result, or wait with async_status."
            )
        return (
            f"{DETACH_VARIABLE} gives no reason, so the launch is not declared detached, and nothing waits for {its}. "
            f"Write why nobody needs the result, or wait with async_status."
        )
    if launch.sub_tag == "peek":
        return _peek(launch, its)
    todo = {
        "partial": f"Wait for {'every job' if launch.is_looped else 'it'} wherever the launch runs, or {_DECLARE}.",
        "overwritten": "Give each launch a register of its own, or wait before the next task uses the name.",
    }
    return f"{launch.explanation} {todo.get(launch.sub_tag or '', '')}".rstrip()


def _cut_off(launch: Launch, by: Task, its: str) -> str:
    """That the play ends before the wait."""
    wait = next((look for look in launch.looks if look.kind is ReapKind.WAIT), None)
    where = str(wait.task.place) if wait is not None else "a wait after it"
    if by is launch.task:
        when = "it runs" if launch.is_never_polled else "it does not poll for its job"
        return (
            f"{_why_at_once(launch)}, so this task fails whenever {when}, {where} is not reached, and nothing waits "
            f"for {its}. Judge how the job ends at its wait, not here."
        )
    return f"{by.place} fails whenever it runs, so {where} is not reached, and nothing waits for {its}. Wait before it."


def _why_at_once(launch: Launch) -> str:
    """Why the launch fails as soon as its job has been started."""
    for keyword in ("failed_when", "changed_when"):
        read = conditions.needs_the_end(launch.task.keywords.get(keyword), launch.register or "")
        if read:
            return f"{keyword} reads {launch.register}.{read[0]}, which the result of a launch does not have"
    return f"A job that has just started meets failed_when ({as_written(launch.task.keywords.get('failed_when'))})"


def _cut_short(short: TooShort) -> str:
    seconds, limit = seconds_text(short.known.seconds), seconds_text(short.limit)
    near = at_the_limit(short)
    if near:
        is_limit = "as long as its limit" if short.limit == short.known.seconds else f"and its limit is {limit}"
        return (
            f"this task succeeds whatever becomes of the job. Its work takes {seconds} ({short.known.source}), "
            f"{is_limit}: {near}"
        )
    if short.moved_by:
        return (
            f"this task succeeds even if the job is called failed at its limit of {limit}. Its work, which may take up "
            f"to {seconds} ({short.known.source}), then goes on: '{short.moved_by}' moves it to a process group of its "
            f"own, which the limit does not reach"
        )
    if short.known.is_bound:
        return (
            f"this task succeeds even if the limit of {limit} kills the job, whose work may take {seconds} "
            f"({short.known.source})"
        )
    return (
        f"this task succeeds although the limit of {limit} kills the job before its work is done, which takes "
        f"{seconds} ({short.known.source})"
    )


def _where_to_wait(analysis: Analysis, launch: Launch) -> str:
    """Where the wait goes, if not right there.

    Among the handlers it would need a notification of its own, and work that goes on beside the plays that follow may
    need them in order to end.
    """
    if launch.task.is_handler or "/handlers/" in f"/{launch.task.path}":
        return " in a task after 'meta: flush_handlers', or in a handler that is notified too"
    if work.installs_a_guest(launch.task):
        return " after all that the installation needs in order to end"
    return " in the later play that needs the work" if intent.goes_on_beside_later_plays(analysis, launch.task) else ""


def _if_at_all(launch: Launch) -> str:
    """Under what a wait is right, where the task may run in the foreground too: it fails then, as there is no such job.

    With ``poll`` above 0 the result has the id of a job whose status file is gone (ansible-core 2.16 and 2.22).
    """
    may_be_none = launch.limit.single is None and (0 in launch.limit.values or not launch.limit.values)
    if not may_be_none and not is_template(launch.task.keywords.get("poll")):
        return ""
    if launch.is_looped:
        return ", for the items that have started a job"
    when = f" ('when: {launch.register} is not finished')" if launch.register else ""
    return f", where a job was started{when}"


def _letting_timeout_pass(launch: Launch) -> str:
    """What the wait has to let pass where ``timeout`` is what ends the work, or may be."""
    status = known_times.status_of_timeout(work.commands(launch.task))
    why, bound = only_timeout_ends(launch.task), ended_before(launch)
    if status is None or not (why or bound):
        return ""
    when = f", as {why}" if why else f" where '{bound}' is to end the work"
    return f" (with a failed_when that lets the status {status} pass{when})"


def _peek(launch: Launch, its: str) -> str:
    late = next((look for look in launch.looks if look.kind is ReapKind.WAIT), None)
    cleanup = next((look for look in launch.looks if look.kind is ReapKind.CLEANUP), None)
    if late and cleanup:
        waits_not = "'mode: cleanup' waits for nothing, " if "mode" in cleanup.task.args else ""
        return (
            f"{cleanup.task.place} deletes the status file of {its}, {waits_not}and so "
            f"{late.task.place} fails with 'could not find job' while the work may still run. Clean up after the wait."
        )
    look = next((look for look in launch.looks if look.kind is not ReapKind.CLEANUP), None)
    if look is None:
        where = f"{launch.looks[0].task.place} deletes" if launch.looks else "A later task deletes"
        ends = any(_ENDS.search(look.task.name or "") for look in launch.looks)
        todo = "To end the work, end its process before that; to learn how it ends, wait" if ends else "Wait"
        way = "'mode: cleanup'" if not launch.looks or "mode" in launch.looks[0].task.args else "that"
        return (
            f"{where} the status file of {its} without waiting: {way} neither waits for a job nor ends it, "
            f"and nobody learns how the work ends. {todo} with async_status before it."
        )
    cover = limit_text(launch, "the limit" if launch.limit.single else "the job's limit")
    register = look.task.keywords.get("register")
    name = register if isinstance(register, str) else "result"
    until = f"'until: {name} is finished'"
    todo = "Give it" if isinstance(register, str) else "Register that task's own result and give it"
    needs = conditions.needs_the_end(look.task.keywords.get("failed_when"), name)
    passes = "a job that still runs passes for a success"
    if needs and isinstance(register, str):
        passes = (
            f"'failed_when' reads {name}.{needs[0]}, which a job that still runs does not have, and fails this task"
        )
    return (
        f"{look.task.place} looks at {its} {_why_no_wait(look)}: {passes}. {todo} {until}, with retries and delay that "
        f"cover {cover}."
    )


def _why_no_wait(look: Reap) -> str:
    """Why the look does not wait, as in ``once``."""
    until = look.task.keywords.get("until")
    if until is None:
        return "once"
    register = look.task.keywords.get("register")
    if not isinstance(register, str) or not conditions.mentions(until, register):
        own = f"its own register '{register}'" if isinstance(register, str) else "what the task itself registers"
        return f"but its 'until' ({as_written(until)}) does not read {own}"
    if look.retries is not None and look.retries.known and max(look.retries.values) < 1:
        return f"but has no retries, so that its 'until' ({as_written(until)}) is not asked"
    return f"but its 'until' ({as_written(until)}) holds while the job still runs"


RULE = Rule(
    id="async-unreaped",
    sub_tags=("never", "unregistered", "partial", "overwritten", "peek", "reason", "daemon"),
    severity=Level.HIGH,
    tags=("unpredictability",),
    summary="A launch whose jobs nobody waits for, all or in part.",
    check=check,
)
