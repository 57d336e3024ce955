"""Names of tests and filters: Ansible's own under whichever of their names, others as they are written."""

from __future__ import annotations

_ANSIBLES = ("ansible.builtin.", "ansible.legacy.")
_KNOWN = {"community.general.json_query": "json_query"}
"""The one filter of a collection whose meaning is known here."""
_SAME = {"d": "default", "count": "length", "version_compare": "version"}
"""Second names, in Jinja and in ansible-core 2.16 to 2.22."""


def short(name: str) -> str:
    """The name without Ansible's own namespace. That of another collection stays whole: it may do anything."""
    for prefix in _ANSIBLES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return _KNOWN.get(name, name)


def first_name(name: str) -> str:
    """The short name, and of two names for one test or filter the first."""
    known = short(name)
    return _SAME.get(known, known)
