"""What happens at the end: recap, report, history, ledger, exit status. Made when the first launching task starts."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible.utils.display import Display

from ansible_reap.runtime.ledger.writer import ledger_of_this_run
from ansible_reap.runtime.output import recap, report
from ansible_reap.runtime.output.junit import as_junit
from ansible_reap.runtime.output.report import Outcome
from ansible_reap.runtime.output.run_times import keep
from ansible_reap.runtime.policy.consequence import Verdict, judge
from ansible_reap.runtime.session import Finish, Session

HOSTS_FAILED = 2
HOSTS_UNREACHABLE = 4


class RunEnd(Finish):
    """Sees to the end of a run in which a task was about to launch; a run without any has none.

    ``PlaybookExecutor.run`` removes the loader's temporary files as the very last thing it does, whatever ended it, on
    ansible-core 2.16 to 2.21. That is where a run ends for us: all other callbacks have had their stats, an exit
    status set there holds, and a run cut short by SIGINT, which sends no stats, comes by too.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._owner = os.getpid()
        self._has_ended = False
        self._status = HOSTS_FAILED
        self._clean_up = session.loader.cleanup_all_tmp_files
        session.loader.cleanup_all_tmp_files = self._leave
        session.tracker.listen(
            ledger_of_this_run(
                session.options.ledger_dir, session.started, session.playbooks[0], session.core, session.warn
            )
        )

    def playbook_start(self) -> None:
        self._has_ended = False

    def playbook_end(self, *, has_unreachable: bool) -> None:
        """Show the recap and write the report; a later playbook writes it anew."""
        session = self._session
        self._has_ended = True
        self._status = HOSTS_UNREACHABLE if has_unreachable else HOSTS_FAILED
        jobs = list(session.tracker)
        _show(recap.lines(jobs, session.options, time.time()))
        write_reports(session, report.outcome_of(jobs, session.options))

    def _leave(self) -> None:
        """Stands in for the loader's clean-up; workers, which are forks of this process, come here as well."""
        self._clean_up()
        if os.getpid() != self._owner:
            return
        self._session.loader.cleanup_all_tmp_files = self._clean_up
        self._session.guard(self._end_run)
        # An exception on its way out has a status of its own.
        if self._has_ended and sys.exc_info()[0] is None and unanswered(self._session):
            sys.exit(self._status)

    def _end_run(self) -> None:
        session = self._session
        if not self._has_ended:
            _show(recap.lines(list(session.tracker), session.options, time.time()))
            write_reports(session, Outcome.INTERRUPTED)
        elif stale := list(session.options.known.stale(session.tracker)):
            session.warn(f"async_reaper: entries that can go: {'; '.join(stale)}.")
        self._keep_run_times()
        session.tracker.close(complete=self._has_ended)

    def _keep_run_times(self) -> None:
        """Add what was measured to the history. In check mode nothing has really run."""
        session = self._session
        if session.in_check_mode or session.options.history == "":
            return
        problem = keep(list(session.tracker), session.name, session.core, session.base, session.options.history)
        if problem is not None:
            session.warn(f"async_reaper: {problem}.")


def unanswered(session: Session) -> bool:
    """Some job deserves a failure, and no gate has failed its host for it."""
    return any(
        judge(job, session.options) is Verdict.FAILS and job.info.jid not in session.answered for job in session.tracker
    )


def write_reports(session: Session, outcome: Outcome) -> None:
    """Write what the options ask for; a path that cannot be written is one warning."""
    jobs = list(session.tracker)
    run = report.Run(session.name, tuple(session.playbooks), session.core, session.started, time.time())
    if session.options.report_path:
        _write(session, "report_path", session.options.report_path, report.dumps(report.as_json(run, jobs, outcome)))
    if session.options.junit_path:
        _write(session, "junit_path", session.options.junit_path, as_junit(run, jobs, session.options))


def _write(session: Session, option: str, path: str, text: str) -> None:
    try:
        report.write(Path(os.path.expandvars(path)).expanduser(), text)
    except OSError as error:
        reason = error.strerror or str(error)
        session.warn(f"async_reaper: {option}: {path} cannot be written ({reason}); the run goes on without it.")


def _show(lines: list[recap.Line]) -> None:
    if not lines:
        return
    display: Any = Display()
    colours = {recap.Tone.GOOD: C.COLOR_OK, recap.Tone.WARNING: C.COLOR_WARN, recap.Tone.ERROR: C.COLOR_ERROR}
    # A stdout callback that prints one document must not have our lines behind it.
    if str(C.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2] in ("json", "jsonl", "null"):
        for line in lines:
            display.display(line.text, color=colours[line.tone], stderr=True)
        return
    display.banner("ASYNC RECAP")
    for line in lines:
        display.display(line.text, color=colours[line.tone])
    display.display("")
