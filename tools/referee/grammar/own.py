"""What a project brings along: filters and tests of its own, and what comes out of a vault."""

from __future__ import annotations

from referee.grammar import vaulted
from referee.grammar.launches import Launch
from referee.grammar.material import Material
from referee.grammar.picking import wait
from referee.grammar.told import Told, also, id_of
from referee.project import Task

FILTERS = '''"""Filters of the project's own."""


class FilterModule:
    def filters(self):
        return {
            "job_id_of": lambda result: result["ansible_job_id"],
            "job_ids_of": lambda results: [each["ansible_job_id"] for each in results if "ansible_job_id" in each],
            "the_same": lambda value: value,
            "the_first_of": lambda values: values[:1],
        }
'''
TESTS = '''"""Tests of the project's own."""


class TestModule:
    def tests(self):
        return {
            "over": lambda result: bool(result.get("finished")),
            "launched": lambda result: "ansible_job_id" in result,
            "always_so": lambda value: True,
        }
'''


def plugins(material: Material, one: Launch) -> Told:
    """The id, the jobs or a condition by a filter or test of the project's own."""
    chance, job = material.chance, one.register
    beside = chance.one(("", "", "roles/own/"))
    forms: dict[str, Task] = {
        "id": {"jid": f"{{{{ {job} | job_id_of }}}}"},
        "the same id": {"jid": f"{{{{ {job}.ansible_job_id | the_same }}}}"},
        "the same job": {"jid": f"{{{{ ({job} | the_same).ansible_job_id }}}}"},
        "ids": {"jid": "{{ item }}", "loop": f"{{{{ [{job}] | job_ids_of }}}}"},
        "the first": {"jid": "{{ item }}", "loop": f"{{{{ [{job}.ansible_job_id] | the_first_of }}}}"},
        "map": {"jid": "{{ item }}", "loop": f"{{{{ [{job}] | map('job_id_of') | list }}}}"},
        "until": {"until": "{0} is over"},
        "until always": {"until": "{0} is always_so"},
        "when": {"when": f"{job} is launched"},
        "select": {"jid": "{{ item.ansible_job_id }}", "loop": f"{{{{ [{job}] | select('launched') | list }}}}"},
        "default": {"jid": f"{{{{ {job}.ansible_job_id | default('x' | the_same) }}}}"},
    }
    form = chance.one(list(forms))
    chance.note(f"own plugin: {form}")
    keywords = dict(forms[form])
    waits = wait(chance, one.label, str(keywords.pop("jid", id_of(job))), **keywords)
    waits["until"] = str(waits["until"]).format(waits["register"]) if form.startswith("until") else waits["until"]
    if form.startswith("until") or form in ("when", "select"):
        material.files["test_plugins/own.py"] = TESTS
    elif not beside:
        material.files["filter_plugins/own.py"] = FILTERS
    else:
        chance.note("filters of a role")
        material.files.update({f"{beside}filter_plugins/own.py": FILTERS, f"{beside}tasks/main.yml": [waits]})
        waits = {"name": chance.name("Call "), "include_role": {"name": "own"}}
    return [one.task], [waits], 1 if form == "until always" else 0


def out_of_a_vault(material: Material, one: Launch) -> Told:
    """A condition, a limit or the wait itself comes out of a vault."""
    chance = material.chance
    waits = wait(chance, one.label, id_of(one.register))
    form = chance.one(("same", "launch", "wait", "limit", "tasks", "inline", "vars_files"))
    chance.note(f"vaulted: {form}")
    material.files.update(vaulted.FILES)
    material.given.extend(("vaulted_yes", "inline_yes"))
    launch = one.task
    asked = "vaulted_yes | bool"
    if form == "tasks":
        material.files["tasks/vaulted.yml"] = vaulted.WAIT
        call: Task = {"name": chance.name("Call "), "include_tasks": "tasks/vaulted.yml"}
        return [launch], [call | {"vars": {"handed": id_of(one.register)}}], 0
    if form == "inline":
        material.files["vars/inline.yml"] = vaulted.INLINE
        read: Task = {"name": chance.name("Read "), "include_vars": "vars/inline.yml"}
        return [read, also(launch, "inline_yes | bool")], [also(waits, "inline_yes | bool")], 0
    if form == "vars_files":
        asked = chance.one(("vaulted_yes == 'yes'", "vaulted_yes != 'no'", "vaulted_yes is defined"))
    if form == "limit":
        return [launch | {"async": "{{ vaulted_limit | int }}"}], [waits], 0
    return (
        [also(launch, asked) if form != "wait" else launch],
        [also(waits, asked) if form != "launch" else waits],
        0,
    )
