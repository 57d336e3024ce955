"""What Jinja and Ansible filters do to lists and dictionaries that may hold handles.

What a filter that is not known here (a plugin's) gives back is unknown, and may hold any handle that it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes

from ansible_reap.content.source import SourceError, compose
from ansible_reap.content.source import plain as data_of
from ansible_reap.flow.evaluation import bounds, host_sets, ids, ordering
from ansible_reap.flow.evaluation.canonical import canonical
from ansible_reap.flow.evaluation.defaults import is_there
from ansible_reap.flow.evaluation.formulas import conj, neg
from ansible_reap.flow.evaluation.lists import (
    crossed,
    defaulted,
    entries,
    flattened,
    grouped,
    keyed,
    left_at,
    subelements,
    zipped,
)
from ansible_reap.flow.evaluation.parts import ID_ATTRIBUTES, OF_A_JOB
from ansible_reap.flow.evaluation.plugin_names import short
from ansible_reap.flow.evaluation.scalars import ABOUT_TEXT, NUMERIC, TEXTUAL, as_bool, numeric, textual
from ansible_reap.flow.evaluation.selections import selected
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.values import (
    ABSENT,
    EACH,
    NOT_PLAIN,
    UNDEFINED,
    UNKNOWN,
    Alt,
    Const,
    Job,
    JobId,
    Map,
    Seq,
    Undefined,
    Unknown,
    Value,
    alt,
    as_map,
    as_seq,
    handles,
    hosts_in,
    is_counted,
    lifted,
    mapped,
    one_of,
    options,
    perhaps_replaced,
    picked,
    plain,
    taints,
)
from ansible_reap.late_patterns import expression
from ansible_reap.records import replace

Arguments = list[Value]
Handler = Callable[[EvaluatorInterface, Value, nodes.Filter], Value]

SAME = frozenset({"mandatory"})
"""Filters that give back what they get: of ansible-core 2.16 to 2.22."""
_OF_ORDER = frozenset({"sort", "reverse", "shuffle"})
"""Filters that change no more than the order of a list."""
_NULLS = (None, "None", "null")
"""What ``flatten`` leaves out (ansible-core 2.16 to 2.22)."""
MAX_QUERY = 500
"""A longer query is not read."""
MAX_KEYS = 400
"""Of a dictionary that is put together: each further key makes another dictionary of them all."""
_QUERY_STEP = expression(r"\.?(?:(\w+)|(\[(\?[^\]]+|\*)?\]))")
"""A name, or brackets with nothing, a star or a condition in them."""
_OF_LAUNCHED = frozenset(
    {"ansible_job_id", "ansible_job_id!=null", "started", "started==1", "changed", "changed==true"}
    | {"!skipped", "skipped!=true", "skipped==null", "not_null(ansible_job_id)"}
)


def apply(evaluator: EvaluatorInterface, node: nodes.Filter) -> Value:
    """The value of ``something | filter(...)``."""
    name = short(node.name)
    assert node.node is not None
    base = evaluator.value(node.node)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return Unknown(taints(base) | taints(evaluator.anything(node)))
    return _filtered(evaluator, base, nodes.Filter(node.node, name, node.args, node.kwargs, None, None))


def _filtered(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """What the filter makes of a value; ``node`` says which filter it is, and with what arguments."""
    name = node.name
    handler = HANDLERS.get(name)
    if handler is None:
        if name in TEXTUAL or name in ABOUT_TEXT:
            return _of_text(evaluator, base, node)
        if name in NUMERIC:
            return _number(evaluator, base, node)
        return base if name in SAME and not node.kwargs else _unknown_filter(evaluator, base, node)
    if isinstance(base, Alt) and name not in ("default", "d", "ternary"):
        return alt((guard, handler(evaluator, inner, node)) for guard, inner in base.options)
    return handler(evaluator, base, node)


def _of_text(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """What a filter of text makes of a text, or of an id, which it may not put another text in place of."""
    name, arguments = node.name, [plain(evaluator.value(argument)) for argument in node.args]
    if node.kwargs or any(argument is NOT_PLAIN for argument in arguments):
        return _unknown_filter(evaluator, base, node)

    def one(value: Value) -> Value:
        if isinstance(value, JobId):
            return ids.changed(value, name, arguments)
        return textual(value, name, arguments) if name in TEXTUAL else Unknown(taints(value))

    return mapped(base, one)


def _number(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """What a filter of numbers makes of each value; ``int`` and ``float`` may be told what stands for no number."""
    default = _argument(evaluator, node, 0, "default")
    count = len(node.args) + len(node.kwargs)
    if count > (1 if default is not None and node.name in ("int", "float") else 0):
        return _unknown_filter(evaluator, base, node)
    return mapped(base, lambda value: numeric(value, node.name, Const(0) if default is None else default))


def _unknown_filter(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    found = set(taints(base))
    for argument in (*node.args, *(pair.value for pair in node.kwargs)):
        found |= taints(evaluator.value(argument))
    return Unknown(frozenset(found))


def _argument(evaluator: EvaluatorInterface, node: nodes.Filter, position: int, keyword: str = "") -> Value | None:
    if len(node.args) > position:
        return evaluator.value(node.args[position])
    for pair in node.kwargs:
        if pair.key == keyword:
            return evaluator.value(pair.value)
    return None


def _default(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    default = _argument(evaluator, node, 0, "default_value")
    on_false = _argument(evaluator, node, 1, "boolean")
    if not evaluator.folds_settings:
        # a condition on a variable that nothing here defines: somebody else may
        base = mapped(base, lambda value: UNKNOWN if value == UNDEFINED else value)
    default = Const("") if default is None else default
    is_for_false = on_false is not None and plain(on_false) is True
    if evaluator.folds_settings or node.node is None:
        return defaulted(base, default, on_false=is_for_false)
    there = is_there(evaluator, node.node)
    there = conj(there, evaluator.truth(node.node)) if is_for_false else there
    return defaulted(base, default, on_false=is_for_false, there=there)


def _ternary(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    yes, no = _argument(evaluator, node, 0, "true_val"), _argument(evaluator, node, 1, "false_val")
    if node.node is None:  # of each item of a list
        return Unknown(taints(yes) | taints(no))
    return evaluator.choice(node.node, yes if yes is not None else UNKNOWN, no if no is not None else UNKNOWN)


def _map(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    seq = as_seq(base)
    attribute = next((pair.value for pair in node.kwargs if pair.key == "attribute"), None)
    default = next((evaluator.value(pair.value) for pair in node.kwargs if pair.key == "default"), None)
    called = plain(evaluator.value(node.args[0])) if node.args else None
    if called == "extract" and len(node.args) > 2 and evaluator.is_hosts(node.args[1]):
        keys = plain(evaluator.value(node.args[2]))
        return base if keys == "inventory_hostname" else Seq((evaluator.path(keys, hosts_in(base)),), is_open=True)
    if seq is None:
        return Unknown(taints(base))
    if attribute is not None:
        path = str(plain(evaluator.value(attribute))).split(".")
        found = tuple(evaluator.follow(item, path) for item in seq.items)
        return Seq(found if default is None else tuple(defaulted(each, default) for each in found), seq.is_open)
    if called == "extract" and len(node.args) > 1:
        more = _keys(_argument(evaluator, node, 2))
        return Seq(tuple(_taken(evaluator, node.args[1], [plain(item), *more]) for item in seq.items), seq.is_open)
    return _mapped_by_another(evaluator, seq, called, node)


def _mapped_by_another(evaluator: EvaluatorInterface, seq: Seq, called: Any, node: nodes.Filter) -> Value:
    """Every item through the filter that ``map`` is told by name."""
    name = short(str(called))
    inner = nodes.Filter(None, name, node.args[1:], node.kwargs, None, None)
    items = tuple(mapped(item, lambda each: _filtered(evaluator, each, inner)) for item in seq.items)
    return Seq(items, seq.is_open)


def _selected(keeps: bool, by_attribute: bool) -> Handler:
    def handler(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
        seq = as_seq(base)
        if seq is None:
            return Unknown(taints(base))
        items: list[Value] = []
        whole = canonical(evaluator, node.node) if node.node is not None else ""
        for place, item in enumerate(seq.items):
            of = "item" if taints(item) or not whole else f"{whole}[{place}]"
            guard = selected(evaluator, item, node, of, by_attribute=by_attribute)
            guard = guard if keeps else neg(guard)
            if guard is False:
                continue
            items.append(item if guard is True else Alt(tuple((under, inner) for under, inner in options(item, guard))))
        return Seq(tuple(items), seq.is_open)

    return handler


def _flatten(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    levels = plain(_argument(evaluator, node, 0, "levels") or Const(20))
    found = flattened(base, levels if isinstance(levels, int) else 20)
    inner = [each for item in found.items for _, each in options(item)] if isinstance(found, Seq) else []
    # nulls are left out, and what is not known may be a list of any length
    return (
        ordering.unordered(found)
        if any(isinstance(each, Unknown) or plain(each) in _NULLS for each in inner)
        else found
    )


def _ends(base: Value, first: bool) -> Value:
    seq = as_seq(base)
    if isinstance(base, Unknown):
        return Unknown(base.taints, host_sets.one_at(base.hosts, 0 if first else -1))
    if seq is None:
        return Unknown(taints(base))
    if not seq.items:
        return ABSENT if not seq.is_open else UNKNOWN
    if seq.is_row:
        return seq.items[0 if first else -1]
    return left_at(seq, 0 if first else -1) if not seq.is_open else one_of(seq)


def _union(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    other = _argument(evaluator, node, 0) or UNKNOWN
    if isinstance(other, Alt):
        return alt((guard, _united(base, inner)) for guard, inner in other.options)
    return _united(base, other)


def _united(base: Value, other: Value) -> Value:
    first, second = as_seq(base), as_seq(other)
    if first is not None and second is not None:
        return _set_of(Seq(first.items + second.items, first.is_open or second.is_open))
    known = first if first is not None else second
    if known is None:
        return Unknown(taints(base) | taints(other), host_sets.joined(hosts_in(base), hosts_in(other)))
    return Seq((*known.items, Unknown(taints(base) | taints(other))), is_open=True)


def _set_of(seq: Seq) -> Value:
    """What is in the list, once each: in any order, unless each is a dictionary, which cannot be in a set."""
    found = ordering.once_each(seq)
    is_in_order = all(isinstance(inner, (Job, Map)) for item in seq.items for _, inner in options(item))
    return found if is_in_order else ordering.unordered(found)


def _combine(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    given_maps = [base, *(evaluator.value(argument) for argument in node.args)]
    maps = [each for part in given_maps for each in _opened(part)]
    held = frozenset[int]().union(*map(taints, maps))
    if isinstance(base, Job):
        return _job_with(base, maps[1:])
    given: dict[object, object] = {pair.key: plain(evaluator.value(pair.value)) for pair in node.kwargs}
    recursive = given.pop("recursive", False)
    if not isinstance(recursive, bool) or given.pop("list_merge", "replace") != "replace" or given:
        return Unknown(held)
    merged: dict[str, Value] = {}
    rest: Value | None = None
    for part in maps:
        mapping = as_map(part) if not isinstance(part, Alt) else None
        if mapping is None:
            return Unknown(held)
        for key, inner in mapping.entries:
            merged[key] = _merged(merged[key], inner) if recursive and key in merged else inner
        if mapping.rest is not None:
            merged = perhaps_replaced(merged, mapping.rest)
            rest = mapping.rest if rest is None else alt([(True, rest), (True, mapping.rest)])
        if len(merged) > MAX_KEYS:
            bounds.met(f"a dictionary of more than {MAX_KEYS} keys; wait for fewer jobs at once", held)
            return Unknown(held)
    return Map(tuple(merged.items()), rest)


def _opened(part: Value) -> tuple[Value, ...]:
    """The dictionaries in a list of them, which counts as so many; anything else as it is."""
    seq = part if isinstance(part, Seq) else None
    return seq.items if seq is not None and is_counted(seq) and seq.items else (part,)


def _job_with(job: Job, more: list[Value]) -> Value:
    """The result of a job and something more, unless that says anything of the job itself.

    What is not known at all is taken for data of its own, as that of the item for which the job was launched. With what
    is no dictionary the filter fails, as with a null that stands for what a user is to give.
    """
    told = [part for part in more if not isinstance(part, (Unknown, Undefined))]
    added = [as_map(part) for part in told if not isinstance(part, Const) or as_map(part) is not None]
    keys = {key for part in added if part is not None for key, _ in part.entries}
    has_more = any(part is None or part.rest is not None for part in added)
    if has_more or any(taints(part) for part in more) or not keys.isdisjoint(OF_A_JOB):
        return Unknown(taints(job).union(*map(taints, more)))
    return replace(job, item=None) if keys & {job.loop_var, "item"} else job


def _merged(old: Value, new: Value) -> Value:
    first, second = as_map(old), as_map(new)
    if first is None or second is None:
        return new
    kept = tuple(entry for entry in first.entries if second.get(entry[0]) is None)
    return Map((*kept, *second.entries), second.rest or first.rest)


def _dict2items(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    mapping = as_map(base)
    if mapping is None:
        return Unknown(taints(base))
    key, value = _entry_names(evaluator, node)
    return keyed(mapping, str(key), str(value))


def _items2dict(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    seq = as_seq(base)
    if seq is None:
        return Unknown(taints(base))
    key, value = _entry_names(evaluator, node)
    return _mapping((evaluator.part(item, key), evaluator.part(item, value)) for item in seq.items)


def _entry_names(evaluator: EvaluatorInterface, node: nodes.Filter) -> tuple[object, object]:
    """What the key and the value of an entry are called in a list of them."""
    key = _argument(evaluator, node, 0, "key_name") or Const("key")
    value = _argument(evaluator, node, 1, "value_name") or Const("value")
    return plain(key), plain(value)


def _rekey_on_member(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """A list or dictionary of dictionaries by what each holds under one key, on ansible-core 2.16 to 2.22."""
    mapping = as_map(base)
    seq = keyed(mapping) if mapping is not None else as_seq(base)
    if seq is None:
        return Unknown(taints(base))
    member = plain(_argument(evaluator, node, 0, "key") or UNKNOWN)
    rows = [evaluator.part(item, "value") for item in seq.items] if mapping is not None else list(seq.items)
    return _mapping((evaluator.part(row, member), row) for row in rows)


def _mapping(pairs: Iterable[tuple[Value, Value]]) -> Value:
    """The dictionary of these keys and values, of one key the last; unknown where more than one key is."""
    found: dict[str, Value] = {}
    rest: list[Value] = []
    for name, inner in pairs:
        key = plain(name)
        if isinstance(key, (str, int)):
            found[str(key)] = picked(inner)  # what stands for each job in turn is the last one now
        else:
            rest.append(inner)
    if len(rest) > 1:
        return Unknown(frozenset().union(*(taints(inner) for inner in (*rest, *found.values()))))
    return Map(tuple(found.items()), rest[0] if rest else None)


def _zip(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    lists = [base, *(evaluator.value(argument) for argument in node.args)]
    return zipped(lists)


def _zip_longest(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    lists = [base, *(evaluator.value(argument) for argument in node.args)]
    fill = next((evaluator.value(pair.value) for pair in node.kwargs if pair.key == "fillvalue"), Const(None))
    return zipped(lists, fill)


def _subelements(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    key = plain(_argument(evaluator, node, 0, "subelements") or UNKNOWN)
    return subelements(evaluator, base, key)


def _groupby(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    path = plain(_argument(evaluator, node, 0, "attribute") or UNKNOWN)
    is_case_sensitive = plain(_argument(evaluator, node, 2, "case_sensitive") or Const(value=False))
    if not isinstance(path, (str, int)) or not isinstance(is_case_sensitive, bool):
        return Unknown(taints(base))
    return grouped(evaluator, base, str(path).split("."), is_case_sensitive=is_case_sensitive)


def _bool(_: EvaluatorInterface, base: Value, __: nodes.Filter) -> Value:
    data = plain(base)
    return base if data is NOT_PLAIN or isinstance(base, Undefined) else Const(as_bool(data))


def _as_text(_: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """What was made a text, as what it is: it may be read again.

    Not so what is false, as no text but the empty one is, nor what is 0 or 1 on one version of Ansible and false or
    true on another: that has two texts.
    """
    data = plain(base)
    if data is NOT_PLAIN or isinstance(data, str):
        return base if data or node.name == "string" else UNKNOWN
    if isinstance(data, (int, float)) and data not in (0, 1):
        return Const(str(data))
    return base if data and data != 1 else UNKNOWN


def _sort(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    is_reversed, is_case_sensitive = (
        plain(_argument(evaluator, node, place, name) or Const(value=False))
        for place, name in enumerate(("reverse", "case_sensitive"))
    )
    by = plain(_argument(evaluator, node, 2, "attribute") or Const(None))
    if not (isinstance(is_reversed, bool) and isinstance(is_case_sensitive, bool) and (by is None or by != "")):
        return ordering.unordered(base)
    if by is not None and not isinstance(by, (str, int)):
        return ordering.unordered(base)
    paths = [] if by is None else [path.split(".") for path in str(by).split(",")]

    def keys(item: Value) -> list[Value]:
        return [evaluator.follow(item, path) for path in paths] if paths else [item]

    return ordering.in_order(base, keys, is_case_sensitive=is_case_sensitive, is_reversed=is_reversed)


def _reverse(_: EvaluatorInterface, base: Value, __: nodes.Filter) -> Value:
    return ordering.backwards(base)


def _shuffle(_: EvaluatorInterface, base: Value, __: nodes.Filter) -> Value:
    return ordering.unordered(base)


def _dictsort(_: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    mapping = as_map(base)
    if mapping is None:
        return Unknown(taints(base))
    found = ordering.by_keys(mapping)
    return ordering.unordered(found) if node.args or node.kwargs else found


def _unique(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """Without an attribute all jobs are left, and by their ids too; by another attribute it is not known which."""
    by = _argument(evaluator, node, 1, "attribute")
    if by is not None and plain(by) in ID_ATTRIBUTES:
        return ordering.unordered(base)
    if by is not None and plain(by) is not None:
        return Unknown(taints(base))
    return ordering.once_each(base) if not (node.args or node.kwargs) else ordering.unordered(base)


def _length(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    while isinstance(node.node, nodes.Filter) and short(node.node.name) in _OF_ORDER and node.node.node is not None:
        node = node.node
        base = evaluator.value(node.node) if node.node is not None else base
    seq = as_seq(base)
    if seq is not None and not seq.is_open and not any(_is_many(item) for item in seq.items):
        return Const(len(seq.items))
    data = plain(base)
    return Const(len(data)) if isinstance(data, (str, dict)) else Unknown(taints(base))


def _is_many(item: Value) -> bool:
    return isinstance(item, Alt) or (isinstance(item, Job) and item.index == EACH)


def _product(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    return crossed([base, *(evaluator.value(argument) for argument in node.args)])


def _json_query(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """``results[*].ansible_job_id`` and its like: names, projections, and filters that keep every launched job."""
    written = plain(evaluator.value(node.args[0])) if node.args else NOT_PLAIN
    query = "".join(written.split()) if isinstance(written, str) else ""
    steps = list(_QUERY_STEP.finditer(query)) if len(query) <= MAX_QUERY else []
    if not steps or sum(len(step.group()) for step in steps) != len(query):
        return Unknown(taints(base))
    value, is_projected = base, False
    for step in steps:
        name, brackets, condition = step.groups(default="")
        if name and not is_projected:
            value = evaluator.part(value, name)
            continue
        seq = as_seq(value)
        if seq is None or (condition.startswith("?") and not _keeps_launched(condition)):
            return Unknown(taints(base))
        if name:
            value = Seq(tuple(evaluator.part(item, name) for item in seq.items), seq.is_open)
        elif brackets:
            value, is_projected = seq, True
    return value


def _keeps_launched(condition: str) -> bool:
    """Whether the condition of a JMESPath filter holds for whatever has been launched."""
    asked = "".join(char for char in condition.lstrip("?") if char not in "`'")
    return asked in _OF_LAUNCHED


def _batch(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    seq = as_seq(base)
    if seq is None:
        return Unknown(taints(base))
    size = plain(_argument(evaluator, node, 0, "linecount") or UNKNOWN)
    if node.name == "batch" and isinstance(size, int) and size > 0 and len(node.args) == 1 and is_counted(seq):
        return Seq(tuple(Seq(seq.items[start : start + size]) for start in range(0, len(seq.items), size)))
    if node.name == "batch" and size == 1 and len(node.args) == 1:
        return Seq(tuple(mapped(item, lambda each: Seq((each,), is_row=True)) for item in seq.items), seq.is_open)
    return Seq((seq,), is_open=True)


def _of_plain(base: Value, other: Value, made: Callable[[list[Any], list[Any]], list[Any]]) -> Value:
    """What is made of two lists without any job, where all is known that is in them."""
    first, second = plain(base), plain(other)
    if not (isinstance(first, list) and isinstance(second, list)):
        return UNKNOWN
    found = as_seq(lifted(made(first, second)))
    return UNKNOWN if found is None else _set_of(found)


def _read(_: EvaluatorInterface, base: Value, __: nodes.Filter) -> Value:
    """Plain data that is written as a text; of whatever else was made one it is that again."""
    if not (isinstance(base, Const) and isinstance(base.value, str)):
        return base
    try:
        root = compose(base.value.encode())
    except (SourceError, UnicodeEncodeError):
        return UNKNOWN
    return Const(None) if root is None else lifted(data_of(root))


def _listed(_: EvaluatorInterface, base: Value, __: nodes.Filter) -> Value:
    """The letters of a text, the keys of a dictionary, or the list itself."""
    data = plain(base) if isinstance(base, (Const, Map)) else NOT_PLAIN
    return lifted(list(data)) if isinstance(data, (str, dict)) else base


def _difference(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """What is in the list and not in the other: a job that both may hold is perhaps taken out."""
    other = _argument(evaluator, node, 0) or UNKNOWN
    if isinstance(base, Unknown) and base.hosts is not None:
        return Unknown(base.taints, host_sets.without(base.hosts, hosts_in(other)))
    if not taints(base):
        return _of_plain(base, other, lambda first, second: [item for item in first if item not in second])
    seq = as_seq(base)
    if seq is None or not taints(base).isdisjoint(taints(other)):
        return Unknown(taints(base))
    return _set_of(seq)


def _intersect(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """What is in both lists. In a list of plain data there is no job, and what else is in it decides nothing."""
    other = _argument(evaluator, node, 0) or UNKNOWN
    seq = as_seq(base)
    if isinstance(base, Unknown) and base.hosts is not None:
        return Unknown(base.taints, host_sets.within(base.hosts, hosts_in(other)))
    if base == other:
        return base
    if not taints(base):
        return _of_plain(base, other, lambda first, second: [item for item in first if item in second])
    if seq is None or plain(other) is NOT_PLAIN:
        return Unknown(taints(base))
    return Seq(tuple(item for item in seq.items if not handles(item)), seq.is_open)


def _symmetric_difference(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    other = _argument(evaluator, node, 0) or UNKNOWN
    if not (taints(base) or taints(other)):
        return _of_plain(
            base,
            other,
            lambda first, second: [
                *(item for item in first if item not in second),
                *(item for item in second if item not in first),
            ],
        )
    if taints(base).isdisjoint(taints(other)):
        return _union(evaluator, base, node)
    return Unknown(taints(base) | taints(other))


def _attribute(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    key = _argument(evaluator, node, 0)
    return evaluator.part(base, plain(key) if key is not None else NOT_PLAIN)


def _extract(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    if len(node.args) > 1 and evaluator.is_hosts(node.args[0]):
        is_own = isinstance(node.node, nodes.Name) and node.node.name == "inventory_hostname"
        return evaluator.path(plain(evaluator.value(node.args[1])), None if is_own else hosts_in(base))
    keys = [plain(base), *_keys(_argument(evaluator, node, 1, "morekeys"))]
    if node.args:
        return _taken(evaluator, node.args[0], keys)
    container = _argument(evaluator, node, 0, "container")
    return evaluator.follow(container, keys) if container is not None else UNKNOWN


def _taken(evaluator: EvaluatorInterface, container: nodes.Expr, keys: list[object]) -> Value:
    """``container[key][key]`` and so on."""
    if isinstance(container, nodes.Name) and container.name == "vars":
        return evaluator.path(keys, None)
    return evaluator.follow(evaluator.value(container), keys)


def _keys(value: Value | None) -> list[object]:
    """The keys that are given one by one or as a list."""
    if value is None:
        return []
    several = as_seq(value)
    return [plain(key) for key in several.items] if several is not None else [plain(value)]


def _sum(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    """Lists put together, where the sum starts with a list."""
    start = _argument(evaluator, node, 1, "start")
    if start is None or as_seq(start) is None:
        return Unknown(taints(base))
    attribute = _argument(evaluator, node, 0, "attribute")
    seq = as_seq(base)
    if attribute is None or seq is None:
        return flattened(base, 1)
    path = str(plain(attribute)).split(".")
    return flattened(Seq(tuple(evaluator.follow(item, path) for item in seq.items), seq.is_open), 1)


def _items(_: EvaluatorInterface, base: Value, __: nodes.Filter) -> Value:
    mapping = as_map(base)
    return entries(mapping, "items") if mapping is not None else Unknown(taints(base))


def _random(_: EvaluatorInterface, base: Value, __: nodes.Filter) -> Value:
    seq = as_seq(base)
    return one_of(Seq(seq.items, is_open=True)) if seq is not None else Unknown(taints(base))


def _join(_: EvaluatorInterface, base: Value, __: nodes.Filter) -> Value:
    """One text of all; of a list with one item it is that."""
    seq = as_seq(base)
    is_single = seq is not None and len(seq.items) == 1 and is_counted(seq)
    return seq.items[0] if seq is not None and is_single and isinstance(seq.items[0], JobId) else Unknown(taints(base))


def _format(evaluator: EvaluatorInterface, base: Value, node: nodes.Filter) -> Value:
    arguments = [evaluator.value(argument) for argument in node.args]
    return _unknown_filter(evaluator, base, node) if node.kwargs else evaluator.filled(base, "%s", arguments)


HANDLERS: dict[str, Handler] = {
    "default": _default,
    "d": _default,
    "ternary": _ternary,
    "map": _map,
    "select": _selected(keeps=True, by_attribute=False),
    "reject": _selected(keeps=False, by_attribute=False),
    "selectattr": _selected(keeps=True, by_attribute=True),
    "rejectattr": _selected(keeps=False, by_attribute=True),
    "flatten": _flatten,
    "first": lambda _, base, __: _ends(base, first=True),
    "last": lambda _, base, __: _ends(base, first=False),
    "union": _union,
    "symmetric_difference": _symmetric_difference,
    "difference": _difference,
    "intersect": _intersect,
    "combine": _combine,
    "dict2items": _dict2items,
    "items2dict": _items2dict,
    "rekey_on_member": _rekey_on_member,
    "zip": _zip,
    "zip_longest": _zip_longest,
    "subelements": _subelements,
    "groupby": _groupby,
    "product": _product,
    "bool": _bool,
    "list": _listed,
    "from_json": _read,
    "from_yaml": _read,
    "unique": _unique,
    "sort": _sort,
    "reverse": _reverse,
    "shuffle": _shuffle,
    **dict.fromkeys(("string", "to_json", "to_nice_json", "to_yaml", "to_nice_yaml", "tojson"), _as_text),
    "length": _length,
    "count": _length,
    "json_query": _json_query,
    "batch": _batch,
    "slice": _batch,
    "attr": _attribute,
    "extract": _extract,
    "random": _random,
    "sum": _sum,
    "items": _items,
    "dictsort": _dictsort,
    "join": _join,
    "format": _format,
}
"""Filter -> what it does: of Jinja, of ansible-core 2.16 to 2.22, and ``json_query`` of community.general."""
