"""Launching tasks: every loop form, spelling and guard that people put on one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from referee.grammar import forms
from referee.grammar.chance import Chance
from referee.grammar.conditions import Condition
from referee.grammar.material import Material
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


def launch(material: Material, *, looped: bool | None = None, guarded: bool | None = None) -> Launch:
    """One of a new label and register; with a loop and a condition, without, or (None) as it comes."""
    chance, conditions = material.chance, material.conditions
    if looped is None:
        looped = chance.true(0.4)
    if guarded is None:
        guarded = chance.true(0.35)
    label = chance.name("L")
    register = chance.weighted({chance.name("job"): 8, "result": 1})
    end = chance.weighted({"ok": 17, "fail": 3, "long": 0.4})
    loop = _loop(material) if looped else None
    argument = f" {{{{ {loop.item} }}}}" if loop else ""
    condition = conditions.any() if guarded else None
    task: Task = {"name": f"Launch {label}", **_work(chance, f"work {label} {end}{argument}")}
    task |= loop.keywords if loop else {}
    when: list[str] = []
    if condition is not None:
        written = condition.written(chance)
        when += written if isinstance(written, list) else [str(written)]
    per_item = loop is not None and loop.items > 1 and chance.true(0.15)
    if loop and per_item:
        when.append(f"{loop.item} != 'a'" if chance.true(0.6) else f"{loop.item} in ['b', 'c', '1', 1]")
        chance.note("some items skipped")
    as_list = chance.true(0.2)
    if when:
        task["when"] = when if len(when) > 1 or as_list else when[0]
    task |= _limit(material, end)
    task["register"] = register
    task |= _more(chance, may_hide=task["poll"] == 0)
    task |= _again(chance, register)
    task |= _detachment(chance)
    if loop and task["poll"] == 0 and chance.true(0.08):
        chance.note("a hidden loop whose limit is a template")
        task |= {"no_log": True, "async": chance.one(("{{ 300 * 2 }}", f"{{{{ 600 if {loop.item} else 0 }}}}"))}
    if chance.true(0.04):
        program = chance.one(("restart.sh", f"{{{{ {material.variable('program', 'work')} }}}}"))
        chance.note("a launch that is called like a reboot")
        task |= {"name": f"Restart the machine {label}", "command": f"{program} {label} {end}{argument}"}
        task = {key: each for key, each in task.items() if key == "command" or key not in WORKS}
    return Launch(label, task, register, loop is not None, loop.items if loop else 1, condition, per_item, end)


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


WORKS = (
    "shell", "ansible.builtin.shell", "ansible.builtin.command", "ansible.legacy.command", "action",
)  # fmt: skip
"""Other keywords under which a launch has its work."""


def _words(command: str) -> list[str]:
    head, brace, rest = command.partition(" {{")
    words = head.split()[1:]
    return [*words, f"{{{{{rest}"] if brace else words


@dataclass(frozen=True)
class _Loop:
    """A task's loop: keywords, how many items, and what of an item is its text."""

    keywords: Task
    items: int
    text: str = ""

    @property
    def item(self) -> str:
        """The expression of an item's text."""
        variable: str = self.keywords.get("loop_control", {}).get("loop_var", "item")
        return variable + self.text


def _loop(material: Material) -> _Loop:
    chance = material.chance
    items = chance.some(("a", "b", "c"), chance.weighted({1: 1, 2: 4, 3: 2}))
    if chance.true(0.3):
        loops = forms.launch_loops(items, material.variable("things", items))
        name = chance.one(list(loops))
        chance.note(f"loop by {name}")
        made, part, count = loops[name]
        return _Loop(made, count, part)
    form, text = chance.weighted(
        {
            ("list", ""): 9,
            ("template", ""): 1.5,
            ("default", ""): 0.7,
            ("filtered", ""): 0.7,
            ("dicts", ".name"): 1.5,
            ("pairs", ".key"): 1,
            ("with_dict", ".key"): 0.7,
            ("together", ".0"): 0.4,
            ("product", ""): 0.5,
            ("sequence", ""): 1,
            ("range", ""): 1,
            ("empty", ""): 0.4,
        }
    )
    chance.note(f"loop by {form}")
    keywords = _loop_keywords(material, form, items)
    if chance.true(0.2):
        keywords["loop_control"] = {"loop_var": chance.one(("thing", "one"))}
    elif chance.true(0.1):
        keywords["loop_control"] = chance.one(({"label": "it"}, {"index_var": "number"}, {"pause": 0}))
    return _Loop(keywords, 0 if form == "empty" else len(items), text)


def _loop_keywords(material: Material, form: str, items: list[str]) -> Task:
    chance = material.chance
    if form == "sequence":
        return {"with_sequence": f"count={len(items)}"}
    if form == "together":
        return {"with_together": [items, items]}
    over: Any = items
    if form == "range":
        over = f"{{{{ range({len(items)}) | list }}}}"
    elif form == "empty":
        over = []
    elif form == "template":
        over = "{{ " + repr(items) + " }}"
    elif form == "product":
        over = "{{ " + repr(items) + " | product(['x']) | map('join') | list }}"
    elif form == "default":
        over = f"{{{{ {material.variable('things', items)} | default([]) }}}}"
    elif form == "filtered":
        over = f"{{{{ {material.variable('things', [*items, 'none'])} | reject('equalto', 'none') | list }}}}"
    elif form == "dicts":
        over = [{"name": each} for each in items]
    elif form in ("with_dict", "pairs"):
        over = dict.fromkeys(items, 1)
    if form in ("list", "dicts", "with_dict") and chance.true(0.3):
        over = f"{{{{ {material.variable('things', over)} }}}}"
    if form == "pairs":
        over = f"{{{{ {material.variable('things', over) if chance.true(0.5) else repr(over)} | dict2items }}}}"
    if form == "with_dict":
        return {"with_dict": over}
    return {"with_items" if form in ("list", "dicts") and chance.true(0.25) else "loop": over}


def _limit(material: Material, end: str) -> Task:
    """``async`` and ``poll``, written as they come; now and then what looks like a launch is none."""
    chance = material.chance
    limit: Any = 1 if end == "long" else chance.one((600, 900, 3600))
    form = chance.weighted(
        {
            "plain": 14, "text": 1, "template": 1, "poll template": 0.7, "variable": 1.5, "default": 0.7,
            "poll variable": 1, "poll by switch": 0.5, "async by switch": 0.5, "poll 1": 0.6, "async 0": 0.4,
        }
    )  # fmt: skip
    if form != "plain":
        chance.note(f"limit: {form}")
    switch = material.conditions.switch().written(chance)
    forms: dict[str, Task] = {
        "plain": {"async": limit, "poll": 0},
        "text": {"async": str(limit), "poll": "0"},
        "template": {"async": f"{{{{ {limit} * 1 }}}}", "poll": 0},
        "poll template": {"async": limit, "poll": "{{ 1 - 1 }}"},
        "default": {"async": f"{{{{ no_such_limit | default({limit}) }}}}", "poll": 0},
        "poll by switch": {"async": limit, "poll": f"{{{{ 0 if ({switch}) else 1 }}}}"},
        "async by switch": {"async": f"{{{{ ({switch}) | ternary({limit}, 0) }}}}", "poll": 0},
        "poll 1": {"async": limit, "poll": 1},
        "async 0": {"async": 0, "poll": 0},
    }
    if form == "variable":
        return {"async": f"{{{{ {material.variable('limit', limit)} }}}}", "poll": 0}
    if form == "poll variable":
        return {"async": limit, "poll": f"{{{{ {material.variable('poll', 0)} }}}}"}
    return forms[form]


def _again(chance: Chance, register: str) -> Task:
    """Now and then an ``until`` of the launch's own: one that is not met starts one more job at each try."""
    form = chance.weighted({"": 60, "met": 1, "unmet": 0.6})
    if not form:
        return {}
    chance.note(f"launch with until: {form}")
    asked = chance.one((f"{register}.started", f"{register}.ansible_job_id is defined", f"{register} is succeeded"))
    if form == "unmet":
        asked = chance.one((f"{register} is finished", f"{register}.finished"))
    return {"until": asked, "retries": 1, "delay": 0, "ignore_errors": True}


def _detachment(chance: Chance) -> Task:
    form = chance.weighted({"": 60, "reason": 1.5, "nothing": 0.5})
    if not form:
        return {}
    chance.note(f"detached with {form}")
    return {"vars": {"async_reaper_detach": "it lives on" if form == "reason" else ""}}


def _more(chance: Chance, *, may_hide: bool) -> Task:
    """Keywords that launches carry besides, seldom. What Ansible polls is told by its events, so that is not hidden."""
    kinds = ["changed_when", "failed_when", "failed", "ignore_errors", "tags", "never", "templated tags"]
    kinds += ["no_log"] if may_hide else []
    more = chance.one(kinds) if chance.true(0.25) else ""
    if more:
        chance.note(f"launch with {more}")
    keywords: dict[str, Task] = {
        "": {},
        "changed_when": {"changed_when": False},
        "failed_when": {"failed_when": False},
        "failed": {"failed_when": True, "ignore_errors": True},
        "never": {"tags": ["never", "slow"]},
        "no_log": {"no_log": True},
        "ignore_errors": {"ignore_errors": True},
        "tags": {"tags": ["slow"]},
        "templated tags": {"tags": chance.one((["{{ 'slow' }}"], "{{ 'work' }},slow", "{{ 'never' }},slow"))},
    }
    return keywords[more]
