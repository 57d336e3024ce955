"""The file of known jobs as a report's reader sees it: the problems of a run become entries, mended ones are named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ansible_reap import files
from ansible_reap.jobs import JobState, SeenBy
from ansible_reap.records import dataclass
from ansible_reap.reports.run_report import Report, ReportedJob
from ansible_reap.runtime.policy import known_jobs
from ansible_reap.runtime.policy.known_jobs import IGNORE_FILE, KnownJobs

_OUTSIDE = ("ansible_collections", "roles")
"""Folders whose contents have one name on every machine, wherever they are installed."""


@dataclass(frozen=True, slots=True)
class _Launch:
    """Which launch a reported job is of. A report does not tell the role."""

    task: str
    path: str
    """Relative to the project's root where the file is the project's, else absolute."""
    host: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class KnownFile:
    """``.ansible-reap-ignore`` at the root of a project."""

    root: Path

    @property
    def path(self) -> Path:
        return self.root / IGNORE_FILE

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    def add(self, report: Report) -> int:
        """Add the jobs that nobody answered for; how many entries are new. Raises OSError."""
        known = self._read()
        launches = (self._launch(job, report) for job in report.jobs if _is_offence(job))
        offenders = {(_glob(launch.path), launch.task) for launch in launches if known.entry(launch) is None}
        old = self.path.read_bytes().decode("utf-8") if self.exists else ""
        new, added = known_jobs.merged(old, offenders)
        if added:
            files.refuse_links(self.root, self.path)
            files.write(self.path, new, private=False)
        return added

    def stale(self, report: Report) -> Iterator[str]:
        """The entries whose jobs were answered for in this run, or whose task is gone: ``NAME:LINE: why``."""
        known = self._read()
        answered: dict[int, bool] = {}
        for job in report.jobs:
            entry = known.entry(self._launch(job, report))
            if entry is not None and not job.poll:
                answered[entry.line] = answered.get(entry.line, True) and _is_answered(job)
        return known.stale_lines(answered)

    def _read(self) -> KnownJobs:
        """What the file holds now; what it holds amiss is told by the callback and by ``doctor``."""
        names = [IGNORE_FILE] if self.exists else []
        return known_jobs.load(names, [self.root], str(self.root), lambda _: None)

    def _launch(self, job: ReportedJob, report: Report) -> _Launch:
        return _Launch(job.task, self._file(job, report), job.host)

    def _file(self, job: ReportedJob, report: Report) -> str:
        """The job's file in this project, wherever the run was made; a report tells it from the first playbook on."""
        if not job.path.startswith("/") and (self.root / job.path).is_file():
            return job.path
        # Of another checkout, or by a callback that told paths from the first playbook on.
        first = PurePosixPath(report.playbooks[0] if report.playbooks else "").parent
        path = PurePosixPath(os.path.normpath(first / job.path))
        if path.is_absolute() and path.is_relative_to(self.root):
            return str(path.relative_to(self.root))
        parts = path.parts[1:] if path.is_absolute() else path.parts
        ends = (PurePosixPath(*parts[start:]) for start in range(len(parts)))
        return str(next((end for end in ends if (self.root / end).is_file()), path))


def _glob(path: str) -> str:
    """The file as an entry names it."""
    if not path.startswith("/"):
        return known_jobs.literal_glob(path)
    parts = PurePosixPath(path).parts
    marker = next((name for name in _OUTSIDE if name in parts), None)
    if marker is None:
        return known_jobs.literal_glob(path)
    return "*/" + known_jobs.literal_glob("/".join(parts[parts.index(marker) :]))


def _is_offence(job: ReportedJob) -> bool:
    """Nobody answered for it, or its failure was let go. One that failed the play by itself has been answered for."""
    return job.is_problem and not job.poll and not _is_answered(job)


def _is_answered(job: ReportedJob) -> bool:
    """The playbook itself came for the job, or says why nobody does."""
    if job.state is JobState.DETACHED:
        return True
    return job.seen_by is SeenBy.PLAYBOOK and not job.swallowed
