"""The name under which a launch is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_reap.history.identity import collection_of, locate, project_name, sites
from ansible_reap.project_root import find_root

TASKS = """\
- name: Fetch
  command: fetch one
  async: 60
  poll: 0
- name: Fetch
  command: not a launch
- block:
    - command: fetch two
      name: Fetch
      async: 60
      poll: 0
    - ansible.builtin.command: unnamed
      async: 60
    - when: true
      local_action: shell sleep 1
      async: 60
"""


@pytest.mark.parametrize(
    ("path", "root", "collection", "where"),
    [
        ("/home/a/site/site.yml", "/home/a/site", None, "site.yml"),
        ("/ci/17/x/plays/site.yml", "/ci/17/x", None, "plays/site.yml"),
        ("/home/a/site/roles/db/tasks/main.yml", "/home/a/site", None, "role:db/tasks/main.yml"),
        ("/etc/ansible/roles/acme.db/tasks/sub/x.yml", "/home/a/site", None, "role:acme.db/tasks/sub/x.yml"),
        ("/p/roles/infra/db/handlers/main.yml", "/p", None, "role:infra/db/handlers/main.yml"),
        (
            "/h/.ansible/collections/ansible_collections/ns/c/roles/r/tasks/main.yml",
            "/p",
            None,
            "role:ns.c.r/tasks/main.yml",
        ),
        ("/x/ansible_collections/ns/c/playbooks/go.yml", "/p", None, "collection:ns.c/playbooks/go.yml"),
        ("/src/c/roles/r/tasks/main.yml", "/src/c", "ns.c", "role:ns.c.r/tasks/main.yml"),
        ("/src/c/playbooks/go.yml", "/src/c", "ns.c", "collection:ns.c/playbooks/go.yml"),
        ("/etc/ansible/roles/db/tasks/main.yml", "/src/c", "ns.c", "role:db/tasks/main.yml"),
        ("/opt/other.yml", "/p", None, "/opt/other.yml"),
        ("plays/site.yml", "", None, "plays/site.yml"),
    ],
)
def test_a_file_is_named_by_what_it_belongs_to(path: str, root: str, collection: str | None, where: str) -> None:
    assert locate(path, root, collection) == where


def test_same_named_launches_are_counted_and_other_tasks_are_not() -> None:
    assert [(s.line, s.task, s.position) for s in sites(TASKS)] == [
        (1, "Fetch", 0),
        (8, "Fetch", 1),
        (12, "ansible.builtin.command", 0),
        (14, "shell", 0),
    ]


def test_moved_lines_leave_the_position_alone() -> None:
    moved = sites("# a comment\n\n" + TASKS)
    assert [(s.task, s.position) for s in moved] == [(s.task, s.position) for s in sites(TASKS)]


@pytest.mark.parametrize("text", ["", "a: [", "- &a {async: 1, vars: *a}", "!vault |\n  12", "\x00"])
def test_no_text_breaks_the_search(text: str) -> None:
    assert isinstance(sites(text), tuple)


def test_a_templated_name_is_kept_as_written() -> None:
    assert sites('- name: "Wait {{ n }}"\n  async: 5\n')[0].task == "Wait {{ n }}"


def test_the_root_is_the_nearest_marked_folder(tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").touch()
    (tmp_path / "plays").mkdir()
    assert find_root(tmp_path / "plays") == tmp_path


def test_a_collection_source_names_itself(tmp_path: Path) -> None:
    (tmp_path / "galaxy.yml").write_text("namespace: ns\nname: c\n")
    assert collection_of(tmp_path) == "ns.c"
    assert collection_of(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@git.example/team/site.git",
        "git@git.example:team/site.git",
        "ssh://git@git.example/team/site",
        "https://git.example/team/site/",
    ],
)
def test_a_project_is_named_by_its_remote_without_secrets(tmp_path: Path, url: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {url}\n')
    assert project_name(tmp_path) == "git.example/team/site"


def test_a_pipe_in_the_place_of_gits_settings_makes_nobody_wait(tmp_path: Path) -> None:
    program = "import sys, pathlib; from ansible_reap.history.identity import project_name as name"
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    os.mkfifo(tmp_path / "shop" / ".git" / "config")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".git").write_text("gitdir: ../shop/.git")
    for folder in ("shop", "store"):
        command = [sys.executable, "-c", f"{program}; print(name(pathlib.Path(sys.argv[1])))", str(tmp_path / folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_repository_of_another_user_around_a_project_does_not_name_it(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = https://evil.example/x\n')
    (tmp_path / "shop").mkdir()
    assert project_name(tmp_path / "shop") == "evil.example/x/shop"
    os.chown(tmp_path / ".git", 12345, -1)
    assert project_name(tmp_path / "shop") == "shop"


def test_a_project_without_a_remote_is_named_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert project_name(tmp_path / "shop") == "shop"
