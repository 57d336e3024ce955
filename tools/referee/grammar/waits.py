"""What comes after a launch: waits in every spelling, looks that do not wait, facts that carry the handle, nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from referee.grammar import forms
from referee.grammar.chance import Chance
from referee.grammar.launches import Launch
from referee.grammar.material import Material
from referee.project import Task

UNTIL: dict[Any, float] = {
    "{0} is finished": 10,
    "{0}.finished": 6,
    "{0}.finished | bool": 2,
    "{0} is finished or {0} is failed": 0.5,
    "{0}.finished | default(false) | bool": 1,
    "{0} is defined and {0} is finished": 1,
    "{0}.finished == 1": 1,
    "({0}.finished | int) == 1": 0.5,
    "not (not {0}.finished)": 0.3,
}
LISTED_UNTIL = (("{0} is defined", "{0} is finished"), ("{0}.finished is defined", "{0}.finished"))
SAME_ID = (
    "{0}['ansible_job_id']",
    "{0}.get('ansible_job_id')",
    "lookup('vars', '{0}').ansible_job_id",
    "vars['{0}'].ansible_job_id",
    "([{0}] | map(attribute='ansible_job_id') | list | first)",
    "dict(kept={0}).kept.ansible_job_id",
    "{{'kept': {0}}}['kept']['ansible_job_id']",
    "({0} | combine({{'more': 1}})).ansible_job_id",
    "{0}.ansible_job_id | string | trim",
    "{0}.results_file | basename",
    "(dict([['kept', {0}]]) | dict2items | items2dict).kept.ansible_job_id",
    "[{0}.ansible_job_id] | union([]) | last",
    "([[{0}]] | flatten)[0].ansible_job_id",
    "({0} if {0}.ansible_job_id is defined else {{}}).ansible_job_id",
)
"""Other ways to name the id of the job in a register."""
SAME_RESULTS = {
    "[{0}.results] | flatten": ".ansible_job_id",
    "[{0}.results] | sum(start=[])": ".ansible_job_id",
    "query('items', {0}.results)": ".ansible_job_id",
    "{0}.results | union([])": ".ansible_job_id",
    "{0}.results[:1] + {0}.results[1:]": ".ansible_job_id",
    "{0}.results | reverse | list": ".ansible_job_id",
    "{0}['results']": "['ansible_job_id']",
    "lookup('vars', '{0}').results": ".ansible_job_id",
    "{0}.get('results', [])": ".get('ansible_job_id')",
    "{0}.results | zip({0}.results | map(attribute='ansible_job_id')) | list": ".1",
    "{0}.results | groupby('started') | map('last') | flatten(levels=1)": ".ansible_job_id",
    "dict(kept={0}.results) | dict2items | map(attribute='value') | flatten": ".ansible_job_id",
    "{'kept': {0}.results}.values() | list | flatten": ".ansible_job_id",
}
"""Other ways to loop over the results of a looped launch, and what of an item is the id."""
NOT_WAITING = (
    "{0} is succeeded",
    "{0} is not failed",
    "{0}.started",
    "{0}.ansible_job_id is defined",
    "true",
    "{0} is defined",
)

MAY_BE_LOOSE = (
    "{0} is finished or {1}", "{0} is finished or not {1}", "{0}.finished if {1} else true", "{0} is changed",
    "{0}.changed", "{0}.rc is defined", "{0}.end is defined", "{0}.stdout is defined", "{0}.start is defined",
    "{0} is finished and {0} is changed", "{0}.finished or {0}.started",
)  # fmt: skip
"""Conditions of which it takes thought whether they hold while the job runs; {1} is a switch."""
NAMED_ITEMS = ("{0}[0]", "{0}[-1]", "{0} | first", "{0} | last", "{0}[{1}]", "{0}[:{1}] | first", "({0} | list)[0]")
"""One of the results of a loop, by its place; {1} is the last one."""


def status(chance: Chance, jid: str, *, cleanup: bool = False) -> Task:
    """The module and its arguments."""
    chance = chance.spelling
    name = chance.weighted({"async_status": 4, "ansible.builtin.async_status": 5, "ansible.legacy.async_status": 0.5})
    if cleanup:
        return {name: {"jid": jid, "mode": "cleanup"}}
    form = chance.weighted({"mapping": 10, "words": 1.5, "action": 0.4, "args": 0.4})
    chance.note(f"status by {form}")
    if form == "words":
        return {name: f"jid={jid}"}
    if form == "action":
        return {"action": {"module": name, "jid": jid}}
    if form == "args":
        return {name: None, "args": {"jid": jid}}
    return {name: {"jid": jid}}


def until(chance: Chance, waited: str) -> Task:
    """Wait until the job has ended."""
    if chance.spelling.true(0.08):
        condition: Any = [each.format(waited) for each in chance.spelling.one(LISTED_UNTIL)]
    else:
        condition = chance.spelling.weighted(UNTIL).format(waited)
    return {"register": waited, "until": condition, "retries": 150, "delay": 1}


class After:
    """The tasks after one launch."""

    def __init__(self, material: Material, launch: Launch) -> None:
        self._chance = material.chance
        self._conditions = material.conditions
        self._launch = launch
        self.peeks = 0

    def tasks(self) -> list[Task]:
        """In order."""
        chance = self._chance
        what = chance.weighted(
            {
                "wait": 70,
                "nothing": 10,
                "peek": 8,
                "peek and wait": 6,
                "cleanup": 2,
                "wait and cleanup": 4,
                "cleanup and wait": 1.5,
            }
        )
        chance.note(what)
        if what == "nothing":
            return []
        if what == "cleanup":
            return [self._cleanup()]
        tasks: list[Task] = [self._cleanup()] if what.startswith("cleanup") else []
        if "peek" in what:
            tasks += self._seen(self._peek)
        if "wait" in what:
            tasks += self._seen(self._wait)
        if what.endswith("cleanup"):
            tasks.append(self._cleanup())
        return tasks

    def _seen(self, make: Callable[[Task, str, str], Task]) -> list[Task]:
        """The task that ``make`` makes of loop keywords, the job id and a name, and what it needs before."""
        chance, launch = self._chance, self._launch
        before: list[Task] = []
        source = launch.register
        if chance.true(0.15):
            alias = chance.name("alias")
            before.append({"name": f"Keep {source}", "set_fact": {alias: f"{{{{ {source} }}}}"}})
            source = alias
            chance.note("alias")
        route = self._looped(source) if launch.looped else self._single(source)
        loop, jid, extra = route
        before += extra
        task = make(loop, jid, source)
        return [*before, task]

    def _single(self, source: str) -> tuple[Task, str, list[Task]]:
        chance = self._chance
        form = chance.weighted(
            {
                "attribute": 8,
                "key": 2,
                "list": 1.5,
                "ids": 1,
                "fact": 1.5,
                "vars": 1,
                "default": 0.5,
                "hostvars": 0.5,
                "otherwise": 4,
                "table": 6,
                "statement": 0.5,
            }
        )
        chance.note(f"id by {form}")
        if form == "key":
            return {}, f"{{{{ {source}['ansible_job_id'] }}}}", []
        if form == "list":
            return {"loop": [f"{{{{ {source} }}}}"]}, "{{ item.ansible_job_id }}", []
        if form == "ids":
            return {"loop": [f"{{{{ {source}.ansible_job_id }}}}"]}, "{{ item }}", []
        if form == "fact":
            fact = chance.name("id")
            keep: Task = {
                "name": f"Keep the id of {source}",
                "ansible.builtin.set_fact": {fact: f"{{{{ {source}.ansible_job_id }}}}"},
            }
            return {}, f"{{{{ {fact} }}}}", [self._guarded_like_launch(keep)]
        if form == "vars":
            return {"vars": {"the_id": f"{{{{ {source}.ansible_job_id }}}}"}}, "{{ the_id }}", []
        if form == "default":
            return {}, f"{{{{ ({source} | default({{}})).ansible_job_id | default('none') }}}}", []
        if form == "otherwise":
            return (
                {},
                "{{ " + chance.one(SAME_ID).replace("{{", "{").replace("}}", "}").replace("{0}", source) + " }}",
                [],
            )
        if form == "table":
            named = chance.one(forms.IDS)
            chance.note(f"id {named}")
            return {}, f"{{{{ {named.replace('0@', source)} }}}}", []
        if form == "statement":
            name = f"{{{{ {source}.ansible_job_id }}}}"
            return {}, f"{{% if {chance.one(self._conditions.switches)} %}}{name}{{% else %}}{name}{{% endif %}}", []
        if form == "hostvars":
            return {}, f"{{{{ hostvars[inventory_hostname].{source}.ansible_job_id }}}}", []
        return {}, f"{{{{ {source}.ansible_job_id }}}}", []

    def _looped(self, source: str) -> tuple[Task, str, list[Task]]:
        chance = self._chance
        item = chance.weighted({"item": 5, "the_job": 1})
        control: Task = {} if item == "item" else {"loop_control": {"loop_var": item}}
        form = chance.weighted(
            {
                "results": 8,
                "with_items": 2,
                "selected": 2,
                "rejected": 1,
                "ids": 2,
                "fact": 1,
                "first": 0.7,
                "default": 1,
                "gathered": 1,
                "otherwise": 4,
                "table": 6,
                "indexed": 0.6,
                "positions": 0.6,
                "index_var": 0.6,
            }
        )
        chance.note(f"ids by {form}")
        results = f"{source}.results"
        if form == "with_items":
            return {"with_items": f"{{{{ {results} }}}}", **control}, f"{{{{ {item}.ansible_job_id }}}}", []
        if form == "selected":
            over = f"{{{{ {results} | selectattr('ansible_job_id', 'defined') | list }}}}"
            return {"loop": over, **control}, f"{{{{ {item}.ansible_job_id }}}}", []
        if form == "rejected":
            over = f"{{{{ {results} | rejectattr('skipped', 'defined') | list }}}}"
            return {"loop": over, **control}, f"{{{{ {item}.ansible_job_id }}}}", []
        if form == "ids":
            started = f"{results} | selectattr('ansible_job_id', 'defined')"
            over = f"{{{{ {started} | map(attribute='ansible_job_id') | list }}}}"
            return {"loop": over, **control}, f"{{{{ {item} }}}}", []
        if form == "fact":
            fact = chance.name("ids")
            keep = {
                "name": f"Keep the ids of {source}",
                "set_fact": {fact: f"{{{{ {results} | map(attribute='ansible_job_id') | list }}}}"},
            }
            return {"loop": f"{{{{ {fact} }}}}", **control}, f"{{{{ {item} }}}}", [self._guarded_like_launch(keep)]
        if form in ("otherwise", "table"):
            over, part = chance.one(list((forms.RESULTS if form == "table" else SAME_RESULTS).items()))
            chance.note(f"ids {over}")
            over = over.replace("0@" if form == "table" else "{0}", source)
            return {"loop": f"{{{{ {over} }}}}", **control}, f"{{{{ {item}{part} }}}}", []
        if form == "indexed":
            return {"with_indexed_items": f"{{{{ {results} }}}}", **control}, f"{{{{ {item}.1.ansible_job_id }}}}", []
        if form in ("positions", "index_var"):
            over, at = f"{{{{ range({results} | length) | list }}}}", item
            if form == "index_var":
                at, control = "at", {"loop_control": {**control.get("loop_control", {}), "index_var": "at"}}
            return {"loop": over, **control}, f"{{{{ {results}[{at}].ansible_job_id }}}}", []
        if form == "first":
            place = chance.one(NAMED_ITEMS)
            chance.note(f"{place} of {'several' if self._launch.items > 1 else 'one'}")
            one = place.format(results, max(self._launch.items - 1, 0))
            return {}, f"{{{{ ({one}).ansible_job_id }}}}", []
        if form == "default":
            return {"loop": f"{{{{ {results} | default([]) }}}}", **control}, f"{{{{ {item}.ansible_job_id }}}}", []
        if form == "gathered":
            fact = chance.name("gathered")
            start: Task = {"name": f"Begin {fact}", "set_fact": {fact: []}}
            add: Task = {
                "name": f"Gather into {fact}",
                "set_fact": {fact: f"{{{{ {fact} + [item.ansible_job_id] }}}}"},
                "loop": f"{{{{ {results} | default([]) }}}}",
                "when": "item.ansible_job_id is defined",
            }
            return {"loop": f"{{{{ {fact} }}}}", **control}, f"{{{{ {item} }}}}", [start, add]
        return {"loop": f"{{{{ {results} }}}}", **control}, f"{{{{ {item}.ansible_job_id }}}}", []

    def _wait(self, loop: Task, jid: str, source: str) -> Task:
        chance = self._chance
        task: Task = {
            "name": f"Wait for {self._launch.label}",
            **status(chance, jid),
            **until(chance, chance.name("waited")),
            **loop,
        }
        if chance.true(0.06):
            asked = chance.one(MAY_BE_LOOSE)
            task["until"] = asked.format(task["register"], chance.one(self._conditions.switches))
            chance.note(f"until {asked}")
        more = chance.weighted(
            {
                "": 20, "ignore_errors": 1, "failed_when": 0.7, "changed_when": 1, "no_log": 0.7, "tags": 0.7,
                "never": 0.7, "never but always": 0.3, "own host": 0.7, "local": 0.5,
                "run_once": 0.7 if len(self._conditions.hosts) > 1 else 0,
            }
        )  # fmt: skip
        if more:
            chance.note(f"wait with {more}")
        keywords: dict[str, Task] = {
            "": {},
            "ignore_errors": {"ignore_errors": True},
            "failed_when": {"failed_when": False},
            "changed_when": {"changed_when": False},
            "no_log": {"no_log": True},
            "tags": {"tags": ["slow"]},
            "never": {"tags": ["never", "slow"]},
            "never but always": {"tags": ["never", "always"]},
            "own host": {"delegate_to": "{{ inventory_hostname }}"},
            "local": {"connection": "local"},
            "run_once": {"run_once": True},
        }
        task |= keywords[more]
        return self._guarded(task, loop, source)

    def _peek(self, loop: Task, jid: str, source: str) -> Task:
        chance = self._chance
        self.peeks += 1
        task: Task = {
            "name": f"Look at {self._launch.label}",
            **status(chance, jid),
            **loop,
            "register": chance.name("seen"),
        }
        if chance.true(0.3):
            task |= {"until": chance.one(NOT_WAITING).format(task["register"]), "retries": 3, "delay": 0}
        return self._guarded(task, loop, source)

    def _cleanup(self) -> Task:
        chance, launch = self._chance, self._launch
        task: Task = {"name": f"Clean up after {launch.label}"}
        if launch.looped:
            task |= status(chance, "{{ item.ansible_job_id }}", cleanup=True)
            task |= {"loop": f"{{{{ {launch.register}.results | selectattr('ansible_job_id', 'defined') }}}}"}
        else:
            task |= status(chance, f"{{{{ {launch.register}.ansible_job_id }}}}", cleanup=True)
        return self._guarded_like_launch(task)

    def _guarded_like_launch(self, task: Task) -> Task:
        condition = self._launch.condition
        return {**task, "when": condition.written(self._chance)} if condition else task

    def _guarded(self, task: Task, loop: Task, source: str) -> Task:
        """With a ``when``: mostly one that fits the launch's, sometimes another."""
        chance, launch = self._chance, self._launch
        when: list[str] = []
        item = loop.get("loop_control", {}).get("loop_var", "item")
        if launch.per_item and "results" in str(loop) and "attr" not in str(loop) and chance.true(0.9):
            when.append(
                chance.one((f"{item}.ansible_job_id is defined", f"{item} is not skipped", f"{item} is changed"))
            )
        condition = launch.condition
        kind = chance.weighted(
            {"same": 8, "by register": 6, "narrower": 1, "wider": 1, "none": 0.5, "other": 0.5}
            if condition
            else {"none": 16, "by register": 2, "other": 2}
        )
        if kind != "none":
            chance.note(f"wait guarded: {kind}")
        if kind == "by register":
            when.append(self._by_register(source))
        elif kind == "other":
            when += _listed(self._conditions.any().written(chance))
        elif kind == "same" and condition:
            when += _listed(condition.written(chance))
        elif kind == "narrower" and condition:
            when += _listed(self._conditions.narrower(condition).written(chance))
        elif kind == "wider" and condition and (wider := self._conditions.wider(condition)):
            when += _listed(wider.written(chance))
        if not when:
            return task
        return {**task, "when": when if len(when) > 1 else when[0]}

    def _by_register(self, source: str) -> str:
        single = (
            "{0}.ansible_job_id is defined", "{0} is not skipped", "{0} is changed", "{0}.started is defined",
            "not ({0} is skipped)", "{0}.skipped is not defined", "not {0}.skipped | default(false)", "{0} is defined",
        )  # fmt: skip
        looped = (
            "{0}.results is defined",
            "{0} is not skipped",
            "{0} is changed",
            "{0}.results | length > 0",
            "{0} is defined",
        )
        if not self._launch.looped and self._chance.true(0.5):
            asked = self._chance.one(forms.BY_REGISTER)
            self._chance.note(f"guard {asked}")
            return asked.replace("0@", source)
        return self._chance.one(looped if self._launch.looped else single).format(source)


def _listed(when: Any) -> list[str]:
    return when if isinstance(when, list) else [str(when)]
