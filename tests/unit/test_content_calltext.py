"""The first look at a file's text: every form of a call is seen, and what calls nothing is told at once."""

from __future__ import annotations

import pytest

from ansible_reap.content.call_text import call_parts, call_text, closed_up, has_padded_calls, named_files, telling_word


@pytest.mark.parametrize(
    "text",
    [
        "- include_tasks: wanted.yml\n",
        "- name: x\n  ansible.builtin.import_tasks:\n    file: wanted.yml\n",
        "- name: x\n  'include_role':\n    name: wanted\n",
        "- hosts: all\n  roles:\n    - role: wanted\n",
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
    "padding",
    ["    # " + "a" * 150 + "\n", "\n" + " " * 151 + "\n", "    # a comment of a line\n" * 30, "\r\n" * 151],
)
def test_a_name_far_behind_its_call_is_found_once_what_lies_between_is_taken_out(padding: str) -> None:
    data = f"- include_tasks:\n{padding}    file: wanted.txt\n".encode()
    assert has_padded_calls(call_parts(data))
    assert named_files(call_parts(closed_up(data))) >= {"wanted.txt"}
    found = call_text(data)
    assert found is not None
    assert b"wanted" in found.words


@pytest.mark.parametrize(
    "text",
    [
        "- include_tasks: a.yml  # short\n" * 3,
        "# " + "a" * 300 + "\n- include_tasks: a.yml\n",
        "- debug:\n    msg: a\n# " + "a" * 300 + "\n",
        "- include_tasks: a.yml\n" + "  - {a: [b, c]}\n" * 100,
    ],
)
def test_a_text_whose_calls_have_their_names_beside_them_is_searched_as_it_is(text: str) -> None:
    assert not has_padded_calls(call_parts(text.encode()))
