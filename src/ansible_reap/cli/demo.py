"""Show on a small project what goes wrong with fire-and-forget jobs, and what ansible-reap does about it."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ansible_reap import installation
from ansible_reap.cli.command_line import Parser, UsageError
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass

EXAMPLE = installation.PACKAGE / "example"
BACKUP = Path("backups") / "today"
"""What the example's job should make."""

_COLOUR = expression(r"\x1b\[[0-9;]*m")
_TIMEOUT = 120
"""Seconds after which a step that should take two is given up."""

_INSTALL = """\
The next step runs the playbook, which needs ansible-core in this environment:

  {python} -m pip install ansible-core     (with pipx: pipx inject ansible-reap ansible-core)

then start the demo again."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command that the demo ran: its output and exit status."""

    output: str
    status: int


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--copy-to", metavar="DIR", type=Path, help="leave the example project there, to try things on")


def run(args: argparse.Namespace) -> int:
    if args.copy_to is not None:
        if args.copy_to.exists():
            raise UsageError(f"{args.copy_to}: exists already: name a new folder")
        shutil.copytree(EXAMPLE, args.copy_to, ignore=shutil.ignore_patterns("__pycache__"))
    with tempfile.TemporaryDirectory(prefix="ansible-reap-demo-") as scratch:
        folder = Path(scratch)
        shutil.copytree(EXAMPLE, folder / "example", ignore=shutil.ignore_patterns("__pycache__"))
        try:
            status = _tell(folder)
        except installation.CallbackNotFoundError as error:
            raise UsageError(str(error)) from error
    if args.copy_to is not None:
        print(f"\nThe project is in {args.copy_to}: broken/ and repaired/ differ in site.yml alone.")
    return status


def _tell(folder: Path) -> int:
    """The story; returns 0 when every step went as told."""
    broken, repaired = folder / "example" / "broken", folder / "example" / "repaired"
    print("A playbook starts a backup in the background (async: 120, poll: 0). Nothing ever comes back for it.\n")

    print("1. ansible-reap sees it without running anything:")
    options = ["--format", "text", "--color", "always" if _in_colour() else "never"]
    command = [sys.executable, "-m", "ansible_reap", "check", *options]
    check = _run(command, broken, installation.import_environment())
    _show("ansible-reap check", check, _without_advice(check.output))
    print()
    if not installation.has_ansible():
        print(_INSTALL.format(python=sys.executable))
        return 2

    print("2. Ansible alone calls the run green:")
    alone = _playbook(broken, folder, watched=False)
    _show("ansible-playbook site.yml", alone, _from_recap(alone.output))
    print(f"   Yet there is no backup: the job failed behind it, {BACKUP} was never made.\n")

    print("3. With the callback the same run ends red:")
    watched = _playbook(broken, folder, watched=True)
    _show(f"export ANSIBLE_CALLBACKS_ENABLED={installation.FULL_NAME}", None, "")
    _show("ansible-playbook site.yml", watched, _from_recap(watched.output))
    print()

    print("4. Repaired (a folder for the backup, and a task that waits for the job) it is green, and true:")
    mended = _playbook(repaired, folder, watched=True)
    _show("ansible-playbook site.yml", mended, _from_recap(mended.output))
    print("\nNow your own project: 'ansible-reap check' runs nothing of it, and 'check --fix' writes such waits.")
    made = (repaired / BACKUP).is_dir()
    as_told = (check.status, alone.status, watched.status, mended.status, made) == (1, 0, 2, 0, True)
    if not as_told:
        print("This is not how the story goes: 'ansible-reap doctor' says what is wrong with this installation.")
    return 0 if as_told else 1


def _playbook(project: Path, folder: Path, *, watched: bool) -> Step:
    scratch = {"ANSIBLE_ASYNC_DIR": str(folder / "async")}
    if watched:
        scratch |= {
            **installation.callback_environment(),
            "ASYNC_REAPER_HISTORY": "",
            "ASYNC_REAPER_LEDGER_DIR": str(folder / "ledger"),
        }
    if _in_colour():
        scratch["ANSIBLE_FORCE_COLOR"] = "1"
    return _run([*installation.ansible_command("playbook"), "site.yml"], project, scratch)


def _run(command: Sequence[str], project: Path, variables: dict[str, str]) -> Step:
    """Run a command in a project, with none of the user's own Ansible settings in the way."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ASYNC_REAPER_"))}
    try:
        reply = subprocess.run(
            command,
            cwd=project,
            env={**kept, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"'{' '.join(command)}' did not end within {_TIMEOUT} s") from error
    return Step(reply.stdout, reply.returncode)


def _show(command: str, step: Step | None, output: str) -> None:
    """Print a command with the part of its output that matters and its exit status."""
    print(f"   $ {command}")
    for line in output.strip("\n").splitlines():
        print(f"   {line}".rstrip())
    if step is not None:
        print(f"   exit status {step.status}")


def _from_recap(output: str) -> str:
    """The end of a run's output: from the first recap on, headings cut to 80 columns."""
    lines = output.splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"(PLAY|ASYNC) RECAP\b", _COLOUR.sub("", line))]
    if not starts:
        return output  # it never came so far: all of it says why
    return "\n".join(re.sub(r"\*{20,}", "*" * 20, line).rstrip() for line in lines[starts[0] :] if line.strip())


def _without_advice(output: str) -> str:
    """The findings without what they propose to write: the repaired twin has such a wait.

    The advice stands at the end of a finding, and an empty line ends that.
    """
    shown: list[str] = []
    in_advice = False
    for line in output.splitlines():
        if not line:
            in_advice = False
        elif in_advice or re.match(r" +(by way of|--fix:|write:)", _COLOUR.sub("", line)):
            in_advice = True
        else:
            shown.append(line)
    return "\n".join(shown)


def _in_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
