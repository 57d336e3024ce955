"""Stories that few playbooks tell: each names what it is in its note, so that all of them come up in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from referee.grammar import keyed, own, scopes
from referee.grammar.launches import Launch
from referee.grammar.material import Material
from referee.grammar.picking import wait
from referee.grammar.told import Told, id_of
from referee.grammar.waits import status
from referee.project import Task


def _jid(one: Launch) -> str:
    return id_of(one.register)


def role_with_handlers(material: Material, one: Launch) -> Told:
    """A role whose handler launches and whose tasks flush and wait, or whose tasks launch and whose handler waits."""
    chance, role = material.chance, material.chance.name("service")
    launch, waits = dict(one.task), wait(material.chance, one.label, _jid(one))
    change: Task = {"name": chance.name("Change "), "debug": {"msg": "changed"}, "changed_when": True}
    flush: Task = {"name": chance.name("Flush "), "meta": "flush_handlers"}
    inside = chance.weighted({"launch": 3, "wait": 2})
    asks = {"when": f"{one.register} is defined"} if chance.true(0.7) else {}
    if inside == "launch":
        tasks, handler = [change | {"notify": launch["name"]}, flush, waits | asks], launch
    else:
        handler = waits
        tasks = [launch | {"notify": waits["name"], "changed_when": True}, *([flush] if chance.true(0.5) else [])]
    if chance.true(0.3):
        tasks[0]["when"] = material.conditions.any().written(chance)
    material.files[f"roles/{role}/handlers/main.yml"] = [handler]
    material.files[f"roles/{role}/tasks/main.yml"] = tasks
    if chance.true(0.4):
        material.files["galaxy.yml"] = {"namespace": "acme", "name": "tools", "version": "1.0.0"}
        chance.note("the project is a collection")
    chance.note(f"a role's handler does the {inside}")
    form = chance.one(("include_role", "import_role", "twice"))
    calls: list[Task] = [{"name": chance.name("Call "), "import_role" if form == "twice" else form: {"name": role}}]
    if form == "twice":
        calls.append({"name": chance.name("Call "), "include_role": {"name": role}})
        chance.note("a role with handlers is called twice")
    return calls, [], 0


def backwards(material: Material, one: Launch, other: Launch) -> Told:
    """Handlers of which each notifies the one before it, while a job is left: the first runs at no flush."""
    chance = material.chance
    chance.note("a handler notifies one before it")
    first: Task = {"name": chance.name("Handled "), "debug": {"msg": "handled"}}
    middle: Task = {"name": chance.name("Handled "), "debug": {"msg": "handled"}, "changed_when": True}
    # One is run by the flush after the tasks, one by that after the post_tasks.
    last: Task = dict(other.task) | {"notify": middle["name"], "changed_when": True}
    topic = chance.name("both ")
    material.handlers[topic] = [first, middle | {"notify": first["name"]}, last | {"listen": topic}]
    change: Task = {"name": chance.name("Change "), "debug": {"msg": "changed"}, "changed_when": True, "notify": topic}
    first["listen"] = chance.name("never ")
    waits = [wait(chance, one.label, _jid(one))] if chance.true(0.4) else []
    return [one.task], [change, *waits], 0


def end_elsewhere(material: Material, one: Launch) -> Told:
    """A file that does nothing but end the play, before the wait."""
    chance = material.chance
    what = chance.one(("end_play", "end_host", "end_batch"))
    end: Task = {"name": chance.name("End "), "meta": what}
    call: Task = {"name": chance.name("Call ")}
    conditions = material.conditions
    at = (conditions.any() if what == "end_host" else conditions.switch()).written(chance)
    form = chance.one(("include_tasks", "import_tasks", "include_role"))
    if form == "include_role":
        role = chance.name("ender")
        material.files[f"roles/{role}/tasks/main.yml"] = [end | {"when": at}]
        call["include_role"] = {"name": role}
    else:
        path = f"tasks/{chance.name('end')}.yml"
        material.files[path] = [end | ({"when": at} if chance.true(0.7) else {})]
        call[form] = path
        if "when" not in material.files[path][0]:
            call["when"] = at
    chance.note(f"{what} in a file of its own by {form}")
    return [one.task], [call, wait(chance, one.label, _jid(one))], 0


def carried(material: Material, one: Launch) -> Told:
    """The id or the status file goes elsewhere: to a command, a message, a watch of the file."""
    chance, named = material.chance, one.register
    forms: dict[str, Task] = {
        "said": {"debug": {"msg": f"job {_jid(one)}"}},
        "debug var": {"debug": {"var": f"{named}.ansible_job_id"}},
        "to a command": {"command": f"true {_jid(one)}", "changed_when": False},
        "to a command's list": {"command": {"argv": ["true", _jid(one)]}},
        "to a shell": {"shell": f"echo {_jid(one)} >/dev/null"},
        "into stats": {"set_stats": {"data": {"the_job": _jid(one)}}},
        "asserted": {"assert": {"that": [f"{named}.ansible_job_id is defined"]}},
        "stat": {"stat": {"path": f"{{{{ {named}.results_file }}}}"}, "register": "there"},
        "stat until": {
            "stat": {"path": f"{{{{ {named}.results_file }}}}"},
            "register": "there", "until": "there.stat.exists", "retries": 2, "delay": 1,
        },
        "wait_for path": {"wait_for": {"path": f"{{{{ {named}.results_file }}}}", "timeout": 5}},
        "killed in words": {"shell": f"true kill {_jid(one)}"},
        "environment": {"command": "true", "environment": {"JOB": _jid(one)}},
        "fact of facts": {"set_fact": {"kept_jobs": {"a": [f"{{{{ {named} }}}}"]}}},
        "cacheable fact": {"set_fact": {"kept_id": _jid(one), "cacheable": True}},
        "group_by": {"group_by": {"key": f"with_{{{{ {named}.started | default(0) | int }}}}"}},
        "add_host": {"add_host": {"name": material.hosts[0], "the_job": _jid(one), "groups": "others"}},
    }  # fmt: skip
    form = chance.one(list(forms))
    chance.note(f"carried: {form}")
    waits = [wait(chance, one.label, _jid(one))] if chance.true(0.6) else []
    return [one.task], [{"name": chance.name("Carry "), **forms[form]}, *waits], 0


def insisted(material: Material, one: Launch) -> Told:
    """A look, and a task that fails where the job has not ended; or a look that fails by itself."""
    chance, seen = material.chance, material.chance.name("state")
    look: Task = {"name": f"Look at {one.label}", **status(chance, _jid(one)), "register": seen}
    forms: dict[str, list[Task]] = {
        "assert": [look, {"name": "Insist", "assert": {"that": f"{seen} is finished"}}],
        "assert list": [look, {"name": "Insist", "assert": {"that": [f"{seen}.finished | bool"]}}],
        "fail": [look, {"name": "Insist", "fail": {"msg": "too slow"}, "when": f"{seen} is not finished"}],
        "fail int": [look, {"name": "Insist", "fail": {"msg": "too slow"}, "when": f"{seen}.finished | int == 0"}],
        "failed_when": [look | {"failed_when": f"not {seen}.finished | bool"}],
        "failed_when list": [look | {"failed_when": [f"{seen}.started is defined", f"{seen} is not finished"]}],
        "failed_when ignored": [look | {"failed_when": f"{seen} is not finished", "ignore_errors": True}],
        "end": [look, {"name": "Insist", "meta": "end_play", "when": f"{seen} is not finished"}],
        "command": [look, {"name": "Insist", "command": "false", "when": f"{seen} is not finished"}],
        "ignored": [
            look,
            {"name": "Insist", "fail": {"msg": "x"}, "when": f"{seen} is not finished", "ignore_errors": True},
        ],
    }
    form = chance.one(list(forms))
    chance.note(f"insisted: {form}")
    waits = [wait(chance, one.label, _jid(one))] if chance.true(0.3) else []
    return [one.task], [*forms[form], *waits], 1


def called(material: Material, one: Launch) -> Told:
    """The wait in a file or role that is called in one of the rarer ways."""
    chance = material.chance
    waits: Task = wait(chance, one.label, _jid(one))
    switch = material.conditions.switches[0]
    path, role = f"tasks/{chance.name('there')}.yml", chance.name("there")
    other = f"tasks/{chance.name('there')}.yml"
    main = f"roles/{role}/tasks/main.yml"
    stem = path.removeprefix("tasks/").removesuffix(".yml")
    forms: dict[str, tuple[Task, dict[str, Any]]] = {
        "apply tags": (
            {"include_tasks": {"file": path, "apply": {"tags": ["slow"]}}, "tags": ["slow"]}, {path: [waits]},
        ),
        "apply when": ({"include_tasks": {"file": path, "apply": {"when": switch}}}, {path: [waits]}),
        "apply vars": ({"include_role": {"name": role, "apply": {"vars": {"a": 1}}}}, {main: [waits]}),
        "each of two files": (
            {"include_tasks": "{{ item }}", "loop": [path, other]},
            {path: [waits], other: [{"name": "Say", "debug": {"msg": "x"}}]},
        ),
        "each of one by with_items": ({"include_tasks": "{{ item }}", "with_items": [path]}, {path: [waits]}),
        "with_first_found": (
            {"include_tasks": "{{ item }}", "with_first_found": ["tasks/none.yml", path]}, {path: [waits]},
        ),
        "with_first_found files": (
            {"include_tasks": "{{ item }}", "with_first_found": [{"files": [f"{stem}.yml"], "paths": ["tasks"]}]},
            {path: [waits]},
        ),
        "with_fileglob": (
            {"include_tasks": "{{ item }}", "with_fileglob": [f"tasks/{stem}*.yml"]}, {path: [waits]},
        ),
        "lookup first_found": (
            {"include_tasks": f"{{{{ lookup('first_found', ['tasks/none.yml', '{path}']) }}}}"}, {path: [waits]},
        ),
        "by a switch": (
            {"include_tasks": f"tasks/{{{{ '{stem}' if {switch} else '{stem}_not' }}}}.yml"},
            {path: [waits], f"tasks/{stem}_not.yml": [{"name": "Say", "debug": {"msg": "not"}}]},
        ),
        "by a switch, both wait": (
            {"include_tasks": f"tasks/{stem}_{{{{ {switch} | lower }}}}.yml"},
            {f"tasks/{stem}_true.yml": [waits], f"tasks/{stem}_false.yml": [dict(waits)]},
        ),
        "by a host": (
            {"include_tasks": f"tasks/{stem}_{{{{ inventory_hostname }}}}.yml"},
            {f"tasks/{stem}_{host}.yml": [dict(waits)] for host in material.hosts},
        ),
        "role by a variable": (
            {"include_role": {"name": "{{ chosen_role }}"}, "vars": {"chosen_role": role}}, {main: [waits]},
        ),
        "roles by a loop": ({"include_role": {"name": "{{ item }}"}, "loop": [role]}, {main: [waits]}),
        "role's file by a variable": (
            {"include_role": {"name": role, "tasks_from": "{{ chosen_file }}"}, "vars": {"chosen_file": "more"}},
            {f"roles/{role}/tasks/more.yml": [waits]},
        ),
        "role's variables": (
            {"import_role": {"name": role}},
            {
                f"roles/{role}/tasks/main.yml": [waits | {"when": "wanted"}],
                f"roles/{role}/defaults/main.yml": {"wanted": False},
                f"roles/{role}/vars/main.yml": {"wanted": True},
            },
        ),
        "role's variables from": (
            {"include_role": {"name": role, "vars_from": "more", "defaults_from": "less.yml"}},
            {
                main: [waits | {"when": "wanted"}],
                f"roles/{role}/vars/more.yml": {"wanted": True},
                f"roles/{role}/defaults/less.yml": {"wanted": False},
            },
        ),
        "a file beside the role's": (
            {"include_role": {"name": role}},
            {main: [{"name": "Call", "include_tasks": "beside.yml"}], f"roles/{role}/tasks/beside.yml": [waits]},
        ),
        "public role": ({"include_role": {"name": role, "public": True}}, {main: [waits]}),
        "local_action": (waits | {"delegate_to": "{{ inventory_hostname }}"}, {}),
        "many times": ({"include_tasks": path, "loop": [1, 2, 3]}, {path: [waits]}),
        "one round of none": ({"include_tasks": path, "loop": []}, {path: [waits]}),
        "rounds that a filter leaves": (
            {"include_tasks": path, "loop": "{{ [1, 2] | select('eq', 2) | list }}"}, {path: [waits]},
        ),
        "extended loop": (
            {
                "include_tasks": path, "loop": [1, 2],
                "loop_control": {"extended": True}, "when": "ansible_loop.first",
            },
            {path: [waits]},
        ),
        "variables of a file": (
            {"import_tasks": path},
            {
                path: [{"name": "Read", "include_vars": "vars/read.yml"}, waits | {"when": "from_file"}],
                "vars/read.yml": {"from_file": True},
            },
        ),
        "variables of a file under a name": (
            {"import_tasks": path},
            {
                path: [
                    {"name": "Read", "include_vars": {"file": "vars/read.yml", "name": "read"}},
                    waits | {"when": "read.from_file"},
                ],
                "vars/read.yml": {"from_file": f"{{{{ {switch} }}}}"},
            },
        ),
        "variables of one of two files": (
            {"import_tasks": path},
            {
                path: [
                    {"name": "Read", "include_vars": f"vars/{{{{ 'one' if {switch} else 'two' }}}}.yml"},
                    waits | {"when": "from_file"},
                ],
                "vars/one.yml": {"from_file": True}, "vars/two.yml": {"from_file": False},
            },
        ),
        "variables of files in a loop": (
            {"import_tasks": path},
            {
                path: [
                    {"name": "Read", "include_vars": "{{ item }}", "loop": ["vars/one.yml", "vars/two.yml"]},
                    waits | {"when": "from_file and from_second"},
                ],
                "vars/one.yml": {"from_file": True}, "vars/two.yml": {"from_second": True},
            },
        ),
        "a block's handlers apart": (
            {"block": [waits], "when": f"{one.register} is defined", "vars": {"a": 1}, "tags": ["slow"]}, {},
        ),
        "a block in a block": ({"block": [{"block": [{"block": [waits]}]}]}, {}),
        "given as a parameter's part": (
            {"include_tasks": path, "vars": {"handed": {"job": f"{{{{ {one.register} }}}}", "n": 1}}},
            {path: [wait(chance, one.label, "{{ handed.job.ansible_job_id }}")]},
        ),
        "given as a list": (
            {"include_tasks": path, "vars": {"handed": [f"{{{{ {one.register} }}}}"]}},
            {path: [wait(chance, one.label, "{{ item.ansible_job_id }}", loop="{{ handed }}")]},
        ),
        "given by name": (
            {"include_tasks": path, "vars": {"handed": one.register}},
            {path: [wait(chance, one.label, "{{ lookup('vars', handed).ansible_job_id }}")]},
        ),
        "set in Jinja": (
            {"block": [wait(chance, one.label, f"{{% set x = {one.register} %}}{{{{ x.ansible_job_id }}}}")]}, {},
        ),
        "a loop in Jinja": (
            {
                "block": [wait(
                    chance, one.label,
                    f"{{% for x in [{one.register}] %}}{{{{ x.ansible_job_id }}}}{{% endfor %}}",
                )]
            },
            {},
        ),
    }  # fmt: skip
    form = chance.one(list(forms))
    chance.note(f"called: {form}")
    material.given.extend(name for name in ("wanted", "from_file", "from_second") if name in str(forms[form]))
    call, files = forms[form]
    material.files.update(files)
    return [one.task], [{"name": chance.name("Call "), **{key: each for key, each in call.items() if key != "name"}}], 0


def by_collection(material: Material, one: Launch) -> Told:
    """``reap.jobs.wait``, with its arguments."""
    chance = material.chance
    forms: dict[str, Task] = {
        "all": {},
        "by task": {"tasks": [f"Launch {one.label}"]},
        "by pattern": {"tasks": ["Launch L*"]},
        "other task": {"tasks": ["no such task"]},
        "with a timeout": {"timeout": 30},
        "keeping files": {"cleanup": False},
        "tasks of a template": {"tasks": "{{ wanted_tasks }}"},
    }
    form = chance.one(list(forms))
    chance.note(f"reap.jobs.wait: {form}")
    task: Task = {"name": "Wait for everything", "reap.jobs.wait": forms[form]}
    if form == "tasks of a template":
        task["vars"] = {"wanted_tasks": [f"Launch {one.label}"]}
    more = chance.weighted({"": 4, "when": 1, "ignore_errors": 1, "no_log": 1, "failed_when": 1})
    if more == "when":
        task["when"] = material.conditions.any().written(chance)
    elif more == "failed_when":
        task["failed_when"] = False
    elif more:
        task[more] = True
    return [one.task], [task], 0


def notified(material: Material, one: Launch) -> Told:
    """A handler that launches, notified and found in the ways that are not plain."""
    chance = material.chance
    launch, name = dict(one.task), str(one.task["name"])
    topic, role = chance.name("changed "), chance.name("served")
    change: Task = {"name": chance.name("Change "), "debug": {"msg": "changed"}, "changed_when": True}
    before: list[Task] = []
    asked = f"{one.register} is defined"
    form = chance.one(
        ("list", "include", "role's topic", "role's name", "template", "in a loop", "unchanged", "when", "named")
    )
    chance.note(f"notified: {form}")
    handlers: list[Task] = [launch | {"listen": topic}]
    change["notify"] = topic
    if form == "list":
        change["notify"] = [topic, name]
    elif form == "include":
        path = f"tasks/{chance.name('handle')}.yml"
        material.files[path] = [launch]
        handlers = [{"name": topic, "include_tasks": path}]
    elif form.startswith("role's"):
        material.files[f"roles/{role}/handlers/main.yml"] = handlers
        material.files[f"roles/{role}/tasks/main.yml"] = [{"name": chance.name("Say "), "debug": {"msg": "said"}}]
        handlers = []
        before = [{"name": chance.name("Call "), chance.one(("import_role", "include_role")): {"name": role}}]
        change["notify"] = topic if form == "role's topic" else f"{role} : {name}"
    elif form == "named":
        name = str(change["notify"])
        handlers = [launch | {"name": f"{{{{ '{name} {launch['name']}' }}}}"}]
        change["notify"] = f"{name} {launch['name']}"
    elif form == "template":
        change |= {"notify": "{{ told }}", "vars": {"told": topic}}
    elif form == "in a loop":
        change |= {"loop": ["a", "b"], "changed_when": chance.one(("item == 'a'", "item == 'z'", True))}
    elif form == "unchanged":
        change["changed_when"] = chance.one((False, material.conditions.switches[0]))
    else:
        change |= {"register": "the_change"}
        handlers = [launch | {"listen": topic, "when": chance.one(("the_change is changed", "the_change is skipped"))}]
    material.handlers[str(change["notify"])] = handlers
    if chance.true(0.3):
        change["when"] = material.conditions.any().written(chance)
    flush: Task = {"name": chance.name("Flush "), "meta": "flush_handlers"}
    waits = wait(chance, one.label, _jid(one))
    return [*before, change], [flush, waits | ({"when": asked} if chance.true(0.7) else {})], 0


ONE: dict[Callable[[Material, Launch], Told], float] = {
    role_with_handlers: 3,
    end_elsewhere: 2,
    carried: 3,
    insisted: 2,
    called: 8,
    by_collection: 3,
    notified: 3,
    scopes.scoped: 6,
    keyed.enabled: 4,
    keyed.by_key: 3,
    keyed.carried_on: 2,
    own.plugins: 2,
    own.out_of_a_vault: 2,
}
"""By weight."""
