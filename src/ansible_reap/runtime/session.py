"""One Ansible run as the callback sees it: events go to the tracker, the gate stands at the end of the plays."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ansible.release import __version__ as ansible_version
from ansible.template import Templar

from ansible_reap.runtime import events, marker
from ansible_reap.runtime.gate import LOOK_ACTION, VARIABLE, Gate, append, as_data
from ansible_reap.runtime.later import LaterPlays
from ansible_reap.runtime.ledger import ledger_of_this_run
from ansible_reap.runtime.options import EXTRA_VAR_PREFIX, NAMES, OnUnreaped, Options, parse
from ansible_reap.runtime.options import Gate as GateWhere
from ansible_reap.runtime.own_tasks import own_action, seen_by_own_task
from ansible_reap.runtime.plays import is_reap, may_launch, may_start_jobs, tasks_in
from ansible_reap.runtime.tracker import Access, JobInfo, JobRecord, LaunchSite, Reap, Tracker
from ansible_reap.runtime.verdict import Verdict, judge
from ansible_reap.runtime.wording import failure_message

CORE = tuple(int(part) for part in ansible_version.split(".")[:3] if part.isdigit())


Guard: TypeAlias = Callable[..., Any]


class Session:
    """Everything between the first playbook's start and the last one's stats."""

    def __init__(self, warn: Callable[[str], None], guard: Guard, at_end: Callable[[Session, Any], None]) -> None:
        """``at_end`` gets the session and Ansible's stats whenever a playbook has ended.

        ``guard`` calls a function and keeps what it raises away from the run; it returns None then.
        """
        self._at_end = at_end
        self._guard = guard
        self._hosts: dict[str, Any] = {}
        self.tracker = Tracker()
        self.options = Options()
        self.warn = warn
        self.core = ansible_version
        self.loader: Any = None
        self._under_way = False
        self.started = time.time()
        self.playbooks: list[str] = []
        self.base: str | None = None
        self.answered: set[str] = set()
        """Jobs for which the gate has failed a host."""
        self.history_told = False
        """A warning of the history has been given; there is one a run."""
        self._later = LaterPlays()
        self._play: Any = None
        self._gate: Gate | None = None
        self._needing: dict[str, dict[str, JobRecord]] = {}
        """The jobs that the gate has to do with, by host and id."""
        self._told: dict[str, dict[str, Any]] = {}
        """What the gate's variable holds, by host."""
        self._starts: dict[tuple[str, str], float] = {}
        self._accesses: dict[Access, Access] = {}
        self._sites: dict[LaunchSite, LaunchSite] = {}

    # Playbook and play

    def playbook_start(self, playbook: Any, raw_options: Mapping[str, Any]) -> None:
        if not self.playbooks:
            self.base = str(Path(playbook._basedir).absolute())  # noqa: SLF001 - a playbook has no public path
            self.options = parse(self._with_extra_vars(playbook, raw_options), self.warn)
            self._keep_ledger(str(playbook._file_name))  # noqa: SLF001 - as above
        self._under_way = True
        self.loader = playbook._loader  # noqa: SLF001
        self.playbooks.append(str(playbook._file_name))  # noqa: SLF001
        self._later = LaterPlays(playbook)

    def _with_extra_vars(self, playbook: Any, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """Before ansible-core 2.21 a callback gets no options from extra vars."""
        plays = playbook.get_plays()
        if CORE >= (2, 21) or not plays:
            return raw
        extra = plays[0].get_variable_manager().extra_vars
        return {**raw, **{name: extra[EXTRA_VAR_PREFIX + name] for name in NAMES if EXTRA_VAR_PREFIX + name in extra}}

    def play_start(self, play: Any) -> None:
        self._play = play
        self._gate = None
        self._starts.clear()
        self._later.enter(play)
        for job in self.tracker:
            self._file(job)
        if self.options.gate is not GateWhere.RUN or self._later.is_last:
            append(play, lambda blocks: self._guard(self._make_gate, blocks))

    def _make_gate(self, blocks: list[Any]) -> Gate | None:
        """The gate, where the play's own tasks could start jobs or earlier plays have left some."""
        if not self._needing and not may_start_jobs(tasks_in([*blocks, *self._play.handlers])):
            return None
        self._gate = Gate(
            self._play,
            lambda host: self._guard(self._enter_gate, host),
            look=self.options.look,
            wait=self.options.on_unreaped is OnUnreaped.REAP,
        )
        self._gate.arm(bool(self._needing))
        return self._gate

    # Tasks

    def task_start(self, task: Any) -> None:
        """A task is about to start."""

    def runner_start(self, host: Any, task: Any) -> None:
        if may_launch(task) and not self._is_gates(task):
            now = time.time()
            key = events.identity(task)
            self._starts[host.get_name(), key] = now
            self.tracker.intent(key, self._site(task), host.get_name(), now)

    def result(self, result: Any, *, failed: bool = False, ignored: bool = False, is_item: bool = False) -> None:
        """Any result of a task or loop item that ended ok or failed."""
        task, on, data = events.parts_of(result)
        host = on.get_name()
        gate = self._gate
        if gate is not None and gate.owns(task):
            self._gate_result(gate, task, on, data, is_item=is_item)
            return
        if not is_item and (task.loop is not None or task.loop_with):
            # Its items have been here.
            self._answered(host, task)
            return
        limit = _whole(task.async_val)
        if limit > 0:
            if not failed and _whole(task.poll) == 0 and "ansible_job_id" in data:
                self._launched(task, on, data, time.time())
            if not is_item:
                self._answered(host, task)
        elif own_action(task) is not None:
            for job in seen_by_own_task(self.tracker, task, host, data, reap=self._reap(task, host), failed=failed):
                self._file(job)
        elif is_reap(task.action) or "ansible_job_id" in data:
            self._saw(task, host, data, failed=failed, ignored=ignored or bool(is_item and task.ignore_errors is True))

    def skipped(self, result: Any, *, is_item: bool = False) -> None:
        """In check mode an ``async_status`` arrives as skipped, with ``finished: true``."""
        task, host, data = events.parts_of(result)
        if is_reap(task.action) and data.get("finished") and "ansible_job_id" in data:
            self._saw(task, host.get_name(), data, failed=False, ignored=False)
        if not is_item:
            self._answered(host.get_name(), task)

    def unreachable(self, result: Any) -> None:
        task, host, _ = events.parts_of(result)
        self._answered(host.get_name(), task)

    def async_ended(self, result: Any, *, failed: bool) -> None:
        """A job with ``poll`` > 0 has ended, or its task has given up on it."""
        task, on, data = events.parts_of(result)
        inner = data.get("async_result")
        jid = data.get("ansible_job_id") or (inner.get("ansible_job_id") if isinstance(inner, Mapping) else None)
        if not jid:
            return
        now = time.time()
        key = (on.get_name(), events.identity(task))
        self._launched(task, on, {**data, "ansible_job_id": jid}, self._starts.get(key, now))
        self._starts[key] = now  # the next item of a loop starts now
        self.tracker.see(_bare(jid), events.poll_sighting(data, failed=failed, when=now))

    def _launched(self, task: Any, host: Any, data: Mapping[str, Any], when: float) -> None:
        site = self._site(task, host)
        self._hosts.setdefault(host.get_name(), host)
        job = self.tracker.launch(
            JobInfo(
                jid=_bare(data["ansible_job_id"]),
                host=host.get_name(),
                site=site,
                results_file=str(data["results_file"]) if data.get("results_file") else None,
                item=events.item_label(data, site.no_log),
                launched=when,
            )
        )
        self._file(job)

    def _saw(self, task: Any, host: str, data: Mapping[str, Any], *, failed: bool, ignored: bool) -> None:
        jid = data.get("ansible_job_id") or task.args.get("jid")
        if not jid:
            return
        reap = self._reap(task, host)
        sighting = events.sighting_of(task, data, failed=failed, ignored=ignored, when=time.time(), reap=reap)
        if sighting is not None:
            job = self.tracker.see(_bare(jid), sighting)
            if job is not None:
                self._file(job)

    def _reap(self, task: Any, host: str) -> Reap:
        path, line = events.task_place(task, self.base)
        return Reap(path, line, events.task_label(task), host)

    def _answered(self, host: str, task: Any) -> None:
        key = events.identity(task)
        if self._starts.pop((host, key), None) is not None:
            self.tracker.answered(key, host)

    def _site(self, task: Any, host: Any = None) -> LaunchSite:
        """The launching task's record; equal ones are one object, so that a job costs little.

        Without a host the task has not run yet, and whether it is detached does not matter.
        """
        path, line = events.task_place(task, self.base)
        variables = self._connection_variables(task)
        access = events.access_of(task, variables)
        found = (
            marker.detachment(task, self._play, lambda value: self._template(task, value, host))
            if host is not None
            else None
        )
        site = LaunchSite(
            play=str(self._play.get_name()),
            task=events.task_label(task),
            path=path,
            line=line,
            role=events.role_name(task),
            register=events.register_name(task),
            limit_s=_whole(task.async_val),
            poll=_whole(task.poll),
            no_log=task.no_log is True,
            async_dir=str(variables["ansible_async_dir"]) if "ansible_async_dir" in variables else None,
            access=self._accesses.setdefault(access, access),
            reason=found.reason if found is not None and found.is_valid else None,
            empty_reason=found is not None and not found.is_valid,
        )
        return self._sites.setdefault(site, site)

    def _connection_variables(self, task: Any) -> dict[str, Any]:
        return {}

    def _template(self, task: Any, value: Any, host: Any) -> Any:
        manager = self._play.get_variable_manager()
        variables = manager.get_vars(play=self._play, host=host, task=task)
        return Templar(loader=self._play.get_loader(), variables=variables).template(value)

    def stats(self, stats: Any) -> None:
        """A playbook has ended."""
        self._under_way = False
        self._at_end(self, stats)

    def _keep_ledger(self, playbook: str) -> None:
        """Have each job written down as it starts, and the ledger closed however the process ends, unless killed."""
        ledger = ledger_of_this_run(self.options.ledger_dir, self.started, playbook, self.core, self.warn)
        self.tracker.listen(ledger)
        atexit.register(lambda: self.tracker.close(complete=not self._under_way))

    # The gate

    def _is_gates(self, task: Any) -> bool:
        return self._gate is not None and self._gate.owns(task)

    def _needs_gate(self, job: JobRecord) -> bool:
        """The gate has something to find out about the job, or to fail for."""
        if job.info.poll > 0 or self.options.ignores(job.info) or job.info.jid in self.answered:
            return False
        if not (job.wants_look or judge(job, self.options) is Verdict.FAILS):
            return False
        return self.options.gate is not GateWhere.AUTO or not self._later.may_reap(job.info)

    def _file(self, job: JobRecord) -> None:
        """Note whether the gate has to do with the job, and switch the gate on or off."""
        host, jid = job.info.host, job.info.jid
        if self._needs_gate(job):
            self._needing.setdefault(host, {})[jid] = job
        elif jid in self._needing.get(host, ()):
            del self._needing[host][jid]
            if not self._needing[host]:
                del self._needing[host]
        if self._gate is not None:
            self._gate.arm(bool(self._needing))

    def _enter_gate(self, host: str) -> None:
        """A host has reached the gate: tell it of its jobs."""
        jobs = list(self._needing.get(host, {}).values())
        on = self._hosts.get(host)
        if self._gate is None or on is None or not jobs:
            return
        looks = [job for job in jobs if job.wants_look]
        message = self._message(host)
        self._tell(host, looks=_groups(looks), message=message)
        self._gate.enter(on, look=bool(looks), fail=bool(message) and not (looks and self._gate_looks))

    @property
    def _gate_looks(self) -> bool:
        return self.options.look or self.options.on_unreaped is OnUnreaped.REAP

    def _tell(self, host: str, **values: Any) -> None:
        told = self._told.setdefault(host, {})
        told.update(values)
        self._play.get_variable_manager().set_nonpersistent_facts(host, {VARIABLE: as_data(told)})

    def _failing(self, host: str) -> list[JobRecord]:
        jobs = list(self._needing.get(host, {}).values())
        return [job for job in jobs if judge(job, self.options) is Verdict.FAILS]

    def _message(self, host: str) -> str:
        failing = self._failing(host)
        return failure_message(failing, time.time()) if failing else ""

    def _gate_result(self, gate: Gate, task: Any, on: Any, data: Mapping[str, Any], *, is_item: bool) -> None:
        host = on.get_name()
        if task.action != LOOK_ACTION:
            self.answered.update(job.info.jid for job in self._failing(host))
            return
        wait = self.options.on_unreaped is OnUnreaped.REAP
        for look in data.get("looks") or []:
            job = self.tracker.get(str(look.get("jid")))
            if job is not None:
                deadline = job.info.deadline(CORE)
                self.tracker.see(job.info.jid, events.look_sighting(look, wait=wait, deadline=deadline))
                self._file(job)
        if not is_item:
            self._tell(host, message=self._message(host))
            gate.set_fail(on, bool(self._failing(host)))


def _groups(jobs: list[JobRecord]) -> list[dict[str, Any]]:
    """The jobs of a host by how they are reached, in the form that the gate's task loops over."""
    groups: dict[tuple[Access, bool], list[JobRecord]] = {}
    for job in jobs:
        groups.setdefault((job.info.access, job.info.site.no_log), []).append(job)
    return [_group(access, hidden, members) for (access, hidden), members in groups.items()] or [
        _group(Access(), False, [])
    ]


def _group(access: Access, hidden: bool, jobs: list[JobRecord]) -> dict[str, Any]:
    return {
        "become": access.become,
        "become_user": access.become_user,
        "become_method": access.become_method,
        "become_flags": access.become_flags,
        "become_exe": access.become_exe,
        "connection": access.connection,
        "remote_user": access.remote_user,
        "port": access.port,
        "delegate_to": access.delegate_to,
        "hidden": hidden,
        "label": f"{len(jobs)} jobs" if len(jobs) != 1 else jobs[0].info.jid,
        "jobs": [
            {
                "jid": job.info.jid,
                "file": job.info.results_file or job.info.jid,
                "task": job.info.task,
                "launched": job.info.launched,
                "deadline": job.info.deadline(CORE),
                "limit": job.info.limit_s,
            }
            for job in jobs
        ],
    }


def _whole(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


def _bare(jid: Any) -> str:
    """The id itself, where somebody gave the path of the status file."""
    return str(jid).replace("\\", "/").rpartition("/")[2]
