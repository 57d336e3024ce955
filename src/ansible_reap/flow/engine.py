"""One look at a project: files in, an immutable Analysis out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_reap.content import expressions
from ansible_reap.content.model import Task
from ansible_reap.content.project import Project
from ansible_reap.content.source import SourceError, check, compose, without_statements
from ansible_reap.content.tasks import Content, read_content
from ansible_reap.disconnects import cuts_connection
from ansible_reap.flow.analysis import Analysis, AsyncUse, Launch, Quantity, ReadError, Reap, ReapKind
from ansible_reap.jobs import DETACH_VARIABLE, Detachment, Verdict
from ansible_reap.timing import DEFAULT_DELAY, DEFAULT_RETRIES


def analyse(root: Path) -> Analysis:
    """Every launch and reap of the project below ``root``, each launch with its verdict. Never raises for content."""
    project = Project(root)
    errors = [ReadError(path, 1, f"cannot be read: {message}") for path, message in project.unreadable]
    launches: list[Launch] = []
    reaps: list[Reap] = []
    uses: list[AsyncUse] = []
    texts: dict[str, str] = {}
    for path in project.yaml:
        try:
            data = project.read(path)
            if b"async" not in data and b"poll" not in data:
                check(data)
                continue
            try:
                node = compose(data)
            except SourceError:
                node = compose(without_statements(data))
        except SourceError as error:
            errors.append(ReadError(path, error.line, error.message))
            continue
        found = _single_file(read_content(path, node, handlers=path.split("/")[-2:-1] == ["handlers"]))
        if found[0] or found[1] or found[2]:
            texts[path] = data.decode("utf-8", "replace")
        launches += found[0]
        reaps += found[1]
        uses += found[2]
    return Analysis(
        root=str(root),
        launches=tuple(launches),
        reaps=tuple(reaps),
        uses=tuple(uses),
        errors=tuple(sorted(errors, key=lambda error: (error.path, error.line))),
        files=len(project.yaml),
        texts=texts,
    )


def _quantity(value: Any, default: float | None = None) -> Quantity:
    if value is None and default is not None:
        return Quantity(frozenset({default}), False, "")
    try:
        return Quantity(frozenset({float(value)}), False, str(value))
    except (TypeError, ValueError):
        return Quantity(frozenset(), True, str(value))


def _single_file(content: Content) -> tuple[list[Launch], list[Reap], list[AsyncUse]]:
    tasks = [step if isinstance(step, Task) else step.as_task() for step in content.steps()]
    reaps = [_reap(task) for task in tasks if task.module.rsplit(".", 1)[-1] == "async_status"]
    launches: list[Launch] = []
    uses: list[AsyncUse] = []
    for task in tasks:
        if "async" not in task.keywords and "poll" not in task.keywords:
            continue
        limit, poll = _quantity(task.keywords.get("async"), 0), _quantity(task.keywords.get("poll"), 15)
        launch = None
        runs = task.module != "block" and not task.module.startswith(("import_", "include_"))
        if runs and 0 in poll.values and (limit.is_open or any(value > 0 for value in limit.values)):
            launch = _launch(task, limit, poll, reaps)
            launches.append(launch)
        uses.append(AsyncUse(task, limit, poll, launch=launch))
    return launches, reaps, uses


def _reap(task: Task) -> Reap:
    if task.args.get("mode") == "cleanup":
        return Reap(task, ReapKind.CLEANUP)
    if "until" not in task.keywords:
        return Reap(task, ReapKind.PEEK)
    retries, delay = (
        _quantity(task.keywords.get("retries"), DEFAULT_RETRIES),
        _quantity(task.keywords.get("delay"), DEFAULT_DELAY),
    )
    budget = frozenset(a * b for a in retries.values for b in delay.values)
    return Reap(task, ReapKind.WAIT, retries, delay, Quantity(budget, retries.is_open or delay.is_open, ""))


def _launch(task: Task, limit: Quantity, poll: Quantity, reaps: list[Reap]) -> Launch:
    register = task.keywords.get("register")
    looped = "loop" in task.keywords or any(key.startswith("with_") for key in task.keywords)
    mentions = [
        reap
        for reap in reaps
        if reap.task.line > task.line
        and register
        in expressions.names_in(
            [
                reap.task.args,
                reap.task.keywords.get("loop"),
                [v for k, v in reap.task.keywords.items() if k.startswith("with_")],
            ]
        )
    ]
    waits = tuple(reap for reap in mentions if reap.kind is ReapKind.WAIT)
    looks = tuple(reap for reap in mentions if reap.kind is not ReapKind.WAIT)
    reason = (
        (task.keywords.get("vars") or {}).get(DETACH_VARIABLE) if isinstance(task.keywords.get("vars"), dict) else None
    )
    detached = Detachment(str(reason)) if reason is not None else None
    tag: str | None = None
    verdict, text = Verdict.REAPED, ""
    if not waits:
        verdict = Verdict.UNREAPED
        if detached is not None and detached.is_valid:
            verdict = Verdict.DETACHED
        elif cuts_connection(task.module, task.args, task.name):
            verdict = Verdict.REBOOT
        elif detached is not None:
            tag, text = "reason", "The launch is declared detached, but its reason is empty."
        elif looks:
            tag, text = "peek", "The job is looked at, but nothing waits until it has finished."
        elif register is None:
            tag, text = "unregistered", "The result is not registered, so no task can ask for the job again."
        else:
            tag, text = "never", f"Nothing waits for the job that {register} names."
    return Launch(
        task=task,
        limit=limit,
        poll=poll,
        register=register,
        is_looped=looped,
        verdict=verdict,
        sub_tag=tag,
        explanation=text,
        reaps=waits,
        looks=looks,
        detached=detached,
    )
