"""What the events of tasks tell of a run's jobs: each goes to the tracker and to the gatekeeper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ansible_reap.records import replace
from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.action_names import STOP, is_reap, own_action
from ansible_reap.runtime.events.ansible_objects import Host, Play, Result, Task, Variables
from ansible_reap.runtime.events.hidden import (
    Awaited,
    HiddenResults,
    ResultSlot,
    is_masked,
    is_scope_masked,
    whole_register,
)
from ansible_reap.runtime.events.launch_way import is_template
from ansible_reap.runtime.events.plays import may_launch, starts_by_the_wrapper
from ansible_reap.runtime.events.replies import NAMELESS, folder_told, job_id, reply_of, unheard_launch
from ansible_reap.runtime.events.sightings import lets_failures_go
from ansible_reap.runtime.events.sites import SiteReader
from ansible_reap.runtime.gate.hidden_waits import HiddenWaits, hidden_waits, of_tasks
from ansible_reap.runtime.gate.keeper import Gatekeeper
from ansible_reap.runtime.remote.mailbox import Look, Mailbox
from ansible_reap.runtime.remote.own_tasks import is_bad, tell
from ansible_reap.runtime.session.job_looks import JobLooks
from ansible_reap.runtime.session.task_event import TaskEvent
from ansible_reap.runtime.tracking import clock
from ansible_reap.runtime.tracking.display_text import fit
from ansible_reap.runtime.tracking.faults import Faults
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite
from ansible_reap.runtime.tracking.tracker import Tracker

_LABEL_LENGTH = 120
"""Characters that are kept of what a loop calls an item."""


class JobEvents:
    """What follows the jobs of a run, from the first task on that may launch or wait for one."""

    def __init__(
        self, base: str, keeper: Gatekeeper, faults: Faults, warn: Callable[[str], None], *, is_masking: bool
    ) -> None:
        """Watch for jobs, from now on.

        Paths are told relative to ``base``. ``is_masking`` says that this ansible-core masks secrets in what callbacks
        get.
        """
        self.tracker = Tracker()
        self.mailbox = Mailbox()
        """Where our actions, which run in workers, leave what they have seen."""
        self.before_launch: Callable[[Host, Task, LaunchSite], bool] = lambda _host, _task, _site: False
        """Called when a launch is about to start on a host; True where the host is made to fail instead."""
        self._base = base
        self._play: Play
        self._faults = faults
        self._sites = SiteReader(base, warn)
        self._hidden: HiddenResults[TaskEvent] = HiddenResults(is_masking=is_masking)
        self._starts: dict[tuple[str, str], float] = {}
        """When a launching task started on a host."""
        self._lost: set[tuple[str, str]] = set()
        """The launching tasks that have started a job on a host of which nothing can be known."""
        self._unheard: dict[tuple[str, str], TaskEvent] = {}
        """The launching tasks that have started on a host and have not been reported on."""
        self._slots: dict[tuple[str, str], list[ResultSlot]] = {}
        """What is known of a loop's items so far, by host and task."""
        self._untold: dict[tuple[str, str], list[Look]] = {}
        """What tries of our own actions have found to be bad, before their last one, by host and task."""
        self._unknown = 0
        self._hidden_waits: HiddenWaits | None = None
        """Of the play; not worked out before it launches."""
        self._keeper = keeper
        self._looks = JobLooks(self.tracker, keeper, base, is_masking=is_masking)
        keeper.watch(self.tracker, self.mailbox)
        keeper.before_entry = self._before_gate

    def play_start(self, play: Play) -> None:
        """A play starts, or a batch of one."""
        self._play = self._looks.play = play
        self._sites.forget_ways()
        self._starts.clear()
        self._slots.clear()
        self._hidden_waits = None

    def play_end(self) -> None:
        """No task of the play will be told of any more."""
        self._faults.guard(self._recover)
        self._faults.guard(self._lose_unheard)

    # Tasks

    def task_start(self, task: Task) -> None:
        """A task is about to start on the first of its hosts."""
        self._recover()
        if own_action(task) is not None or self._keeper.owns(task):
            self._faults.guard(self.mailbox.open)
        if len(self.tracker) and not self._keeper.owns(task):
            self._hide_jobs_of(task)

    def _hide_jobs_of(self, wait: Task) -> None:
        """A wait under ``no_log`` starts, of an included file perhaps; some hosts may skip it."""
        waits = of_tasks([wait])
        for job in list(self.tracker) if waits.names else ():
            if waits.cover(job.info.site):
                self.tracker.hide(job.info.jid)

    def runner_start(self, host: Host, task: Task) -> None:
        """A task is about to start on this host."""
        # A handler is the same task at each flush: what an earlier one has left, as where all was skipped, is not its.
        self._slots.pop((host.get_name(), results.identity(task)), None)
        if self._keeper.owns(task):
            return
        # Up to ansible-core 2.18 each host has its own copy of the tasks that follow an include.
        self._hidden.prepare(task, self._play.get_variable_manager())
        if may_launch(task):
            key = results.identity(task)
            # As written: what its templates come to is the worker's to find out.
            site = self._as_hidden(self._sites.ahead(task, self._play, host))
            if self._faults.guard(self.before_launch, host, task, site):
                return
            now = clock.now()
            self._starts[host.get_name(), key] = now
            self._unheard[host.get_name(), key] = TaskEvent(task, host, {})
            self.tracker.intent(key, site, host.get_name(), now)

    def result(
        self,
        result: Result,
        *,
        failed: bool = False,
        ignored: bool = False,
        is_item: bool = False,
        is_retry: bool = False,
    ) -> None:
        """Any result of a task or loop item that ended ok or failed, or is tried again."""
        if not is_item and not is_retry:
            self._ended(result)
        if self._concerns_no_job(results.task_of(result)):
            return
        self._told(TaskEvent(*results.parts_of(result), failed, ignored, is_item, is_retry))

    def _told(self, event: TaskEvent) -> None:
        try:
            self._result(event)
        except Exception as error:  # noqa: BLE001 - it costs this event only
            self._spoil(event, self._faults.note(error))

    def _result(self, event: TaskEvent) -> None:
        task, host = event.task, event.host
        if self._keeper.owns(task):
            self._keeper.result(task, host, is_item=event.is_item)
            return
        if own_action(task) is not None:
            self._own_result(event)
        elif may_launch(task):
            is_awaited = self._launch_result(event)
            self._looks.claims(event, event.data)
            if is_awaited:
                return  # the host has answered once we have heard what
        elif self._looks_at_jobs(event) and self._reap_result(event):
            return
        if not event.is_item and not event.is_retry:
            self._answered(host, task)

    def _own_result(self, event: TaskEvent) -> None:
        """One of our own actions has told what it saw."""
        looks = [*self._untold.pop(event.key, ()), *(self.mailbox.take(*event.key) or ())]
        if event.is_retry:
            # What it has found to be bad, the last try finds again: that one says whether the play goes on.
            self._untold[event.key] = [look for look in looks if is_bad(look)]
            looks = [look for look in looks if not is_bad(look)]
        # To have stopped a job is no failure of the task.
        swallowed = own_action(event.task) != STOP and lets_failures_go(event.task)
        for job in tell(self.tracker, looks, swallowed=swallowed):
            if event.is_hidden:
                self.tracker.hide(job.info.jid)
            self._keeper.file(job)

    def _concerns_no_job(self, task: Task) -> bool:
        """No job is known or may have been started unheard, and the task neither starts nor adopts any.

        Since ansible-core 2.19 to read a result is to copy it. In a play without jobs that would be all that we cost.
        """
        return len(self.tracker) == 0 and not self._unheard and not may_launch(task) and own_action(task) is None

    def _looks_at_jobs(self, event: TaskEvent) -> bool:
        """The result tells of a job: an ``async_status``, or what the project wrote to do so for the id that it names.

        Every module's result may bear a job's id: a host returns what it likes, and ``uri`` the headers of a server.
        """
        if is_reap(event.task.action):
            return True
        jid = job_id(event.data.get("ansible_job_id"))
        if jid is None or self.tracker.get(jid) is None or jid not in str(event.task.args):
            return False
        from ansible_reap.runtime.gate.foreign import Effects, effects_of  # noqa: PLC0415 - hardly any run needs it

        return effects_of(event.task, Path(self._base)) is Effects.ANYTHING

    def _launch_result(self, event: TaskEvent) -> bool:
        """A result of a launching task; True where it is yet to be read from its register."""
        if event.is_retry:
            # A launch that is tried again has started a job that its register will not name.
            if self._is_unseen(event):
                self._lose(event, "what its launch told was hidden, and another try has replaced it")
            elif "ansible_job_id" in event.data and event.poll == 0:
                self._launched(event, clock.now())
            else:
                self._lose_unanswered(event, event.data)
            return False
        slot, is_unseen = None, self._is_unseen(event)
        if event.is_item:
            slot = ResultSlot(self._site(event), reached=event.reached, label=self._label(event), is_seen=not is_unseen)
            self._slots.setdefault(event.key, []).append(slot)
        if event.ends_a_loop:
            slots = self._slots.pop(event.key, [])
            self._launch_missed(event, len(slots))
            is_awaited = self._await_loop(event, slots)
            if not is_awaited and not event.is_hidden and "results" not in event.data:
                self._lose_unanswered(event, event.data)  # Ansible has fallen over an item: this is all that it says
            return is_awaited
        if is_unseen:
            return not event.is_item and self._await(event, [])
        if "ansible_job_id" in event.data and event.poll == 0:
            self._launched(event, clock.now(), slot=slot)
        else:
            self._lose_unanswered(event, event.data)
        return False

    def _lose_unanswered(self, event: TaskEvent, data: Variables) -> None:
        """The result of a launch, which names no job: it may have started one before it failed."""
        if "ansible_job_id" in data:
            return
        why = unheard_launch(data)
        if why is None and not event.failed and not data.get("failed") and not data.get("skipped"):
            why = NAMELESS if starts_by_the_wrapper(event.task) else None
        if why is not None:
            self._lose(event, why)

    def _launch_missed(self, event: TaskEvent, told: int) -> None:
        """Take note of the loop items whose own event an error of ours has kept from us; ``told`` items were told."""
        items = event.data.get("results")
        if not isinstance(items, list | tuple) or len(items) <= told or event.poll > 0:
            return
        for item in items:
            if not isinstance(item, Mapping) or "ansible_job_id" not in item:
                continue
            jid = job_id(item["ansible_job_id"])
            if jid is None or is_masked(item) or self._lacks_scope(event, item):
                self._lose(event, "an error of async_reaper")
            elif self.tracker.get(jid) is None:
                self._launched(event, clock.now(), data=item)
            self._looks.claims(event, item)

    def _before_gate(self, host: Host) -> None:
        """The host comes to the gate, and has no task of the play before it any more."""
        self._recover()
        self._lose_unheard(host.get_name())

    def _lose_unheard(self, host: str | None = None) -> None:
        """Launching tasks have started, on the host or anywhere, and nothing was heard of them: they count as jobs."""
        for (name, _), event in list(self._unheard.items()):
            if host in (None, name):
                self._lose(event, "what came of its launch was never heard")
                self._answered(event.host, event.task)

    def _reap_result(self, event: TaskEvent) -> bool:
        """A result of a task that looks at jobs; True where it is yet to be read from its register."""
        slot = ResultSlot(None, job_id(event.task.args.get("jid")), event.reached, is_seen=not event.is_unseen)
        if event.ends_a_loop:
            return self._await_loop(event, self._slots.pop(event.key, []))
        if event.is_item and not event.is_retry:
            self._slots.setdefault(event.key, []).append(slot)
        if not event.is_unseen:
            self._looks.saw(event, slot, event.data)
        return event.is_unseen and not event.is_item and not event.is_retry and self._await(event, [slot])

    def skipped(self, result: Result, *, is_item: bool = False) -> None:
        """A task has been skipped, or its host calls it so.

        An ``async_status`` arrives as skipped in check mode, and where the job's module has said so.
        """
        if not is_item:
            self._ended(result)
        if self._concerns_no_job(results.task_of(result)):
            return
        event = TaskEvent(*results.parts_of(result), is_item=is_item)
        names_a_job = "ansible_job_id" in event.data
        has_looked = is_reap(event.task.action) and names_a_job and bool(event.data.get("finished"))
        has_launched = may_launch(event.task) and names_a_job
        # What is hidden may have done so: its register tells.
        is_hidden = event.is_hidden and (may_launch(event.task) or is_reap(event.task.action))
        if has_looked or has_launched or is_hidden:
            self._told(event)
            return
        if is_item:
            self._slots.setdefault(event.key, []).append(ResultSlot())
        else:
            self._answered(event.host, event.task)

    def unreachable(self, result: Result, *, is_item: bool = False) -> None:
        """The host of a task, or of a loop item, could not be reached."""
        if not is_item:
            self._ended(result)
        event = TaskEvent(*results.parts_of(result), failed=True, is_item=is_item)
        if self._keeper.owns(event.task):
            self._keeper.result(event.task, event.host, is_item=False)
        elif may_launch(event.task):
            self._told(event)
        elif is_item:
            self._slots.setdefault(event.key, []).append(ResultSlot())
        else:
            self._answered(event.host, event.task)

    def async_ended(self, result: Result, *, failed: bool) -> None:
        """A job with ``poll`` > 0 has ended, or its task has given up on it."""
        event = TaskEvent(*results.parts_of(result), failed)
        inner = event.data.get("async_result")
        jid = job_id(event.data.get("ansible_job_id"))
        if jid is None and isinstance(inner, Mapping):
            jid = job_id(inner.get("ansible_job_id"))
        if jid is None:
            return
        now = clock.now()
        started = self._starts.get(event.key, now)
        self._starts[event.key] = now  # the next item of a loop starts now
        if self.tracker.get(jid) is None:
            self._launched(event._replace(data={**event.data, "ansible_job_id": jid}), started)
            self._looks.saw_end_of_poll(event, jid, event.data, now)
        self._looks.claims(event, {"ansible_job_id": jid})

    # Launches

    def _is_unseen(self, event: TaskEvent) -> bool:
        """What we need of a launch's result is hidden or masked: perhaps what the loop has set."""
        return event.is_unseen or (event.is_item and self._lacks_scope(event, event.data, is_retry=event.is_retry))

    def _lacks_scope(self, event: TaskEvent, data: Variables, *, is_retry: bool = False) -> bool:
        """What the loop has set for an item is masked, and its job's reason or the way to its host depends on that."""
        scope = results.item_scope(event.task, data, is_retry=is_retry)
        return is_scope_masked(scope) and self._sites.needs_scope(
            self._site(event), event.task, self._play, event.host, scope
        )

    def _site(self, event: TaskEvent) -> LaunchSite:
        """The launch, but for whether it is detached."""
        return self._as_hidden(self._sites.read(event.task, self._play, event.host))

    def _label(self, event: TaskEvent) -> str | None:
        """What the loop calls the item, which may be a word of the host."""
        label = event.label
        return None if label is None else fit(self._looks.without_passwords(event, label), _LABEL_LENGTH)

    def _declared(self, event: TaskEvent, site: LaunchSite, scope: Mapping[str, object]) -> LaunchSite:
        """The launch as it is declared for one job of it."""
        if event.is_hidden:
            site = replace(site, no_log=True)  # a template, or an item's
        return self._sites.declared(site, event.task, self._play, event.host, scope)

    def _site_of(self, event: TaskEvent) -> LaunchSite:
        """The launch as it is declared for the job of the event."""
        return self._declared(event, self._site(event), event.scope)

    def _as_hidden(self, site: LaunchSite) -> LaunchSite:
        """The launch with ``no_log`` where a wait of the play has it."""
        if self._hidden_waits is None:
            self._hidden_waits = self._faults.guard(hidden_waits, self._play) or HiddenWaits((None,), frozenset())
        return replace(site, no_log=True) if not site.no_log and self._hidden_waits.cover(site) else site

    def _launched(
        self, event: TaskEvent, when: float, *, slot: ResultSlot | None = None, data: Variables | None = None
    ) -> None:
        """A job has been launched; ``slot`` and ``data`` tell of it where the event does not."""
        data = event.data if data is None else data
        scope = event.scope if data is event.data else results.item_scope(event.task, data)
        site = self._declared(event, (slot.site if slot is not None else None) or self._site(event), scope)
        label = self._label(event) if slot is None else slot.label
        jid = job_id(data.get("ansible_job_id"))
        if jid is None:
            self._lose(event, "its host gave no possible id for it", site=site)
            return
        if self.tracker.get(jid) is not None:
            self._lose(event, f"its host named the id of another job, {jid}", site=site)
            return
        if site.poll == 0 and is_template(site.access.delegate_to):
            self._lose(event, "nothing tells to which host it was delegated", site=site)
            return
        info = JobInfo(
            jid=jid,
            host=event.host.get_name(),
            site=site,
            item=None if site.no_log else label,
            launched=when,
            route=self._sites.route(site, event.task, self._play, event.host, scope),
            told_folder=folder_told(data),
        )
        self._keeper.file(self.tracker.launch(info))

    def _lose(self, event: TaskEvent, why: str, *, site: LaunchSite | None = None) -> None:
        """A job has been launched of which nothing can be known."""
        self._unknown += 1
        site = site or self._faults.guard(self._site_of, event) or _bare_site(event)
        if site.poll > 0:
            return
        info = JobInfo(
            jid=f"unknown:{self._unknown}",  # a name that no host can give: ids have no colon
            host=event.host.get_name(),
            site=site,
            item=None if site.no_log else self._label(event),
            launched=clock.now(),
        )
        if site.reason is None:
            self._lost.add(event.key)
        self._keeper.file(self.tracker.launch_lost(info, why))

    def _spoil(self, event: TaskEvent, error: str) -> None:
        """An error of ours has kept us from an event: the job that it tells of, if it does, is lost."""
        if event.ends_a_loop:
            return
        if not may_launch(event.task):
            self._looks.spoilt(event, error)
            return
        if event.poll > 0:
            return
        jid = job_id(event.data.get("ansible_job_id"))
        if event.is_unseen or (jid is not None and self.tracker.get(jid) is None):
            self._lose(event, f"an error of async_reaper, {error}")
        self._looks.claims(event, event.data)

    def _answered(self, host: Host, task: Task) -> None:
        key = results.identity(task)
        self._unheard.pop((host.get_name(), key), None)
        is_started = self._starts.pop((host.get_name(), key), None) is not None
        # No line of the ledger can name a lost job. Should the run be killed, its folder has to be searched.
        if is_started and (host.get_name(), key) not in self._lost:
            self.tracker.answered(key, host.get_name())

    # What no_log hides, and what is masked

    def _await_loop(self, event: TaskEvent, slots: Sequence[ResultSlot]) -> bool:
        is_seen = all(slot.is_seen for slot in slots) and (bool(slots) or not event.is_hidden)
        return not is_seen and self._await(event, slots)

    def _await(self, event: TaskEvent, slots: Sequence[ResultSlot]) -> bool:
        """Have the result read from its register, which is stored right after this event; False where it is not."""
        register = whole_register(event.task)
        if register is None:
            if may_launch(event.task):
                self._lose(event, "its result was hidden")
            return False
        self._hidden.expect(Awaited(event, register, clock.now(), tuple(slots)))
        self._keeper.expect_hidden(True)
        return True

    def _ended(self, result: Result) -> None:
        """A task has ended on a host: a register of ours does not stay there, whether or not we have use for it."""
        self._hidden.take_back(TaskEvent(results.task_of(result), results.host_of(result), {}))

    def _recover(self) -> None:
        if not self._hidden.is_waiting:
            return
        waiting = self._hidden.awaited
        for awaited, items in self._hidden.arrived(self._play.get_variable_manager()):
            self._arrived(awaited, items)
        for awaited in waiting:
            if awaited.wanted:
                self._answered(awaited.event.host, awaited.event.task)
        self._keeper.expect_hidden(False)

    def _arrived(self, awaited: Awaited[TaskEvent], items: Sequence[dict[str, object]] | None) -> None:
        try:
            self._read_items(awaited, items)
        except Exception as error:  # noqa: BLE001 - it costs this result only
            self._spoil(awaited.event, self._faults.note(error))

    def _read_items(self, awaited: Awaited[TaskEvent], items: Sequence[dict[str, object]] | None) -> None:
        event = awaited.event
        if items is None:
            if may_launch(event.task):
                self._lose(event, "its result was hidden, and its register is gone")
            return
        for number, data in enumerate(items):
            slot = awaited.slots[number] if number < len(awaited.slots) else ResultSlot()
            is_further = number >= len(awaited.slots) and "ansible_job_id" not in data
            if awaited.slots and slot.is_seen and not is_further:
                continue
            if "ansible_job_id" not in data:
                if may_launch(event.task):
                    self._lose_unanswered(event, data)
                continue
            if not may_launch(event.task):
                failed = event.failed and (not event.ends_a_loop or reply_of(data).failed)
                self._looks.saw(event._replace(failed=failed, is_item=event.ends_a_loop), slot, data)
            else:
                self._launch_arrived(awaited, slot, data)
                self._looks.claims(event, data, slot.reached)

    def _launch_arrived(self, awaited: Awaited[TaskEvent], slot: ResultSlot, data: dict[str, object]) -> None:
        event = awaited.event
        site = slot.site or self._site(event)
        if site.poll == 0:
            self._launched(event, awaited.when, slot=slot, data=data)
            return
        jid = job_id(data["ansible_job_id"])
        if jid is not None and not event.is_hidden and self.tracker.get(jid) is None:
            self._launched(event, self._starts.get(event.key, awaited.when), slot=slot, data=data)
            self._looks.saw_end_of_poll(event, jid, data, awaited.when)


def _bare_site(event: TaskEvent) -> LaunchSite:
    """As much of the launch as can be told without anything that may go wrong once more."""
    return LaunchSite(
        play="",
        task=str(event.task.name or event.task.action),
        path=str(event.task.get_path() or ""),
        line=0,
        role=None,
        register=None,
        limit_s=0,
        poll=results.poll(event.task),
        no_log=event.is_hidden,
    )
