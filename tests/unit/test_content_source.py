"""YAML to nodes and plain data: what is read, what is refused, and where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from yaml.nodes import MappingNode

from ansible_reap import reading
from ansible_reap.content import source
from ansible_reap.content.source import Hidden, SourceError, Undecided, Unsafe, compose, end_line, plain


def data_of(text: str) -> object:
    node = compose(text.encode())
    assert node is not None
    return plain(node)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", {"a": 1}),
        ("a: yes", {"a": True}),
        ("a: 'yes'", {"a": "yes"}),
        ("a: 0o17", {"a": "0o17"}),
        ("a: 017", {"a": 15}),
        ("a: 1:30", {"a": 90}),
        ("a: 0x1f", {"a": 31}),
        ("a: 1_000", {"a": 1000}),
        ("a: 1.5", {"a": 1.5}),
        ("a: ~", {"a": None}),
        ("a: 2020-01-01", {"a": "2020-01-01"}),
        ("a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        ("base: &x {a: 1, b: 2}\nc:\n  <<: *x\n  b: 3", {"base": {"a": 1, "b": 2}, "c": {"a": 1, "b": 3}}),
        ("a: !custom {b: 1}", {"a": {"b": 1}}),
    ],
)
def test_plain_data_is_what_yaml_1_1_says(text: str, value: object) -> None:
    assert data_of(text) == value


@pytest.mark.parametrize(
    ("merged", "value"),
    [
        ("{<<: *one, <<: *two}", 2),
        ("{<<: *two, <<: *one}", 1),
        ("{<<: [*two, *two], <<: *one}", 1),
        ("{<<: *one, <<: [*two]}", 2),
        ("{<<: *twice}", 2),
        ("{<<: *over}", 2),
        ("{key: 3, <<: *one}", 3),
        ("{<<: *one, key: 3, key: 4}", 4),
        ("{<<: [*over, *one]}", 2),  # what comes by two ways stands at its first place since 6.0.4
    ],
)
def test_of_merged_keys_the_one_counts_that_pyyaml_takes(merged: str, value: int) -> None:
    text = f"""
    one: &one {{key: 1}}
    two: &two {{key: 2}}
    twice: &twice {{key: 1, key: 2}}
    over: &over {{<<: *one, <<: *two}}
    merged: {merged}
    """
    read = data_of(text)
    assert isinstance(read, dict)
    assert read["merged"] == {"key": value} == yaml.safe_load(text)["merged"]


@pytest.mark.parametrize("merged", ["{<<: [*one, *two]}", "{<<: *one, <<: *two, <<: *one}"])
def test_a_value_that_hangs_on_the_release_of_pyyaml_is_hidden(merged: str) -> None:
    """Up to 6.0.3 the first source of a list wins and the last merge key, from 6.0.4 on the last source and ``two``."""
    read = data_of(f"one: &one {{key: 1, other: 1}}\ntwo: &two {{key: 2}}\nmerged: {merged}")
    assert isinstance(read, dict)
    assert read["merged"] == {"key": Undecided(), "other": 1}
    assert isinstance(read["merged"]["key"], Undecided)


def test_vaulted_and_unsafe_text_is_marked() -> None:
    data = data_of("a: !vault |\n  $ANSIBLE_VAULT;1.1\nb: !unsafe '{{ x }}'")
    assert isinstance(data, dict)
    assert isinstance(data["a"], Hidden)
    assert isinstance(data["b"], Unsafe)


@pytest.mark.parametrize("text", [b"", b"---\n", b"# nothing\n", b"$ANSIBLE_VAULT;1.1;AES256\n313\n"])
def test_empty_and_vaulted_files_are_no_errors(text: bytes) -> None:
    compose(text)
    assert compose(text) is None


def test_an_empty_first_document_is_passed_over() -> None:
    node = compose(b"---\n---\na: 1\n")
    assert node is not None
    assert plain(node) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"a: 1\nb: [1\n", 3),
        (b"a: b: c", 1),
        (b"a:\n\t- b", 2),
        (b"a: *nobody", 1),
        (b"\xff\xfe\x00", 1),
        (b"a: \xe9t\xe9", 1),
    ],
)
def test_what_does_not_parse_is_one_error_with_its_line(text: bytes, line: int) -> None:
    for function in (compose,):
        with pytest.raises(SourceError) as caught:
            function(text)
        assert caught.value.line == line
        assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"{a: " * 50_000,
        b"- " * 100_000 + b"a",
        b"-     " * 100_000 + b"a",
        b"? " * 100_000,
        b"- ? " * 50_000,
        b"- !x &a\t" * 3000,
        b"".join(b"%b- - - -\n" % (b" " * 8 * depth) for depth in range(300)),
        b"\r".join(b" " * depth + b"a:" for depth in range(3000)),
        "\u2028".join("- " * 40 for _ in range(3)).encode() + b"\n" + b"- " * 60_000,
    ],
)
def test_deep_nesting_is_refused_before_it_costs_anything(text: bytes) -> None:
    with pytest.raises(SourceError, match=r"nested too deeply|nesting depth|not allowed in this context"):
        compose(text)


def test_brackets_in_text_and_comments_are_not_nesting() -> None:
    text = "".join(f"- shell: 'awk {{ {number}'  # [[[\n" for number in range(500)).encode()
    assert compose(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)),
        "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)),
        "a: &a " + "x" * 200_000 + "\nb: [" + "*a, " * 100 + "]\n",
        "a: &a\n  b: *a\n",
        "- &a [1, {b: [*a, *a]}]\n",
    ],
)
def test_aliases_that_stand_for_too_much_are_refused(text: str) -> None:
    with pytest.raises(SourceError, match=r"aliases stand for more than|stands within what it names"):
        compose(text.encode())


def test_aliases_that_stand_for_little_are_not_refused() -> None:
    text = "base: &base {a: 1, b: [1, 2, 3]}\nall:\n" + "  - <<: *base\n    c: 2\n" * 5000
    data = data_of(text)
    assert isinstance(data, dict)
    assert data["all"][4999] == {"c": 2, "a": 1, "b": [1, 2, 3]}


@pytest.mark.parametrize("text", ["9" * 5000, "0x" + "f" * 5000, "1:" + ":".join(["00"] * 3000), "0" * 5000])
def test_a_number_of_too_many_digits_stays_text(text: str) -> None:
    assert data_of(f"a: {text}") == {"a": text}


def test_jinja_in_braces_is_not_nesting() -> None:
    text = "\n".join(f"- name: '{{{{ item{number} }}}}'" for number in range(1000)).encode()
    assert compose(text) is not None


def test_statement_lines_of_a_project_template_are_blanked() -> None:
    text = b"{% raw %}\na: 1\n{%- endraw %}\n"
    assert source.without_statements(text) == b"\na: 1\n\n"


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("- name: a\n  shell: |\n    one\n    two\n\n- name: b\n", 4),
        ("- name: a\n  shell: >\n    one\n    two\n  when: b\n", 5),
        ("- {name: a,\n   shell: b}\n", 2),
        ("- name: a\n  vars:\n    b:\n      - c\n      - d\n# comment\n", 5),
        ("- name: a\n  shell:\n", 2),
        ("- name: a\n  shell: 'one\n    two'\n", 3),
    ],
)
def test_last_line_of_a_task(text: str, last: int) -> None:
    node = compose(text.encode())
    assert node is not None
    first = node.value[0]
    assert isinstance(first, MappingNode)
    assert end_line(first) == last


def test_unreadable_files_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a regular file"):
        reading.read(tmp_path)
    with pytest.raises(SourceError, match="cannot be read"):
        reading.read(tmp_path / "absent.yml")
