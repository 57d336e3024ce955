"""One Ansible run as the callback sees it. What its events tell of jobs is read by ``job_events``.

An error of our own concerns the event in which it happens: if that tells of a job, the job is lost and says why. The
guard stays on for everything else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible import context
from ansible.errors import AnsibleError
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.release import __version__ as ansible_version

from ansible_reap.project_root import find_root
from ansible_reap.records import replace
from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.action_names import is_reap, own_action
from ansible_reap.runtime.events.callers import caller
from ansible_reap.runtime.events.custom_stats import OUTSTANDING, OwnStatistic
from ansible_reap.runtime.events.plays import is_ad_hoc, may_launch
from ansible_reap.runtime.gate.keeper import Gatekeeper
from ansible_reap.runtime.policy.options import (
    EXTRA_VAR_PREFIX,
    NAMES,
    PATHS,
    Options,
    Reaction,
    for_ad_hoc,
    from_the_file,
    parse,
)
from ansible_reap.runtime.tracking.display_text import fit, mask_with
from ansible_reap.runtime.tracking.faults import Faults

# Every run that the callback is active in waits for what stands above; what only jobs need is imported for them.
if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import Host, Loader, Play, Playbook, Result, Stats, Task, Variables
    from ansible_reap.runtime.remote.expected import ExpectedEnds
    from ansible_reap.runtime.remote.mailbox import Mailbox
    from ansible_reap.runtime.session.job_events import JobEvents
    from ansible_reap.runtime.tracking.info import JobInfo
    from ansible_reap.runtime.tracking.tracker import Tracker

try:
    from ansible.module_utils.secrets import mask_secrets  # from ansible-core 2.22
except ImportError:
    IS_MASKING = False
else:
    IS_MASKING = True
    mask_with(mask_secrets)

CORE = tuple(int(part) for part in ansible_version.split(".")[:3] if part.isdigit())
_FAR = 16
"""Calls between Ansible's event and the start of a playbook here, at most."""
_LONGEST_WARNING = 4000
"""Characters."""
PATIENCE = 2.0
"""Seconds that a wait asks a locked or distant history for, once it has something to say."""


class Finish(Protocol):
    """What the end of a playbook and of the run sets off; ``output/finish.py`` has the real one."""

    def playbook_start(self) -> None:
        """Another playbook of the same command starts."""

    def playbook_end(self, failed: frozenset[str], unreachable: frozenset[str]) -> None:
        """Ansible has sent its stats, of these hosts among others."""


class Session:
    """Everything from the first playbook's start to the end of the run."""

    def __init__(self, warn: Callable[[str], None], finish: Callable[[Session], Finish]) -> None:
        """``finish`` makes what sees to the end of the run; it is not needed before a task is about to launch."""
        self.options = Options()
        # Paths in it, and the words of others, may hold anything.
        self.warn: Callable[[str], None] = lambda text: warn(fit(text, _LONGEST_WARNING))
        self.faults = Faults(self.warn)
        self.core = ansible_version
        self.started = time.time()
        self.playbooks: list[str] = []
        self.base = ""
        self.in_check_mode = bool(context.CLIARGS.get("check"))
        self.loader: Loader
        self._make_finish = finish
        self._finish: Finish | None = None
        self.artifact: OwnStatistic | None = None
        self._play: Play | None = None
        self._keeper: Gatekeeper
        self._ends: ExpectedEnds | None = None
        self._jobs: JobEvents | None = None

    @property
    def name(self) -> str:
        """What the run is called in report, ledger and history."""
        from ansible_reap.runtime.tracking.as_json import utc  # noqa: PLC0415 - see the top

        return f"{utc(self.started)}-{os.getpid()}"

    @property
    def jobs(self) -> JobEvents:
        """What follows the jobs of the run; made when it is first asked for."""
        if self._jobs is None:
            from ansible_reap.runtime.session.job_events import JobEvents  # noqa: PLC0415 - see the top

            jobs = JobEvents(self.base, self._keeper, self.faults, self.warn, is_masking=IS_MASKING)
            if self._play is not None:
                jobs.play_start(self._play)
            self._jobs = jobs
        return self._jobs

    @property
    def tracker(self) -> Tracker:
        return self.jobs.tracker

    @property
    def mailbox(self) -> Mailbox:
        """Where our actions, which run in workers, leave what they have seen."""
        return self.jobs.mailbox

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
        return self.faults.guard(function, *args)

    def expected(self, job: JobInfo, age: float) -> str:
        """When one of the run's jobs is expected to end, in words, by its age in seconds; empty where nothing tells."""
        if self._ends is None:
            from ansible_reap.runtime.remote.expected import ExpectedEnds  # noqa: PLC0415 - brings the whole history

            self._ends = ExpectedEnds(self.options.history, PATIENCE)
        return self._ends.text(self.base, job, age)

    # Playbook and play

    def playbook_start(self, playbook: Playbook, raw_options: Variables) -> None:
        """A playbook starts. At the first one the options are read, from what Ansible gives the plugin."""
        self.loader = playbook._loader  # noqa: SLF001 - a playbook has no public attributes
        if not self.playbooks:
            # Paths are told as ``ansible-reap check`` tells them.
            self.base = str(find_root(Path(playbook._basedir).absolute()))  # noqa: SLF001
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
        self._keeper = Gatekeeper(options, CORE, self.guard)
        self._keeper.expected = self.expected

    def _read_options(self, raw: Variables) -> Options:
        if C.CONFIG_FILE and any(raw.get(name) for name in PATHS):
            from ansible_reap import ansible_cfg  # noqa: PLC0415 - see the top

            raw = from_the_file(raw, ansible_cfg.read(Path(C.CONFIG_FILE)), os.environ)
        options = parse(raw, self.warn)
        if not options.ignore_files:
            return options
        from ansible_reap.runtime.policy import known_jobs  # noqa: PLC0415 - see the top

        folders = [Path(C.CONFIG_FILE).absolute().parent] if C.CONFIG_FILE else []
        known = known_jobs.load(options.ignore_files, [*folders, Path.cwd()], self.base, self.warn)
        return replace(options, known=known)

    def _with_extra_vars(self, playbook: Playbook, raw: Variables) -> Variables:
        """Extra vars beat all else. Ansible is not asked for them: for one it cannot template it drops the plugin."""
        plays = playbook.get_plays()
        if not plays:
            return raw
        extra = plays[0].get_variable_manager().extra_vars
        given = {name: extra[EXTRA_VAR_PREFIX + name] for name in NAMES if EXTRA_VAR_PREFIX + name in extra}
        return {**raw, **{name: self._opened(name, value) for name, value in given.items()}}

    def _opened(self, name: str, value: object) -> object:
        from ansible_reap.runtime.events.vaulted import opened  # noqa: PLC0415 - see the top

        try:
            return opened(value)
        except AnsibleError:
            self.warn(f"async_reaper: {name} comes out of a vault that cannot be opened, its default applies.")
            return None

    def play_start(self, play: Play) -> None:
        """A play starts, or a batch of one."""
        if self._jobs is not None:
            self._jobs.play_end()
            self._jobs.play_start(play)
        self._play = play
        self._keeper.play_start(play)

    def stats(self, stats: Stats) -> None:
        """A playbook has ended."""
        if self._jobs is not None:
            self._jobs.play_end()
        has_jobs = self._jobs is not None and len(self._jobs.tracker) > 0
        if self._finish is None and (self.options.wants_report or has_jobs):
            self._finish = self._make_finish(self)
        if self._finish is not None:
            failed = frozenset(host for host, times in stats.failures.items() if times)
            self._finish.playbook_end(failed, frozenset(stats.dark))

    # Tasks

    def _jobs_for(self, task: Task) -> JobEvents | None:
        """What follows the jobs of the run; None as long as there are none, and the task has nothing to do with any."""
        if self._jobs is None and not (may_launch(task) or is_reap(task.action) or own_action(task) is not None):
            return None
        return self.jobs

    def task_start(self, task: Task) -> None:
        """A task is about to start on the first of its hosts."""
        jobs = self._jobs_for(task)
        if jobs is not None:
            jobs.task_start(task)

    def runner_start(self, host: Host, task: Task) -> None:
        """A task is about to start on this host."""
        jobs = self._jobs_for(task)
        if jobs is None:
            return
        if may_launch(task) and not self._keeper.owns(task) and self._finish is None:
            self._finish = self._make_finish(self)
        jobs.runner_start(host, task)

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
        jobs = self._jobs_for(results.task_of(result))
        if jobs is not None:
            jobs.result(result, failed=failed, ignored=ignored, is_item=is_item, is_retry=is_retry)

    def skipped(self, result: Result, *, is_item: bool = False) -> None:
        """A task or loop item has been skipped."""
        jobs = self._jobs_for(results.task_of(result))
        if jobs is not None:
            jobs.skipped(result, is_item=is_item)

    def unreachable(self, result: Result, *, is_item: bool = False) -> None:
        """The host of a task, or of a loop item, could not be reached."""
        jobs = self._jobs_for(results.task_of(result))
        if jobs is not None:
            jobs.unreachable(result, is_item=is_item)

    def async_ended(self, result: Result, *, failed: bool) -> None:
        """A job with ``poll`` > 0 has ended, or its task has given up on it."""
        self.jobs.async_ended(result, failed=failed)
