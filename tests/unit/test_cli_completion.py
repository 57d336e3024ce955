"""The completion scripts, asked by the real shell where it is there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_reap.cli import COMMANDS, main
from ansible_reap.cli.catalogue import commands
from ansible_reap.formats import CHECK_FORMATS

ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "source ./setup"
while zpty -r shell seen; do [[ $seen == *'is ready'* ]] && break; done
zpty -n -w shell "$LINE"$'\t\x18'
for i in {1..200}; do [[ -s inserted ]] && break; sleep 0.05; done
cat inserted
"""
ZSH_SETUP = r"""
PS1=
autoload -U compinit && compinit -u -d dump
source ./script
write_down() { print -r -- "$BUFFER" > inserted; exit }
zle -N write_down
bindkey '^X' write_down
bindkey '^I' complete-word
print is" "ready
"""
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
    assert asked(script, "ansible-reap", "check", "--gen") == ["--generate-ignore", "--generate-baseline"]
    assert asked(script, "ansible-reap", "explain", "async-unr") == ["async-unreaped"]
    assert asked(script, "ansible-reap", "completion", "") == ["bash", "zsh", "fish", "--help"]


def test_bash_completes_values(script: Path) -> None:
    assert asked(script, "ansible-reap", "check", "--format", "") == list(CHECK_FORMATS)
    assert asked(script, "ansible-reap", "check", "--format", "=", "sa") == ["sarif"]
    assert asked(script, "ansible-reap", "check", "site.yml", "--min-severity", "h") == ["high"]
    assert asked(script, "ansible-reap", "jobs", "--format", "j") == ["json"]
    assert "async-unreaped[peek]" in asked(script, "ansible-reap", "check", "--select", "async-unreaped[")
    assert asked(script, "ansible-reap", "check", "--ignore", "async-noop,async-exc") == ["async-noop,async-exclusive"]


def test_bash_completes_words_and_values_of_sub_commands(script: Path) -> None:
    assert asked(script, "ansible-reap", "history", "s") == ["show"]
    assert asked(script, "ansible-reap", "history", "show", "--sort", "r") == ["runs"]
    assert "--replace" in asked(script, "ansible-reap", "history", "export", "--")
    assert "--replace" not in asked(script, "ansible-reap", "history", "show", "--")


def test_bash_completes_folders_where_a_folder_is_meant(script: Path) -> None:
    (script.parent / "deploy").mkdir()
    (script.parent / "deploy.yml").touch()
    assert asked(script, "ansible-reap", "check", "--project-dir", "dep") == ["deploy"]


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


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("expl", {"explain"}),
        ("check --format s", {"sarif"}),
        ("check --min-confidence ", {"high", "medium", "low"}),
        ("explain async-unr", {"async-unreaped"}),
        ("history sh", {"show"}),
        ("history show --sort=", {"--sort=headroom", "--sort=name", "--sort=runs"}),
        ("completion ", {"bash", "zsh", "fish"}),
        ("check --ignore async-noop,async-exc", {"async-noop,async-exclusive"}),
    ],
)
def test_fish_completes(line: str, offered: set[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["completion", "fish"])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    ask = ["fish", "--no-config", "-c", f"source script; complete -C 'ansible-reap {line}'"]
    variables = {**os.environ, "HOME": str(tmp_path)}
    ended = subprocess.run(ask, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert {found.partition("\t")[0] for found in ended.stdout.splitlines()} == offered


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("expl", "explain"),
        ("check --format=s", "check --format=sarif"),
        ("check --format s", "check --format sarif"),
        ("explain async-unr", "explain async-unreaped"),
        ("history sh", "history show"),
        ("history show --sort=r", "history show --sort=runs"),
        ("completion z", "completion zsh"),
        (
            "check --ignore async-noop,async-exc",
            "check --ignore async-noop,async-exclusive,",
        ),  # which goes when a blank follows
    ],
)
def test_zsh_completes(line: str, completed: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """In a shell on a pseudo-terminal, as a person would press the tabulator; what is inserted is read back."""
    main(["completion", "zsh"])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    (tmp_path / "ask").write_text(ZSH)
    (tmp_path / "setup").write_text(ZSH_SETUP)
    variables = {**os.environ, "HOME": str(tmp_path), "TERM": "dumb", "LINE": f"ansible-reap {line}"}
    ended = subprocess.run(
        ["zsh", "-f", "ask"], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.rstrip() == f"ansible-reap {completed}"


def test_a_shell_that_is_not_known_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zhs"]) == 2
    assert capsys.readouterr().err.startswith("ansible-reap completion: unknown shell 'zhs'; did you mean 'zsh'? (see ")


# ---- the manual page


def test_the_manual_page_has_every_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man"]) == 0
    page = capsys.readouterr().out.replace("\\-", "-")
    for command in (each for top in commands() for each in top.with_children()):
        assert f".B ansible-reap {' '.join(command.words)}\n" in page
        assert all(f"\\fB{flag}\\fR" in page for option in command.options for flag in option.flags)


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="no mandoc")
def test_the_manual_page_is_clean_roff(capsys: pytest.CaptureFixture[str]) -> None:
    main(["man"])
    page = capsys.readouterr().out
    ended = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning"], input=page, capture_output=True, text=True, check=False
    )
    # Without a date: a page that is the same for the same version.
    told = [line for line in (ended.stdout + ended.stderr).splitlines() if "missing date" not in line]
    assert told == []
