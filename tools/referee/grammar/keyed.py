"""Loops over dictionaries and tables whose entries say whether they are wanted, and facts that hold ids by a key."""

from __future__ import annotations

from typing import Any

from referee.grammar.launches import Launch
from referee.grammar.material import Material
from referee.grammar.picking import wait
from referee.grammar.told import Told, also, id_of
from referee.project import Task

VALUES = (True, True, "{{ c1 }}", "{{ not c1 }}", False)


def enabled(material: Material, one: Launch) -> Told:
    """Entries that are switched on one by one, by the project or by a switch."""
    chance = material.chance
    names = chance.some(("a", "b", "c"), chance.number(1, 3))
    on = {name: chance.one(VALUES) for name in names}
    shape = chance.one(("table", "dict", "pairs"))
    over, entry = _entries(material, shape, on)
    variable = chance.weighted({"item": 4, "service": 1})
    control: Task = {} if variable == "item" else {"loop_control": {"loop_var": variable}}
    asked = chance.one(("{0}.enabled", "{0}.enabled | bool", "{0}.enabled | default(true)", "{0}.enabled == true"))
    form = chance.weighted({"when": 4, "selectattr": 2})
    launch = also(one.task | {"loop": f"{{{{ {over} }}}}", **control}, asked.format(f"{variable}{entry}"))
    if form == "selectattr":
        attribute = f"{entry}.enabled".lstrip(".")
        launch = one.task | {"loop": f"{{{{ {over} | selectattr('{attribute}') | list }}}}", **control}
    chance.note(f"entries of a {shape} by {form}")
    jid, guard = "{{ item.ansible_job_id }}", chance.one((
        "item is not skipped", "item.ansible_job_id is defined", "item is changed", "item.skipped is not defined",
        "not (item.skipped | default(false))", asked.format(f"item.{variable}{entry}"), "",
    ))  # fmt: skip
    results: str = f"{one.register}.results"
    if chance.true(0.25):
        kept = ("rejectattr('skipped', 'defined')", "selectattr('ansible_job_id', 'defined')", "selectattr('changed')")
        results, guard = f"{results} | {chance.one(kept)} | list", ""
    elif chance.true(0.1):
        results, guard = f"{results} | selectattr('{variable}{entry}.enabled') | list", ""
    if guard:
        chance.note(f"wait for an entry where {guard.replace(variable, 'item')}")
    label = {"loop_control": {"label": f"{{{{ item.{variable} }}}}"}} if chance.true(0.3) else {}
    waits = wait(chance, one.label, jid, loop=f"{{{{ {results} }}}}", **label)
    return [launch], [also(waits, guard) if guard else waits], 0


def _entries(material: Material, shape: str, on: dict[str, Any]) -> tuple[str, str]:
    """A list of entries, and what of one of them holds ``enabled``."""
    if shape == "table":
        return material.variable("things", [{"name": key, "enabled": value} for key, value in on.items()]), ""
    things = material.variable("things", {key: {"enabled": value} for key, value in on.items()})
    if shape == "dict":
        return f"{things} | dict2items", ".value"
    return f"{things}.values() | list", ""


def by_key(material: Material, one: Launch) -> Told:
    """The ids of a loop's jobs in a fact by item, in facts of their own, or in a list of dictionaries."""
    chance, fact = material.chance, material.chance.name("ids")
    items = chance.some(("a", "b", "c"), chance.number(1, 3))
    launch = one.task | {"loop": items}
    results = f"{{{{ {one.register}.results }}}}"
    forms: dict[str, tuple[Any, Task, Any, str]] = {
        # what is set, in which loop, what is looped over and what is the id
        "combine": (
            {fact: f"{{{{ {fact} | default({{}}) | combine({{item.item: item.ansible_job_id}}) }}}}"},
            {"loop": results}, f"{{{{ {fact} | dict2items }}}}", "{{ item.value }}",
        ),
        "combine, by item": (
            {fact: f"{{{{ {fact} | default({{}}) | combine({{item.item: item}}) }}}}"},
            {"loop": results}, items, f"{{{{ {fact}[item].ansible_job_id }}}}",
        ),
        "combine, values": (
            {fact: f"{{{{ {fact} | default({{}}) | combine({{item.item: item.ansible_job_id}}) }}}}"},
            {"with_items": results}, f"{{{{ {fact}.values() | list }}}}", "{{ item }}",
        ),
        "one key": (
            {fact: f"{{{{ {fact} | default({{}}) | combine({{'last': item.ansible_job_id}}) }}}}"},
            {"loop": results}, f"{{{{ {fact}.values() | list }}}}", "{{ item }}",
        ),
        "names": (
            {f"{fact}_{{{{ item.item }}}}": "{{ item.ansible_job_id }}"},
            {"loop": results}, items, f"{{{{ lookup('vars', '{fact}_' ~ item) }}}}",
        ),
        "names by vars": (
            {f"{fact}_{{{{ item.item }}}}": "{{ item.ansible_job_id }}"},
            {"loop": results}, items, "{{ hostvars[inventory_hostname][fact_of] }}".replace(
                "fact_of", f"'{fact}_' ~ item"
            ),
        ),
        "table": (
            {fact: f"{{{{ {fact} | default([]) + [{{'name': item.item, 'id': item.ansible_job_id}}] }}}}"},
            {"loop": results}, f"{{{{ {fact} }}}}", "{{ item.id }}",
        ),
        "table, one name": (
            {fact: f"{{{{ {fact} | default([]) + [{{'name': item.item, 'id': item.ansible_job_id}}] }}}}"},
            {"loop": results}, f"{{{{ {fact} | selectattr('name', 'eq', '{items[0]}') | list }}}}", "{{ item.id }}",
        ),
        "items2dict": (
            {fact: f"{{{{ {one.register}.results | items2dict(key_name='item', value_name='ansible_job_id') }}}}"},
            {}, f"{{{{ {fact} | dict2items }}}}", "{{ item.value }}",
        ),
        "zipped": (
            {fact: "{{ dict(" + f"{one.register}.results | map(attribute='item') | zip({one.register}.results"
             " | map(attribute='ansible_job_id'))) }}"},
            {}, items, f"{{{{ {fact}[item] }}}}",
        ),
        "cacheable": (
            {fact: f"{{{{ {one.register}.results | map(attribute='ansible_job_id') | list }}}}", "cacheable": True},
            {}, f"{{{{ {fact} }}}}", "{{ item }}",
        ),
        "by JSON": (
            {fact: f"{{{{ {one.register}.results | map(attribute='ansible_job_id') | list | to_json }}}}"},
            {}, f"{{{{ {fact} | from_json }}}}", "{{ item }}",
        ),
    }  # fmt: skip
    form = chance.one(list(forms))
    chance.note(f"ids by key: {form}")
    given, loop, over, jid = forms[form]
    keep: Task = {"name": f"Keep {fact}", "set_fact": given, **loop}
    keyword = chance.one(("loop", "loop", "with_items"))
    return [launch], [keep, wait(chance, one.label, jid, **{keyword: over})], 0


def carried_on(material: Material, one: Launch) -> Told:
    """The id in facts that take turns: a default, a condition, a fact of a fact."""
    chance, fact = material.chance, material.chance.name("id")
    switch = material.conditions.switches[0]
    forms: dict[str, list[Task]] = {
        "default before": [
            {"name": "Begin", "set_fact": {fact: ""}},
            {"name": "Keep", "set_fact": {fact: id_of(one.register)}, "when": f"{one.register} is changed"},
        ],
        "set under a switch": [{"name": "Keep", "set_fact": {fact: id_of(one.register)}, "when": switch}],
        "of a fact": [
            {"name": "Keep", "set_fact": {f"{fact}_job": f"{{{{ {one.register} }}}}"}},
            {"name": "Keep", "set_fact": {fact: f"{{{{ {fact}_job.ansible_job_id }}}}"}},
        ],
        "two of one task": [
            {"name": "Keep", "set_fact": {"other": 1, fact: f"{{{{ {one.register}['ansible_job_id'] }}}}"}},
        ],
        "in words": [{"name": "Keep", "set_fact": f"{fact}={id_of(one.register)}"}],
        "overwritten": [
            {"name": "Keep", "set_fact": {fact: id_of(one.register)}},
            {"name": "Begin", "set_fact": {fact: ""}, "when": switch},
        ],
        "in a loop of one": [{"name": "Keep", "set_fact": {fact: "{{ item }}"}, "loop": [id_of(one.register)]}],
        "of a dict": [{"name": "Keep", "set_fact": {fact: {"id": id_of(one.register)}}}],
    }  # fmt: skip
    form = chance.one(list(forms))
    chance.note(f"id carried on: {form}")
    jid = f"{{{{ {fact}.id }}}}" if form == "of a dict" else f"{{{{ {fact} }}}}"
    waits = wait(chance, one.label, jid)
    if chance.true(0.4):
        asked = ("{0} is defined", "{0} | default('') | length > 0", "{0} | default('') != ''", "{0} | default(none)")
        waits = also(waits, chance.one(asked[:3]).format(fact))
    return [one.task], [*forms[form], waits], 0
