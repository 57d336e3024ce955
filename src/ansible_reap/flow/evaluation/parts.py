"""Parts of values: attributes, items, slices of lists. What is not known stays unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_reap.flow.evaluation import host_sets
from ansible_reap.flow.evaluation.formulas import neg
from ansible_reap.flow.evaluation.lists import left_at
from ansible_reap.flow.evaluation.ordering import backwards
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.values import (
    ABSENT,
    EACH,
    NOT_PLAIN,
    UNKNOWN,
    Alt,
    Const,
    Job,
    JobId,
    Map,
    Results,
    Seq,
    Stage,
    Undefined,
    Unknown,
    Value,
    alt,
    as_map,
    as_seq,
    is_counted,
    one_of,
    picked,
    plain,
    taints,
)
from ansible_reap.records import replace

if TYPE_CHECKING:
    from jinja2 import nodes


ID_ATTRIBUTES = frozenset({"ansible_job_id", "results_file", "ansible_async_watchdog_pid"})
"""Keys of a launch's result by which its job can be found (ansible-core 2.16 to 2.22)."""
ABSENT_WHILE_RUNNING = frozenset(
    {
        "skipped",
        "skip_reason",
        "rc",
        "stdout",
        "stderr",
        "stdout_lines",
        "stderr_lines",
        "start",
        "end",
        "delta",
        "results",
        "cmd",
        "msg",
        "unreachable",
    }
)
"""Keys that a launch's result lacks, as it tells nothing of the end (ansible-core 2.16 to 2.22)."""
_PERHAPS_WHILE_RUNNING = frozenset(
    {
        *("ansible_facts", "ansible_parsed", "attempts", "censored", "deprecations", "diff", "exception"),
        *("invocation", "retries", "warnings"),
    }
)
"""Keys that the result of a look at a running job may have, by the release, the options of the run or how often it was
tried; it has no others besides those that are known (seen on ansible-core 2.16 to 2.22)."""


OF_A_JOB = ID_ATTRIBUTES | ABSENT_WHILE_RUNNING | {"started", "finished", "changed", "failed", "ansible_loop_var"}
"""Keys of a job's result that say which job it is, or what has become of it."""
_EMPTY_WHILE_RUNNING: dict[object, object] = {"stdout": "", "stderr": "", "stdout_lines": [], "stderr_lines": []}
"""What a look at a running job always holds (seen on ansible-core 2.16 to 2.22)."""


_SKIPPED: dict[str, Value] = {"skipped": Const(1), "changed": Const(0), "failed": Const(0), "skip_reason": UNKNOWN}
"""What the result of a task that was skipped says."""


def _job_part(job: Job, key: object) -> Value:
    """What ``.key`` of a job's result holds, as far as it can be known at its stage."""
    if not isinstance(key, str):
        return Unknown(frozenset({job.instance}))
    is_of_item = key in (job.loop_var, "item", "ansible_loop_var")
    if job.stage is Stage.SKIPPED and not is_of_item:
        return _SKIPPED.get(key, ABSENT)
    if job.stage is Stage.LAUNCHED and job.when is not True and not is_of_item:
        launched = _job_part(replace(job, when=True), key)
        return alt([(job.when, launched), (neg(job.when), _SKIPPED.get(key, ABSENT))])
    if key in ID_ATTRIBUTES:
        has_more = key != "ansible_job_id"
        return JobId(job.instance, job.index, job.is_partial, job.is_anywhere, job.of_hosts, has_more)
    if key in (job.loop_var, "item"):
        return job.item if job.item is not None else UNKNOWN
    if job.stage in (Stage.LAUNCHED, Stage.RUNNING):
        known = _while_at_work(job, key)
        if known is not None:
            return known
    if key == "skipped":
        return ABSENT
    if job.stage is Stage.DONE and key == "finished":
        return Const(1)
    if key == "ansible_loop_var":
        return Const(job.loop_var)
    return Unknown(frozenset({job.instance}))


def _while_at_work(job: Job, key: str) -> Value | None:
    """What is known of the result of a job that has not ended."""
    if job.stage is Stage.RUNNING and key in _EMPTY_WHILE_RUNNING:
        return Const(_EMPTY_WHILE_RUNNING[key])
    if key in ABSENT_WHILE_RUNNING:
        return ABSENT
    if key == "changed":
        return _changed(job)
    if key == "started":
        return Const(1)
    if key == "failed":
        return Unknown(frozenset({job.instance})) if job.failed is None else Const(int(job.failed))
    if key == "finished":
        return Const(0)
    is_closed = job.stage is Stage.RUNNING and key not in _PERHAPS_WHILE_RUNNING
    return ABSENT if is_closed and not key.startswith("_ansible") and key != "ansible_loop_var" else None


def _changed(job: Job) -> Value:
    if job.changed is None:
        return Unknown(frozenset({job.instance}))
    return Const(int(job.changed and job.stage is not Stage.RUNNING))


def _seq_part(seq: Seq, key: object) -> Value:
    """The list's item at a position, or some item where the position is not known."""
    if isinstance(key, str) and key.isascii() and key.lstrip("-").isdigit():
        key = int(key)
    if key is NOT_PLAIN and seq.items:
        return Unknown(taints(seq))  # which item is meant is not known: it may be another in each round of a loop
    if isinstance(key, bool) or not isinstance(key, int):
        return one_of(seq)
    if seq.is_row:
        return seq.items[key] if -len(seq.items) <= key < len(seq.items) else ABSENT
    if seq.is_open or any(isinstance(item, (Job, JobId)) and item.index == EACH for item in seq.items):
        if any(isinstance(item, Seq) for item in seq.items):
            return Unknown(taints(seq))  # lists of lists: how the items are spread over them is not known
        return picked(seq.items[0]) if len(seq.items) == 1 else one_of(Seq(seq.items, is_open=True))
    if not is_counted(seq):
        return left_at(seq, key)
    return seq.items[key] if -len(seq.items) <= key < len(seq.items) else ABSENT


def part(evaluator: EvaluatorInterface, base: Value, key: object) -> Value:
    """``base.key`` or ``base[key]``; NOT_PLAIN as key is one that is not known."""
    if isinstance(base, Alt):
        return alt((guard, part(evaluator, inner, key)) for guard, inner in base.options)
    if isinstance(base, Job):
        return _job_part(base, key)
    if isinstance(base, Results):
        return _results_part(evaluator, base, key)
    if isinstance(base, Unknown):
        return Unknown(base.taints, host_sets.one_at(base.hosts, key))
    if isinstance(base, JobId):
        return Unknown(taints(base))
    if isinstance(base, Undefined):
        return base
    if isinstance(base, Const) and isinstance(base.value, str) and type(key) is int:
        return Const(base.value[key]) if -len(base.value) <= key < len(base.value) else ABSENT
    mapping = as_map(base)
    if mapping is not None:
        if not isinstance(key, (str, int, float, bool)):
            return _any_entry(mapping)
        found = mapping.get(str(key))
        return ABSENT if found is None else _templated(evaluator, found)
    seq = as_seq(base)
    if seq is not None and key == "ansible_job_id" and any(isinstance(item, Job) for item in seq.items):
        return _id_of_a_list(evaluator, seq)
    if seq is not None:
        return _templated(evaluator, _seq_part(seq, key))
    return UNKNOWN


def stretch(evaluator: EvaluatorInterface, base: Value, where: nodes.Slice) -> Value:
    """``base[start:stop:step]``."""
    ends = [plain(evaluator.value(end)) if end is not None else None for end in (where.start, where.stop, where.step)]
    is_whole = ends[0] in (None, 0) and where.stop is None
    if is_whole and ends[2] in (None, 1):
        return base
    are_numbers = all(end is None or isinstance(end, int) for end in ends) and ends[2] != 0
    if isinstance(base, Const) and isinstance(base.value, str) and are_numbers:
        return Const(base.value[slice(*ends)])
    if isinstance(base, Unknown):
        return Unknown(base.taints, host_sets.stretch(base.hosts, *ends))
    seq = as_seq(base)
    if seq is None:
        return Unknown(taints(base))
    if where.start is None and where.stop is None and ends[2] == -1:
        return backwards(seq)
    if any(isinstance(item, (Job, JobId)) and item.index == EACH for item in seq.items) or seq.is_open:
        return Seq(tuple(picked(item) for item in seq.items), is_open=True)
    if is_counted(seq) and are_numbers:
        return Seq(seq.items[slice(*ends)])
    return Unknown(taints(base))


def _id_of_a_list(evaluator: EvaluatorInterface, seq: Seq) -> Value:
    """What is asked of a list as if it were one result: it has no job id (ansible-core 2.16 and 2.22)."""
    if any(isinstance(item, Job) and item.index is None for item in seq.items):
        return ABSENT
    evaluator.misses_results |= taints(seq)
    return UNKNOWN


def _results_part(evaluator: EvaluatorInterface, base: Results, key: object) -> Value:
    if key == "results":
        return base.items
    found = taints(base)
    if key == "ansible_job_id":
        evaluator.misses_results |= found
        return UNKNOWN
    launched = all(not isinstance(item, Job) or item.stage is Stage.LAUNCHED for item in base.items.items)
    if launched and found and key == "failed":
        ways = {item.failed for item in base.items.items if isinstance(item, Job)}
        return Const(True in ways) if None not in ways else Unknown(found)
    if launched and found and key == "changed":
        known = {item.changed for item in base.items.items if isinstance(item, Job)}
        return Const(known.pop()) if len(known) == 1 and None not in known else Unknown(found)
    return ABSENT if launched and key == "skipped" else Unknown(found)


def _any_entry(mapping: Map) -> Value:
    values = [inner for _, inner in mapping.entries] + ([mapping.rest] if mapping.rest is not None else [])
    if len(values) == 1:
        return values[0]
    return Unknown(frozenset().union(*(taints(inner) for inner in values)))


def _templated(evaluator: EvaluatorInterface, value: Value) -> Value:
    """Templates inside plain data that came out of a variable."""
    if isinstance(value, Const) and isinstance(value.value, (str, list, dict)):
        return evaluator.data(value.value)
    return value
