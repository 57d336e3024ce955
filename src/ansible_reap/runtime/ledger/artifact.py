"""The outstanding jobs among the run's custom statistics, as if a task had said so by ``set_stats``.

AWX takes these for the job's artifacts and hands them to the next node of a workflow as extra variables. There
``reap.jobs.collect`` finds the jobs, although the ledger has gone with the container that the run was in.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from ansible_reap.records import replace
from ansible_reap.runtime.ledger.lines import LineError, decode, line_data
from ansible_reap.runtime.tracking.info import Access, JobInfo
from ansible_reap.runtime.tracking.tracker import JobRecord, Listener

_ACCOUNT = frozenset(
    {"ansible_become", "ansible_become_method", "ansible_become_user", "ansible_user", "ansible_ssh_user"}
)
"""Variables that say whose job it is."""
_FOLDER = "ansible_async_dir"
_MACHINE = frozenset({"ansible_connection", "ansible_host", "ansible_port", "ansible_ssh_host", "ansible_ssh_port"})
"""Variables that say on which machine a job is."""
_DEFAULT_CONNECTIONS = frozenset({"ssh", "smart", "ansible.builtin.ssh"})
_NAME = re.compile(r"(?:[\w.][\w.-]{0,99}\\)?[\w.@+][\w.@+-]{0,99}")
"""A name of a user, of a Windows domain's too, or of a become method. ``sudo`` and ``su`` put it into a shell's command
line as it stands, so nothing in it may begin another word there, or be anything but itself."""


LONGEST_LIMIT = 30 * 86400
"""Seconds: a job that may run for longer is not taken, for the wait would last as long."""
_CONTROLLERS = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of the controller that need no inventory."""


class Statistic(Protocol):
    """Where the artifact is put for callbacks to find."""

    def set(self, value: object) -> None: ...
    def remove(self) -> None: ...


class NotTakenError(Exception):
    """A job that is not looked at, for whoever wrote the artifact would decide where; one line."""


def read(artifact: Mapping[str, object]) -> list[JobInfo]:
    """The jobs that an artifact, a mapping of job ids to launches as the ledger has them, names.

    Raises:
        LineError: it is none.
    """
    try:
        # By way of text: what Ansible hands us may be marked as a template, and the ledger holds none.
        found = [decode(json.dumps(job).encode("ascii")) for job in artifact.values()]
    except (TypeError, ValueError) as error:
        raise LineError(str(error)) from error
    if not all(isinstance(job, JobInfo) for job in found):
        raise LineError("not a launch")
    return [job for job in found if isinstance(job, JobInfo)]


def taken(
    job: JobInfo, inventory: Callable[[str], Mapping[str, object] | None], is_controller: Callable[[str], bool]
) -> JobInfo:
    """The job with as much of its way there as may come from an artifact: account, folder and delegation.

    An artifact passes through other hands. So the machine, and the programs and keys by which it is reached, are those
    of the inventory. ``inventory`` gives a host's variables; None where there is no such host. ``is_controller`` says
    whether the inventory has a host on the machine on which we run.

    Raises:
        NotTakenError: the job is said to be where the inventory does not lead.
    """
    access = job.access
    if job.limit_s > LONGEST_LIMIT or job.launched > time.time() + LONGEST_LIMIT:
        raise NotTakenError("it would be waited for for more than a month")
    if {job.host, access.delegate_to} & _CONTROLLERS:
        raise NotTakenError("it was on the controller of its run")
    if "{{" in repr(access) or "{%" in repr(access):
        raise NotTakenError("its way there holds a template")
    known = inventory(access.delegate_to or job.host)
    if known is None:
        raise NotTakenError("it was delegated to a host that is not in this inventory")
    if is_controller(access.delegate_to or job.host):
        raise NotTakenError("it was on the controller of its run")
    _check_machine(access, known)
    names = [access.become_user, access.become_method, access.remote_user]
    names += [str(value) for name, value in access.variables if name in _ACCOUNT]
    if not all(_NAME.fullmatch(name) for name in names if name is not None):
        raise NotTakenError("no user or become method of such a name is taken")
    kept = tuple((name, value) for name, value in access.variables if name in _ACCOUNT or name == _FOLDER)
    own = replace(access, become_exe=None, become_flags=None, connection=None, port=None, variables=kept)
    return replace(job, site=replace(job.site, access=own))


def _check_machine(access: Access, known: Mapping[str, object]) -> None:
    """Raises NotTakenError where the access leads to another machine than the inventory."""
    set_by_play = [(name, value) for name, value in access.variables if name in _MACHINE]
    if access.port is not None:
        set_by_play.append(("ansible_port", access.port))
    if access.connection is not None and access.connection not in _DEFAULT_CONNECTIONS:
        set_by_play.append(("ansible_connection", access.connection))
    for name, value in set_by_play:
        if str(known.get(name)) != str(value):
            raise NotTakenError(f"its play set {name} otherwise than this inventory")


class OutstandingJobs(Listener):
    """Keeps the artifact up to date all the time: callbacks that read it are called before ours when the run ends."""

    def __init__(self, statistic: Statistic, is_ignored: Callable[[JobInfo], bool]) -> None:
        self._statistic = statistic
        self._is_ignored = is_ignored
        self._open: dict[str, Mapping[str, object]] = {}

    def launched(self, job: JobInfo) -> None:
        if job.poll > 0 or self._is_ignored(job):
            return
        self._open[job.jid] = line_data(job)
        self._statistic.set(self._open)

    def settled(self, job: JobRecord) -> None:
        if self._open.pop(job.info.jid, None) is not None and not self._open:
            self._statistic.remove()
