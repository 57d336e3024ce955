"""Suggestions for a misspelt word."""

from __future__ import annotations

import pytest

from ansible_reap.wording import did_you_mean

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
