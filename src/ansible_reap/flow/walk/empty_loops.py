"""Loops that may have no round at all: a wait in one, for a job from outside of it, may wait for nobody."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_reap.content import expressions
from ansible_reap.content.model import Task, as_list
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj
from ansible_reap.flow.evaluation.host_sets import HostSet
from ansible_reap.flow.evaluation.values import EACH, Alt, Job, JobId, Undefined, Unknown, Value, handles, taints
from ansible_reap.flow.walk.state import Frame, is_yes
from ansible_reap.flow.walk.visit import Visit
from ansible_reap.late_patterns import expression

_SAME_LENGTH = expression(r"\|(?:list|sort|unique|reverse|(?:default|d)\(\[\](?:,true)?\))(?=\}\}$)")
"""Filters that leave a list with items if it has any."""


class Around(NamedTuple):
    """A loop of includes that may have no round."""

    first: int
    """The number of the first launch within: those before are from outside."""
    written: str
    """What it loops over."""
    held: frozenset[int]
    """The jobs that its items are of: without a job there is no round."""
    has_rounds: Atom


def needed(visit: Visit, number: int, item: Value | None) -> Formula:
    """That the loops around a look, its own and those of the includes, have a round if the job was launched.

    ``item`` is that of its own loop. A loop over the jobs themselves, or over what the launch looped over, has one.
    """
    if number < 0:
        return True
    launch = visit.walk.record.instances[number]
    around = [each for each in visit.frame.loops_around if number < each.first and number not in each.held]
    step = visit.step
    if step.loop_keyword is not None and not (item is not None and number in taints(item)) and may_be_empty(visit):
        around.append(_around(visit, frozenset()))
    if not around:
        return True
    known = {_written(launch.task), *(each.written for each in launch.frame.loops_around)}
    return conj(*(each.has_rounds for each in around if each.written not in known))


def of_include(visit: Visit) -> tuple[Around, ...]:
    """The loop of an include, where it may have no round."""
    if visit.items is None or not may_be_empty(visit):
        return ()
    return (_around(visit, handles(visit.items)),)


def _around(visit: Visit, held: frozenset[int]) -> Around:
    written = _written(visit.step)
    atom = Atom(f"{visit.step.place} has a round", is_choice=True)
    return Around(len(visit.walk.record.instances), written, held, atom)


def _written(task: Task) -> str:
    keyword = task.loop_keyword
    if keyword is None:
        return ""
    text, before = "".join(str(task.keywords[keyword]).split()), ""
    while text != before:
        text, before = _SAME_LENGTH.sub("", text), text
    return text if keyword in ("loop", "with_items", "with_list") else f"{keyword}:{text}"


def may_be_empty(visit: Visit) -> bool:
    """Whether the task's loop may have no round, for all that is known of what it loops over."""
    keyword = visit.step.loop_keyword
    if keyword is None:
        return False
    short, written = keyword.removeprefix("with_").rsplit(".", 1)[-1], visit.step.keywords[keyword]
    if short == "fileglob":  # a file that is found by the item's name is there
        return visit.step.loop_variable not in str(visit.step.args.get("file", visit.step.args.get("_raw_params")))
    if short == "first_found":  # unless it is to be skipped, the task fails where there is none
        return any(_skips(each) for each in as_list(written))
    for guard, items in visit.lists:
        if items.is_open and not any(_is_there(item, visit.frame) for item in items.items):
            return True
        if guard is True and not (items.items or items.is_open) and len(visit.lists) > 1:
            return True
    return False


def _skips(entry: Any) -> bool:
    skip = entry.get("skip", entry.get("errors")) if isinstance(entry, dict) else None
    may_be_mapping = isinstance(entry, str) and entry.strip().startswith("{{")  # no name with a template in it
    return is_yes(skip) or skip == "ignore" or expressions.is_template(skip) or may_be_mapping


def _is_there(item: Value, frame: Frame) -> bool:
    """Whether the item of a list of which not all is known surely is in it."""
    if isinstance(item, Unknown):
        return item.hosts is not None and _has_hosts(item.hosts, frame)
    return not (isinstance(item, (Alt, Undefined)) or (isinstance(item, (Job, JobId)) and item.index == EACH))


def _has_hosts(hosts: HostSet, frame: Frame) -> bool:
    """Whether there is a host among them: those of the play have one, for the task runs there."""
    if hosts.is_play or hosts.is_first or hosts.names:
        return hosts.lacks is False or hosts.is_first
    return hosts.lacks is False and not {"all", frame.hosts}.isdisjoint(hosts.patterns)
