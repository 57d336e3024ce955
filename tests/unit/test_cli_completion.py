"""The completion scripts, asked by the real shell where it is there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_reap.cli import COMMANDS, main

ASK = """
source {script}
COMP_WORDS=({words})
COMP_CWORD={at}
_ansible_reap
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["completion", "bash"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    return tmp_path / "script"


def asked(script: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    listed = " ".join(f"'{word}'" for word in words)
    text = ASK.format(script=script, words=listed, at=len(words) - 1)
    ended = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True, cwd=script.parent)
    assert ended.stderr == ""
    return ended.stdout.split()


def test_bash_completes_commands_options_and_rules(script: Path) -> None:
    assert set(COMMANDS) <= set(asked(script, "ansible-reap", ""))
    assert asked(script, "ansible-reap", "expl") == ["explain"]
    assert asked(script, "ansible-reap", "check", "--gen") == ["--generate-ignore"]
    assert asked(script, "ansible-reap", "explain", "async-unr") == ["async-unreaped"]


def test_bash_completes_files_where_no_word_fits(script: Path) -> None:
    (script.parent / "site.yml").touch()
    assert asked(script, "ansible-reap", "check", "sit") == ["site.yml"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_names_every_command(shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    if shutil.which(shell):
        (tmp_path / "script").write_text(text)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_an_unknown_shell_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zhs"]) == 2
    assert capsys.readouterr().err == (
        "ansible-reap completion: unknown shell 'zhs'; did you mean 'zsh'?; known: bash, zsh, fish\n"
    )
