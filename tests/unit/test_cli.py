"""The dispatcher: what every subcommand has in common."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

import ansible_reap
from ansible_reap.cli import COMMANDS, help_text, main


def test_help_fits_a_screen() -> None:
    lines = help_text().splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_fits_a_screen(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"usage: ansible-reap {name}")
    assert len(lines) <= (48 if name == "check" else 24)  # check has many options, in groups
    assert max(map(len, lines)) <= 80


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ansible-reap {ansible_reap.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explian"], "ansible-reap: unknown command 'explian'; did you mean 'explain'?"),
        (["--versoin"], "ansible-reap: unknown option '--versoin'; did you mean '--version'?"),
        (["explain", "--hlep"], "ansible-reap explain: unknown option '--hlep'; did you mean '--help'?"),
    ],
)
def test_a_wrong_word_suggests_the_nearest(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(said)
    assert output.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "todo"),
    [
        (["check", "--min-severity low"], "write '--min-severity=low', or give each word as an argument of its own"),
        (["check", "--exit-zero --statistics"], "give each word as an argument of its own"),
        (["history", "show", "--format json"], "write '--format=json', or give each word as an argument of its own"),
    ],
)
def test_an_option_and_its_value_in_one_argument_are_told_so(
    arguments: list[str], todo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = f"ansible-reap {arguments[0]}: '{arguments[-1]}' is one argument with a space in it: {todo}\n"
    assert capsys.readouterr() == ("", said)


def test_a_file_that_is_called_like_an_option_with_a_value_is_read_behind_two_dashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("--format json").write_text("- hosts: all\n")
    assert main(["check", "--", "--format json"]) == 0
    assert "0 findings" in capsys.readouterr().out


def test_without_a_command_the_help_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "usage: ansible-reap" in output.err


def test_the_dispatcher_imports_no_subcommand() -> None:
    code = "import sys, ansible_reap.cli as c; c.main(['--version']); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "yaml" not in modules
    assert "argparse" not in modules
    assert not any(module in modules for module, _ in COMMANDS.values())


@pytest.mark.parametrize("arguments", [[], ["."], ["--format", "json"]])
def test_a_check_of_a_project_without_a_job_imports_no_parser(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").touch()
    (tmp_path / "site.yml").write_text("- hosts: all\n  tasks:\n    - ansible.builtin.debug:\n        msg: hello\n")
    code = f"import sys, ansible_reap.cli as c; c.main({['check', *arguments]!r}); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(Path(ansible_reap.__file__).parents[1])}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.split())
    assert "ansible_reap.content.survey" in loaded
    assert loaded.isdisjoint({"yaml", "jinja2", "dataclasses", "ansible_reap.flow.analysis"})


WRITING = (["check"], ["jobs"], ["jobs", "--all"], ["jobs", "--format", "json"], ["explain", "async-unreaped"])


def _buffering(folder: Path) -> dict[str, str]:
    """Surroundings in which output is held back until there is much of it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return environment | {
        "PYTHONPATH": str(Path(ansible_reap.__file__).parents[1]),
        "XDG_STATE_HOME": str(folder / "state"),
    }


def test_an_error_elsewhere_leaves_what_was_said_before_it(tmp_path: Path) -> None:
    code = (
        "import sys, ansible_reap.cli as c\n"
        "def said(arguments):\n    print('said')\n    raise OSError(5, 'broken', 'x.db')\n"
        "c._dispatch = said\n"
        "sys.exit(c.main(['jobs']))\n"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, cwd=tmp_path, env=_buffering(tmp_path), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "said\n")
    assert "broken" in ended.stderr


def _written_to(stdout: IO[str], arguments: list[str], folder: Path) -> tuple[int, str]:
    (folder / "site.yml").write_text("- hosts: all\n")
    command = [sys.executable, "-m", "ansible_reap", *arguments]
    ended = subprocess.run(
        command, cwd=folder, env=_buffering(folder), stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )
    return ended.returncode, ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
@pytest.mark.parametrize("arguments", WRITING)
def test_an_output_that_cannot_be_written_is_told(arguments: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = _written_to(full, arguments, tmp_path)
    assert ended == (2, "ansible-reap: cannot write the output: No space left on device\n")


@pytest.mark.parametrize("arguments", WRITING)
def test_a_reader_of_the_output_that_has_gone_is_no_error(arguments: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        assert _written_to(pipe, arguments, tmp_path) == (0, "")
