"""Whole stories: what is launched, how the handle travels, who waits. The plain ones are in ``waits``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from referee.grammar import handling, hostwise, picking, seldom
from referee.grammar.chance import Chance
from referee.grammar.launches import Launch, launch
from referee.grammar.material import Material
from referee.grammar.waits import After, status, until
from referee.project import Task


@dataclass(frozen=True)
class Story:
    """Tasks in their order; ``launches`` of them start jobs and come first."""

    launches: list[Task]
    after: list[Task]
    peeks: int = 0


@dataclass(frozen=True)
class Stories:
    """Makes stories; files that they need beside their tasks go into the project's."""

    material: Material

    @property
    def chance(self) -> Chance:
        """Of the project."""
        return self.material.chance

    @property
    def files(self) -> dict[str, Any]:
        """Of the project."""
        return self.material.files

    def story(self) -> Story:
        """One of any kind."""
        chance = self.chance
        several = len(self.material.hosts) > 1
        kinds: dict[Callable[[], Story], float] = {
            self._plain: 60,
            self._joint: 8,
            self._gathered: 5,
            self._in_dict: 4,
            self._passed_to_file: 6,
            self._passed_to_role: 5,
            self._file_for_each: 6,
            self._looked_at_again_and_again: 2,
            self._launched_in_rounds: 2,
            self._from_other_hosts: 3 if several else 0,
            self._rescued: 3,
            self._in_variable: 3,
            self._chosen: 2,
            self._picked: 5,
            self._handled: 4,
            self._by_added_host: 0 if several else 2,
            self._backwards: 1.5,
            self._seldom: 40,
            self._of_hosts: 24 if several else 0,
        }
        made = chance.weighted(kinds)
        chance.note(f"story {made.__name__.strip('_')}")
        return made()

    def _plain(self) -> Story:
        """A launch and what may come after it."""
        one = launch(self.material)
        after = After(self.material, one)
        tasks = after.tasks()
        form = self.chance.weighted({"": 16, "run_once": 1 if len(self.material.hosts) > 1 else 0, "delegate_to": 1})
        if not form:
            return Story([one.task], tasks, after.peeks)
        self.chance.note(f"launch with {form}")
        keyword: Task = (
            {"run_once": True} if form == "run_once" else {"delegate_to": self.chance.one(self.material.hosts)}
        )
        with_keyword = [(task | keyword) if self.chance.true(0.85) else task for task in tasks]
        return Story([one.task | keyword], with_keyword, after.peeks)

    def _single(self, *, guarded: bool = True) -> Launch:
        """A launch without a loop."""
        return launch(self.material, looped=False, guarded=guarded)

    def _wait(self, label: str, jid: str, **keywords: Any) -> Task:
        chance = self.chance
        return {"name": f"Wait for {label}", **status(chance, jid), **until(chance, chance.name("waited")), **keywords}

    def _when(self, one: Launch, share: float = 0.9) -> Task:
        """The launch's own condition, mostly, in one of its spellings."""
        if one.condition is None or not self.chance.true(share):
            return {}
        return {"when": one.condition.written(self.chance)}

    def _joint(self) -> Story:
        """Several launches and one wait for all of them."""
        chance = self.chance
        looped = chance.true(0.3)
        ones = [launch(self.material, looped=looped, guarded=chance.true(0.3)) for _ in range(chance.number(2, 3))]
        named = [one.register for one in ones]
        if chance.true(0.15):
            named = named[:-1] or named
        if looped:
            over: Any = "{{ " + " + ".join(f"{each}.results" for each in named) + " }}"
            if chance.true(0.3):
                over = "{{ [" + ", ".join(f"{each}.results" for each in named) + "] | flatten }}"
        else:
            over = chance.one(
                (
                    [f"{{{{ {each} }}}}" for each in named],
                    "{{ [" + ", ".join(named) + "] }}",
                    [f"{{{{ {each}.ansible_job_id | default('') }}}}" for each in named],
                )
            )
        by_id = isinstance(over, list) and "ansible_job_id" in over[0]
        item = "item" if by_id else "item.ansible_job_id"
        keywords: Task = {chance.one(("loop", "loop", "with_items")): over}
        if any(one.condition or one.per_item for one in ones) and chance.true(0.8):
            keywords["when"] = "item" if by_id else "item.ansible_job_id is defined"
            if by_id:
                keywords["when"] = "item | length > 0"
        label = " and ".join(one.label for one in ones)
        return Story([one.task for one in ones], [self._wait(label, f"{{{{ {item} }}}}", **keywords)])

    def _gathered(self) -> Story:
        """Registers or ids put into a list, one by one."""
        chance = self.chance
        ones = [self._single(guarded=chance.true(0.3)) for _ in range(chance.number(1, 3))]
        fact = chance.name("all_jobs")
        tasks: list[Task] = [{"name": f"Begin {fact}", "set_fact": {fact: []}}] if chance.true(0.5) else []
        by_id = chance.true(0.4)
        for one in ones:
            what = f"{one.register}.ansible_job_id" if by_id else one.register
            before = f"{fact} | default([])" if not tasks or chance.true(0.3) else fact
            joined = chance.one((f"({before}) + [{what}]", f"{before} | union([{what}])", f"[{what}] + ({before})"))
            tasks.append({"name": f"Add {one.register}", "set_fact": {fact: f"{{{{ {joined} }}}}"}, **self._when(one)})
        jid = "{{ item }}" if by_id else "{{ item.ansible_job_id }}"
        over = f"{{{{ {fact} | default([]) }}}}" if chance.true(0.4) else f"{{{{ {fact} }}}}"
        tasks.append(self._wait(" and ".join(one.label for one in ones), jid, loop=over))
        return Story([one.task for one in ones], tasks)

    def _in_dict(self) -> Story:
        """Registers kept under keys and read back."""
        chance = self.chance
        ones = [self._single(guarded=False) for _ in range(chance.number(1, 2))]
        fact = chance.name("by_name")
        tasks: list[Task] = []
        for one in ones:
            key = one.label.lower()
            value = f"{{{{ {fact} | default({{}}) | combine({{'{key}': {one.register}}}) }}}}"
            tasks.append({"name": f"Keep {one.register}", "set_fact": {fact: value}})
        form = chance.weighted({"key": 3, "values": 2, "dict2items": 2})
        for one in ones if form == "key" else ones[:1]:
            if form == "key":
                key = one.label.lower()
                read = chance.one((f"{fact}['{key}'].ansible_job_id", f"{fact}.{key}.ansible_job_id"))
                tasks.append(self._wait(one.label, f"{{{{ {read} }}}}"))
            elif form == "values":
                tasks.append(self._wait(fact, "{{ item.ansible_job_id }}", loop=f"{{{{ {fact}.values() | list }}}}"))
            else:
                tasks.append(self._wait(fact, "{{ item.value.ansible_job_id }}", loop=f"{{{{ {fact} | dict2items }}}}"))
        return Story([one.task for one in ones], tasks)

    def _passed_to_file(self) -> Story:
        """A file that waits for what its caller hands it."""
        chance = self.chance
        one = self._single(guarded=chance.true(0.3))
        path = f"tasks/{chance.name('wait')}.yml"
        by_id = chance.true(0.5)
        self.files[path] = [
            self._wait("what is handed over", "{{ handed }}" if by_id else "{{ handed.ansible_job_id }}")
        ]
        value = f"{{{{ {one.register}{'.ansible_job_id' if by_id else ''} }}}}"
        keyword = chance.one(("include_tasks", "ansible.builtin.include_tasks", "import_tasks"))
        call: Task = {"name": f"Wait for {one.label} elsewhere", keyword: path, "vars": {"handed": value}}
        return Story([one.task], [call | self._when(one)])

    def _passed_to_role(self) -> Story:
        """A role that waits for what its caller hands it, by value or by name."""
        chance = self.chance
        one = self._single(guarded=chance.true(0.3))
        role = chance.name("waiter")
        form = chance.weighted({"value": 4, "id": 3, "name": 1})
        jid = {
            "value": "{{ handed.ansible_job_id }}",
            "id": "{{ handed }}",
            "name": "{{ lookup('vars', handed).ansible_job_id }}",
        }[form]
        self.files[f"roles/{role}/tasks/main.yml"] = [self._wait("what is handed over", jid)]
        if chance.true(0.3):
            self.files[f"roles/{role}/defaults/main.yml"] = {"handed": ""}
        value = {
            "value": f"{{{{ {one.register} }}}}",
            "id": f"{{{{ {one.register}.ansible_job_id }}}}",
            "name": one.register,
        }[form]
        keyword = chance.one(("include_role", "ansible.builtin.include_role", "import_role"))
        call: Task = {"name": f"Wait for {one.label} elsewhere", keyword: {"name": role}, "vars": {"handed": value}}
        return Story([one.task], [call | self._when(one)])

    def _file_for_each(self) -> Story:
        """A file that is included for each result and waits for it."""
        chance = self.chance
        one = launch(self.material, looped=True, guarded=chance.true(0.3))
        path = f"tasks/{chance.name('wait')}.yml"
        variable = chance.name("each")
        self.files[path] = [self._wait("one of them", f"{{{{ {variable}.ansible_job_id }}}}")]
        if one.per_item:
            self.files[path][0]["when"] = f"{variable}.ansible_job_id is defined"
        call: Task = {
            "name": f"Wait for {one.label} one by one",
            "include_tasks": path,
            chance.one(("loop", "with_items")): f"{{{{ {one.register}.results }}}}",
            "loop_control": {"loop_var": variable},
        }
        return Story([one.task], [call | self._when(one)])

    def _looked_at_again_and_again(self) -> Story:
        """A file that looks and includes itself until the job has ended."""
        chance = self.chance
        one = self._single(guarded=False)
        path = f"tasks/{chance.name('again')}.yml"
        seen = chance.name("state")
        self.files[path] = [
            {
                "name": f"Look at {one.label}",
                **status(chance, f"{{{{ {one.register}.ansible_job_id }}}}"),
                "register": seen,
            },
            {"name": "Again", "include_tasks": path.rpartition("/")[2], "when": f"not {seen}.finished | bool"},
        ]
        call: Task = {"name": f"Wait for {one.label} by looking", "include_tasks": path}
        if chance.true(0.4):
            call["when"] = self.material.conditions.any().written(chance)
            chance.note("looked at again and again under a condition")
        return Story([one.task], [call])

    def _launched_in_rounds(self) -> Story:
        """A file that launches, included in a loop, and a wait in it or after it."""
        chance = self.chance
        one = launch(self.material, looped=chance.true(0.4))
        keywords: Task = {"loop": f"{{{{ {one.register}.results }}}}"} if one.looped else {}
        each = "item" if one.looped else one.register
        wait = self._wait(one.label, f"{{{{ {each}.ansible_job_id }}}}", **self._when(one), **keywords)
        is_inside = chance.true(0.4)
        path = f"tasks/{chance.name('launch')}.yml"
        self.files[path] = [one.task, wait] if is_inside else [one.task]
        rounds = chance.one(([1, 2], [1], "{{ [1, 2, 3][:2] }}"))
        call: Task = {"name": f"Call {path}", "include_tasks": path, "loop": rounds}
        call["loop_control"] = {"loop_var": chance.name("turn")}
        under: Task = {}
        if chance.true(0.6):
            under = {"when": self.material.conditions.any().written(chance)}
            chance.note(f"launched in rounds under a condition, wait {'inside' if is_inside else 'after'}")
        return Story([call | under], [] if is_inside else [wait | (under or self._when(one))])

    def _from_other_hosts(self) -> Story:
        """One host waits for the jobs of all of them, over their host variables."""
        chance = self.chance
        one = self._single(guarded=False)
        hosts = chance.one(("ansible_play_hosts", "groups['all']", "ansible_play_hosts_all"))
        form = chance.weighted({"loop": 3, "mapped": 1})
        if form == "mapped":
            registers = f"{hosts} | map('extract', hostvars, '{one.register}')"
            over = f"{{{{ {registers} | map(attribute='ansible_job_id') | list }}}}"
            task = self._wait(one.label, "{{ item }}", loop=over)
        else:
            jid = f"{{{{ hostvars[item].{one.register}.ansible_job_id }}}}"
            task = self._wait(one.label, jid, loop=f"{{{{ {hosts} }}}}", delegate_to="{{ item }}")
        if chance.true(0.8):
            task["run_once"] = True
        return Story([one.task], [task])

    def _rescued(self) -> Story:
        """Something fails after the launch; the wait stands in ``always`` or in ``rescue``."""
        chance = self.chance
        one = self._single(guarded=False)
        wait = self._wait(one.label, f"{{{{ {one.register}.ansible_job_id }}}}")
        breaks: Task = {
            "name": chance.name("Break "),
            "fail": {"msg": "broken"},
            "when": self.material.conditions.any().written(chance),
        }
        section = chance.one(("always", "rescue"))
        block: Task = {"name": chance.name("Block "), "block": [breaks], section: [wait]}
        if section == "always" and chance.true(0.7):
            block = {"name": block["name"], "block": block["block"], "rescue": [_say(chance)], "always": [wait]}
        if section == "rescue" and chance.true(0.6):
            second = self._wait(one.label, f"{{{{ {one.register}.ansible_job_id }}}}")
            block["block"] = [*block["block"], second]
        return Story([one.task], [block])

    def _in_variable(self) -> Story:
        """The handle under another name in the vars of a block."""
        chance = self.chance
        one = self._single()
        wait = self._wait(one.label, chance.one(("{{ lent.ansible_job_id }}", "{{ lent['ansible_job_id'] }}")))
        block: Task = {"name": chance.name("Block "), "block": [wait], "vars": {"lent": f"{{{{ {one.register} }}}}"}}
        return Story([one.task], [block | self._when(one)])

    def _chosen(self) -> Story:
        """Two launches of which a switch chooses one, and a wait for the one that was chosen."""
        chance = self.chance
        condition = self.material.conditions.switch()
        one, other = self._single(guarded=False), self._single(guarded=False)
        yes, no = condition.written(chance), condition.opposite().written(chance)
        chosen = f"{one.register} if {_plain(yes)} else {other.register}"
        if chance.true(0.3):
            chosen = f"{_plain(yes)} | ternary({one.register}, {other.register})"
        wait = self._wait(f"{one.label} or {other.label}", f"{{{{ ({chosen}).ansible_job_id }}}}")
        return Story([one.task | {"when": yes}, other.task | {"when": no}], [wait])

    def _picked(self) -> Story:
        """Two launches under conditions of their own, and a wait for the one that was not skipped."""
        chance = self.chance
        condition = self.material.conditions.switch()
        one, other = self._single(guarded=False), self._single(guarded=False)
        both = chance.weighted({"opposite": 6, "one": 1, "other": 1})
        first = one.task if both == "other" else one.task | {"when": condition.written(chance)}
        second = other.task if both == "one" else other.task | {"when": condition.opposite().written(chance)}
        return Story([first, second], picking.picked(chance, one, other))

    def _by_added_host(self) -> Story:
        """The id as a variable of a host, which ``add_host`` sets."""
        chance = self.chance
        one, variable, host = self._single(guarded=False), chance.name("handed"), self.material.hosts[0]
        value = f"{{{{ {one.register}.ansible_job_id }}}}"
        add: Task = {"name": f"Tell {host}", "add_host": {"name": host, variable: value}}
        read = chance.one((f"hostvars['{host}'].{variable}", f"hostvars[inventory_hostname]['{variable}']", variable))
        return Story([one.task], [add, picking.wait(chance, one.label, f"{{{{ {read} }}}}")])

    def _backwards(self) -> Story:
        """Handlers of which one notifies one before it."""
        return Story(*seldom.backwards(self.material, self._single(guarded=False), self._single(guarded=False)))

    def _seldom(self) -> Story:
        """One of those that few playbooks tell."""
        tell = self.chance.weighted(seldom.ONE)
        return Story(*tell(self.material, self._single(guarded=self.chance.true(0.15))))

    def _of_hosts(self) -> Story:
        """One in which it matters which hosts there are."""
        tell = self.chance.weighted(hostwise.SEVERAL)
        return Story(*tell(self.material, self._single(guarded=self.chance.true(0.15))))

    def _handled(self) -> Story:
        """Handlers that launch or wait."""
        one, other = (self._single(guarded=self.chance.true(0.2)) for _ in range(2))
        return Story(*handling.handled(self.material, one, other))


def _plain(when: Any) -> str:
    return f"({when})"


def _say(chance: Chance) -> Task:
    return {"name": chance.name("Say "), "debug": {"msg": "said"}}
