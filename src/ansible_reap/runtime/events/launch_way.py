"""The way that a launch takes to its host: the connection variables that it starts with, wherever they were set.

A later look goes the same way, whatever the run has set since. Values are kept as they are, templates with what they
name; nothing is worked out here, and nothing of it is shown or written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible import constants
from ansible.inventory.host import Host as AnsiblesHost
from ansible.plugins.strategy import StrategyBase

from ansible_reap.runtime.events.ansible_objects import Host, Play, Task, Values, VariableManager, Variables
from ansible_reap.runtime.events.as_data import kind_of
from ansible_reap.runtime.events.callers import variable_of_caller
from ansible_reap.runtime.events.own_words import is_fact
from ansible_reap.runtime.events.results import is_connection_variable
from ansible_reap.runtime.tracking.info import Route

_FAR = 25
"""Calls between a strategy's start of a worker and us, at most."""
_NAME = re.compile(r"[A-Za-z_]\w*")
_ALL_NAMES = frozenset({"vars", "varnames", "template"})
"""Templates with one of these may name any variable by a text."""
_DEEPEST = 5
_SIMPLE = (str, int, float, bool)


def variables_at_start(task: Task, play: Play, host: Host) -> Variables:
    """What the worker that is about to start gets; to be asked in ``v2_runner_on_start``."""
    found = variable_of_caller(StrategyBase, "task_vars", _FAR)
    return found if isinstance(found, Mapping) else variables_for(task, play, host)


def variables_for(task: Task, play: Play, host: Host) -> Variables:
    """The variables of a task for a host, as they are now."""
    return play.get_variable_manager().get_vars(play=play, host=host, task=task)


def host_named(name: str, manager: VariableManager) -> Host:
    """The host that Ansible takes for the name in ``delegate_to``: one outside of the inventory is made up."""
    inventory = manager._inventory  # noqa: SLF001 - how else to find a host by name
    found = inventory.get_host(name)
    if found is None:
        every = inventory.get_hosts(ignore_limits=True, ignore_restrictions=True)
        found = next((host for host in every if host.address == name), None)
    return found or AnsiblesHost(name=name)


def route_of(variables: Variables, reached: Host, launcher: Host) -> Route:
    """The way to the host ``reached`` for a task of the host ``launcher``, by the variables that its connection has."""
    taken = {name: value for name, value in variables.items() if _says_how(name, value, variables)}
    # A fact of such a name would lead to whichever host it names.
    named = {**variables, **reached.get_magic_vars(), "inventory_hostname": launcher.get_name()}
    return Route(taken, _named_by(taken, named))


class Routes:
    """Routes by what they hold: tasks that go one way share it, and with it a connection."""

    def __init__(self) -> None:
        self._known: dict[object, Route] = {}

    def same(self, route: Route, host: str) -> Route:
        """The route to the host, as it was told before if it was."""
        return self._known.setdefault((host, _marks(route.variables), _marks(route.known)), route)


def _marks(values: Variables) -> frozenset[tuple[str, object]]:
    # Whatever has no mark but its identity is kept by its route.
    return frozenset(
        (name, (kind_of(value), value) if isinstance(value, _SIMPLE) else id(value)) for name, value in values.items()
    )


def _says_how(name: str, value: object, variables: Variables) -> bool:
    """Whether it may be an option of a connection; plugins of collections have names of their own for theirs."""
    if is_connection_variable(name):
        return True
    return (
        name.startswith("ansible_")
        and name not in constants.INTERNAL_STATIC_VARS
        and not isinstance(value, Mapping | list | tuple | set)
        and not is_fact(name, variables)
    )


def is_template(value: object) -> bool:
    """Whether it may be one: some texts are data whatever they hold."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _named_by(values: Variables, variables: Variables) -> Values:
    """The variables that templates among the values name, themselves or by way of others."""
    found: Values = {}
    left = list(values.values())
    while left:
        for text in _templates(left.pop(), _DEEPEST):
            names = set(_NAME.findall(text))
            if names & _ALL_NAMES:
                return dict(variables)
            new = {name: variables[name] for name in names if name in variables and name not in found}
            found.update(new)
            left += new.values()
    return found


def _templates(value: object, depth: int) -> Iterator[str]:
    if is_template(value):
        yield str(value)
    elif depth and isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _templates(part, depth - 1)
