"""What killed runs left on a host, as their ledgers tell it, and the closing of what is accounted for. Pure.

A job is known here by its host and its id. A host chooses its ids, so one that lies may name those of others.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ansible_reap.jobs import JobState
from ansible_reap.records import dataclass, field, replace
from ansible_reap.runtime.events.replies import job_id
from ansible_reap.runtime.ledger.lines import Answer, Closing, Intent, LineError
from ansible_reap.runtime.ledger.reader import RunLedger, read_file
from ansible_reap.runtime.ledger.writer import append
from ansible_reap.runtime.remote.waiting import Waited
from ansible_reap.runtime.tracking.info import LOCAL_CONNECTIONS, Access, JobInfo

JOB_ID = re.compile(r"j?\d+\.\d+")
"""What ansible-core 2.16 to 2.22 calls a status file: the launcher's random number and the wrapper's pid."""
MOST_FILES = 10_000
"""Files of one folder that are looked at."""
LATEST = 10**11
"""Seconds since the epoch above which no time is believed."""
EARLY, LATE = 5.0, 600.0
"""Seconds around an intent in which its jobs may have been started: clocks are read to the second, and a worker that
outlives its controller may hang on a slow connection for a while."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What ended runs have not accounted for on one host.

    ``named`` are the ids of this host's jobs in all ledgers, and ``by_machine`` those of any host's jobs by the machine
    that they are on. ``machine_of`` gives the machine of a host.
    """

    host: str
    ledgers: tuple[RunLedger, ...]
    named: frozenset[str]
    by_machine: Mapping[str, frozenset[str]] = field(default_factory=dict)
    machine_of: Callable[[str], str] = str

    @property
    def jobs(self) -> list[JobInfo]:
        """The jobs that were launched on the host and are not accounted for."""
        return [job for ledger in self.ledgers for job in ledger.launches if job.host == self.host]

    @property
    def intents(self) -> list[Intent]:
        """The launching tasks on which the host has never reported."""
        return [intent for ledger in self.ledgers for intent in ledger.intents if intent.host == self.host]

    def folders(self) -> dict[Access, list[Intent]]:
        """The intents by the account and folder in which their jobs would be, however much else they differ in."""
        found: dict[Access, list[Intent]] = {}
        for intent in self.intents:
            found.setdefault(intent.site.access, []).append(intent)
        return found

    def named_at(self, access: Access) -> frozenset[str]:
        """The ids of the jobs that a ledger names and whose files may be in the folder to which this leads."""
        return self.named | self.by_machine.get(machine(self.host, access, self.machine_of), frozenset())


@dataclass(frozen=True, slots=True)
class StatusFile:
    """A file in a folder of jobs. ``changed`` is seconds since the epoch, by the controller's clock."""

    name: str
    path: str
    changed: float


def leftovers(ledgers: Sequence[RunLedger], host: str, machine_of: Callable[[str], str] = str) -> Leftovers:
    """What is left on a host; runs that are still going keep their own.

    ``machine_of`` says by the inventory on which machine a host is, for several may be on one; a host has no say in it.
    """
    ended = tuple(ledger for ledger in ledgers if not ledger.alive)
    named = [job for ledger in ledgers for job in ledger.named]
    by_machine: dict[str, set[str]] = {}
    for job in named:
        by_machine.setdefault(machine(job.host, job.access, machine_of), set()).add(job.jid)
    return Leftovers(
        host,
        ended,
        frozenset(job.jid for job in named if job.host == host),
        {machine: frozenset(jids) for machine, jids in by_machine.items()},
        machine_of,
    )


def strangers(ledgers: Iterable[RunLedger], hosts: Iterable[str]) -> dict[str, int]:
    """Hosts that an inventory does not have, and how many outstanding jobs each has."""
    known = set(hosts)
    found: dict[str, int] = {}
    for ledger in ledgers:
        for job in () if ledger.alive else ledger.launches:
            if job.host not in known:
                found[job.host] = found.get(job.host, 0) + 1
    return found


def unclaimed(files: Iterable[StatusFile], intents: Sequence[Intent], named: frozenset[str]) -> list[JobInfo]:
    """The jobs that these intents may have started and that no ledger names, each told by its status file."""
    found = []
    for file in files:
        if file.name in named or not JOB_ID.fullmatch(file.name):
            continue
        # A status file is written when the job starts and again when it ends.
        before = [intent for intent in intents if intent.when - EARLY <= file.changed <= _latest(intent)]
        if before:
            intent = max(before, key=lambda one: one.when)
            found.append(
                JobInfo(
                    jid=file.name,
                    host=intent.host,
                    site=intent.site,
                    item=None,
                    launched=intent.when,
                )
            )
    return found


def status_files(answer: Mapping[str, object], clock_offset: float) -> list[StatusFile]:
    """The files that ``ansible.builtin.find`` has found; ``clock_offset`` is the host's clock less ours, in seconds.

    What is no file as that module tells of it is left out, and so is what goes beyond ``MOST_FILES``.
    """
    found = answer.get("files")
    files = []
    for file in found[:MOST_FILES] if isinstance(found, list | tuple) else []:
        path, changed = (file.get("path"), file.get("mtime")) if isinstance(file, Mapping) else (None, None)
        name = job_id(path)
        if isinstance(path, str) and name and isinstance(changed, int | float) and 0 <= changed <= LATEST:
            files.append(StatusFile(name, path, changed - clock_offset))
    return files


def without_closed(left: Leftovers, waited: Sequence[Waited]) -> list[Waited]:
    """Those that nobody else has accounted for: of a job that cannot be found its ledger may know more by now."""
    lost = {one.job.info.jid for one in waited if one.job.state is JobState.LOST and one.job.info.host == left.host}
    closed: set[str] = set()
    for ledger in left.ledgers:
        jids = lost.intersection(job.jid for job in ledger.launches if job.host == left.host)
        if jids:
            closed |= jids.difference(_still_open(ledger))
    return [one for one in waited if one.job.info.host != left.host or one.job.info.jid not in closed]


def close(left: Leftovers, waited: Iterable[Waited], looked_into: Iterable[Intent], warn: Callable[[str], None]) -> int:
    """Write down what is accounted for, and remove the ledgers of which nothing is left; returns how many were closed.

    ``looked_into`` are the intents whose folder was searched, and of which nothing is running any more. One of a run
    that still has a worker stays: that worker may yet start a job.
    """
    ended = {one.job.info.jid: one.job.state for one in waited if one.has_ended and one.job.info.host == left.host}
    searched = {(intent.key, intent.host, intent.when) for intent in looked_into}
    closed = 0
    for ledger in left.ledgers:
        records: list[Closing | Answer] = [
            Closing(job.jid, ended[job.jid]) for job in ledger.launches if job.host == left.host and job.jid in ended
        ]
        records += [
            Answer(intent.key, intent.host)
            for intent in ledger.intents
            if (intent.key, intent.host, intent.when) in searched and not _may_yet_start(intent, ledger)
        ]
        closed += len(records)
        try:
            for record in records:
                append(ledger.path, record)
            _remove_if_empty(ledger.path)
        except FileNotFoundError:
            continue  # the task of another host has removed it
        except (OSError, LineError) as error:
            warn(f"the ledger {ledger.path} cannot be closed: {error}")
    return closed


def close_jobs(
    ledgers: Iterable[RunLedger], host: str, ended: Mapping[str, JobState], warn: Callable[[str], None]
) -> None:
    """Write down the state of jobs of a host, by their ids, in the ledgers of ended runs that have them open."""
    for ledger in ledgers:
        closings = [
            Closing(job.jid, ended[job.jid]) for job in ledger.launches if job.host == host and job.jid in ended
        ]
        try:
            for closing in closings:
                append(ledger.path, closing)
            if closings:
                _remove_if_empty(ledger.path)
        except FileNotFoundError:
            continue  # the task of another host has removed it
        except (OSError, LineError) as error:
            warn(f"the ledger {ledger.path} cannot be closed: {error}")


def claim(job: JobInfo) -> JobInfo:
    """The job, with a limit of one day where its own was a template that only the run could work out."""
    return job if job.limit_s > 0 else replace(job, site=replace(job.site, limit_s=86400))


def machine(host: str, access: Access, machine_of: Callable[[str], str]) -> str:
    """Where such jobs of the host are, by the playbook and the inventory."""
    if dict(access.variables).get("ansible_connection", access.connection) in LOCAL_CONNECTIONS:
        return "localhost"
    return machine_of(access.delegate_to or host)


def _latest(intent: Intent) -> float:
    limit = intent.site.limit_s
    return intent.when + limit + LATE if limit > 0 else float("inf")


def _may_yet_start(intent: Intent, ledger: RunLedger) -> bool:
    """A worker of the run is still there. Some never end, so that this cannot be waited for."""
    return ledger.locked and time.time() - intent.when < LATE


def _still_open(ledger: RunLedger) -> list[str]:
    """The ids of the jobs that the ledger does not account for as it is now; it goes with its last job."""
    try:
        return [job.jid for job in read_file(ledger.path).launches]
    except FileNotFoundError:
        return []
    except (OSError, LineError):
        return [job.jid for job in ledger.launches]


def _remove_if_empty(path: Path) -> None:
    ledger = read_file(path)
    if ledger.is_accounted_for and not ledger.alive:
        path.unlink(missing_ok=True)
