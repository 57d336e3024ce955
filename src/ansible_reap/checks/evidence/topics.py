"""What tasks are about, as far as words tell: whether another one checks, or names, what a task makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from ansible_reap.checks.evidence.neighbours import play_of, tasks_after
from ansible_reap.content.builtin import BUILTIN_MODULES
from ansible_reap.content.model import Task
from ansible_reap.flow.analysis import Analysis
from ansible_reap.late_patterns import expression

_CHECKS = frozenset({"assert", "fail", "wait_for", "uri", "win_wait_for", "win_uri"})
"""Modules that fail where something is not as it should be."""
_OF_NO_TOPIC = frozenset({
    "start", "started", "starting", "stop", "wait", "waiting", "until", "finish", "finished", "done", "ready",
    "check", "make", "sure", "after", "before", "with", "that", "this", "have", "been", "from", "into", "over",
    "item", "items", "name", "state", "status", "service", "systemctl", "active", "inactive", "running", "host",
    "port", "path", "file", "files", "true", "false", "none", "present", "absent", "ansible", "inventory",
    "hostname", "result", "stdout", "stderr", "echo",
})  # fmt: skip
"""Words that are too common to say what a task is about."""
ENOUGH_IN_COMMON = 2
"""The least number of words that two tasks about the same thing share; one is often the product's name."""
STEM = 7
"""Letters by which two words count as one: ``installer`` and ``installation``."""
_MADE = ("name", "dest", "path", "creates")
"""Arguments that say what a task makes."""
SHORTEST_NAME = 4
"""Letters that a name has at least that tells one thing from others."""
MAX_DEPTH = 8
"""How deep arguments are looked into."""
_TEMPLATE = expression(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
NEXT = 6
"""Tasks after a launch among which one that checks its work, or waits for it, is looked for."""


def topics_of(task: Task) -> set[str]:
    """The words by which two tasks can be told to be about the same thing."""
    own = "" if task.module in BUILTIN_MODULES else task.short_name.replace("_", " ")
    return topics_in(f"{task.name} {own} {list(task.args.values())}")


def shares_a_topic(task: Task, other: Task) -> bool:
    """Whether the two have a word in common that says what they are about."""
    return not topics_of(task).isdisjoint(topics_of(other))


def topics_in(text: str) -> set[str]:
    """The words of a text by which it can be told what it is about."""
    words = set(re.findall(r"[a-z][a-z_]{2,}[a-z]", _TEMPLATE.sub(" ", text.lower())))  # variables are no topics
    return {word.removesuffix("s")[:STEM] for word in words - _OF_NO_TOPIC}


def check_after(analysis: Analysis, task: Task) -> Task | None:
    """One of the next tasks that fails where what this one is about is not as it should be; or None."""
    play = play_of(task)
    after = tasks_after(analysis, task.path, task.end_line)
    for other in islice((each for each in after if each.module != "block"), NEXT):
        if play_of(other) != play:
            return None
        checks = other.module.rpartition(".")[2] in _CHECKS or other.keywords.get("failed_when") not in (None, False)
        if checks and topics_of(task) & topics_of(other):
            return other
    return None


def first_to_name_its_work(analysis: Analysis, task: Task) -> Task | None:
    """The first later task of the play that names what this one makes, as the network card names its security group."""
    made = {text for key in _MADE for text in _names(task.args.get(key)) if _is_telling(task, text)}
    if not made:
        return None
    play = play_of(task)
    for other in tasks_after(analysis, task.path, task.end_line):
        if play_of(other) != play:
            return None
        if other.module not in ("block", "debug", "set_fact") and not made.isdisjoint(every_text(other.args)):
            return other
    return None


def _names(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))


def _is_telling(task: Task, text: str) -> bool:
    """Whether the text names one thing wherever it stands: not another one for each item of a loop."""
    return len(text) >= SHORTEST_NAME and task.loop_variable not in text


def every_text(value: object, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < MAX_DEPTH and isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from every_text(inner, depth + 1)
