"""The names that launches have in the history, for jobs of the ledger and of the run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ansible_reap.history.identity import Identity, Site, collection_of, locate, project_name, sites
from ansible_reap.project_root import find_root
from ansible_reap.reading import SourceError, read
from ansible_reap.runtime.tracking.display_text import masked
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite


class LaunchNames:
    """Names launches as the checks do: by the file as it stands, read once."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._root = find_root(base)
        self._collection = collection_of(self._root)
        self.project = project_name(self._root)
        self._sites = cache(self._read)

    def of(self, job: JobInfo | LaunchSite) -> Identity:
        path = str(self._base / job.path)
        site = self._sites(path).get(job.line)
        where = locate(path, str(self._root), self._collection)
        # The name as written: the one that Ansible tells has its templates filled in, and may differ in every run.
        return Identity(where, site.task, site.position) if site else Identity(where, masked(job.task))

    @staticmethod
    def _read(path: str) -> dict[int, Site]:
        try:
            text = read(path).decode("utf-8", "replace")
        except SourceError:
            return {}
        return {site.line: site for site in sites(text)}
