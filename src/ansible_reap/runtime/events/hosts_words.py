"""Whether what a task runs may hold words of hosts: of facts, of results that were registered, of ``hostvars``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_reap.records import dataclass
from ansible_reap.runtime.events.ansible_objects import Host, Play, Task
from ansible_reap.runtime.events.own_words import is_fact

_NAME = re.compile(r"[A-Za-z_]\w*")
_OF_HOSTS = frozenset({"hostvars", "ansible_facts", "ansible_local", "vars"})
"""Variables that hold what hosts have said; with the last any other can be had."""
_MOST_NAMES = 500


@dataclass(frozen=True, slots=True)
class Written:
    """A task's arguments before any template in them was filled in, and what it loops over."""

    arguments: Mapping[str, object]
    loop: str


def written_of(task: Task) -> Written:
    """The task as the playbook has it; to be called before it runs."""
    return Written(dict(task.args), f"{task.loop!r}")


def hosts_have_a_say(written: Written, task: Task, play: Play, host: Host) -> bool:
    """Whether a template there may have been filled in by a host, by way of other variables too."""
    text = repr(dict(written.arguments))
    if "{{" not in text and "{%" not in text:
        return False
    manager = play.get_variable_manager()
    variables = manager.get_vars(play=play, host=host, task=task)
    said = manager._nonpersistent_fact_cache.get(host.get_name(), {})  # noqa: SLF001 - no other way
    wanted, seen = _names(text) | _names(written.loop), set[str]()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        if name in _OF_HOSTS or name in said or is_fact(name, variables) or len(seen) > _MOST_NAMES:
            return True
        value = variables.get(name)
        if isinstance(value, str | list | tuple | Mapping) and "{" in (inner := repr(value)):
            wanted |= _names(inner) - seen
    return False


def _names(text: str) -> set[str]:
    return set(_NAME.findall(text))
