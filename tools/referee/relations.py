"""What must hold between the verdicts on a project and on another that is made from it. It takes no run to see that.

A project with its blocks, files and roles written out in place does the same; so does one whose conditions and waits
are spelled in another way. A launch that is waited for at once is reaped, whatever else there is. Without any look
nothing is.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from referee.grammar.structure import replaced
from referee.judgement import Disagreement, Half
from referee.project import LABEL, Project, Task
from referee.static import Checked, check

CALLS = ("include_tasks", "import_tasks", "include_role", "import_role")
ORDERED = ("tasks", "pre_tasks", "post_tasks", "block", "rescue", "always")
"""Lists of tasks that run one after the other."""
_TEMPLATE = re.compile(r"\{\{ ([^{}]*) \}\}")
LISTS = (*ORDERED, "handlers")


def of_relations(
    project: Project, checked: Checked, other_spelling: Project | None, folder: Path
) -> Iterator[Disagreement]:
    """``folder`` is scratch."""
    same = {"respelled": other_spelling} if other_spelling else {}
    if "end_role" not in "".join(project.texts().values()):  # which says nothing outside of a role
        same["inlined"] = inlined(project)
    for name, other in same.items():
        for label, here, there in _both(checked, other, folder):
            if here != there and "unknown" not in (here, there):
                yield Disagreement(Half.STATIC, f"relation-{name}", label, f"{here}, but {name} {there}")
    with_waits, labels = waited_at_once(project)
    # One that never runs, as the play has ended by then, is detached or a reboot all the same; so is one of which it
    # cannot be told whether the wait is one.
    plain = without_reasons(without_ends(with_waits))
    endless = {label: there for label, _, there in _both(checked, plain, folder)}
    for label, _, there in _both(checked, with_waits, folder):
        said = endless.get(label) if there in ("detached", "reboot") else there
        is_right = said in ("reaped", "unknown")
        if label in labels and not is_right:
            yield Disagreement(Half.STATIC, "relation-waited-at-once", label, f"{there} though waited for at once")
    for label, _, there in _both(checked, without_looks(project), folder):
        if there in ("reaped", "partial"):
            yield Disagreement(Half.STATIC, "relation-without-looks", label, f"{there} though nothing looks at any job")


def _both(checked: Checked, other: Project, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Label and both verdicts of the launches that both have."""
    other.write(folder)
    there = check(folder).launches
    for label, launch in checked.launches.items():
        if label in there:
            yield label, launch.verdict, there[label].verdict


def _playbook_files(project: Project) -> list[str]:
    lists = {path: data for path, data in project.files.items() if isinstance(data, list)}
    return [path for path, data in lists.items() if any("hosts" in each for each in data)]


# ---- written out in place


def inlined(project: Project) -> Project:
    """With blocks, called files and roles written out where they stand, and their conditions on each of their tasks."""
    return _Inlining(project).result


class _Inlining:
    """Writes out what is called; a file that has been written out is left out of the result."""

    def __init__(self, project: Project) -> None:
        self._files = project.files
        registers = Counter(task["register"] for task in project.tasks() if isinstance(task.get("register"), str))
        shares_registers = max(registers.values(), default=0) > 1
        # A flush happens whatever the condition of its task, and a task that is skipped sets its register.
        self._may_push = not shares_registers and "flush_handlers" not in str(self._files)
        facts = (task.get(name) for task in project.tasks() for name in ("set_fact", "ansible.builtin.set_fact"))
        read = (data for path, data in self._files.items() if path.startswith("vars/"))
        set_names = (each for each in (*facts, *read) if isinstance(each, dict))
        self._set = {*registers, *(name for each in set_names for name in each)}
        """Variables that tasks set, which may stand above those of a call or block."""
        self._done: set[str] = set()
        playbooks = _playbook_files(project)
        written = {path: [self._play(play) for play in project.files[path]] for path in playbooks}
        files = {path: data for path, data in project.files.items() if path not in self._done}
        self.result = replace(project, files={**files, **written})

    def _play(self, play: Task) -> Task:
        play = dict(play)
        entries = [entry if isinstance(entry, dict) else {"role": entry} for entry in play.get("roles", [])]
        if any(self._has_variables(each["role"]) or ("when" in each and not self._may_push) for each in entries):
            return copy.deepcopy(play)
        done, given = set(self._done), [_parameters(each) for each in entries]
        roles = [task for entry in entries for task in self._of_role(entry)]
        if any(given) and any(call in str(roles) for call in CALLS):
            self._done = done  # what is still called would not know what the entry hands over
            return copy.deepcopy(play)
        play.pop("roles", None)
        if roles:
            play["tasks"] = [*roles, *play.get("tasks", [])]
        for section in ("pre_tasks", "tasks", "post_tasks"):
            if section in play:
                play[section] = [each for task in play[section] for each in self._task(task)]
        return play

    def _file(self, path: str) -> list[Task]:
        self._done.add(path)
        tasks: list[Task] = self._files[path]
        return tasks

    def _of_role(self, entry: Any) -> list[Task]:
        """The tasks of an entry of ``roles:``, after those of what the role depends on."""
        entry = entry if isinstance(entry, dict) else {"role": entry}
        folder = f"roles/{entry['role']}"
        meta = self._files.get(f"{folder}/meta/main.yml", {})
        self._done.add(f"{folder}/meta/main.yml")
        tasks = [task for each in meta.get("dependencies", []) for task in self._of_role(each)]
        # What its parameters are is replaced in the files that it calls as well.
        own = [each for task in self._file(f"{folder}/tasks/main.yml") for each in self._task(task)]
        for name, value in _parameters(entry).items():
            own = replaced(own, f"{{{{ {name} }}}}", value)
            expression = _TEMPLATE.fullmatch(str(value))
            own = _in_place_of(own, name, f"({expression.group(1)})") if expression else own
        tasks += own
        return [_with_when(task, entry.get("when")) for task in tasks]

    def _has_variables(self, role: str) -> bool:
        """Whether the role brings more than tasks, which are worth nothing without it."""
        parts = ("defaults", "vars", "handlers", "filter_plugins")
        return any(path.startswith(f"roles/{role}/{part}/") for path in self._files for part in parts)

    def _task(self, task: Task) -> list[Task]:
        contents = self._contents(task)
        if contents is None:
            return [copy.deepcopy(task)]
        inner = [each for one in contents for each in self._task(one)]
        return [_with_when(each, task.get("when")) for each in inner]

    def _contents(self, task: Task) -> list[Task] | None:
        """What a block or call holds, where it can be written out without a change."""
        plain = {key.removeprefix("ansible.builtin."): value for key, value in task.items()}
        if not set(plain) <= {"name", "when", "block", "vars", *CALLS}:
            return None
        if "when" in plain and not self._may_push:
            return None
        given = plain.get("vars", {})
        if "block" in plain:
            return self._given(plain["block"], given)
        call, argument = next(iter((key, value) for key, value in plain.items() if key in CALLS))
        if isinstance(argument, dict) and not set(argument) <= {"file", "name", "tasks_from"}:
            return None
        if call.endswith("tasks"):
            path = argument["file"] if isinstance(argument, dict) else argument
        else:
            if self._has_variables(str(argument["name"])):
                return None
            path = f"roles/{argument['name']}/tasks/{str(argument.get('tasks_from', 'main')).removesuffix('.yml')}.yml"
        name = path.rpartition("/")[2]
        content = self._files.get(path)
        if not isinstance(content, list) or any(each.get("include_tasks") == name for each in content):
            return None  # it calls itself
        written = self._given(content, given)
        if written is not None:
            self._done.add(path)
        return written

    def _given(self, tasks: list[Task], variables: Task) -> list[Task] | None:
        """The tasks with what these variables stand for in place of their names, as a name means it where it is used.

        None where something else gives them a value too, or where a call would hand them on.
        """
        calls = any(call in str(tasks) for call in CALLS)
        if variables and (calls or not self._set.isdisjoint(variables)):
            return None
        for name, value in variables.items():
            expression = _TEMPLATE.fullmatch(value) if isinstance(value, str) else None
            if expression is None and (isinstance(value, list | dict) or "{" in str(value)):
                return None
            tasks = _in_place_of(tasks, name, f"({expression.group(1)})" if expression else repr(value))
        return tasks


def _in_place_of(data: Any, name: str, expression: str) -> Any:
    """The data with an expression in place of a variable."""
    if isinstance(data, str):
        return re.sub(rf"(?<![\w.'\"]){name}(?!\w)", lambda _: expression, data)
    if isinstance(data, list):
        return [_in_place_of(each, name, expression) for each in data]
    if isinstance(data, dict):
        return {key: each if key == "name" else _in_place_of(each, name, expression) for key, each in data.items()}
    return data


def _parameters(entry: Task) -> Task:
    """What an entry of ``roles:`` hands over."""
    given = {key: value for key, value in entry.items() if key not in ("role", "when", "vars")}
    return {**given, **entry.get("vars", {})}


def _with_when(task: Task, when: Any) -> Task:
    """A copy with one more condition before its own."""
    result = copy.deepcopy(task)
    if when is not None:
        conditions = [*_listed(when), *_listed(task.get("when", []))]
        result["when"] = conditions if len(conditions) > 1 else conditions[0]
    return result


def _listed(when: Any) -> list[Any]:
    return when if isinstance(when, list) else [when]


# ---- with waits added or taken away


def waited_at_once(project: Project) -> tuple[Project, set[str]]:
    """With a wait after each launch that stands in a list of tasks, and the labels of those."""
    labels: set[str] = set()

    def edit(task: Task) -> list[Task]:
        waits = _wait_for(task)
        if waits:
            labels.update(LABEL.findall(str(task["name"])))
        return [task, *waits]

    return _edited(project, edit), labels


def _wait_for(task: Task) -> list[Task]:
    plain = "async" in task and LABEL.search(str(task.get("name"))) and isinstance(task["async"], int | str)
    if not plain or "{{" in f"{task['async']}{task['poll']}" or str(task["poll"]) != "0" or "until" in task:
        return []
    looped = any(key == "loop" or key.startswith("with_") for key in task)
    handle = "each_job" if looped else task["register"]
    wait: Task = {
        "name": "Wait at once",
        "async_status": {"jid": f"{{{{ {handle}.ansible_job_id }}}}"},
        "register": "waited_at_once",
        "until": "waited_at_once is finished",
        "retries": 900,
        "delay": 1,
        "when": f"{handle}.ansible_job_id is defined",
    }
    if looped:
        wait |= {"loop": f"{{{{ {task['register']}.results }}}}", "loop_control": {"loop_var": "each_job"}}
    return [wait | {key: task[key] for key in ("run_once", "delegate_to") if key in task}]


def without_ends(project: Project) -> Project:
    """With something harmless in place of every task that ends a play, a batch, a host's or a role's."""

    def edit(task: Task) -> list[Task]:
        ends = str(task.get("meta")).startswith("end_")
        return [{"name": task.get("name"), "debug": {"msg": "no end"}}] if ends else [task]

    return _edited(project, edit, LISTS)


def without_reasons(project: Project) -> Project:
    """With no launch that is declared detached."""

    def edit(task: Task) -> list[Task]:
        task.get("vars", {}).pop("async_reaper_detach", None)
        return [task]

    return _edited(project, edit, LISTS)


def without_looks(project: Project) -> Project:
    """With something harmless in place of every task that looks at a job."""

    def edit(task: Task) -> list[Task]:
        return [{"name": task.get("name"), "debug": {"msg": "no look"}}] if _looks(task) else [task]

    return _edited(project, edit, LISTS)


def _looks(task: Task) -> bool:
    if "reap.jobs.wait" in task:
        return True
    return any("async_status" in str(key) for key in task) or "async_status" in str(task.get("action"))


def _edited(project: Project, edit: Callable[[Task], list[Task]], lists: Sequence[str] = ORDERED) -> Project:
    """A copy in which each task of these lists stands as what ``edit`` makes of it."""
    result = project.copy()
    for path, data in result.files.items():
        is_of_handlers = "handlers" in lists and "/handlers/" in path
        if isinstance(data, str):
            continue  # as it is: the inventory, a plugin, what is encrypted
        if path.startswith("tasks/") or "/tasks/" in path or is_of_handlers:
            result.files[path] = _edited_list(data, edit, lists)
        elif path in _playbook_files(project):
            for play in data:
                _edit_lists(play, edit, lists)
    return result


def _edited_list(tasks: list[Task], edit: Callable[[Task], list[Task]], lists: Sequence[str]) -> list[Task]:
    for task in tasks:
        _edit_lists(task, edit, lists)
    return [each for task in tasks for each in edit(task)]


def _edit_lists(holder: Task, edit: Callable[[Task], list[Task]], lists: Sequence[str]) -> None:
    for name in lists:
        if isinstance(holder.get(name), list):
            holder[name] = _edited_list(holder[name], edit, lists)
