"""Ways to keep a launch from being seen: each spelling, name and place that Ansible takes is read all the same."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_reap.cli import main
from ansible_reap.content import project
from support.files import lay

LAUNCH = "- name: Hidden\n  command: work\n  async: 60\n  poll: 0\n"
JSON_LAUNCH = '[{"name": "Hidden", "command": "work", "async": 60, "poll": 0}]'


def check(root: Path, *arguments: str) -> dict[str, Any]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        main(["check", "--project-dir", str(root), "--format", "json", *arguments])
    document: dict[str, Any] = json.loads(printed.getvalue())
    return document


def launches(root: Path, *arguments: str) -> list[str]:
    return [launch["path"] for launch in check(root, *arguments)["launches"]]


def calling(task: str) -> str:
    return f"- hosts: all\n  tasks:\n    - {task}\n"


@pytest.mark.parametrize(
    "keywords",
    [
        '"as\\x79nc": 60\n  poll: 0',
        'async: 60\n  "p\\u006fll": 0',
        '"\\U00000061sync": 60\n  poll: "\\x30"',
        "? async\n  : 60\n  poll: 0",
        "? async # a comment\n  # and another\n  : 60\n  ? poll\n  : 0",
        "? >-\n    async\n\n  : 60\n  poll: 0",
        '? "as\\\n    ync"\n  : 60\n  poll: 0',
        *(f'? "as\\{end}    ync"\n  : 60\n  poll: 0' for end in ("\r", "\r\n", "\x85", "\u2028", "\u2029")),
        *(f"? async{end}  : 60\n  poll: 0" for end in ("\r", "\x85", "\u2028")),
        'async: "{{ -1 }}"\n  poll: 5',
        "async:\n    -1",
        "async: &a !!int -1\n  poll: 5",
        "vars: {a: &a async}\n  *a : 60\n  poll: 0",
        "async: 60\n  vars: {a: &b !!str poll}\n  *b : 0",
        "!!str async: 60\n  !!str poll: 0",
    ],
)
def test_a_keyword_is_seen_however_yaml_lets_it_be_written(keywords: str, tmp_path: Path) -> None:
    lay(tmp_path, {"tasks/a.yml": f"- name: Hidden\n  command: work\n  {keywords}\n"})
    assert launches(tmp_path) == ["tasks/a.yml"]


TASK = JSON_LAUNCH[1:-1]


@pytest.mark.parametrize(
    ("playbook", "files"),
    [
        (f"- <<: {{hosts: all, gather_facts: false}}\n  tasks: [{TASK}]\n", {}),
        (f"- {{vars: {{a: &a {{hosts: all}}}}, hosts: none}}\n- {{<<: [*a], tasks: [{TASK}]}}\n", {}),
        (f"- <<: {{<<: {{hosts: all}}, tasks: [{TASK}]}}\n", {}),
        ("- <<: {hosts: all, roles: [r]}\n", {"x/r/tasks/main": JSON_LAUNCH}),
        ("- <<: {hosts: all}\n  roles: [{<<: {role: r}}]\n", {"x/r/tasks/main": JSON_LAUNCH}),
        ("- {hosts: all, tasks: [{<<: {include_role: {<<: {name: r}}}}]}\n", {"x/r/tasks/main": JSON_LAUNCH}),
        (
            "- {hosts: all, roles: [r]}\n",
            {"x/r/meta/main.yml": "<<: {dependencies: [{<<: {role: o}}]}\n", "x/o/tasks/main": JSON_LAUNCH},
        ),
        ("- <<: {import_playbook: files/p.yml}\n", {"files/p.yml": f"[{{hosts: all, tasks: [{TASK}]}}]"}),
    ],
)
def test_a_merge_key_hides_no_play_and_no_call(playbook: str, files: dict[str, str], tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": playbook, "ansible.cfg": "[defaults]\nroles_path = x\n", **files})
    (launched,) = check(tmp_path)["launches"]
    assert launched["verdict"] == "unreaped"
    assert launched["via"][0].startswith("site.yml:")


@pytest.mark.parametrize(
    "files",
    [
        {"site.yml": calling("{<<: [{poll: 10}, {poll: 0}], command: work, async: 60}")},
        {"site.yml": calling("? <<\x85      : [{poll: 10}, {poll: 0}]\n      command: work\n      async: 60")},
        {"site.yml": calling("{!!merge a: [{poll: 10}, {poll: 0}], command: work, async: 60}")},
        {"site.yml": calling("{<<: [{include_tasks: a.inc}, {include_tasks: b.inc}]}"), "b.inc": LAUNCH},
        {
            "site.yml": calling("include_tasks: a.inc"),
            "a.inc": "- {<<: [{block: []}, {block: [x: &x, async: 1, poll: 0]}]}",
        },
        {
            "site.yml": calling("include_tasks: '{{ item }}'\n      loop: [files/a.yml]"),
            "files/a.yml": "- {<<: [{poll: 10}, {poll: 0}], command: work, async: 60}",
        },
    ],
)
def test_what_releases_of_pyyaml_merge_in_another_way_is_told(files: dict[str, str], tmp_path: Path) -> None:
    lay(tmp_path, {"ansible.cfg": "", "other.yml": LAUNCH, **files})
    (error,) = check(tmp_path)["errors"]
    assert "PyYAML takes another" in error["message"]


@pytest.mark.parametrize(
    ("path", "task", "text"),
    [
        ("t.txt", "include_tasks: t.txt", LAUNCH),
        ("t.txt", "ansible.builtin.import_tasks: 't.txt'", LAUNCH),
        ("t.txt", "include_tasks: {file: t.txt}", LAUNCH),
        ("t.txt", "include_tasks:\n        apply: {become: true}\n        file: t.txt", LAUNCH),
        ("t.txt", "include_tasks: file=t.txt", LAUNCH),
        ("t.json", "import_tasks: t.json", JSON_LAUNCH),
        ("noext", "include_tasks: noext", LAUNCH),
        ("t.txt", "include_tasks: '{{ playbook_dir }}/t.txt'", LAUNCH),
        ("templates/y.yml", "include_tasks: templates/y.yml", LAUNCH),
        (".vscode/z.yml", "include_tasks: .vscode/z.yml", LAUNCH),
        ("files/q.yml", "include_tasks: files/q.yml", JSON_LAUNCH),
        ("tasks/part.txt", "include_tasks: part.txt", LAUNCH),
        ("roles/r/tasks/main.json", "include_role: {name: r}", JSON_LAUNCH),
        ("roles/r/tasks/main", "include_role: {name: r}", LAUNCH),
        ("roles/r/tasks/other", "include_role: {name: r, tasks_from: other}", LAUNCH),
        ("roles/r/tasks/other.json", "include_role: {name: r, tasks_from: other}", JSON_LAUNCH),
        ("roles/r/tasks/other.txt", "import_role: {name: r, tasks_from: other.txt}", LAUNCH),
        (".vscode/r/tasks/main.yml", "include_role: {name: ./.vscode/r}", LAUNCH),
        ("x/a,b", "include_tasks: 'x/a,b'", LAUNCH),
        ("x/a,b.inc", "include_tasks: x/a,b.inc", LAUNCH),
        ("a#b.inc", "include_tasks: a#b.inc", LAUNCH),
        ("a b.inc", "include_tasks: a b.inc", LAUNCH),
        ("a b.inc", "include_tasks:\n        file: a b.inc", LAUNCH),
        ("a b.inc", "import_tasks: \"'a b.inc'\"", LAUNCH),
        ("x/a b.inc", "action: include_tasks 'x/a b.inc'", LAUNCH),
        (".vscode/a,b.yml", "include_tasks: .vscode/a,b.yml", LAUNCH),
        (".vscode/a b.yml", "include_tasks: '.vscode/a b.yml'", LAUNCH),
        ("x/a.inc", "args: {file: x/a.inc}\n      include_tasks:", LAUNCH),
        ("x/a.inc", "include_tasks:\n      args: {file: x/a.inc}", LAUNCH),
        ("x/a.inc", "action:\n        file: x/a.inc\n        module: include_tasks", LAUNCH),
        ("x/a.inc", f"include_tasks:\n        apply: {{vars: {{a: {'a' * 900}}}}}\n        file: x/a.inc", LAUNCH),
        ("x/a.inc", f"include_tasks:\n      vars:\n        a: {'a' * 900}\n      args: {{file: x/a.inc}}", LAUNCH),
        ("x/a.inc", "? include_tasks\n      : x/a.inc", LAUNCH),
        ("x/a.inc", '{name: "\\x22 \\x41", include_tasks: x/a.inc}', LAUNCH),
        (
            "x/a.inc",
            f'include_tasks:\n        apply: {{vars: {{a: "\\x41\\x0a{"a" * 900}"}}}}\n        file: x/a.inc',
            LAUNCH,
        ),
        ("x/a.inc", "!!str include_tasks : x/a.inc", LAUNCH),
        ("roles/r/tasks/a,b.inc", "include_role: {name: r, tasks_from: 'a,b.inc'}", LAUNCH),
        ("roles/r/tasks/a b.inc", "include_role: name=r tasks_from='a b.inc'", LAUNCH),
        ("roles/r/handlers/h.inc", "import_role: {name: r, handlers_from: h.inc}", LAUNCH),
        ("templates/r/tasks/main.yml", "include_role: {name: templates/r}", LAUNCH),
        ("templates/e.yml", "{include_tasks: '{{ x }}.yml', vars: {x: templates/e}}", LAUNCH),
        ("templates/e.yml.j2", "{include_tasks: '{{ x }}.j2', vars: {x: templates/e.yml}}", LAUNCH),
        ("templates/e.json", "{include_tasks: 'templates/{{ x }}.json', vars: {x: e}}", JSON_LAUNCH),
        ("e.json", "include_tasks: '{{ item }}'\n      loop: [e.json]", JSON_LAUNCH),
        ("e.md", "include_tasks: '{{ item }}'\n      loop: [e.md]", LAUNCH),
        ("e.inc", "include_tasks: '{{ item }}'\n      loop: [e.inc]", f"--- !!seq\n{LAUNCH}"),
    ],
)
def test_what_a_call_names_is_read_wherever_it_is_and_whatever_it_ends_in(
    path: str, task: str, text: str, tmp_path: Path
) -> None:
    """ansible-core 2.16 and 2.22 load each of these."""
    lay(tmp_path, {"site.yml": calling(task), path: text})
    assert launches(tmp_path) == [path]


FACE = r"\ud83d\ude00"
"""One character in JSON; YAML refuses halves of characters."""
LONG = f'"{"k" * 2000}": 1'
"""An entry that YAML refuses for the length of its key."""


def playbook_in_json(task: str) -> str:
    return f'[{{"hosts": "all", "tasks": [{task}]}}]'


@pytest.mark.parametrize(
    ("files", "path"),
    [
        (
            {"deploy.json": playbook_in_json(f'{{"name": "{FACE}", "command": "a", "async": 60, "poll": 0}}')},
            "deploy.json",
        ),
        ({"deploy": playbook_in_json(f'{{"vars": {{{LONG}}}, "command": "a", "async": 60, "poll": 0}}')}, "deploy"),
        ({"deploy.json": "\t" + playbook_in_json('{"command": "\x7f", "async": 6e1, "poll": 0e0}')}, "deploy.json"),
        (
            {
                "deploy.json": playbook_in_json('{"command": "a", "async": 60, "poll": 0}').replace(
                    "hosts", r"h\u006fsts"
                )
            },
            "deploy.json",
        ),
        (
            {
                "site.yml": calling("include_tasks: files/y.yml"),
                "files/y.yml": f'[{{"name": "{FACE}", "command": "a", "async": 60, "poll": 0}}]',
            },
            "files/y.yml",
        ),
        (
            {"site.yml": playbook_in_json('{"include_tasks": {"__ansible_unsafe": "x/a.inc"}}'), "x/a.inc": LAUNCH},
            "x/a.inc",
        ),
        (
            {
                "site.yml": playbook_in_json(r'{"import_tasks": {"\u005f_ansible_unsafe": "x\/a.inc"}}'),
                "x/a.inc": LAUNCH,
            },
            "x/a.inc",
        ),
        (
            {"site.yml": playbook_in_json(r'{"include_tasks": "node_modules\/a.yml"}'), "node_modules/a.yml": LAUNCH},
            "node_modules/a.yml",
        ),
        (
            {
                "site.yml": playbook_in_json(r'{"name": "\u0022 \u0041", "include_tasks": "x/a.inc"}'),
                "x/a.inc": LAUNCH,
            },
            "x/a.inc",
        ),
        (
            {
                "site.yml": playbook_in_json(r'{"include_tasks": "\u007b\u007b f }}", "vars": {"f": "x/a.inc"}}'),
                "x/a.inc": LAUNCH,
            },
            "x/a.inc",
        ),
    ],
)
def test_json_is_read_as_ansible_does_by_the_reader_of_python(files: dict[str, str], path: str, tmp_path: Path) -> None:
    """ansible-core 2.16 and 2.22 launch each of these."""
    lay(tmp_path, {"ansible.cfg": "", **files})
    assert launches(tmp_path) == [path]


@pytest.mark.parametrize(
    "files",
    [
        {"deploy.json": f'{{"__ansible_unsafe": {playbook_in_json(JSON_LAUNCH[1:-1])}}}'},
        {"site.yml": playbook_in_json('{"include_tasks": {"__ansible_vault": "x", "__ansible_unsafe": "x/a.inc"}}')},
    ],
)
def test_json_that_releases_of_ansible_read_in_other_ways_is_told(files: dict[str, str], tmp_path: Path) -> None:
    lay(tmp_path, {"ansible.cfg": "", "x/a.inc": LAUNCH, "other.yml": LAUNCH, **files})
    (error,) = check(tmp_path)["errors"]
    assert "releases differ" in error["message"]


@pytest.mark.parametrize("name", ['"a\\0b.yml"', f"{'a' * 5000}.yml"], ids=["NUL", "long"])
def test_a_name_that_no_file_can_have_ends_no_rule(name: str, tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": f"- hosts: all\n  tasks:\n    - {TASK}\n    - include_tasks: {name}\n"})
    document = check(tmp_path)
    assert [finding["rule"] for finding in document["findings"]] == ["async-unreaped"]
    assert [error for error in document["errors"] if "report" in error["message"]] == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
def test_a_line_may_end_with_any_break_of_yaml(end: str, tmp_path: Path) -> None:
    """ansible-core 2.16 and 2.22 launch each of these."""
    called = f"# Hidden{end}{LAUNCH}".replace("\n", end)
    caller = f"# The whole project{end}{calling('include_tasks: x/{{ part }}')}".replace("\n", end)
    lay(tmp_path, {"ansible.cfg": "", "site.yml": caller, "x/part.txt": called})
    assert launches(tmp_path) == ["x/part.txt"]


@pytest.mark.parametrize(
    ("path", "task"),
    [
        ("x.txt", 'include_tasks: "{{ q }}"  # as setup.yml'),
        ("x.txt", 'include_tasks: "{{ q }}"  # not {{ q }}.yml'),
        ("x.txt", 'include_tasks:\n        "{{ q }}"'),
        ("x.txt", 'include_tasks: # one of these\n\n        # by name\n        "{{ q }}"'),
        ("x.txt", "include_tasks: !!str\n        '{{ q }}'"),
        ("x.txt", "include_tasks: '{% if q %}x{% else %}y{% endif %}.txt'"),
        ("x.txt", "include_tasks: '\n        x.txt'"),
        ("x.txt", "? include_tasks # a comment\n      : '{{ q }}'"),
        ("x.txt", 'include_tasks:\n        apply: {tags: a}\n        file:\n          "{{ q }}"'),
        ("x.txt", 'action:\n        module: include_tasks\n        _raw_params: "{{ q }}"'),
        ("x.txt", 'include_tasks:\n      args: {_raw_params: "{{ q }}"}'),
        ("roles/r/tasks/x", 'include_role: {name: r, tasks_from: "{{ q }}"}'),
        ("roles/r/tasks/x", "include_role: name=r tasks_from={{ q }}"),
        ("roles/r/handlers/x.txt", 'include_role: {name: r, handlers_from: "{{ q }}"}'),
    ],
)
def test_a_name_that_a_template_gives_is_one_however_it_is_written(path: str, task: str, tmp_path: Path) -> None:
    """ansible-core 2.16 and 2.22 launch each of these."""
    lay(tmp_path, {"ansible.cfg": "", "site.yml": calling(task), path: LAUNCH})
    assert launches(tmp_path) == [path]


@pytest.mark.parametrize("folder", [".github", ".circleci"])
def test_a_playbook_beside_the_workflow_that_runs_it_is_found(folder: str, tmp_path: Path) -> None:
    workflow = "on: push\njobs: {deploy: {runs-on: x, steps: [{run: ansible-playbook deploy.yml}]}}\n"
    lay(tmp_path, {"site.yml": calling("ping:"), f"{folder}/deploy.yml": calling(TASK), f"{folder}/ci.yml": workflow})
    assert launches(tmp_path) == [f"{folder}/deploy.yml"]


@pytest.mark.parametrize("path", ["x/a.inc", "templates/a.yml", ".vscode/a.yml"])
def test_an_absolute_path_is_one_of_the_project(path: str, tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": calling(f"include_tasks: {tmp_path}/{path}"), path: LAUNCH})
    assert launches(tmp_path) == [path]


@pytest.mark.parametrize("path", ["x/y.inc", "templates/y.yml", ".vscode/y.yml"])
def test_a_path_may_climb(path: str, tmp_path: Path) -> None:
    lay(tmp_path, {"a/b/site.yml": calling(f"include_tasks: ../../{path}"), path: LAUNCH})
    assert launches(tmp_path) == [path]


@pytest.mark.parametrize("name", ["a,b.book", "'a b.book'", "a#b.book", pytest.param('"{{ x }}"', id="by a template")])
def test_a_playbook_of_any_name_is_imported(name: str, tmp_path: Path) -> None:
    path = "books/a.book" if "{" in name else f"books/{name.strip(chr(39))}"
    called = f"'books/{name[1:-1]}'" if name[0] == "'" else name.replace("{{ x }}", "books/{{ x }}")
    lay(tmp_path, {"site.yml": f"- import_playbook: {called}\n", path: calling(TASK)})
    assert launches(tmp_path) == [path]


@pytest.mark.parametrize(
    "task", ["args: {name: r}\n      include_role:", "include_role:\n        apply: FAR\n        name: r"]
)
def test_a_call_is_one_wherever_its_name_stands_in_the_task(task: str, tmp_path: Path) -> None:
    """What the caller makes of the role's launch is seen: the wait after it."""
    wait = "    - async_status: {jid: '{{ job.ansible_job_id }}'}\n      register: r\n      until: r is finished\n"
    task = task.replace("FAR", "{vars: {a: " + "a" * 900 + "}}")
    lay(tmp_path, {"site.yml": calling(task) + wait, "roles/r/tasks/main.yml": f"{LAUNCH}  register: job\n"})
    (launched,) = check(tmp_path)["launches"]
    assert (launched["verdict"], launched["via"][0]) == ("reaped", "site.yml:1")


def test_what_is_read_for_a_call_is_searched_for_calls_too(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "site.yml": calling("include_tasks: .vscode/a.yml"),
            ".vscode/a.yml": "- include_tasks: b.yml\n",
            ".vscode/b.yml": "- include_tasks: ../c.txt\n",
            "c.txt": LAUNCH,
        },
    )
    assert launches(tmp_path) == ["c.txt"]


def test_roles_are_read_from_the_folders_that_the_settings_name(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "ansible.cfg": "[defaults]\nroles_path = .vscode/roles:node_modules\n",
            "site.yml": "- hosts: all\n  roles: [a, b]\n",
            ".vscode/roles/a/tasks/main.yml": LAUNCH,
            "node_modules/b/tasks/main.yml": LAUNCH,
        },
    )
    assert launches(tmp_path) == [".vscode/roles/a/tasks/main.yml", "node_modules/b/tasks/main.yml"]


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("ROOT/.vscode/roles", ".vscode/roles"),
        ("${PWD}/.vscode/roles", ".vscode/roles"),
        ("$HOME/.vscode/roles", ".vscode/roles"),
        ("a,b:x/my roles", "x/my roles"),
        ("templates", "templates"),
    ],
)
def test_folders_of_roles_are_found_however_the_settings_name_them(named: str, path: str, tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "ansible.cfg": f"[defaults]\nroles_path = {named.replace('ROOT', str(tmp_path))}\n",
            "site.yml": "- hosts: all\n  roles: [r]\n",
            f"{path}/r/tasks/main.yml": LAUNCH,
        },
    )
    assert launches(tmp_path) == [f"{path}/r/tasks/main.yml"]


@pytest.mark.parametrize("path", ["ansible.cfg", "deploy/ansible.cfg"])
def test_an_ansible_cfg_that_is_not_read_for_its_size_is_told(path: str, tmp_path: Path) -> None:
    text = "[defaults]\npoll_interval = 0\n" + "# padding of a line\n" * 60_000
    lay(tmp_path, {path: text, "deploy/site.yml": calling("{command: work, async: 60}")})
    (error,) = check(tmp_path)["errors"]
    assert (error["path"], error["message"]) == (path, "cannot be read: larger than 1 MB")


@pytest.mark.parametrize("name", ["site.json", "playbooks/site.json", "site", "deploy/site"])
def test_a_playbook_that_does_not_end_as_yaml_does_is_found(name: str, tmp_path: Path) -> None:
    """Ansible runs it when it is named (2.16 and 2.22)."""
    lay(tmp_path, {name: f'[{{"hosts": "all", "tasks": {JSON_LAUNCH}}}]', "b.yml": "- hosts: all\n"})
    assert launches(tmp_path) == [name]


def test_other_json_and_files_without_an_ending_are_left_alone(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "package-lock.json": '{"packages": {"async": {"version": "1"}, "poll": {}, "hosts": {}}}',
            "data/list.json": '[{"async": true, "poll": 0}, {"name": "async"}]',
            "data/spoiled.json": '[{"hosts": "a", "async": 1, "poll": 0,',
            "data/scalars.json": '["hosts", "async:", "poll:"]',
            "Makefile": "- hosts async: 1 poll: 0 {{ [\n",
            "NOTES": "- hosts: {async: 1, poll: 0\n",
            "site.yml": calling("{command: true}"),
        },
    )
    document = check(tmp_path)
    assert (document["launches"], document["findings"], document["errors"]) == ([], [], [])


@pytest.mark.parametrize("target", [".vscode/l.yml", "roles/r/l.txt", "templates/l.yml", "node_modules/l.yml"])
def test_a_link_to_what_is_not_read_in_its_own_place_is_read_in_the_link_s(target: str, tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": calling("include_tasks: tasks/l.yml"), target: LAUNCH})
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "l.yml").symlink_to(tmp_path / target)
    document = check(tmp_path)
    assert [launch["path"] for launch in document["launches"]] == ["tasks/l.yml"]
    assert [finding["path"] for finding in document["findings"]] == ["tasks/l.yml"]


def test_a_playbook_that_is_a_link_is_checked_by_its_own_name(tmp_path: Path) -> None:
    lay(tmp_path, {".vscode/site.yml": "- hosts: all\n  tasks:\n    - {command: work, async: 60, poll: 0}\n"})
    (tmp_path / "deploy.yml").symlink_to(".vscode/site.yml")
    assert [finding["path"] for finding in check(tmp_path, str(tmp_path / "deploy.yml"))["findings"]] == ["deploy.yml"]


def test_a_link_to_a_folder_that_is_not_listed_has_it_read(tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": "- hosts: all\n  roles: [a]\n", ".vscode/roles/a/tasks/main.yml": LAUNCH})
    (tmp_path / "roles").symlink_to(".vscode/roles", target_is_directory=True)
    assert launches(tmp_path) == [".vscode/roles/a/tasks/main.yml"]


@pytest.mark.parametrize("folder", ["env", "venv"])
def test_a_file_that_environments_of_python_have_hides_no_content(folder: str, tmp_path: Path) -> None:
    lay(tmp_path, {f"{folder}/pyvenv.cfg": "", f"{folder}/tasks/a.yml": LAUNCH})
    assert launches(tmp_path) == [f"{folder}/tasks/a.yml"]


def test_an_environment_of_python_is_not_searched(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {"env/pyvenv.cfg": "", "env/lib/python3.11/site-packages/x/a.yml": LAUNCH, "site.yml": "- hosts: all\n"},
    )
    assert launches(tmp_path) == []


def test_more_files_than_are_read_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "MAX_FILES", 3)  # two hundred thousand files are too many for a test
    lay(tmp_path, {**{f"a/{number}.yml": "" for number in range(5)}, "z/tasks/a.yml": LAUNCH})
    (error,) = check(tmp_path)["errors"]
    assert "more than 3 YAML files" in error["message"]


def test_looking_for_names_without_end_is_told(tmp_path: Path) -> None:
    names = "".join(f"- include_tasks: .vscode/{number}.yml\n" for number in range(8_000))
    lay(tmp_path, {"tasks/a.yml": names, ".vscode/x": "", "tasks/b.yml": LAUNCH})
    document = check(tmp_path)
    assert [launch["path"] for launch in document["launches"]] == ["tasks/b.yml"]
    (error,) = document["errors"]
    assert (error["path"], "not all was looked for" in error["message"]) == ("tasks/a.yml", True)


@pytest.mark.parametrize("name", [".ansible-reap.yml", ".ansible-lint", ".ansible-lint-ignore", "pyproject.toml"])
def test_settings_are_not_read_through_a_link_out_of_the_project(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "[tool.ansible-reap]\ntoken = 1\n" if name == "pyproject.toml" else "token: [\n"
    root = lay(tmp_path / "project", {"tasks/a.yml": LAUNCH})
    lay(tmp_path, {"outside": text})
    (root / name).symlink_to(tmp_path / "outside")
    assert main(["check", "--project-dir", str(root)]) == 2
    printed = capsys.readouterr()
    assert "a link leads out of the project" in printed.err
    assert "token" not in printed.out + printed.err


@pytest.mark.parametrize(
    "value",
    ["[" * 230 + "]" * 230, "&a [*a]", "[&a [" + "x, " * 400 + "], " + "*a, " * 4000 + "]"],
    ids=["deep", "loop", "large"],
)
@pytest.mark.parametrize("path", ["deploy/site.yml", "files/t.yml"])
def test_what_a_bound_of_ours_refuses_is_an_error_wherever_it_stands(path: str, value: str, tmp_path: Path) -> None:
    """Ansible reads such a file, so that it is not passed over as one that concerns no job."""
    lay(tmp_path, {path: f"{LAUNCH}- debug:\n  vars: {{a: {value}}}\n", "site.yml": calling(f"include_tasks: {path}")})
    document = check(tmp_path)
    assert [error["path"] for error in document["errors"]] == [path]


REAPED = """
- hosts: all
  tasks:
    - {command: work, async: 60, poll: 0, register: j, when: zed is not defined}
    - acme: {}
    - async_status: {jid: "{{ j.ansible_job_id }}"}
      register: r
      until: r is finished
      retries: 20
      delay: 5
      when: zed is not defined
"""
LOOKED = """
- hosts: all
  tasks:
    - {command: work, async: 60, poll: 0, register: j}
    - {async_status: {jid: "{{ j.ansible_job_id }}"}, register: r}
    - {fail: {msg: It still runs}, when: r is not finished}
"""
WATCHED = REAPED[: REAPED.index("    - async_status")].replace(", when: zed is not defined", "") + (
    '    - wait_for: {path: "{{ j.results_file }}", search_regex: \'"finished": 1\'}\n'
)
TEST = "def f(r):\n    return True\n"
METHOD = "class TestModule:\n    def tests(self):\n        return "
TABLE = f"{TEST}T = {{'finished': f}}\n{METHOD}T\n"
STATUS = "#!/bin/sh\necho '{\"finished\": 1}'\n"
SETTER = '#!/bin/sh\necho \'{"ansible_facts": {"zed": 1}}\'\n'
MODULE = "from ansible.module_utils.basic import AnsibleModule\nAnsibleModule({}).exit_json()\n"
COLLECTION = "collections/ansible_collections/ns/c"


def verdict(root: Path) -> str:
    (launched,) = check(root)["launches"]
    return str(launched["verdict"])


@pytest.mark.parametrize(
    "files",
    [
        {"test_plugins/x.py": TABLE},
        {"test_plugins/x.py": f"{TEST}{METHOD}dict(finished=f)\n"},
        {"test_plugins/x.py": f"{TEST}class TestModule:\n    tests = lambda self: {{'finished': f}}\n"},
        {"test_plugins/x.py": f"{TEST}T = {{}}\nT['finished'] = f\n{METHOD}T\n"},
        {"test_plugins/x.py": f"def finished(r):\n    return True\n{METHOD}{{g.__name__: g for g in [finished]}}\n"},
        {"test_plugins/x.py": f"def table():\n    return dict([('finished', len)])\n{METHOD}table()\n"},
        {"test_plugins/x.py": TABLE + "#" * 400_000},
        {"ansible.cfg": "[defaults]\ntest_plugins = .circleci\n", ".circleci/x.py": TABLE},
        {"ansible.cfg": "[defaults]\ntest_plugins = ./a/../stuff\n", "stuff/x.py": TABLE},
        {"ansible.cfg": "[defaults]\ntest_plugins = venv/tp\n", "venv/tp/x.py": TABLE, "venv/pyvenv.cfg": "home = x\n"},
        {"stuff/x.py": TABLE, "test_plugins": Path("stuff")},
        {"library/async_status": STATUS},
        {"library/async_status.sh": STATUS},
        {"roles/r/library/deep/async_status.pl": STATUS},
        {"stuff/async_status.sh": STATUS, "library": Path("stuff")},
        {"ansible.cfg": "[defaults]\nlibrary = .vscode/lib\n", ".vscode/lib/async_status": STATUS},
        {
            "library/async_status": f"#!/bin/sh\n# {LAUNCH}{STATUS}",
            "more.yml": calling("include_tasks: library/async_status"),
        },
        {"collections/ansible_collections/ns/c/plugins/modules/async_status.sh": STATUS},
        {
            f"{COLLECTION}/meta/runtime.yml": "plugin_routing:\n"
            "  modules: {async_status: {redirect: ansible.builtin.set_fact}}\n"
        },
        {f"{COLLECTION}/meta/runtime.yml": "{plugin_routing: {action: {async_status: {redirect: ns.c.other}}}}\n"},
        *(
            {"test_plugins/x.py": TABLE, "site.yml": REAPED.replace("r is finished", until)}
            for until in (
                '"r is\\n finished"',
                "r is not(not finished)",
                "\"[r] | select('finished') | list | length > 0\"",
            )
        ),
        *({f"{kind}/fail.py": MODULE, "site.yml": LOOKED} for kind in ("library", "action_plugins")),
        {"library/wait_for.sh": STATUS, "site.yml": WATCHED},
    ],
)
def test_what_may_stand_in_for_the_wait_makes_the_verdict_unknown(files: dict[str, Any], tmp_path: Path) -> None:
    laid(tmp_path, {"site.yml": REAPED, **files})
    assert verdict(tmp_path) == "unknown"


@pytest.mark.parametrize(
    "files",
    [
        {"library/acme.sh": SETTER},
        {"action_plugins/set_fact.py": f"# {SETTER}", "site.yml": REAPED.replace("acme: {}", "set_fact: {a: 1}")},
        {"library/acme": SETTER},
        {"library/acme": "\x7fELF\0ansible_facts\0"},
        {
            "library/acme.py": "from ansible.module_utils.shared import leave\nleave()\n",
            "module_utils/shared.py": "# ansible_facts",
        },
        {"stuff/acme.py": SETTER, "library": Path("stuff")},
        {f"{COLLECTION}/meta/runtime.yml": "plugin_routing: {modules: {acme: {redirect: ansible.builtin.set_fact}}}\n"},
        {
            f"{COLLECTION}/meta/runtime.yml": "plugin_routing: {action: {acme: {redirect: ns.c.other}}}\n",
            f"{COLLECTION}/plugins/action/other.py": SETTER,
        },
    ],
)
def test_what_may_set_facts_between_launch_and_wait_makes_other_conditions(
    files: dict[str, Any], tmp_path: Path
) -> None:
    laid(tmp_path, {"site.yml": REAPED, **files})
    assert verdict(tmp_path) != "reaped"


@pytest.mark.parametrize(
    ("files", "is_set"),
    [
        ({"vars/main/sub/x.json": '{"zed": 1}'}, True),
        ({"vars/main/sub/x": "zed: 1"}, True),
        ({"vars/main/x.yml": '"z\\x65d": 1'}, True),
        ({"defaults/main/a/b/x.yaml": "zed: 1"}, True),
        ({"vars/main/.x.yml": "zed: 1", "vars/main/x.yml~": "zed: 1", "vars/main/x.txt": "zed: 1"}, False),
        ({"vars/main/sub.d/x.yml": "zed: 1"}, False),
        ({"vars/main.yml": "zed: 1", "vars/main": "other: 1"}, True),
        ({"vars/main.yml": "other: 1", "vars/main/x.yml": "zed: 1"}, False),
    ],
)
def test_variables_of_a_role_are_found_where_ansible_finds_them(
    files: dict[str, str], is_set: bool, tmp_path: Path
) -> None:
    """ansible-core 2.16 and 2.22 agree with each of these."""
    role = {f"roles/q/{name}": text for name, text in files.items()}
    playbook = REAPED.replace("acme: {}", "include_role: {name: q, public: true}")
    lay(tmp_path, {"ansible.cfg": "", "site.yml": playbook, "roles/q/tasks/main.yml": "- debug:\n", **role})
    assert (verdict(tmp_path) != "reaped") is is_set


@pytest.mark.parametrize(
    "files",
    [
        {"test_plugins/x.py": f'"""What has finished."""\n{TEST}{METHOD}{{"older": f}}  # finished\n'},
        {
            "filter_plugins/x.py": "A = {'finished': 1}\n"
            "class FilterModule:\n    def filters(self):\n        return {'a': len}\n"
        },
        {"docs/async_status.md": "finished", "files/async_status.sh": STATUS},
        {"library/acme.py": MODULE, "module_utils/other.py": "# ansible_facts"},
        {"library/acme": "\x7fELF\0"},
        {"library/acme.py": MODULE, "site.yml": LOOKED},
        {"library/acme.py": MODULE, "site.yml": WATCHED},
        {f"{COLLECTION}/meta/runtime.yml": "plugin_routing: {modules: {acme: {redirect: ns.d.acme}}}\n"},
        {
            f"{COLLECTION}/meta/runtime.yml": "plugin_routing:\n"
            "  modules: {acme: {deprecation: {warning_text: async_status}}}\n"
        },
    ],
)
def test_other_plugins_change_no_verdict(files: dict[str, Any], tmp_path: Path) -> None:
    laid(tmp_path, {"site.yml": REAPED, **files})
    assert verdict(tmp_path) == "reaped"


def laid(root: Path, files: dict[str, Any]) -> None:
    """Lay the files, and links where a path stands for what a file would hold."""
    lay(root, {"ansible.cfg": "", **{name: text for name, text in files.items() if isinstance(text, str)}})
    for name, target in files.items():
        if isinstance(target, Path):
            (root / name).symlink_to(target)
