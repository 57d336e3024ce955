"""Which variables of a host are its own words: a fact beats what the inventory says, whatever its name is.

Ansible takes from what a host reports only the names by which plugins are set up, so ``inventory_hostname`` may be a
fact as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_reap.runtime.events.ansible_objects import Host, Values, Variables

_FACTS = "ansible_facts"


def is_fact(name: str, variables: Variables) -> bool:
    """Whether the host has a say in the variable."""
    facts = variables.get(_FACTS)
    return isinstance(facts, Mapping) and (name in facts or name.removeprefix("ansible_") in facts)


def without_facts(variables: Variables, host: Host) -> Values:
    """The variables in which the host has no say, and its name and groups as the inventory has them."""
    kept = {name: value for name, value in variables.items() if name != _FACTS and not is_fact(name, variables)}
    return {**kept, **host.get_magic_vars()}
