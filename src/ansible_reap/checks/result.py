"""async-result: a launch's own result taken for the job's."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import lru_cache

from ansible_reap.checks import fixes, meant
from ansible_reap.checks.evidence import conditions, launch_results
from ansible_reap.checks.evidence.neighbours import has_word, tasks_naming
from ansible_reap.checks.evidence.project_files import tasks_in
from ansible_reap.checks.finding import Finding, Level, Rule, RuleContext
from ansible_reap.checks.support import as_written, constant, contexts, listed, speak
from ansible_reap.content.expressions import is_template
from ansible_reap.content.model import Task, as_list
from ansible_reap.flow.analysis import Analysis, Launch, Reap, ReapKind
from ansible_reap.flow.walk.calls import TASK_CALLS
from ansible_reap.jobs import OF_ENDED, Verdict
from ansible_reap.late_patterns import expression

_WORD = expression(r"\w+")
MAX_KEPT = 64
"""Files whose tasks that run handlers are remembered."""


def check(context: RuleContext) -> Iterator[Finding]:
    for launch in context.analysis.launches:
        # What is called reaped without any reap waits for its job itself, or never runs.
        if not launch.is_never_polled or (launch.verdict is Verdict.REAPED and not launch.reaps):
            continue
        has_output = 0 in launch.limit.values  # it runs in the foreground then
        for find in (_notify, _ignored) if has_output else (_condition, _register, _notify, _ignored):
            finding = find(context.analysis, launch)
            if finding:
                yield finding
    for reap in context.analysis.reaps:
        if reap.never_holds:
            yield from _until(context.analysis, reap)


def keeps_from_its_wait(launch: Launch) -> bool:
    """Whether the finding for this launch also says that its wait is not reached, as it fails at once itself."""
    is_asked = launch.is_never_polled and 0 not in launch.limit.values
    return is_asked and launch.cut_off_by is launch.task and bool(_needing_the_end(launch))


def _needing_the_end(launch: Launch) -> list[tuple[str, str]]:
    """The launch's own conditions that read what only an ended job has, each with what it reads."""
    register, keywords = launch.register, launch.task.keywords
    return [
        (keyword, attribute)
        for keyword in ("failed_when", "changed_when")
        for attribute in (conditions.needs_the_end(keywords.get(keyword), register) if register else ())
    ]


def _condition(analysis: Analysis, launch: Launch) -> Finding | None:
    """``failed_when`` and ``changed_when`` are judged when the job has been started, not when it has ended."""
    found = _needing_the_end(launch)
    if not found:
        return None
    keyword, attribute = found[0]
    waits = launch.reaps or tuple(look for look in launch.looks if look.kind is ReapKind.WAIT)
    unreached = ", and the wait is not reached" if keeps_from_its_wait(launch) else ""
    there = f"the wait ({waits[0].task.place})" if waits else "an async_status task that waits for the job"
    return speak(
        RULE,
        launch.task,
        f"'{keyword}' is judged as soon as the job has been started, and reads {launch.register}.{attribute}, which "
        f"only the result of a job that has ended holds: this task fails while the job runs on{unreached}. Move the "
        f"condition to {there}.",
        sub_tag="condition",
        severity=None if constant(launch.task.inherited("ignore_errors")) is True else Level.MEDIUM,
        related=[(wait.task, "judge the job here") for wait in waits],
        settings=launch.settings,
        fix=fixes.keywords.drop(analysis, launch.task, *dict.fromkeys(key for key, _ in found), is_safe=False),
    )


def _until(analysis: Analysis, wait: Reap) -> Iterator[Finding]:
    """A wait whose ``until`` asks what the launch has registered, in place of what the wait itself does."""
    until, own = wait.task.keywords.get("until"), wait.task.keywords.get("register")
    if isinstance(own, str) and conditions.mentions(until, own):
        return
    launches = [each for each in analysis.launches if wait in each.reaps and each.register]
    asked = [each for each in launches if conditions.mentions(until, str(each.register))]
    if not asked:
        return
    todo = (
        f"Ask its own result: 'until: {own} is finished'."
        if isinstance(own, str)
        else "Register its own, and ask that."
    )
    text = {"until": f"{own} is finished"}
    yield speak(
        RULE,
        wait.task,
        f"'until' ({as_written(until)}) asks what the launch has registered in '{asked[0].register}', which stays as "
        f"it was when the job was started: this task asks until it has no retries left, and then fails, however the "
        f"job ends. {todo}",
        sub_tag="condition",
        severity=Level.MEDIUM,
        related=[(each.task, "launched here") for each in asked],
        settings=wait.settings,
        fix=fixes.keywords.put(analysis, wait.task, text, "ask the wait's own result")
        if isinstance(own, str)
        else None,
    )


def _register(analysis: Analysis, launch: Launch) -> Finding | None:
    """A later task reads output from what the launch has registered."""
    register = launch.register
    if register is None:
        return None
    for other, name_of in (*_reading_here(analysis, launch, register), *launch.read_by):
        if launch_results.keeps_from(other, name_of, is_changed=launch.is_changed):
            continue
        found = [name for name in OF_ENDED if conditions.reads_bare_anywhere(_written(analysis, other), name_of, name)]
        if found:
            result = launch.reaps[0].task.keywords.get("register") if launch.reaps else None
            instead = f", as {result}.{found[0]}" if isinstance(result, str) and not launch.is_looped else ""
            names = listed(f"{name_of}.{name}" for name in found)
            names += f" of {register}.results" if launch.is_looped else ""
            names += "" if launch.is_looped or name_of == register else f", which is {register}"
            return speak(
                RULE,
                launch.task,
                f"{other.place} reads {names}, but a launch registers the job's id and no output: that task fails. "
                f"Read it from the result of the task that waits for the job{instead}.",
                sub_tag="register",
                related=[(other, "reads the output that is not there")],
                settings=launch.settings,
            )
    return None


def _reading_here(analysis: Analysis, launch: Launch, register: str) -> Iterator[tuple[Task, str]]:
    """The later tasks of the file that may read such output, each with the name by which it does."""
    for other in _readers(analysis, launch.task, register):
        name_of = _one_result(other, register) if launch.is_looped else register
        if name_of is not None and has_word(analysis, other, OF_ENDED):
            yield other, name_of


def _one_result(task: Task, register: str) -> str | None:
    """The variable that holds one result of a looped launch in each round of the task's loop."""
    loop = task.keywords.get(task.loop_keyword or "")
    is_over_results = isinstance(loop, str) and "".join(loop.split()) == f"{{{{{register}.results}}}}"
    return task.loop_variable if is_over_results else None


def _readers(analysis: Analysis, task: Task, register: str) -> Iterator[Task]:
    """The later tasks of the play in the same file, up to the first that registers the name anew."""
    play = next((block.place for block in task.enclosing() if block.is_play), None)
    for other in tasks_naming(analysis, task.path, register, task.end_line):
        if other.module == "block":
            continue
        if next((block.place for block in other.enclosing() if block.is_play), None) != play:
            return
        own = other.keywords.get("register")
        if own != register or "until" not in other.keywords:
            yield other  # what 'until' reads under this name is the other task's own result
        if own == register or (other.short_name == "set_fact" and register in other.args):
            return


def _written(analysis: Analysis, task: Task) -> list[object]:
    """All that a task reads before it runs: its own conditions on its result are not part of that.

    Nor is a variable that nobody asks for: it is not worked out then (ansible-core 2.16 and 2.22).
    """
    own = ("until", "failed_when", "changed_when") if task.keywords.get("register") else ()
    read: list[object] = [task.args, {key: value for key, value in task.keywords.items() if key not in (*own, "vars")}]
    called, left = list(_called(analysis, task)), dict(task.vars)
    while True:
        words = set(_WORD.findall(f"{read} {called}"))
        named = {name: left.pop(name) for name in tuple(left) if name in words}
        if not named:
            return read
        read.append(named)


def _called(analysis: Analysis, task: Task) -> Iterator[object]:
    """What the tasks of the file hold that the task includes or imports, where its name stands there."""
    name = task.args.get("file", task.args.get("_raw_params"))
    if task.module in TASK_CALLS and isinstance(name, str) and not is_template(name):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(task.path), name))
        for step in tasks_in(analysis.root, path)[0]:
            yield step.args
            yield step.keywords


def _notify(analysis: Analysis, launch: Launch) -> Finding | None:
    """A handler that a launch notifies runs while the job may still be at work."""
    names = launch.task.keywords.get("notify")
    if not names or not launch.is_changed or not launch.runs_handlers or _notifies_its_wait(launch, as_list(names)):
        return None
    if launch.verdict not in (Verdict.UNREAPED, Verdict.PARTIAL, Verdict.REAPED) or meant.is_daemon(analysis, launch):
        return None
    flush = _flush_before_the_wait(analysis, launch)
    if launch.verdict is not Verdict.UNREAPED and flush is None:
        return None
    told = listed(f"'{name}'" for name in as_list(names))
    notifies_too = bool(launch.reaps) and all("notify" in wait.task.keywords for wait in launch.reaps)
    always = "The launch" if "changed_when" in launch.task.keywords else "A launch always"
    when = f"at the flush in {flush.place}" if flush else "with the play's handlers"
    return speak(
        RULE,
        launch.task,
        f"{always} counts as changed, so it notifies {told} as soon as the job has been started: the handler "
        f"runs {when}, whether or not the work is done. Notify from the task that waits for the job.",
        sub_tag="notify",
        related=[(flush, "runs the handlers before the job has ended")] if flush else (),
        settings=launch.settings,
        fix=fixes.keywords.drop(analysis, launch.task, "notify", is_safe=False) if notifies_too else None,
    )


def _notifies_its_wait(launch: Launch, names: list[object]) -> bool:
    """Whether a handler that it notifies is the one that waits: it runs then, and the others before or after it."""
    waits = [reap.task for reap in (*launch.reaps, *launch.looks) if reap.task.is_handler]
    heard = [topic for task in waits for topic in (task.name, *as_list(task.keywords.get("listen")))]
    return any(name in heard for name in names)


def _flush_before_the_wait(analysis: Analysis, launch: Launch) -> Task | None:
    """``meta: flush_handlers`` between the launch and the first wait in its file."""
    waits = [wait.task.line for wait in launch.reaps if wait.task.path == launch.task.path]
    if launch.reaps and not waits:
        return None
    for other in _flushes(analysis.steps.get(launch.task.path, ())):
        if launch.task.end_line < other.line < min(waits, default=other.line + 1):
            return other
    return None


@lru_cache(maxsize=MAX_KEPT)
def _flushes(steps: tuple[Task, ...]) -> list[Task]:
    """The tasks of a file that run the notified handlers."""
    metas = [step for step in steps if step.module == "meta"]
    return [step for step in metas if "flush_handlers" in str(step.args.get("_raw_params", ""))]


def _ignored(analysis: Analysis, launch: Launch) -> Finding | None:
    """``ignore_errors`` on a launch whose wait fails the play all the same."""
    ignored = launch.task.keywords.get("ignore_errors")
    if constant(ignored) is not True or launch.verdict is not Verdict.REAPED or not launch.reaps:
        return None
    judged = launch.task.keywords.get("failed_when")
    if "until" in launch.task.keywords or (
        judged is not None and not conditions.needs_the_end(judged, launch.register or "")
    ):
        return None  # the launch itself may count as failed, and that is passed over
    if any(_bears(reap.task, contexts(reap.task, reap.settings)[0].ignore_errors) for reap in launch.reaps):
        return None
    wait = launch.reaps[0].task
    return speak(
        RULE,
        launch.task,
        f"ignore_errors covers the start of the job only: when the job itself fails, the wait ({wait.place}) fails and "
        f"the play with it. Take it out here, or put it on the wait if a failed job is to be passed over.",
        sub_tag="ignored",
        related=[(wait, "fails when the job has failed")],
        settings=launch.settings,
        fix=fixes.keywords.drop(analysis, launch.task, "ignore_errors", is_safe=False),
    )


def _bears(wait: Task, ignore_errors: object) -> bool:
    """Whether the wait itself ignores a failure, or may ignore it."""
    return (constant(ignore_errors) is not False and ignore_errors is not None) or "failed_when" in wait.keywords


RULE = Rule(
    id="async-result",
    sub_tags=("condition", "register", "notify", "ignored"),
    severity=Level.LOW,
    tags=("unpredictability",),
    summary="A launch's own result taken for the job's",
    check=check,
)
