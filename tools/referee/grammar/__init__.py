"""A seeded grammar of small projects. A seed makes the same project on every machine."""

from __future__ import annotations

import enum
import re
from dataclasses import replace
from typing import Any

from referee.grammar import forms, vaulted
from referee.grammar.chance import Chance
from referee.grammar.conditions import Conditions
from referee.grammar.material import Material
from referee.grammar.stories import Stories, Story
from referee.grammar.structure import Structure
from referee.project import IN_GROUP, Project, Task

VARIANTS: dict[tuple[str, ...], float] = {
    (): 12,
    ("--tags", "slow"): 1,
    ("--skip-tags", "slow"): 1,
    ("--check",): 1,
    ("--limit", "h1"): 0.5,
    ("--force-handlers",): 0.5,
}
"""Other ways to start the same playbook, by weight."""


class Layout(enum.Enum):
    """Where a project's tasks stand."""

    ANY = "any"
    FLAT = "flat"
    """One list of tasks in one play."""
    SMALL = "small"
    """A launch or two with little around them: what goes wrong has one cause, and a run costs little."""
    NEUTRAL = "neutral"
    """In files, roles, blocks and plays, in such ways only as change nothing of what happens."""


def project(seed: str, layout: Layout = Layout.ANY, spelling: str | None = None) -> Project:
    """The project of this seed. The layouts but ``ANY``, and all spellings, of a seed are projects that do the same."""
    chance = Chance(seed, spelling)
    is_small = layout is Layout.SMALL
    counts: dict[int, float] = {1: 6, 2: 4} if is_small else {1: 6, 2: 4, 3: 0.7}
    hosts = tuple(f"h{number}" for number in range(1, chance.weighted(counts) + 1))
    counts = {1: 1} if is_small else {1: 5, 2: 3, 3: 0.4}
    switches = tuple(f"c{number}" for number in range(1, chance.weighted(counts) + 1))
    conditions = Conditions(chance, switches, hosts)
    material = Material(chance, conditions, hosts)
    making = Stories(material)
    if chance.true(0.22):
        value, tests = chance.one(forms.DERIVED)
        name = material.variable("mode", value)
        test = chance.one(tests)
        chance.note(f"derived: {value} {test}")
        conditions.derived.append(test.replace("0@", name))
    stories = [making.story() for _ in range(1 if is_small else chance.weighted({1: 5, 2: 4, 3: 1}))]
    for name in switches:
        if chance.true(0.1):
            material.variables[name] = chance.true(0.5)
            chance.note("a switch has a value of the project's")
    has_vault = chance.true(0.05)
    if has_vault:
        chance.note("vault")
        first, *others = stories
        stories = [
            replace(
                first, launches=[vaulted.with_secret(task) if "async" in task else task for task in first.launches]
            ),
            *others,
        ]
        material.files.update(vaulted.FILES)
    has_vault = has_vault or vaulted.PASSWORD_FILE in material.files
    tasks = _between(chance, conditions, _mutated(chance, conditions, _interleaved(chance, stories)))
    structure = Structure(material, is_small=is_small)
    if layout in (Layout.ANY, Layout.SMALL):
        playbooks = structure.playbooks(tasks)
    else:
        playbooks = structure.neutral(tasks if layout is Layout.FLAT else structure.wrapped_neutrally(tasks))
    variant = chance.weighted(VARIANTS)
    if variant:
        chance.note(f"run with {' '.join(variant)}")
    inventory = "\n".join([*hosts, "", "[some]", *hosts[:IN_GROUP], ""])
    return Project(
        {"hosts.ini": inventory, **material.files},
        playbooks,
        hosts,
        switches,
        sum(story.peeks for story in stories),
        args=vaulted.ARGS if has_vault else (),
        variant=variant,
        knowable=len(playbooks) == 1,
        notes=tuple(dict.fromkeys([*chance.notes, *chance.spelling.notes])),
        given=tuple(material.given),
    )


def _interleaved(chance: Chance, stories: list[Story]) -> list[Task]:
    """One list; the tasks of each story keep their order."""
    form = chance.weighted({"one after another": 2, "launches first": 3, "any": 3})
    if form == "one after another":
        return [task for story in stories for task in (*story.launches, *story.after)]
    if form == "launches first":
        launches = [task for story in stories for task in story.launches]
        return launches + [task for story in stories for task in story.after]
    left = [[*story.launches, *story.after] for story in stories]
    result: list[Task] = []
    while any(left):
        result.append(chance.one([story for story in left if story]).pop(0))
    return result


def _mutated(chance: Chance, conditions: Conditions, tasks: list[Task]) -> list[Task]:
    """Now and then one small thing is wrong: a wait is missing, is for another register or stands under a condition."""
    form = chance.weighted({"": 9, "no wait": 0.5, "other register": 0.5, "condition": 0.7, "order": 0.3})
    after = [number for number, task in enumerate(tasks) if "async" not in task]
    registers = [task["register"] for task in tasks if "async" in task]
    if not form or not after or not registers:
        return tasks
    chance.note(f"mutated: {form}")
    place = chance.one(after)
    task = tasks[place]
    if form == "no wait":
        return [*tasks[:place], *tasks[place + 1 :]]
    if form == "order":
        return [*tasks[:place], *tasks[place + 1 :], task]
    if form == "condition":
        more = conditions.any().written(chance)
        whens = [each for when in (task.get("when", []), more) for each in (when if isinstance(when, list) else [when])]
        return [*tasks[:place], task | {"when": whens}, *tasks[place + 1 :]]
    one, other = chance.one(registers), chance.one(registers)
    return [*tasks[:place], _renamed(task, one, other), *tasks[place + 1 :]]


def _renamed(data: Any, one: str, other: str) -> Any:
    """The data with one variable in place of another wherever it is named."""
    if isinstance(data, str):
        return re.sub(rf"\b{one}\b", other, data)
    if isinstance(data, list):
        return [_renamed(each, one, other) for each in data]
    if isinstance(data, dict):
        return {key: _renamed(value, one, other) for key, value in data.items()}
    return data


def _between(chance: Chance, conditions: Conditions, tasks: list[Task]) -> list[Task]:
    """Now and then something else stands between."""
    result: list[Task] = []
    registers = [task["register"] for task in tasks if "async" in task]
    for task in tasks:
        form = chance.weighted(
            {
                "": 22,
                "debug": 1,
                "end_play": 0.3,
                "end_host": 0.3,
                "end_batch": 0.15,
                "overwrite": 0.5 if registers else 0,
                "fact": 0.5,
            }
        )
        if form:
            chance.note(f"between: {form}")
        # Whether a play or batch ends is asked of its first host alone.
        when = (conditions.switch() if form in ("end_play", "end_batch") else conditions.any()).written(chance)
        name = chance.name("Between ")
        if form == "debug":
            result.append({"name": name, "debug": {"msg": "between"}})
        elif form.startswith("end_"):
            result.append({"name": name, "meta": form, "when": when})
        elif form == "overwrite":
            result.append({"name": name, "debug": {"msg": "over"}, "register": chance.one(registers), "when": when})
        elif form == "fact":
            result.append({"name": name, "set_fact": {chance.name("fact"): "{{ c1 }}"}})
        result.append(task)
    return result
