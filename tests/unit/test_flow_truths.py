"""One condition is said to imply another only where it does, whatever the variables hold."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from jinja2 import Environment, StrictUndefined

from ansible_reap.flow.evaluation.conditions import condition
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Formula, atoms, implies, settled
from ansible_reap.flow.evaluation.layers import Scope

NAMES = ("a", "b")
KEYS = (".k", "['k']", "['k.l']", ".k.l", "['k']['l']", "[0]", "['0']", "[:1]", "[1:]", "[::2]", ".items", "['items']")
FILTERS = (
    *("lower", "upper", "trim", "string", "int", "int(base=16)", "int(5)", "list", "bool", "ansible.builtin.bool"),
    *("length", "count", "first", "sort", "unique", "default(b)", "default('x')", "default(true)", "d(false)"),
    *("default(b, true)", "default('x', boolean=true)", "default(default_value=1)", "replace('x', 'y')"),
    *("replace('x', 'y', 1)", "map(attribute='k')|list", "map('lower')", "map('lower')|list", "select('match', 'x')"),
    *("select('match', 'X', ignorecase=true)", "reject('match', 'x')", "selectattr('k', 'eq', 'x')", "join('-')"),
    *("selectattr('k', 'defined')", "my.col.bool", "round(1)", "round(1, method='floor')"),
)
TESTS = (
    *("defined", "undefined", "none", "string", "number", "mapping", "true", "false", "truthy", "falsy"),
    *("match('x')", "match('X')", "match('X', ignorecase=true)", "search('x')", "version('2', '<')", "eq(1)"),
    *("version('2', '>=')", "version('2', operator='<')", "version('3', '<')", "divisibleby(2)", "divisibleby(3)"),
    *("in(['x', '1'])", "in(['x'])", "sameas(true)", "sameas(none)", "ne('x')", "gt(1)"),
)
CONSTANTS = ("'x'", "'X'", "'1'", "1", "1.0", "0", "2", "true", "false", "none", "['x']", "['x', 1]", "{'k': 'x'}", "b")
VALUES: tuple[Any, ...] = (
    *("x", "X", " x", "yes", "no", "true", "1", "2", "10", "", 0, 1, 1.0, 2, 1.5, 16, True, False, None),
    *(
        [],
        ["x"],
        ["X", "x"],
        [1],
        [{"k": "x"}],
        {},
        {"k": "x"},
        {"k": {"l": "x"}},
        {"k.l": 1},
        {"items": 1},
        {"0": "x"},
    ),
)


def as_bool(value: Any) -> bool:
    """Ansible's filter."""
    return value.lower() in ("yes", "on", "1", "true") if isinstance(value, str) else bool(value == 1)


def version(value: Any, other: str, operator: str = "eq") -> bool:
    """Ansible's test, of what is a version."""
    one, two = ([int(part) for part in str(text).split(".")] for text in (value, other))
    return {"<": one < two, ">=": one >= two, "eq": one == two}[operator]


def matched(search: Callable[..., Any]) -> Callable[..., bool]:
    """Ansible's tests ``match`` and ``search``."""
    return lambda value, pattern, ignorecase=False: bool(
        search(pattern, str(value), re.IGNORECASE if ignorecase else 0)
    )


def made_a_list(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter as Ansible has it, which gives back lists."""

    def filtered(*args: Any, **kwargs: Any) -> Any:
        return list(function(*args, **kwargs))

    for name in ("jinja_pass_arg",):
        if hasattr(function, name):
            setattr(filtered, name, getattr(function, name))
    return filtered


@pytest.fixture(scope="module")
def jinja() -> Environment:
    """Jinja as Ansible sets it up, so far as these conditions ask for it."""
    found = Environment(undefined=StrictUndefined, autoescape=False)
    for name in ("map", "select", "reject", "selectattr", "rejectattr", "unique"):
        found.filters[name] = made_a_list(found.filters[name])
    found.filters |= {"bool": as_bool, "ansible.builtin.bool": as_bool, "my.col.bool": lambda value: value == "x"}
    found.tests |= {"match": matched(re.match), "search": matched(re.search), "version": version}
    found.tests["truthy"] = lambda value: not not value  # noqa: SIM208 - a type is no test
    found.tests["falsy"] = lambda value: not value
    return found


class Choices:
    """Draws that can be made again with one of them changed."""

    def __init__(self, chance: random.Random, drawn: Sequence[float] = ()) -> None:
        self._chance = chance
        self._again = list(drawn)
        self.drawn: list[float] = []

    def of(self, among: Sequence[str]) -> str:
        """One of these."""
        self.drawn.append(self._again.pop(0) if self._again else self._chance.random())
        return among[int(self.drawn[-1] * len(among))]

    def changed(self) -> Choices:
        """The same draws but for one."""
        drawn = list(self.drawn)
        drawn[self._chance.randrange(len(drawn))] = self._chance.random()
        return Choices(self._chance, drawn)


def value_of(draw: Choices) -> str:
    """An expression."""
    written = draw.of(NAMES) + draw.of(("", "", draw.of(KEYS)))
    for filtered in ("", "|", "|"):
        written = f"({written}|{draw.of(FILTERS)})" if draw.of(("", filtered)) else written
    return draw.of((written,) * 8 + (f"{written} ~ 'x'", f"[{written}]", f"{written} if b else 'x'", f"-{written}"))


def condition_of(draw: Choices, depth: int = 0) -> str:
    """A condition."""
    value = f"({value_of(draw)})"
    kind = draw.of(("truth", "test", "test", "order", "order", "in", *("not", "and", "bool") * (depth < 1)))
    if kind == "test":
        return f"{value} is {draw.of(('', 'not '))}{draw.of(TESTS)}"
    if kind == "order":
        return f"{value} {draw.of(('==', '!=', '>', '<=', '>=', '<'))} {draw.of(CONSTANTS)}"
    if kind == "in":
        return draw.of((f"{draw.of(CONSTANTS)} in {value}", f"{value} in {draw.of(CONSTANTS)}"))
    if kind == "not":
        return f"not ({condition_of(draw, 1)})"
    if kind == "and":
        return f"({condition_of(draw, 1)}) {draw.of(('and', 'or'))} ({condition_of(draw, 1)})"
    return value if kind == "truth" else f"({condition_of(draw, 1)})|bool"


def outcomes(jinja: Environment, text: str, given: Sequence[dict[str, Any]]) -> list[bool | None]:
    """Whether the condition holds, for each of the values given; None where the task fails."""
    compiled = jinja.compile_expression(text, undefined_to_none=False)

    def outcome(values: dict[str, Any]) -> bool | None:
        try:
            return bool(compiled(**values))
        except Exception:  # noqa: BLE001 - whatever it is, Ansible's task fails
            return None

    return [outcome(values) for values in given]


def worlds(chance: random.Random, count: int) -> Iterator[dict[str, Any]]:
    """Values of the variables, some of which are not defined."""
    for _ in range(count):
        yield {name: chance.choice(VALUES) for name in NAMES if chance.random() < 0.85}


def read(text: str) -> Formula:
    return settled(condition(Evaluator(Scope(())), text))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_said_to_imply_another_condition_does(jinja: Environment, seed: int) -> None:
    chance = random.Random(seed)
    given = list(worlds(chance, 150))
    texts: list[str] = []
    while len(texts) < 160:
        draw = Choices(chance)
        texts += [condition_of(draw), *(condition_of(draw.changed()) for _ in range(3))]
    told: dict[str, tuple[Formula, list[bool | None]]] = {}
    for text in dict.fromkeys(texts):
        told[text] = read(text), outcomes(jinja, text, given)
    wrong = []
    for one, other in itertools.permutations(told, 2):
        (premise, holds), (conclusion, held) = told[one], told[other]
        lost = next(
            (values for values, first, then in zip(given, holds, held, strict=True) if first and then is False), None
        )
        if lost is None or not _may_imply(premise, conclusion):
            continue
        if implies(premise, conclusion):
            wrong.append((one, other, lost))
    assert not wrong, "\n".join(map(str, wrong[:40]))


def _may_imply(premise: Formula, conclusion: Formula) -> bool:
    shared = set(atoms(premise)) & set(atoms(conclusion))
    return bool(shared) or isinstance(premise, bool) or isinstance(conclusion, bool)
