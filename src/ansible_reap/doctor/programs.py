"""Programs on PATH and the Python environments that they run in."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_reap.records import dataclass

PROBES = Path(__file__).parent / "probes"
TIMEOUT = 120
"""Seconds after which a program that should answer in two is given up."""


class ProbeError(Exception):
    """A program that does not answer; the message is one line."""


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program on PATH; ``python`` is the interpreter that runs it."""

    path: Path
    python: str

    @property
    def is_ours(self) -> bool:
        """True where it runs in the environment that this process runs in."""
        return _prefix(self.python) == Path(sys.prefix).resolve()

    @property
    def pip_install(self) -> str:
        return f"{self.python} -m pip install"


def find(name: str) -> Program | None:
    """The program on PATH with its interpreter, or None where there is none. Raises ProbeError for other scripts."""
    path = shutil.which(name)
    if path is not None and "shims" in Path(path).parts and shutil.which("pyenv"):
        reply = run(["pyenv", "which", name])
        path = reply.stdout.strip() if reply.returncode == 0 else None
    if path is None:
        return None
    python = _interpreter(Path(path))
    if python is None or not Path(python).name.startswith(("python", "pypy")):
        raise ProbeError(f"{path}: not a Python script, so its environment cannot be told; look at it by hand")
    return Program(Path(path), python)


def _interpreter(script: Path) -> str | None:
    """What a console script starts with: ``#!PYTHON``, or pip's two lines for paths with blanks or beyond 127 bytes."""
    lines = script.read_bytes()[:4096].decode(errors="replace").splitlines()[:2]
    if not lines or not lines[0].startswith("#!"):
        return None
    words = lines[0][2:].split()
    if words[:1] == ["/bin/sh"] and len(lines) > 1 and lines[1].startswith("'''exec'"):
        words = shlex.split(lines[1].removeprefix("'''exec'"))
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-")]
    return (shutil.which(words[0]) or words[0]) if words else None


def _prefix(python: str) -> Path:
    """The environment of an interpreter: the folder above its ``bin``, symlinks in the folder's own path resolved."""
    return Path(python).parent.resolve().parent


def ask(program: Program, probe: str) -> dict[str, Any]:
    """Run a probe with the program's interpreter in the working folder. Raises ProbeError."""
    reply = run([program.python, str(PROBES / f"{probe}.py")])
    try:
        answer = json.loads(reply.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (reply.stderr or reply.stdout).strip().splitlines()[-1:] or ["no answer"]
        raise ProbeError(f"{program.path}: does not work: {last[0]}") from None
    return dict(answer)


def run(command: Sequence[str], variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in the working folder, with the user's own environment. Raises ProbeError when it does not end."""
    try:
        return subprocess.run(
            command,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProbeError(f"{command[0]}: does not work: {error}") from error


@contextmanager
def bad_example() -> Iterator[Path]:
    """A playbook whose job nobody reaps, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="ansible-reap-doctor-") as folder:
        playbook = Path(folder) / "playbooks" / "unreaped.yml"
        playbook.parent.mkdir()
        tasks = "[{name: Start a job, ansible.builtin.command: 'true', async: 10, poll: 0, changed_when: false}]"
        playbook.write_text(
            f"---\n- {{name: Leave a job behind, hosts: localhost, gather_facts: false, tasks: {tasks}}}\n", "utf-8"
        )
        yield playbook
