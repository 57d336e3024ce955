"""Whether one play runs on all hosts of another: as far as their ``hosts:`` patterns tell, without any inventory."""

from __future__ import annotations

from enum import Enum

from ansible_reap.late_patterns import expression

CONTROLLER = frozenset({"localhost", "127.0.0.1", "::1"})
OF_HOSTS = ("inventory_hostname", "group", "ansible_play", "play_hosts")
"""What a condition that picks hosts speaks of."""
_EVERY = frozenset({"all", "*"})
_PART = expression(r"(?:[^,\s:\[]|\[[^\[\],\s]*\]?)+")
"""What stands between colons, commas and blanks; a colon in brackets parts nothing."""
_SUBSCRIPT = expression(r"(.+)\[-?\d*(?:[:-]-?\d*)?\]$")


class HostOverlap(Enum):
    """What part of the hosts of one play another play runs on."""

    ALL = "all"
    SOME = "some"
    UNCLEAR = "unclear"


def overlap(of: str | None, by: str | None) -> HostOverlap:
    """What part of the hosts that the pattern ``of`` names the pattern ``by`` names too."""
    if of is None or by is None or of == by:
        return HostOverlap.ALL
    if "{" in of + by or "~" in of + by:
        return HostOverlap.UNCLEAR
    wanted, limits = _parts(of)
    found, narrower = _parts(by)
    is_narrowed = not narrower <= limits
    if found & _EVERY or wanted <= found:
        return HostOverlap.SOME if is_narrowed else HostOverlap.ALL
    whole = {match.group(1) for name in found if (match := _SUBSCRIPT.match(name))}
    if wanted & _EVERY or (found - _indexed(found)) | whole <= wanted:
        return HostOverlap.SOME
    return HostOverlap.UNCLEAR


def _indexed(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in names if _SUBSCRIPT.match(name))


def _parts(pattern: str) -> tuple[frozenset[str], frozenset[str]]:
    """The groups and hosts that a pattern adds up, and those that it takes out (``!``) or asks for besides (``&``)."""
    names = _PART.findall(pattern) if pattern not in CONTROLLER else [pattern]
    added = {"localhost" if name in CONTROLLER else name for name in names if name[0] not in "!&"}
    return frozenset(added), frozenset(name for name in names if name[0] in "!&")
