"""``check --baseline``: what is known does not fail, and what is new does, be it in a file that is listed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_reap.cli import main

LAUNCH = "- name: {0}\n  ansible.builtin.command: /usr/bin/work\n  async: 300\n  poll: 0\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A project with two launches that are known, in one file, and its baseline."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "main.yml").write_text(LAUNCH.format("Start") + LAUNCH.format("Start"))
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--baseline", "known.json", "--generate-baseline"]) == 0
    assert "known.json: 2 findings written" in capsys.readouterr().out
    return tmp_path


def test_what_is_known_is_counted_and_does_not_fail(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--baseline", "known.json"]) == 0
    out = capsys.readouterr().out
    assert "0 findings; 2 known (--show-known lists them)" in out
    assert "main.yml:1" not in out


def test_what_is_known_is_listed_when_asked_for(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--baseline", "known.json", "--show-known"]) == 0
    assert "tasks/main.yml:1:3: async-unreaped[unregistered] (known) (high): Start" in capsys.readouterr().out


def test_other_formats_list_what_is_known(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--baseline", "known.json", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (len(document["findings"]), len(document["warnings"])) == (0, 2)


@pytest.mark.parametrize("name", ["Start", "Start another"])
def test_one_more_in_a_file_that_is_listed_fails(name: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = root / "tasks" / "main.yml"
    file.write_text(file.read_text() + LAUNCH.format(name))
    assert main(["check", "--baseline", "known.json", "--format", "json"]) == 1
    assert [each["line"] for each in json.loads(capsys.readouterr().out)["findings"]] == [9]


def test_lines_may_move(root: Path) -> None:
    file = root / "tasks" / "main.yml"
    file.write_text("# moved\n\n" + file.read_text())
    assert main(["check", "--baseline", "known.json"]) == 0


def test_what_is_gone_is_said_and_can_be_taken_out(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "tasks" / "main.yml").write_text(LAUNCH.format("Start"))
    assert main(["check", "--baseline", "known.json"]) == 0
    assert "known.json: 1 finding is gone; --generate-baseline takes it out" in capsys.readouterr().err
    main(["check", "--baseline", "known.json", "--generate-baseline"])
    assert len(json.loads((root / "known.json").read_text())["findings"]) == 1


def test_a_narrowed_check_calls_nothing_gone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--ignore", "async-unreaped"], ["--select", "async-noop"], ["tasks"]):
        main(["check", "--baseline", "known.json", *arguments])
        assert "gone" not in capsys.readouterr().err


def test_the_settings_can_name_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / ".ansible-reap.yml").write_text("baseline: known.json\n")
    monkeypatch.chdir(root / "tasks")
    assert main(["check", "--project-dir", str(root)]) == 0


def test_the_command_line_goes_before_the_settings(root: Path) -> None:
    (root / ".ansible-reap.yml").write_text("baseline: known.json\n")
    (root / "empty.json").write_text('{"version": 1, "findings": []}')
    assert main(["check", "--baseline", "empty.json"]) == 1


@pytest.mark.parametrize("is_absolute", [False, True])
def test_the_settings_name_no_file_outside_of_the_project(
    is_absolute: bool, root: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "precious.json"
    outside.write_text("precious")
    name = str(outside) if is_absolute else os.path.relpath(outside, root)
    (root / ".ansible-reap.yml").write_text(f"baseline: {name}\n")
    for arguments in (["check"], ["check", "--generate-baseline"]):
        assert main(arguments) == 2
        assert "lies outside of the project" in capsys.readouterr().err
    assert outside.read_text() == "precious"
    assert main(["check", "--baseline", str(outside), "--generate-baseline"]) == 0  # what the user names is theirs


def test_fix_leaves_what_is_known(root: Path) -> None:
    before = (root / "tasks" / "main.yml").read_text()
    assert main(["check", "--baseline", "known.json", "--fix"]) == 0
    assert (root / "tasks" / "main.yml").read_text() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("{", "'bad.json' is not JSON"),
        ("[" * 200_000, "'bad.json' is not JSON: nested too deeply"),
        ("[]", "'bad.json' is no baseline of version 1; --generate-baseline writes one"),
        ('{"version": 2, "findings": []}', "'bad.json' is no baseline of version 1"),
        ('{"version": 1, "findings": [{"tag": "x"}]}', "'bad.json' has an entry without a fingerprint"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(
    text: str | None, message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (root / "bad.json").write_text(text)
    assert main(["check", "--baseline", "bad.json"]) == 2
    err = capsys.readouterr().err
    assert message.lower() in err.lower()
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--generate-baseline"], "--baseline FILE, or 'baseline' in the settings, says where to"),
        (["--baseline", "known.json", "--generate-baseline", "tasks"], "is for the whole project"),
        (["--baseline", "known.json", "--generate-baseline", "--diff"], "--diff writes nothing"),
        (["--baseline", "no/such/folder.json", "--generate-baseline"], "cannot write"),
    ],
)
def test_what_does_not_go_together_is_said(
    arguments: list[str], message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 2
    assert message in capsys.readouterr().err
