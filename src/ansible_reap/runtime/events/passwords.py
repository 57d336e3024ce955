"""The passwords with which a host is reached, so that none is written that a host repeats.

From ansible-core 2.22 on Ansible itself masks them. Nothing is evaluated: a password that takes more than the name of
another variable is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ansible.errors import AnsibleError
from ansible.executor.task_queue_manager import TaskQueueManager

from ansible_reap.runtime.events.ansible_objects import Variables
from ansible_reap.runtime.events.callers import caller
from ansible_reap.runtime.events.results import is_connection_variable

_SHORTEST = 3
"""Characters; what is shorter stands in any text."""
_FAR = 30
"""Calls between Ansible's event and us, at most."""
_REFERENCE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_DEEPEST = 5
_MASK = "********"


def passwords(variables: Variables) -> frozenset[str]:
    """The passwords among the variables of a host, and those typed in for the run."""
    return frozenset(_passwords(variables))


def masked(text: str, secrets: Collection[str]) -> str:
    """The text with each secret in it masked, the longest first: one may be a part of another."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, _MASK)
    return text


def is_password(name: str) -> bool:
    """Whether a variable of that name holds a password with which a host is reached."""
    return is_connection_variable(name) and "pass" in name


def _passwords(variables: Variables) -> Iterator[str]:
    for name in variables:
        if is_password(name):
            yield from _value(variables[name], variables)
    manager = caller(TaskQueueManager, _FAR)
    if manager is not None:
        yield from (value for value in manager.passwords.values() if isinstance(value, str))


def _value(value: object, variables: Variables) -> Iterator[str]:
    for _ in range(_DEEPEST):
        try:
            text = str(value)  # what is encrypted by itself is decrypted by this
        except AnsibleError:
            return
        found = _REFERENCE.fullmatch(text.strip())
        if found is None:
            if "{{" not in text:
                yield text
            return
        value = variables.get(found[1])
