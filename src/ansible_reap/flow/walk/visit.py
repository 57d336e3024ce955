"""One task as the walk comes by it: its variables, its rounds, its conditions, where it runs and what it registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_reap.content import expressions
from ansible_reap.content.inventory import CONNECTION_VARIABLES, WHERE_VARIABLES
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Setting
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.conditions import condition
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, atoms, conj, decided, settled
from ansible_reap.flow.evaluation.host_sets import HostSet
from ansible_reap.flow.evaluation.layers import Layer, Scope
from ansible_reap.flow.evaluation.values import (
    UNKNOWN,
    Const,
    Job,
    Map,
    Seq,
    Stage,
    Unknown,
    Value,
    alt,
    as_map,
    handles,
    is_counted,
    options,
    plain,
    present,
    replaced,
    taints,
)
from ansible_reap.flow.walk import alterations, special
from ansible_reap.flow.walk.hosts import HostOverlap, given_by_the_play, overlap
from ansible_reap.flow.walk.loops import choices_of, loop_items, selected_by
from ansible_reap.flow.walk.state import FREE, Frame, is_yes, tags_of
from ansible_reap.flow.walk.tags import requested
from ansible_reap.flow.walk.walk import Walk
from ansible_reap.late_patterns import expression

MAX_ROUNDS = 200
"""Rounds of one loop that are gone through."""
MAX_NEEDED = 8
"""Variables of a task that are asked for whether they are defined."""
_LISTS = frozenset({"loop", "with_items", "with_list", "with_dict"})
"""Keywords of loops that have a round for each thing in what they are given."""
_NO_MORE_ITEMS = expression(
    r"\s*\|\s*(?:dict2items|list|sort|unique|reverse|select|selectattr|reject|rejectattr|map|flatten|intersect|difference)"
    r"\b\s*(?:\([^()]*\))?\s*\}\}\Z"
)
"""The last filter of a list, which gives nothing where it is given nothing."""


HOSTS_OF_PLAY = "on the hosts of "
"""How the text of a condition begins that only the hosts of the play meet that is named after it."""


class Round:
    """One round of the task's loop, or the task itself where it has none."""

    __slots__ = ("_under", "_visit", "evaluator", "item")

    def __init__(self, visit: Visit, evaluator: Evaluator, item: Value | None = None, under: Formula = True) -> None:
        self.evaluator = evaluator
        self.item = item
        """What the loop variable holds; None for a task without a loop."""
        self._visit = visit
        self._under = under

    @property
    def guard(self) -> Formula:
        """All that must hold for the round to be run, the conditions of the includes around it too."""
        return conj(self._visit.frame.guard, self.own_condition)

    @property
    def own_condition(self) -> Formula:
        """What must hold besides the includes around: for facts alone, which the end of the include sees to."""
        return conj(self._under, self._visit.condition_for(self.evaluator))


class Visit:
    """A task in the frame in which the walk has reached it."""

    __slots__ = ("_evaluator", "_items", "_lists", "frame", "step", "vars", "walk")

    def __init__(self, walk: Walk, step: Task, frame: Frame) -> None:
        self.walk = walk
        self.step = step
        self.frame = frame
        self.vars = step.vars
        """The task's own ``vars:``, as written."""
        self._evaluator: Evaluator | None = None
        self._items: tuple[Seq | None] | None = None
        self._lists: list[tuple[Formula, Seq]] | None = None

    @property
    def evaluator(self) -> Evaluator:
        """An evaluator of what the task sees, its loop's variables left out."""
        if self._evaluator is None:
            self._evaluator = self.walk.evaluator(self.frame, self.vars)
        return self._evaluator

    @property
    def scope(self) -> Scope:
        return self.evaluator.scope

    @property
    def items(self) -> Seq | None:
        """The items of the task's loop; None for a task without one."""
        if self._items is None:
            self._items = (loop_items(self.evaluator, self.step),)
        return self._items[0]

    @property
    def lists(self) -> list[tuple[Formula, Seq]]:
        """The lists that the task may loop over, each under its condition; none for a task without a loop."""
        if self._lists is None:
            self._lists = choices_of(self.evaluator, self.step)
        return self._lists

    @property
    def guard(self) -> Formula:
        """Under what the task runs: its own condition and those of all that is around it."""
        return conj(self.frame.guard, self.condition_for(self.evaluator))

    def condition_for(self, evaluator: Evaluator) -> Formula:
        """The task's own condition and those of its blocks, as the evaluator sees them; not those of the includes."""
        said = conj(
            *(self.walk.asked(evaluator, when, self.step) for when in self.frame.whens),
            self.walk.asked(evaluator, self.step.keywords.get("when"), self.step),
        )
        reading, changes = self.reading(evaluator), self.walk.state.changes
        asked = alterations.asked_now(said, changes, reading, self._written(outer=False))
        return conj(self._requested(evaluator), asked)

    def by_default(self, scope: Scope) -> Formula:
        """Under what it runs where nobody sets variables of the project otherwise; includes around are as they are."""
        evaluator = Evaluator(scope.by_default())
        whens = (*self.frame.whens, self.step.keywords.get("when"))
        return conj(self.frame.guard, *(condition(evaluator, when) for when in whens))

    @property
    def holds(self) -> Formula:
        """What must hold besides the conditions, or the task does nothing or fails.

        There is something in what it loops over, and in what that is made of, and what it is given is defined.
        """
        texts = [*self._looped_over(), *(f"{name} is defined" for name in sorted(self._needed())[:MAX_NEEDED])]
        if not texts:
            return True
        chosen = selected_by(self.evaluator, self._looped_over(), self.step.loop_variable)
        said = conj(chosen, *(self.walk.asked(self.evaluator, text, self.step) for text in texts))
        return alterations.asked_now(said, self.walk.state.changes, self.reading(self.evaluator), texts)

    def _looped_over(self) -> list[str]:
        """What the task loops over as written, and again without its last filter, for each that takes items away."""
        keyword = self.step.loop_keyword
        written = self.step.keywords[keyword] if keyword in _LISTS else None
        if not isinstance(written, str) or not written.startswith("{{"):
            return []
        texts, rest = [written], _NO_MORE_ITEMS.sub("}}", written)
        while rest != texts[-1]:
            texts.append(rest)
            rest = _NO_MORE_ITEMS.sub("}}", rest)
        return texts

    def _needed(self) -> set[str]:
        """The variables without which the task fails, its loop's own aside."""
        step = self.step
        given = [*step.args.values(), step.keywords.get(step.loop_keyword or "")]
        found = {name for each in given if isinstance(each, str) for name in expressions.required(each)}
        own = step.loop_variable if step.loop_keyword else None
        return {name for name in found if name.partition(".")[0] != own}

    def reading(self, evaluator: Evaluator) -> alterations.Reading:
        """Where and when the task asks for variables."""
        place = special.value_of_place(self.frame, self.keyword("environment"), self.walk.roles_of_play)
        beside = self.walk.inventory.beside_playbooks

        def said(scope: Scope, text: str) -> Formula:
            return self.walk.values.asked(Evaluator(scope), text, self.walk.steps)

        folder = self.frame.playbook_folder
        return alterations.Reading(evaluator.scope, self.walk.steps, place, lambda name: beside.of(folder, name), said)

    def _requested(self, evaluator: Evaluator) -> Formula:
        """Under what the task's tags let it run at all."""
        if self.frame.is_handler:
            return True
        written = self.frame.tags | tags_of(self.step.keywords)
        selections = self.walk.library.project.settings.tag_selections(self.frame.playbook or self.step.path)
        return requested(written, evaluator, selections) if written or selections else True

    def asks(self, guard: Formula) -> frozenset[str]:
        """The words of the task's conditions and of all that is around it; ``guard`` is what they come to."""
        return alterations.asked_for(self._written(outer=True), self.scope) | alterations.words_of(atoms(guard))

    def _written(self, *, outer: bool) -> list[object]:
        """The task's own condition and those of its blocks as written; ``outer``: those of the includes too."""
        own = [self.step.keywords["when"]] if "when" in self.step.keywords else []
        return [*(self.frame.asked if outer else ()), *self.frame.whens, *own]

    def changed_when(self, names: dict[str, Value]) -> Formula | None:
        """What ``changed_when`` says, with these names known besides; None where there is none."""
        written = self.step.keywords.get("changed_when")
        return None if written is None else self.asked(written, names)

    def until(self, names: dict[str, Value]) -> Formula | None:
        """What ``until`` says, with these names known besides; None where there is none."""
        written = self.step.keywords.get("until")
        return None if written is None else self.asked(written, names)

    def asked(self, written: Any, names: dict[str, Value]) -> Formula:
        """What a condition of the task says, with these names known besides."""
        return condition(Evaluator(self.any_round.evaluator.scope.with_layer(Layer.LOOP, names)), written)

    def argument(self, evaluator: Evaluator, *names: str) -> Value | None:
        """The module's argument, wherever it is given: at the task, by one template or by module_defaults.

        The template stands under ``args``, or in place of the arguments (ansible-core 2.16 and 2.22).
        """
        args = self.step.args
        whole = args.get("_variable_params", args.get("_raw_params"))
        given = evaluator.data(whole) if expressions.is_template(whole) else UNKNOWN
        for name in names:
            if name in args and not (name == "_raw_params" and as_map(given) is not None):
                return evaluator.data(args[name])
        if expressions.is_template(whole):
            return alt((under, evaluator.part(inner, names[0])) for under, inner in options(given))
        defaults = self.module_defaults
        return evaluator.data(defaults[names[0]]) if names[0] in defaults else None

    @property
    def args(self) -> dict[str, Any]:
        """The task's arguments as written, those of module_defaults among them."""
        return {**self.module_defaults, **self.step.args}

    @property
    def module_defaults(self) -> dict[str, Any]:
        """The arguments that module_defaults give the task's module."""
        found: dict[str, Any] = {}
        defaults, module = self.keyword("module_defaults"), self.step.module
        for name in (f"ansible.legacy.{module}", f"ansible.builtin.{module}", module):
            known = defaults.get(name) if isinstance(defaults, dict) else None
            found.update(known if isinstance(known, dict) else {})
        return found

    def rounds(self, most: int = MAX_ROUNDS) -> Iterator[Round]:
        """The rounds of the task's loop, one for each value that an item may have; one where there is no loop."""
        items = self.items
        if items is None:
            yield Round(self, self.evaluator)
            return
        for at, item in enumerate(items.items[:most]):
            for under, inner in options(present(item)):
                yield self.round_with(inner, under, at if is_counted(items) else None)
        left = taints(Seq(items.items[most:]))
        if left:
            bounds.met(f"a loop of more than {most} rounds; loop over fewer jobs at once", left)
            yield self.round_with(Unknown(left))

    def round_with(self, item: Value, under: Formula = True, at: int | None = None) -> Round:
        """The round in which the loop's item is this one; ``at`` is its place, from 0, where that is known."""
        return Round(self, self.walk.evaluator(self.frame, self.vars, self.bound(item, at)), item, under)

    @property
    def any_round(self) -> Round:
        """A round that stands for all: nothing is known of the item."""
        return Round(self, self.evaluator) if self.step.loop_keyword is None else self.round_with(UNKNOWN)

    def bound(self, item: Value, at: int | None = None) -> dict[str, Any]:
        """The loop's variables in the round of this item."""
        names: dict[str, Any] = {self.step.loop_variable: item}
        place: Value = UNKNOWN if at is None else Const(at)
        if self.step.index_variable is not None:
            names[self.step.index_variable] = place
        if self.step.has_extended_loop:
            number: Value = UNKNOWN if at is None else Const(at + 1)
            names["ansible_loop"] = Map((("index0", place), ("index", number)), UNKNOWN)
        return names

    def keyword(self, name: str) -> Any:
        """A keyword that plays and blocks hand down, as written at the task or nearest around it."""
        if name == "run_once" and self._is_free:
            return None
        return self.step.keywords.get(name, self.frame.keywords.get(name))

    @property
    def _is_free(self) -> bool:
        strategy = self.frame.keywords.get("strategy", self.walk.library.project.settings.strategy)
        return str(strategy).rpartition(".")[2] in FREE

    @property
    def run_once(self) -> object:
        """Whether it runs on the play's first host alone, as written: by its own keyword, or that of an include."""
        own = self.keyword("run_once")
        return own if self.frame.once is None or is_yes(own) else self.frame.once

    def given_of(self, hosts: HostSet) -> tuple[tuple[str, str], ...]:
        """What the play says of the variables by which these hosts are named."""
        text = f"{hosts.written} {hosts.pattern}"
        if "{" not in text:
            return ()
        own = [entries for layer, entries in self.frame.settings if layer is Layer.PLAY]
        return given_by_the_play(text, (*self.frame.params, *own))

    def setting(self) -> Setting:
        """Where, as whom and under what the task runs here."""
        delegate, become_user = self.keyword("delegate_to"), self.keyword("become_user")
        return Setting(
            via=(*self.frame.via, str(self.step.place)),
            playbook=self.frame.playbook,
            play=self.frame.play,
            hosts=self.frame.hosts,
            become=self.keyword("become"),
            become_user=None if become_user is None else str(become_user),
            delegate_to=None if delegate is None else str(delegate),
            run_once=self.run_once,
            check_mode=self.keyword("check_mode"),
            ignore_errors=self._switch("ignore_errors"),
            async_dir=self._async_dir(),
            connection=self.keyword("connection"),
            variables=self._connection_variables(),
        )

    def _switch(self, name: str) -> Any:
        """A keyword; where it is a template whose value neither a caller nor an inventory can change, that value."""
        written = self.keyword(name)
        if not expressions.is_template(written):
            return written
        evaluator = Evaluator(self.any_round.evaluator.scope.of_the_play())
        evaluator.folds_settings = False
        found = plain(evaluator.data(written))
        return found if isinstance(found, (bool, int, str)) else written

    def never_fails(self) -> bool:
        """Whether ``failed_when`` never holds, whatever the task's own result; of a wait, once the job has failed."""
        written = self.step.keywords.get("failed_when")
        if written is None:
            return False
        register = self.step.keywords.get("register")
        scopes = [each.evaluator.scope.of_the_play() for each in self.rounds()]
        if not isinstance(register, str):
            return bool(scopes) and all(settled(condition(Evaluator(scope), written)) is False for scope in scopes)
        waits = "until" in self.step.keywords and str(self.step.keywords.get("retries")).strip() != "0"
        ended: Value = Job(-1, stage=Stage.DONE) if waits else UNKNOWN

        def holds(scope: Scope) -> Formula:
            said = condition(Evaluator(scope.with_layer(Layer.LOOP, {register: ended})), written)
            return settled(decided(said, lambda atom: True if atom.text == f"{register}.failed" else None))

        return bool(scopes) and all(holds(scope) is False for scope in scopes)

    def _connection_variables(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for given in self._given_around():
            for name in CONNECTION_VARIABLES:
                if name in given:
                    found.setdefault(name, given[name])
        shared = [entries for layer, entries in self.frame.settings if layer in (Layer.ROLE, Layer.DEFAULTS)]
        for entries in (*shared, self.walk.state.included):
            self.walk.record.set_on_the_way.update(name for name in WHERE_VARIABLES if name in entries)
        return found

    def _async_dir(self) -> str | None:
        """The ``ansible_async_dir`` that some ``vars:`` around the task sets, or the play's ``vars_files``."""
        written = next(
            (each["ansible_async_dir"] for each in self._given_around() if "ansible_async_dir" in each), None
        )
        if not expressions.is_template(written):
            return None if written is None else str(written)
        found = plain(Evaluator(self.any_round.evaluator.scope.of_the_play()).text(str(written)))
        return found if isinstance(found, str) else str(written)

    def _given_around(self) -> tuple[Mapping[str, Any], ...]:
        """The ``vars:`` around the task, nearest first, and the play's ``vars_files``."""
        of_play = (entries for layer, entries in self.frame.settings if layer is Layer.PLAY)
        return (self.vars, *self.frame.declared, *of_play)

    def register(self, value: Value) -> None:
        """Assign the task's register; jobs that only it knew are lost with what it held."""
        name = self.step.keywords.get("register")
        if not isinstance(name, str):
            return
        facts, instances = self.walk.state.facts, self.walk.record.instances
        old = facts.get(name)
        value = replaced(old, value, self._requested(self.evaluator))
        lost = handles(old) - handles(value)
        if any(not self._is_on_the_hosts_of(instances[number].frame) for number in lost):
            value = replaced(old, value, Atom(f"{HOSTS_OF_PLAY}{self.frame.play}", is_choice=True))
        facts[name] = value
        for number in lost:
            if number not in facts.handles():
                instances[number].overwritten = self.step

    def _is_on_the_hosts_of(self, frame: Frame) -> bool:
        """Whether this play runs wherever the other one did: on a host that it leaves out a register stays as it is."""
        return frame.play == self.frame.play or overlap(frame.where, self.frame.where) is HostOverlap.ALL
