"""Filters that change the order of a list, or leave out what is in it twice.

A list of which the order is not known counts as open: every item is in it, but none at a place that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_reap.flow.evaluation import host_sets
from ansible_reap.flow.evaluation.values import (
    EACH,
    Const,
    Job,
    JobId,
    Map,
    Seq,
    Stage,
    Unknown,
    Value,
    as_map,
    as_seq,
    is_counted,
    plain,
    taints,
)
from ansible_reap.records import replace


def unordered(value: Value) -> Value:
    """The same items in an order that is not known."""
    if isinstance(value, Unknown):
        return Unknown(value.taints, host_sets.unordered(value.hosts))
    seq = _items(value)
    if seq is None:
        return Unknown(taints(value))
    return seq if len(seq.items) < 2 else Seq(seq.items, is_open=True)


def backwards(value: Value) -> Value:
    """The items from the last to the first; of a text its letters."""
    if isinstance(value, Const) and isinstance(value.value, str):
        return Const(value.value[::-1])
    seq = _items(value)
    return unordered(value) if seq is None else replace(seq, items=seq.items[::-1])


def in_order(
    value: Value, keys: Callable[[Value], Sequence[Value]], *, is_case_sensitive: bool, is_reversed: bool
) -> Value:
    """The list sorted by what ``keys`` takes of each item, as Jinja does it; where that is not known, in any order."""
    seq = _items(value)
    if seq is None or not is_counted(seq):
        return unordered(value)
    by = [[plain(key) for key in keys(item)] for item in seq.items]
    if not all(_is_scalar(part) for key in by for part in key):
        return unordered(value)  # known only at run time, or never equal
    if not is_case_sensitive:
        by = [[part.lower() if isinstance(part, str) else part for part in key] for key in by]
    try:
        places = sorted(range(len(by)), key=by.__getitem__, reverse=is_reversed)
    except TypeError:  # numbers beside texts
        return unordered(value)
    return Seq(tuple(seq.items[place] for place in places))


def once_each(value: Value) -> Value:
    """The list without what is in it before, a text in other letters too; where that is not known, in any order."""
    seq = _items(value)
    if seq is None:
        return Unknown(taints(value))
    if _are_distinct_jobs(seq):
        return replace(seq, is_row=False)
    data = [plain(item) for item in seq.items]
    if not is_counted(seq) or not all(_is_scalar(each) for each in data):
        return unordered(seq)
    first: dict[object, Value] = {}
    for item, key in zip(seq.items, data, strict=True):
        first.setdefault(key.lower() if isinstance(key, str) else key, item)
    return Seq(tuple(first.values()))


def by_keys(mapping: Map) -> Seq:
    """Pairs of a key and its value, in the order of the keys."""
    entries = sorted(mapping.entries, key=lambda entry: entry[0].lower())
    rows: list[Value] = [Seq((Const(key), inner), is_row=True) for key, inner in entries]
    if mapping.rest is not None:
        rows.append(Seq((Unknown(), mapping.rest), is_row=True))
    return Seq(tuple(rows), is_open=mapping.rest is not None)


def _items(value: Value) -> Seq | None:
    """What a filter of lists goes through: of a dictionary its keys."""
    mapping = as_map(value)
    if mapping is None:
        return as_seq(value)
    return Seq(tuple(Const(key) for key, _ in mapping.entries), is_open=mapping.rest is not None)


def _is_scalar(data: object) -> bool:
    return isinstance(data, (str, int, float))


def _are_distinct_jobs(seq: Seq) -> bool:
    """Whether no two of the items can be equal: each is another job's, that is not skipped."""
    jobs = [item for item in seq.items if isinstance(item, (Job, JobId)) and not _may_be_skipped(item)]
    if len(seq.items) < 2 and jobs:
        return True
    named = {(job.instance, job.index) for job in jobs}
    return len(named) == len(seq.items) and not any(job.index == EACH for job in jobs)


def _may_be_skipped(item: Job | JobId) -> bool:
    return isinstance(item, Job) and (item.stage is Stage.SKIPPED or item.when is not True)
