"""What the playbook's own tasks have seen of jobs, and whose word counts for a job."""

from __future__ import annotations

from ansible import constants as C  # noqa: N812 - Ansible's own name for it

from ansible_reap.records import replace
from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.ansible_objects import Play, Variables
from ansible_reap.runtime.events.hidden import ResultSlot
from ansible_reap.runtime.events.passwords import masked, passwords
from ansible_reap.runtime.events.replies import job_id, reply_of
from ansible_reap.runtime.events.sightings import poll_sighting, sighting_of
from ansible_reap.runtime.gate.keeper import Gatekeeper
from ansible_reap.runtime.session.task_event import TaskEvent
from ansible_reap.runtime.tracking import clock
from ansible_reap.runtime.tracking.display_text import fit
from ansible_reap.runtime.tracking.info import LOCAL_CONNECTIONS
from ansible_reap.runtime.tracking.phases import Sight
from ansible_reap.runtime.tracking.tracker import JobRecord, ReapTask, Sighting, Tracker

_LONGEST_TEXT = 20_000
"""Characters of a message that are looked at; far more than are shown."""
_TELLS_SUPPRESSED = (2, 19)
"""The ansible-core from which on a result says that a ``failed_when`` has let a failure go."""
_NO_ENDS = (Sight.RUNNING, Sight.GIVEN_UP, Sight.MISSING)
"""What the host in whose name a job was delegated may say of it: that it is not there, where the wait looks."""


class JobLooks:
    """Tells the tracker what hosts have said of jobs, as far as they have a say in them.

    Only the host that has a job answers for it. What another says may well be true, where two names stand for one
    machine; whether it is, a look at the job's own host tells.
    """

    def __init__(self, tracker: Tracker, keeper: Gatekeeper, base: str, *, is_masking: bool) -> None:
        """Paths are told relative to ``base``.

        ``is_masking`` says that this ansible-core masks secrets in what callbacks get.
        """
        self.play: Play
        """The play that runs."""
        self._tracker = tracker
        self._keeper = keeper
        self._base = base
        self._is_masking = is_masking
        self._secrets: dict[tuple[str, str, str], frozenset[str]] = {}
        """The passwords with which a task reaches a host: by host, task, and the host that it is delegated to."""
        self._claimed: set[tuple[str, str]] = set()
        """Hosts, and ids of others' jobs that they have called their own: what they say of these is no evidence."""

    def claims(self, event: TaskEvent, data: Variables, reached: str = "") -> None:
        """A launch has named an id as that of its job: unless it has made a job of that id, it is another's.

        ``reached`` is the host that has answered, where the end of its loop does not name it.
        """
        reached = reached or event.reached
        jid = job_id(data.get("ansible_job_id"))
        job = self._tracker.get(jid) if jid is not None else None
        if jid is not None and (job is None or reached != (job.info.delegated_to or job.info.host)):
            self._claimed |= {(event.host.get_name(), jid), (reached, jid)}

    def saw(self, event: TaskEvent, slot: ResultSlot, data: Variables) -> None:
        """A task has looked at a job: the one that the playbook has asked for, else the one that the reply names."""
        named = job_id(data.get("ansible_job_id"))
        jid = slot.asked if slot.asked is not None else named
        if named is not None and named != jid:
            self._claimed.add((slot.reached, named))  # it answers for a job that nobody has asked it for
        job = self._tracker.get(jid) if jid is not None else None
        if job is None:
            return
        is_own = self._is_own(job, slot.reached)
        impossible = reply_of(data).impossible
        if impossible is not None:
            if is_own:
                self._lose(job, f"what its host says of it cannot be true: {impossible}")
            return
        ignored = event.ignored or (event.is_item and event.task.ignore_errors is True)
        path, line = results.task_place(event.task, self._base)
        reap = ReapTask(path, line, results.task_label(event.task), event.host.get_name())
        if event.is_hidden and (is_own or event.task.no_log not in (False, None)):
            self._tracker.hide(job.info.jid)
        sighting = sighting_of(
            event.task,
            data,
            failed=event.failed,
            ignored=ignored,
            when=clock.now(),
            reap=reap,
            tells_suppressed=self._keeper.core >= _TELLS_SUPPRESSED,
        )
        if sighting is None:
            return
        sighting = self._without_passwords(event, sighting, data)
        if is_own or (slot.reached == job.info.host and sighting.sight in _NO_ENDS):
            self._tracker.see(job.info.jid, sighting)
        elif slot.asked is not None and (slot.reached, jid) not in self._claimed:
            self._tracker.hear(job.info.jid, reap, sighting.sight, swallowed=sighting.swallowed)
        self._keeper.file(job)

    def saw_end_of_poll(self, event: TaskEvent, jid: str, data: Variables, when: float) -> None:
        """The launch of a job with ``poll`` > 0 has waited for it, or has given up."""
        sighting = poll_sighting(data, failed=event.failed, when=when)
        self._tracker.see(jid, self._without_passwords(event, sighting, data))

    def spoilt(self, event: TaskEvent, error: str) -> None:
        """An error of ours has kept us from a look: what it saw is not known, and "never reaped" would be a guess."""
        jid = job_id(event.task.args.get("jid")) or job_id(event.data.get("ansible_job_id"))
        job = self._tracker.get(jid) if jid is not None and not event.is_retry else None
        if job is not None and self._is_own(job, event.reached):
            self._lose(job, f"an error of async_reaper, {error}")

    def _lose(self, job: JobRecord, why: str) -> None:
        self._tracker.lose(job.info.jid, why)
        self._keeper.file(job)

    def _without_passwords(self, event: TaskEvent, sighting: Sighting, data: Variables) -> Sighting:
        """What a host has said, without the password with which the task has reached it."""
        text = data.get("msg")
        if self._is_masking or sighting.msg is None or not isinstance(text, str):
            return sighting
        return replace(sighting, msg=fit(self.without_passwords(event, text)) or None)

    def without_passwords(self, event: TaskEvent, text: str) -> str:
        """The text, which may be a host's, without the password with which the task has reached it; a long one cut."""
        text = text[:_LONGEST_TEXT]
        if self._is_masking:
            return text
        key = (*event.key, event.reached)
        secrets = self._secrets.get(key)
        if secrets is None:
            manager = self.play.get_variable_manager()
            host = manager._inventory.get_host(event.reached) or event.host  # noqa: SLF001 - no other way
            secrets = passwords(manager.get_vars(play=self.play, host=host, task=event.task))
            self._secrets[key] = secrets
        return masked(text, secrets)

    def _is_own(self, job: JobRecord, reached: str) -> bool:
        """Whether the host that has answered is the one that has the job."""
        own = job.info.delegated_to or job.info.host
        is_job_here = job.info.access.connection in LOCAL_CONNECTIONS or self._is_here(own)
        return reached == own or (is_job_here and self._is_here(reached))

    def _is_here(self, name: str) -> bool:
        """Whether the inventory says that the host is the controller itself, which no managed host can speak for."""
        if name in C.LOCALHOST:
            return True
        manager = self.play.get_variable_manager()
        host = manager._inventory.get_host(name)  # noqa: SLF001 - no other way
        if host is None:
            return False
        return manager.get_vars(play=self.play, host=host, task=None).get("ansible_connection") == "local"
