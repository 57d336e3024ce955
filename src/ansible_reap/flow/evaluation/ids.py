"""What becomes of the text of a job's id: a letter ``j``, digits, a point and digits (ansible-core 2.16 to 2.22)."""

from __future__ import annotations

from typing import Any

from ansible_reap.flow.evaluation.scalars import keeps_id
from ansible_reap.flow.evaluation.values import JobId, Seq, Unknown, Value, taints
from ansible_reap.late_patterns import expression
from ansible_reap.records import replace

_ID = expression(r"j\d+\.\d+")
_IN_NO_ID = expression(r"(?s).*[^j.\d].*")
_PLAIN = expression(r"[\w :,;/=-]+")
"""A pattern in which every letter stands for itself."""
_MATCHING = frozenset({"match", "search"})
_METHODS = {"strip": "trim"} | {name: name for name in ("lower", "upper", "title", "split", "replace")}
"""Methods of texts, by the filter that does the same."""


def changed(job: JobId, name: str, arguments: list[Any]) -> Value:
    """What a filter of texts makes of an id: itself, where it cannot put another text in place of it."""
    if name == "split" and not job.has_more and len(arguments) < 2 and all(_is_in_no_id(each) for each in arguments):
        return Seq((job,))
    if name in ("replace", "regex_replace") and not job.has_more and arguments:
        is_plain = name == "replace" or (isinstance(arguments[0], str) and _PLAIN.fullmatch(arguments[0]) is not None)
        if is_plain and _is_in_no_id(arguments[0]):
            return job
    if not keeps_id(name, arguments):
        return Unknown(taints(job))
    return replace(job, has_more=False) if name == "basename" else job


def by_method(job: JobId, name: str, arguments: list[Any]) -> Value:
    """What a method of texts gives back for an id."""
    return changed(job, _METHODS[name], arguments) if name in _METHODS else Unknown(taints(job))


def is_surely_not(job: JobId, data: Any) -> bool:
    """Whether the id cannot be equal to some data."""
    return data in ("", None) or (not job.has_more and not (isinstance(data, str) and _ID.fullmatch(data)))


def surely_matches(job: JobId, test: str, pattern: object) -> bool:
    """Whether every id meets such a test."""
    return not job.has_more and test in _MATCHING and pattern in ("j", "^j")


def _is_in_no_id(text: object) -> bool:
    return isinstance(text, str) and _IN_NO_ID.fullmatch(text) is not None
