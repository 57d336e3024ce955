"""Templates to values: names looked up, attributes followed, arithmetic done. Nothing is rendered."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes

from ansible_reap.content import expressions
from ansible_reap.content.source import Hidden, Unsafe
from ansible_reap.flow.evaluation import bounds, filters, functions, host_sets, parts
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, neg
from ansible_reap.flow.evaluation.host_sets import HostSet
from ansible_reap.flow.evaluation.layers import CACHEABLE, CALLED, Choices, Layer, Scope
from ansible_reap.flow.evaluation.scalars import ARITHMETIC, MAX_TEXT, as_number, combined
from ansible_reap.flow.evaluation.truths import truth
from ansible_reap.flow.evaluation.values import (
    MAX_ITEMS,
    NOT_PLAIN,
    UNDEFINED,
    UNKNOWN,
    Alt,
    Const,
    Job,
    JobId,
    Lazy,
    Map,
    Results,
    Seq,
    Undefined,
    Unknown,
    Value,
    alt,
    forced,
    had_anywhere,
    handles,
    hosts_in,
    mapped,
    mapping,
    options,
    plain,
    present,
    taints,
)
from ansible_reap.records import replace

MAX_DEPTH = 24
MAX_STEPS = 20_000
MAX_PRODUCT = 24

OMIT = Const("__omit__")


class Evaluator:
    """Works out values in one scope. Steps are bounded; past the bound everything is unknown."""

    def __init__(self, scope: Scope, live: frozenset[int] = frozenset()) -> None:
        self.scope = scope
        self.live = live
        """The jobs that anything unknown might mean, once the bound is hit."""
        self.misses_results: set[int] = set()
        """Jobs whose id was asked of the looped register itself instead of its results."""
        self.folds_settings = True
        """Whether settings (role defaults up to play vars) count as constants."""
        self.splits_on_settings = False
        """Whether ``a if setting else b`` is either, though the setting's value is known: others may set it."""
        self._steps = 0
        self._depth = 0
        self._reading: set[tuple[str, int]] = set()

    def within(self, scope: Scope) -> Evaluator:
        """One that asks the same in another scope."""
        other = Evaluator(scope, self.live)
        other.folds_settings = self.folds_settings
        return other

    # ---- data and text

    def data(self, data: Any) -> Value:
        """Plain data with templates in it."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, (list, dict)) and not expressions.has_templates(data):
            return Const(data)
        if isinstance(data, list):
            if not self._enter():
                return self._too_much()
            items = (*(self.data(item) for item in data[:MAX_ITEMS]), *self.left(data))
            self._depth -= 1
            return Seq(items, is_open=len(data) > MAX_ITEMS)
        if isinstance(data, dict):
            if not self._enter():
                return self._too_much()
            found = mapping(
                (plain(self.text(key)) if isinstance(key, str) else key, self.data(inner))
                for key, inner in data.items()
            )
            self._depth -= 1
            return found
        return Const(data)

    def left(self, written: list[Any]) -> list[Value]:
        """What stands for the items of a list beyond the bound, where they may be jobs: one item that may be any."""
        held = taints(self._by_names(expressions.names_in(written[MAX_ITEMS:]))) if len(written) > MAX_ITEMS else None
        if not held:
            return []
        bounds.met(f"a list of more than {MAX_ITEMS} items; wait for fewer jobs at once", held)
        return [Unknown(held)]

    def text(self, text: str) -> Value:
        """A string that Ansible would template."""
        if isinstance(text, Hidden):
            return UNKNOWN
        if isinstance(text, Unsafe) or not expressions.is_template(text):
            return Const(text)
        parts = expressions.template(text)
        if parts is None:
            names = expressions.names(text)
            return self._by_names(names) if names else self._by_text(text)
        if not parts:
            return Const("")
        solid = [part for part in parts if not (isinstance(part, str) and not part.strip())]
        if len(solid) == 1 and not isinstance(solid[0], str):
            return self.value(solid[0])
        values = [Const(part) if isinstance(part, str) else self.value(part) for part in parts]
        return self._joined(values)

    def _joined(self, values: list[Value]) -> Value:
        values = [present(value) for value in values]
        named = [value for value in values if isinstance(value, JobId)]
        if len(named) == 1:
            behind = [plain(value) for value in values[values.index(named[0]) + 1 :]]
            if any(isinstance(text, str) and "/.." in text for text in behind):
                return Unknown(taints(named[0]))
            has_more = named[0].has_more or any(value is not named[0] and plain(value) != "" for value in values)
            return replace(named[0], has_more=has_more)  # a path or text round it still names the job
        results: list[tuple[Formula, str]] = [(True, "")]
        for value in values:
            grown: list[tuple[Formula, str]] = []
            for guard, inner in options(value):
                data = plain(inner)
                if data is NOT_PLAIN:
                    return Unknown(frozenset().union(*(taints(part) for part in values)))
                grown += [(conj(under, guard), text + str(data)) for under, text in results]
            if len(grown) > MAX_PRODUCT or any(len(text) > MAX_TEXT for _, text in grown):
                return Unknown(frozenset().union(*(taints(part) for part in values)))
            results = grown
        return alt((guard, Const(text)) for guard, text in results)

    def filled(self, base: Value, place: str, parts: list[Value]) -> Value:
        """A text with these in the places that it has for them."""
        text = plain(base)
        pieces = text.split(place) if isinstance(text, str) else []
        if len(pieces) != len(parts) + 1 or any(mark in piece for piece in pieces for mark in "%{}"):
            return Unknown(taints(base).union(*map(taints, parts)))
        between = (value for piece, part in zip(pieces[1:], parts, strict=True) for value in (part, Const(piece)))
        return self._joined([Const(pieces[0]), *between])

    def _by_text(self, text: str) -> Value:
        """Text that does not parse may mean every job whose variable it mentions."""
        found: set[int] = set()
        for layer, variables in self.scope.layers:
            if layer in (Layer.LOOP, Layer.PARAMS, Layer.FACTS):
                for name, held in variables.items():
                    if isinstance(held, (Job, JobId, Results, Unknown, Alt, Seq, Map)) and name in text:
                        found |= taints(held)
        return Unknown(frozenset(found))

    def _by_names(self, names: frozenset[str]) -> Value:
        found: set[int] = set()
        for name in names:
            found |= taints(self.name(name))
        return Unknown(frozenset(found))

    # ---- names

    def name(self, name: str, below: int = 0) -> Value:
        """What the name holds."""
        if name == "omit":
            return OMIT
        if name == "vars":
            return Unknown(self.live)  # all variables: any job's register may be taken from them
        for number, layer, raw in self.scope.find(name, below):
            if (name, number) in self._reading:
                continue  # defined in terms of itself: the next layer's is meant
            if not self._enter():
                return self._too_much()
            self._reading.add((name, number))
            try:
                value = self._ready(raw)
            finally:
                self._reading.discard((name, number))
                self._depth -= 1
            if isinstance(value, Undefined) and not value.is_sure:
                continue
            if not self.folds_settings and layer not in CALLED and layer is not Layer.MAGIC and not taints(value):
                return UNKNOWN
            return self._complete(value, name, number)
        return UNDEFINED

    def _complete(self, value: Value, name: str, number: int) -> Value:
        """A fact that is set only under a condition leaves what a lower layer says."""
        if not isinstance(value, Alt) or not any(isinstance(inner, Undefined) for _, inner in value.options):
            return value
        lower = self.name(name, number + 1)
        if isinstance(lower, Undefined):
            return value
        return alt((guard, lower if isinstance(inner, Undefined) else inner) for guard, inner in value.options)

    def _ready(self, raw: Any) -> Value:
        if isinstance(raw, (Lazy, Alt)):
            value = raw.unfolded if isinstance(raw, Lazy) and not self.folds_settings else forced(raw)
            if isinstance(raw, Lazy) and raw.template and isinstance(value, Undefined):
                return self.text(raw.template)
            return value
        if isinstance(raw, (Const, Unknown, Undefined, Job, JobId, Results, Seq, Map)):
            return raw
        if isinstance(raw, Choices):
            return alt(
                (Atom(f"{raw.name} #{number}", raw.name, str(number)), self.data(each))
                for number, each in enumerate(raw.raws)
            )
        return self.data(raw)

    def _enter(self) -> bool:
        self._steps += 1
        bounds.spend(5)
        if self._steps > MAX_STEPS or self._depth > MAX_DEPTH:
            return False
        self._depth += 1
        return True

    def _too_much(self) -> Value:
        what = (
            f"an expression of more than {MAX_STEPS:,} steps, or {MAX_DEPTH} within each other; give parts of it names"
        )
        bounds.met(what, self.live)
        return Unknown(self.live)

    # ---- expressions

    def value(self, node: nodes.Node) -> Value:
        """The value of an expression."""
        if not self._enter():
            return self._too_much()
        try:
            return self._value(node)
        finally:
            self._depth -= 1

    def _value(self, node: nodes.Node) -> Value:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            result: Value = method(node)
            return result
        kind = type(node)
        if kind in ARITHMETIC:
            return self._arithmetic(node)
        return self.anything(node)

    def anything(self, node: nodes.Node) -> Value:
        """What comes of the names in an expression that is not understood."""
        return self._by_names(frozenset(name.name for name in node.find_all(nodes.Name)))

    def _const(self, node: nodes.Const) -> Value:
        return Const(node.value)

    def _templatedata(self, node: nodes.TemplateData) -> Value:
        return Const(node.data)

    def _name(self, node: nodes.Name) -> Value:
        return self.name(node.name)

    def _list(self, node: nodes.List) -> Value:
        return Seq(tuple(self.value(item) for item in node.items))

    def _tuple(self, node: nodes.Tuple) -> Value:
        return Seq(tuple(self.value(item) for item in node.items))

    def _dict(self, node: nodes.Dict) -> Value:
        return mapping((plain(self.value(pair.key)), self.value(pair.value)) for pair in node.items)

    def _condexpr(self, node: nodes.CondExpr) -> Value:
        other: Value = self.value(node.expr2) if node.expr2 is not None else UNDEFINED
        return self.choice(node.test, self.value(node.expr1), other)

    def choice(self, test: nodes.Node, yes: Value, no: Value) -> Value:
        """The one value or the other, as the test says.

        Where one of them is about a job, a setting's value here does not decide: the job's launch may stand under the
        value that others set.
        """
        splits = self.splits_on_settings or bool(taints(yes) or taints(no))
        folds, self.folds_settings = self.folds_settings, self.folds_settings and not splits
        try:
            guard = self.truth(test)
        finally:
            self.folds_settings = folds
        return alt([(guard, yes), (neg(guard), no)])

    def truth(self, node: nodes.Node) -> Formula:
        """The expression as a condition."""
        return truth(self, node)

    def _not(self, node: nodes.Not) -> Value:
        return _truth_value(neg(self.truth(node.node)))

    def _compare(self, node: nodes.Compare) -> Value:
        return _truth_value(self.truth(node))

    def _test(self, node: nodes.Test) -> Value:
        return _truth_value(self.truth(node))

    def _and(self, node: nodes.And) -> Value:
        return self._either(node, stops_on=False)

    def _or(self, node: nodes.Or) -> Value:
        return self._either(node, stops_on=True)

    def _either(self, node: nodes.BinExpr, *, stops_on: bool) -> Value:
        guard = self.truth(node.left)
        first, second = (guard, neg(guard)) if stops_on else (neg(guard), guard)
        if first is True:
            return self.value(node.left)
        if second is True:
            return self.value(node.right)
        return alt([(first, self.value(node.left)), (second, self.value(node.right))])

    def _concat(self, node: nodes.Concat) -> Value:
        return self._joined([self.value(part) for part in node.nodes])

    def _neg(self, node: nodes.Neg) -> Value:
        return mapped(self.value(node.node), lambda value: as_number(value, operator.neg))

    def _pos(self, node: nodes.Pos) -> Value:
        return self.value(node.node)

    def _arithmetic(self, node: nodes.Node) -> Value:
        assert isinstance(node, nodes.BinExpr)
        left, right = self.value(node.left), self.value(node.right)
        function = ARITHMETIC[type(node)]
        pairs = [(conj(a, b), x, y) for a, x in options(left) for b, y in options(right)]
        if len(pairs) > MAX_PRODUCT:
            held = taints(left) | taints(right)
            bounds.met(f"a sum with more than {MAX_PRODUCT} possible pairs of values; add up fewer at once", held)
            return Unknown(held)
        return alt((guard, self._combined(function, x, y)) for guard, x, y in pairs)

    def _combined(self, function: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
        """Two values added and so on; an id and a text are put together."""
        one, other = (left, right) if isinstance(left, JobId) else (right, left)
        is_text = isinstance(one, JobId) and isinstance(plain(other), str)
        return self._joined([left, right]) if function is operator.add and is_text else combined(function, left, right)

    # ---- parts of values

    def _getattr(self, node: nodes.Getattr) -> Value:
        special = self._special_base(node.node, node.attr)
        if special is not None:
            return special
        if _is_name(node.node, "groups"):
            return self._group(nodes.Const(node.attr))
        return self.part(self.value(node.node), node.attr)

    def _getitem(self, node: nodes.Getitem) -> Value:
        if isinstance(node.arg, nodes.Slice):
            return parts.stretch(self, self.value(node.node), node.arg)
        if _is_name(node.node, "groups"):
            return self._group(node.arg)
        key = self.value(node.arg)
        special = self._special_base(node.node, plain(key))
        if special is not None:
            return special
        base = self.value(node.node)
        choices = [(guard, self.part(base, plain(inner))) for guard, inner in options(key)]
        return alt(choices)

    def _special_base(self, base: nodes.Node, key: object) -> Value | None:
        """``hostvars[host].x`` and ``vars['x']`` are just x."""
        base = _got(base)
        of_facts = _above_facts(base)
        if of_facts is not None and isinstance(key, str):
            return self._cacheable(of_facts, key)
        is_hosts = _is_one_host(base)
        if is_hosts or _is_name(base, "vars"):
            if not isinstance(key, str):
                return Unknown(self.live)
            hosts = self._whose(base) if is_hosts else None
            return self.name(key) if hosts is None else had_anywhere(self.name(key), hosts)
        return UNKNOWN if _is_name(base, "hostvars") else None

    def _cacheable(self, above: nodes.Node, key: str) -> Value | None:
        """The job that a task has put into ``ansible_facts`` by ``cacheable``; None for any other fact."""
        fact = self.name(f"{CACHEABLE}{key}")
        hosts = self._whose(above) if _is_one_host(above) else None
        if not handles(fact):
            return None
        return fact if hosts is None else had_anywhere(fact, hosts)

    def _whose(self, base: nodes.Node) -> HostSet | None:
        """The hosts of ``hostvars[...]``; None for the host itself that asks."""
        if isinstance(base, nodes.Getattr):
            return host_sets.named(base.attr)
        assert isinstance(base, nodes.Getitem)
        if _is_name(base.arg, "inventory_hostname"):
            return None
        found, written = hosts_in(self.value(base.arg)), _variable(base.arg)
        if found.lacks is None and written:
            found = HostSet((written,))
        return replace(found, written=found.written or written)

    def _group(self, key: nodes.Node) -> Value:
        """``groups[key]``: the hosts of the group."""
        name, written = plain(self.value(key)), _variable(key)
        patterns = (name,) if isinstance(name, str) else (written,) if written else ()
        return Unknown(hosts=HostSet(patterns, lacks=False if patterns else None, written=written))

    def is_hosts(self, node: nodes.Node) -> bool:
        """Whether the expression is ``hostvars`` itself."""
        return _is_name(node, "hostvars")

    def path(self, keys: object, of_hosts: HostSet | None) -> Value:
        """What the variable of these hosts holds, None for the host itself: its name, or a list of that and keys."""
        first, *rest = keys if isinstance(keys, list) and keys else [keys]
        base = self.name(first) if isinstance(first, str) else Unknown(self.live)
        base = base if of_hosts is None else had_anywhere(base, of_hosts)
        return self.follow(base, rest)

    def part(self, base: Value, key: object) -> Value:
        """``base.key`` or ``base[key]``; NOT_PLAIN as key is one that is not known."""
        return parts.part(self, base, key)

    def follow(self, base: Value, keys: Iterable[object]) -> Value:
        """``base[key][key]`` and so on."""
        for key in keys:
            base = parts.part(self, base, key)
        return base

    # ---- filters and calls

    def _filter(self, node: nodes.Filter) -> Value:
        if node.node is None:
            return UNKNOWN
        return filters.apply(self, node)

    def _call(self, node: nodes.Call) -> Value:
        return functions.apply(self, node)


def _is_one_host(node: nodes.Node) -> bool:
    """Whether it is ``hostvars`` of some host."""
    return isinstance(node, (nodes.Getitem, nodes.Getattr)) and _is_name(node.node, "hostvars")


def _above_facts(node: nodes.Node) -> nodes.Node | None:
    """What ``ansible_facts`` belongs to, where the node is that: a host of ``hostvars``, or itself; None of another."""
    if _is_name(node, "ansible_facts"):
        return node
    is_facts = isinstance(node, nodes.Getattr) and node.attr == "ansible_facts"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        is_facts = node.arg.value == "ansible_facts"
    above = getattr(node, "node", None)
    return above if is_facts and isinstance(above, nodes.Node) and _is_one_host(above) else None


def _is_name(node: nodes.Node, name: str) -> bool:
    return isinstance(node, nodes.Name) and node.name == name


def _got(node: nodes.Node) -> nodes.Node:
    """``hostvars.get(host)`` as ``hostvars[host]``."""
    called = node.node if isinstance(node, nodes.Call) and len(node.args) == 1 else None
    if not isinstance(called, nodes.Getattr) or called.attr != "get" or not _is_name(called.node, "hostvars"):
        return node
    assert isinstance(node, nodes.Call)
    return nodes.Getitem(called.node, node.args[0], "load")


def _variable(node: nodes.Node) -> str:
    """The template of a name alone; nothing of anything else."""
    return f"{{{{ {node.name} }}}}" if isinstance(node, nodes.Name) else ""


def _truth_value(formula: Formula) -> Value:
    if isinstance(formula, bool):
        return Const(formula)
    return alt([(formula, Const(value=True)), (neg(formula), Const(value=False))])
