"""async-cleanup: a reaped job whose status file is never cleaned up. Opt-in."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import speak, variable
from ansible_reap.flow.analysis import Launch, ReapKind
from ansible_reap.jobs import Verdict

_KEPT = frozenset({"loop", "when", "become", "become_user", "become_method", "delegate_to", "run_once"})
"""Keywords by which the reap finds the status files, and passes over what was never launched."""


def check(context: RuleContext) -> Iterator[Finding]:
    for launch in context.analysis.launches:
        if launch.verdict is not Verdict.REAPED:
            continue
        if any(look.kind is ReapKind.CLEANUP for look in (*launch.looks, *launch.reaps)):
            continue
        yield speak(
            RULE,
            launch.task,
            "The job is reaped, but its status file stays on the host for ever: with poll: 0 Ansible never removes it.",
            related=[(reap.task, "reaped here; clean up after this") for reap in launch.reaps],
            settings=launch.settings,
            suggestion=_suggestion(launch),
        )


def _suggestion(launch: Launch) -> str:
    """What looks where the reap looks: the same ids, user, host and folder."""
    reap = launch.reaps[0].task if launch.reaps else None
    jid = reap.args.get("jid") if reap else None
    if reap is None or jid is None:
        handle, loop = launch.register or "the_register", ""
        if launch.is_looped:
            handle, loop = "item", f'\nloop: "{{{{ {handle}.results }}}}"'
        return f'ansible.builtin.async_status:\n  jid: "{{{{ {handle}.ansible_job_id }}}}"\n  mode: cleanup{loop}'
    lines = ["ansible.builtin.async_status:", f"  jid: {json.dumps(str(jid))}", "  mode: cleanup"]
    keywords = {key: value for key, value in reap.keywords.items() if key in _KEPT or key.startswith("with_")}
    control = reap.keywords.get("loop_control")
    if isinstance(control, dict) and "loop_var" in control:
        keywords["loop_control"] = {"loop_var": control["loop_var"]}
    folder = variable(reap, "ansible_async_dir")
    if folder is not None:
        keywords["vars"] = {"ansible_async_dir": folder}
    lines += [f"{key}: {json.dumps(value, default=str)}" for key, value in keywords.items()]
    return "\n".join(lines)


RULE = Rule(
    id="async-cleanup",
    sub_tags=(),
    severity=Level.LOW,
    tags=("unpredictability", "opt-in"),
    summary="A reaped job whose status file is never cleaned up",
    check=check,
    opt_in=frozenset({"async-cleanup"}),
)
