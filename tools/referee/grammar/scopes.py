"""One variable in the conditions of launch and wait, each of which stands where it has a value of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from referee.grammar.launches import Launch
from referee.grammar.material import Material
from referee.grammar.picking import wait
from referee.grammar.told import Told, also
from referee.project import Task

PLAY_VARS = "vars of its play"
"""A key of a task whose play is to have these variables; no playbook shows it."""
VALUES: dict[Any, float] = {True: 5, "{{ c1 }}": 2, "{{ not c1 }}": 1, False: 1}
ASKED = ("{0}", "{0} | bool", "{0} | default(false)", "{0} is defined and {0}", "{0} | default(false) | bool")
MAY_LACK = ASKED[2:]
"""Those that can be asked where there is no such variable."""


OF_A_CALL = ("the task", "a block", "set_fact", "include_tasks", "import_tasks", "include_role", "import_role")
"""Places of variables that nobody sets from elsewhere."""


def scoped(material: Material, one: Launch) -> Told:
    """Launch and wait under one condition, in two places."""
    chance, name = material.chance, material.chance.name("wanted")
    material.given.append(name)
    here = chance.weighted(VALUES)
    there = here if chance.true(0.5) else chance.weighted(VALUES)
    first = chance.one(list(PLACES))
    # A condition over what a call itself says is decided, one over a setting of the project's is left to its user.
    alike = [place for place in (*PLACES, "nowhere") if (place in OF_A_CALL) is (first in OF_A_CALL)]
    second = chance.one(alike if chance.true(0.9) else [*PLACES, "nowhere"])
    chance.note(f"launch's variable by {first}")
    chance.note(f"wait's variable by {second}")
    chance.note("the same value in two scopes" if here == there else "another value in two scopes")
    asked = chance.one(MAY_LACK if second == "nowhere" else ASKED).format(name)
    launch = also(one.task, asked)
    waits = also(wait(chance, one.label, f"{{{{ {one.register}.ansible_job_id }}}}"), asked)
    if chance.true(0.1):
        waits["when"] = f"{one.register} is not skipped"
    launches = PLACES[first](material, launch, {name: here})
    after = [waits] if second == "nowhere" else PLACES[second](material, waits, {name: there})
    return launches, after, 0


def _of_task(_: Material, task: Task, variables: Task) -> list[Task]:
    return [task | {"vars": {**task.get("vars", {}), **variables}}]


def _of_block(material: Material, task: Task, variables: Task) -> list[Task]:
    return [{"name": material.chance.name("Block "), "block": [task], "vars": variables}]


def _of_play(_: Material, task: Task, variables: Task) -> list[Task]:
    return [task | {PLAY_VARS: variables}]


def _by_fact(material: Material, task: Task, variables: Task) -> list[Task]:
    return [{"name": material.chance.name("Set "), "set_fact": variables}, task]


def _by_file(material: Material, task: Task, variables: Task) -> list[Task]:
    path = f"vars/{material.chance.name('read')}.yml"
    material.files[path] = variables
    return [{"name": material.chance.name("Read "), "include_vars": path}, task]


def _of_call(keyword: str) -> Callable[[Material, Task, Task], list[Task]]:
    def made(material: Material, task: Task, variables: Task) -> list[Task]:
        path = f"tasks/{material.chance.name('scope')}.yml"
        material.files[path] = [task]
        return [{"name": material.chance.name("Call "), keyword: path, "vars": variables}]

    return made


def _of_role(keyword: str, part: str, **more: Any) -> Callable[[Material, Task, Task], list[Task]]:
    """``part`` is the folder of the role that has the variables, or ``call``."""

    def made(material: Material, task: Task, variables: Task) -> list[Task]:
        role = material.chance.name("scope")
        material.files[f"roles/{role}/tasks/main.yml"] = [task]
        call: Task = {"name": material.chance.name("Call "), keyword: {"name": role, **more}}
        if part == "call":
            return [call | {"vars": variables}]
        material.files[f"roles/{role}/{part}/main.yml"] = variables
        return [call]

    return made


PLACES: dict[str, Callable[[Material, Task, Task], list[Task]]] = {
    "the task": _of_task,
    "a block": _of_block,
    "the play": _of_play,
    "set_fact": _by_fact,
    "include_vars": _by_file,
    "include_tasks": _of_call("include_tasks"),
    "import_tasks": _of_call("import_tasks"),
    "include_role": _of_role("include_role", "call"),
    "import_role": _of_role("import_role", "call"),
    "defaults of include_role": _of_role("include_role", "defaults"),
    "defaults of import_role": _of_role("import_role", "defaults"),
    "defaults of a public role": _of_role("include_role", "defaults", public=True),
    "vars of include_role": _of_role("include_role", "vars"),
    "vars of import_role": _of_role("import_role", "vars"),
    "vars of a public role": _of_role("include_role", "vars", public=True),
}
