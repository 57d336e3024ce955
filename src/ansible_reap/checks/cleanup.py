"""async-cleanup: a reaped job whose status file is never cleaned up. Opt-in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_reap.checks.finding import Finding, Level, Rule
from ansible_reap.checks.support import speak
from ansible_reap.flow.analysis import Analysis, ReapKind
from ansible_reap.jobs import Verdict

if TYPE_CHECKING:
    from ansible_reap.history.estimate import Estimates


def check(analysis: Analysis, options: Mapping[str, Any], history: Estimates | None) -> Iterator[Finding]:
    del options, history
    for launch in analysis.launches:
        if launch.verdict is not Verdict.REAPED:
            continue
        if any(look.kind is ReapKind.CLEANUP for look in (*launch.looks, *launch.reaps)):
            continue
        register = launch.register or "the_register"
        handle = "item" if launch.is_looped else register
        loop = f'\nloop: "{{{{ {register}.results }}}}"' if launch.is_looped else ""
        yield speak(
            RULE,
            launch.task,
            "The job is reaped, but its status file stays on the host for ever: with poll: 0 Ansible never removes it.",
            related=[(reap.task, "reaped here; clean up after this") for reap in launch.reaps],
            settings=launch.settings,
            suggestion=f'ansible.builtin.async_status:\n  jid: "{{{{ {handle}.ansible_job_id }}}}"\n'
            f"  mode: cleanup{loop}",
        )


RULE = Rule(
    id="async-cleanup",
    sub_tags=(),
    severity=Level.LOW,
    tags=("unpredictability", "opt-in"),
    summary="A reaped job whose status file is never cleaned up",
    check=check,
    opt_in=frozenset({"async-cleanup"}),
)
