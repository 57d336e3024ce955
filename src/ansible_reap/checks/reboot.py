"""async-reboot: a hand-rolled reboot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence import work
from ansible_reap.checks.evidence.neighbours import gives_a_new_address, tasks_of_file
from ansible_reap.checks.finding import Finding, Fix, Level, Rule
from ansible_reap.checks.support import contexts, speak
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.jobs import Verdict

if TYPE_CHECKING:
    from ansible_reap.history.estimate import Estimates

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SOON = frozenset({"now", "+0", "+1", "0", "1"})


def check(analysis: Analysis, options: Mapping[str, Any], history: Estimates | None) -> Iterator[Finding]:
    del options, history
    for launch in analysis.launches:
        if launch.verdict is Verdict.DETACHED or _is_the_controller(launch):
            continue
        command = reboots(launch.task)
        # The reboot module waits where the host was: one that comes back elsewhere is not for it.
        if command and not gives_a_new_address(analysis, launch.task):
            module = "ansible.windows.win_reboot" if work.is_windows(launch.task) else "ansible.builtin.reboot"
            fix = fixes.reboot.use_module(analysis, launch.task)
            yield speak(
                RULE,
                launch.task,
                f"'{command}' as a job cuts its own connection and leaves the waiting to other tasks. {module} "
                f"reboots, waits until the host answers again, and fails when it does not.",
                related=[
                    (wait, "the module waits itself: this task goes") for wait in _gone(analysis, launch.task, fix)
                ],
                settings=launch.settings,
                suggestion=f"{module}:\n  reboot_timeout: 600",
                fix=fix,
            )


def reboots(task: Task) -> str | None:
    """The command by which the task reboots its host soon, or None: neither a halt nor a reboot planned for later."""
    if work.is_windows(task):
        return _reboots_windows(task)
    for command in work.commands(task):
        for argv in command.programs():
            if _is_reboot(argv):
                return " ".join(argv)
    return None


def _gone(analysis: Analysis, task: Task, fix: Fix | None) -> list[Task]:
    """The tasks after this one that the fix takes out."""
    if fix is None:
        return []
    later = (other for other in tasks_of_file(analysis, task.path) if other.line > task.end_line)
    return [other for other in later if any(edit.first <= other.line <= edit.last for edit in fix.edits)]


def _is_reboot(argv: tuple[str, ...]) -> bool:
    name, arguments = argv[0], argv[1:]
    if name == "reboot":
        return not {"--help", "--halt", "-p", "--poweroff", "-w", "--wtmp-only"} & set(arguments)
    if name == "shutdown":
        flags = [word for word in arguments if word.startswith("-")]
        times = [word for word in arguments if not word.startswith("-")][:1]
        is_reboot = any(flag == "--reboot" or (not flag.startswith("--") and "r" in flag) for flag in flags)
        return is_reboot and (not times or times[0] in _SOON)
    if name == "systemctl":
        return [word for word in arguments if not word.startswith("-")][:1] == ["reboot"]
    return name in ("init", "telinit") and arguments[:1] == ("6",)


def _reboots_windows(task: Task) -> str | None:
    text = task.args.get("cmd", task.args.get("_raw_params"))
    words = text.split() if isinstance(text, str) else []
    for name, *arguments in (words[i:] for i in range(len(words))):
        program = name.lower().removesuffix(".exe").rpartition("\\")[2]
        if program == "restart-computer":
            return name
        if program == "shutdown" and any(word.lower() in ("/r", "-r", "/g") for word in arguments[:4]):
            return f"{name} /r"
    return None


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
