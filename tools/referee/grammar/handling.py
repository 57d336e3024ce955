"""Stories that handlers take part in: on one topic, in a chain, with one register, as launch or as wait."""

from __future__ import annotations

from referee.grammar.launches import Launch
from referee.grammar.material import Material
from referee.grammar.picking import wait
from referee.project import Task


def handled(material: Material, one: Launch, other: Launch) -> tuple[list[Task], list[Task]]:
    """Tasks that notify, and those that come after; the handlers go into the material."""
    chance = material.chance
    form = chance.weighted({"topic": 3, "each": 3, "chain": 2, "waits": 2, "flushed elsewhere": 2})
    chance.note(f"handlers: {form}")
    first, second = dict(one.task), dict(other.task)
    shared = form in ("topic", "each") and chance.true(0.4)
    if shared:
        second["register"] = first["register"]
        chance.note("handlers share a register")
    waits = [wait(chance, one.label, f"{{{{ {one.register}.ansible_job_id }}}}")]
    if not shared:
        waits.append(wait(chance, other.label, f"{{{{ {second['register']}.ansible_job_id }}}}"))
    if form in ("each", "flushed elsewhere") or chance.true(0.5):
        waits = [task | {"when": f"{_register(task)} is defined"} for task in waits]
    flush: list[Task] = [{"name": chance.name("Flush "), "meta": "flush_handlers"}]
    if form == "flushed elsewhere":
        path = f"tasks/{chance.name('flush')}.yml"
        material.files[path] = flush
        flush = [{"name": chance.name("Call "), chance.one(("include_tasks", "import_tasks")): path}]
    if form == "topic":
        topic = chance.name("changed ")
        material.handlers[topic] = [first | {"listen": topic}, second | {"listen": [topic]}]
        return [_change(material, topic)], [*flush, *waits]
    if form == "waits":
        # the launch is a task as ever, and what waits for it is a handler
        topic = waits[0]["name"]
        material.handlers[topic] = [{key: value for key, value in waits[0].items() if key != "when"}]
        if chance.true(0.4):
            first["changed_when"] = chance.one((False, True, *material.conditions.switches))
            chance.note("a launch that notifies says whether it is changed")
        return [first | {"notify": topic}], flush if chance.true(0.8) else []
    material.handlers[str(first["name"])] = [first]
    material.handlers[str(second["name"])] = [second]
    if form == "chain":
        material.handlers[str(first["name"])] = [first | {"notify": second["name"]}]
        return [_change(material, str(first["name"]))], [*flush, *waits]
    return [_change(material, str(task["name"])) for task in (first, second)], [*flush, *waits]


def _change(material: Material, topic: str) -> Task:
    chance = material.chance
    task: Task = {"name": chance.name("Change "), "debug": {"msg": "changed"}, "changed_when": True, "notify": topic}
    if chance.true(0.3):
        task["when"] = material.conditions.any().written(chance)
    elif chance.true(0.2):
        task["changed_when"] = chance.one(material.conditions.switches)
    return task


def _register(task: Task) -> str:
    """The variable that a wait of ``picking`` asks for the id."""
    text = str(task)
    return text[text.index("{{ ") + 3 :].partition(".")[0]
