"""Where tasks stand: blocks, includes, imports, roles, handlers, sections, plays, playbooks."""

from __future__ import annotations

import re
from typing import Any

from referee.grammar.material import Material
from referee.grammar.scopes import PLAY_VARS
from referee.project import LABEL, Task

JOB_ID = re.compile(r"\{\{ (?:job\d+|result)\.ansible_job_id \}\}")
"""A register's job id as a whole value."""


PLAY_KEYWORDS: dict[str, Task] = {
    "any_errors_fatal": {"any_errors_fatal": True},
    "ignore_errors": {"ignore_errors": True},
    "force_handlers": {"force_handlers": True},
    "max_fail_percentage": {"max_fail_percentage": 0},
    "order": {"order": "reverse_sorted"},
    "throttle": {"throttle": 1},
    "tags": {"tags": ["slow"]},
    "environment": {"environment": {"GREETING": "hello"}},
    "module_defaults": {"module_defaults": {"command": {"chdir": "/"}}},
}
BLOCK_KEYWORDS: dict[str, Task] = {
    "ignore_errors": {"ignore_errors": True},
    "any_errors_fatal": {"any_errors_fatal": True},
    "tags": {"tags": ["slow"]},
    "own host": {"delegate_to": "{{ inventory_hostname }}"},
    "throttle": {"throttle": 1},
    "environment": {"environment": {"GREETING": "hello"}},
    "vars": {"vars": {"greeting": "hello"}},
}


class Structure:
    """Takes tasks in their order and lays them out over a project's files."""

    def __init__(self, material: Material, *, is_small: bool = False) -> None:
        self._is_small = is_small
        self._chance = material.chance
        self._conditions = material.conditions
        self._hosts = material.hosts
        self._variables = material.variables
        self._handlers = material.handlers
        self._only = material.chance.one(("all", "all", material.hosts[0]))
        self.files = material.files
        self._where_variables = material.chance.weighted(
            {"vars": 3, "group_vars": 3, "host_vars": 1, "vars_files": 0.7}
        )

    def playbooks(self, tasks: list[Task]) -> tuple[str, ...]:
        """Write the plays; the playbooks to run."""
        chance = self._chance
        self._lay_out_variables()
        chunks = self._cut(tasks, chance.weighted({1: 14, 2: 5, 3: 1}))
        plays = [self._play(chunk) for chunk in chunks]
        if len(plays) == 1:
            self.files["site.yml"] = plays
            return ("site.yml",)
        form = chance.weighted({"plays": 6, "import_playbook": 2, "command line": 1})
        chance.note(f"several plays: {form}")
        if form == "plays":
            self.files["site.yml"] = plays
            return ("site.yml",)
        if form == "command line":
            names = tuple(f"book{number}.yml" for number in range(1, len(plays) + 1))
            self.files |= {name: [play] for name, play in zip(names, plays, strict=True)}
            return names
        self.files["more.yml"] = plays[1:]
        more: Task = {"name": "More", "import_playbook": "more.yml"}
        form = chance.weighted({"": 3, "when": 1, "vars": 1, "tags": 0.5})
        if form:
            chance.note(f"import_playbook with {form}")
        keywords: dict[str, Task] = {
            "": {}, "when": {"when": self._conditions.any().written(chance)}, "vars": {"vars": {"more": 1}},
            "tags": {"tags": ["slow"]},
        }  # fmt: skip
        self.files["site.yml"] = [plays[0], more | keywords[form]]
        return ("site.yml",)

    def neutral(self, tasks: list[Task]) -> tuple[str, ...]:
        """One play of these tasks on all hosts; the playbook to run."""
        play: Task = {"name": "Play", "hosts": "all", "gather_facts": False, "tasks": tasks}
        variables = {**self._variables, **_own_variables(tasks)}
        self._add_handlers(play, tasks)
        self.files["site.yml"] = [play | ({"vars": variables} if variables else {})]
        return ("site.yml",)

    def wrapped_neutrally(self, tasks: list[Task]) -> list[Task]:
        """The same tasks, some in blocks, files and roles that are called once and without a condition."""
        chance = self._chance
        for _ in range(chance.number(1, 3)):
            begin = chance.number(0, len(tasks) - 1)
            end = chance.number(begin + 1, len(tasks))
            form = chance.one(("block", "include_tasks", "import_tasks", "include_role", "import_role"))
            wrapper = self._wrapper(form, tasks[begin:end])
            if form == "block":
                wrapper = {"name": wrapper["name"], "block": tasks[begin:end]}
            chance.note(f"wrapped in {form}")
            tasks = [*tasks[:begin], wrapper, *tasks[end:]]
        return tasks

    def _lay_out_variables(self) -> None:
        """Into group variables, each host's own, or (see ``_play``) the plays."""
        if self._variables:
            self._chance.note(f"variables in {self._where_variables}")
        if self._variables and self._where_variables == "group_vars":
            self.files["group_vars/all.yml"] = dict(self._variables)
        elif self._variables and self._where_variables == "host_vars":
            self.files |= {f"host_vars/{host}.yml": dict(self._variables) for host in self._hosts}

    def _cut(self, tasks: list[Task], parts: int) -> list[list[Task]]:
        """In so many parts or fewer, none of them empty."""
        if len(tasks) < 2 or parts < 2:
            return [tasks]
        count = min(parts - 1, len(tasks) - 1)
        places = sorted(self._chance.some(range(1, len(tasks)), count))
        return [tasks[begin:end] for begin, end in zip([0, *places], [*places, len(tasks)], strict=True)]

    def _play(self, tasks: list[Task]) -> Task:
        chance = self._chance
        play: Task = {"name": chance.name("Play "), "hosts": self._pattern(), "gather_facts": False}
        form = chance.weighted({"": 16, "serial": 1, "free": 1, "host_pinned": 0.3} | dict.fromkeys(PLAY_KEYWORDS, 0.3))
        if form:
            chance.note(f"play with {form}")
        keywords: dict[str, Task] = {"": {}, "serial": {"serial": 1}, **PLAY_KEYWORDS}
        play |= keywords.get(form, {"strategy": form})
        own = _own_variables(tasks)
        if self._variables and self._where_variables == "vars":
            own = {**self._variables, **own}
        if own:
            play["vars"] = own
        if self._variables and self._where_variables == "vars_files":
            self.files["vars/main.yml"] = dict(self._variables)
            play["vars_files"] = ["vars/main.yml"]
        self._add_handlers(play, tasks)
        tasks = self._with_handlers(play, tasks)
        section = chance.weighted({"tasks": 10, "split": 3, "roles": 3, "tasks and roles": 1})
        if section == "split" and len(tasks) > 1:
            names = chance.one((("pre_tasks", "tasks"), ("tasks", "post_tasks"), ("pre_tasks", "post_tasks")))
            parts = self._cut(tasks, 2)
            chance.note(f"sections {' and '.join(names)}")
            play |= {name: self._wrapped(part, 2) for name, part in zip(names, parts, strict=True)}
        elif section == "tasks and roles" and len(tasks) > 1:
            parts = self._cut(tasks, 2)
            chance.note("roles after pre_tasks")
            play |= {"pre_tasks": self._wrapped(parts[0], 1), "roles": [self._role_entry(parts[1])]}
        elif section in ("roles", "tasks and roles"):
            parts = self._cut(tasks, chance.one((1, 2, 2)))
            play["roles"] = [self._role_entry(parts[0])]
            chance.note("roles")
            if len(parts) > 1 and chance.true(0.5):
                play["roles"].append(self._role_entry(parts[1]))
            elif len(parts) > 1:
                play["tasks"] = self._wrapped(parts[1], 2)
        else:
            play["tasks"] = self._wrapped(tasks, 3)
        return play

    def _pattern(self) -> str:
        chance = self._chance
        if len(self._hosts) == 1:
            return self._only  # that two patterns mean the same host cannot be told without an inventory
        found = chance.weighted({"all": 10, self._hosts[0]: 0.9, f"all:!{self._hosts[-1]}": 0.4, "some": 0.5})
        if found != "all":
            earlier = [note for note in chance.notes if note.startswith("hosts of play")]
            chance.note(f"play {len(earlier)} on other hosts")
        chance.note(f"hosts of play {chance.name('pattern')} are {found}")
        return found

    # ---- handlers

    def _add_handlers(self, play: Task, tasks: list[Task]) -> None:
        """Those that the stories of these tasks have, and whom these notify in turn."""
        for task in tasks:
            found = self._handlers.get(str(task.get("notify")), [])
            added = [each for each in found if each not in play.get("handlers", [])]
            if added:
                play.setdefault("handlers", []).extend(added)
                self._add_handlers(play, added)

    def _with_handlers(self, play: Task, tasks: list[Task]) -> list[Task]:
        """Now and then a launch is done by a handler."""
        chance = self._chance
        result: list[Task] = []
        for task in tasks:
            if not _is_launch(task) or not chance.true(0.07):
                result.append(task)
                continue
            topic = chance.name("changed ") if chance.true(0.4) else None
            handler = {"listen": topic, **task} if topic else task
            play.setdefault("handlers", []).append(handler)
            chance.note("launch in a handler")
            result.append(
                {
                    "name": chance.name("Change "),
                    "debug": {"msg": "changed"},
                    "changed_when": True,
                    "notify": topic or task["name"],
                }
            )
            if chance.true(0.8):
                result.append({"name": chance.name("Flush "), "meta": "flush_handlers"})
        return result

    # ---- blocks, files, roles

    def _wrapped(self, tasks: list[Task], depth: int) -> list[Task]:
        """The same tasks, some runs of them in a block, another file or a role."""
        chance = self._chance
        if self._is_small:
            depth = 1
        for _ in range(chance.weighted({0: 4, 1: 4, 2: 2} if depth > 1 else {0: 2, 1: 1})):
            if not tasks:
                break
            begin = chance.number(0, len(tasks) - 1)
            end = chance.number(begin + 1, len(tasks))
            inner = self._wrapped(tasks[begin:end], depth - 1) if depth > 1 and chance.true(0.4) else tasks[begin:end]
            tasks = [*tasks[:begin], self._wrap(inner), *tasks[end:]]
        return tasks

    def _wrap(self, tasks: list[Task]) -> Task:
        chance = self._chance
        has_meta = any("meta" in task for task in tasks)
        form = chance.weighted(
            {
                "block": 4,
                "include_tasks": 4,
                "import_tasks": 3,
                "include_role": 2,
                "import_role": 2,
                "looped include": 1 if not has_meta else 0,
                "looped include_role": 0.4 if not has_meta else 0,
            }
        )
        chance.note(f"wrapped in {form}")
        wrapper = self._wrapper(form, tasks)
        if chance.true(0.25):
            wrapper["when"] = self._conditions.any().written(chance)
            chance.note(f"{form} with when")
        return wrapper

    def _wrapper(self, form: str, tasks: list[Task]) -> Task:
        chance = self._chance
        prefix = "ansible.builtin." if chance.true(0.5) else ""
        if form == "block":
            return self._block(tasks)
        if form.endswith("tasks") or form == "looped include":
            path = f"tasks/{chance.name('part')}.yml"
            self.files[path] = tasks
            keyword = f"{prefix}{'include_tasks' if form.startswith('loop') else form}"
            argument: Any = {"file": path} if chance.true(0.2) else path
            task: Task = {"name": chance.name("Call "), keyword: argument}
            if keyword.endswith("include_tasks") and chance.true(0.12):
                task |= {keyword: "tasks/{{ which }}.yml", "vars": {"which": path[len("tasks/") : -len(".yml")]}}
                chance.note("file by a variable")
        else:
            keyword = f"{prefix}{'include_role' if form.startswith('loop') else form}"
            task = {"name": chance.name("Call "), keyword: self._role_call(tasks)}
        if form.startswith("looped"):
            task |= {"loop": [1, 2], "loop_control": {"loop_var": chance.name("round")}}
        return task

    def _block(self, tasks: list[Task]) -> Task:
        chance = self._chance
        block: Task = {"name": chance.name("Block "), "block": tasks}
        form = chance.weighted({"plain": 5, "always": 2, "rescue": 2, "both": 1})
        if form in ("always", "both"):
            cut = chance.number(1, len(tasks)) if len(tasks) > 1 else 1
            if len(tasks) > cut and chance.true(0.6):
                block["block"], block["always"] = tasks[:cut], tasks[cut:]
            else:
                block["always"] = [{"name": chance.name("Say "), "debug": {"msg": "always"}}]
        if form in ("rescue", "both"):
            rescue: Task = {"name": chance.name("Say "), "debug": {"msg": "rescued"}}
            block = {"name": block["name"], "block": block["block"], "rescue": [rescue], **block}
        if form != "plain":
            chance.note(f"block with {form}")
        more = chance.weighted({"": 16} | dict.fromkeys(BLOCK_KEYWORDS, 0.5))
        if more:
            chance.note(f"block with {more}")
            block |= BLOCK_KEYWORDS[more]
        return block

    def _role_call(self, tasks: list[Task]) -> Task:
        chance = self._chance
        role = chance.name("role")
        call: Task = {"name": role}
        file = "main"
        if chance.true(0.2):
            file = "other"
            call["tasks_from"] = chance.one(("other", "other.yml"))
        self.files[f"roles/{role}/tasks/{file}.yml"] = self._perhaps_ended(tasks)
        return call

    def _role_entry(self, tasks: list[Task]) -> Any:
        chance = self._chance
        role = chance.name("role")
        parts = self._cut(tasks, 2) if chance.true(0.2) else [tasks]
        if len(parts) > 1:
            before = chance.name("role")
            self.files[f"roles/{before}/tasks/main.yml"] = self._wrapped(parts[0], 1)
            self.files[f"roles/{role}/meta/main.yml"] = {"dependencies": [{"role": before}]}
            chance.note("role dependency")
        handed, given = self._handed(parts[-1])
        self.files[f"roles/{role}/tasks/main.yml"] = self._perhaps_ended(self._wrapped(handed, 1))
        form = chance.weighted({"name": 3, "mapping": 2, "when": 1.5})
        if form == "name" and not given:
            return role
        entry: Task = {"role": role, **given}
        if form == "when":
            entry["when"] = self._conditions.any().written(chance)
        return entry

    def _perhaps_ended(self, tasks: list[Task]) -> list[Task]:
        """A role's tasks; now and then it ends before one of them."""
        chance = self._chance
        if not chance.true(0.08):
            return tasks
        chance.note("end_role")
        at = chance.number(0, len(tasks) - 1)
        end: Task = {"name": chance.name("End "), "meta": "end_role", "when": self._conditions.any().written(chance)}
        return [*tasks[:at], end, *tasks[at:]]

    def _handed(self, tasks: list[Task]) -> tuple[list[Task], Task]:
        """Now and then the id of a job is a parameter of the role: its tasks, and what its entry hands them."""
        chance = self._chance
        found = JOB_ID.search(str(tasks))
        if found is None or not chance.true(0.4):
            return tasks, {}
        name = chance.name("parameter")
        form = chance.one(("parameter", "vars"))
        chance.note(f"an entry of roles hands an id over as {form}")
        given = {name: found.group()}
        return replaced(tasks, found.group(), f"{{{{ {name} }}}}"), given if form == "parameter" else {"vars": given}


def replaced(data: Any, old: str, new: str) -> Any:
    """The data with one text in place of another in each of its strings."""
    if isinstance(data, str):
        return data.replace(old, new)
    if isinstance(data, list):
        return [replaced(each, old, new) for each in data]
    return {key: replaced(value, old, new) for key, value in data.items()} if isinstance(data, dict) else data


def _own_variables(tasks: list[Task]) -> Task:
    """The variables that these tasks want their play to have; the tasks no longer say so."""
    return {name: value for task in tasks for name, value in task.pop(PLAY_VARS, {}).items()}


def _is_launch(task: Task) -> bool:
    return "async" in task and bool(LABEL.search(str(task.get("name"))))
