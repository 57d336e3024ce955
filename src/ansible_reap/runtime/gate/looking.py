"""The look at the gate: which jobs, and what was seen of them.

Ansible runs the gate's action in a worker, a fork of the process that runs the play. The worker finds in its memory
which jobs to look at and how they are reached, and leaves what it sees in the mailbox. So nothing of it passes through
Ansible: the action's arguments and its result are empty, for whatever callback or log there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.ansible_objects import Action, Variables
from ansible_reap.runtime.events.callers import host_of_worker, run_goes_on
from ansible_reap.runtime.gate.blocks import Errand
from ansible_reap.runtime.remote.bounded import BoundedHost, bounded_by
from ansible_reap.runtime.remote.mailbox import Letter, Look, Mailbox
from ansible_reap.runtime.remote.progress import say
from ansible_reap.runtime.remote.reach import Reach
from ansible_reap.runtime.remote.waiting import JobHost, NoAnswerError, Terms, clean_up, told, wait_for
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.phases import Source


class Errands(Protocol):
    """What there is to look at."""

    core: tuple[int, ...]
    mailbox: Mailbox
    expected: Callable[[JobInfo, float], str]

    clean_secrets: bool

    def jobs_to_look_at(self, host: str) -> list[JobInfo]: ...
    def jobs_to_clean(self, host: str) -> list[JobInfo]: ...


_errands: Errands | None = None


def set_errands(errands: Errands) -> None:
    """To be called before the worker is forked."""
    global _errands  # noqa: PLW0603 - Ansible makes the action itself, so that nothing can be handed to it
    _errands = errands


def run_errand(action: Action, variables: Variables, errand: Errand) -> None:
    """Do what there is to do for the jobs of the action's host, and leave in the mailbox what was seen.

    Raises:
        OSError: what was seen cannot be told.
    """
    if _errands is None:
        return
    host = host_of_worker().get_name()
    reach = Reach(action, variables, host)
    looks: list[Look] = []
    if errand is not Errand.CLEAN:
        looks += _looks(reach, host, _errands.jobs_to_look_at(host), _terms(_errands, errand))
    if errand is not Errand.WAIT:
        looks += _cleanings(BoundedHost(reach, ask_again=False), _errands.jobs_to_clean(host))
    _errands.mailbox.post(Letter(host, results.identity(action._task), tuple(looks)))  # noqa: SLF001 - the plugin's own


def _terms(errands: Errands, errand: Errand) -> Terms:
    is_wait = errand is Errand.WAIT
    return Terms(
        errands.core,
        wait=is_wait,
        cleanup=False,
        # What a wait has seen is told only when it is over: files are removed after that.
        clean_secrets=errands.clean_secrets and not is_wait,
        source=Source.WAIT if is_wait else Source.LOOK,
        expected=errands.expected,
    )


def _looks(reach: Reach, host: str, jobs: Sequence[JobInfo], terms: Terms) -> list[Look]:
    try:
        bounded = bounded_by(terms, reach)
        waited = wait_for(jobs, bounded, terms, lambda text: say(host, text))
        waited = clean_up(waited, bounded, terms) if run_goes_on() else waited
    except Exception as error:  # noqa: BLE001 - it is told of each job; what it says itself may be secret
        return [Look(job, error=f"an error of async_reaper, {type(error).__name__}") for job in jobs]
    return [Look(one.job.info, one.sighting, one.error, is_cleaned=one.is_cleaned) for one in waited]


def _cleanings(reach: JobHost, jobs: Sequence[JobInfo]) -> Iterator[Look]:
    for job in jobs:
        why = _why_not_cleaned(reach, job)
        if why is None or job.site.no_log:  # of any other job nothing depends on it
            yield Look(job, error=why, is_cleaned=why is None)


def _why_not_cleaned(reach: JobHost, job: JobInfo) -> str | None:
    if not run_goes_on():
        return "its status file stays, for the run has been killed"
    try:
        reach.cleanup(job)
    except NoAnswerError as error:
        return f"its status file cannot be removed: {told(error, job)}"
    except Exception as error:  # noqa: BLE001 - what it says itself may be secret
        return f"its status file cannot be removed: {type(error).__name__}"
    return None
