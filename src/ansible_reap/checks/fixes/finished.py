"""``x.finished`` becomes ``x is finished``."""

from __future__ import annotations

import re

from ansible_reap.checks.finding import Fix
from ansible_reap.checks.fixes.layout import find
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression

_READS = expression(
    r"""
    (?P<name>(?<!\w)[A-Za-z_]\w*)                        # the register
    (?:\.finished|\[(?P<quote>['"])finished(?P=quote)\])
    (?:\s*\|\s*(?:bool|int))?                            # made a truth value or a number
    (?:\s*==\s*(?:1|[Tt]rue)\b)?                         # compared with one
    """,
    re.VERBOSE,
)
_REST = expression(r"[\w\s]*")
"""What may stand around it: words such as ``and``, ``or``, ``x is defined``; anything else may mean something else."""


def use_test(analysis: Analysis, task: Task) -> Fix | None:
    """Use the test in an ``until`` that is one condition on one line; None where it says more than that."""
    item = find(analysis, task)
    entry = item.entry("until") if item else None
    if item is None or entry is None or entry.scalar is None:
        return None
    text = entry.scalar
    if not _READS.search(text) or not _REST.fullmatch(_READS.sub("", text)) or "not" in _READS.sub("", text).split():
        return None
    edit = item.with_scalar("until", _READS.sub(r"\g<name> is finished", text))
    return Fix("use the test 'is finished'", (edit,)) if edit else None
