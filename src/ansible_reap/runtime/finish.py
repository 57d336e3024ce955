"""What happens when a playbook has ended: recap, report, exit status."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812 - Ansible's own name for it
from ansible.utils.display import Display

from ansible_reap.runtime import recap, report
from ansible_reap.runtime.session import Session
from ansible_reap.runtime.verdict import Verdict, judge

HOSTS_FAILED = 2
HOSTS_UNREACHABLE = 4


def end_of_playbook(session: Session, stats: Any) -> None:
    """Show the recap, write the report, and see to the exit status where no gate could."""
    jobs = list(session.tracker)
    now = time.time()
    _show(recap.lines(jobs, session.options, now))
    write_reports(session, report.outcome_of(jobs, session.options), now)
    keep_run_times(session, now)
    if unanswered(session):
        _fail_at_exit(session, HOSTS_UNREACHABLE if stats.dark else HOSTS_FAILED)


def unanswered(session: Session) -> bool:
    """Some job deserves a failure, and no gate has failed its host for it."""
    return any(
        judge(job, session.options) is Verdict.FAILS and job.info.jid not in session.answered for job in session.tracker
    )


def write_reports(session: Session, outcome: report.Outcome, now: float) -> None:
    """Write what the options ask for; a path that cannot be written is one warning."""
    if session.options.report_path:
        run = report.Run(tuple(session.playbooks), session.core, session.started, now)
        text = report.dumps(report.as_json(run, list(session.tracker), outcome))
        _write(session.options.report_path, text, "report_path", session.warn)


def keep_run_times(session: Session, now: float) -> None:
    """Add the run times of the jobs to the history; a store that cannot be used is one warning."""
    if not len(session.tracker) or session.options.history == "":
        return
    from ansible_reap.runtime import measured  # noqa: PLC0415 - only a run with jobs has run times to keep

    run = report.Run(tuple(session.playbooks), session.core, session.started, now)
    problem = measured.keep(list(session.tracker), run.name, run.ansible_core, session.base, session.options.history)
    if problem and not session.history_told:
        session.history_told = True
        session.warn(f"async_reaper: {problem}.")


def _write(path: str, text: str, option: str, warn: Callable[[str], None]) -> None:
    try:
        report.write(Path(path).expanduser(), text)
    except OSError as error:
        warn(f"async_reaper: {option}: {path} cannot be written ({error.strerror or error}); the run is not affected.")


def _show(lines: list[recap.Line]) -> None:
    if not lines:
        return
    display = Display()
    # A stdout callback that prints one document must not have our lines behind it.
    aside = str(C.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2] in ("json", "jsonl", "null")
    colours = {recap.Tone.GOOD: C.COLOR_OK, recap.Tone.WARNING: C.COLOR_WARN, recap.Tone.ERROR: C.COLOR_ERROR}
    if aside:
        for line in lines:
            display.display(line.text, color=colours[line.tone], stderr=True)
        return
    display.banner("ASYNC RECAP")
    for line in lines:
        display.display(line.text, color=colours[line.tone])
    display.display("")


def _fail_at_exit(session: Session, status: int) -> None:
    """End with ``status`` once every callback has had its stats event and Ansible has tidied up.

    ``PlaybookExecutor.run`` removes the loader's temporary files as the last thing it does, on ansible-core 2.16 to
    2.21. Leaving from there is the one place after all other callbacks that needs no hold on the executor itself.
    """
    loader = session.loader
    if loader is None or getattr(loader.cleanup_all_tmp_files, "is_ours", False):
        return
    clean_up = loader.cleanup_all_tmp_files

    def clean_up_and_leave() -> None:
        clean_up()
        loader.cleanup_all_tmp_files = clean_up
        # An exception on its way out, or Ansible's own failure, has a status already; a later playbook may have reaped.
        if sys.exc_info()[0] is None and unanswered(session):
            sys.exit(status)

    clean_up_and_leave.is_ours = True  # type: ignore[attr-defined]
    loader.cleanup_all_tmp_files = clean_up_and_leave
