"""``check --diff-base REF``: what a change brings, by checking the project as it is and as it was.

A finding is reported where the earlier state of the project does not have it, whichever file the change is in, and
where its task is among the changed lines. Lines that merely moved are followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ansible_reap.checks.finding import Finding
from ansible_reap.linting import git
from ansible_reap.linting.moved_lines import moved
from ansible_reap.linting.outcome import Outcome
from ansible_reap.reading import MAX_CONTENT
from ansible_reap.records import dataclass

Lint = Callable[[Mapping[str, bytes | None]], Outcome]

_DIFF = (
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=dirty",
    "--relative",
    "--name-status",
    "-z",
    "-M",
)


class ChangesError(Exception):
    """The changes cannot be worked out; the message is one line."""


@dataclass(frozen=True, slots=True)
class Before:
    """The files that differ from an earlier commit, by path relative to the root, as they were then."""

    files: Mapping[str, bytes | None]
    """None: not there then."""
    names: Mapping[str, str]
    """Of a renamed file, the name it had."""


def since(root: Path, ref: str) -> Before:
    """What differs from where ``ref`` and HEAD parted, changes that are not committed included. Raises ChangesError."""
    try:
        return _since(root, ref)
    except git.GitError as error:
        raise ChangesError(str(error)) from error


def _since(root: Path, ref: str) -> Before:
    commit = _commit(root, ref)
    fields = git.ask_of_files(root, *_DIFF, commit, "--", ".").split(b"\0")[:-1]
    names: dict[str, str] = {}
    old: set[str] = set()
    new: set[str] = set()
    at = 0
    while at < len(fields):
        status = fields[at][:1]
        is_pair = status in (b"R", b"C")
        before, after = os.fsdecode(fields[at + 1]), os.fsdecode(fields[at + 2 if is_pair else at + 1])
        at += 3 if is_pair else 2
        if is_pair:
            names[after] = before
        if status != b"A":
            old.add(before)
        new.add(after)
    untracked = git.ask(root, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")[:-1]
    new.update(map(os.fsdecode, untracked))
    for path in [each for each in new if (root / each).is_dir()]:  # another commit of a submodule: all of it is new
        new.update(_files_below(root, path.rstrip("/")))
    files: dict[str, bytes | None] = dict.fromkeys(sorted(new - old))
    return Before(files | _contents(root, commit, sorted(old)), names)


def _files_below(root: Path, folder: str) -> Iterator[str]:
    """The files of a folder that is a repository of its own, by path relative to the root."""
    for at, folders, names in os.walk(root / folder):
        folders[:] = [name for name in folders if name != ".git"]
        yield from ((Path(at) / name).relative_to(root).as_posix() for name in names)


def _commit(root: Path, ref: str) -> str:
    """The commit at which ``ref`` and HEAD parted; ``ref`` itself where no history tells."""
    git.ask(root, "rev-parse", "--git-dir")
    base = _answer(root, "merge-base", "HEAD", "--", ref)
    base = base or _answer(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if not base:
        raise ChangesError(f"no commit '{ref}' in this repository; a shallow clone has to fetch it first")
    return base


def _answer(root: Path, *arguments: str) -> str:
    try:
        return git.ask(root, *arguments).decode().strip()
    except git.GitError:
        return ""


def _contents(root: Path, commit: str, paths: list[str]) -> dict[str, bytes | None]:
    """The files as they were in the commit; a file above the size limit of content has no old text."""
    asked = [path for path in paths if "\n" not in path]  # git takes a list of names, one a line
    sizes = git.ask(root, "cat-file", "--batch-check", feed=_objects(commit, asked)).split(b"\n")[:-1]
    found: dict[str, bytes | None] = dict.fromkeys(asked)
    wanted = []
    for path, line in zip(asked, sizes, strict=True):
        is_blob = re.fullmatch(rb"[0-9a-f]+ blob (\d+)", line)
        if is_blob and int(is_blob[1]) <= MAX_CONTENT:
            wanted.append(path)
    data = git.ask(root, "cat-file", "--batch", feed=_objects(commit, wanted))
    at = 0
    for path in wanted:
        end = data.index(b"\n", at)
        size = int(data[at:end].split()[-1])
        found[path] = data[end + 1 : end + 1 + size]
        at = end + size + 2
    for path in (path for path in paths if "\n" in path):
        name = f"{commit}:./{path}"
        is_read = int(git.ask(root, "cat-file", "-s", name)) <= MAX_CONTENT
        found[path] = git.ask(root, "cat-file", "blob", name) if is_read else None
    return found


def _objects(commit: str, paths: Iterable[str]) -> bytes:
    return os.fsencode("".join(f"{commit}:./{path}\n" for path in paths))


class Changes:
    """Picks what is new in an outcome. The earlier state of the project is checked once, when it is first needed."""

    def __init__(self, root: Path, ref: str, lint: Lint) -> None:
        """Raises ChangesError."""
        self._root = root
        self._before = since(root, ref)
        self._lint = lint
        self._known: set[tuple[str, str, int]] | None = None
        self._broken: set[str] = set()

    def narrow(self, outcome: Outcome, unsaved: Mapping[str, bytes | None]) -> Outcome:
        """The outcome with only what is new; errors in unchanged files that the earlier state had too are left out."""
        known = self._known_before()
        lines: dict[str, _Lines] = {}

        def is_new(finding: Finding) -> bool:
            path = finding.place.path
            if path not in lines:
                lines[path] = self._lines(path, unsaved)
            was = lines[path].before(finding.place.line)
            if was is None or (finding.tag, self._before.names.get(path, path), was) not in known:
                return True
            return lines[path].has_changed(finding.place.line, max(finding.end_line, finding.place.line))

        return outcome._replace(
            findings=tuple(filter(is_new, outcome.findings)),
            warnings=tuple(filter(is_new, outcome.warnings)),
            errors=tuple(
                error
                for error in outcome.errors
                if error.path in self._before.files or error.path in unsaved or error.path not in self._broken
            ),
        )

    def _known_before(self) -> set[tuple[str, str, int]]:
        if self._known is None:
            then = self._lint(self._before.files)
            self._known = {(each.tag, each.place.path, each.place.line) for each in (*then.findings, *then.warnings)}
            self._broken = {error.path for error in then.errors}
        return self._known

    def _lines(self, path: str, unsaved: Mapping[str, bytes | None]) -> _Lines:
        name = self._before.names.get(path, path)
        if path in unsaved:
            now = unsaved[path]
        elif path in self._before.files:
            now = (self._root / path).read_bytes()
        else:
            return _Lines(None)
        old = self._before.files.get(name, (self._root / name).read_bytes() if name not in self._before.files else None)
        return _Lines([(old or b"").splitlines(), (now or b"").splitlines()])


class _Lines:
    """Which line of a file was which before; ``texts`` are both as lines, None where nothing changed."""

    def __init__(self, texts: Iterable[list[bytes]] | None) -> None:
        self._old: dict[int, int] | None = None
        if texts is not None:
            before, after = texts
            self._old = {new + 1: old + 1 for new, old in moved(before, after).items()}

    def before(self, line: int) -> int | None:
        """The line (from 1) that it was; None for one that is new or different."""
        return line if self._old is None else self._old.get(line)

    def has_changed(self, first: int, last: int) -> bool:
        return self._old is not None and any(line not in self._old for line in range(first, last + 1))
