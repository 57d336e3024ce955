"""Hosts that an expression stands for, in the words of a play's ``hosts:``: whose ``hostvars`` are read by it."""

from __future__ import annotations

from ansible_reap.jobs import CONTROLLER
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass, replace

_NAME = expression(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class HostSet:
    """Some hosts: those of groups, and hosts by name."""

    patterns: tuple[str, ...] = ()
    """Groups, and what else a play's ``hosts:`` may be."""
    names: tuple[str, ...] = ()
    """Hosts that are written out."""
    lacks: bool | None = False
    """Whether some of these hosts are left out; None where that is not known."""
    is_play: bool = False
    """They are those of the play itself."""
    is_first: bool = False
    """It is the first host of the play."""
    written: str = ""
    """The template that they come of, where it is but a variable: another play may bear it as its ``hosts:``."""
    is_in_order: bool = True
    """Whether they stand in the order in which a play has them."""

    @property
    def pattern(self) -> str:
        """All as one pattern."""
        return ",".join((*self.patterns, *self.names))


NOT_KNOWN = HostSet(lacks=None)
FIRST = HostSet(is_first=True)


def named(name: str) -> HostSet:
    """The host of this name."""
    return HostSet(names=(name,)) if _NAME.fullmatch(name) else NOT_KNOWN


def joined(one: HostSet, other: HostSet) -> HostSet:
    """The hosts of both."""
    if one == other:
        return one
    if one.lacks is not False or other.lacks is not False or one.is_first or other.is_first:
        return NOT_KNOWN
    both = (dict.fromkeys((*one.patterns, *other.patterns)), dict.fromkeys((*one.names, *other.names)))
    return HostSet(tuple(both[0]), tuple(both[1]))


def unordered(hosts: HostSet | None) -> HostSet | None:
    """The same hosts in another order."""
    return None if hosts is None else replace(hosts, is_in_order=False)


def stretch(hosts: HostSet | None, start: object, stop: object, step: object) -> HostSet | None:
    """``hosts[start:stop]``: it lacks some where it leaves out the first or the last, or takes the first alone."""
    if hosts is None:
        return None
    if step not in (None, 1):
        is_whole = step == -1 and start is None and stop is None
        return unordered(hosts) if is_whole else replace(hosts, lacks=None, is_play=False)
    if start in (None, 0) and stop is None:
        return hosts
    is_less = (isinstance(start, int) and start > 0) or (isinstance(stop, int) and (stop < 0 or stop == 1))
    return replace(hosts, lacks=True if is_less and hosts.lacks is not None else None, is_play=False)


def one_at(hosts: HostSet | None, place: object) -> HostSet | None:
    """The host at this place in the list."""
    if hosts is None or not isinstance(place, int) or hosts.lacks is not False or not hosts.is_in_order:
        return None
    if hosts.is_play and place == 0:
        return FIRST
    if hosts.names and not hosts.patterns:
        return named(hosts.names[place]) if -len(hosts.names) <= place < len(hosts.names) else None
    is_plain = len(hosts.patterns) == 1 and not hosts.names and _NAME.fullmatch(hosts.patterns[0])
    return HostSet((f"{hosts.patterns[0]}[{place}]",)) if is_plain else None


def without(hosts: HostSet | None, other: HostSet | None) -> HostSet | None:
    """The hosts that the other list does not have. The controller is in no group unless an inventory says so."""
    if hosts is None:
        return None
    if other is not None and other.lacks is False and other.names and not other.patterns and hosts.patterns:
        left = not CONTROLLER.issuperset(other.names)
        return replace(hosts, lacks=True, is_play=False) if left and hosts.lacks is not None else hosts
    return replace(hosts, lacks=None, is_play=False)


def within(hosts: HostSet | None, other: HostSet | None) -> HostSet | None:
    """The hosts that are in both lists."""
    if hosts is None or other is None or hosts.lacks is not False or other.lacks is not False:
        return None
    if "all" in other.patterns or hosts.pattern == other.pattern:
        return hosts
    return other if "all" in hosts.patterns else None
