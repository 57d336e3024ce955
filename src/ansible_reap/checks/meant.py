"""What is said of a launch that nothing waits for and whose author may well mean it so: no wait is advised first."""

from __future__ import annotations

from typing import NamedTuple

from ansible_reap.checks.evidence import (
    containers,
    daemon,
    endings,
    intent,
    known_times,
    leaving,
    own_waits,
    scripts,
    work,
)
from ansible_reap.checks.evidence.endless import Sign, serves_one_client
from ansible_reap.checks.evidence.limits import ended_before, what_it_tells
from ansible_reap.checks.evidence.neighbours import has_comment, is_test
from ansible_reap.checks.finding import Level
from ansible_reap.checks.support import is_open, limit_text
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, Launch
from ansible_reap.jobs import DETACH_VARIABLE, Verdict
from ansible_reap.timing import KILLING_RELEASES
from ansible_reap.wording import duration, seconds_text

BRIEF = 600
"""Seconds: what Ansible kills within this time, and the next tasks ask for, is there for them."""
_DECLARE = f"({DETACH_VARIABLE}: REASON)"


class Meant(NamedTuple):
    """The message, and how much it matters."""

    message: str
    severity: Level


def is_daemon(analysis: Analysis, launch: Launch) -> bool:
    """Whether the launch is one that nothing waits for and that by its signs is meant to live on."""
    return launch.verdict is Verdict.UNREAPED and is_one_by(analysis, daemon.signs_of(analysis, launch), launch)


def is_one_by(analysis: Analysis, signs: tuple[Sign, ...], launch: Launch) -> bool:
    """The same, by the launch's signs."""
    if launch.verdict is not Verdict.UNREAPED or launch.sub_tag in (None, "reason"):
        return False
    return daemon.are_enough(signs) and _end_of_its_own(analysis, launch.task) is None


def _end_of_its_own(analysis: Analysis, task: Task) -> str | None:
    """What ends the work after a time that the task, or the script that it runs, states: as in ``timeout 60``."""
    commands = work.commands(task)
    found = known_times.ends_by_itself(commands) or known_times.puts_under_load_for(commands)
    script = None if found else scripts.of(analysis, task)
    return known_times.puts_under_load_for(script.commands) if script else found


def is_left_behind(analysis: Analysis, launch: Launch) -> bool:
    """Whether nothing waits for the launch, and a wait would learn nothing, as its shell leaves the work behind."""
    if launch.verdict is not Verdict.UNREAPED or launch.sub_tag not in ("never", "unregistered"):
        return False
    script = scripts.of(analysis, launch.task)
    commands = work.commands(launch.task)
    return (leaving.is_left_behind(commands) or leaving.detaches_by(commands) is not None) or (
        script is not None and leaving.is_left_behind(script.commands)
    )


def by_its_author(analysis: Analysis, launch: Launch, signs: tuple[Sign, ...]) -> Meant | None:
    """What is said of the launch where a wait right after it is not what its author needs; None where it may be."""
    if is_one_by(analysis, signs, launch):
        return Meant(_lives_on(analysis, launch, signs), Level.LOW)
    reader = intent.own_read(analysis, launch.task) if launch.sub_tag in ("never", "overwritten") else None
    if reader:
        return Meant(_reads_itself(launch, reader), Level.LOW)
    if launch.verdict is not Verdict.UNREAPED or launch.sub_tag not in ("never", "unregistered"):
        return None
    return _by_the_task(analysis, launch, signs) or _by_other_tasks(analysis, launch)


def _by_the_task(analysis: Analysis, launch: Launch, signs: tuple[Sign, ...]) -> Meant | None:
    """By what the task itself runs, and by what is written in it and above it."""
    if launch.task.short_name in intent.NOTICES:
        return Meant(_notice(launch), Level.LOW)
    bound = _end_of_its_own(analysis, launch.task) if daemon.are_enough(signs) else None
    if bound:
        return Meant(_serves(analysis, launch, signs, bound), Level.LOW)
    words = intent.declared(analysis, launch.task)
    if words:
        return Meant(_declared(launch, words), Level.LOW)
    timer = intent.timer(launch.task)
    if timer:
        return Meant(_timer(launch, timer), Level.LOW)
    is_behind = is_left_behind(analysis, launch) or leaving.backgrounds_in_a_function(work.commands(launch.task))
    return Meant(_left_behind(analysis, launch), Level.MEDIUM) if is_behind else None


def _by_other_tasks(analysis: Analysis, launch: Launch) -> Meant | None:
    """By the other tasks of its file, and the files beside it."""
    twin = intent.foreground_twin(analysis, launch.task)
    if twin:
        return Meant(_in_two_modes(launch, twin), Level.LOW)
    waits = intent.wait_by_include(analysis, launch.task)
    if waits:
        return Meant(_waits_elsewhere(launch, waits), Level.MEDIUM)
    ending = intent.ended_later(analysis, launch.task)
    if ending:
        return Meant(_ended(launch, ending), Level.LOW)
    other = intent.counterpart(analysis, launch.task)
    if other:
        return Meant(_goes_on_elsewhere(launch, other), Level.MEDIUM)
    words = None if own_waits.after(analysis, launch) else intent.waited_for_elsewhere(analysis, launch.task)
    return Meant(_said_to_be_waited_for(launch, words), Level.MEDIUM) if words else None


def _jobs(launch: Launch) -> str:
    return "jobs" if launch.is_looped else "job"


def _wait_after_all(launch: Launch) -> str:
    """What to do where a failure matters."""
    return "wait with async_status" if launch.register else "register the result and wait with async_status"


def _lives_on(analysis: Analysis, launch: Launch, signs: tuple[Sign, ...]) -> str:
    told = daemon.told(signs)
    control = daemon.control_of(launch.task)
    if control:
        and_then = ", unless its settings keep it in the foreground;" if " " not in control else ", and"
        return (
            f"By its signs what this job starts is meant to live on: {told}. '{control}' itself ends once it has "
            f"started the server{and_then} nothing waits for it, so this task succeeds even if the start fails. Leave "
            f"async and poll out, so that a failed start fails the task, or say in its vars that nobody has to wait "
            f"{_DECLARE}."
        )
    outlives = _outlives(analysis, launch)
    misaimed = endings.misaimed(analysis, launch.task)
    is_helper = misaimed is not None or _is_helper(analysis, launch, signs, outlives=outlives is not False)
    end = _at_its_limit(launch, outlives=outlives)
    if misaimed:
        end += (
            f" Line {misaimed.line} cannot end it: it gives 'kill' the job's id, which is no pid. Give it the pid, or "
            f"the program's name (pkill)."
        )
    if is_helper:
        return (
            f"By its signs {_what_for(analysis, launch.task)}: {told}.{end} Say in its vars that nobody has to wait "
            f"{_DECLARE}."
        )
    if daemon.is_recorder(signs):
        lost = "" if outlives is not False else " What it writes only as it ends is lost then."
        return (
            f"By its signs this job records what happens meanwhile: {told}.{end}{lost} Say in its vars that nobody has "
            f"to wait {_DECLARE}."
        )
    if daemon.has_a_window(launch.task) or is_test(launch.task):
        return f"By its signs this job is meant to live on: {told}.{end} Declare it detached in its vars {_DECLARE}."
    if containers.stays_with_one(launch.task):
        return (
            f"By its signs this job is meant to live on: {told}.{end} Detach the container and leave async and poll "
            f"out, so that a failed start fails the task, or say in its vars that it is meant to {_DECLARE}."
        )
    return (
        f"By its signs this job is meant to live on: {told}.{end} Declare it detached in its vars {_DECLARE}, or run "
        f"it as a service, which is restarted and keeps a log."
    )


def _outlives(analysis: Analysis, launch: Launch) -> bool | None:
    """Whether some of the work goes on when the limit is reached, as the task or its script leaves it behind.

    None where a function of a shell does so, whose callers may wait for it.
    """
    script = scripts.of(analysis, launch.task)
    found = [work.commands(launch.task), script.commands if script else ()]
    if is_left_behind(analysis, launch) or any(map(leaving.outlives_the_limit, found)):
        return True
    return None if any(map(leaving.backgrounds_in_a_function, found)) else False


def _at_its_limit(launch: Launch, *, outlives: bool | None) -> str:
    """What the limit does to the work, as a sentence that follows others; nothing where that is not known."""
    limit = launch.limit.single
    if outlives and limit is not None and limit <= 1 and leaving.stays_a_second(work.commands(launch.task)):
        return (
            f" Its limit of {seconds_text(limit)} may end it, though: as its output is not redirected, the job ends a "
            f"second after its shell, and {KILLING_RELEASES} on kill all of a job that still runs then. Give it a "
            f"limit well above that, such as 'async: 60'."
        )
    if containers.stays_with_one(launch.task):
        return "" if limit is None else f" Its limit of {duration(limit)} ends the job; the container goes on."
    if outlives is None:
        return ""
    if outlives:
        return " Its work outlives the job, so neither the job's result nor its limit says anything about it."
    when = "at its limit" if limit is None else f"after {duration(limit)}"
    unless = " (unless set elsewhere)" if limit and is_open(launch.task, "async") else ""
    return f" Ansible kills it {when}{unless}, if it still runs then."


def _is_helper(analysis: Analysis, launch: Launch, signs: tuple[Sign, ...], *, outlives: bool) -> bool:
    """Whether the work is there for a while, for other tasks: something ends it, or its limit is meant to."""
    limit = launch.limit.single
    if daemon.is_killed(signs) or daemon.is_passing(signs):
        return True
    if intent.is_to_last(analysis, launch.task) or (limit is not None and limit >= daemon.DAY):
        return False
    if has_comment(analysis, launch.task, "async"):  # on what the limit is for
        return True
    return limit is not None and limit <= BRIEF and not outlives and daemon.is_probed(signs)


def _what_for(analysis: Analysis, task: Task) -> str:
    """That the work is for what follows, as far as something follows in the file."""
    if daemon.has_tasks_after(analysis, task):
        return "this job is there for the tasks after it"
    return "this job is to go on after this play"


def _serves(analysis: Analysis, launch: Launch, signs: tuple[Sign, ...], bound: str) -> str:
    is_timeout = bound.startswith("timeout")
    is_one = serves_one_client(work.commands(launch.task))
    status = known_times.status_of_timeout(work.commands(launch.task))
    if leaving.is_left_behind(work.commands(launch.task)):
        end = "Its work outlives the job, so neither the job's result nor its limit says anything about it"
    elif is_timeout and _is_at_the_limit(launch, bound):
        first = "It ends with its first client; if none comes, " if is_one else ""
        last = "" if is_one else " at the latest"
        end = f"{first}'{bound}' or its limit of the same time ends it{last}, and the job counts as failed then"
    elif is_one:
        failure = f", with the status {status} of a failure" if status else ""
        end = f"It ends with its first client; if none comes, '{bound}' ends it{failure}"
    elif is_timeout and status:
        end = (
            f"'{bound}' ends it at the latest; a wait would call that end a failure, as 'timeout' exits with {status} "
            f"then"
        )
    elif is_timeout:
        end = f"'{bound}' ends it at the latest; a wait would judge that end by the work's own status"
    else:
        end = f"It ends by itself ('{bound}')"
    return (
        f"By its signs {_what_for(analysis, launch.task)}: {daemon.told(signs)}. {end}. Say in its vars that nobody "
        f"has to wait {_DECLARE}."
    )


def _is_at_the_limit(launch: Launch, bound: str) -> bool:
    limit = launch.limit.single
    return limit is not None and known_times.sleep_seconds(bound.split()[1]) == limit


def _declared(launch: Launch, words: str) -> str:
    return (
        f"Nothing waits for the {_jobs(launch)}, on purpose, as {words}: {what_it_tells(launch)}. Say so in its vars, "
        f"where runs and reports read it {_DECLARE}; if a failure matters after all, {_wait_after_all(launch)}."
    )


def _in_two_modes(launch: Launch, twin: Task) -> str:
    return (
        f"Line {twin.line} runs the same in the foreground, under another condition; here nothing waits for the "
        f"{_jobs(launch)}: {what_it_tells(launch)}. Where something else reports how it ends, say so in its vars "
        f"{_DECLARE}; if nothing does, {_wait_after_all(launch)}."
    )


def _waits_elsewhere(launch: Launch, waits: Task) -> str:
    return (
        f"Nothing waits for the {_jobs(launch)} with async_status: {what_it_tells(launch)}. If line {waits.line} waits "
        f"for this work in a way of its own, say in its vars that nobody else has to {_DECLARE}; its time-out is all "
        f"that it can tell of a failure. If it does not, {_wait_after_all(launch)}."
    )


def _said_to_be_waited_for(launch: Launch, words: str) -> str:
    return (
        f"No async_status waits for the {_jobs(launch)}, while {words}: {what_it_tells(launch)}. If something else "
        f"waits for the work, say in its vars that nobody has to {_DECLARE}; its time-out is all that it can tell of a "
        f"failure. If nothing does, {_wait_after_all(launch)}."
    )


def _reads_itself(launch: Launch, reader: Task) -> str:
    return (
        f"Line {reader.line} reads the status file of the {_jobs(launch)} in '{launch.register}' itself. Ansible waits "
        f"for nothing there: of a job that still runs the file does not say yet how it ends. async_status with "
        f"'until' waits for the end, and needs no path; where that is not wanted, say so in its vars {_DECLARE}."
    )


def _notice(launch: Launch) -> str:
    return (
        f"Nothing waits for the {_jobs(launch)}: if {launch.task.short_name} cannot tell its message, nobody hears of "
        f"it. Where that does not matter, say so in its vars {_DECLARE}."
    )


def _timer(launch: Launch, timer: intent.Timer) -> str:
    acts = f"runs '{timer.before}', and '{timer.after}' after its own '{timer.pause}'" if timer.before else ""
    acts = acts or f"runs '{timer.after}' after its own '{timer.pause}'"
    bound = ended_before(launch)
    unless = f", unless '{bound}' ends it before" if bound else ""
    return (
        f"This job is a timer: it {acts}, while the play goes on{unless}. Nothing waits for the {_jobs(launch)}: "
        f"{what_it_tells(launch)}. Where it is meant to act later, say so in its vars {_DECLARE}; a wait with "
        f"async_status belongs after the tasks that are to run before it acts."
    )


def _left_behind(analysis: Analysis, launch: Launch) -> str:
    commands = work.commands(launch.task)
    own = leaving.is_left_behind(commands) or leaving.backgrounds_in_a_function(commands)
    script = None if own else scripts.of(analysis, launch.task)
    where = f" in '{script.name}'" if script else ""
    detacher = leaving.detaches_by(commands)
    if detacher and not own:
        return (
            f"Nothing waits for the {_jobs(launch)}, and a wait would not learn how the work ends: '{detacher}' starts "
            f"it away from the job and ends at once, so the limit does not reach the work, and this task succeeds even "
            f"if that start fails. Leave async and poll out, so that a failed start fails the task, or say in its vars "
            f"why nobody has to wait {_DECLARE}."
        )
    return (
        f"Nothing waits for the {_jobs(launch)}, and a wait would not learn how the work ends: '&'{where} leaves it to "
        f"run in the background of its shell, so the job's result is the shell's, and "
        f"{limit_text(launch)} need not reach the work. Leave '&' out, so that the job is the work, with a limit that "
        f"covers it, and wait with async_status, or say in its vars why nobody has to {_DECLARE}."
    )


def _ended(launch: Launch, ending: intent.EndedBy) -> str:
    return (
        f"Nothing waits for the {_jobs(launch)}: {what_it_tells(launch)}. Line {ending.task.line} ends work "
        f"('{ending.command}'): if it is this work, say in its vars that nobody has to wait {_DECLARE}; if not, wait "
        f"with async_status."
    )


def _goes_on_elsewhere(launch: Launch, other: str) -> str:
    its = "" if launch.register else ", with its result registered here"
    return (
        f"Nothing waits for the {_jobs(launch)}: {what_it_tells(launch)}. There is {other} beside "
        f"{launch.task.path.rpartition('/')[2]}: if that is where the work is to end, wait for it there with "
        f"async_status{its}, or say in its vars why nobody has to {_DECLARE}."
    )
