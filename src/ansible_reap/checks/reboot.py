"""async-reboot: a hand-rolled reboot."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence import work
from ansible_reap.checks.evidence.neighbours import boots_another_system, gives_a_new_address, tasks_of_file
from ansible_reap.checks.finding import Finding, Fix, Level, Rule, RuleContext
from ansible_reap.checks.support import contexts, speak
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.jobs import Verdict

_WAITING = frozenset({"wait_for", "wait_for_connection", "pause", "async_status"})
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def check(context: RuleContext) -> Iterator[Finding]:
    for launch in context.analysis.launches:
        if launch.verdict is Verdict.DETACHED or _is_the_controller(launch):
            continue
        command = work.reboots(launch.task)
        if not command:
            continue
        # The reboot module waits where the host was, for the system that it was: another one is not for it.
        is_another = gives_a_new_address(context.analysis, launch.task) or boots_another_system(
            context.analysis, launch.task
        )
        if not is_another:
            module = "ansible.windows.win_reboot" if work.is_windows(launch.task) else "ansible.builtin.reboot"
            fix = fixes.reboot.use_module(context.analysis, launch.task)
            yield speak(
                RULE,
                launch.task,
                f"'{command}' as a job cuts the connection of the play, and this task itself succeeds whether or not "
                f"the host comes back. Use {module}: it reboots, waits until the host answers again, and fails if it "
                "does not, so waits that follow the reboot are no longer needed.",
                related=[
                    (wait, "the module waits itself: this task goes")
                    for wait in _gone(context.analysis, launch.task, fix) or _waits_after(context.analysis, launch.task)
                ],
                settings=launch.settings,
                fix=fix,
            )


def _gone(analysis: Analysis, task: Task, fix: Fix | None) -> list[Task]:
    """The tasks after this one that the fix takes out."""
    if fix is None:
        return []
    later = (other for other in tasks_of_file(analysis, task.path) if other.line > task.end_line)
    return [other for other in later if any(edit.first <= other.line <= edit.last for edit in fix.edits)]


def _waits_after(analysis: Analysis, task: Task) -> list[Task]:
    """The tasks right after this one that wait for the host, or look at the reboot's job."""
    found = []
    for other in tasks_of_file(analysis, task.path):
        if other.line > task.end_line:
            if other.module not in _WAITING:
                break
            found.append(other)
    return found


def _is_the_controller(launch: Launch) -> bool:
    """The reboot module refuses to reboot the host that Ansible runs on."""
    if launch.task.inherited("connection") == "local":
        return True
    settings = contexts(launch.task, launch.settings)
    return all((setting.delegate_to or setting.hosts or "").strip() in _LOCAL for setting in settings)


RULE = Rule(
    id="async-reboot",
    sub_tags=(),
    severity=Level.LOW,
    tags=("idiom",),
    summary="A hand-rolled reboot",
    check=check,
)
