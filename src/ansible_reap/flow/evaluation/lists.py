"""Operations on lists and dictionaries of values: flatten, zip, combine, turn into pairs of key and value."""

from __future__ import annotations

from ansible_reap.flow.evaluation.formulas import Formula, conj, disj, neg
from ansible_reap.flow.evaluation.shared import EvaluatorInterface
from ansible_reap.flow.evaluation.values import (
    ABSENT,
    EACH,
    MAX_ITEMS,
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
    as_seq,
    is_counted,
    options,
    picked,
    plain,
    shortened,
    taints,
)

MAX_FLATTENED = 400
MAX_PLACE = 4
"""Places of a list with items that may be left out that are worked out."""


def defaulted(value: Value, default: Value, *, on_false: bool = False, there: Formula | None = None) -> Value:
    """The value, or the default where it is not defined; ``there`` says when the value counts, where it is known."""
    choices: list[tuple[Formula, Value]] = []
    for guard, inner in options(value):
        if isinstance(inner, Undefined) or (on_false and _is_false(inner)):
            choices.append((guard, default))
        elif isinstance(inner, Unknown) and not inner.taints and there is not None:
            choices += [(conj(guard, there), inner), (conj(guard, neg(there)), default)]
        elif isinstance(inner, Unknown) and not inner.taints:
            choices += [(guard, inner), (guard, default)] if default != Const("") else [(guard, inner)]
        else:
            choices.append((guard, inner))
    return alt(choices)


def _is_false(value: Value) -> bool:
    """Whether it counts as false: an empty text, list or dictionary does."""
    if isinstance(value, Seq):
        return not (value.items or value.is_open)
    if isinstance(value, Map):
        return not value.entries and value.rest is None
    return isinstance(value, Const) and not value.value


def left_at(seq: Seq, place: int) -> Value:
    """The item at a place, from 0 or from -1 backwards, of a list of which conditions may have left out some."""
    items = seq.items
    if place < 0:
        items, place = items[::-1], -1 - place
    if place >= MAX_PLACE:
        return Unknown(taints(seq))
    choices: list[tuple[Formula, Value]] = []
    before: list[Formula] = [True, *[False] * place]  # by number, whether so many items stand before the next one
    for item in items:
        found = options(item)
        choices += [(conj(before[place], guard), picked(inner)) for guard, inner in found]
        there = disj(*(guard for guard, _ in found))
        one_less: list[Formula] = [False, *before[:-1]]
        before = [disj(conj(same, neg(there)), conj(less, there)) for same, less in zip(before, one_less, strict=True)]
        if not any(before):
            break
    return alt([*choices, (disj(*before), ABSENT)])


def flattened(value: Value, levels: int = 20) -> Value:
    """Lists within the list opened up."""
    seq = as_seq(value)
    if seq is None or levels < 1:
        return value
    items: list[Value] = []
    is_open = seq.is_open
    for item in seq.items:
        for guard, inner in options(item):
            below = as_seq(inner)
            if below is None:
                items.append(inner if guard is True else Alt(((guard, inner),)))
                continue
            deeper = flattened(below, levels - 1)
            assert isinstance(deeper, Seq)
            items.extend(part if guard is True else Alt(((guard, part),)) for part in deeper.items)
            is_open = is_open or deeper.is_open
    return shortened(items, MAX_FLATTENED, is_open=is_open)


def entries(mapping: Map | None, what: str) -> Value:
    """The items, keys or values of a dictionary as a list."""
    if mapping is None:
        return UNKNOWN
    pairs = [(Const(key), inner) for key, inner in mapping.entries]
    if mapping.rest is not None:
        pairs.append((UNKNOWN, mapping.rest))  # type: ignore[arg-type]
    if what == "keys":
        return Seq(tuple(key for key, _ in pairs), mapping.rest is not None)
    if what == "values":
        return Seq(tuple(inner for _, inner in pairs), mapping.rest is not None)
    return Seq(tuple(Seq((key, inner), is_row=True) for key, inner in pairs), mapping.rest is not None)


def keyed(mapping: Map, key_name: str = "key", value_name: str = "value") -> Seq:
    """The dictionary as a list of small ones with a key and a value each."""
    rows: list[Value] = [Map(((key_name, Const(key)), (value_name, inner))) for key, inner in mapping.entries]
    if mapping.rest is not None:
        rows.append(Map(((key_name, UNKNOWN), (value_name, mapping.rest))))
    return Seq(tuple(rows), mapping.rest is not None)


def zipped(lists: list[Value], fill: Value | None = None) -> Value:
    """The lists side by side; one whose length is not known goes with the others' summary items.

    With ``fill`` the rows go as far as the longest list, and it stands where a shorter one has ended (``zip_longest``).
    """
    seqs = [as_seq(part) for part in lists]
    known = [seq for seq in seqs if seq is not None]
    if not known:
        return Unknown(frozenset().union(*(taints(part) for part in lists)))
    summarised = [seq for seq in known if any(isinstance(i, (Job, JobId)) and i.index == EACH for i in seq.items)]
    others = () if fill is not None else (seq for seq in known if not seq.is_open and seq not in summarised)
    shortest = min((len(seq.items) for seq in others), default=None)
    if summarised:
        length = 0 if shortest == 0 else len(summarised[0].items)
    elif fill is not None:
        length = max(len(seq.items) for seq in known)
    else:
        length = min((len(seq.items) for seq in known if not seq.is_open), default=max(len(seq.items) for seq in known))
    rows: list[Value] = []
    for number in range(length):
        row: list[Value] = []
        for part, seq in zip(lists, seqs, strict=True):
            is_cut = shortest is not None if summarised else seq is not None and not seq.is_open and not is_counted(seq)
            if is_cut:
                row.append(Unknown(taints(part)))
            elif seq is not None and number < len(seq.items) and (not summarised or seq in summarised):
                row.append(seq.items[number])
            elif fill is not None and seq is not None and not seq.is_open and not summarised:
                row.append(fill)
            else:
                row.append(Unknown(taints(part)))
        rows.append(Seq(tuple(row), is_row=True))
    return Seq(tuple(rows), is_open=any(seq.is_open for seq in known))


def numbered(base: Value) -> Value:
    """Pairs of a place, from 0, and the item that stands there."""
    seq = as_seq(base)
    if seq is None:
        return Unknown(taints(base))
    places = (Const(at) if is_counted(seq) else UNKNOWN for at in range(len(seq.items)))
    return Seq(tuple(Seq(row, is_row=True) for row in zip(places, seq.items, strict=True)), seq.is_open)


def subelements(evaluator: EvaluatorInterface, base: Value, key: object) -> Value:
    """Pairs of an item and each thing in the list under ``key`` of it."""
    seq = as_seq(base)
    if seq is None:
        return Unknown(taints(base))
    rows: list[Value] = []
    is_open = seq.is_open
    for item in seq.items:
        inner = evaluator.follow(item, str(key).split("."))
        below = as_seq(inner)
        if below is None:
            # what of a job's result is not known may be no list, or one without items
            base_item = Unknown(taints(item)) if taints(inner) else item
            rows.append(Seq((base_item, Unknown(taints(inner))), is_row=True))
            is_open = True
        else:
            rows.extend(Seq((item, part), is_row=True) for part in below.items)
            is_open = is_open or below.is_open
    return Seq(tuple(rows), is_open)


def grouped(evaluator: EvaluatorInterface, base: Value, path: list[str], *, is_case_sensitive: bool = False) -> Value:
    """Pairs of a key and the items that have it, in the order of the keys: ``groupby`` on ansible-core 2.16 to 2.22."""
    seq = as_seq(base)
    if seq is None or not is_counted(seq):
        return Unknown(taints(base))
    groups: dict[str | float, tuple[Value, list[Value]]] = {}
    for item in seq.items:
        key = evaluator.follow(item, path)
        data = plain(key)
        if not isinstance(data, (str, int, float)):  # null stands for what is given at run time
            return Unknown(taints(base))
        alike = data.lower() if isinstance(data, str) and not is_case_sensitive else data
        groups.setdefault(alike, (key, []))[1].append(item)
    try:
        in_order = sorted(groups)
    except TypeError:  # numbers beside texts
        return Unknown(taints(base))
    return Seq(tuple(Seq((groups[key][0], Seq(tuple(groups[key][1]))), is_row=True) for key in in_order))


def crossed(lists: list[Value]) -> Value:
    """Every combination of the lists' items."""
    rows: list[tuple[Value, ...]] = [()]
    is_open = False
    for part in lists:
        seq = as_seq(part) or Seq((Unknown(taints(part)),), is_open=True)
        rows = [(*row, item) for row in rows for item in seq.items]
        is_open = is_open or seq.is_open or len(rows) > MAX_ITEMS
        if len(rows) > MAX_ITEMS:
            kept = shortened([Seq(row) for row in rows], MAX_ITEMS, is_open=True).items
            rows = [item.items if isinstance(item, Seq) else (item,) * len(rows[0]) for item in kept]
    return Seq(tuple(Seq(row, is_row=True) for row in rows), is_open)
