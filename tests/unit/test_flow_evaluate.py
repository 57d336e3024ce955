"""Templates to values: constants worked out, handles followed, the rest unknown."""

from __future__ import annotations

import pytest

from ansible_reap.content.model import Task
from ansible_reap.content.source import compose
from ansible_reap.content.tasks import read_content
from ansible_reap.flow.evaluation.conditions import condition
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.host_sets import named
from ansible_reap.flow.evaluation.layers import Choices, Layer, Scope
from ansible_reap.flow.evaluation.patterns import is_open, patterns
from ansible_reap.flow.evaluation.scalars import numbers
from ansible_reap.flow.evaluation.values import (
    EACH,
    NOT_PLAIN,
    Const,
    Job,
    JobId,
    Results,
    Seq,
    Unknown,
    Value,
    handles,
    options,
    plain,
    taints,
)
from ansible_reap.flow.walk.loops import loop_items

ONE = Job(1)
MANY = Results(Seq((Job(2, EACH),)))
FACTS: dict[str, Value] = {"one": ONE, "many": MANY, "text": Const("x"), "unknown": Unknown()}
SETTINGS = {
    "limit": 300,
    "twice": "{{ limit * 2 }}",
    "me": "{{ me | default(7) }}",
    "loop_a": "{{ loop_b }}",
    "loop_b": "{{ loop_a }}",
}


def task_of(text: str) -> Task:
    step = read_content("x.yml", compose(text.encode())).tasks[0]
    assert isinstance(step, Task)
    return step


def evaluator() -> Evaluator:
    return Evaluator(Scope(((Layer.FACTS, FACTS), (Layer.DEFAULTS, SETTINGS))))


def value(text: str) -> Value:
    return evaluator().text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ 2 * 60 * 60 }}", 7200),
        ("{{ twice }}", 600),
        ("{{ limit // 7 + 1 }}", 43),
        ("{{ limit | int - 1 }}", 299),
        ("{{ nobody | default(60) }}", 60),
        ("{{ me }}", 7),
        ("{{ 0 if text == 'x' else 15 }}", 0),
        ("{{ (text == 'y') | ternary(0, 5) }}", 5),
        ("{{ [1, 2] | length }}", 2),
        ("{{ [3, 1][0] }}", 3),
        ("{{ {'a': 4}.a }}", 4),
        ("{{ {'a': 4}.get('b', 9) }}", 9),
        ("{{ 'a' ~ text }}", "ax"),
        ("a{{ text }}b", "axb"),
        ("{{ 'a/b.yml' | basename }}", "b.yml"),
        ("{{ text | upper }}", "X"),
        ("{{ range(3) | list }}", [0, 1, 2]),
        ("{{ lookup('vars', 'limit') }}", 300),
        ("{{ -limit }}", -300),
        ("{{ '5' | int }}", 5),
        ("plain", "plain"),
    ],
)
def test_constants_are_worked_out(text: str, expected: object) -> None:
    assert plain(value(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ nobody }}",
        "{{ 1 / 0 }}",
        "{{ unknown + 1 }}",
        "{{ loop_a }}",
        "{{ broken",
        "{{ 2 ** 99999 }}",
        "{% if a %}1{% endif %}",
    ],
)
def test_what_cannot_be_worked_out_is_not_plain(text: str) -> None:
    assert plain(value(text)) is NOT_PLAIN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ one.ansible_job_id }}", JobId(1)),
        ("{{ one['ansible_job_id'] }}", JobId(1)),
        ("{{ one.results_file | basename }}", JobId(1)),
        ("/home/deploy/.ansible_async/{{ one.ansible_job_id }}", JobId(1, has_more=True)),
        ("{{ hostvars[inventory_hostname].one.ansible_job_id }}", JobId(1)),
        ("{{ hostvars['a']['one']['ansible_job_id'] }}", JobId(1, is_anywhere=True, of_hosts=named("a"))),
        ("{{ vars['one'].ansible_job_id }}", JobId(1)),
        ("{{ lookup('ansible.builtin.vars', 'one').ansible_job_id }}", JobId(1)),
        ("{{ [one] | map(attribute='ansible_job_id') | first }}", JobId(1)),
        ("{{ {'a': one}['a'].ansible_job_id }}", JobId(1)),
        ("{{ ({'a': 1} | combine({'b': one})).b.ansible_job_id }}", JobId(1)),
        ("{{ ([[one]] | flatten)[0].ansible_job_id }}", JobId(1)),
        ("{{ (nobody | default(one)).ansible_job_id }}", JobId(1)),
        ("{{ ({'a': one} | dict2items)[0].value.ansible_job_id }}", JobId(1)),
        ("{{ ([1] | zip([one]) | list)[0][1].ansible_job_id }}", JobId(1)),
        ("{{ ([{'a': 'y'}, {'a': 'X', 'job': one}] | groupby('a') | list)[0][1][0].job.ansible_job_id }}", JobId(1)),
        ("{{ ([1] | zip_longest([2, one]) | list)[1][1].ansible_job_id }}", JobId(1)),
        ("{{ ([1] | zip_longest([2, 3], fillvalue=one) | list)[1][0].ansible_job_id }}", JobId(1)),
        ("{{ many.results[0].ansible_job_id }}", JobId(2, EACH, is_partial=True)),
        ("{{ (many.results | last).ansible_job_id }}", JobId(2, EACH, is_partial=True)),
    ],
)
def test_handles_are_followed(text: str, expected: Value) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ many.results }}",
        "{{ many.results | list }}",
        "{{ many['results'] | default([]) }}",
        "{{ many.results | selectattr('ansible_job_id', 'defined') }}",
        "{{ many.results | rejectattr('skipped', 'defined') | list }}",
        "{{ many.results | select('changed') }}",
        "{{ many.results | rejectattr('failed') }}",
        "{{ many.results | selectattr('finished', 'equalto', 0) }}",
        "{{ [] + many.results }}",
        "{{ [] | union(many.results) }}",
        "{{ ('results' in many) | ternary(many.results, []) }}",
        "{{ many.results if many.results is defined else [] }}",
        "{{ [many.results] | flatten }}",
    ],
)
def test_every_result_stays_in_the_list(text: str) -> None:
    found = value(text)
    assert isinstance(found, Seq)
    assert found.items == (Job(2, EACH),)


def test_a_filter_on_something_else_keeps_the_result_under_a_condition() -> None:
    found = value("{{ many.results | selectattr('item.wanted') }}")
    assert isinstance(found, Seq)
    assert [guard for guard, _ in options(found.items[0])] != [True]
    assert handles(found) == {2}


@pytest.mark.parametrize(
    "text",
    [
        "{{ one | acme.thing('x') ~ 'y' }}",
        "{{ one | to_json }}",
        "{{ [one, 1] | random }}",
        "{{ many.results | groupby('item') }}",
        "{{ [{'a': 1, 'b': one}, {'a': 'x'}] | groupby('a') }}",
        "{% for i in many.results %}{{ i }}{% endfor %}",
    ],
)
def test_whatever_is_made_of_a_handle_still_tells_of_the_job(text: str) -> None:
    assert taints(value(text))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("'k'", [["a", [{"k": "a"}]], ["B", [{"k": "B"}, {"k": "b"}]]]),
        ("'k', none, true", [["B", [{"k": "B"}]], ["a", [{"k": "a"}]], ["b", [{"k": "b"}]]]),
        ("attribute='k', case_sensitive=true", [["B", [{"k": "B"}]], ["a", [{"k": "a"}]], ["b", [{"k": "b"}]]]),
    ],
)
def test_items_are_grouped_as_jinja_does_it(arguments: str, expected: object) -> None:
    assert plain(value("{{ [{'k': 'B'}, {'k': 'b'}, {'k': 'a'}] | groupby(" + arguments + ") }}")) == expected


def test_the_id_asked_of_a_looped_register_is_noted() -> None:
    asked = evaluator()
    assert not handles(asked.text("{{ many.ansible_job_id }}"))
    assert asked.misses_results == {2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one is defined", True),
        ("one.ansible_job_id is defined", True),
        ("one is changed", True),
        ("one is not skipped", True),
        ("one.skipped is defined", False),
        ("not one.finished", True),
        ("one.finished == 0", True),
        ("one is failed", False),
        ("'skipped' in one", False),
        ("many.results | length > 0", True),
        ("many is changed", True),
        ("one.started | bool", True),
        ("one.ansible_job_id != ''", True),
        ("one.rc is defined", False),
    ],
)
def test_what_is_known_of_a_launched_job(text: str, expected: object) -> None:
    assert condition(evaluator(), text) is expected


def test_settings_are_not_settled_in_conditions() -> None:
    assert not isinstance(condition(evaluator(), "limit == 300"), bool)
    assert condition(evaluator(), "text == 'x'") is True


def test_inventories_are_a_choice() -> None:
    scope = Scope(((Layer.INVENTORY, {"poll": Choices("poll", (0, 10))}),))
    assert numbers(Evaluator(scope).text("{{ poll }}"), 15) == ({0, 10}, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{{ omit }}", {15}), ("", {15}), ("{{ '0' }}", {0}), ("0", {0}), ("{{ nobody }}", set()), ("{{ text }}", set())],
)
def test_numbers_of_a_keyword(text: str, expected: set[float]) -> None:
    assert numbers(value(text), 15) == (expected, not expected)


def test_names_with_unknown_parts_are_patterns() -> None:
    assert patterns(evaluator(), "{{ text }}-{{ nobody }}.yml") == ["x-*.yml"]
    assert patterns(evaluator(), "{{ ['a', 'b'] }}") == ["a", "b"]
    assert is_open("*.yml")
    assert not is_open("a*.yml")


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ("loop: [a, b]", ["a", "b"]),
        ("with_items: [[a], b]", ["a", "b"]),
        ("with_list: [[a]]", [["a"]]),
        ("with_flattened: [[a, [b]]]", ["a", "b"]),
        ("with_together: [[a, b], [c, d]]", [["a", "c"], ["b", "d"]]),
        ("with_nested: [[a], [b, c]]", [["a", "b"], ["a", "c"]]),
        ("with_dict: {a: 1}", [{"key": "a", "value": 1}]),
        ("with_indexed_items: [a]", [[0, "a"]]),
        ("with_sequence: start=1 end=3", ["1", "2", "3"]),
        ("with_sequence: count=2", ["1", "2"]),
        ("with_fileglob: ['x/*.yml']", ["x/*.yml"]),
        ("with_first_found: [{files: [a, b], paths: [p]}]", [["p/a", "p/b"]]),
        ("with_ansible.builtin.items: [a]", ["a"]),
        ("with_items: text", ["text"]),
    ],
)
def test_loops_of_every_kind(loop: str, expected: list[object]) -> None:
    items = loop_items(evaluator(), task_of(f"- ping:\n  {loop}\n"))
    assert items is not None
    assert [plain(item) for item in items.items] == expected
    assert not items.is_open


def test_subelements_pair_each_launch_with_its_jobs() -> None:
    items = loop_items(evaluator(), task_of("- ping:\n  with_subelements: ['{{ [many] }}', results]\n"))
    assert items is not None
    row = items.items[0]
    assert isinstance(row, Seq)
    assert row.items[1] == Job(2, EACH)


def test_endless_data_is_bounded() -> None:
    deep: object = "{{ nobody }}"
    for _ in range(100):
        deep = [deep]
    assert isinstance(evaluator().data(deep), Seq)
    wide = evaluator().data(["{{ nobody }}"] * 1000)
    assert isinstance(wide, Seq)
    assert wide.is_open
