"""``ansible-reap check`` from the outside: what it reports, what it leaves out, how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_reap.cli import main
from support.command import on_a_terminal

SCHEMA = json.loads(resources.files("ansible_reap").joinpath("schemas/check.json").read_text(encoding="utf-8"))

UNREAPED = """\
- name: Start {name}
  ansible.builtin.command: sleep 60
  async: 300
  poll: 0
"""
NEVER = "async-unreaped[unregistered]"


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        jsonschema.validate(document, SCHEMA)
        return document

    @property
    def tags(self) -> list[str]:
        return [f"{finding['path']} {finding['tag']}" for finding in self.document["findings"]]


@dataclass(frozen=True)
class Project:
    root: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, path: str, text: str = "", data: bytes | None = None) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if data is None else data)
        return file

    def check(self, *arguments: str) -> Ended:
        status = main(["check", *arguments])
        captured = self.capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    def json(self, *arguments: str) -> Ended:
        return self.check("--format", "json", *arguments)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    """A project in the working folder: two playbooks, each with a launch that nobody reaps."""
    found = Project(tmp_path, capsys)
    (tmp_path / ".git").mkdir()
    for name in ("one", "two"):
        tasks = "".join(f"    {line}\n" for line in UNREAPED.format(name=name).splitlines())
        found.write(f"{name}.yml", f"- name: Play\n  hosts: all\n  tasks:\n{tasks}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm")
    return found


# ---- what is reported, and the exit status


def test_findings_end_with_1(project: Project) -> None:
    ended = project.json()
    assert ended.status == 1
    assert ended.tags == [f"one.yml {NEVER}", f"two.yml {NEVER}"]
    assert [launch["verdict"] for launch in ended.document["launches"]] == ["unreaped", "unreaped"]


def test_nothing_found_ends_with_0(project: Project) -> None:
    (project.root / "one.yml").unlink()
    (project.root / "two.yml").write_text("- hosts: all\n  tasks: []\n")
    ended = project.check()
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("0 findings; 0 launches; 1 file in ")


def test_exit_zero_masks_findings(project: Project) -> None:
    assert project.check("--exit-zero").status == 0


def test_exit_zero_does_not_mask_a_file_that_does_not_parse(project: Project) -> None:
    project.write("broken.yml", "async: b: c\n")
    assert project.check("--exit-zero").status == 2


def test_a_file_that_does_not_parse_is_one_line_and_the_others_are_still_analysed(project: Project) -> None:
    project.write("broken.yml", "- hosts: all\n  async: 1\n  tasks: [\n")
    ended = project.check()
    assert ended.status == 2
    assert ended.err.startswith("broken.yml:4: does not parse: ")
    assert ended.err.count("\n") == 1
    assert f"one.yml:4:7: {NEVER} (low): Start one" in ended.out
    assert "2 findings, 2 fixable with --fix; 1 error; " in ended.out or "2 findings; 1 error; " in ended.out


def test_paths_narrow_what_is_reported(project: Project) -> None:
    project.write("roles/a/tasks/main.yml", UNREAPED.format(name="in a role"))
    project.write("roles/ab/tasks/main.yml", UNREAPED.format(name="in another"))
    assert project.json("two.yml").tags == [f"two.yml {NEVER}"]
    assert project.json("roles/a").tags == [f"roles/a/tasks/main.yml {NEVER}"]
    assert project.json(".").tags == project.json().tags
    assert [launch["path"] for launch in project.json("one.yml").document["launches"]] == ["one.yml"]


def test_errors_of_files_that_nobody_asked_about_do_not_fail_the_check(project: Project) -> None:
    project.write("broken.yml", "async: b: c\n")
    assert project.json("one.yml").status == 1
    assert project.json("broken.yml").status == 2


def test_a_path_that_is_not_there_ends_with_2_and_the_others_are_still_reported(project: Project) -> None:
    ended = project.json("one.yml", "none.yml")
    assert ended.status == 2
    assert ended.document["errors"] == [{"path": "none.yml", "line": 1, "message": "no such file or folder"}]
    assert ended.tags == [f"one.yml {NEVER}"]


def test_a_path_outside_the_project_is_bad_usage(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    ended = project.check("--project-dir", ".", str(elsewhere))
    assert ended.status == 2
    assert "lies outside the project" in ended.err
    project.write("below/three.yml", UNREAPED.format(name="three"))
    ended = project.check("--project-dir", "below", "three.yml")
    assert ended.status == 2
    assert "three.yml lies outside the project" in ended.err
    assert "a path starts at the working folder" in ended.err


def test_the_project_is_the_nearest_marked_folder_above_the_path(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("roles/a/tasks/main.yml", UNREAPED.format(name="in a role"))
    monkeypatch.chdir(project.root / "roles/a")
    assert project.json("tasks").tags == [f"roles/a/tasks/main.yml {NEVER}"]
    project.write("roles/a/galaxy.yml")
    assert project.json("tasks").tags == [f"tasks/main.yml {NEVER}"]


def test_a_project_reached_through_a_link_is_the_same(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    link = tmp_path_factory.mktemp("links") / "here"
    link.symlink_to(project.root)
    assert project.json("--project-dir", str(link), "one.yml").tags == [f"one.yml {NEVER}"]


# ---- what is left out


def test_select_and_ignore_take_rules_sub_tags_and_tags(project: Project) -> None:
    everything = project.json().tags
    for name in ("async-unreaped", NEVER, "unpredictability"):
        assert project.json("--select", name).tags == everything
        assert project.json("--ignore", name).tags == []
    assert project.json("--select", "async-noop,async-scope").tags == []
    assert project.json("--ignore", "async-unreaped[never]").tags == everything


def test_an_unknown_rule_suggests_the_nearest(project: Project) -> None:
    ended = project.check("--select", "async-unreapd")
    assert ended.status == 2
    assert ended.err == ("ansible-reap check: unknown rule or tag 'async-unreapd'; did you mean 'async-unreaped'?\n")


def test_an_unknown_format_suggests_the_nearest(project: Project) -> None:
    ended = project.check("--format", "sarf")
    assert ended.status == 2
    assert ended.err.startswith("ansible-reap check: --format: unknown value 'sarf'; did you mean 'sarif'? (see ")


@pytest.mark.parametrize("name", ["async-unreaped", NEVER, "unpredictability"])
def test_skip_list_silences_and_warn_list_lists(name: str, project: Project) -> None:
    project.write(".ansible-lint", f"skip_list: ['{name}']\n")
    ended = project.json()
    assert (ended.status, ended.tags) == (0, [])
    assert "warnings" not in ended.document
    project.write(".ansible-lint", f"warn_list: ['{name}']\n")
    ended = project.json()
    assert (ended.status, ended.tags) == (0, [])
    assert [warning["path"] for warning in ended.document["warnings"]] == ["one.yml", "two.yml"]


def test_excluded_files_are_not_reported_but_their_launches_are_known(project: Project) -> None:
    project.write("broken.yml", "async: b: c\n")
    project.write(".ansible-lint", "exclude_paths: [one.yml, broken.yml]\n")
    ended = project.json()
    assert (ended.status, ended.tags) == (1, [f"two.yml {NEVER}"])
    assert [launch["path"] for launch in ended.document["launches"]] == ["one.yml", "two.yml"]


UNUSABLE = "skip_list: [\n  a: b: c\n", "- a\n", "skip_list: async-unreaped\n"


@pytest.mark.parametrize("text", UNUSABLE)
def test_a_configuration_of_ansible_lint_that_cannot_be_used_is_told_beside_the_findings(
    text: str, project: Project
) -> None:
    project.write(".ansible-lint", text)
    ended = project.json()
    assert (ended.status, ended.tags) == (2, [f"one.yml {NEVER}", f"two.yml {NEVER}"])
    (error,) = ended.document["errors"]
    assert error["path"] == ".ansible-lint"
    assert error["message"].startswith("is not used, so it leaves out nothing: ")
    ended = project.check("--exit-zero")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith(".ansible-lint:")


@pytest.mark.parametrize("option", ["--fix", "--diff", "--generate-ignore", "--generate-baseline"])
def test_nothing_is_written_where_ansible_lint_s_configuration_cannot_be_used(option: str, project: Project) -> None:
    project.write(".ansible-lint", UNUSABLE[0])
    before = sorted((path, path.read_bytes()) for path in project.root.rglob("*") if path.is_file())
    ended = project.check(option, *(["--baseline", "known.json"] if option == "--generate-baseline" else []))
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("ansible-reap check: .ansible-lint:2: does not parse: ")
    assert sorted((path, path.read_bytes()) for path in project.root.rglob("*") if path.is_file()) == before


def test_noqa_and_the_skip_tag_silence_a_task(project: Project) -> None:
    project.write("one.yml", (project.root / "one.yml").read_text().replace("one", "one # noqa: async-unreaped"))
    project.write("two.yml", (project.root / "two.yml").read_text() + "      tags: [a, skip_ansible_lint]\n")
    assert project.json().tags == []


def test_an_ignored_pair_of_file_and_tag_is_listed_and_does_not_fail(project: Project) -> None:
    project.write(".ansible-lint-ignore", f"one.yml {NEVER}\ntwo.yml {NEVER} skip\n")
    ended = project.json()
    assert (ended.status, ended.tags) == (0, [])
    assert [warning["path"] for warning in ended.document["warnings"]] == ["one.yml"]
    assert f"one.yml:4:7: {NEVER} (known) (low): Start one" in project.check("--show-known").out
    assert "1 known (--show-known lists them)" in project.check().out


def test_an_ignored_rule_without_the_sub_tag_ignores_nothing(project: Project) -> None:
    project.write(".ansible-lint-ignore", "one.yml async-unreaped\n")
    ended = project.json()
    assert (ended.status, ended.err) == (1, "")


def test_a_stale_entry_is_named(project: Project) -> None:
    project.write(".ansible-lint-ignore", f"one.yml {NEVER}\none.yml async-noop[zero]\none.yml yaml[colons]\n")
    ended = project.json()
    assert ended.err == (".ansible-lint-ignore:2: nothing meets 'one.yml async-noop[zero]' any more; delete the line\n")
    assert project.json("--select", "async-scope").err == ""


def test_a_mistake_in_a_settings_file_is_one_line_and_2(project: Project) -> None:
    project.write(".ansible-reap.yml", "rules:\n  async-timeout:\n    headrom: 3\n")
    ended = project.check()
    assert ended.status == 2
    assert ended.err == (
        "ansible-reap check: .ansible-reap.yml:3: unknown option of async-timeout: 'headrom';"
        " did you mean 'headroom'?\n"
    )


# ---- output


def test_output_goes_into_a_file(project: Project) -> None:
    ended = project.json("--output", "report.json")
    assert (ended.status, ended.out, ended.err) == (1, "", "")
    jsonschema.validate(json.loads((project.root / "report.json").read_text()), SCHEMA)


def test_an_output_that_cannot_be_written_is_one_line_and_2(project: Project) -> None:
    ended = project.check("--output", "no/such/folder/report")
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert "--output: cannot write 'no/such/folder/report'" in ended.err


def test_text_is_coloured_on_a_terminal_only_and_never_with_no_color(project: Project) -> None:
    assert "\x1b[" in on_a_terminal(["check"], project.root, {})
    assert "\x1b[" not in on_a_terminal(["check"], project.root, {"NO_COLOR": "1"})
    assert "\x1b[" not in on_a_terminal(["check"], project.root, {"TERM": "dumb"})
    assert "\x1b[" not in project.check().out


def test_a_reader_that_leaves_early_is_no_error(project: Project) -> None:
    script = f"{sys.executable} -m ansible_reap check --format json | true; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", script], cwd=project.root, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert ended.returncode in (0, 1)


def test_a_broken_file_that_concerns_no_job_is_passed_over_and_counted(project: Project) -> None:
    project.write("charts/templates.yaml", "async: {{ include 'x' . }}\n  poll: [\n")
    ended = project.check()
    assert ended.status == 1
    assert ended.err == (
        "1 YAML file that concerns no job was passed over: what is in it does not parse (--verbose lists them)\n"
    )
    assert "passed over: charts/templates.yaml:" in project.check("--verbose").err
    document = project.json().document
    assert document["stats"]["passed_over"] == 1
    assert document["errors"] == []
    assert project.check("charts/templates.yaml").status == 2


def test_an_error_says_how_to_leave_the_file_out_and_that_works(project: Project) -> None:
    project.write("broken.yml", "async: b: c\n")
    assert "exclude_paths in .ansible-reap.yml" in project.check().err
    project.write(".ansible-reap.yml", "exclude_paths: [broken.yml, 'o*.yml']\n")
    ended = project.json()
    assert ended.document["errors"] == []
    assert ended.tags == [f"two.yml {NEVER}"]


def test_what_git_ignores_is_neither_reported_nor_fixed_unless_it_is_named(project: Project) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    project.write(".gitignore", "build/\n*.tmp.yml\n")
    project.write("build/tasks/main.yml", UNREAPED.format(name="built"))
    project.write("mine.tmp.yml", UNREAPED.format(name="scratch"))
    project.write(".ansible/roles/r/tasks/main.yml", UNREAPED.format(name="installed"))
    before = (project.root / "build/tasks/main.yml").read_text()
    document = project.json().document
    assert {each["path"] for each in document["findings"]} == {"one.yml", "two.yml"}
    assert {each["path"] for each in document["launches"]} == {"one.yml", "two.yml"}
    assert document["stats"]["files"] == 5
    project.check("--fix")
    assert (project.root / "build/tasks/main.yml").read_text() == before
    assert project.json("mine.tmp.yml").tags == [f"mine.tmp.yml {NEVER}"]


def test_a_playbook_of_any_name_is_read_where_it_is_named(project: Project) -> None:
    project.write("deploy", UNREAPED.format(name="deploy"))
    project.write("deploy.json", '[{"hosts": "all", "tasks": [{"command": "x", "async": 9, "poll": 0}]}]')
    project.write("notes.txt", "some words\n")
    assert project.json("deploy").tags == [f"deploy {NEVER}"]
    assert project.json("deploy.json").tags == [f"deploy.json {NEVER}"]
    ended = project.check("notes.txt")
    assert (ended.status, ended.err) == (2, "notes.txt:1: is no Ansible content: neither a list nor a mapping\n")


def test_a_folder_without_content_is_an_error(project: Project) -> None:
    project.write("empty/README.md", "")
    ended = project.check("empty")
    assert (ended.status, ended.err) == (2, "empty:1: holds no YAML file that Ansible would load\n")


def test_a_file_named_like_an_option_is_no_option(project: Project) -> None:
    project.write("--output=evil.yml", UNREAPED.format(name="evil"))
    ended = project.check("--output=evil.yml")
    assert ended.status == 2
    assert "is an option, and there is a file of that name" in ended.err
    assert not (project.root / "evil.yml").exists()
    assert project.json("--", "--output=evil.yml").tags == [f"--output=evil.yml {NEVER}"]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--fix",), "linked.yml"),
        (("--generate-ignore",), ".ansible-lint-ignore"),
        (("--output", "out.json"), "out.json"),
    ],
    ids=["fix", "ignore file", "output"],
)
def test_no_link_leads_what_is_written_out_of_the_project(
    arguments: tuple[str, ...], name: str, project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "file"
    mendable = (project.root / "one.yml").read_text() + "      register: job\n"
    project.write("one.yml", mendable)
    before = mendable if name == "linked.yml" else ""
    outside.write_text(before)
    (project.root / name).symlink_to(outside)
    ended = project.check(*arguments)
    assert outside.read_text() == before
    if name == "linked.yml":
        assert (project.root / "one.yml").read_text() != mendable
    else:
        assert (ended.status, ended.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--format", "concise", "--output", "report.txt"), "report.txt"),
        (("--format", "concise", "--output", "folder/report.txt"), "folder"),
        (("--generate-ignore",), ".ansible-lint-ignore"),
        (("--generate-baseline",), "known.json"),
        (("--fix", "--unsafe-fixes"), "linked.yml"),
    ],
    ids=["output", "output in a linked folder", "ignore file", "baseline", "fix"],
)
@pytest.mark.parametrize("target", [".git/config", ".git/hooks/report.txt", "workflow.txt", "two.yml"])
def test_no_link_of_the_project_leads_what_is_written_into_git_or_another_file(
    arguments: tuple[str, ...], name: str, target: str, project: Project
) -> None:
    project.write(".ansible-reap.yml", "baseline: known.json\n")
    kept = {}
    for path in (".git/config", ".git/hooks/report.txt", "workflow.txt"):
        (project.root / path).parent.mkdir(exist_ok=True)
        (project.root / path).write_text(UNREAPED.format(name="kept"))
        kept[path] = UNREAPED.format(name="kept")
    if name != "linked.yml":  # what is mended in its own place is mended as the file that it is
        kept["two.yml"] = (project.root / "two.yml").read_text()
    lead = Path(target).parent if name == "folder" else Path(target)
    (project.root / name).symlink_to(lead)
    ended = project.check(*arguments)
    changed = {path for path, text in kept.items() if (project.root / path).read_text() != text}
    assert changed <= ({"workflow.txt"} if name == "linked.yml" else set())
    assert (project.root / name).is_symlink()
    if "--output" in arguments:
        assert ended.status == 2
        assert ended.err.count("\n") == 1


def test_a_finding_that_a_named_file_may_be_the_cause_of_is_reported(project: Project) -> None:
    project.write("site.yml", "- hosts: all\n  tasks:\n    - import_tasks: part.yml\n")
    project.write("part.yml", UNREAPED.format(name="part"))
    assert project.json("site.yml").tags == [f"part.yml {NEVER}"]
    assert project.json("part.yml").tags == [f"part.yml {NEVER}"]
    assert project.json("two.yml").tags == [f"two.yml {NEVER}"]


ENCRYPTED = "$ANSIBLE_VAULT;1.1;AES256\n61306165393336613731\n"
CALLS = "- hosts: all\n  roles: [r]\n  tasks:\n    - {}\n"


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("include_tasks: more.yml", "more.yml"),
        ("import_tasks: group_vars/all.yml", "group_vars/all.yml"),
        ("include_tasks: '{{ playbook_dir }}/parts/more.yml'", "parts/more.yml"),
        ("include_tasks: more.vault", "more.vault"),
        ("include_vars: secrets.yml", "roles/r/tasks/main.yml"),
        ("debug:\n- import_playbook: more.yml", "more.yml"),
    ],
)
def test_encrypted_tasks_are_told_in_one_line_and_encrypted_variables_are_not(
    call: str, path: str, project: Project
) -> None:
    for each in ("secrets.yml", "group_vars/web.yml", "host_vars/a.yml", "roles/r/vars/main.yml", path):
        project.write(each, ENCRYPTED)
    for each in ("one.yml", "two.yml"):
        (project.root / each).unlink()
    project.write("site.yml", CALLS.format(call))
    ended = project.check()
    assert ended.status == 0
    (line,) = ended.err.splitlines()
    assert line.startswith(
        f"{path}:1: is encrypted with ansible-vault as a whole, so what it launches or waits for is "
    )


def test_an_encrypted_file_that_is_named_is_told(project: Project) -> None:
    project.write("hidden.yml", ENCRYPTED)
    project.write("site.yml", CALLS.format("debug:"))
    assert not project.check().err
    assert project.check("hidden.yml").err.startswith("hidden.yml:1: is encrypted")
