"""Whether one play runs on all hosts of another: as far as their ``hosts:`` patterns tell, without any inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from ansible_reap.content import expressions
from ansible_reap.content.host_groups import HostGroups
from ansible_reap.content.model import Place
from ansible_reap.flow.evaluation.host_sets import HostSet
from ansible_reap.jobs import CONTROLLER
from ansible_reap.late_patterns import expression

OF_PLAY = ("ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all", "play_hosts")
"""Variables that hold the hosts of the play (ansible-core 2.16 to 2.22)."""
OF_HOSTS = ("inventory_hostname", "group", "ansible_play", "play_hosts")
"""What a condition that picks hosts speaks of."""
_EVERY = frozenset({"all", "*"})
_PART = expression(r"(?:[^,\s:\[]|\[[^\[\],\s]*\]?)+")
"""What stands between colons, commas and blanks; a colon in brackets parts nothing."""
_SUBSCRIPT = expression(r"(.+)\[-?\d*(?:[:-]-?\d*)?\]$")


class PlayHosts(NamedTuple):
    """A play, and the hosts that it runs on."""

    play: Place
    pattern: str
    """As written."""
    given: tuple[tuple[str, str], ...] = ()
    """What the play itself says of the variables in it, as written: another play may say something else."""


class HostOverlap(Enum):
    """What part of the hosts of one play another play runs on."""

    ALL = "all"
    SOME = "some"
    UNCLEAR = "unclear"


def given_by_the_play(pattern: str, variables: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """What the play's own variables, those that win first, say of the names in the pattern and of those in turn."""
    found: dict[str, str] = {}
    waiting = list(expressions.names_in(pattern))
    while waiting:
        name = waiting.pop()
        raw = next((given[name] for given in variables if name in given), None)
        if raw is not None and name not in found:
            found[name] = repr(raw)
            waiting += expressions.names_in(raw)
    return tuple(sorted(found.items()))


def overlap(of: PlayHosts | None, by: PlayHosts | None) -> HostOverlap:
    """What part of the hosts of the play ``of`` the play ``by`` runs on too."""
    if of is None or by is None or of == by:
        return HostOverlap.ALL
    if of.pattern == by.pattern and of.given == by.given:
        return HostOverlap.ALL
    patterns = of.pattern + by.pattern
    if "{" in patterns or "~" in patterns:
        return HostOverlap.UNCLEAR
    wanted, limits = _parts(of.pattern)
    found, narrower = _parts(by.pattern)
    is_narrowed = not narrower <= limits
    if found & _EVERY or wanted <= found:
        return HostOverlap.SOME if is_narrowed else HostOverlap.ALL
    whole = {match.group(1) for name in found if (match := _SUBSCRIPT.match(name))}
    if wanted & _EVERY or (found - _indexed(found)) | whole <= wanted:
        return HostOverlap.SOME
    return HostOverlap.UNCLEAR


def by_inventories(found: HostOverlap, of: PlayHosts | None, by: PlayHosts | None, groups: HostGroups) -> HostOverlap:
    """The same where the patterns alone do not tell that it is all: by what every inventory of the project says."""
    if found is HostOverlap.ALL or of is None or by is None:
        return found
    told = {_of_sets(*pair) for pair in groups.pairs(of.pattern, by.pattern)}
    return told.pop() if len(told) == 1 else found


def _of_sets(wanted: frozenset[str], found: frozenset[str]) -> HostOverlap:
    if wanted <= found:
        return HostOverlap.ALL
    return HostOverlap.UNCLEAR if wanted.isdisjoint(found) else HostOverlap.SOME


def reached(of: PlayHosts | None, read: HostSet, given: tuple[tuple[str, str], ...]) -> HostOverlap:
    """What part of the hosts of the play ``of`` these are, of whose variables the play itself says this."""
    if of is None or of.pattern in CONTROLLER:
        return HostOverlap.ALL
    if read.lacks is None or not read.pattern:
        return HostOverlap.UNCLEAR
    is_every = not _EVERY.isdisjoint(read.patterns)
    covers = is_every or (_plain(read.written) == _plain(of.pattern) and of.given == given)
    found = overlap(of, PlayHosts(of.play, read.pattern, given))
    if not read.lacks:
        if covers or found is HostOverlap.ALL:
            return HostOverlap.ALL
        less = read.pattern.removeprefix(of.pattern)
        is_less = less != read.pattern and less[:2] in (":!", ",!") and less[2:] not in CONTROLLER
        return found if is_less or not read.patterns else HostOverlap.UNCLEAR
    is_same = (covers and not is_every) or (of.pattern == read.pattern and ("{" not in of.pattern or of.given == given))
    is_fewer = is_same or (of.pattern in _EVERY and "{" not in read.pattern)
    return HostOverlap.SOME if is_fewer else HostOverlap.UNCLEAR


def _plain(pattern: str) -> str:
    return "".join(pattern.split())


def _indexed(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in names if _SUBSCRIPT.match(name))


def _parts(pattern: str) -> tuple[frozenset[str], frozenset[str]]:
    """The groups and hosts that a pattern adds up, and those that it takes out (``!``) or asks for besides (``&``)."""
    names = _PART.findall(pattern) if pattern not in CONTROLLER else [pattern]
    added = {"localhost" if name in CONTROLLER else name for name in names if name[0] not in "!&"}
    return frozenset(added), frozenset(name for name in names if name[0] in "!&")
