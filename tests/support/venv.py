"""A virtual environment with our wheel in it, and commands run there as a new user would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_FOREIGN = ("ANSIBLE", "ASYNC_REAPER", "PYTHON", "PIP_", "VIRTUAL_ENV", "PYTEST", "NO_COLOR", "FORCE_COLOR")


Once = Callable[[str, Callable[[Path], None]], Path]
"""``once(name, fill)``: a folder that ``fill`` makes for all workers of a test run."""


@dataclass(frozen=True)
class Dist:
    """What ``make build`` yields."""

    wheel: Path
    sdist: Path


@dataclass(frozen=True)
class Venv:
    """One virtual environment."""

    folder: Path

    def program(self, name: str) -> Path:
        return self.folder / "bin" / name

    def run(
        self,
        program: str,
        *arguments: str | Path,
        cwd: Path,
        variables: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment in ``cwd``, which is HOME too: no settings but those put there."""
        return subprocess.run(
            [str(self.program(program)), *map(str, arguments)],
            cwd=cwd,
            env={**clean_environment(cwd), "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def copy_venv(source: Path, folder: Path) -> None:
    """Copy a virtual environment, which takes a tenth of what pip takes. Its commands name their Python by its path."""
    shutil.copytree(source, folder, symlinks=True)
    old, new = os.fsencode(source.absolute()), os.fsencode(folder)
    for command in (folder / "bin").iterdir():
        if not command.is_symlink() and old in (text := command.read_bytes()):
            command.write_bytes(text.replace(old, new))


def shell(script: str, cwd: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as a reader types it: one bash, standard error among the output."""
    return subprocess.run(
        ["bash", "-c", script],
        cwd=cwd,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def clean_environment(home: Path) -> dict[str, str]:
    """The process's environment without what would lead a program to this source tree or to its user's settings."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)},
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_STATE_HOME": str(home / ".local"),
        # A HOME that is not the one in the password file: async_status would look in the latter.
        "ANSIBLE_ASYNC_DIR": str(home / ".ansible_async"),
    }
