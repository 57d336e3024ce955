"""What a variable can hold, as far as job ids and constants are concerned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, ClassVar

from ansible_reap.flow.evaluation import bounds, host_sets
from ansible_reap.flow.evaluation.formulas import Formula, conj, disj, implies, is_large, neg, satisfiable
from ansible_reap.flow.evaluation.host_sets import HostSet
from ansible_reap.flow.evaluation.layers import Scope
from ansible_reap.records import dataclass, replace

MAX_OPTIONS = 12
MAX_ITEMS = 200
MAX_LAZY_DEPTH = 30
MAX_WALK = 2000
MAX_PARTS = 20_000
"""Parts of what a fact holds, each counted as often as it stands in it."""
MAX_WITHIN = 60
"""Lists and dictionaries within each other in a fact."""


@dataclass(frozen=True, slots=True)
class Const:
    """Plain data without templates."""

    value: Any

    def __hash__(self) -> int:
        return hash(repr(self.value))


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything; ``taints`` are the jobs (instance numbers) whose handle or result may be in it."""

    taints: frozenset[int] = frozenset()
    hosts: HostSet | None = None
    """The hosts of which it is a list, or each of them in turn."""


@dataclass(frozen=True, slots=True)
class Undefined:
    """Something that nothing seen defines; ``is_sure`` where it certainly is not there."""

    is_sure: bool = False


EACH = -1
"""The index of a result that stands for each job of a loop in turn."""


class Stage(Enum):
    """What the holder of a job's result may know of it."""

    SKIPPED = "skipped"
    """There is no job: the launch was skipped, as for some items of its loop."""
    LAUNCHED = "launched"
    RUNNING = "running"
    """It is the result of a look that has found the job at work."""
    LOOKED = "looked"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Job:
    """The result of one job's launch or of a look at it: whoever holds it has the job's id.

    ``index`` is None for a launch's only job, the item's number where the launch loops over a list that is known, else
    EACH. ``is_partial`` says that it is one of several that cannot be told apart.
    """

    instance: int
    index: int | None = None
    is_partial: bool = False
    stage: Stage = Stage.LAUNCHED
    item: Value | None = None
    """What ``.item`` holds, where that matters: the handle that a reap looped over."""
    loop_var: str = "item"
    is_anywhere: bool = False
    """It was read through ``hostvars`` or the like: whichever host looks, it is this job."""
    of_hosts: HostSet | None = None
    """Those through whose ``hostvars`` it was read: no other host's job is meant. None: each host's own, or any."""
    changed: bool | None = True
    """Whether a launch, or a look, counts as changed: ``changed_when`` may say otherwise. None: that is not known."""
    failed: bool | None = False
    """Whether a launch counts as failed though it has started its job, or a look at one that runs: ``failed_when`` may
    say so. None: perhaps."""
    when: Formula = True
    """Under what the launch is not skipped; where it is, the result says so and there is no job."""


@dataclass(frozen=True, slots=True)
class JobId:
    """The job's id, its status file, or another name of the job."""

    instance: int
    index: int | None = None
    is_partial: bool = False
    is_anywhere: bool = False
    of_hosts: HostSet | None = None
    has_more: bool = False
    """It is not the id alone: a path, or with a text round it."""


@dataclass(frozen=True, slots=True)
class Results:
    """The register of a looped task: the results stand in ``.results``."""

    items: Seq


@dataclass(frozen=True, slots=True)
class Seq:
    """A list. Where it is open there may be more items than are known."""

    items: tuple[Value, ...]
    is_open: bool = False
    is_row: bool = False
    """Its items belong together, as those of several lists side by side: each place has its own meaning."""


@dataclass(frozen=True, slots=True)
class Map:
    """A dictionary with constant keys; what stands under a key that is not constant is in ``rest``."""

    entries: tuple[tuple[str, Value], ...]
    rest: Value | None = None

    def get(self, key: str) -> Value | None:
        """What stands under the key; None where it is certain that nothing does."""
        for name, value in self.entries:
            if name == key:
                return value
        return self.rest


@dataclass(frozen=True, slots=True)
class Alt:
    """One of several values, each under its condition; conditions need not cover everything."""

    options: tuple[tuple[Formula, Value], ...]


class Lazy:
    """A fact or parameter without any handle in it, worked out when something asks for it: most are never asked for."""

    __slots__ = ("_unfolded", "_value", "depth", "read", "read_unfolded", "scope", "template", "written")

    _nested: ClassVar[int] = 0
    """How many are being worked out now, one within the other."""

    def __init__(
        self,
        read: Callable[[], Value],
        written: str = "",
        depth: int = 0,
        template: str = "",
        scope: Scope | None = None,
        read_unfolded: Callable[[], Value] | None = None,
    ) -> None:
        self.read_unfolded = read_unfolded
        """What works it out where settings do not count as constants; None where that makes no difference."""
        self._unfolded: Value | None = None
        self.template = template
        """The text that it comes of, where it is one: what it names may be set only later."""
        self.scope = scope
        """What the names in that text meant where it was handed over."""
        self.read = read
        self.written = written
        self.depth = depth
        """How many others it may have to work out one within the other."""
        self._value: Value | None = None

    def __repr__(self) -> str:
        """As written, where that is known: it tells calls with different parameters apart."""
        return f"Lazy({self.written!r})" if self.written else object.__repr__(self)

    @property
    def value(self) -> Value:
        if self._value is None:
            if Lazy._nested >= MAX_LAZY_DEPTH:
                return UNKNOWN
            self._value = UNKNOWN  # what asks for itself is not known
            self._value = bounded(_worked_out(self.read))
        return self._value

    @property
    def unfolded(self) -> Value:
        """The value as a condition sees it, for which settings are no constants: a user may change them."""
        if self.read_unfolded is None:
            return self.value
        if self._unfolded is None:
            if Lazy._nested >= MAX_LAZY_DEPTH:
                return UNKNOWN
            self._unfolded = UNKNOWN
            self._unfolded = bounded(_worked_out(self.read_unfolded))
        return self._unfolded


def _worked_out(read: Callable[[], Value]) -> Value:
    Lazy._nested += 1  # noqa: SLF001 - it is how deep all of them are
    try:
        return read()
    finally:
        Lazy._nested -= 1  # noqa: SLF001


Value = Lazy | Const | Unknown | Undefined | Job | JobId | Results | Seq | Map | Alt

UNDEFINED = Undefined()
ABSENT = Undefined(is_sure=True)
UNKNOWN = Unknown()


def held_by(part: Value | None) -> Sequence[Value | None]:
    """The values that this one directly holds, where it is a collection or has alternatives."""
    if isinstance(part, Results):
        return (part.items,)
    if isinstance(part, Seq):
        return part.items
    if isinstance(part, Map):
        return (*(inner for _, inner in part.entries), part.rest)
    if isinstance(part, Alt):
        return tuple(inner for _, inner in part.options)
    return ()


def taints(value: Value | None) -> frozenset[int]:
    """Every job whose handle the value may hold."""
    found: set[int] = set()
    stack: list[Value | None] = [value]
    seen: set[int] = set()  # what stands in it many times is gone through once
    steps = 0
    while stack and steps < MAX_WALK:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        steps += 1
        if isinstance(part, (Job, JobId)):
            found.add(part.instance)
            if isinstance(part, Job) and part.item is not None:
                stack.append(part.item)
        elif isinstance(part, Unknown):
            found |= part.taints
        else:
            stack.extend(held_by(part))
    bounds.spend(steps)
    return frozenset(found)


def handles(value: Value | None) -> frozenset[int]:
    """The jobs whose handle itself (not merely something derived from the job) stands in the value."""
    found: set[int] = set()
    stack = [value]
    seen: set[int] = set()
    while stack:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, (Job, JobId)):
            found.add(part.instance)
        else:
            stack.extend(held_by(part))
    return frozenset(found)


def bounded(value: Value) -> Value:
    """The value; one that is not known where it holds too much, each part counted as often as it stands in it."""
    sizes: dict[int, int] = {}

    def size(part: Value | None, depth: int) -> int:
        if depth > MAX_WITHIN:
            return MAX_PARTS + 1
        if id(part) not in sizes:
            sizes[id(part)] = 1 + sum(size(each, depth + 1) for each in held_by(part))
        return sizes[id(part)]

    if size(value, 0) <= MAX_PARTS:
        return value
    held = taints(value)
    bounds.met(f"a value of more than {MAX_PARTS:,} parts, or {MAX_WITHIN} within each other; keep less in it", held)
    return Unknown(held)


def options(value: Value, under: Formula = True) -> list[tuple[Formula, Value]]:
    """The value's alternatives with their conditions, flattened."""
    if isinstance(value, Lazy):
        value = value.value
    if not isinstance(value, Alt):
        return [(under, value)]
    out: list[tuple[Formula, Value]] = []
    for guard, inner in value.options:
        out.extend(options(inner, conj(under, guard)))
    return out


def alt(choices: Iterable[tuple[Formula, Value]]) -> Value:
    """One of the choices. Equal values are merged; with too many conditions, or too complex ones, it is unknown."""
    guards: list[Formula] = []
    values: list[Value] = []
    held: frozenset[int] = frozenset()
    for guard, value in choices:
        for under, inner in options(value, guard):
            if under is False:
                continue
            at = next((at for at, known in enumerate(values) if known is inner or known == inner), None)
            if at is not None:
                guards[at] = disj(guards[at], under)
            elif len(values) <= MAX_OPTIONS * 4:
                guards.append(under)
                values.append(inner)
            else:
                held |= taints(inner)
    if len(values) > 1:
        _join_grown_lists(guards, values)
    if not values:
        return UNDEFINED
    if len(values) == 1 and (guards[0] is True or isinstance(values[0], (Const, Unknown, Undefined))):
        return values[0]
    if len(values) > MAX_OPTIONS or any(is_large(guard) for guard in guards):
        held = held.union(*(taints(value) for value in values))
        bounds.met(f"a value with more than {MAX_OPTIONS} alternatives; let fewer jobs share one variable", held)
        return Unknown(held)
    return Alt(tuple(zip(guards, values, strict=True)))


def _join_grown_lists(guards: list[Formula], values: list[Value]) -> None:
    """Make one of two alternatives where a list is the other with jobs added: each of these is there or not.

    A list that grows under a condition in each round of a loop would else have twice as many alternatives each time.
    """
    for at in range(len(values) - 1, -1, -1):
        longer = values[at]
        if not isinstance(longer, Seq) or longer.is_open or longer.is_row or not longer.items:
            continue
        for place, other in enumerate(values):
            shorter = as_seq(other)
            if place == at or shorter is None or shorter.is_open or shorter.is_row:
                continue
            count = len(shorter.items)
            if count < len(longer.items) and longer.items[:count] == shorter.items:
                added = [Alt(tuple(options(item, guards[at]))) for item in longer.items[count:]]
                if all(taints(item) for item in added):
                    values[place] = Seq((*shorter.items, *added))
                    guards[place] = disj(guards[place], guards[at])
                    del guards[at], values[at]
                    break


def present(value: Value) -> Value:
    """The value where it is there at all: a task that is given what is certainly not defined fails."""
    if not isinstance(value, Alt):
        return value
    there = [(guard, inner) for guard, inner in options(value) if not (isinstance(inner, Undefined) and inner.is_sure)]
    if len(there) == len(value.options):
        return value
    there = [(guard, inner) for guard, inner in there if satisfiable(guard)]
    if not there:
        return value
    return there[0][1] if len(there) == 1 else alt(there)


def mapped(value: Value, function: Callable[[Value], Value]) -> Value:
    """The function applied to each alternative."""
    if not isinstance(value, Alt):
        return function(value)
    return alt((guard, function(inner)) for guard, inner in options(value))


def replaced(old: Value | None, new: Value, guard: Formula) -> Value:
    """What a variable holds after an assignment that happens only under ``guard``."""
    if guard is True:
        return new
    if old is None:
        old = UNDEFINED
    if isinstance(old, Lazy) or isinstance(new, Lazy):
        if taints(old):
            return UNKNOWN if isinstance(old, Alt) else alt([(guard, new), *options(old, neg(guard))])
        depth = 1 + max(part.depth for part in (old, new) if isinstance(part, Lazy))
        if depth < MAX_LAZY_DEPTH and not taints(new):
            earlier, later = old, new
            return Lazy(
                lambda: replaced(forced(earlier), forced(later), guard),
                depth=depth,
                read_unfolded=lambda: replaced(_unfolded(earlier), _unfolded(later), guard),
            )
    if _is_large(old) or _is_large(new):
        # which of two long lists without any handle it is matters to nobody
        return new if isinstance(old, Undefined) else UNKNOWN
    return alt([(guard, new), *options(old, neg(guard))])


def forced(value: Value) -> Value:
    """The value with nothing in it still to be worked out."""
    if isinstance(value, Lazy):
        return value.value
    if isinstance(value, Alt) and any(isinstance(inner, Lazy) for _, inner in value.options):
        return alt(value.options)
    return value


def _unfolded(value: Value) -> Value:
    return value.unfolded if isinstance(value, Lazy) else forced(value)


def _is_large(value: Value) -> bool:
    return isinstance(value, (Seq, Map)) and not taints(value)


def plain(value: Value) -> Any:
    """The plain data that the value is, or NOT_PLAIN."""
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Seq) and not value.is_open:
        items: list[Any] = []
        for item in value.items:
            items.append(plain(item))
            if items[-1] is NOT_PLAIN:
                return NOT_PLAIN
        return items
    if isinstance(value, Map) and value.rest is None:
        entries = {key: plain(inner) for key, inner in value.entries}
        return NOT_PLAIN if any(inner is NOT_PLAIN for inner in entries.values()) else entries
    return NOT_PLAIN


class _NotPlain:
    """Marks that a value is no plain data."""

    __slots__ = ()


NOT_PLAIN = _NotPlain()


def lifted(data: Any) -> Value:
    """Plain data as a value: lists and dictionaries opened up one level at a time."""
    if isinstance(data, (list, tuple)):
        if len(data) > MAX_ITEMS:
            return Seq(tuple(Const(item) for item in data[:MAX_ITEMS]), is_open=True)
        return Seq(tuple(Const(item) for item in data))
    if isinstance(data, dict):
        return Map(tuple((str(key), Const(inner)) for key, inner in data.items()))
    return Const(data)


def mapping(pairs: Iterable[tuple[object, Value]]) -> Map:
    """The dictionary of these keys and values: of equal keys the last counts. NOT_PLAIN is a key that is not known."""
    found: dict[str, Value] = {}
    rest: Value | None = None
    for key, inner in pairs:
        if isinstance(key, (str, int, float, bool)):
            found[str(key)] = inner
        else:
            found = perhaps_replaced(found, inner)
            rest = inner if rest is None else Unknown(taints(rest) | taints(inner))
    return Map(tuple(found.items()), rest)


def perhaps_replaced(entries: dict[str, Value], new: Value) -> dict[str, Value]:
    """The entries of a dictionary of which one may have been replaced: the key of ``new`` is not known."""
    return {key: old if old == new else Unknown(taints(old) | taints(new)) for key, old in entries.items()}


def shortened(items: Sequence[Value], most: int, *, is_open: bool) -> Seq:
    """The list up to a bound; of what is beyond it only the jobs are kept, in one item that may be any of them."""
    if len(items) <= most:
        return Seq(tuple(items), is_open)
    held = taints(Seq(tuple(items[most:])))
    bounds.met(f"a list of more than {most:,} items; wait for fewer jobs at once", held)
    return Seq((*items[:most], *((Unknown(held),) if held else ())), is_open=True)


def as_seq(value: Value) -> Seq | None:
    """The value as a list, where it is one."""
    if isinstance(value, Const) and isinstance(value.value, (list, tuple)):
        value = lifted(value.value)
    return value if isinstance(value, Seq) else None


def as_map(value: Value) -> Map | None:
    """The value as a dictionary, where it is one."""
    if isinstance(value, Const) and isinstance(value.value, dict):
        value = lifted(value.value)
    return value if isinstance(value, Map) else None


def one_of(seq: Seq) -> Value:
    """Some single item of the list, not known which."""
    if not seq.items:
        return UNKNOWN if seq.is_open else ABSENT
    if len(seq.items) == 1 and not seq.is_open:
        return picked(seq.items[0])
    found = taints(seq)
    first = seq.items[0]
    if len(found) == 1 and isinstance(first, (Job, JobId)) and all(isinstance(item, type(first)) for item in seq.items):
        return replace(first, index=EACH, is_partial=True)
    return Unknown(found)


def is_counted(seq: Seq) -> bool:
    """Whether each item stands at its own place: none is left out under a condition, none stands for several."""
    return not seq.is_open and not any(
        (isinstance(item, Alt) and not _is_always_there(item))
        or (isinstance(item, (Job, JobId)) and item.index == EACH)
        for item in seq.items
    )


def _is_always_there(item: Alt) -> bool:
    """Whether the item has a value under any condition, so that it keeps its place in its list."""
    return implies(True, disj(*(guard for guard, _ in item.options)))


def with_jobs(value: Value, change: Callable[[Job | JobId], Job | JobId]) -> Value:
    """The value with every job in it, and every id of one, replaced by what ``change`` makes of it."""
    known: dict[int, Value] = {}  # a value that stands in another many times is gone through once

    def changed(inner: Value) -> Value:
        if isinstance(inner, (Job, JobId)):
            return change(inner)
        if id(inner) not in known:
            known[id(inner)] = _with_jobs_within(inner, changed)
        return known[id(inner)]

    return changed(value)


def _with_jobs_within(value: Value, changed: Callable[[Value], Value]) -> Value:
    if isinstance(value, Results):
        items = changed(value.items)
        return Results(items) if isinstance(items, Seq) else value
    if isinstance(value, Seq):
        return replace(value, items=tuple(changed(item) for item in value.items))
    if isinstance(value, Map):
        entries = tuple((key, changed(inner)) for key, inner in value.entries)
        return Map(entries, None if value.rest is None else changed(value.rest))
    if isinstance(value, Alt):
        return Alt(tuple((guard, changed(inner)) for guard, inner in value.options))
    return value


def with_conditions(value: Value, change: Callable[[Formula], Formula]) -> Value:
    """The value with every condition in it replaced by what ``change`` makes of it."""
    known: dict[int, Value] = {}  # a value that stands in another many times is gone through once

    def changed(inner: Value) -> Value:
        if id(inner) not in known:
            known[id(inner)] = _with_conditions_within(inner, change, changed)
        return known[id(inner)]

    return changed(value)


def _with_conditions_within(
    value: Value, change: Callable[[Formula], Formula], changed: Callable[[Value], Value]
) -> Value:
    if isinstance(value, Results):
        items = changed(value.items)
        return Results(items) if isinstance(items, Seq) and items is not value.items else value
    if isinstance(value, Seq):
        parts = tuple(map(changed, value.items))
        return value if _are_same(parts, value.items) else replace(value, items=parts)
    if isinstance(value, Map):
        entries = tuple((key, changed(inner)) for key, inner in value.entries)
        rest = None if value.rest is None else changed(value.rest)
        is_same = rest is value.rest and _are_same([each for _, each in entries], [each for _, each in value.entries])
        return value if is_same else Map(entries, rest)
    if isinstance(value, Alt):
        return Alt(tuple((change(guard), changed(inner)) for guard, inner in value.options))
    return value


def _are_same(new: Sequence[Value], old: Sequence[Value]) -> bool:
    return all(each is other for each, other in zip(new, old, strict=True))


def had_anywhere(value: Value, of_hosts: HostSet | None = None) -> Value:
    """The value as another host sees it: the jobs in it are the same for every host."""
    if not taints(value):
        return value
    return with_jobs(
        value,
        lambda job: job if job.is_anywhere else replace(job, is_anywhere=True, of_hosts=job.of_hosts or of_hosts),
    )


def of_first_host(value: Value, *, is_sure: bool = True) -> Value:
    """The value as every host has it that only the first one worked out: a host's own job is that of the first now."""
    hosts = host_sets.FIRST if is_sure else host_sets.NOT_KNOWN
    return with_jobs(value, lambda job: job if job.is_anywhere or job.of_hosts else replace(job, of_hosts=hosts))


def hosts_in(value: Value | None) -> HostSet:
    """The hosts that the value names, one or a list of them."""
    if isinstance(value, Unknown):
        return value.hosts or host_sets.NOT_KNOWN
    data = plain(value) if value is not None else None
    if isinstance(data, str):
        return host_sets.named(data)
    seq = as_seq(value) if value is not None else None
    if seq is None or seq.is_open or not seq.items:
        return host_sets.NOT_KNOWN
    found = hosts_in(seq.items[0])
    for item in seq.items[1:]:
        found = host_sets.joined(found, hosts_in(item))
    return found


def picked(item: Value) -> Value:
    """An item taken out of its list by position: where it stands for each job in turn, it is now just one."""
    if isinstance(item, (Job, JobId)) and item.index == EACH:
        return replace(item, is_partial=True)
    if isinstance(item, Alt):
        return mapped(item, picked)
    return item


def is_of_launch(value: Value | None) -> bool:
    """Whether the value holds no job but as its launch has told of it."""
    stack: list[Value | None] = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, Unknown) and part.taints:
            return False
        if isinstance(part, Job):
            if part.stage not in (Stage.LAUNCHED, Stage.SKIPPED):
                return False
            stack.append(part.item)
        else:
            stack.extend(held_by(part))
    return True
