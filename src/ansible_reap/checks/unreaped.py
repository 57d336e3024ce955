"""async-unreaped: a launch whose jobs nobody waits for, all or in part."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.finding import Finding, Level, Related, Rule, RuleContext
from ansible_reap.flow.analysis import Analysis, Launch, ReapKind
from ansible_reap.jobs import DETACH_VARIABLE, Verdict

_FLAGGED = (Verdict.UNREAPED, Verdict.PARTIAL)
_LOOKS = {
    ReapKind.PEEK: "looks at the job, but does not wait for it",
    ReapKind.CLEANUP: "deletes the job's status file, which neither waits nor collects",
    ReapKind.WAIT: "waits, but not for every job of this launch",
}


def check(context: RuleContext) -> Iterator[Finding]:
    """One finding for each launch that is unreaped or reaped only in part."""
    for launch in context.analysis.launches:
        if launch.verdict in _FLAGGED and launch.sub_tag is not None:
            yield _finding(context.analysis, launch)


def _finding(analysis: Analysis, launch: Launch) -> Finding:
    task = launch.task
    return Finding(
        rule=RULE.id,
        sub_tag=launch.sub_tag,
        severity=RULE.severity,
        confidence=Level(launch.confidence),
        place=task.place,
        end_line=task.end_line,
        task=task.label,
        message=launch.explanation,
        related=tuple(Related(look.task.place, _LOOKS[look.kind]) for look in (*launch.looks, *launch.reaps)),
        via=launch.via,
        suggestion=_suggestion(launch),
        fix=fixes.wait.add(analysis, launch) if launch.sub_tag in ("never", "unregistered", "peek") else None,
    )


def _suggestion(launch: Launch) -> str:
    if launch.sub_tag == "reason":
        return f'  vars:\n    {DETACH_VARIABLE}: "why nobody needs the result"\n'
    register = launch.register or "job"
    single = launch.limit.single
    delay = 10
    retries = int((single + 10 + delay - 1) // delay) if single is not None else 60
    lines: list[str] = [] if launch.register else [f"  register: {register}\n", "\n"]
    jid = f"{register}.ansible_job_id"
    loop: list[str] = []
    if launch.is_looped:
        jid = "item.ansible_job_id"
        loop = [f"  loop: \"{{{{ {register}.results | selectattr('ansible_job_id', 'defined') }}}}\"\n"]
    lines += [
        f"- name: Wait for {launch.task.label}\n",
        "  ansible.builtin.async_status:\n",
        f'    jid: "{{{{ {jid} }}}}"\n',
        f"  register: {register}_status\n",
        f"  until: {register}_status is finished\n",
        f"  retries: {retries}\n",
        f"  delay: {delay}\n",
        *loop,
    ]
    return "".join(lines)


RULE = Rule(
    id="async-unreaped",
    sub_tags=("never", "unregistered", "partial", "overwritten", "peek", "reason"),
    severity=Level.HIGH,
    tags=("unpredictability",),
    summary="A launch whose jobs nobody waits for, all or in part.",
    check=check,
)
