"""The detach marker: where it may stand, and its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ansible_reap.jobs import DETACH_VARIABLE, Detachment
from ansible_reap.runtime.events.ansible_objects import Play, Task


def detachment(task: Task, play: Play, template: Callable[[object], object]) -> Detachment | None:
    """The nearest declaration around the task, its reason worked out by ``template``.

    It may stand in the ``vars:`` of the task, a block, include or import, of the role's entry, or of the play. Role
    defaults and vars, inventory, vars_files, set_fact and extra vars are not looked at: they would reach far beyond
    what their author meant. What ``template`` raises is raised.
    """
    found = written(task, play)
    if found is None:
        return None
    value = template(found.text) if found.is_template else found.text
    # A template with a condition or ``default(none)`` may well come to this.
    return Detachment("" if value is None or value is False else " ".join(str(value).split()))


class Marker(NamedTuple):
    """The reason as it stands in the playbook."""

    text: object

    @property
    def is_template(self) -> bool:
        text = str(self.text)
        return "{{" in text or "{%" in text


def written(task: Task, play: Play) -> Marker | None:
    """The nearest declaration around the task; None where there is none."""
    for variables in scopes(task, play):
        if DETACH_VARIABLE in variables:
            return Marker(variables[DETACH_VARIABLE])
    return None


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
