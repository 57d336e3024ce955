"""The first look at a file's text: every form of a call is seen, and what calls nothing is told at once."""

from __future__ import annotations

import pytest

from ansible_reap.content.call_text import call_text, telling_word


@pytest.mark.parametrize(
    "text",
    [
        "- include_tasks: wanted.yml\n",
        "- name: x\n  ansible.builtin.import_tasks:\n    file: wanted.yml\n",
        "- name: x\n  'include_role':\n    name: wanted\n",
        "- hosts: all\n  roles:\n    - role: wanted\n",
        "- hosts: all\n  roles: [wanted]\n  tasks:\n    - file:\n        path: '{{ x }}'\n",
        "- hosts: all\n  roles: [wanted]\n",
        "- hosts: all\n  tasks: [{include_tasks: wanted.yml}]\n",
        "dependencies:\n  - wanted\n",
        "- import_playbook: wanted.yml\n",
        "- local_action: include_tasks wanted.yml\n",
        '[{"hosts": "all", "roles": ["wanted"]}]',
        "- block:\n    - {name: x, include_tasks: wanted.yml}\n",
    ],
)
def test_the_name_that_a_call_gives_is_among_the_words(text: str) -> None:
    found = call_text(text.encode())
    assert found is not None
    assert not found.is_templated
    assert b"wanted" in found.words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1\n",
        "- include_vars: x.yml\n",
        "- debug:\n    msg: no include here\n",
        "x: the role of hosts\n",
        "a: " + '{\\"role\\": 1} ' * 1000,
    ],
)
def test_a_file_without_calls_has_none(text: str) -> None:
    assert call_text(text.encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "- include_tasks: '{{ x }}.yml'\n",
        "- include_role:\n    name: '{{ x }}'\n",
        "- hosts: all\n  roles:\n    - role: '{{ x }}'\n",
    ],
)
def test_a_name_that_may_be_anything_is_told(text: str) -> None:
    found = call_text(text.encode())
    assert found is not None
    assert found.is_templated


def test_a_file_is_looked_up_by_the_longest_part_of_its_name() -> None:
    assert telling_word("sub.dir/long-name_1.yml") == b"long-name_1"


@pytest.mark.parametrize(
    "text",
    [
        "---\n# roles\nweb_roles:\n  - role: '{{ x }}'\n",
        "'quoted': 1\nplays:\n  - hosts: all\n    roles: [a]\n",
        "\n\nname : 1\ntasks:\n  - include_role: {name: a}\n",
    ],
)
def test_a_mapping_calls_nothing_whatever_stands_in_it(text: str) -> None:
    assert call_text(text.encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "allow_duplicates: true\ndependencies:\n  - wanted\n",
        "- role: a\n- include_role: {name: wanted}\n",
        "# name: x\n---\n- include_role: {name: wanted}\n",
        "'a: b'\n---\n- include_role: {name: wanted}\n",
    ],
)
def test_what_only_looks_like_a_mapping_at_first_is_searched(text: str) -> None:
    found = call_text(text.encode())
    assert found is not None
    assert b"wanted" in found.words


@pytest.mark.parametrize(
    "text",
    [
        "- include_tasks:\n{far}    file: wanted.txt\n",
        "- include_tasks:\n    apply:\n      vars:\n{far}    file: wanted.txt\n",
        "- include_tasks:\n  vars:\n{far}  args: {{file: wanted.txt}}\n",
        "- args: {{file: wanted.txt}}\n  vars:\n{far}  include_tasks:\n",
        "- {{include_tasks: # {far}\nwanted.txt}}\n",
        "- hosts: all\n  roles:\n    - a\n{far}    - wanted\n",
        "- hosts: all\n  roles:\n  - a\n{far}  - wanted\n",
        "- ? include_tasks\n  : wanted.txt\n",
        "- ? !!str include_tasks\n{far}  : wanted.txt\n",
        "- &a include_tasks : wanted.txt\n",
        "- vars: {{a: &a include_tasks}}\n  *a : wanted.txt\n",
    ],
)
@pytest.mark.parametrize(
    "far",
    [
        "          # " + "a" * 600 + "\n",
        "\n" + " " * 151 + "\n",
        "          # a comment of a line\n" * 30,
        "\r\n" * 300,
    ],
)
def test_a_name_anywhere_in_a_call_is_among_the_words(text: str, far: str) -> None:
    found = call_text(text.format(far=far if "# {" not in text else far.strip() or "#").encode())
    assert found is not None
    assert b"wanted" in found.words


def test_what_follows_a_call_is_no_part_of_it() -> None:
    found = call_text(("- include_tasks: a.yml\n" + "- debug: {msg: b}\n" * 40 + "- debug: {msg: far}\n").encode())
    assert found is not None
    assert b"far" not in found.words


@pytest.mark.parametrize(
    ("text", "may_end_otherwise"),
    [
        ("- include_tasks: '{{ x }}.yml'\n", False),
        ("- include_tasks: '{{ x }}/{{ y }}.yaml'\n", False),
        ("- include_tasks: '{{ x }}.yml'  # one of {{ y }}\n", False),
        ("- include_tasks: '{% if x %}{{ x }}{% else %}a{% endif %}.yml'\n", False),
        ("- include_tasks:\n    '{{ x }}.yml'\n", False),
        ("- include_role: {name: '{{ x }}'}\n", False),
        ("- include_role: {name: '{{ x }}', tasks_from: a}\n", False),
        ("- include_role: {name: a, tasks_from: '{{ x }}'}\n", True),
        ("- include_tasks: '{{ x }} {{ y }}.yml'\n", True),
        (f"- include_tasks: x.yml  # {'a' * 1000} {{{{ x }}}}\n", True),
        ("- include_tasks: '{{ x }}'\n", True),
        ("- include_tasks: '{{ x }}.json'\n", True),
        ("- include_tasks: *x\n", True),
        ("- include_tasks:\n    file: >-\n      x.txt\n", True),
        ("- args: {file: '{{ x }}'}\n  include_tasks:\n", True),
    ],
)
def test_whether_a_name_may_be_that_of_a_file_of_any_ending(text: str, may_end_otherwise: bool) -> None:
    found = call_text(text.encode())
    assert found is not None
    assert (found.is_templated, found.may_end_otherwise) == (True, may_end_otherwise)
