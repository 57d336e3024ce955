"""One Ansible run as the callback sees it: each event goes to the tracker and to the gatekeeper.

An error of our own concerns the event in which it happens: if that tells of a job, the job is lost and says why. The
guard stays on for everything else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible import context
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.release import __version__ as ansible_version

from ansible_reap import ansible_cfg
from ansible_reap.project_root import find_root
from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.action_names import is_reap
from ansible_reap.runtime.events.ansible_objects import Host, Loader, Play, Playbook, Result, Stats, Task, Variables
from ansible_reap.runtime.events.callers import caller
from ansible_reap.runtime.events.custom_stats import OUTSTANDING, OwnStatistic
from ansible_reap.runtime.events.hidden import Awaited, HiddenResults, ResultSlot, is_hidden, is_masked, whole_register
from ansible_reap.runtime.events.plays import is_ad_hoc, may_launch
from ansible_reap.runtime.events.replies import job_id, reply_of
from ansible_reap.runtime.events.sightings import poll_sighting, sighting_of
from ansible_reap.runtime.events.sites import SiteReader
from ansible_reap.runtime.gate.hidden_waits import HiddenWaits, hidden_waits, of_tasks
from ansible_reap.runtime.gate.keeper import Gatekeeper
from ansible_reap.runtime.policy import known_jobs
from ansible_reap.runtime.policy.options import (
    EXTRA_VAR_PREFIX,
    NAMES,
    Options,
    Reaction,
    for_ad_hoc,
    from_the_file,
    parse,
)
from ansible_reap.runtime.remote.mailbox import Mailbox
from ansible_reap.runtime.remote.own_tasks import own_action, tell
from ansible_reap.runtime.tracking.as_json import utc
from ansible_reap.runtime.tracking.display_text import mask_with
from ansible_reap.runtime.tracking.faults import Faults
from ansible_reap.runtime.tracking.info import JobInfo, LaunchSite
from ansible_reap.runtime.tracking.phases import END_SIGHTS
from ansible_reap.runtime.tracking.tracker import ReapTask, Tracker

if TYPE_CHECKING:
    from ansible_reap.runtime.remote.expected import ExpectedEnds

try:
    from ansible.module_utils.secrets import mask_secrets  # from ansible-core 2.22
except ImportError:
    IS_MASKING = False
else:
    IS_MASKING = True
    mask_with(mask_secrets)

CORE = tuple(int(part) for part in ansible_version.split(".")[:3] if part.isdigit())
_LARGEST_FILE_NAME = 4096
_FAR = 16
"""Calls between Ansible's event and the start of a playbook here, at most."""
PATIENCE = 2.0
"""Seconds that a wait asks a locked or distant history for, once it has something to say."""


class Finish(Protocol):
    """What the end of a playbook and of the run sets off; ``output/finish.py`` has the real one."""

    def playbook_start(self) -> None:
        """Another playbook of the same command starts."""

    def playbook_end(self, *, has_unreachable: bool) -> None:
        """Ansible has sent its stats."""


class _Event(NamedTuple):
    """One result of a task or loop item, and how it came out."""

    task: Task
    host: Host
    data: Variables
    failed: bool
    ignored: bool
    is_item: bool
    is_retry: bool

    @property
    def key(self) -> tuple[str, str]:
        return self.host.get_name(), results.identity(self.task)

    @property
    def ends_a_loop(self) -> bool:
        return results.is_loop(self.task) and not self.is_item and not self.is_retry

    @property
    def reached(self) -> str:
        """The host that has answered."""
        return str(self.task.delegate_to or self.host.get_name())


class Session:
    """Everything from the first playbook's start to the end of the run."""

    def __init__(self, warn: Callable[[str], None], finish: Callable[[Session], Finish]) -> None:
        """``finish`` makes what sees to the end of the run; it is not needed before a task is about to launch."""
        self.tracker = Tracker()
        self.options = Options()
        self.warn = warn
        self.faults = Faults(warn)
        self.core = ansible_version
        self.started = time.time()
        self.playbooks: list[str] = []
        self.base = ""
        self.in_check_mode = bool(context.CLIARGS.get("check"))
        self.loader: Loader
        self._make_finish = finish
        self._finish: Finish | None = None
        self.artifact: OwnStatistic | None = None
        self._play: Play
        self._keeper: Gatekeeper
        self._ends: ExpectedEnds | None = None
        self._sites: SiteReader
        self._hidden: HiddenResults[_Event] = HiddenResults(is_masking=IS_MASKING)
        self.before_launch: Callable[[Host, Task, LaunchSite], bool] = lambda _host, _task, _site: False
        """Called when a launch is about to start on a host; True where the host is made to fail instead."""
        self.mailbox = Mailbox()
        """Where our actions, which run in workers, leave what they have seen."""
        self._starts: dict[tuple[str, str], float] = {}
        """When a launching task started on a host."""
        self._unheard: dict[tuple[str, str], _Event] = {}
        """The launching tasks that have started on a host and have not been reported on."""
        self._slots: dict[tuple[str, str], list[ResultSlot]] = {}
        """What is known of a loop's items so far, by host and task."""
        self._unknown = 0
        self._hidden_waits: HiddenWaits | None = None
        """Of the play; not worked out before it launches."""

    @property
    def name(self) -> str:
        """What the run is called in report, ledger and history."""
        return f"{utc(self.started)}-{os.getpid()}"

    @property
    def answered(self) -> set[str]:
        """The ids of the jobs for which a host has been failed."""
        return self._keeper.answered

    @property
    def is_spoilt(self) -> bool:
        """An error of ours has kept us from our work, and the run must not pass for clean."""
        return self.faults.count > 0 and self.options.on_error is Reaction.FAIL

    @property
    def has_end(self) -> bool:
        """The end of the run is seen to, its exit status included."""
        return self._finish is not None

    def guard(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the function and keep what it raises away from the run; None then."""
        try:
            return function(*args)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not reach the run
            self.faults.note(error)
            return None

    # Playbook and play

    def playbook_start(self, playbook: Playbook, raw_options: Variables) -> None:
        """A playbook starts. At the first one the options are read, from what Ansible gives the plugin."""
        self.loader = playbook._loader  # noqa: SLF001 - a playbook has no public attributes
        if not self.playbooks:
            # Paths are told as ``ansible-reap check`` tells them.
            self.base = str(find_root(Path(playbook._basedir).absolute()))  # noqa: SLF001
            self._sites = SiteReader(self.base)
            self.guard(self._reserve_artifact)
            self._use(Options())
            options = self.guard(self._read_options, self._with_extra_vars(playbook, raw_options))
            options = options or Options()
            self._use(for_ad_hoc(options) if is_ad_hoc(playbook) else options)
        self.playbooks.append(str(playbook._file_name))  # noqa: SLF001
        self._keeper.playbook_start(playbook)
        if self._finish is not None:
            self._finish.playbook_start()

    def _reserve_artifact(self) -> None:
        """From the first event on: a host may return it before any job is launched."""
        manager = caller(TaskQueueManager, _FAR)
        if manager is not None:
            # No event brings the statistics before all other callbacks have had the last one.
            self.artifact = OwnStatistic(manager._stats, OUTSTANDING)  # noqa: SLF001

    def _use(self, options: Options) -> None:
        self.options = options
        self._ends = None
        self._keeper = Gatekeeper(self.tracker, options, CORE, self.guard, self.mailbox)
        self._keeper.expected = self.expected
        self._keeper.before_entry = self._before_gate

    def expected(self, job: JobInfo, age: float) -> str:
        """When one of the run's jobs is expected to end, in words, by its age in seconds; empty where nothing tells."""
        if self._ends is None:
            from ansible_reap.runtime.remote.expected import ExpectedEnds  # noqa: PLC0415 - brings the whole history

            self._ends = ExpectedEnds(self.options.history, PATIENCE)
        return self._ends.text(self.base, job, age)

    def _read_options(self, raw: Variables) -> Options:
        config = ansible_cfg.read(Path(C.CONFIG_FILE)) if C.CONFIG_FILE else ansible_cfg.AnsibleCfg(None, {})
        options = parse(from_the_file(raw, config, os.environ), self.warn)
        folders = [Path(C.CONFIG_FILE).absolute().parent] if C.CONFIG_FILE else []
        known = known_jobs.load(options.ignore_files, [*folders, Path.cwd()], self.base, self.warn)
        return replace(options, known=known)

    def _with_extra_vars(self, playbook: Playbook, raw: Variables) -> Variables:
        """Extra vars beat all else. Ansible is not asked for them: for one it cannot template it drops the plugin."""
        plays = playbook.get_plays()
        if not plays:
            return raw
        extra = plays[0].get_variable_manager().extra_vars
        return {**raw, **{name: extra[EXTRA_VAR_PREFIX + name] for name in NAMES if EXTRA_VAR_PREFIX + name in extra}}

    def play_start(self, play: Play) -> None:
        """A play starts, or a batch of one."""
        self.guard(self._recover)
        self.guard(self._lose_unheard)
        self._play = play
        self._starts.clear()
        self._slots.clear()
        self._hidden_waits = None
        self._keeper.play_start(play)

    def stats(self, stats: Stats) -> None:
        """A playbook has ended."""
        self.guard(self._recover)  # whatever becomes of it, the end must be seen to
        self.guard(self._lose_unheard)
        if self._finish is None and (self.options.wants_report or len(self.tracker)):
            self._finish = self._make_finish(self)
        if self._finish is not None:
            self._finish.playbook_end(has_unreachable=bool(stats.dark))

    # Tasks

    def task_start(self, task: Task) -> None:
        """A task is about to start on the first of its hosts."""
        self._recover()
        if own_action(task) is not None or self._keeper.owns(task):
            self.guard(self.mailbox.open)
        if not self._keeper.owns(task):
            self._hidden.prepare(task)
            if len(self.tracker):
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
        if may_launch(task) and not self._keeper.owns(task):
            if self._finish is None:
                self._finish = self._make_finish(self)
            key = results.identity(task)
            # As written: what its templates come to is the worker's to find out.
            site = self._as_hidden(self._sites.ahead(task, self._play, host))
            if self.guard(self.before_launch, host, task, site):
                return
            now = time.time()
            self._starts[host.get_name(), key] = now
            self._unheard[host.get_name(), key] = _Event(task, host, {}, False, False, False, False)
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
        if self._concerns_no_job(results.task_of(result)):
            return
        event = _Event(*results.parts_of(result), failed, ignored, is_item, is_retry)
        try:
            self._result(event)
        except Exception as error:  # noqa: BLE001 - it costs this event only
            self._spoil(event, self.faults.note(error))

    def _result(self, event: _Event) -> None:
        task, host = event.task, event.host
        if self._keeper.owns(task):
            self._keeper.result(task, host, is_item=event.is_item)
            return
        if own_action(task) is not None:
            for job in tell(self.tracker, self.mailbox.take(*event.key) or ()):
                if is_hidden(event.data):
                    self.tracker.hide(job.info.jid)
                self._keeper.file(job)
        elif may_launch(task):
            if self._launch_result(event):
                return  # the host has answered once we have heard what
        elif (is_reap(task.action) or "ansible_job_id" in event.data) and self._reap_result(event):
            return
        if not event.is_item and not event.is_retry:
            self._answered(host, task)

    def _concerns_no_job(self, task: Task) -> bool:
        """No job is known or may have been started unheard, and the task neither starts nor adopts any.

        Since ansible-core 2.19 to read a result is to copy it. In a play without jobs that would be all that we cost.
        """
        return len(self.tracker) == 0 and not self._unheard and not may_launch(task) and own_action(task) is None

    def _launch_result(self, event: _Event) -> bool:
        """A result of a launching task; True where it is yet to be read from its register."""
        unseen = is_hidden(event.data) or is_masked(event.data)
        if event.is_retry:
            # A launch that is tried again has started a job that its register will not name.
            if unseen:
                self._lose(event, "its job id was hidden, and another try has replaced it")
            elif "ansible_job_id" in event.data and self._poll(event) == 0:
                self._launched(event, time.time())
            return False
        if event.is_item:
            label = results.item_label(event.task, event.data, is_hidden(event.data))
            self._slots.setdefault(event.key, []).append(ResultSlot(self._site(event), label=label, is_seen=not unseen))
        if event.ends_a_loop:
            slots = self._slots.pop(event.key, [])
            self._launch_missed(event, len(slots))
            return self._await(event, slots, wanted=not all(slot.is_seen for slot in slots))
        if unseen:
            return not event.is_item and self._await(event, [])
        if "ansible_job_id" in event.data and self._poll(event) == 0:
            self._launched(event, time.time())
        return not event.is_item and self._await(event, [], wanted=False)

    def _launch_missed(self, event: _Event, told: int) -> None:
        """Take note of the loop items whose own event an error of ours has kept from us; ``told`` items were told."""
        items = event.data.get("results")
        if not isinstance(items, list | tuple) or len(items) <= told or self._poll(event) > 0:
            return
        for item in items:
            if not isinstance(item, Mapping) or "ansible_job_id" not in item:
                continue
            jid = job_id(item["ansible_job_id"])
            if jid is None or is_masked(item):
                self._lose(event, "an error of async_reaper")
            elif self.tracker.get(jid) is None:
                self._launched(event, time.time(), data=item)

    def _before_gate(self, host: Host) -> None:
        """The host comes to the gate, and has no task of the play before it any more."""
        self._recover()
        self._lose_unheard(host.get_name())

    def _lose_unheard(self, host: str | None = None) -> None:
        """Launching tasks have started, on the host or anywhere, and nothing was heard of them: they count as jobs."""
        for (name, _), event in list(self._unheard.items()):
            if host in (None, name):
                self._answered(event.host, event.task)
                self._lose(event, "what came of its launch was never heard")

    def _reap_result(self, event: _Event) -> bool:
        """A result of a task that looks at jobs; True where it is yet to be read from its register."""
        unseen = is_hidden(event.data) or is_masked(event.data)
        slot = ResultSlot(None, job_id(event.task.args.get("jid")), event.reached, is_seen=not unseen)
        if event.ends_a_loop:
            slots = self._slots.pop(event.key, [])
            return self._await(event, slots, wanted=not all(each.is_seen for each in slots))
        if event.is_item and not event.is_retry:
            self._slots.setdefault(event.key, []).append(slot)
        if not unseen:
            self._saw(event, slot, event.data)
        return not event.is_item and not event.is_retry and self._await(event, [slot], wanted=unseen)

    def skipped(self, result: Result, *, is_item: bool = False) -> None:
        """In check mode an ``async_status`` arrives as skipped, with ``finished: true``."""
        if self._concerns_no_job(results.task_of(result)):
            return
        event = _Event(*results.parts_of(result), failed=False, ignored=False, is_item=is_item, is_retry=False)
        if is_reap(event.task.action) and event.data.get("finished") and "ansible_job_id" in event.data:
            self._saw(event, ResultSlot(None, job_id(event.task.args.get("jid")), event.reached), event.data)
        if is_item:
            self._slots.setdefault(event.key, []).append(ResultSlot())
        else:
            self._answered(event.host, event.task)

    def unreachable(self, result: Result, *, is_item: bool = False) -> None:
        """The host of a task, or of a loop item, could not be reached."""
        event = _Event(*results.parts_of(result), failed=True, ignored=False, is_item=is_item, is_retry=False)
        if self._keeper.owns(event.task):
            self._keeper.result(event.task, event.host, is_item=False)
        elif is_item:
            self._slots.setdefault(event.key, []).append(ResultSlot())
            return
        elif event.ends_a_loop and may_launch(event.task):
            slots = self._slots.pop(event.key, [])
            if self._await(event, slots, wanted=not all(slot.is_seen for slot in slots)):
                return
        self._answered(event.host, event.task)

    def async_ended(self, result: Result, *, failed: bool) -> None:
        """A job with ``poll`` > 0 has ended, or its task has given up on it."""
        event = _Event(*results.parts_of(result), failed, ignored=False, is_item=False, is_retry=False)
        inner = event.data.get("async_result")
        jid = job_id(event.data.get("ansible_job_id"))
        if jid is None and isinstance(inner, Mapping):
            jid = job_id(inner.get("ansible_job_id"))
        if jid is None:
            return
        now = time.time()
        started = self._starts.get(event.key, now)
        self._starts[event.key] = now  # the next item of a loop starts now
        if self.tracker.get(jid) is None:
            self._launched(event._replace(data={**event.data, "ansible_job_id": jid}), started)
            self.tracker.see(jid, poll_sighting(event.data, failed=failed, when=now))

    # Launches

    def _site(self, event: _Event) -> LaunchSite:
        return self._as_hidden(self._sites.read(event.task, self._play, event.host))

    def _as_hidden(self, site: LaunchSite) -> LaunchSite:
        """The launch with ``no_log`` where a wait of the play has it."""
        if self._hidden_waits is None:
            self._hidden_waits = self.guard(hidden_waits, self._play) or HiddenWaits((None,), frozenset())
        return replace(site, no_log=True) if not site.no_log and self._hidden_waits.cover(site) else site

    def _poll(self, event: _Event) -> int:
        return results.whole(event.task.poll)

    def _launched(
        self, event: _Event, when: float, *, slot: ResultSlot | None = None, data: Variables | None = None
    ) -> None:
        """A job has been launched; ``slot`` and ``data`` tell of it where the event does not."""
        data = event.data if data is None else data
        site = (slot.site if slot is not None else None) or self._site(event)
        if is_hidden(event.data):
            site = replace(site, no_log=True)  # a template, or an item's
        jid = job_id(data.get("ansible_job_id"))
        if jid is None:
            self._lose(event, "its host gave no possible id for it", site=site)
            return
        if self.tracker.get(jid) is not None:
            self._lose(event, f"its host named the id of another job, {jid}", site=site)
            return
        file = data.get("results_file")
        info = JobInfo(
            jid=jid,
            host=event.host.get_name(),
            site=site,
            results_file=file if isinstance(file, str) and len(file) < _LARGEST_FILE_NAME else None,
            item=results.item_label(event.task, event.data, site.no_log) if slot is None else slot.label,
            launched=when,
            route=self._sites.route(event.task, self._play, data),
        )
        self._keeper.file(self.tracker.launch(info))

    def _lose(self, event: _Event, why: str, *, site: LaunchSite | None = None) -> None:
        """A job has been launched of which nothing can be known."""
        self._unknown += 1
        site = site or self.guard(self._site, event) or _bare_site(event)
        if site.poll > 0:
            return
        info = JobInfo(
            jid=f"unknown:{self._unknown}",  # a name that no host can give: ids have no colon
            host=event.host.get_name(),
            site=site,
            results_file=None,
            item=results.item_label(event.task, event.data, site.no_log or is_hidden(event.data)),
            launched=time.time(),
        )
        self._keeper.file(self.tracker.launch_lost(info, why))

    def _spoil(self, event: _Event, error: str) -> None:
        """An error of ours has kept us from an event: the job that it tells of, if it does, is lost."""
        if not may_launch(event.task) or event.ends_a_loop or self._poll(event) > 0:
            return
        jid = job_id(event.data.get("ansible_job_id"))
        is_unknown = is_hidden(event.data) or is_masked(event.data)
        if is_unknown or (jid is not None and self.tracker.get(jid) is None):
            self._lose(event, f"an error of async_reaper, {error}")

    # Reaps

    def _saw(self, event: _Event, slot: ResultSlot, data: Variables) -> None:
        """A task has looked at a job: the one that the playbook has asked for, else the one that the reply names.

        Only the host that has the job answers for it. What another says may well be true, where two names stand for one
        machine; whether it is, a look at the job's own host tells.
        """
        jid = slot.asked if slot.asked is not None else job_id(data.get("ansible_job_id"))
        job = self.tracker.get(jid) if jid is not None else None
        if job is None:
            return
        own = {job.info.host, job.info.delegated_to or job.info.host}
        is_own = slot.reached in own or (self._is_here(slot.reached) and any(map(self._is_here, own)))
        impossible = reply_of(data).impossible
        if impossible is not None:
            if is_own:
                self.tracker.lose(job.info.jid, f"what its host says of it cannot be true: {impossible}")
                self._keeper.file(job)
            return
        ignored = event.ignored or (event.is_item and event.task.ignore_errors is True)
        reap = self._reap(event.task, event.host)
        if is_hidden(event.data):
            self.tracker.hide(job.info.jid)
        sighting = sighting_of(event.task, data, failed=event.failed, ignored=ignored, when=time.time(), reap=reap)
        if sighting is None:
            return
        if is_own:
            self.tracker.see(job.info.jid, sighting)
        elif slot.asked is not None and sighting.sight in END_SIGHTS:
            self.tracker.hear(job.info.jid, reap)
        self._keeper.file(job)

    def _is_here(self, name: str) -> bool:
        """Whether the inventory says that the host is the controller itself, which no managed host can speak for."""
        if name in C.LOCALHOST:
            return True
        manager = self._play.get_variable_manager()
        host: object = manager._inventory.get_host(name)  # noqa: SLF001 - no other way
        if host is None:
            return False
        return manager.get_vars(play=self._play, host=host, task=None).get("ansible_connection") == "local"

    def _reap(self, task: Task, host: Host) -> ReapTask:
        path, line = results.task_place(task, self.base)
        return ReapTask(path, line, results.task_label(task), host.get_name())

    def _answered(self, host: Host, task: Task) -> None:
        key = results.identity(task)
        self._unheard.pop((host.get_name(), key), None)
        if self._starts.pop((host.get_name(), key), None) is not None:
            self.tracker.answered(key, host.get_name())

    # What no_log hides, and what is masked

    def _await(self, event: _Event, slots: Sequence[ResultSlot], *, wanted: bool = True) -> bool:
        """Have the result read from its register, which is stored right after this event; False where it is not."""
        if event.ends_a_loop and (is_hidden(event.data) and not slots):
            wanted = True
        register = whole_register(event.task)
        if register is None:
            if wanted and may_launch(event.task):
                self._lose(event, "its result was hidden")
            return False
        awaited = Awaited(event, register, time.time(), tuple(slots), wanted)
        if not wanted and not awaited.is_ours:
            return False
        self._hidden.expect(awaited)
        if wanted:
            self._keeper.expect_hidden(True)
        return wanted

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

    def _arrived(self, awaited: Awaited[_Event], items: Sequence[dict[str, object]] | None) -> None:
        try:
            self._read_items(awaited, items)
        except Exception as error:  # noqa: BLE001 - it costs this result only
            self._spoil(awaited.event, self.faults.note(error))

    def _read_items(self, awaited: Awaited[_Event], items: Sequence[dict[str, object]] | None) -> None:
        event = awaited.event
        if items is None:
            if may_launch(event.task):
                self._lose(event, "its result was hidden, and its register is gone")
            return
        for number, data in enumerate(items):
            slot = awaited.slots[number] if number < len(awaited.slots) else ResultSlot()
            if "ansible_job_id" not in data or (awaited.slots and slot.is_seen):
                continue
            if not may_launch(event.task):
                failed = event.failed and (not event.ends_a_loop or reply_of(data).failed)
                self._saw(event._replace(failed=failed, is_item=event.ends_a_loop), slot, data)
            else:
                self._launch_arrived(awaited, slot, data)

    def _launch_arrived(self, awaited: Awaited[_Event], slot: ResultSlot, data: dict[str, object]) -> None:
        event = awaited.event
        site = slot.site or self._site(event)
        if site.poll == 0:
            if not reply_of(data).finished:
                self._launched(event, awaited.when, slot=slot, data=data)
            return
        jid = job_id(data["ansible_job_id"])
        if jid is not None and not is_hidden(event.data) and self.tracker.get(jid) is None:
            self._launched(event, self._starts.get(event.key, awaited.when), slot=slot, data=data)
            self.tracker.see(jid, poll_sighting(data, failed=event.failed, when=awaited.when))


def _bare_site(event: _Event) -> LaunchSite:
    """As much of the launch as can be told without anything that may go wrong once more."""
    return LaunchSite(
        play="",
        task=str(event.task.name or event.task.action),
        path=str(event.task.get_path() or ""),
        line=0,
        role=None,
        register=None,
        limit_s=0,
        poll=results.whole(event.task.poll),
        no_log=is_hidden(event.data),
    )
