"""git used for reading only: it starts no program that a repository names, contacts no server and writes nothing.

A project may come with its own ``.git``, as an archive does, and so with settings that name programs: filters, hooks,
a file system monitor, a command for a remote from which missing objects are fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

SECONDS = 60
"""How long one call may take."""

_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "diff.external": "",
    "diff.autoRefreshIndex": "false",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
}
_ENVIRONMENT = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
_FILTER = ("clean", "smudge", "process")


class GitError(Exception):
    """git failed or could not be run; the message is one line."""


def ask(root: Path, *arguments: str, feed: bytes = b"", seconds: float = SECONDS) -> bytes:
    """What git prints for this folder. Status 1 is an answer too ("no such commit"); raises GitError for others."""
    return _run(root, _SETTINGS, arguments, feed, seconds)


def ask_of_files(root: Path, *arguments: str) -> bytes:
    """The same for a command that reads files of the work tree: they go through no filter."""
    settings = dict(_SETTINGS)
    listed = ask(root, "config", "--null", "--name-only", "--get-regexp", r"^filter\.")
    for name in {key.decode("utf-8", "surrogateescape").rpartition(".")[0] for key in listed.split(b"\0") if key}:
        if "=" in name:
            raise GitError(f"{name!a} in the settings of this repository cannot be switched off")
        settings |= {f"{name}.{part}": "" for part in _FILTER} | {f"{name}.required": "false"}
    return _run(root, settings, arguments, b"", SECONDS)


def _run(root: Path, settings: Mapping[str, str], arguments: tuple[str, ...], feed: bytes, seconds: float) -> bytes:
    import subprocess  # noqa: PLC0415 - many projects have no .git, and every check would wait for the import

    bare = next((folder for folder in _up_to_the_top(root) if _looks_bare(folder)), None)
    if bare is not None:
        raise GitError(f"{bare.name!a} looks like a repository itself, and its settings would be taken")
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # The variables that git sets for a hook are about another folder; settings in variables are the user's own.
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
    }
    try:
        reply = subprocess.run(
            ["git", *options, "-C", str(root), *arguments],
            input=feed,
            env={**kept, **_ENVIRONMENT},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} does not end") from error
    except (OSError, ValueError) as error:
        raise GitError(f"git cannot be started: {getattr(error, 'strerror', None) or error}") from error
    if reply.returncode not in (0, 1):
        lines = reply.stderr.decode(errors="replace").strip().splitlines() or [f"git {arguments[0]} failed"]
        raise GitError(lines[0].removeprefix("fatal: "))
    return reply.stdout


def _up_to_the_top(root: Path) -> Iterator[Path]:
    """The folders in which git would look for a repository, up to the one that has it."""
    for folder in (root, *root.parents):
        yield folder
        if (folder / ".git").exists():
            return


def _looks_bare(folder: Path) -> bool:
    """Whether git would take the folder itself for a repository without a work tree, as files in a project can have it.

    From git 2.38 on ``safe.bareRepository`` keeps it from that.
    """
    return (folder / "HEAD").exists() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
