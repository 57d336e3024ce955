"""What happened in a run: from the status files, what the jobs said of themselves, and Ansible's events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from referee.controller import Ran
from referee.project import LABEL


@dataclass(frozen=True)
class Job:
    """One background job of a run."""

    jid: str
    label: str
    host: str
    """Where it ran."""
    items: tuple[str, ...]
    end: str
    """How its work ends by itself: ok, fail, long."""
    looks: int
    """How often its status was read."""
    waited: bool
    """Whether its status was read after it had ended."""
    cleaned: bool
    """Whether its status file was removed."""
    polled: bool
    """Whether Ansible itself waited for it, as its task has ``poll`` over 0: that is no launch."""

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """What is the same in every run of the same project with the same switches."""
        return self.label, self.host, self.items


@dataclass(frozen=True)
class Observation:
    """One run."""

    status: int | None
    jobs: tuple[Job, ...]
    failures: tuple[str, ...]
    """``HOST TASK: MESSAGE`` of each failure that was not ignored."""
    recap: dict[str, dict[str, int]] | None
    """Ansible's own counts by host; None where the run never came to its end."""
    course: Counter[tuple[str, str, str]]
    """``(host, task's place, event)`` of every result, without how often a wait looked."""
    our_failures: tuple[str, ...]
    """The same as ``failures`` for tasks that are not the project's."""

    @property
    def ordinary(self) -> bool:
        """Whether nothing failed."""
        return self.status == 0 and not self.failures and self.recap is not None

    def launched(self, label: str) -> list[Job]:
        """Jobs of the launch of this label, without those that Ansible itself polled."""
        return [job for job in self.jobs if job.label == label and not job.polled]

    def failed_hosts(self) -> set[str]:
        """Those that the recap counts a failure for."""
        return {host for host, counts in (self.recap or {}).items() if counts["failures"] or counts["unreachable"]}


def observe(ran: Ran, folder: str, ends: dict[str, str]) -> Observation:
    """Read what a run left. ``folder`` is the project's: tasks of other places are not its own."""
    labels = ran.labels()
    events = ran.events()
    tasks: dict[str, str] = {}
    for event in events:
        if event.get("job") and "task" in event:
            tasks.setdefault(event["job"], event["task"])  # the first to tell of a job is the task that launched it
    polled = {event["job"] for event in events if event["event"] == "polled"}
    jobs = []
    for jid, host, writes, looks, waited, cleaned in _status_files(ran):
        said = labels.get(jid.partition(".")[0], {})
        found = LABEL.search(tasks.get(jid, ""))
        label = said.get("label") or (found.group() if found else "")
        items = tuple(said.get("items", ()))
        end = ends.get(label, "ok")
        jobs.append(Job(jid, label, host, items, end, looks, waited and writes > 1, cleaned, jid in polled))
    recap = next((event["hosts"] for event in events if event["event"] == "stats"), None)
    course: Counter[tuple[str, str, str]] = Counter()
    failures: list[str] = []
    ours: list[str] = []
    for event in events:
        if "host" not in event:
            continue
        own = event["path"].startswith(f"{folder}/") and not event["task"].startswith("async_reaper : ")
        if event["event"] in ("failed", "unreachable"):
            (failures if own else ours).append(f"{event['host']} {event['task']}: {event['msg']}")
        # A file that includes itself until a job has ended goes round as often as that takes.
        if own and event["event"] != "retry" and "/again" not in event["path"]:
            place = event["path"].removeprefix(f"{folder}/")
            course[event["host"], f"{place} {event['task']}", event["event"]] += 1
    return Observation(ran.status, tuple(jobs), tuple(failures), recap, course, tuple(ours))


def _status_files(ran: Ran) -> list[tuple[str, str, int, int, bool, bool]]:
    """``(job id, host folder, writes, looks, looked at after the end, removed)`` of each job."""
    found: dict[str, dict[str, Any]] = {}
    for kind, host, jid in ran.looks():
        each = found.setdefault(jid, {"host": host, "writes": 0, "looks": 0, "waited": False, "cleaned": False})
        if kind == "written":
            each["writes"] += 1
        elif kind == "deleted":
            each["cleaned"] = True
        else:
            each["looks"] += 1
            each["waited"] |= each["writes"] > 1
    return [
        (jid, each["host"], each["writes"], each["looks"], each["waited"], each["cleaned"])
        for jid, each in found.items()
    ]
