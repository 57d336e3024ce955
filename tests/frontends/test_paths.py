"""Where the project's root is, whatever is named, and what the paths in each format are relative to."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from ansible_reap.cli import main
from ansible_reap.project_root import project_root

LAUNCH = "- name: Start\n  ansible.builtin.command: sleep 60\n  async: 300\n  poll: 0\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with an Ansible project in a sub-folder."""
    top = tmp_path / "top"
    for folder in (".git", "deploy/tasks", "docs"):
        (top / folder).mkdir(parents=True)
    (top / "deploy" / "ansible.cfg").write_text("[defaults]\nroles_path = shared\n")
    (top / "deploy" / "tasks" / "start.yml").write_text(LAUNCH)
    (top / "docs" / "example.yml").write_text(LAUNCH)
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(top)
    return top


@pytest.mark.parametrize(
    "named", [[], ["deploy/tasks/start.yml"], ["deploy/tasks/start.yml", "docs/example.yml"], ["deploy/tasks"]]
)
def test_the_root_is_that_around_the_working_folder_whichever_of_its_files_are_named(
    repository: Path, named: list[str]
) -> None:
    assert project_root(named) == repository


def test_a_project_that_is_named_itself_is_the_project(repository: Path) -> None:
    assert project_root(["deploy"]) == repository / "deploy"
    assert project_root(["deploy/"]) == repository / "deploy"


def test_paths_elsewhere_have_a_project_of_their_own(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "roles").mkdir(parents=True)
    (other / "galaxy.yml").touch()
    assert project_root([other / "roles"]) == other


def test_without_a_mark_it_is_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path)
    assert project_root(["a"]) == tmp_path


def test_roles_are_found_where_the_ansible_cfg_of_a_sub_project_has_them(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    role = repository / "deploy" / "shared" / "waits" / "tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text(
        "- ansible.builtin.async_status:\n    jid: '{{ job.ansible_job_id }}'\n"
        "  register: ended\n  until: ended is finished\n  retries: 31\n  delay: 10\n"
    )
    (repository / "deploy" / "site.yml").write_text(
        "- hosts: all\n  tasks:\n    - ansible.builtin.command: sleep 60\n      async: 300\n      poll: 0\n"
        "      register: job\n    - ansible.builtin.import_role:\n        name: waits\n"
    )
    main(["check", "--format", "json", "deploy/site.yml"])
    (launch,) = json.loads(capsys.readouterr().out)["launches"]
    assert launch["verdict"] == "reaped"


# ---- paths in the output


def first_path(name: str, text: str) -> str:
    """The path of the first finding in a format's output."""
    if name == "json":
        return str(json.loads(text)["findings"][0]["path"])
    if name == "sarif":
        location = json.loads(text)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        return str(location["artifactLocation"]["uri"])
    if name == "gitlab":
        return str(json.loads(text)[0]["location"]["path"])
    if name == "rdjson":
        return str(json.loads(text)["diagnostics"][0]["location"]["path"])
    marks = {"github": "file=", "checkstyle": '<file name="', "markdown": "`", "junit": 'classname="'}
    rest = text.partition(marks[name])[2] if name in marks else text
    return rest.split(":")[0].split(",")[0].split('"')[0]


HERE = ("text", "concise", "checkstyle", "rdjson", "junit")
TOP = ("github", "gitlab", "sarif", "markdown")


def shown(capsys: pytest.CaptureFixture[str], names: tuple[str, ...], *arguments: str) -> set[str]:
    found = set()
    for name in names:
        main(["check", "--format", name, *arguments])
        found.add(first_path(name, capsys.readouterr().out))
    return found


def test_paths_are_relative_to_the_working_folder_or_to_the_repository_as_the_reader_wants(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(capsys, (*HERE, *TOP), "deploy") == {"deploy/tasks/start.yml"}
    assert shown(capsys, ("json",), "deploy") == {"tasks/start.yml"}
    monkeypatch.chdir("deploy")
    assert shown(capsys, HERE) == {"tasks/start.yml"}
    assert shown(capsys, TOP) == {"deploy/tasks/start.yml"}
    monkeypatch.chdir("tasks")
    assert shown(capsys, HERE) == {"start.yml"}
    assert shown(capsys, TOP) == {"deploy/tasks/start.yml"}
    assert shown(capsys, ("json",)) == {"tasks/start.yml"}


def test_a_service_says_where_its_repository_is(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(repository.parent))
    monkeypatch.setenv("CI_PROJECT_DIR", str(repository.parent))
    assert shown(capsys, TOP, "deploy") == {"top/deploy/tasks/start.yml"}
    monkeypatch.setenv("GITHUB_WORKSPACE", "/somewhere/else")
    assert shown(capsys, ("github", "sarif"), "deploy") == {"deploy/tasks/start.yml"}


def test_sarif_names_the_folder_that_its_paths_start_from(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--format", "sarif", "deploy"])
    run = json.loads(capsys.readouterr().out)["runs"][0]
    assert run["originalUriBaseIds"]["PROJECTROOT"]["uri"] == repository.as_uri() + "/"
    change = run["results"][0]["fixes"][0]["artifactChanges"][0]
    assert change["artifactLocation"]["uri"] == "deploy/tasks/start.yml"


def test_a_project_that_lies_apart_is_shown_with_absolute_paths(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "galaxy.yml").touch()
    (other / "start.yml").write_text(LAUNCH)
    assert shown(capsys, ("text", "concise"), str(other)) == {str(other / "start.yml")}
    assert shown(capsys, ("json", "github"), str(other)) == {"start.yml"}


def test_errors_and_steps_on_the_way_are_shown_from_the_same_folder(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "deploy" / "broken.yml").write_text("- hosts: [\n  async: 3\n  poll: 0\n")
    (repository / "deploy" / "site.yml").write_text(
        "- hosts: all\n  tasks:\n    - ansible.builtin.import_tasks: tasks/start.yml\n"
    )
    main(["check", "deploy"])
    captured = capsys.readouterr()
    assert captured.err.startswith("deploy/broken.yml:")
    assert "by way of deploy/site.yml:" in captured.out


def test_a_diff_applies_from_the_working_folder(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--diff", "deploy"])
    diff = capsys.readouterr().out
    assert diff.startswith("--- a/deploy/tasks/start.yml\n")
    subprocess.run(["patch", "-p1", "--dry-run"], input=diff, text=True, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_mark_that_another_user_put_above_makes_no_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "start.yml").write_text(LAUNCH)
    (tmp_path / ".ansible-lint").write_text("skip_list: [async-unreaped]\n")
    os.chown(tmp_path / ".ansible-lint", 12345, -1)
    monkeypatch.chdir(mine)
    assert project_root([]) == mine
    assert main(["check", "--format", "concise"]) == 1
    assert "async-unreaped" in capsys.readouterr().out
    os.chown(mine, 12345, -1)  # as a checkout that a container mounts: whoever owns it owns the mark
    assert project_root([]) == tmp_path


def test_a_link_that_is_named_leads_to_the_file_in_the_project(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "site.yml").write_text("- hosts: all\n  tasks:\n    - {command: work, async: 60, poll: 0}\n")
    (repository / "link.yml").symlink_to("site.yml")
    (repository / "deploy.play").symlink_to("site.yml")
    (repository / "linked").symlink_to("deploy")
    for named, path in (("link.yml", "site.yml"), ("deploy.play", "site.yml"), ("linked", "deploy/tasks/start.yml")):
        assert main(["check", "--format", "json", "--project-dir", str(repository), named]) == 1
        found = json.loads(capsys.readouterr().out)
        assert [launch["path"] for launch in found["launches"]] == [path]
        assert not found["errors"]


def test_a_playbook_that_is_named_is_read_wherever_it_lies(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    playbook = "- hosts: all\n  tasks:\n    - {command: work, async: 60, poll: 0}\n"
    for path in ("deploy.play", "templates/site.yml", "files/site.txt"):
        file = repository / "plays" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(playbook)
        asked = ["check", "--format", "json", "--project-dir", str(repository)]
        main(asked)
        assert f"plays/{path}" not in {each["path"] for each in json.loads(capsys.readouterr().out)["launches"]}
        assert main([*asked, str(file)]) == 1
        assert [each["path"] for each in json.loads(capsys.readouterr().out)["launches"]] == [f"plays/{path}"]
    template = repository / "plays" / "templates" / "page.yml"
    template.write_text("{% if x %}{{ page }}{% endif %}")
    assert main([*asked, str(template)]) == 0
