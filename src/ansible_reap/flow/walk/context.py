"""What every task brings along: its variables, its loop's item, where and as whom it runs, what it registers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Setting
from ansible_reap.flow.evaluation.values import UNKNOWN, Value, handles
from ansible_reap.flow.walk.loops import index_variable, loop_variable
from ansible_reap.flow.walk.state import Frame

if TYPE_CHECKING:
    from ansible_reap.flow.walk.walk import Walk


def setting_of(step: Task, frame: Frame, async_dir: str | None) -> Setting:
    """Where, as whom and under what the task runs here."""

    def seen(keyword: str) -> Any:
        return step.keywords.get(keyword, frame.keywords.get(keyword))

    delegate = seen("delegate_to")
    become_user = seen("become_user")
    return Setting(
        via=(*frame.via, str(step.place)),
        playbook=frame.playbook,
        play=frame.play,
        hosts=frame.hosts,
        become=seen("become"),
        become_user=None if become_user is None else str(become_user),
        delegate_to=None if delegate is None else str(delegate),
        run_once=seen("run_once"),
        check_mode=seen("check_mode"),
        ignore_errors=seen("ignore_errors"),
        async_dir=async_dir,
    )


def own_vars(step: Task) -> dict[str, Any]:
    given = step.keywords.get("vars")
    return {str(key): value for key, value in given.items()} if isinstance(given, dict) else {}


def async_dir_of(step: Task, frame: Frame) -> str | None:
    """The ``ansible_async_dir`` that some ``vars:`` around the task sets."""
    for given in (own_vars(step), *frame.declared):
        if "ansible_async_dir" in given:
            return str(given["ansible_async_dir"])
    return None


def set_register(walk: Walk, step: Task, name: object, value: Value) -> None:
    """Assign a register; jobs that only it knew are lost with what it held."""
    if not isinstance(name, str):
        return
    lost = handles(walk.state.facts.get(name)) - handles(value)
    walk.state.facts[name] = value
    if lost:
        for number in lost.difference(*(handles(walk.state.facts[other]) for other in walk.state.facts.tainted())):
            walk.record.instances[number].overwritten = step


def bound(step: Task, item: Value) -> dict[str, Any]:
    """The variables of one round of the task's loop."""
    names: dict[str, Any] = {loop_variable(step): item}
    index = index_variable(step)
    if index is not None:
        names[index] = UNKNOWN
    return names
