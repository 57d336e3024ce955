"""Suggestions for a misspelt word, and lengths of time in words."""

from __future__ import annotations

import json

import pytest

from ansible_reap.markup import escaped
from ansible_reap.printable import json_text, printable
from ansible_reap.wording import did_you_mean, duration, rough_duration, short_duration

KNOWN = ("text", "json", "sarif", "github", "gitlab", "async-unreaped", "async-timeout", "zsh", "bash")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("jsn", "json"),
        ("jsno", "json"),
        ("sarf", "sarif"),
        ("zhs", "zsh"),
        ("async-unraeped", "async-unreaped"),
        ("unreaped", "async-unreaped"),
        ("async-time", "async-timeout"),
        ("Text", "text"),
    ],
)
def test_a_slip_is_answered_with_the_word_that_was_meant(word: str, meant: str) -> None:
    assert did_you_mean(word, KNOWN) == f"; did you mean '{meant}'?"


@pytest.mark.parametrize("word", ["xml", "yes", "x", "", "junit", "markdown", "ash", "exit"])
def test_what_is_not_near_is_not_answered_with_anything(word: str) -> None:
    if word == "ash":
        assert did_you_mean(word, ("json", "sarif")) == ""
    else:
        assert did_you_mean(word, tuple(each for each in KNOWN if each != "text")) == ""


@pytest.mark.parametrize(
    ("seconds", "said", "in_a_column", "as_a_guess"),
    [
        (0.4, "0.4 s", "0s", "1 s"),
        (45, "45 s", "45s", "45 s"),
        (60, "1 min", "1m", "60 s"),
        (135, "2 min 15 s", "2m15s", "2 min"),
        (5400, "1 h 30 min", "1h30m", "1.5 h"),
        (43200, "12 h", "12h", "12 h"),
        (180000, "2 d 2 h", "2d2h", "2 d"),
    ],
)
def test_lengths_of_time_are_worded_in_one_way(seconds: float, said: str, in_a_column: str, as_a_guess: str) -> None:
    assert (duration(seconds), short_duration(seconds), rough_duration(seconds)) == (said, in_a_column, as_a_guess)


def test_a_word_without_end_is_like_no_other() -> None:
    assert did_you_mean("select" * 100_000, ["select", "ignore"]) == ""
    assert did_you_mean("selekt", ["select", "ignore"]) == "; did you mean 'select'?"


@pytest.mark.parametrize("mark", ["\u061c", "\u202e", "\u2060", "\ufeff", "\U000e0041"])
def test_marks_that_turn_text_or_are_never_seen_are_shown(mark: str) -> None:
    assert mark not in printable(f"a{mark}b")
    assert mark not in json_text({"a": mark})
    assert json.loads(json_text({"a": mark})) == {"a": mark}


def test_no_link_and_no_mention_comes_of_text_in_markdown() -> None:
    assert escaped("www.example.com") == "www\\.example.com"
    assert escaped("@someone me@example.com") == "@<!-- -->someone me@<!-- -->example.com"
