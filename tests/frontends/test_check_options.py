"""What ``check`` offers editors and pipelines: standard input, diffs, thresholds, counts, colour."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_reap import linting
from ansible_reap.cli import main
from ansible_reap.cli.terminal import follows_links, wants_colour
from ansible_reap.formats.width import cut, width, wrap
from support.command import on_a_terminal

LAUNCH = "- name: Start\n  ansible.builtin.command: /opt/backup\n  async: 300\n  poll: 0\n"
WAIT = """
- name: Wait
  ansible.builtin.async_status:
    jid: "{{ started.ansible_job_id }}"
  register: ended
  until: ended is finished
  retries: 62
  delay: 5
"""
PLAY = """
- hosts: all
  tasks:
    - ansible.builtin.import_tasks: tasks/start.yml
    - ansible.builtin.import_tasks: {}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "start.yml").write_text(LAUNCH)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def feed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def findings(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [f"{each['path']}:{each['line']} {each['tag']}" for each in json.loads(capsys.readouterr().out)["findings"]]


# ---- standard input


def test_standard_input_stands_in_for_a_file_and_the_rest_of_the_project_is_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "site.yml").write_text(PLAY.format("tasks/wait.yml"))
    (root / "tasks" / "wait.yml").write_text(WAIT)
    arguments = ["check", "--format", "json", "--stdin-filename", "tasks/start.yml", "-"]
    feed(monkeypatch, LAUNCH + "  register: started\n")
    assert main(arguments) == 0
    assert findings(capsys) == []
    feed(monkeypatch, "---\n" + LAUNCH + "  register: other\n")
    assert main(arguments) == 1
    assert findings(capsys) == ["tasks/start.yml:2 async-unreaped[never]"]
    assert (root / "tasks/start.yml").read_text() == LAUNCH


def test_standard_input_may_be_a_file_that_is_not_there_yet(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, LAUNCH)
    assert main(["check", "--format", "json", "--stdin-filename", "roles/new/tasks/main.yml"]) == 1
    assert findings(capsys) == ["roles/new/tasks/main.yml:1 async-unreaped[unregistered]"]


def test_a_comment_on_standard_input_silences_as_in_a_file(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, LAUNCH + "  # noqa: async-unreaped\n")
    assert main(["check", "--format", "json", "--stdin-filename", "tasks/start.yml"]) == 0


def test_standard_input_that_does_not_parse_is_an_error_at_its_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, LAUNCH + "  register: [\n")
    assert main(["check", "--stdin-filename", "tasks/start.yml"]) == 2
    assert "tasks/start.yml:6: does not parse" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-"], "--stdin-filename says which file"),
        (["--stdin-filename", "a.yml", "--fix"], "use --diff"),
        (["--diff", "--fix"], "leave out --fix"),
        (["--statistics", "--format", "sarif"], "--statistics is for --format text or json"),
        (["--min-severity", "hihg"], "did you mean 'high'?"),
    ],
)
def test_options_that_exclude_each_other_are_one_line(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["check", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


# ---- diff


def test_a_diff_shows_what_fix_would_write_and_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--diff"]) == 1
    captured = capsys.readouterr()
    assert (root / "tasks/start.yml").read_text() == LAUNCH
    assert captured.err == "1 would be fixed in 1 file, 0 left\n"
    subprocess.run(["git", "apply", "--unsafe-paths"], input=captured.out, text=True, check=True)
    applied = (root / "tasks/start.yml").read_text()
    (root / "tasks/start.yml").write_text(LAUNCH)
    assert main(["check", "--fix"]) == 0
    assert (root / "tasks/start.yml").read_text() == applied != LAUNCH


def test_a_diff_of_a_file_without_a_last_line_end_is_one_that_git_reads(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "tasks/start.yml").write_text(LAUNCH.rstrip("\n"))
    assert main(["check", "--diff"]) == 1
    diff = capsys.readouterr().out
    assert "\\ No newline at end of file" in diff
    subprocess.run(["git", "apply", "--check", "--unsafe-paths"], input=diff, text=True, check=True)


ODD_NAMES = ("\x1b[31mred.yml", "a\n::add-mask::b.yml", "##vso[task.complete]x.yml", 'quo"te\\d é.yml', "::c.yml")


def test_names_in_a_diff_command_nothing_and_git_reads_them(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ODD_NAMES:
        (root / "tasks" / name).write_text(LAUNCH)
    main(["check", "--diff"])
    diff = capsys.readouterr().out
    heads = [line for line in diff.splitlines() if line.startswith(("--- ", "+++ "))]
    assert len(heads) >= 2 * len(ODD_NAMES)
    assert not any(mark in line for line in heads for mark in ("\x1b", "::", "##"))
    assert not any(line.startswith("::") for line in diff.splitlines())
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply"], input=diff, text=True, check=True)
    for name in ODD_NAMES:
        assert "register:" in (root / "tasks" / name).read_text()


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_diff_on_a_terminal_holds_no_control_characters_of_others(variables: dict[str, str], root: Path) -> None:
    (root / "tasks" / "\x1b]0;red.yml").write_text(LAUNCH + "  # \u202eback\n")
    shown = on_a_terminal(["check", "--diff"], root, variables)
    assert "red.yml" in shown
    assert "back" in shown
    assert not any(mark in shown for mark in ("\x1b]", "\u202e"))


def test_a_diff_of_what_is_clean_is_empty(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "tasks/start.yml").write_text("- ansible.builtin.debug:\n")
    assert main(["check", "--diff"]) == 0
    assert capsys.readouterr().out == ""


def test_a_diff_of_standard_input_is_against_that(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, "# unsaved\n" + LAUNCH)
    assert main(["check", "--diff", "--stdin-filename", "tasks/start.yml"]) == 1
    assert "@@ -3,3 " in capsys.readouterr().out  # a line further down than in the file


# ---- thresholds and counts


def test_thresholds_leave_out_what_is_lower(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "tasks" / "start.yml").write_text(LAUNCH + LAUNCH.replace("/opt/backup", "sleep 60"))
    main(["check", "--format", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    ranks = {"low": 0, "medium": 1, "high": 2}
    assert {each["severity"] for each in found} >= {"high", "low"}
    for what in ("severity", "confidence"):
        for level, rank in ranks.items():
            main(["check", "--format", "json", f"--min-{what}", level])
            left = json.loads(capsys.readouterr().out)["findings"]
            assert left == [each for each in found if ranks[each[what]] >= rank]


def test_statistics_count_each_tag(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (root / "tasks" / f"{name}.yml").write_text(LAUNCH)
    assert main(["check", "--statistics"]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first == "     3  async-unreaped[unregistered] (3 fixable with --fix)"
    assert last.startswith("3 findings, 3 fixable with --fix; 3 launches (3 unreaped)")
    assert main(["check", "--statistics", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {"rule": "async-unreaped", "tag": "async-unreaped[unregistered]", "severity": "high", "count": 3, "fixable": 3}
    ]


# ---- the terminal


@pytest.mark.parametrize(
    ("when", "environment", "is_terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour_is_the_option_s_then_the_environment_s_then_the_terminal_s(
    when: str, environment: dict[str, str], is_terminal: bool, wanted: bool
) -> None:
    assert wants_colour(when, environment, is_terminal=is_terminal) is wanted


@pytest.mark.parametrize(
    ("environment", "is_terminal", "wanted"),
    [
        ({"TERM": "xterm-256color"}, True, False),
        ({"TERM": "xterm-kitty"}, True, True),
        ({"TERM_PROGRAM": "vscode"}, True, True),
        ({"TERM_PROGRAM": "vscode"}, False, False),
        ({"VTE_VERSION": "6003"}, True, True),
        ({"VTE_VERSION": "4999"}, True, False),
        ({"WT_SESSION": "x", "TERM": "dumb"}, True, False),
        ({"FORCE_HYPERLINK": "1"}, False, True),
        ({"FORCE_HYPERLINK": "0", "TERM_PROGRAM": "vscode"}, True, False),
    ],
)
def test_links_are_for_terminals_that_are_known_to_show_them(
    environment: dict[str, str], is_terminal: bool, wanted: bool
) -> None:
    assert follows_links(environment, is_terminal=is_terminal) is wanted


def test_a_tag_leads_to_its_rule_s_page(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_HYPERLINK", "1")
    main(["check", "--color", "never"])
    link = (
        "\x1b]8;;https://ansible-reap.readthedocs.io/en/latest/rules/async-unreaped/\x1b\\async-unreaped[unregistered]"
    )
    assert f"{link}\x1b]8;;\x1b\\ (high): Start" in capsys.readouterr().out


def test_wide_characters_count_as_what_they_take() -> None:
    assert [width(text) for text in ("abc", "日本", "é", "e\u0301", "👍", "a\u200db")] == [3, 4, 1, 1, 2, 2]
    assert cut("日本語", 5) == "日本"
    assert cut("e\u0301x", 1) == "e\u0301"
    lines = list(wrap("日本 日本 日本 " + "語" * 12, 12, "  "))
    assert lines == ["  日本 日本", "  日本", "  語語語語語", "  語語語語語", "  語語"]
    assert list(wrap("one two three", 9, "  ")) == ["  one two", "  three"]


# ---- the project's own configuration


def test_the_configuration_leaves_out_selects_and_weighs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "vendor").mkdir()
    (root / "vendor" / "start.yml").write_text(LAUNCH)
    (root / "tasks" / "zero.yml").write_text(LAUNCH.replace("300", "0"))
    (root / ".ansible-reap.yml").write_text("exclude_paths: [vendor]\nseverity: {async-noop: high}\n")
    main(["check", "--format", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {(each["path"], each["rule"], each["severity"]) for each in found} == {
        ("tasks/start.yml", "async-unreaped", "high"),
        ("tasks/zero.yml", "async-noop", "high"),
    }
    (root / ".ansible-reap.yml").write_text("select: [async-noop]\n")
    main(["check", "--format", "json"])
    assert findings(capsys) == ["tasks/zero.yml:1 async-noop[zero]"]
    main(["check", "--format", "json", "--select", "async-unreaped", "tasks"])
    assert findings(capsys) == ["tasks/start.yml:1 async-unreaped[unregistered]"]
    (root / ".ansible-reap.yml").write_text("ignore: [async-unreaped]\n")
    main(["check", "--format", "json", "--ignore", "async-noop"])
    assert findings(capsys) == []


def test_ansible_lint_is_given_what_the_configuration_leaves_in(root: Path) -> None:
    (root / "tasks" / "zero.yml").write_text(LAUNCH.replace("300", "0"))
    (root / ".ansible-reap.yml").write_text("ignore: [async-unreaped]\nseverity: {async-noop: high}\n")
    found, trouble = linting.everything(root)
    assert [(finding.tag, finding.severity.value) for finding in found] == [("async-noop[zero]", "high")]
    assert trouble == []
