"""Lines are followed from one text to a later one: in order, each to an equal one, whatever the texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_reap.linting import moved_lines

TEXTS = st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"#", b""]), max_size=40)


@given(TEXTS, TEXTS)
def test_a_line_is_followed_to_an_equal_one_and_the_order_is_kept(old: list[bytes], new: list[bytes]) -> None:
    found = sorted(moved_lines.moved(old, new).items())
    assert all(new[at] == old[was] for at, was in found)
    assert [was for _, was in found] == sorted({was for _, was in found})


@given(TEXTS, TEXTS, st.integers(0, 30))
def test_it_is_so_where_equal_lines_are_too_many_as_well(old: list[bytes], new: list[bytes], enough: int) -> None:
    found = sorted(moved_lines.moved(old, new, enough).items())
    assert all(new[at] == old[was] for at, was in found)
    assert [was for _, was in found] == sorted({was for _, was in found})


@given(TEXTS)
def test_every_line_of_an_unchanged_text_is_followed(text: list[bytes]) -> None:
    assert moved_lines.moved(text, text) == {n: n for n in range(len(text))}


def test_two_insertions_among_equal_tasks_leave_the_tasks_known() -> None:
    old = [b"- task"] * 5
    new = [b"new", b"- task", b"- task", b"- task", b"other", b"- task", b"- task"]
    assert sorted(moved_lines.moved(old, new)) == [1, 2, 3, 5, 6]


def test_a_large_text_is_followed_by_the_lines_that_are_there_once() -> None:
    old = [line for n in range(1000) for line in (b"#", b"#", b"%d" % n, b"#")]
    new = [b"first", *(line for n in range(1000) for line in (b"#", b"#", b"%d" % n, b"#", b"more"))]
    found = moved_lines.moved(old, new)
    assert {at for at, line in enumerate(new) if line.isdigit()} <= set(found)
    assert not {at for at, line in enumerate(new) if line in (b"first", b"more")} & set(found)
    assert sum(line == b"#" for line in new) == sum(new[at] == b"#" for at in found)
