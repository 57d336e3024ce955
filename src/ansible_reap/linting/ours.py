"""Which files of a project are its own: those that git does not ignore."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from ansible_reap.linting import git

SECONDS = 10
"""Seconds that git may take; without an answer no file counts as ignored."""

HERE = "./"
"""Put before each path: git takes a colon at the start of a name for the start of its own pathspec syntax."""

LINT_CACHE = ".ansible/"
INSTALLED = tuple(f"{LINT_CACHE}{part}/" for part in ("roles", "collections", "modules"))
"""Where ansible-lint installs things for itself at the root of a project. Newer versions let git ignore them."""


def ignored_by_git(root: Path, paths: Collection[str]) -> frozenset[str]:
    """Those of the paths (relative to the root) that git ignores, or that lie in ansible-lint's own cache.

    A file that is tracked is not ignored, whatever the patterns say. Outside a repository only the cache counts, and
    nothing where git gives no answer: whoever sent us the project may be the reason.
    """
    cached = frozenset(path for path in paths if path.startswith(INSTALLED))
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return cached
    asked = b"".join(os.fsencode(f"{HERE}{path}") + b"\0" for path in sorted(paths))
    try:
        answer = git.ask(root, "check-ignore", "-z", "--stdin", feed=asked, seconds=SECONDS)
        if cached:
            tracked = git.ask(root, "ls-files", "-z", "--", LINT_CACHE, seconds=SECONDS)
            cached -= {os.fsdecode(path) for path in tracked.split(b"\0")}
    except git.GitError:
        return frozenset()
    return cached | {os.fsdecode(path).removeprefix(HERE) for path in answer.split(b"\0") if path}
