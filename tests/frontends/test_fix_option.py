"""``check --fix`` and ``check --generate-ignore`` from the outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap.cli import main

LAUNCH = "- name: Start\n  ansible.builtin.command: sleep 60\n  async: 300\n  poll: 0\n"
TEMPLATED = LAUNCH.replace("300", '"{{ limit }}"')


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "fixable.yml").write_text(LAUNCH)
    (tmp_path / "tasks" / "other.yml").write_text(TEMPLATED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_fix_prints_what_it_changed_and_reports_what_is_left(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--fix"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(
        "fixed tasks/fixable.yml:1: async-unreaped[unregistered]: register the job and wait for Start\n"
    )
    assert "tasks/other.yml:1:3: async-unreaped[unregistered]" in out
    assert "tasks/fixable.yml:1:3:" not in out


def test_fix_beside_another_format_leaves_standard_output_to_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--fix", "--format", "github"])
    captured = capsys.readouterr()
    assert captured.err.startswith("fixed tasks/fixable.yml:1: ")
    assert all(line.startswith("::") for line in captured.out.splitlines())


def test_fix_keeps_to_the_paths_and_rules_asked_for(root: Path) -> None:
    before = (root / "tasks/fixable.yml").read_bytes()
    main(["check", "--fix", "tasks/other.yml"])
    main(["check", "--fix", "--ignore", "async-unreaped"])
    assert (root / "tasks/fixable.yml").read_bytes() == before


def test_fix_leaves_known_findings_alone(root: Path) -> None:
    before = (root / "tasks/fixable.yml").read_bytes()
    (root / ".ansible-lint-ignore").write_text("tasks/fixable.yml async-unreaped[unregistered]\n")
    main(["check", "--fix"])
    assert (root / "tasks/fixable.yml").read_bytes() == before


# ---- legacy code


def ignore_file(root: Path) -> str:
    return (root / ".ansible-lint-ignore").read_text()


def test_generate_ignore_writes_what_ansible_lint_writes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--generate-ignore"]) == 0
    assert ignore_file(root) == (
        "# This file contains ignores rule violations for ansible-lint\n"
        "tasks/fixable.yml async-unreaped[unregistered]\n"
        "tasks/other.yml async-unreaped[unregistered]\n"
    )
    assert ".ansible-lint-ignore: 2 pairs of file and tag added" in capsys.readouterr().out


def test_generate_ignore_merges_and_overwrites_nothing(root: Path) -> None:
    held = "# ours\nplaybook.yml yaml[colons] skip # since 2019\ntasks/other.yml async-unreaped[unregistered] skip"
    (root / ".ansible-lint-ignore").write_text(held)
    assert main(["check", "--generate-ignore"]) == 0
    assert ignore_file(root) == held + "\ntasks/fixable.yml async-unreaped[unregistered]\n"
    assert main(["check", "--generate-ignore"]) == 0
    assert ignore_file(root) == held + "\ntasks/fixable.yml async-unreaped[unregistered]\n"


def test_a_new_pair_fails_after_the_old_ones_are_known(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--generate-ignore"])
    (root / "tasks" / "new.yml").write_text(LAUNCH)
    capsys.readouterr()
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert "tasks/new.yml:1:3: async-unreaped[unregistered] (low): Start" in out
    assert "tasks/other.yml" not in out
    assert main(["check", "--show-known"]) == 1
    assert "tasks/other.yml:1:3: async-unreaped[unregistered] (known) (low): Start" in capsys.readouterr().out


def test_a_file_that_the_ignore_file_cannot_name_is_said_and_still_fails(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "tasks" / "with blank.yml").write_text(LAUNCH)
    assert main(["check", "--generate-ignore"]) == 1
    assert "cannot name 'tasks/with blank.yml'" in capsys.readouterr().err
    assert "blank" not in ignore_file(root)


def test_generate_ignore_goes_into_the_ignore_file_that_there_is(root: Path) -> None:
    (root / ".config").mkdir()
    (root / ".config" / "ansible-lint-ignore.txt").write_text("# ours\n")
    main(["check", "--generate-ignore"])
    assert "tasks/other.yml" in (root / ".config" / "ansible-lint-ignore.txt").read_text()
    assert not (root / ".ansible-lint-ignore").exists()
