"""One Ansible run as the callback sees it: each event goes to the tracker and to the gatekeeper."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible import context
from ansible.release import __version__ as ansible_version

from ansible_reap import ansible_cfg
from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.action_names import is_reap
from ansible_reap.runtime.events.hidden import Awaited, HiddenResults
from ansible_reap.runtime.events.plays import may_launch
from ansible_reap.runtime.events.sites import SiteReader
from ansible_reap.runtime.events.sites_ahead import sites_ahead, sites_by_item
from ansible_reap.runtime.gate.keeper import Gatekeeper
from ansible_reap.runtime.policy import known_jobs
from ansible_reap.runtime.policy.options import EXTRA_VAR_PREFIX, NAMES, Options, from_the_file, parse
from ansible_reap.runtime.remote.own_tasks import own_action, seen_by_own_task
from ansible_reap.runtime.tracking.as_json import utc
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.tracker import ReapTask, Tracker

CORE = tuple(int(part) for part in ansible_version.split(".")[:3] if part.isdigit())

Guard: TypeAlias = Callable[..., Any]


class Finish(Protocol):
    """What the end of a playbook and of the run sets off; ``finish.py`` has the real one."""

    def playbook_start(self) -> None:
        """Another playbook of the same command starts."""

    def playbook_end(self, *, has_unreachable: bool) -> None:
        """Ansible has sent its stats."""


class Session:
    """Everything from the first playbook's start to the end of the run."""

    def __init__(self, warn: Callable[[str], None], guard: Guard, finish: Callable[[Session], Finish]) -> None:
        """``guard`` calls a function and keeps what it raises away from the run; it returns None then."""
        self.tracker = Tracker()
        self.options = Options()
        self.warn = warn
        self.guard = guard
        self.core = ansible_version
        self.started = time.time()
        self.playbooks: list[str] = []
        self.base = ""
        self.in_check_mode = bool(context.CLIARGS.get("check"))
        self.loader: Any = None
        self._make_finish = finish
        self._finish: Finish | None = None
        self._play: Any = None
        self._keeper: Gatekeeper
        self._sites: SiteReader
        self._hidden = HiddenResults()
        self._starts: dict[tuple[str, str], float] = {}
        """When a launching task started on a host."""

    @property
    def name(self) -> str:
        """What the run is called in report, ledger and history."""
        return f"{utc(self.started)}-{os.getpid()}"

    @property
    def answered(self) -> set[str]:
        """The ids of the jobs for which a host has been failed."""
        return self._keeper.answered

    # Playbook and play

    def playbook_start(self, playbook: Any, raw_options: Mapping[str, Any]) -> None:
        self.loader = playbook._loader  # noqa: SLF001 - a playbook has no public attributes
        if not self.playbooks:
            self.base = str(Path(playbook._basedir).absolute())  # noqa: SLF001
            self.options = self._read_options(self._with_extra_vars(playbook, raw_options))
            self._sites = SiteReader(self.base)
            self._keeper = Gatekeeper(self.tracker, self.options, CORE, self.guard)
            self._keeper.before_entry = self._recover
        self.playbooks.append(str(playbook._file_name))  # noqa: SLF001
        self._keeper.playbook_start(playbook)
        if self._finish is not None:
            self._finish.playbook_start()

    def _read_options(self, raw: Mapping[str, Any]) -> Options:
        config = ansible_cfg.read(Path(C.CONFIG_FILE)) if C.CONFIG_FILE else ansible_cfg.AnsibleCfg(None, {})
        options = parse(from_the_file(raw, config, os.environ), self.warn)
        folders = [Path(C.CONFIG_FILE).absolute().parent] if C.CONFIG_FILE else []
        known = known_jobs.load(options.ignore_files, [*folders, Path.cwd()], self.base, self.warn)
        return replace(options, known=known)

    def _with_extra_vars(self, playbook: Any, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """Extra vars beat all else. Ansible is not asked for them: for one it cannot template it drops the plugin."""
        plays = playbook.get_plays()
        if not plays:
            return raw
        extra = plays[0].get_variable_manager().extra_vars
        return {**raw, **{name: extra[EXTRA_VAR_PREFIX + name] for name in NAMES if EXTRA_VAR_PREFIX + name in extra}}

    def play_start(self, play: Any) -> None:
        self._recover()
        self._play = play
        self._starts.clear()
        self._keeper.play_start(play)

    def stats(self, stats: Any) -> None:
        """A playbook has ended."""
        self._recover()
        if self._finish is None and (self.options.report_path or self.options.junit_path or len(self.tracker)):
            self._finish = self._make_finish(self)
        if self._finish is not None:
            self._finish.playbook_end(has_unreachable=bool(stats.dark))

    # Tasks

    def task_start(self, task: Any) -> None:
        self._recover()
        if not self._keeper.owns(task):
            self._hidden.prepare(task)

    def runner_start(self, host: Any, task: Any) -> None:
        if may_launch(task) and not self._keeper.owns(task):
            if self._finish is None:
                self._finish = self._make_finish(self)
            now = time.time()
            key = results.identity(task)
            self._starts[host.get_name(), key] = now
            for site in sites_ahead(self._sites.read(task, self._play), task, self._play, host):
                self.tracker.intent(key, site, host.get_name(), now)

    def result(self, result: Any, *, failed: bool = False, ignored: bool = False, is_item: bool = False) -> None:
        """Any result of a task or loop item that ended ok or failed, or is tried again."""
        if self._concerns_no_job(results.task_of(result)):
            return
        task, host, data = results.parts_of(result)
        if self._keeper.owns(task):
            self._keeper.result(task, host, data, is_item=is_item)
            return
        if own_action(task) is not None:
            for job in seen_by_own_task(
                self.tracker, task, host.get_name(), data, reap=self._reap(task, host), failed=failed
            ):
                self._keeper.file(job)
        elif "censored" in data and not is_item:
            self._await_hidden(task, host, failed=failed, ignored=ignored)
            return  # the host has answered once we have heard what
        elif results.is_loop(task) and not is_item:
            pass  # its items have been here
        elif results.whole(task.async_val) > 0:
            if not failed and results.whole(task.poll) == 0 and "ansible_job_id" in data:
                self._launched(task, host, data, time.time())
        elif is_reap(task.action) or "ansible_job_id" in data:
            self._saw(task, host, data, failed=failed, ignored=ignored or (is_item and task.ignore_errors is True))
        if not is_item:
            self._answered(host, task)

    def _concerns_no_job(self, task: Any) -> bool:
        """No job is known, and the task neither starts nor adopts any.

        Since ansible-core 2.19 to read a result is to copy it. In a play without jobs that would be all that we cost.
        """
        return len(self.tracker) == 0 and not may_launch(task) and own_action(task) is None

    def skipped(self, result: Any, *, is_item: bool = False) -> None:
        """In check mode an ``async_status`` arrives as skipped, with ``finished: true``."""
        if self._concerns_no_job(results.task_of(result)):
            return
        task, host, data = results.parts_of(result)
        if is_reap(task.action) and data.get("finished") and "ansible_job_id" in data:
            self._saw(task, host, data, failed=False, ignored=False)
        if not is_item:
            self._answered(host, task)

    def unreachable(self, result: Any) -> None:
        task, host, data = results.parts_of(result)
        if self._keeper.owns(task):
            self._keeper.result(task, host, data, is_item=False)
        self._answered(host, task)

    def async_ended(self, result: Any, *, failed: bool) -> None:
        """A job with ``poll`` > 0 has ended, or its task has given up on it."""
        task, host, data = results.parts_of(result)
        inner = data.get("async_result")
        jid = data.get("ansible_job_id") or (inner.get("ansible_job_id") if isinstance(inner, Mapping) else None)
        if not jid:
            return
        now = time.time()
        key = (host.get_name(), results.identity(task))
        self._launched(task, host, {**data, "ansible_job_id": jid}, self._starts.get(key, now))
        self._starts[key] = now  # the next item of a loop starts now
        self.tracker.see(results.bare(jid), results.poll_sighting(data, failed=failed, when=now))

    def _launched(
        self, task: Any, host: Any, data: Mapping[str, Any], when: float, *, place: int | None = None
    ) -> None:
        """``place`` is that of a hidden loop item, whose settings Ansible has worked out for its worker alone."""
        site = self._sites.read(task, self._play, host)
        if place is not None:
            sites = sites_by_item(site, task, self._play, host)
            site = sites[min(place, len(sites) - 1)]
        info = JobInfo(
            jid=results.bare(data["ansible_job_id"]),
            host=host.get_name(),
            site=site,
            results_file=str(data["results_file"]) if data.get("results_file") else None,
            item=results.item_label(data, site.no_log),
            launched=when,
        )
        self._keeper.file(self.tracker.launch(info))

    def _saw(self, task: Any, host: Any, data: Mapping[str, Any], *, failed: bool, ignored: bool) -> None:
        jid = data.get("ansible_job_id") or task.args.get("jid")
        job = self.tracker.get(results.bare(jid)) if jid else None
        if job is None:
            return
        reap = self._reap(task, host)
        sighting = results.sighting_of(task, data, failed=failed, ignored=ignored, when=time.time(), reap=reap)
        if sighting is not None:
            self.tracker.see(job.info.jid, sighting)
            self._keeper.file(job)

    def _reap(self, task: Any, host: Any) -> ReapTask:
        path, line = results.task_place(task, self.base)
        return ReapTask(path, line, results.task_label(task), host.get_name())

    def _answered(self, host: Any, task: Any) -> None:
        key = results.identity(task)
        if self._starts.pop((host.get_name(), key), None) is not None:
            self.tracker.answered(key, host.get_name())

    # What no_log hides

    def _await_hidden(self, task: Any, host: Any, *, failed: bool, ignored: bool) -> None:
        register = results.register_name(task)
        # In a loop they may still be templates; the result tells then.
        is_launch = may_launch(task) and results.whole(task.poll) == 0
        if register is not None and (is_launch or is_reap(task.action)):
            self._hidden.expect(Awaited(task, host, register, time.time(), failed, ignored))
            self._keeper.expect_hidden(True)
        else:
            self._answered(host, task)

    def _recover(self) -> None:
        if not self._hidden.is_waiting:
            return
        waiting = self._hidden.awaited
        for awaited, place, data in self._hidden.arrived(self._play.get_variable_manager()):
            if "ansible_job_id" not in data:
                continue
            if is_reap(awaited.task.action):
                failed = awaited.failed and (not results.is_loop(awaited.task) or bool(data.get("failed")))
                self._saw(awaited.task, awaited.host, data, failed=failed, ignored=awaited.ignored)
            elif not data.get("finished"):
                self._launched(awaited.task, awaited.host, data, awaited.when, place=place)
        for awaited in waiting:
            self._answered(awaited.host, awaited.task)
        self._keeper.expect_hidden(False)
