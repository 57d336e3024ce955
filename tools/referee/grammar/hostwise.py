"""Stories of several hosts: a wait for the jobs of some, what runs once for all, a job on each host from one."""

from __future__ import annotations

from typing import Any

from referee.grammar.launches import Launch
from referee.grammar.material import Material
from referee.grammar.picking import wait
from referee.grammar.told import Told, also, id_of
from referee.grammar.waits import status
from referee.project import Task

HOSTS = (
    "ansible_play_hosts", "ansible_play_batch", "ansible_play_hosts_all", "play_hosts", "groups['all']", "groups.all",
    "groups['some']", "groups.some", "[inventory_hostname]",
    "ansible_play_hosts | difference([inventory_hostname])", "groups.all | difference(groups.some)",
    "groups['all'] | intersect(ansible_play_hosts)", "groups.some | union(groups.all)", "groups.some + groups.all",
    "ansible_play_hosts | list", "ansible_play_hosts | sort", "ansible_play_hosts | reject('eq', inventory_hostname)",
    "query('inventory_hostnames', 'all')", "query('inventory_hostnames', 'some')", "groups.all | unique",
    "groups['some'] | default([])", "groups['none'] | default([])", "hostvars.keys() | list",
)  # fmt: skip
"""Whose jobs are waited for, by what an expression names: all hosts, or some."""
SLICES = (
    "groups['some'][:1]", "groups['all'][:1]", "groups.all[:2]", "ansible_play_hosts[1:]", "ansible_play_hosts[:1]",
    "[ansible_play_hosts[0]]", "groups['all'][0:1]", "ansible_play_batch[:-1]",
)  # fmt: skip


def of_some(material: Material, one: Launch) -> Told:
    """A wait over the host variables of some hosts or of all."""
    chance = material.chance
    form = chance.weighted({"expression": 5, "slice": 4, "written out": 1, "one": 1, "first": 1})
    over: Any = f"{{{{ {chance.one(SLICES if form == 'slice' else HOSTS)} }}}}"
    if form == "written out":
        over = list(material.hosts)
    elif form == "one":
        over = [chance.one(material.hosts)]
    elif form == "first":
        over = ["{{ ansible_play_hosts[0] }}"]
    chance.note(f"jobs of {over if form in ('expression', 'slice') else form}")
    jid = f"{{{{ hostvars[item].{one.register}.ansible_job_id }}}}"
    keywords: Task = {chance.one(("loop", "loop", "with_items")): over}
    at = chance.weighted({"item": 8, "here": 1})
    if at == "item":
        keywords["delegate_to"] = "{{ item }}"
    if chance.true(0.7):
        keywords["run_once"] = True
    if chance.true(0.2):
        keywords["when"] = f"hostvars[item].{one.register} is defined"
    return [one.task], [wait(chance, one.label, jid, **keywords)], 0


def once(material: Material, one: Launch) -> Told:
    """``run_once`` on a block, an include or import that holds the launch, the wait or both."""
    chance = material.chance
    waits = wait(chance, one.label, id_of(one.register))
    if chance.true(0.5):
        asked = ("{0} is defined", "{0}.ansible_job_id is defined", "{0} is not skipped", "{0} is changed")
        waits = also(waits, chance.one(asked).format(one.register))
    if chance.true(0.3):
        waits |= {"delegate_to": material.hosts[0]}
    inside = chance.weighted({"launch": 3, "wait": 3, "both": 1, "each": 2})
    form = chance.one(("block", "include_tasks", "import_tasks", "include_role", "import_role"))
    chance.note(f"{form} with run_once holds {inside}")
    if inside == "both":
        return [_once(material, form, [one.task, waits])], [], 0
    launch = one.task if inside == "wait" else _once(material, form, [one.task])
    if chance.true(0.2):
        waits |= {"run_once": True}
    return [launch], [waits if inside == "launch" else _once(material, form, [waits])], 0


def _once(material: Material, form: str, tasks: list[Task]) -> Task:
    chance = material.chance
    call: Task = {"name": chance.name("Once "), "run_once": True}
    if form == "block":
        return call | {"block": tasks}
    if form.endswith("tasks"):
        path = f"tasks/{chance.name('once')}.yml"
        material.files[path] = tasks
        return call | {form: path}
    role = chance.name("once")
    material.files[f"roles/{role}/tasks/main.yml"] = tasks
    return call | {form: {"name": role}}


def of_the_first(material: Material, one: Launch) -> Told:
    """The id of the first host's job, which all hosts have."""
    chance, kept = material.chance, material.chance.name("first_id")
    form = chance.one(("fact", "hostvars", "groups", "look", "variable"))
    chance.note(f"id of the first host by {form}")
    before: list[Task] = []
    peeks = 0
    jid = f"{{{{ {kept} }}}}"
    keywords: Task = {}
    if form == "fact":
        before = [{"name": f"Keep {kept}", "set_fact": {kept: id_of(one.register)}, "run_once": True}]
    elif form == "look":
        look = {"name": f"Look at {one.label}", **status(chance, id_of(one.register)), "register": kept}
        before, peeks = [look | {"run_once": True}], 1
        jid = f"{{{{ {kept}.ansible_job_id }}}}"
    elif form == "variable":
        keywords["vars"] = {kept: f"{{{{ hostvars[ansible_play_hosts[0]].{one.register} }}}}"}
        jid = f"{{{{ {kept}.ansible_job_id }}}}"
    else:
        first = chance.one(("ansible_play_hosts[0]", "ansible_play_hosts | first"))
        if form == "groups":
            first = chance.one(("groups['all'][0]", "groups.all | first", f"'{material.hosts[0]}'"))
        jid = f"{{{{ hostvars[{first}].{one.register}.ansible_job_id }}}}"
    where = chance.weighted({"own": 2, "first": 4, "first once": 3})
    if where != "own":
        keywords["delegate_to"] = chance.one((material.hosts[0], "{{ ansible_play_hosts[0] }}"))
    if where == "first once":
        keywords["run_once"] = True
    elif chance.true(0.4):
        keywords["when"] = f"inventory_hostname {chance.one(('==', '!='))} ansible_play_hosts[0]"
    return [one.task], [*before, wait(chance, one.label, jid, **keywords)], peeks


def sent_out(material: Material, one: Launch) -> Told:
    """One task starts a job on each host by ``delegate_to`` in a loop, and one waits for them there."""
    chance = material.chance
    over = chance.one(("{{ groups['all'] }}", "{{ ansible_play_hosts }}", list(material.hosts), "{{ groups.some }}"))
    launch = one.task | {"loop": over, "delegate_to": "{{ item }}", "run_once": True}
    form = chance.weighted({"item": 5, "selected": 2, "hosts": 1, "index": 1})
    chance.note(f"sent out, waited for by {form}")
    results = f"{one.register}.results"
    keywords: Task = {"loop": f"{{{{ {results} }}}}", "delegate_to": "{{ item.item }}", "run_once": True}
    jid = "{{ item.ansible_job_id }}"
    if form == "selected":
        keywords["loop"] = f"{{{{ {results} | selectattr('ansible_job_id', 'defined') | list }}}}"
    elif form == "index":
        keywords |= {"loop": f"{{{{ range({results} | length) | list }}}}"}
        keywords["delegate_to"] = f"{{{{ {results}[item].item }}}}"
        jid = f"{{{{ {results}[item].ansible_job_id }}}}"
    elif form == "hosts":
        keywords |= {"loop": over, "delegate_to": "{{ item }}"}
        jid = f"{{{{ ({results} | selectattr('item', 'eq', item) | first).ansible_job_id }}}}"
    if chance.true(0.15):
        del keywords["run_once"]
    return [launch], [wait(chance, one.label, jid, **keywords)], 0


SEVERAL = {of_some: 4, once: 4, of_the_first: 3, sent_out: 3}
"""By weight, where there are several hosts."""
