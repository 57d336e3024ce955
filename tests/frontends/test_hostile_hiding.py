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
        (".github/z.yml", "include_tasks: .github/z.yml", LAUNCH),
        ("files/q.yml", "include_tasks: files/q.yml", JSON_LAUNCH),
        ("tasks/part.txt", "include_tasks: part.txt", LAUNCH),
        ("roles/r/tasks/main.json", "include_role: {name: r}", JSON_LAUNCH),
        ("roles/r/tasks/main", "include_role: {name: r}", LAUNCH),
        ("roles/r/tasks/other", "include_role: {name: r, tasks_from: other}", LAUNCH),
        ("roles/r/tasks/other.json", "include_role: {name: r, tasks_from: other}", JSON_LAUNCH),
        ("roles/r/tasks/other.txt", "import_role: {name: r, tasks_from: other.txt}", LAUNCH),
        (".github/r/tasks/main.yml", "include_role: {name: ./.github/r}", LAUNCH),
    ],
)
def test_what_a_call_names_is_read_wherever_it_is_and_whatever_it_ends_in(
    path: str, task: str, text: str, tmp_path: Path
) -> None:
    """ansible-core 2.16 and 2.22 load each of these."""
    lay(tmp_path, {"site.yml": calling(task), path: text})
    assert launches(tmp_path) == [path]


def test_what_is_read_for_a_call_is_searched_for_calls_too(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "site.yml": calling("include_tasks: .github/a.yml"),
            ".github/a.yml": "- include_tasks: b.yml\n",
            ".github/b.yml": "- include_tasks: ../c.txt\n",
            "c.txt": LAUNCH,
        },
    )
    assert launches(tmp_path) == ["c.txt"]


def test_roles_are_read_from_the_folders_that_the_settings_name(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "ansible.cfg": "[defaults]\nroles_path = .github/roles:node_modules\n",
            "site.yml": "- hosts: all\n  roles: [a, b]\n",
            ".github/roles/a/tasks/main.yml": LAUNCH,
            "node_modules/b/tasks/main.yml": LAUNCH,
        },
    )
    assert launches(tmp_path) == [".github/roles/a/tasks/main.yml", "node_modules/b/tasks/main.yml"]


@pytest.mark.parametrize("path", ["ansible.cfg", "deploy/ansible.cfg"])
def test_an_ansible_cfg_that_is_not_read_for_its_size_is_told(path: str, tmp_path: Path) -> None:
    text = "[defaults]\npoll_interval = 0\n" + "# padding of a line\n" * 60_000
    lay(tmp_path, {path: text, "deploy/site.yml": calling("{command: work, async: 60}")})
    (error,) = check(tmp_path)["errors"]
    assert (error["path"], error["message"]) == (path, "cannot be read: larger than 1 MB")


@pytest.mark.parametrize("target", [".github/l.yml", "roles/r/l.txt", "templates/l.yml", "node_modules/l.yml"])
def test_a_link_to_what_is_not_read_in_its_own_place_is_read_in_the_link_s(target: str, tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": calling("include_tasks: tasks/l.yml"), target: LAUNCH})
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "l.yml").symlink_to(tmp_path / target)
    document = check(tmp_path)
    assert [launch["path"] for launch in document["launches"]] == ["tasks/l.yml"]
    assert [finding["path"] for finding in document["findings"]] == ["tasks/l.yml"]


def test_a_playbook_that_is_a_link_is_checked_by_its_own_name(tmp_path: Path) -> None:
    lay(tmp_path, {".github/site.yml": "- hosts: all\n  tasks:\n    - {command: work, async: 60, poll: 0}\n"})
    (tmp_path / "deploy.yml").symlink_to(".github/site.yml")
    assert [finding["path"] for finding in check(tmp_path, str(tmp_path / "deploy.yml"))["findings"]] == ["deploy.yml"]


def test_a_link_to_a_folder_that_is_not_listed_has_it_read(tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": "- hosts: all\n  roles: [a]\n", ".github/roles/a/tasks/main.yml": LAUNCH})
    (tmp_path / "roles").symlink_to(".github/roles", target_is_directory=True)
    assert launches(tmp_path) == [".github/roles/a/tasks/main.yml"]


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
    names = "".join(f"- include_tasks: .github/{number}.yml\n" for number in range(8_000))
    lay(tmp_path, {"tasks/a.yml": names, ".github/x": "", "tasks/b.yml": LAUNCH})
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
