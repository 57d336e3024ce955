"""What happens at the end: recap, report, history, ledger, exit status. Made when the first launching task starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible.utils.display import Display

from ansible_reap import ansible_cfg, files
from ansible_reap.reports import prometheus, run_report
from ansible_reap.runtime.events.ansible_objects import Loader
from ansible_reap.runtime.ledger.artifact import OutstandingJobs
from ansible_reap.runtime.ledger.writer import Ledger, ledger_of_this_run
from ansible_reap.runtime.output import console, recap, receivers, report
from ansible_reap.runtime.output.junit import as_junit
from ansible_reap.runtime.output.report import RunOutcome
from ansible_reap.runtime.output.run_times import keep
from ansible_reap.runtime.output.spans import destination
from ansible_reap.runtime.policy.consequence import Consequence, judge
from ansible_reap.runtime.policy.options import Options
from ansible_reap.runtime.session import Finish, Session
from ansible_reap.runtime.tracking import clock
from ansible_reap.runtime.tracking.display_text import fit, shown
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.phases import Phase
from ansible_reap.runtime.tracking.tracker import JobRecord, Listener
from ansible_reap.wording import counted

HOSTS_FAILED = 2
HOSTS_UNREACHABLE = 4


class RunEnd(Finish):
    """Sees to the end of a run in which a task was about to launch; a run without any has none.

    ``PlaybookExecutor.run`` removes the loader's temporary files as the very last thing it does, whatever ended it, on
    ansible-core 2.16 to 2.22. That is where a run ends for us: all other callbacks have had their stats, an exit
    status set there holds, and a run cut short by SIGINT, which sends no stats, gets there too.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._owner = os.getpid()
        self._has_ended = False
        self._status = HOSTS_FAILED
        self._lost_hosts = frozenset[str]()
        self._come_by(session.loader)
        session.guard(self._keep_ledger)
        session.guard(self._keep_artifact)

    def _come_by(self, loader: Loader) -> None:
        """Have the loader's clean-up end the run for us as well; workers, which are forks, come there too."""
        clean_up = loader.cleanup_all_tmp_files

        def clean_up_and_end() -> None:
            clean_up()
            if os.getpid() != self._owner:
                return
            loader.cleanup_all_tmp_files = clean_up
            # An exception on its way out has a status of its own.
            is_cut_short = sys.exc_info()[0] is not None
            try:
                status = self._leave(is_cut_short=is_cut_short)
            except Exception as error:  # noqa: BLE001 - nobody above us would keep it from the run
                self._session.warn(f"async_reaper: an error of its own, {error!r}. Please report this.")
                status = self._status
            if status and not is_cut_short:
                sys.exit(status)

        loader.cleanup_all_tmp_files = clean_up_and_end

    def _keep_ledger(self) -> None:
        """Without a home folder nothing is kept that the options give no place for; that is one warning."""
        session = self._session
        options = session.options
        try:
            files.state_folder()
        except OSError as error:
            unkept = [name for name in ("ledger_dir", "history") if getattr(options, name) is None]
            if unkept:
                kept = " and no ".join("ledger" if name == "ledger_dir" else "history" for name in unkept)
                session.warn(
                    f"async_reaper: {error.strerror}, so no {kept} is kept; {' or '.join(unkept)} can name one."
                )
            if options.ledger_dir is None:
                return
        try:
            ledger = ledger_of_this_run(
                options.ledger_dir,
                session.started,
                session.playbooks[0],
                session.base,
                session.core,
                session.warn,
            )
        except OSError as error:
            session.warn(f"async_reaper: no ledger is kept in {options.ledger_dir} ({error.strerror or error}).")
            return
        session.tracker.listen(ledger)
        if options.ignore:
            session.tracker.listen(IgnoredJobs(ledger, options))

    def _keep_artifact(self) -> None:
        if self._session.artifact is not None:
            self._session.tracker.listen(OutstandingJobs(self._session.artifact, self._session.options.ignores))

    def playbook_start(self) -> None:
        self._has_ended = False

    def playbook_end(self, failed: frozenset[str], unreachable: frozenset[str]) -> None:
        """Show the recap and write the report, with the hosts that have failed; a later playbook writes it anew."""
        session = self._session
        self._has_ended = True
        self._lost_hosts = failed | unreachable
        self._status = HOSTS_UNREACHABLE if unreachable else HOSTS_FAILED
        session.guard(self._show_and_write, None)

    def _show_and_write(self, outcome: RunOutcome | None) -> None:
        """The recap and the reports; an error of ours in one leaves the others."""
        session = self._session
        jobs = list(session.tracker)
        session.guard(self._show_recap, outcome is RunOutcome.INTERRUPTED)
        session.guard(write_reports, session, outcome or self._outcome(jobs))

    def _show_recap(self, is_cut_short: bool) -> None:
        jobs, options = list(self._session.tracker), self._session.options
        why = recap.Unwaited(self._lost_hosts, is_cut_short=is_cut_short)
        console.show(recap.lines(jobs, options, clock.now(), console.width(), why))

    def _outcome(self, jobs: list[JobRecord]) -> RunOutcome:
        found = report.outcome_of(jobs, self._session.options)
        return RunOutcome.FAILED if found is not RunOutcome.FAILED and self._session.is_spoilt else found

    def _leave(self, *, is_cut_short: bool) -> int:
        """The run is over; returns its exit status, 0 where Ansible's own is to stand."""
        if not self._has_ended and not is_cut_short:
            # Ansible has sent its stats, and an error of ours has kept them from us.
            self._session.guard(self._show_and_write, None)
            self._has_ended = True
        self._session.guard(self._end_run)
        return self._status if self._is_to_fail() else 0

    def _is_to_fail(self) -> bool:
        session = self._session
        return bool(session.guard(unanswered, session)) or session.is_spoilt

    def _end_run(self) -> None:
        session = self._session
        if not self._has_ended:
            self._show_and_write(RunOutcome.INTERRUPTED)
        else:
            session.guard(self._tell_stale_entries)
        session.guard(self._tell_programs)
        session.guard(self._tell_secrets_left)
        session.guard(self._keep_run_times)
        session.tracker.close(complete=self._has_ended)

    def _tell_programs(self) -> None:
        """What is told once, and not again after each playbook."""
        session, options = self._session, self._session.options
        jobs = list(session.tracker)
        outcome = self._outcome(jobs) if self._has_ended else RunOutcome.INTERRUPTED
        told = report.as_json(_run_of(session), jobs, outcome, session.options)
        tellers: list[Callable[[], str | None]] = []
        if recap.lines(jobs, options, clock.now()):
            tellers.append(lambda: receivers.add_step_summary(told, os.environ))
        if options.webhook:
            tellers.append(lambda: receivers.call_webhook(options.webhook, told))
        where = destination(C.CALLBACKS_ENABLED, os.environ)
        if isinstance(where, str):
            Display().v(f"async_reaper: {where}")
        elif where is not None:
            tellers.append(partial(receivers.send_spans, where, told))
        for tell in tellers:
            problem = session.guard(tell)
            if problem is not None:
                session.warn(f"async_reaper: {problem}; the run goes on without it.")

    def _tell_stale_entries(self) -> None:
        known = self._session.options.known
        if known is not None and (stale := list(known.stale(self._session.tracker))):
            self._session.warn(f"async_reaper: entries that can go: {'; '.join(stale)}.")

    def _tell_secrets_left(self) -> None:
        """The gate could not remove a status file, or its host never came to the gate."""
        session = self._session
        left = [job.info for job in session.tracker if job.leaves_secret and not session.options.ignores(job.info)]
        if left and session.options.clean_secrets:
            one = left[0]
            session.warn(
                f"async_reaper: what no_log hides is still in clear in the status files of "
                f"{counted(len(left), 'ended job')}, as of '{shown(one.task)}' on {fit(one.host)}, job {one.jid}. "
                "Remove them with async_status and mode: cleanup, or with ansible-playbook reap.jobs.sweep."
            )

    def _keep_run_times(self) -> None:
        """Add what was measured to the history. In check mode nothing has really run."""
        session = self._session
        if session.in_check_mode or session.options.history == "":
            return
        problem = keep(list(session.tracker), session.name, session.core, session.base, session.options.history)
        if problem is not None:
            session.warn(f"async_reaper: {problem}.")


class IgnoredJobs(Listener):
    """Closes jobs in the ledger that the options leave alone: nobody is to come back for them."""

    def __init__(self, ledger: Ledger, options: Options) -> None:
        self._ledger = ledger
        self._options = options

    def launched(self, job: JobInfo) -> None:
        """The ledger has heard of the job before."""
        if self._options.ignores(job):
            self._ledger.settled(JobRecord(job, Phase.OUTSTANDING))


def unanswered(session: Session) -> bool:
    """Some job deserves a failure, and no gate has failed its host for it."""
    return any(
        judge(job, session.options) is Consequence.FAILS and job.info.jid not in session.answered
        for job in session.tracker
    )


def write_reports(session: Session, outcome: RunOutcome) -> None:
    """Write what the options ask for; a path that cannot be written is one warning."""
    jobs = list(session.tracker)
    run = _run_of(session)
    options = session.options
    file_name = session.name.replace(":", "")
    if options.report_path:
        text = report.dumps(report.as_json(run, jobs, outcome, options))
        _write(session, "report_path", options.report_path, text, f"{file_name}.json")
    if options.junit_path:
        _write(session, "junit_path", options.junit_path, as_junit(run, jobs, options), f"{file_name}.xml")
    if options.metrics_path:
        text = prometheus.render(run_report.of_json(report.as_json(run, jobs, outcome, options)))
        # node_exporter reads it, as a user of its own, and whatever lies in its folder: so not a file for each run.
        name = f"ansible-reap-{Path(session.playbooks[0]).stem}.prom"
        _write(session, "metrics_path", options.metrics_path, text, name, private=False)


def _run_of(session: Session) -> report.Run:
    return report.Run(session.name, tuple(session.playbooks), session.core, session.started, clock.now())


def _write(session: Session, option: str, named: str, text: str, in_folder: str, *, private: bool = True) -> None:
    """Write to the path that the option names, or to the file ``in_folder`` where that is a folder."""
    try:
        path = ansible_cfg.resolve_path(named)
        if path.is_dir() or named.endswith("/"):
            path /= in_folder
        for folder in (path.parent, files.target_of(path).parent):
            files.refuse_shared(folder)
        files.write(path, text, private=private)
    except OSError as error:
        reason = error.strerror or str(error)
        session.warn(f"async_reaper: {option}: {named} cannot be written ({reason}); the run goes on without it.")
