"""Which files can matter to async jobs: whoever may call a file in which something is launched."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap.content.call_graph import CallGraph
from ansible_reap.content.library import Library
from ansible_reap.content.mentions import FEW
from ansible_reap.content.project import Project

LAUNCH = "- name: Back up\n  ansible.builtin.command: backup\n  async: 60\n  poll: 0\n"
LAUNCHED = "roles/backup/tasks/start.yml"


def graph_of(root: Path, calls: dict[str, str]) -> CallGraph:
    """A project in which ``LAUNCHED`` launches a job; besides it each file with the one task that it holds."""
    for path, text in {LAUNCHED: LAUNCH, **{path: f"- {call}\n" for path, call in calls.items()}}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return CallGraph(Library(Project(root)))


def include(name: str) -> str:
    return f"ansible.builtin.include_tasks: {name}"


def test_a_plain_call_in_a_role_means_that_roles_file(tmp_path: Path) -> None:
    calls = {"roles/backup/tasks/main.yml": include("start.yml"), "roles/web/tasks/main.yml": include("start.yml")}
    assert graph_of(tmp_path, calls).mattering == {LAUNCHED, "roles/backup/tasks/main.yml"}


@pytest.mark.parametrize(
    "name",
    [
        "../../backup/tasks/start.yml",
        "/srv/project/roles/backup/tasks/start.yml",
        "'{{ role_path }}/../backup/tasks/start.yml'",
        "'{{ backup_role }}/tasks/start.yml'",
    ],
)
def test_a_call_in_a_role_may_lead_to_another_role(tmp_path: Path, name: str) -> None:
    calls = {"roles/web/tasks/main.yml": include(name)}
    assert "roles/web/tasks/main.yml" in graph_of(tmp_path, calls).mattering


def test_a_call_in_a_role_may_follow_a_link_to_another_role(tmp_path: Path) -> None:
    (tmp_path / "roles/web/tasks").mkdir(parents=True)
    (tmp_path / "roles/web/tasks/start.yml").symlink_to("../../backup/tasks/start.yml")
    (tmp_path / "roles/web/tasks/shared").symlink_to("../../backup/tasks", target_is_directory=True)
    calls = {
        "roles/web/tasks/main.yml": include("start.yml"),
        "roles/web/tasks/other.yml": include("shared/start.yml"),
        "roles/db/tasks/main.yml": include("stop.yml"),
    }
    mattering = graph_of(tmp_path, calls).mattering
    assert mattering >= {"roles/web/tasks/main.yml", "roles/web/tasks/other.yml"}
    assert "roles/db/tasks/main.yml" not in mattering


def test_a_call_in_a_role_may_mean_a_file_beside_the_playbook(tmp_path: Path) -> None:
    calls = {"roles/web/tasks/main.yml": include("begin.yml"), "begin.yml": include("roles/backup/tasks/start.yml")}
    assert graph_of(tmp_path, calls).mattering == {LAUNCHED, "begin.yml", "roles/web/tasks/main.yml"}


def test_a_file_outside_of_roles_may_call_into_any(tmp_path: Path) -> None:
    calls = {"tasks/all.yml": include("start.yml")}  # included by the role, it finds the role's file
    assert "tasks/all.yml" in graph_of(tmp_path, calls).mattering


def test_only_an_import_calls_a_playbook(tmp_path: Path) -> None:
    calls = {
        "deploy.yml": "{hosts: all, roles: [backup]}",
        "site.yml": "ansible.builtin.import_playbook: deploy.yml",
        "roles/backup/tasks/main.yml": include("start.yml"),
        "roles/web/tasks/main.yml": include("deploy.yml"),
        "roles/web/tasks/deploy.yml": "ansible.builtin.command: deploy",
    }
    assert graph_of(tmp_path, calls).mattering == {
        *(LAUNCHED, "roles/backup/tasks/main.yml"),
        *("deploy.yml", "site.yml"),
    }


def test_a_caller_that_is_read_late_still_counts(tmp_path: Path) -> None:
    """Two roles have a file of one name. The first asks for its callers, and not all are read then."""
    calls = {
        "roles/backup/tasks/main.yml": include("start.yml"),
        "roles/web/tasks/start.yml": include("../../backup/tasks/start.yml"),
        "roles/web/tasks/main.yml": include("start.yml"),
        "roles/db/tasks/main.yml": include("../../web/tasks/start.yml"),
        "site.yml": "{hosts: all, roles: [db]}",
    }
    assert graph_of(tmp_path, calls).mattering == {LAUNCHED, *calls}


def test_a_role_is_called_by_its_name_whatever_the_folder(tmp_path: Path) -> None:
    calls = {
        "roles/backup/tasks/main.yml": include("start.yml"),
        "roles/web/meta/main.yml": "nothing",
        "roles/web/tasks/main.yml": "ansible.builtin.include_role: {name: backup}",
        "roles/db/tasks/main.yml": "ansible.builtin.include_role: {name: backup, tasks_from: start}",
        "roles/dns/tasks/main.yml": "ansible.builtin.include_role: {name: other, tasks_from: start}",
    }
    assert graph_of(tmp_path, calls).mattering == {
        *(LAUNCHED, "roles/backup/tasks/main.yml"),
        *("roles/web/tasks/main.yml", "roles/db/tasks/main.yml"),
    }


@pytest.mark.parametrize("others", [0, FEW], ids=["few", "many"])
@pytest.mark.parametrize(
    ("name", "stands"),
    [
        ("job_13", True),
        ("job_1", False),
        ("job", False),
        ("mine", True),
        ("jobs.wait", True),
        ("wait", True),
        ("absent", False),
    ],
)
def test_a_name_is_told_as_a_word_however_many_are_asked_for(
    name: str, stands: bool, others: int, tmp_path: Path
) -> None:
    calls = {
        "site.yml": include("more.yml"),
        "more.yml": 'reap.jobs.wait: {names: "{{ job_13 ~ my_job-mine }}"}',
    }
    names = [name, *(f"other_{number}" for number in range(others))]
    assert graph_of(tmp_path, calls).mentions("site.yml", names) is stands
