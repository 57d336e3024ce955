"""Whether a later play of the playbook may still reap a job, so that the gate of this play leaves the job to it.

Unless the contrary can be proved, a later play may reap a job. If that turns out wrong, the failure only comes later:
at the gate of that play, or in the exit status of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import Play, Playbook
    from ansible_reap.runtime.gate.play_contents import PlayContents
    from ansible_reap.runtime.tracking.info import JobInfo


class LaterPlays:
    """The plays of a playbook behind the one that runs, and the batches of that one which are still to come."""

    def __init__(self, playbook: Playbook | None = None) -> None:
        self._plays: list[Play] = list(playbook.get_plays()) if playbook is not None else []
        self._index = -1
        self._contents: dict[int, PlayContents] = {}
        self._hosts: dict[int, frozenset[str] | None] = {}
        self._answers: dict[tuple[str | None, str], bool] = {}
        self._done: set[str] = set()
        """Hosts of the batches of the running play that have begun, this one included."""

    def enter(self, play: Play) -> None:
        """The play has started; under ``serial`` once for each batch."""
        uuid = play._uuid  # noqa: SLF001 - a copy of a play is told by nothing else
        index = next((i for i, known in enumerate(self._plays) if known._uuid == uuid), self._index)  # noqa: SLF001
        if index != self._index:
            self._done.clear()
        self._index = index
        if play.serial:
            self._done |= _hosts(play, of_batch=True) or frozenset()
        self._hosts.clear()
        self._answers.clear()

    @property
    def is_last(self) -> bool:
        """Whether no play follows the one that runs."""
        return self._index >= len(self._plays) - 1

    def may_reap(self, job: JobInfo) -> bool:
        """A later play, or a later batch of this one, has a task that may wait for the job."""
        key = (job.site.register, job.host)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._batches_may_reap(job) or self._plays_may_reap(job)
        return answer

    def other_hosts_may_reap(self, job: JobInfo) -> bool:
        """The play that runs has a task with which another host may wait for the job."""
        return self._play_may_reap(self._index, job, on_host=False)

    def _batches_may_reap(self, job: JobInfo) -> bool:
        if not 0 <= self._index < len(self._plays) or not self._plays[self._index].serial:
            return False
        hosts = self._hosts_of(self._index)
        are_left = hosts is None or bool(hosts - self._done)
        return are_left and self._play_may_reap(self._index, job, on_host=False)

    def _plays_may_reap(self, job: JobInfo) -> bool:
        moved = self._contents_of(self._index).moves_hosts if self._index >= 0 else False
        for index in range(self._index + 1, len(self._plays)):
            hosts = None if moved else self._hosts_of(index)
            if self._play_may_reap(index, job, on_host=hosts is None or job.host in hosts):
                return True
            moved = moved or self._contents_of(index).moves_hosts
        return False

    def _play_may_reap(self, index: int, job: JobInfo, *, on_host: bool) -> bool:
        known = frozenset(
            name for other in range(len(self._plays)) for name in self._contents_of(other).launch_registers
        )
        return self._contents_of(index).may_reap(job, on_host=on_host, launch_registers=known)

    def _contents_of(self, index: int) -> PlayContents:
        from ansible_reap.runtime.gate.play_contents import contents_of  # noqa: PLC0415 - only a run with jobs needs it

        if index not in self._contents:
            self._contents[index] = contents_of(self._plays[index])
        return self._contents[index]

    def _hosts_of(self, index: int) -> frozenset[str] | None:
        if index not in self._hosts:
            self._hosts[index] = _hosts(self._plays[index])
        return self._hosts[index]


def _hosts(play: Play, *, of_batch: bool = False) -> frozenset[str] | None:
    """The hosts of a play by the inventory as it stands; None where its pattern cannot be worked out yet.

    Under ``serial`` the inventory is restricted to the batch that runs; ``of_batch`` asks for those alone.
    """
    inventory = getattr(play.get_variable_manager(), "_inventory", None)
    pattern = play.hosts
    if inventory is None or any("{{" in str(part) for part in (pattern if isinstance(pattern, list) else [pattern])):
        return None
    try:
        return frozenset(host.name for host in inventory.get_hosts(pattern, ignore_restrictions=not of_batch))
    except Exception:  # noqa: BLE001 - a pattern that Ansible itself will complain of in its turn
        return None
