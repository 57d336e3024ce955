"""The virtual environments that ``tools/envs.py`` made, and which of them this test run uses.

``ANSIBLE_REAP_CORES`` says which ansible-core versions: ``ends`` (default: the oldest and the newest that are there;
most scenarios run on one of them, in turns), ``all``, or a list as in ``2.16,2.21``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORTED_CORES = ("2.16", "2.17", "2.18", "2.19", "2.20", "2.21", "2.22")


def envs_root() -> Path:
    return Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")


def environment(name: str) -> Path | None:
    """The folder of an environment (``dev``, ``lint``, ``core-2.21``), or None where it was not made."""
    folder = envs_root() / name
    return folder if (folder / "bin" / "python").exists() else None


def program(name: str, command: str) -> Path:
    """A command of an environment, as in ``program("core-2.21", "ansible-playbook")``."""
    return envs_root() / name / "bin" / command


def present_cores() -> list[str]:
    """The supported ansible-core versions that have an environment, oldest first."""
    return [version for version in SUPPORTED_CORES if environment(f"core-{version}")]


def chosen_cores() -> list[str]:
    """The ansible-core versions that this run tests on, oldest first; parametrize scenario tests with it."""
    present = present_cores()
    wanted = os.environ.get("ANSIBLE_REAP_CORES", "ends")
    if wanted == "all":
        return present
    if wanted == "ends":
        return list(dict.fromkeys([*present[:1], *present[-1:]]))
    return [version for version in present if version in wanted.replace(" ", ",").split(",")]


def versions_take_turns() -> bool:
    """Whether most scenarios run on one version each, in turns: where nobody has said which versions it shall be."""
    return os.environ.get("ANSIBLE_REAP_CORES", "ends") == "ends"


def side_cores() -> list[str]:
    """The versions for tests of lesser weight: all of them in a matrix, else the newest alone."""
    chosen = chosen_cores()
    return chosen if os.environ.get("ANSIBLE_REAP_CORES") == "all" else chosen[-1:]


def old_cores() -> list[str]:
    """The versions for tests of what only older ones do: all of them in a matrix, else the oldest alone."""
    chosen = chosen_cores()
    return chosen if os.environ.get("ANSIBLE_REAP_CORES") == "all" else chosen[:1]


def summary() -> str:
    """One line for the end of a test run: which versions it tested, which it did not and why."""
    chosen, present = chosen_cores(), present_cores()
    parts = [f"tested on ansible-core {', '.join(chosen) or 'no version at all'}"]
    absent = [version for version in SUPPORTED_CORES if version not in present]
    if absent:
        parts.append(f"NOT TESTED, no environment ('make matrix' makes what a Python here fits): {', '.join(absent)}")
    left_out = [version for version in present if version not in chosen]
    if left_out:
        parts.append(f"not in this run ('make matrix' has them): {', '.join(left_out)}")
    return "; ".join(parts)


def copy_repository(target: Path) -> None:
    """Copy this source tree, as git would see it, into a new folder; symlinks stay symlinks."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, check=True, capture_output=True, text=True).stdout.strip("\0").split("\0"):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
