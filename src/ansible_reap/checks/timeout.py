"""async-timeout: the limit or the wait does not suit the work."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ansible_reap.checks import fixes, meant, reboot, unreaped
from ansible_reap.checks.evidence import conditions, known_times, work
from ansible_reap.checks.evidence.limits import (
    ENOUGH_FOR_SHORT_WORK,
    TooShort,
    at_the_limit,
    ends_it_at_once,
    has_another_wrapper,
    kills_near,
    too_short,
    with_room,
)
from ansible_reap.checks.evidence.neighbours import comment_on, is_test
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import constant, contexts, is_open, number, speak, variable
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis, AsyncUse, Launch, Quantity, Reap, ReapKind
from ansible_reap.flow.evaluation.scalars import is_no_number
from ansible_reap.jobs import EXPECT_VARIABLE, Verdict
from ansible_reap.late_patterns import expression
from ansible_reap.printable import one_line
from ansible_reap.shell.disconnects import cuts_connection
from ansible_reap.timing import DEFAULT_DELAY, FIX_MARGIN, KILL_STEP, KILLING_RELEASES
from ansible_reap.wording import seconds_text

DEFAULT_HEADROOM = 2.0
HOURS = 3600
FAR_BEYOND = 2
"""A limit of hours, and this many times as long as its wait: what was thought about is the wait."""
OUT_OF_SCALE = 10
"""A limit this many times as long as its wait: nobody means to wait for it, so no such wait is suggested."""
AMPLE = 2
"""How many times as long as the work a wait is that never ends too early."""
NEARLY = 0.9
"""Fraction of the limit: a wait that covers it lacks little."""
_MEANT = expression(r"\b(?:bigger|larger|longer|greater|higher|more|exceeds?|beyond)\b", re.IGNORECASE)
"""What a comment says of a limit that is to be longer than its wait."""
LOOK = 0.5
"""Seconds that a look is taken to last.

Measured as loops of 12 looks less loops of 2 on a busy machine of two cores (ansible-core 2.22): 0.6 to 1.4 s on a
local connection, 0.3 to 0.4 s of them processor time; 0.8 to 1.8 s over ssh.
"""
_NAMES_A_TIMEOUT = expression(r"\btime[sd]?[ -]?(?:out|limit)", re.IGNORECASE)
_SPAN = expression(r"(\d{1,6})\s*([smhd])\w*", re.IGNORECASE)
"""A span of time with its unit, as in ``10m``."""
SLOW_LOOK = 10.0
"""Seconds that one look takes at most, far more than it does over an ordinary connection."""


def check(context: RuleContext) -> Iterator[Finding]:
    for use in context.analysis.uses:
        if use.limit is None or _tests_the_limit(use.task, use.limit):
            continue
        finding = (
            _interval(context.analysis, use) or _ceiling(context.analysis, use, use.limit) or _headroom(context, use)
        )
        if finding and not _is_said_with_the_reboot(context.analysis, use):
            yield finding
    waited_for: dict[Reap, list[Launch]] = defaultdict(list)
    for launch in context.analysis.launches:
        for reap in dict.fromkeys(launch.reaps):
            waited_for[reap].append(launch)
    for reap in context.analysis.reaps:
        if not is_test(reap.task):  # a test whose wait gives up fails for all to see
            yield from _window(context.analysis, reap, waited_for.get(reap, []))


def _tests_the_limit(task: Task, limit: Quantity) -> bool:
    """Whether the task exists to be killed: its name speaks of a time-out, and its work takes longer than the limit."""
    return _NAMES_A_TIMEOUT.search(task.name or "") is not None and too_short(task, limit) is not None


def _is_said_with_the_reboot(analysis: Analysis, use: AsyncUse) -> bool:
    """Whether the limit is too short for a reboot whose task async-reboot replaces as a whole."""
    return (
        use.launch is not None
        and ends_it_at_once(analysis, use.task, use.limit, use.settings)
        and reboot.by_hand(analysis, use.launch) is not None
        and fixes.reboot.use_module(analysis, use.task) is not None
    )


def _interval(analysis: Analysis, use: AsyncUse) -> Finding | None:
    """A limit under the step in which ansible-core enforces it, or what is no number of whole seconds."""
    return _no_number(use) or _fraction(analysis, use) or _below_the_step(analysis, use)


def _no_number(use: AsyncUse) -> Finding | None:
    """A text where Ansible takes a number (seen on ansible-core 2.16 and 2.22)."""
    for keyword in ("async", "poll"):
        written = use.task.keywords.get(keyword)
        if not is_no_number(written):
            continue
        found = _SPAN.fullmatch(written.strip())
        seconds = int(found[1]) * known_times.UNITS[found[2].lower()] if found else None
        todo = "a number of seconds" if seconds is None else f"'{keyword}: {seconds}'"
        return speak(
            RULE,
            use.task,
            f"{keyword} takes seconds as a number: with '{one_line(written)}' this task fails, and its work is never "
            f"started. Write {todo}.",
            sub_tag="interval",
            settings=use.settings,
        )
    return None


def _fraction(analysis: Analysis, use: AsyncUse) -> Finding | None:
    for keyword in ("async", "poll"):
        value = number(use.task.keywords.get(keyword))
        if value is not None and value != int(value):
            whole = math.ceil(value)
            is_launch = keyword == "poll" and use.launch is not None  # what waits for its job needs it to stay one
            instead = ", or 'poll: 0' and wait for the job later" if is_launch else ""
            text = {keyword: f"{whole}"}
            return speak(
                RULE,
                use.task,
                f"{keyword} takes whole seconds: ansible-core up to 2.17 cuts {value:g} down to {int(value)}, and from "
                f"2.18 on the task fails. Write '{keyword}: {whole}'{instead}.",
                sub_tag="interval",
                settings=use.settings,
                fix=None if is_launch else fixes.keywords.put(analysis, use.task, text, "write whole seconds"),
            )
    return None


def _below_the_step(analysis: Analysis, use: AsyncUse) -> Finding | None:
    if use.limit is None or not ends_it_at_once(analysis, use.task, use.limit, use.settings):
        return None
    if use.launch is None and cuts_connection(use.task.module, use.task.args, use.task.name):
        return None  # polled for: what it lacks is poll: 0
    if use.launch and meant.is_daemon(analysis, use.launch):
        return None  # no limit is long enough, as async-unreaped[daemon] says
    longest = max(use.limit.values)
    short = too_short(use.task, use.limit)
    enough = max(ENOUGH_FOR_SHORT_WORK, math.ceil(short.advice) if short else 0)
    instead = ""
    if use.launch and reboot.by_hand(analysis, use.launch):
        instead = f", or use {reboot.module_for(analysis, use.task)}, which waits for the host"
    return speak(
        RULE,
        use.task,
        f"{_when_it_ends(analysis, use.task, short, longest)}. Give it a limit well above the time that it needs, such "
        f"as 'async: {enough}'{instead}.",
        sub_tag="interval",
        confidence=Level.MEDIUM,
        settings=use.settings,
        fix=None if instead else fixes.limit.raised(analysis, use.task, use.launch, enough),
    )


def _when_it_ends(analysis: Analysis, task: Task, short: TooShort | None, longest: float) -> str:
    """When a limit below the step ends the work: that hangs on the release."""
    limit = seconds_text(longest)
    if has_another_wrapper(analysis, task):
        return f"A limit of {limit}, which the start of the job counts into, may end it before its work is done"
    if short and not short.known.is_bound and short.known.seconds >= longest:
        effect = ", before the reboot" if work.reboots(task) else ""
        takes, than, kills = ("as long", "as", "may kill")
        if short.known.seconds > longest:
            takes, than, kills = ("longer", "than", "kills")
        return (
            f"The work takes {takes} ({short.known.source}) {than} its limit of {limit}: {KILLING_RELEASES} on {kills} "
            f"it after about {limit}{effect}; earlier releases let it run up to {2 * KILL_STEP} s longer"
        )
    return (
        f"When a limit of {limit} ends the work depends on the release: {KILLING_RELEASES} on kills it after about "
        f"{limit}, earlier ones let it run up to {2 * KILL_STEP} s longer"
    )


def _ceiling(analysis: Analysis, use: AsyncUse, limit: Quantity) -> Finding | None:
    short = too_short(use.task, limit)
    if short is None:
        return None
    if use.launch and unreaped.says_the_limit(analysis, use.launch):
        return None
    if short.moved_by and use.launch and use.launch.verdict in (Verdict.DETACHED, Verdict.UNREAPED):
        return None  # the limit ends nothing, and nobody hears that the job is called failed
    if short.limit < KILL_STEP >= short.known.seconds and not kills_near(analysis, use.task, use.settings):
        return None  # the first look is after both
    known, longest, advice = short.known, short.limit, short.advice
    takes = "may take up to" if known.is_bound else "takes"
    if use.task.module in ("get_url", "uri"):
        takes = "may wait for its server for"  # how long all of it takes has no bound
    near = at_the_limit(short)
    what = f"The work {takes} {seconds_text(known.seconds)} ({known.source}), "
    if near and use.launch is None:
        near = "that leaves none for its start"  # the play itself gives up at the limit
    if near:
        what += "as long as its limit" if longest == known.seconds else f"and its limit is {seconds_text(longest)}"
        what += f": {near}"
    elif short.moved_by:
        what += (
            f"but Ansible calls the job failed after {seconds_text(longest)}, its limit, and the work goes on: "
            f"'{short.moved_by}' moves it to a process group of its own, which the limit does not reach"
        )
    else:
        what += f"but its limit kills it after {seconds_text(longest)}"
    return speak(
        RULE,
        use.task,
        f"{what}. Give it more time, such as 'async: {advice:g}'.",
        sub_tag="ceiling",
        settings=use.settings,
        fix=fixes.limit.raised(analysis, use.task, use.launch, advice),
    )


def _headroom(context: RuleContext, use: AsyncUse) -> Finding | None:
    limit = use.limit.single if use.limit else None
    if not limit or limit <= 0:
        return None
    headroom = float(context.options.get("headroom", DEFAULT_HEADROOM))
    return _expected(context.analysis, use, limit, headroom) or _measured(context, use, limit, headroom)


def _expected(analysis: Analysis, use: AsyncUse, limit: float, headroom: float) -> Finding | None:
    stated = use.launch.expected if use.launch else None
    expected = stated.single if stated else number(variable(use.task, EXPECT_VARIABLE))
    if not expected or expected <= 0 or limit / expected >= headroom:
        return None
    times = math.floor(100 * limit / expected) / 100  # rounded down: what is too little must not look like enough
    return speak(
        RULE,
        use.task,
        f"The limit of {seconds_text(limit)} is {times:g} times the {seconds_text(expected)} that "
        f"async_reaper_expect states; {headroom:g} times leaves room for a slow run.",
        sub_tag="headroom",
        settings=use.settings,
        fix=fixes.limit.raised(analysis, use.task, use.launch, _round_up(expected * headroom)),
    )


def _measured(context: RuleContext, use: AsyncUse, limit: float, headroom: float) -> Finding | None:
    task = use.task
    if context.history is None:
        return None
    text = context.analysis.texts.get(task.path, "")
    known = context.history.for_launch(task.path, task.line, task.name or task.action, text)
    from ansible_reap.checks.evidence.measured import judge  # noqa: PLC0415 - few projects have measured run times

    verdict = judge(known, limit, headroom)
    if verdict is None:
        return None
    fix = fixes.limit.raised(context.analysis, task, use.launch, verdict.advice)
    return speak(RULE, task, verdict.message, sub_tag=verdict.sub_tag, settings=use.settings, fix=fix)


def _window(analysis: Analysis, reap: Reap, launches: list[Launch]) -> Iterator[Finding]:
    """The wait gives up while a job that it waits for may still be running within its limit."""
    longest = _longest(reap)
    if reap.kind is not ReapKind.WAIT or longest is None:
        return
    if all(constant(setting.ignore_errors) for setting in contexts(reap.task, reap.settings)):
        return  # its end is passed over on purpose: async-swallowed says so
    # A look itself takes time: a wait that lacks less than its looks take together may well be long enough.
    tries = (reap.retries.single if reap.retries else None) or 0
    lasts = LOOK * tries
    cut_short = [launch for launch in launches if launch.limit.known and _waits(launch) + lasts < _shortest(launch)]
    if not cut_short:
        return
    limit = max(map(_shortest, cut_short))
    known = [_stated(launch.task) for launch in cut_short]
    open_limit = any(is_open(launch.task, "async") for launch in cut_short)
    may_last = f"may run for {seconds_text(limit)}, its limit{_unless(open_limit)}"
    is_enough = all(each is not None and each.seconds + lasts <= longest for each in known)
    bound = _own_bound(cut_short, known)
    if bound is not None and longest >= with_room(bound):
        return  # the work has given up by itself before the wait does
    if all(each is not None and not each.is_bound and AMPLE * each.seconds <= longest for each in known):
        return  # the work has long been done by then
    if all(_MEANT.search(comment_on(analysis, launch.task, "async")) for launch in cut_short):
        return
    if bound is not None and not is_enough:
        may_last = f"may take up to {seconds_text(bound.seconds)} ({bound.source})"
        limit = min(limit, with_room(bound))
    delay = (reap.delay.single if reap.delay else None) or DEFAULT_DELAY
    retries = math.ceil((limit + FIX_MARGIN) / delay)
    widening = f"as long as the job may run, with 'retries: {retries}' and 'delay: {delay:g}'"
    needed = max((2 * each.seconds if each else math.inf for each in known), default=math.inf)
    lower = None if bound and not is_enough else _lower_limit(reap, needed)
    is_beyond = limit >= HOURS and limit >= FAR_BEYOND * longest
    fix = None if is_beyond and limit >= OUT_OF_SCALE * longest else fixes.window.widen(analysis, reap, limit)
    varies = reap.budget is not None and len(set(reap.budget.values)) > 1
    if lower and (is_enough or (is_beyond and fix is None)):
        takes = _takes(known[0]) if is_enough and known[0] else ""
        only_if = "" if is_enough else ", if the job never needs more"
        todo = f"{takes}{_lowering(cut_short, lower, varies=varies)}{only_if}, or wait {widening}."
        todo = todo[0].upper() + todo[1:]
    else:
        todo = f"Wait {widening}"
        todo += (
            f", or, if the job never needs that long, {_lowering(cut_short, lower, varies=varies)}." if lower else "."
        )
    ends = "fails this task and runs on"
    if conditions.always_false(reap.task.keywords.get("failed_when")):
        ends = "runs on, and this task, whose 'failed_when' never holds, passes all the same"
    elif _judges_for_itself(reap.task):
        ends = "goes on, and this task fails only where its 'failed_when' holds of a job that has not ended"
    is_minor = is_enough or is_beyond or longest >= NEARLY * limit
    yield speak(
        RULE,
        reap.task,
        f"The wait gives up{_on_each(reap.task)} after {_budget(reap, longest)}, but the job {may_last}: one that "
        f"still runs then {ends}. {todo}",
        sub_tag="window",
        severity=Level.LOW if is_minor else None,
        confidence=Level.MEDIUM if open_limit or is_open(reap.task, "retries", "delay") else Level.HIGH,
        related=[(each.task, f"the job's limit is {seconds_text(_shortest(each))}") for each in cut_short],
        settings=reap.settings,
        fix=fix,
    )


def _judges_for_itself(task: Task) -> bool:
    """Whether ``failed_when`` decides on a job that has not ended: it reads nothing that is only there at the end."""
    judged, register = task.keywords.get("failed_when"), task.keywords.get("register")
    if judged is None or constant(judged) is not None:
        return False
    if not isinstance(register, str):
        return True
    return not (conditions.needs_the_end(judged, register) or conditions.holds_until_the_end(judged, register))


def _own_bound(launches: list[Launch], known: Sequence[known_times.KnownTime | None]) -> known_times.KnownTime | None:
    """The longest time after which the work of each launch ends by itself, where that is before its limit."""
    found = [
        each
        for launch, each in zip(launches, known, strict=True)
        if each is not None
        and each.is_bound
        and each.seconds < _shortest(launch)
        and launch.task.module not in ("get_url", "uri")  # their timeout is that of one answer
    ]
    return max(found, key=lambda each: each.seconds) if found and len(found) == len(launches) else None


def _stated(task: Task) -> known_times.KnownTime | None:
    """The time that the task states for its work, also where that runs on another host by ssh."""
    return known_times.of(task) or known_times.over_ssh(task)


def _takes(known: known_times.KnownTime) -> str:
    return f"The work takes {'at most ' if known.is_bound else ''}{seconds_text(known.seconds)} ({known.source}): "


def _lower_limit(reap: Reap, needed: float) -> int | None:
    """A limit that the wait outlasts, in seconds: the other way to make the two agree.

    ``needed``: seconds that are plenty for the work, infinite where nothing is known of it.
    """
    if reap.budget is None or min(reap.delay.values if reap.delay else (0.0,)) < 1:
        return None
    lower = math.floor(min(reap.budget.values)) - FIX_MARGIN
    return lower if lower >= min(ENOUGH_FOR_SHORT_WORK, needed) else None


def _lowering(launches: list[Launch], lower: int | None, *, varies: bool) -> str:
    limits = "its limit" if len(launches) == 1 else "the limits of the launches"
    covers = "covers in each case" if varies else "covers"
    return f"lower {limits} to what the wait {covers} ('async: {lower}')"


def _on_each(task: Task) -> str:
    return "" if task.loop_keyword is None else " on each job"


def _budget(reap: Reap, longest: float) -> str:
    """How long the wait lasts, and of what that is made up."""
    retries, delay = (each.single if each else None for each in (reap.retries, reap.delay))
    is_open_wait = is_open(reap.task, "retries", "delay")
    if retries is None or delay is None:
        return f"at most {seconds_text(longest)}{_unless(is_open_wait)}"
    if delay < 1:
        return f"{_retries(retries)} with a delay of {delay:g} s{_unless(is_open_wait)}"
    default = "" if "retries" in reap.task.keywords else ", which is what 'until' has without 'retries'"
    return f"{seconds_text(longest)} ({_retries(retries)}, {delay:g} s apart{default}{_unless(is_open_wait)})"


def _retries(count: float) -> str:
    return f"{count:g} {'retry' if count == 1 else 'retries'}"


def _unless(is_open: bool) -> str:
    return ", unless set elsewhere" if is_open else ""


def _longest(reap: Reap) -> float | None:
    """How long the wait lasts at most, in seconds; None where it is not known.

    A look takes time too. Beside a delay of a second or more that hardly counts; where there is next to none it is all
    that counts, and how long it takes depends on the connection.
    """
    if reap.budget is None or not reap.budget.known:
        return None
    if reap.delay is None or min(reap.delay.values, default=0.0) >= 1:
        return max(reap.budget.values)
    return max(reap.budget.values) + max(reap.retries.values if reap.retries else (0.0,)) * SLOW_LOOK


def _shortest(launch: Launch) -> float:
    """The shortest limit under which jobs are started; 0 starts none."""
    return min((value for value in launch.limit.values if 0 < value < math.inf), default=0.0)


def _waits(launch: Launch) -> float:
    """How long all the waits for the launch's jobs last together; endless where one of them is not known."""
    budgets = map(_longest, launch.reaps)
    return sum(math.inf if budget is None else budget for budget in budgets)


def _round_up(value: float) -> float:
    from ansible_reap.history.estimate import round_up  # noqa: PLC0415 - only a finding needs it

    return round_up(value)


RULE = Rule(
    id="async-timeout",
    sub_tags=("ceiling", "headroom", "window", "interval"),
    severity=Level.MEDIUM,
    tags=("unpredictability",),
    summary="The limit or the wait does not suit the work",
    check=check,
    defaults={"headroom": DEFAULT_HEADROOM},
)
