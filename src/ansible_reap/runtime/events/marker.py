"""The detach marker: where it may stand, and its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ansible_reap.jobs import DETACH_VARIABLE, Detachment
from ansible_reap.runtime.events.ansible_objects import Play, Task

_MISSING = object()


def detachment(task: Task, play: Play, template: Callable[[object], object]) -> Detachment | None:
    """The nearest declaration around the task, its reason templated where that works, else as written.

    It may stand in the ``vars:`` of the task, a block, include or import, of the role's entry, or of the play. Role
    defaults and vars, inventory, vars_files, set_fact and extra vars are not looked at: they would reach far beyond
    what their author meant.
    """
    written = _find(task, play)
    if written is _MISSING:
        return None
    text = "" if written is None else str(written)
    if "{{" in text or "{%" in text:
        try:
            text = str(template(written))
        except Exception:  # noqa: BLE001 - whatever a template of the user's raises, the reason stands as written
            text = str(written)
    return Detachment(" ".join(text.split()))


def _find(task: Task, play: Play) -> object:
    for variables in scopes(task, play):
        if DETACH_VARIABLE in variables:
            return variables[DETACH_VARIABLE]
    return _MISSING


def scopes(task: Task, play: Play) -> list[Mapping[str, object]]:
    """The variables set in the playbook itself around a task, nearest first."""
    scopes: list[Mapping[str, object]] = [task.get_vars()]
    role = getattr(task, "_role", None)
    if role is not None:
        # A role's own vars: files are kept apart from what its entry in roles: or dependencies: says.
        for entry in (role, *reversed(task.get_dep_chain() or [])):
            scopes.append(getattr(entry, "vars", None) or {})
            scopes.append(getattr(entry, "_role_params", None) or {})
    scopes.append(play.vars or {})
    return scopes
