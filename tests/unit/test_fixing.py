"""Edits go into a file's bytes and nothing else does."""

from __future__ import annotations

import pytest

from ansible_reap.checks.finding import Edit, Finding, Fix
from ansible_reap.linting import edits as fixing
from support.outcomes import finding


def with_edits(*edits: Edit) -> Finding:
    return finding(fix=Fix("a fix", edits))


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        (b"a\nb\nc\n", Edit("f", 2, 2, "x\n"), b"a\nx\nc\n"),
        (b"a\nb\nc\n", Edit("f", 2, 3, ""), b"a\n"),
        (b"a\nb\n", Edit("f", 2, 1, "x\ny\n"), b"a\nx\ny\nb\n"),
        (b"a\nb\n", Edit("f", 3, 2, "x\n"), b"a\nb\nx\n"),
        (b"a\nb", Edit("f", 3, 2, "x\n"), b"a\nb\nx"),
        (b"a\nb", Edit("f", 2, 2, "x"), b"a\nx"),
        (b"a\r\nb\r\n", Edit("f", 2, 1, "x\ny\n"), b"a\r\nx\r\ny\r\nb\r\n"),
        (b"a\r\nb\xc3\xa4 # c\r\n", Edit("f", 1, 1, "x\r\n"), b"x\r\nb\xc3\xa4 # c\r\n"),
        (b"\xef\xbb\xbfa\n", Edit("f", 2, 1, "x\n"), b"\xef\xbb\xbfa\nx\n"),
    ],
)
def test_one_edit(before: bytes, edit: Edit, after: bytes) -> None:
    assert fixing.edited(before, [edit]) == after


def test_edits_count_in_lines_of_the_file_as_it_was() -> None:
    edits = [Edit("f", 1, 0, "one\n"), Edit("f", 2, 2, ""), Edit("f", 4, 3, "two\n"), Edit("f", 4, 3, "three\n")]
    assert fixing.edited(b"a\nb\nc\nd\n", edits) == b"one\na\nc\ntwo\nthree\nd\n"


def test_an_insertion_before_a_replaced_line_stays_before_it() -> None:
    edits = [Edit("f", 2, 2, "x\n"), Edit("f", 2, 1, "new\n")]
    assert fixing.edited(b"a\nb\n", edits) == b"a\nnew\nx\n"


def test_fixes_of_the_same_lines_wait_for_the_next_round() -> None:
    first = with_edits(Edit("f", 2, 4, "x\n"))
    overlapping = with_edits(Edit("f", 4, 5, "y\n"))
    inside = with_edits(Edit("f", 3, 2, "z\n"))
    elsewhere = with_edits(Edit("g", 2, 4, "y\n"))
    before, after = with_edits(Edit("f", 2, 1, "b\n")), with_edits(Edit("f", 5, 4, "a\n"))
    together = fixing.choose([first, overlapping, inside, elsewhere, before, after, finding(fix=None)])
    assert together == [first, elsewhere, before, after]


def test_a_keyword_for_the_last_task_comes_before_the_tasks_that_are_added_behind_it() -> None:
    wait_for_an_earlier_one = Edit("f", 3, 2, "- wait: 1\n")
    for_the_last = (Edit("f", 3, 2, "  register: x\n"), Edit("f", 3, 2, "- wait: x\n"))
    edits = [wait_for_an_earlier_one, *for_the_last]
    assert fixing.edited(b"- a\n- b:\n", edits) == b"- a\n- b:\n  register: x\n- wait: 1\n- wait: x\n"


def test_a_file_that_would_not_parse_any_more_stays_as_it_is() -> None:
    texts = dict.fromkeys(("good.yml", "bad.yml"), b"- a: 1\n")
    breaks_both = with_edits(Edit("good.yml", 1, 1, "- b: 1\n"), Edit("bad.yml", 1, 1, "- a: b: c\n"))
    good = with_edits(Edit("good.yml", 2, 1, "- c: 1\n"))
    assert fixing.applied(texts, [breaks_both, good]) == ([good], {"good.yml": b"- a: 1\n- c: 1\n"})
    assert fixing.applied(texts, [breaks_both]) == ([], {})


def test_a_preview_writes_nothing() -> None:
    assert fixing.preview({"f": "a\nb\n"}, with_edits(Edit("f", 2, 2, "x\n"))) == {"f": "a\nx\n"}
