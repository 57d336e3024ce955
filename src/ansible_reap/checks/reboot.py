"""async-reboot: a hand-rolled reboot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile

from ansible_reap.checks import fixes
from ansible_reap.checks.evidence import intent, known_times, leaving, work
from ansible_reap.checks.evidence.limits import ends_it_at_once, has_another_wrapper
from ansible_reap.checks.evidence.neighbours import MAX_KEPT, play_of, tasks_after, tasks_naming
from ansible_reap.checks.evidence.reboots import comes_back_as_another, own_command, waits_without_it
from ansible_reap.checks.evidence.releases import may_have_module
from ansible_reap.checks.finding import Finding, Fix, Level, Rule, RuleContext
from ansible_reap.checks.support import contexts, number, speak
from ansible_reap.content.model import Task, as_list
from ansible_reap.flow.analysis import Analysis, Launch, Setting
from ansible_reap.jobs import CONTROLLER, LOCAL_CONNECTIONS, Verdict
from ansible_reap.late_patterns import expression
from ansible_reap.timing import KILLING_RELEASES
from ansible_reap.wording import seconds_text

_WAITING = frozenset({"wait_for", "wait_for_connection", "pause", "async_status"})
_SPEAKS_OF_IT = expression(r"\breboot:|\breboot[`'\"]* module\b|\bbuiltin\.reboot\b", re.IGNORECASE)
_LATER = 10
"""Seconds of a pause in which a play can end before the reboot."""
_SEARCHED = "/sbin, /bin, /usr/sbin, /usr/bin and /usr/local/sbin"
"""Where the module looks for a command without a path (ansible-core 2.16 to 2.22)."""
_CONTAINERS = frozenset({"docker", "podman", "buildah", "kubectl", "oc", "lxc", "lxd", "nspawn", "chroot"})
"""Connections into what shares the kernel of its host, or is none."""


def check(context: RuleContext) -> Iterator[Finding]:
    for launch in context.analysis.launches:
        command = by_hand(context.analysis, launch)
        if command is None:
            continue
        fix = fixes.reboot.use_module(context.analysis, launch.task)
        too_short = ends_it_at_once(context.analysis, launch.task, launch.limit, launch.settings)
        if too_short and fix is None:
            continue  # async-timeout[interval] reports both
        gone = _gone(context.analysis, launch.task, fix) or _replaced_by_the_module(context.analysis, launch.task)
        limit = _cut_short(context.analysis, launch) if too_short else ""
        yield speak(
            RULE,
            launch.task,
            f"'{command}' as a job cuts the connection of the play, and this task itself succeeds whether or not the "
            f"host comes back.{limit} Use {module_for(context.analysis, launch.task)}: it reboots, waits until the "
            f"host answers again, and fails if it does not.",
            related=[(other, _not_needed(other)) for other in gone],
            severity=Level.MEDIUM if too_short else None,
            settings=launch.settings,
            fix=fix,
        )


def _cut_short(analysis: Analysis, launch: Launch) -> str:
    """What a limit of a second or so does to the reboot."""
    limit = max(launch.limit.values)
    known = known_times.of(launch.task)
    if known is None or known.is_bound or known.seconds <= limit or has_another_wrapper(analysis, launch.task):
        return f" Its limit of {seconds_text(limit)} may end the job before it reboots."
    return (
        f" The work takes longer ({known.source}) than its limit of {seconds_text(limit)}: {KILLING_RELEASES} on kills "
        f"it before it reboots."
    )


def _not_needed(other: Task) -> str:
    longest = number(other.args.get("timeout")) or 0
    given = f", given 'reboot_timeout: {longest:g}'" if longest > fixes.reboot.DEFAULT_TIMEOUT else ""
    return f"not needed with the module{given}"


def by_hand(analysis: Analysis, launch: Launch) -> str | None:
    """The command by which the launch reboots a host that the reboot module could reboot instead, or None."""
    command = work.reboots(launch.task)
    if command is None or launch.verdict is Verdict.DETACHED:
        return None
    if _is_the_controller(analysis, launch) or _is_a_container(analysis, launch):
        return None
    if comes_back_as_another(analysis, launch.task) or _is_a_choice(analysis, launch.task):
        return None
    if _is_for_after_the_play(analysis, launch.task):
        return None
    return command if has_module(analysis, launch.task, launch.settings) else None


def _is_for_after_the_play(analysis: Analysis, task: Task) -> bool:
    """Whether the reboot is left behind with a pause before it, and nothing waits for the host after it."""
    commands = work.commands(task)
    pauses = (
        known_times.sleep_seconds(word) or 0 for each in commands if each.argv[:1] == ("sleep",) for word in each.argv
    )
    is_late = leaving.is_left_behind(commands) and max(pauses, default=0) >= _LATER
    return is_late and not _replaced_by_the_module(analysis, task)


def _is_a_choice(analysis: Analysis, task: Task) -> bool:
    """Whether the author knows the module and chose a command here: beside the module, or so as not to wait.

    A command may also be there for a connection over which the module does not work, such as ``local``, for a system
    that it does not know, or because of what a comment of the file says about the module.
    """
    play = play_of(task)
    beside = any(play_of(other) == play for other in _by_module(analysis.steps.get(task.path, ())))
    conditions = task.whens()
    if _speaks_of_the_module(analysis.texts.get(task.path, "")):
        return True
    elsewhere = any(word in str(condition) for condition in conditions for word in ("ansible_connection", "CYGWIN"))
    return beside or elsewhere or intent.declared(analysis, task) is not None


@lru_cache(maxsize=MAX_KEPT)
def _speaks_of_the_module(text: str) -> bool:
    """Whether a comment of the file does, on a line of its own."""
    return any(_SPEAKS_OF_IT.search(line) for line in text.splitlines() if line.lstrip().startswith("#"))


@lru_cache(maxsize=MAX_KEPT)
def _by_module(steps: tuple[Task, ...]) -> tuple[Task, ...]:
    """The tasks of a file that reboot by the module."""
    return tuple(filter(_is_module, steps))


def _is_module(task: Task) -> bool:
    return task.module.rpartition(".")[2] in ("reboot", "win_reboot")


def module_for(analysis: Analysis, task: Task) -> str:
    """The module that reboots and waits, on the system that the task runs on, with what it has to be told."""
    if work.is_windows(task):
        return "ansible.windows.win_reboot"
    command = own_command(analysis, task)
    if command is None:
        return "ansible.builtin.reboot"
    # a shell may find another one by that name, as in /usr/local/bin
    needs = f"; a 'reboot' outside of {_SEARCHED} needs its whole path" if command.split()[0] == "reboot" else ""
    return f"ansible.builtin.reboot with 'reboot_command: {command}' (without, it runs 'shutdown -r'{needs})"


def has_module(analysis: Analysis, task: Task, settings: Sequence[Setting]) -> bool:
    """Whether the project's Ansible has the module: it came with 2.7."""
    return work.is_windows(task) or may_have_module(analysis, task, (2, 7), settings)


def _gone(analysis: Analysis, task: Task, fix: Fix | None) -> list[Task]:
    """The tasks after this one that the fix takes out."""
    if fix is None:
        return []
    last = max((edit.last for edit in fix.edits), default=0)
    later = takewhile(lambda other: other.line <= last, tasks_after(analysis, task.path, task.end_line))
    return [other for other in later if any(edit.first <= other.line <= edit.last for edit in fix.edits)]


def _replaced_by_the_module(analysis: Analysis, task: Task) -> list[Task]:
    """The tasks right after this one that wait for the host, and those that look at the reboot's job."""
    found: list[Task] = []
    for other in tasks_after(analysis, task.path, task.end_line):
        if other.module not in _WAITING or not _is_for_this_reboot(other, task):
            break  # a wait under another condition may be there for another reboot too
        if waits_without_it(analysis, task, other):
            break
        if (number(other.args.get("delay")) or 0) >= fixes.reboot.LONG_PAUSE:
            break  # it gives more than the host the time to come back
        if other.module == "pause" and any(each.module != "pause" for each in found):
            break  # the host answers by then: it is something else that gets the time
        found.append(other)
    return [*found, *(other for other in _looking(analysis, task) if other not in found)]


def _looking(analysis: Analysis, task: Task) -> Iterator[Task]:
    """The tasks of the play that look at the reboot's job, up to the first that registers the name anew."""
    register = task.keywords.get("register")
    for other in tasks_naming(analysis, task.path, register, task.end_line) if isinstance(register, str) else ():
        if play_of(other) != play_of(task):
            return
        if other.module == "async_status":
            yield other
        if other.keywords.get("register") == register and "until" not in other.keywords:
            return


def _is_for_this_reboot(other: Task, task: Task) -> bool:
    """Whether a wait after the reboot has no condition, the reboot's, or the one that it has been launched."""
    when, register = other.keywords.get("when"), task.keywords.get("register")
    if when in (None, task.keywords.get("when")):
        return True
    launched = {f"{register}.changed", f"{register} is changed", f"{register}|changed"}
    return isinstance(register, str) and all(" ".join(str(term).split()) in launched for term in as_list(when))


def _is_the_controller(analysis: Analysis, launch: Launch) -> bool:
    """Whether the task may run on the host that Ansible runs on: the reboot module refuses to reboot that one."""
    settings = contexts(launch.task, launch.settings)
    connections = (setting.variables.get("ansible_connection", setting.connection) for setting in settings)
    if any(connection in LOCAL_CONNECTIONS for connection in connections):
        return True
    stations = [(setting.delegate_to or setting.hosts or "").strip() for setting in settings]
    return all(station in CONTROLLER for station in stations) or not analysis.controllers.isdisjoint(stations)


def _is_a_container(analysis: Analysis, launch: Launch) -> bool:
    """Whether the task runs in a container that the play has added by that connection: it does not come back."""
    stations = {(setting.delegate_to or "").strip() for setting in contexts(launch.task, launch.settings)}
    return not _containers(analysis.steps.get(launch.task.path, ())).isdisjoint(stations - {""})


@lru_cache(maxsize=MAX_KEPT)
def _containers(steps: tuple[Task, ...]) -> frozenset[str]:
    """The names of the containers that tasks of a file add by their connection."""
    found: set[str] = set()
    for other in steps:
        connection = str(other.args.get("ansible_connection", "")).rpartition(".")[2]
        if other.module == "add_host" and connection in _CONTAINERS:
            found |= {str(other.args.get(key)) for key in ("name", "hostname", "host")}
    return frozenset(found)


RULE = Rule(
    id="async-reboot",
    sub_tags=(),
    severity=Level.LOW,
    tags=("idiom",),
    summary="A hand-rolled reboot",
    check=check,
)
