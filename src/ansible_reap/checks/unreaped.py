"""async-unreaped: a launch whose jobs nobody waits for, all or in part."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence import conditions, daemon, work
from ansible_reap.checks.evidence.daemon import Sign
from ansible_reap.checks.finding import Finding, Fix, Level, Related, Rule, RuleContext
from ansible_reap.checks.support import listed
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


def _finding(analysis: Analysis, launch: Launch) -> Finding:
    task = launch.task
    signs = daemon.signs_of(analysis, launch) if launch.verdict is Verdict.UNREAPED else ()
    lives_on = launch.sub_tag != "reason" and daemon.are_enough(signs)
    # A sign that is not enough to tell a daemon is enough to leave the wait to its author.
    fix = None if lives_on else _fix(analysis, launch, is_safe=sum(sign.weight for sign in signs) <= daemon.WEAK)
    return Finding(
        rule=RULE.id,
        sub_tag="daemon" if lives_on else launch.sub_tag,
        severity=Level.LOW if lives_on else RULE.severity,
        confidence=Level(launch.confidence),
        place=task.place,
        end_line=task.end_line,
        task=task.label,
        message=_lives_on(launch, signs) if lives_on else _message(launch),
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


def _lives_on(launch: Launch, signs: tuple[Sign, ...]) -> str:
    told = listed(sign.text for sign in signs[:_SIGNS_TOLD])
    limit = launch.limit.single
    if work.leaves_by(work.commands(launch.task)):
        end = "Its work outlives the job, so neither the job's result nor its limit says anything about it"
    elif any(sign.weight == daemon.STRONG and sign.text.endswith("kills it") for sign in signs):
        end = "An end before that goes unnoticed"
    elif limit is not None:
        end = f"Ansible kills it after {duration(limit)}, and an end before that goes unnoticed"
    else:
        end = "Ansible kills it at its limit, and an end before that goes unnoticed"
    return (
        f"By its signs this job is meant to live on: {told}. {end}. Say in its vars that it is ({DETACH_VARIABLE}: "
        f"REASON), or run it as a service, which is restarted and keeps a log."
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
            f"{counts}. Register the result and wait with async_status, or {_DECLARE}."
        )
    if launch.sub_tag == "never":
        return f"Nothing waits for {its}: {counts}. Wait with async_status, or {_DECLARE}."
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
