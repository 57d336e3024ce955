"""Which jobs the callback leaves alone, and which it knows: the option ``ignore`` and the file that it may name.

An entry is one or more terms such as ``path:roles/db/tasks/main.yml & task:Start the backup``, each with a glob. One in
the option itself leaves the job alone. One in the file makes it known: it is looked at and listed, and fails nothing.
Neither has a line number, so that entries survive moved lines.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple, Protocol

import yaml

from ansible_reap.jobs import JobState, SeenBy
from ansible_reap.reading import MAX_SETTINGS, SourceError, read, text_of
from ansible_reap.records import dataclass, field
from ansible_reap.runtime.tracking.tracker import JobRecord

IGNORE_FILE = ".ansible-reap-ignore"
"""Where ``ansible-reap report --generate-ignore`` keeps the known offenders, at the project's root."""

SUBJECTS = ("task", "role", "path", "host")

_HEADER = "# Jobs that nobody answers for yet. The callback lists them without failing; new ones fail.\n"
_AND = re.compile(r"\s&\s")
_COMMENT = re.compile(r"(^|\s)#.*")
_BRACKETED = re.compile(r"\[([^\]!]|\])\]")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Named(Protocol):
    """What tells which launch a job is of: a ``JobInfo``, or a job of a report."""

    @property
    def task(self) -> str: ...
    @property
    def role(self) -> str | None: ...
    @property
    def path(self) -> str: ...
    @property
    def host(self) -> str: ...


class Term(NamedTuple):
    """One thing about a job, and the glob that it must match."""

    subject: str
    glob: str


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """Jobs of which every term holds."""

    terms: tuple[Term, ...]

    def covers(self, job: Named, path: str | None = None) -> bool:
        """Whether the rule is about this job; ``path`` stands for the job's own where it is told otherwise there."""
        values = {"task": job.task, "role": job.role, "path": job.path if path is None else path, "host": job.host}
        return all((value := values[term.subject]) is not None and fnmatchcase(value, term.glob) for term in self.terms)

    def literal(self, subject: str) -> str | None:
        """What the subject must be, where the rule leaves no choice."""
        glob = next((term.glob for term in self.terms if term.subject == subject), None)
        if glob is None or set(_BRACKETED.sub("", glob)) & set("*?["):
            return None
        return _BRACKETED.sub(r"\1", glob)


def parse_rule(text: str) -> IgnoreRule | None:
    """An entry such as ``task:Start*`` or ``path:site.yml & task:Start*``; None where it is none."""
    terms = []
    for part in _AND.split(text.strip()):
        subject, colon, glob = part.partition(":")
        if not colon or subject.strip() not in SUBJECTS or not glob.strip():
            return None
        terms.append(Term(subject.strip(), glob.strip()))
    return IgnoreRule(tuple(terms))


def literal_glob(text: str) -> str:
    """A glob that matches this text, and that an entry can hold."""
    inner = "".join(f"[{sign}]" if sign in "*?[&#" else sign if sign.isprintable() else "?" for sign in text)
    return re.sub(r"^\s|\s$", "?", inner)


class KnownEntry(NamedTuple):
    """One line of the file."""

    rule: IgnoreRule
    line: int


@dataclass(slots=True)
class KnownJobs:
    """The entries of one ignore file; paths in it are relative to its own folder."""

    name: str = ""
    folder: str = ""
    base: str = ""
    """The folder to which jobs tell their paths: the root of the project."""
    entries: tuple[KnownEntry, ...] = ()
    _found: dict[tuple[str, str, str | None, str], KnownEntry | None] = field(default_factory=dict)

    def entry(self, job: Named) -> KnownEntry | None:
        """The entry that is about the job; None where it is not known."""
        if not self.entries:
            return None
        key = (job.path, job.task, job.role, job.host)
        if key not in self._found:
            path = self.path_of(job.path)
            self._found[key] = next((entry for entry in self.entries if entry.rule.covers(job, path)), None)
        return self._found[key]

    def path_of(self, path: str) -> str:
        """A job's path as the file tells it: relative to the file's folder where it lies below it, else absolute."""
        full = os.path.normpath(Path(self.base) / path)
        for file, folder in ((full, self.folder), (os.path.realpath(full), os.path.realpath(self.folder))):
            if file.startswith(folder.rstrip(os.sep) + os.sep):
                return Path(file).relative_to(folder).as_posix()
        return full

    def stale(self, jobs: Iterable[JobRecord]) -> Iterator[str]:
        """``NAME:LINE: why`` for each entry that can go, as far as one run and the files tell."""
        answered: dict[int, bool] = {}
        for job in jobs:
            entry = self.entry(job.info)
            if entry is not None and job.info.poll == 0:
                answered[entry.line] = answered.get(entry.line, True) and _is_answered(job)
        yield from self.stale_lines(answered)

    def stale_lines(self, answered: dict[int, bool]) -> Iterator[str]:
        """The same, given for the lines that were met whether all of their jobs were answered for."""
        for entry in self.entries:
            why = "its jobs were answered for" if answered.get(entry.line) else ""
            if entry.line not in answered:
                why = _why_gone(entry.rule, self.folder)
            if why:
                yield f"{self.name}:{entry.line}: {why}"


def _is_answered(job: JobRecord) -> bool:
    """The playbook itself came for the job, or says why nobody does."""
    if job.state is JobState.DETACHED:
        return True
    return job.seen_by is SeenBy.PLAYBOOK and not job.swallowed


def _why_gone(rule: IgnoreRule, folder: str) -> str:
    """Why the entry can be about nothing any more; empty where it can."""
    path, task = rule.literal("path"), rule.literal("task")
    if path is None:
        return ""
    file = Path(folder) / path
    if not file.is_file():
        return "its file is gone"
    if task is None:
        return ""
    try:
        words = set(_scalars(yaml.compose(text_of(read(file)), Loader=_LOADER)))
    except (SourceError, ValueError, yaml.YAMLError, RecursionError):
        return ""
    # A name with a template in it can come out as anything.
    may_be_there = task in words or any("{{" in word or "{%" in word for word in words)
    return "" if may_be_there else "no task there bears the name"


def _scalars(root: yaml.Node | None) -> Iterator[str]:
    """Task names, and the keys and words that name a task without one: its action."""
    todo = [] if root is None else [root]
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value in ("name", "action", "local_action") and isinstance(value, yaml.ScalarNode):
                    yield value.value
                    yield value.value.split(" ")[0]
                yield str(key.value)
                todo.append(value)


def load(names: Sequence[str], folders: Sequence[Path], base: str, warn: Callable[[str], None]) -> KnownJobs:
    """Read the file that the option names, from the first of the folders that has it.

    ``warn`` is called once for what cannot be used: a file that is not there, a second file, a line that is no entry.
    """
    if not names:
        return KnownJobs()
    if len(names) > 1:
        warn(f"async_reaper: ignore names more than one file; only '{names[0]}' is read.")
    path = Path(os.path.expandvars(names[0])).expanduser()
    found = next((file for folder in folders if (file := folder / path).is_file()), None)
    if found is None:
        where = "the file system" if path.is_absolute() else " or ".join(dict.fromkeys(map(str, folders)))
        warn(f"async_reaper: ignore: no file '{names[0]}' in {where}, so no job is known. Make it, or drop the entry.")
        return KnownJobs()
    try:
        text = text_of(read(found, MAX_SETTINGS))
    except SourceError as error:
        warn(f"async_reaper: ignore: {found} {error}, so no job is known.")
        return KnownJobs()
    return KnownJobs(names[0], str(found.absolute().parent), base, tuple(_entries(text, names[0], warn)))


def _entries(text: str, name: str, warn: Callable[[str], None]) -> Iterator[KnownEntry]:
    for number, line in enumerate(text.splitlines(), 1):
        entry = _COMMENT.sub("", line).strip()
        if not entry:
            continue
        rule = parse_rule(entry)
        if rule is None:
            warn(
                f"async_reaper: {name}:{number} is left out. "
                "An entry is 'path:GLOB & task:GLOB', or one of task:, role:, path: and host: alone."
            )
        else:
            yield KnownEntry(rule, number)


def merged(text: str, offenders: Iterable[tuple[str, str]]) -> tuple[str, int]:
    """The file's text with an entry for each (path glob, task name) that has none, and how many were added."""
    known = {_COMMENT.sub("", line).strip() for line in text.splitlines()}
    wanted = {f"path:{path} & task:{literal_glob(task)}" for path, task in offenders}
    added = sorted(wanted - known)
    if not added:
        return text, 0
    if not text:
        text = _HEADER
    elif not text.endswith("\n"):
        text += "\n"
    return text + "".join(f"{line}\n" for line in added), len(added)
