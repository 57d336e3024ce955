"""async-unreaped: a launch whose jobs nobody waits for, all or in part."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence import conditions, daemon, scripts, work
from ansible_reap.checks.evidence.daemon import Sign
from ansible_reap.checks.evidence.neighbours import own_wait_after
from ansible_reap.checks.finding import Finding, Fix, Level, Related, Rule, RuleContext
from ansible_reap.checks.support import constant, listed
from ansible_reap.flow.analysis import Analysis, Launch, Reap, ReapKind
from ansible_reap.jobs import DETACH_VARIABLE, Verdict
from ansible_reap.wording import duration, seconds_text

_FLAGGED = (Verdict.UNREAPED, Verdict.PARTIAL)
_LOOKS = {
    ReapKind.PEEK: "looks at the job, but does not wait for it",
    ReapKind.CLEANUP: "deletes the job's status file, which neither waits nor collects",
    ReapKind.WAIT: "waits, but not for every job of this launch",
}
_DECLARE = f"say in its vars why nobody has to ({DETACH_VARIABLE}: REASON)"
_SIGNS_TOLD = 3


def check(context: RuleContext) -> Iterator[Finding]:
    """One finding for each launch that is unreaped or reaped only in part."""
    for launch in context.analysis.launches:
        if launch.verdict in _FLAGGED and launch.sub_tag is not None:
            yield _finding(context.analysis, launch)


def is_daemon(analysis: Analysis, launch: Launch) -> bool:
    """Whether the launch is one that nothing waits for and that by its signs is meant to live on."""
    if launch.verdict is not Verdict.UNREAPED or launch.sub_tag in (None, "reason"):
        return False
    return daemon.are_enough(daemon.signs_of(analysis, launch))


def is_left_behind(analysis: Analysis, launch: Launch) -> bool:
    """Whether nothing waits for the launch, and a wait would learn nothing, as its shell leaves the work behind."""
    if launch.verdict is not Verdict.UNREAPED or launch.sub_tag not in ("never", "unregistered"):
        return False
    script = scripts.of(analysis, launch.task)
    return work.is_left_behind(work.commands(launch.task)) or (
        script is not None and work.is_left_behind(script.commands)
    )


def _severity(launch: Launch) -> Level:
    """Less where hardly anything can fail, and where the author has written that a failure does not matter."""
    task = launch.task
    if work.is_trivial(task) or constant(task.inherited("ignore_errors")) or task.keywords.get("failed_when") is False:
        return Level.LOW
    return RULE.severity


def _finding(analysis: Analysis, launch: Launch) -> Finding:
    task = launch.task
    signs = daemon.signs_of(analysis, launch) if launch.verdict is Verdict.UNREAPED else ()
    lives_on = launch.sub_tag != "reason" and daemon.are_enough(signs)
    # A sign that is not enough to tell a daemon is enough to leave the wait to its author.
    left = not lives_on and is_left_behind(analysis, launch)
    has_no_wait = lives_on or left
    fix = None if has_no_wait else _fix(analysis, launch, is_safe=sum(sign.weight for sign in signs) <= daemon.WEAK)
    message = _message(launch)
    if lives_on:
        message = _lives_on(analysis, launch, signs)
    elif left:
        message = _left_behind(analysis, launch)
    return Finding(
        rule=RULE.id,
        sub_tag="daemon" if lives_on else launch.sub_tag,
        severity=Level.LOW if lives_on else Level.MEDIUM if left else _severity(launch),
        confidence=Level(launch.confidence),
        place=task.place,
        end_line=task.end_line,
        task=task.label,
        message=message if has_no_wait else message + _heard_of_elsewhere(analysis, launch),
        related=tuple(Related(look.task.place, _what(look, launch)) for look in (*launch.looks, *launch.reaps)),
        via=launch.via,
        fix=fix if fix and fix.is_safe else None,
        proposal=None if fix is None or fix.is_safe else fix,
    )


def _what(look: Reap, launch: Launch) -> str:
    if look.kind is ReapKind.WAIT and launch.verdict is Verdict.UNREAPED:
        return "waits when the job's status file is gone already"
    return _LOOKS[look.kind]


def _fix(analysis: Analysis, launch: Launch, *, is_safe: bool) -> Fix | None:
    if launch.sub_tag not in ("never", "unregistered", "peek"):
        return None
    if any(look.kind is ReapKind.WAIT for look in launch.looks):
        return None  # the wait is there, in the wrong place
    return fixes.wait.add(analysis, launch, is_safe=is_safe)


def _lives_on(analysis: Analysis, launch: Launch, signs: tuple[Sign, ...]) -> str:
    told = listed(sign.text for sign in signs[:_SIGNS_TOLD])
    limit = launch.limit.single
    if work.outlives_the_limit(work.commands(launch.task)) or is_left_behind(analysis, launch):
        end = "Its work outlives the job, so neither the job's result nor its limit says anything about it"
    elif any(sign.weight == daemon.STRONG and sign.text.endswith("kills it") for sign in signs):
        end = "An end before that goes unnoticed"
    else:
        end = f"Ansible kills it {'at its limit' if limit is None else f'after {duration(limit)}'}"
        end += "" if launch.looks else ", and an end before that goes unnoticed"
    return (
        f"By its signs this job is meant to live on: {told}. {end}. Say in its vars that it is ({DETACH_VARIABLE}: "
        f"REASON), or run it as a service, which is restarted and keeps a log."
    )


def _left_behind(analysis: Analysis, launch: Launch) -> str:
    jobs = "jobs" if launch.is_looped else "job"
    own = work.is_left_behind(work.commands(launch.task))
    script = None if own else scripts.of(analysis, launch.task)
    where = f" in '{script.name}'" if script else ""
    limit = launch.limit.single
    return (
        f"Nothing waits for the {jobs}, and a wait would not learn how the work ends: '&'{where} leaves it to run in "
        f"the background of its shell, so the job's result is the shell's, and "
        f"{f'the limit of {seconds_text(limit)}' if limit else 'the limit'} need not reach the work. Leave '&' out, so "
        f"that the job is the work, and wait with async_status, or {_DECLARE}."
    )


def _heard_of_elsewhere(analysis: Analysis, launch: Launch) -> str:
    """What the reader may object: that a later task waits in its own way."""
    if launch.sub_tag not in ("never", "unregistered"):
        return ""
    other = own_wait_after(analysis, launch.task)
    return (
        f" If line {other.line} waits for this work, its own time-out is all that it can tell of a failure."
        if other
        else ""
    )


def _message(launch: Launch) -> str:
    jobs = "jobs" if launch.is_looped else "job"
    its = f"the {jobs} in '{launch.register}'" if launch.register else f"the {jobs}"
    limit = launch.limit.single
    killed = f"is killed at the limit of {seconds_text(limit)}" if limit else "is killed at its limit"
    counts = f"this task succeeds even if {'a' if launch.is_looped else 'the'} job fails or {killed}"
    if launch.sub_tag == "unregistered":
        return (
            f"Nothing waits for {its}, and {'their ids are' if launch.is_looped else 'its id is'} not registered: "
            f"{counts}. Register the result and wait with async_status{_after_the_handlers(launch)}, or {_DECLARE}."
        )
    if launch.sub_tag == "never":
        return f"Nothing waits for {its}: {counts}. Wait with async_status{_after_the_handlers(launch)}, or {_DECLARE}."
    if launch.sub_tag == "reason":
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


def _after_the_handlers(launch: Launch) -> str:
    """Where the wait for a handler's job goes: among the handlers it would need a notification of its own."""
    is_handler = launch.task.is_handler or "/handlers/" in f"/{launch.task.path}"
    return " in a task after 'meta: flush_handlers', or in a handler that is notified too" if is_handler else ""


def _peek(launch: Launch, its: str) -> str:
    late = next((look for look in launch.looks if look.kind is ReapKind.WAIT), None)
    cleanup = next((look for look in launch.looks if look.kind is ReapKind.CLEANUP), None)
    if late and cleanup:
        return (
            f"{cleanup.task.place} deletes the status file of {its}, 'mode: cleanup' waits for nothing, and so "
            f"{late.task.place} fails with 'could not find job' while the work may still run. Clean up after the wait."
        )
    look = next((look for look in launch.looks if look.kind is not ReapKind.CLEANUP), None)
    if look is None:
        where = f"{launch.looks[0].task.place} deletes" if launch.looks else "A later task deletes"
        return (
            f"{where} the status file of {its} without waiting: 'mode: cleanup' neither waits for a job nor ends it, "
            f"so how the work ends is lost. Wait with async_status before it."
        )
    limit = launch.limit.single
    cover = f"the limit of {seconds_text(limit)}" if limit else "the job's limit"
    register = look.task.keywords.get("register")
    name = register if isinstance(register, str) else "result"
    until = f"'until: {name} is finished'"
    return (
        f"{look.task.place} looks at {its} {_why_no_wait(look)}: a job that still runs passes for a success. "
        f"Register that task's own result and give it {until}, with retries and delay that cover {cover}."
    )


def _why_no_wait(look: Reap) -> str:
    """Why the look does not wait, as in ``once``."""
    until = look.task.keywords.get("until")
    if until is None:
        return "once"
    register = look.task.keywords.get("register")
    if not isinstance(register, str) or not conditions.mentions(until, register):
        own = f"its own register '{register}'" if isinstance(register, str) else "what the task itself registers"
        return f"but its 'until' ({_written(until)}) does not read {own}"
    return f"but its 'until' ({_written(until)}) holds while the job still runs"


def _written(condition: object) -> str:
    return " and ".join(map(str, condition)) if isinstance(condition, list) else str(condition)


RULE = Rule(
    id="async-unreaped",
    sub_tags=("never", "unregistered", "partial", "overwritten", "peek", "reason", "daemon"),
    severity=Level.HIGH,
    tags=("unpredictability",),
    summary="A launch whose jobs nobody waits for, all or in part.",
    check=check,
)
