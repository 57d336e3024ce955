# Copyright: the ansible-reap developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sees to it that no async job goes unanswered. Events come in here; ``ansible_reap.runtime`` does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
name: async_reaper
type: aggregate
short_description: Fail plays that leave async jobs unreaped
version_added: "0.1.0"
description:
  - Tracks every job that a task starts with C(async) and C(poll=0), and how the playbook waits for it.
  - A play that leaves jobs behind that nobody waited for, or whose failure nobody saw, fails on the hosts concerned,
    as by any failed task.
  - Declare a job that is never to be waited for with C(vars) C(async_reaper_detach=REASON) on its task, block,
    include, role entry or play.
  - After PLAY RECAP an ASYNC RECAP names each problem.
author:
  - The ansible-reap developers (@ansible-reap)
requirements:
  - The Python package C(ansible-reap), in the environment that holds Ansible.
notes:
  - Of an ad-hoc command (C(ansible -B 600 -P 0)) the jobs are written to the ledger, and nothing else is done. That
    needs C(bin_ansible_callbacks=true) under C([defaults]).
  - A bad value of an option is one warning, and the option's default applies. All options are plain text for that
    reason, because Ansible drops a plugin whose options it finds at fault and the run would go on unguarded.
  - A path in an ansible.cfg is relative to the folder of that file. Elsewhere it is relative to the current folder.
  - Each option can also be given as an extra var of its name with the prefix C(async_reaper_), as in
    C(-e async_reaper_on_unreaped=report), on every supported version of ansible-core. It beats the environment and the
    ansible.cfg.
  - Supports ansible-core 2.16 to 2.22.
options:
  enabled:
    description:
      - V(false) switches everything off, as if the callback were not enabled; V(true) is the default. An empty
        E(ANSIBLE_CALLBACKS_ENABLED) does not do, for it ends ansible-core 2.21 itself.
    type: str
    default: "true"
    ini: [{section: callback_async_reaper, key: enabled}]
    env: [{name: ASYNC_REAPER_ENABLED}]
  on_unreaped:
    description:
      - What to do at the end of a play about jobs that nobody waited for.
      - V(fail) fails the hosts that have any. V(report) only says so. V(reap) waits for the jobs, up to the limit of
        each, and fails the hosts on which any failed.
    type: str
    default: fail
    ini: [{section: callback_async_reaper, key: on_unreaped}]
    env: [{name: ASYNC_REAPER_ON_UNREAPED}]
  gate:
    description:
      - Where the gate stands that does so.
      - V(play) is the end of every play. V(run) is the end of the playbook's last play; jobs of hosts that are not in
        that play change the exit status only.
      - V(auto) is V(play), but a job is left to a later play that may still wait for it.
    type: str
    default: auto
    ini: [{section: callback_async_reaper, key: gate}]
    env: [{name: ASYNC_REAPER_GATE}]
  on_failed:
    description:
      - What to do about a job that failed, was killed at its limit or is lost, and whose failure never came up in the
        play. V(fail) or V(report). A failure that C(rescue) handles has come up.
    type: str
    default: fail
    ini: [{section: callback_async_reaper, key: on_failed}]
    env: [{name: ASYNC_REAPER_ON_FAILED}]
  on_swallowed:
    description:
      - What to do about a job whose failure was seen and let go, with C(ignore_errors) or a C(failed_when) that is
        constantly false. V(report) or V(fail).
    type: str
    default: report
    ini: [{section: callback_async_reaper, key: on_swallowed}]
    env: [{name: ASYNC_REAPER_ON_SWALLOWED}]
  on_error:
    description:
      - What to do about a run in which an error of async_reaper itself kept it from judging a job. V(fail) ends it with
        exit status 2. V(report) only says so. All other jobs are guarded in either case.
    type: str
    default: fail
    ini: [{section: callback_async_reaper, key: on_error}]
    env: [{name: ASYNC_REAPER_ON_ERROR}]
  on_running_twin:
    description:
      - What to do about a launch whose job an earlier run has started on the same host, where it may still be running.
        The ledgers tell of it, and one look is taken before the launch.
      - V(report) says so, V(fail) fails the host instead of launching, V(wait) waits for that job first, up to its
        limit, and the whole run with it. V(ignore) does not even look.
    type: str
    default: report
    ini: [{section: callback_async_reaper, key: on_running_twin}]
    env: [{name: ASYNC_REAPER_ON_RUNNING_TWIN}]
  look:
    description:
      - V(true) looks once at each outstanding job at the end of its play, so that the recap and the report can say what
        became of it. V(false) does not.
    type: str
    default: "true"
    ini: [{section: callback_async_reaper, key: look}]
    env: [{name: ASYNC_REAPER_LOOK}]
  clean_secrets:
    description:
      - V(true) removes the status file of a job under C(no_log), which holds its command and output in clear, once the
        job's end is known, at the end of the play at the latest. V(false) leaves it.
    type: str
    default: "true"
    ini: [{section: callback_async_reaper, key: clean_secrets}]
    env: [{name: ASYNC_REAPER_CLEAN_SECRETS}]
  ignore:
    description:
      - Jobs to leave alone, as a comma-separated list of C(task:GLOB), C(role:GLOB), C(path:GLOB) and C(host:GLOB).
        What stands on both sides of C( & ) must hold together. Such jobs are still in the report.
      - C(file:PATH) names a file of known jobs, an entry a line, as C(ansible-reap report RUN.json --generate-ignore)
        writes it. Known jobs are looked at and listed like any other, and fail nothing. The path is relative to the
        folder of the ansible.cfg in effect, or to the current one.
    type: str
    ini: [{section: callback_async_reaper, key: ignore}]
    env: [{name: ASYNC_REAPER_IGNORE}]
  recap:
    description:
      - When to print the ASYNC RECAP. V(problems) prints nothing after a clean run. V(always) or V(never).
    type: str
    default: problems
    ini: [{section: callback_async_reaper, key: recap}]
    env: [{name: ASYNC_REAPER_RECAP}]
  report_path:
    description:
      - Write the run's report there as JSON, readable by the owner only. A folder gets a file for each run.
    type: str
    ini: [{section: callback_async_reaper, key: report_path}]
    env: [{name: ASYNC_REAPER_REPORT_PATH}]
  junit_path:
    description: Write the run's report there as JUnit XML. A folder gets a file for each run.
    type: str
    ini: [{section: callback_async_reaper, key: junit_path}]
    env: [{name: ASYNC_REAPER_JUNIT_PATH}]
  metrics_path:
    description:
      - Write the run's figures there as Prometheus text, for the textfile collector of node_exporter, whose user can
        read it. A folder gets a file for each playbook.
    type: str
    ini: [{section: callback_async_reaper, key: metrics_path}]
    env: [{name: ASYNC_REAPER_METRICS_PATH}]
  webhook:
    description:
      - Post the summary of the run's report to this http or https address when the run is over, as JSON; its C(text) is
        what chat programs show. Waits a second at most, and never fails a run.
      - No warning shows more of the address than its host.
    type: str
    ini: [{section: callback_async_reaper, key: webhook}]
    env: [{name: ASYNC_REAPER_WEBHOOK}]
  history:
    description:
      - Where measured run times are kept, as a path or a database URL. By default under the user's state folder; an
        empty value turns it off.
    type: str
    ini: [{section: callback_async_reaper, key: history}]
    env: [{name: ASYNC_REAPER_HISTORY}]
  ledger_dir:
    description:
      - Where launched jobs are written down as they start, so that a killed run loses none. By default under the
        user's state folder.
    type: str
    ini: [{section: callback_async_reaper, key: ledger_dir}]
    env: [{name: ASYNC_REAPER_LEDGER_DIR}]
"""

# Ansible's own check of plugins wants the documentation above all imports.
import weakref  # noqa: E402
from typing import Any  # noqa: E402

from ansible.plugins.callback import CallbackBase  # noqa: E402

VERSION = "0.1.0"
OPTIONS = (
    "enabled",
    "on_unreaped",
    "gate",
    "on_failed",
    "on_swallowed",
    "on_error",
    "on_running_twin",
    "look",
    "clean_secrets",
    "ignore",
    "recap",
    "report_path",
    "junit_path",
    "metrics_path",
    "webhook",
    "history",
    "ledger_dir",
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Hands each event to the session. An error of ours costs that event; the run goes on, and does not end green."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "async_reaper"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wants_implicit_tasks = True
        self._session: Any = None
        self._has_launched = False

    def _guarded(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Hand the event to the session's method of that name.

        ansible-console has events without a playbook.
        """
        if self._session is None:
            return
        try:
            getattr(self._session, event)(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not reach the run
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """The session has not dealt with the error itself."""
        try:
            self._session.faults.note(error)
        except Exception:  # noqa: BLE001 - there is no session, or it is broken too
            self._display.warning(
                f"async_reaper: an error of its own, {error!r}. "
                "If this run starts jobs, it will not end with status 0. Please report this."
            )

    def _start(self, playbook: Any) -> None:
        if self._session is None:
            try:
                from ansible_reap.runtime import entry  # noqa: PLC0415 - the heavy part, only for a run that goes on
            except ImportError as error:
                self.disabled = True
                self._display.warning(
                    f"async_reaper is off, async jobs are not guarded: {error}. "
                    "Install ansible-reap into the Python environment that holds Ansible."
                )
                return
            self._session = entry.session_for(weakref.ref(self), VERSION, self._display.warning)
            if self._session is None:
                self.disabled = True
                return
        self._session.playbook_start(playbook, {name: self._option(name) for name in OPTIONS})
        self.disabled = not self._session.options.enabled

    def _option(self, name: str) -> Any:
        try:
            return self.get_option(name)
        except Exception as error:  # noqa: BLE001 - an option that Ansible cannot read has its default
            self._display.warning(f"async_reaper: the option {name} cannot be read, its default applies: {error}")
            return None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        try:
            self._start(playbook)
        except Exception as error:  # noqa: BLE001 - as in _guarded
            self._fail(error)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._guarded("play_start", play)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._guarded("task_start", task)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._guarded("task_start", task)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._has_launched = self._has_launched or _may_launch(task)
        self._guarded("runner_start", host, task)

    def v2_runner_on_ok(self, result: Any) -> None:
        self._guarded("result", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._guarded("result", result, failed=True, ignored=ignore_errors)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._guarded("result", result, is_item=True)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._guarded("result", result, failed=True, is_item=True)

    def v2_runner_retry(self, result: Any) -> None:
        self._guarded("result", result, is_retry=True)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._guarded("skipped", result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        self._guarded("skipped", result, is_item=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._guarded("unreachable", result)

    def v2_runner_item_on_unreachable(self, result: Any) -> None:
        self._guarded("unreachable", result, is_item=True)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        self._guarded("async_ended", result, failed=False)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        self._guarded("async_ended", result, failed=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        try:
            self._guarded("stats", stats)
        finally:
            if self._has_launched and not self._has_end():
                # The last resort where nothing else of ours can set the status: other callbacks may miss this event.
                raise SystemExit(2)

    def _has_end(self) -> bool:
        """The session sees to the end of the run, as it does where a launching task has started."""
        try:
            return bool(self._session.has_end)
        except Exception:  # noqa: BLE001 - there is no session, or it is broken
            return False


def _may_launch(task: Any) -> bool:
    """What the session goes by. Where that cannot be asked, any ``async`` counts."""
    try:
        from ansible_reap.runtime.events.plays import may_launch  # noqa: PLC0415 - as above

        return may_launch(task)
    except Exception:  # noqa: BLE001 - our own code is broken
        return bool(task.async_val)
