"""Conditions as formulas: what implies what, and what is granted."""

from __future__ import annotations

import itertools

from ansible_reap.flow.evaluation.booleans import taken_as_booleans
from ansible_reap.flow.evaluation.conditions import condition
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import (
    Atom,
    Formula,
    conj,
    disj,
    granting,
    implies,
    neg,
    relaxed,
    satisfiable,
    settled,
    without_choices,
)
from ansible_reap.flow.evaluation.layers import Scope
from support.bounds import processor_time_below

A, B, C = Atom("a"), Atom("b"), Atom("c")


def read(written: object) -> Formula:
    return condition(Evaluator(Scope(())), written)


def test_implication() -> None:
    assert implies(conj(A, B), A)
    assert implies(A, disj(A, B))
    assert implies(conj(A, disj(neg(A), B)), B)
    assert implies(False, A)
    assert implies(A, disj(B, neg(B)))
    assert not implies(A, B)
    assert not implies(True, A)


def test_one_thing_cannot_equal_two() -> None:
    one, two = Atom("x == 1", "x", "1"), Atom("x == 2", "x", "2")
    assert implies(one, neg(two))
    assert not satisfiable(conj(one, two))
    assert satisfiable(disj(one, two))


def test_choices_that_leave_no_other_way() -> None:
    first = Atom("c a", "c", "a", is_choice=True, choices=2)
    second = Atom("c b", "c", "b", is_choice=True, choices=2)
    assert implies(True, disj(first, second))
    assert not implies(True, first)
    assert without_choices(conj(first, A)) == A


def test_conditions_on_the_job_itself_are_granted_either_way_round() -> None:
    about = Atom("status.finished", about=frozenset({3}))
    assert relaxed(conj(about, A), 3) == A
    assert relaxed(conj(neg(about), A), 3) == A
    assert relaxed(about, 4) == about
    assert granting(disj(neg(A), B), frozenset({"a"})) is True


def test_the_same_condition_in_other_words_is_the_same() -> None:
    pairs: list[tuple[object, object]] = [
        ("a and b", ["b", "a"]),
        ("a | bool and b", ["b", "a | ansible.builtin.bool"]),
        ("not (a != 'x')", "a == 'x'"),
        ("a in ['x', 'y']", "a == 'y' or a == 'x'"),
        ("a is undefined", "not a is defined"),
        ("(a > 1) == true", "a > 1"),
        ("a.stat.exists | bool", "a.stat.exists"),
        ("a | default(false) | bool", "a | bool"),
        ("a | default([]) | list | length > 0", "a"),
        ("a is version('2', '>=')", "a is not version('2', operator='lt')"),
        ("groups['web'] | first == a", "a == groups.web[0]"),
        ("a is eq 'x'", "'x' == a"),
        ("a | length > 0", "a"),
        ("{{ a }}", "a"),
        ("a['b']", "a.b"),
        ("a is not none", "not (a is none)"),
        ("a if b else false", "a and b"),
    ]
    for first, second in pairs:
        assert implies(read(first), read(second)), (first, second)
        assert implies(read(second), read(first)), (first, second)


def test_different_conditions_stay_different() -> None:
    for first, second in [("a", "b"), ("a == 'x'", "a == 'y'"), ("a", "not a"), ("a.b", "a.c"), ("a is defined", "a")]:
        assert not implies(read(first), read(second)), (first, second)


def test_what_is_true_by_bool_is_true_by_itself_and_not_the_other_way_round() -> None:
    for narrow, wide in itertools.pairwise(("a is true", "a == true", "a | bool", "a")):
        assert implies(read(narrow), read(wide)), (narrow, wide)
        assert not implies(read(wide), read(narrow)), (narrow, wide)
        assert implies(taken_as_booleans(settled(read(wide))), taken_as_booleans(settled(read(narrow))))


def test_ordinary_runs_are_not_in_check_mode() -> None:
    assert implies(True, read("not ansible_check_mode"))
    assert not satisfiable(read("ansible_check_mode"))


def test_what_does_not_parse_is_its_text() -> None:
    assert implies(read("a ==  ("), read("a == ("))


def test_many_conditions_are_decided_in_no_time() -> None:
    many = conj(*(disj(Atom(f"a{number}"), Atom(f"b{number}")) for number in range(40)))
    with processor_time_below(2):
        assert not implies(many, A)
        assert implies(conj(many, A), A)
        assert satisfiable(many)
