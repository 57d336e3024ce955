"""Which files a project has, who calls whom, and where things are found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_reap.content.call_graph import CallGraph
from ansible_reap.content.expressions import expression, names, names_in, template
from ansible_reap.content.library import Library
from ansible_reap.content.project import Project
from ansible_reap.content.roles import Finder
from ansible_reap.flow.walk.entries import walk_project
from ansible_reap.reading import SourceError
from support.files import lay

LAUNCH = "- command: work\n  async: 5\n  poll: 0\n"


def test_templates_files_and_tool_folders_are_not_listed(tmp_path: Path) -> None:
    lay(
        tmp_path,
        dict.fromkeys(("a.yml", "b.yaml", "templates/c.yml", "files/d.yml", ".git/e.yml", "x.txt"), "a: 1\n"),
    )
    assert Project(tmp_path).yaml == ["a.yml", "b.yaml"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    lay(tmp_path, {"a/b.yml": "a: 1\n"})
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.yml").symlink_to(tmp_path / "self.yml")
    (tmp_path / "twin.yml").symlink_to(tmp_path / "a" / "b.yml")
    assert Project(tmp_path).yaml == ["a/b.yml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    lay(tmp_path, {"closed/a.yml": "a: 1\n"})
    (tmp_path / "closed").chmod(0)
    try:
        assert [path for path, _ in Project(tmp_path).unreadable] == ["closed"]
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_settings_of_ansible_cfg(tmp_path: Path) -> None:
    lay(tmp_path, {"ansible.cfg": "[defaults]\nroles_path = ./r:/else\npoll_interval = 0\n"})
    settings = Project(tmp_path).settings
    assert (settings.roles_path, settings.polls) == (("./r", "/else"), (("", 0),))


@pytest.mark.parametrize("name", ["r" * 5000, "r\udcff", "{{ (" * 100])
def test_a_roles_path_that_no_folder_can_have_is_passed_over(name: str, tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": "- hosts: all\n"})
    (tmp_path / "ansible.cfg").write_bytes(b"[defaults]\nroles_path = " + name.encode("utf-8", "surrogateescape"))
    assert Project(tmp_path).yaml == ["site.yml"]


def test_a_broken_file_counts_where_it_may_concern_a_job_only(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "a.yml": "a: [\n",
            "b.yml": LAUNCH + "- include_tasks: d.yml\n",
            "c.yml": "- include_tasks: b.yml\n  b: [\n",
            "d.yml": "- x: [\n",
            "e.yml": "async: [\n",
            "charts/f.yml": "async: [\n",
        },
    )
    library = Library(Project(tmp_path))
    record = walk_project(library)
    assert not record.crashes
    assert sorted(library.errors) == ["e.yml"]
    assert sorted(library.passed_over) == ["c.yml", "charts/f.yml"]


def test_no_link_leads_out_of_the_project(tmp_path: Path) -> None:
    root = tmp_path / "project"
    lay(tmp_path, {"out/tasks/main.yml": LAUNCH, "out/more.yml": LAUNCH, "project/site.yml": LAUNCH})
    (root / "roles").mkdir()
    (root / "roles" / "out").symlink_to(tmp_path / "out", target_is_directory=True)
    (root / "more.yml").symlink_to(tmp_path / "out" / "more.yml")
    (root / "twin.yml").symlink_to("site.yml")
    project = Project(root)
    assert project.yaml == ["site.yml"]
    assert project.listing("roles/out/tasks") == []
    for path in ("more.yml", "roles/out/tasks/main.yml", "../out/more.yml"):
        with pytest.raises(SourceError, match="leads out of the project"):
            project.read(path)
    assert project.read("twin.yml") == LAUNCH.encode()


def test_callers_of_what_launches_matter_and_nothing_else(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "site.yml": "- hosts: all\n  roles: [app]\n",
            "other.yml": "- hosts: all\n  roles: [web]\n",
            "dynamic.yml": "- hosts: all\n  tasks:\n    - include_tasks: 'start-{{ x }}.yml'\n",
            "start-a.yml": LAUNCH,
            "roles/app/tasks/main.yml": "- import_tasks: more.yml\n",
            "roles/app/tasks/more.yml": LAUNCH,
            "roles/web/tasks/main.yml": "- ping:\n",
        },
    )
    graph = CallGraph(Library(Project(tmp_path)))
    wanted = {"site.yml", "dynamic.yml", "start-a.yml", "roles/app/tasks/main.yml", "roles/app/tasks/more.yml"}
    assert graph.mattering == wanted
    assert graph.mentions("site.yml", ["async"])
    assert not graph.mentions("other.yml", ["async"])


def test_a_poll_above_zero_makes_no_caller_matter(tmp_path: Path) -> None:
    lay(tmp_path, {"a.yml": "- import_tasks: b.yml\n", "b.yml": "- command: x\n  async: 5\n  poll: 2\n"})
    library = Library(Project(tmp_path))
    assert (library.asynchronous, library.polling, library.has_launches) == ([], ["b.yml"], False)


def test_roles_are_found_as_ansible_finds_them(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "ansible.cfg": "[defaults]\nroles_path = shared\n",
            "galaxy.yml": "namespace: acme\nname: tools\n",
            "roles/one/tasks/main.yml": "[]\n",
            "shared/two/tasks/main.yml": "[]\n",
            "play/roles/one/tasks/main.yml": "[]\n",
            "collections/ansible_collections/a/b/roles/three/tasks/main.yml": "[]\n",
        },
    )
    finder = Finder(Library(Project(tmp_path)))

    def found(name: str, folder: str = "") -> list[str]:
        return [role.path for role in finder.find_roles(name, folder, None)]

    assert found("one") == ["roles/one"]
    assert found("one", "play") == ["play/roles/one"]
    assert found("two") == ["shared/two"]
    assert found("acme.tools.one") == ["roles/one"]
    assert found("a.b.three") == ["collections/ansible_collections/a/b/roles/three"]
    assert found("nobody") == []
    assert found("o*") == ["roles/one"]


def test_files_are_found_by_name_and_by_pattern(tmp_path: Path) -> None:
    lay(tmp_path, {"tasks/a-x.yml": "[]\n", "tasks/a-y.yml": "[]\n", "b.yml": "[]\n"})
    finder = Finder(Library(Project(tmp_path)))
    assert finder.find_files("b.yml", ["tasks", ""]) == ["b.yml"]
    assert finder.find_files("a-x", ["tasks"]) == ["tasks/a-x.yml"]
    assert finder.find_files("a-*.yml", ["tasks"]) == ["tasks/a-x.yml", "tasks/a-y.yml"]
    assert finder.find_files(f"{tmp_path}/b.yml", ["tasks"]) == ["b.yml"]
    assert finder.find_files("../../etc/passwd", ["tasks"]) == []


def test_names_that_a_template_reads() -> None:
    assert names("{{ a.b | default(c) }} {{ d[e] }}") == {"a", "c", "d", "e"}
    assert names("x is defined and y") == {"x", "y"}
    assert names("{{ broken") == frozenset()
    assert names("{% for i in things %}{{ i }}{% endfor %}") == {"i", "things"}
    assert names_in({"a": ["{{ b }}", 1], "{{ c }}": None}) == {"b", "c"}


def test_templates_with_statements_have_no_parts_but_for_choices_between_values() -> None:
    assert template("{% for a in b %}{{ a }}{% endfor %}") is None
    assert template("{% if a %}{{ b }} and {{ c }}{% endif %}") is None
    assert template("{% if a %}{% set b = 1 %}{% endif %}") is None
    assert template("plain") == ("plain",)
    written = "{% if a %}{{ b }}{% elif c %} text {% endif %}"
    assert template(written) == (expression("b if a else ('text' if c else '')"),)
