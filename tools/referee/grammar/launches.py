"""Launching tasks: every loop form, spelling and guard that people put on one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from referee.grammar.chance import Chance
from referee.grammar.conditions import Condition, Conditions
from referee.project import Task


@dataclass(frozen=True)
class Launch:
    """A launching task and what a wait for it must know."""

    label: str
    task: Task
    register: str
    looped: bool
    items: int
    """How many items its loop has; 1 without a loop."""
    condition: Condition | None
    per_item: bool
    """Whether some of its items are skipped."""
    end: str

    def with_task(self, **keywords: Any) -> Launch:
        """The same with further keywords on its task."""
        return replace(self, task={**self.task, **keywords})


def launch(
    chance: Chance, conditions: Conditions, *, looped: bool | None = None, guarded: bool | None = None
) -> Launch:
    """One of a new label and register; with a loop and a condition, without, or (None) as it comes."""
    if looped is None:
        looped = chance.true(0.4)
    if guarded is None:
        guarded = chance.true(0.35)
    label = chance.name("L")
    register = chance.weighted({chance.name("job"): 8, "result": 1})
    end = chance.weighted({"ok": 17, "fail": 3, "long": 0.4})
    loop, items = _loop(chance) if looped else ({}, 1)
    variable = loop.get("loop_control", {}).get("loop_var", "item")
    argument = f" {{{{ {variable}{_of_item(loop)} }}}}" if loop else ""
    condition = conditions.any() if guarded else None
    task: Task = {"name": f"Launch {label}", **_work(chance, f"work {label} {end}{argument}")}
    task |= loop
    per_item = bool(loop) and items > 1 and chance.true(0.15)
    when: list[str] = []
    if condition is not None:
        written = condition.written(chance)
        when += written if isinstance(written, list) else [str(written)]
    if per_item:
        when.append(f"{variable}{_of_item(loop)} != 'a'" if chance.true(0.6) else f"{variable} in ['b', 'c']")
        chance.note("some items skipped")
    if when:
        task["when"] = when if len(when) > 1 or chance.true(0.2) else when[0]
    task |= _limit(chance, end)
    task["register"] = register
    task |= _more(chance)
    return Launch(label, task, register, bool(loop), items, condition, per_item, end)


def _work(chance: Chance, command: str) -> Task:
    form = chance.weighted({"command": 5, "fqcn": 4, "shell": 3, "cmd": 2, "argv": 1, "action": 0.5, "legacy": 0.5})
    chance.note(f"launch by {form}")
    forms: dict[str, Task] = {
        "command": {"command": command},
        "fqcn": {"ansible.builtin.command": command},
        "shell": {"ansible.builtin.shell": f"set -e; {command}"},
        "cmd": {"ansible.builtin.command": {"cmd": command}},
        "argv": {"ansible.builtin.command": {"argv": ["work", *_words(command)]}},
        "action": {"action": f"command {command}"},
        "legacy": {"ansible.legacy.command": command},
    }
    return forms[form]


def _words(command: str) -> list[str]:
    head, brace, rest = command.partition(" {{")
    words = head.split()[1:]
    return [*words, f"{{{{{rest}"] if brace else words


def _loop(chance: Chance) -> tuple[Task, int]:
    """The loop's keywords and how many items it has."""
    items = chance.some(("a", "b", "c"), chance.weighted({1: 1, 2: 4, 3: 2}))
    form = chance.weighted(
        {"loop": 6, "with_items": 2, "template": 2, "dicts": 1, "dict2items": 1, "sequence": 1, "empty": 0.4}
    )
    chance.note(f"loop by {form}")
    if form == "sequence":
        return {"with_sequence": f"count={len(items)}"}, len(items)
    if form == "empty":
        return {"loop": []}, 0
    forms: dict[str, Task] = {
        "loop": {"loop": items},
        "with_items": {"with_items": items},
        "template": {"loop": "{{ " + repr(items) + " }}"},
        "dicts": {"loop": [{"name": each} for each in items]},
        "dict2items": {"loop": "{{ {" + ", ".join(f"'{each}': 1" for each in items) + "} | dict2items }}"},
    }
    keywords = forms[form]
    if chance.true(0.2):
        keywords["loop_control"] = {"loop_var": chance.one(("thing", "one"))}
    return keywords, len(items)


def _of_item(loop: Task) -> str:
    """What of an item is its text."""
    over = loop.get("loop")
    if isinstance(over, str) and "dict2items" in over:
        return ".key"
    return ".name" if isinstance(over, list) and over and isinstance(over[0], dict) else ""


def _limit(chance: Chance, end: str) -> Task:
    limit: Any = chance.one((20, 30, 60))
    if end == "long":
        limit = 1
    poll: Any = 0
    form = chance.weighted({"plain": 12, "text": 1, "template": 1, "poll template": 1})
    if form == "text":
        limit, poll = str(limit), "0"
    elif form == "template":
        limit = f"{{{{ {limit} }}}}"
    elif form == "poll template":
        poll = "{{ 1 - 1 }}"
    return {"async": limit, "poll": poll}


def _more(chance: Chance) -> Task:
    """Keywords that launches carry besides, seldom."""
    more = chance.weighted({"": 16, "changed_when": 1, "failed_when": 1, "no_log": 1, "ignore_errors": 1, "tags": 1})
    if more:
        chance.note(f"launch with {more}")
    keywords: dict[str, Task] = {
        "": {},
        "changed_when": {"changed_when": False},
        "failed_when": {"failed_when": False},
        "no_log": {"no_log": True},
        "ignore_errors": {"ignore_errors": True},
        "tags": {"tags": ["slow"]},
    }
    return keywords[more]
