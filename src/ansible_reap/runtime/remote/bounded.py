"""A host that does not answer keeps a look waiting for so long, and no longer.

Ansible bounds how long a connection takes to be made, but not how long a module may run. Its own way to bound a task
would end the look at all jobs of the host, and what was seen of the others would be lost.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from ansible_reap.runtime.remote.waiting import JobHost, NoAnswerError, Terms
from ansible_reap.runtime.tracking import clock
from ansible_reap.runtime.tracking.info import Access, JobInfo
from ansible_reap.wording import duration

PATIENCE = 120.0
"""Seconds for one answer, the connection included."""

LEAST = 30.0
"""Seconds for an answer about a job that is not to be waited for any longer."""
_PAUSE = 10.0
"""Seconds in which whoever has not answered is not asked again: of a hundred jobs on a host each would wait."""
_AT_ONCE = 0.001
"""Seconds: a timer set to nothing never rings."""

_T = TypeVar("_T")


class _TooLongError(BaseException):
    """No Exception, so that nothing on the way takes it for a failure of its own, as Ansible does it."""


def within(seconds: float, ask: Callable[[], _T]) -> _T:
    """What ``ask`` returns, if it does so in time. To be called in the main thread, of a worker or of the run.

    Raises:
        NoAnswerError: it took longer.
    """
    if threading.current_thread() is not threading.main_thread():
        return ask()  # signals go to the main thread
    began = time.monotonic()
    task_ends_in, _ = signal.getitimer(signal.ITIMER_REAL)
    if 0 < task_ends_in <= seconds:
        return ask()  # the task has a ``timeout``, which comes first
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return ask()
    except _TooLongError:
        raise _silence(seconds) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if task_ends_in:
            signal.setitimer(signal.ITIMER_REAL, max(task_ends_in - (time.monotonic() - began), _AT_ONCE))


class SilenceError(NoAnswerError):
    """The host did not answer in time."""


class BoundedHost:
    """A host whose every answer takes ``patience`` seconds at most.

    That holds in the main thread of a process, where Ansible's workers act, and ``ansible-playbook`` as well.
    """

    def __init__(
        self,
        host: JobHost,
        patience: float = PATIENCE,
        *,
        ask_again: bool,
        end: Callable[[JobInfo], float] | None = None,
    ) -> None:
        """``ask_again`` says whether whoever has not answered once is asked again: a wait does, a look does not.

        ``end`` is until when a job is waited for, in seconds since the epoch; a look that takes much longer is given
        up.
        """
        self._host = host
        self._patience = patience
        self._ask_again = ask_again
        self._end = end
        self._silent: dict[tuple[Access, int], float] = {}
        """When whoever has not answered was given up."""

    def status(self, job: JobInfo) -> Mapping[str, object]:
        return self._bounded(self._host.status, job)

    def ended_ago(self, job: JobInfo) -> float | None:
        return self._bounded(self._host.ended_ago, job)

    def cleanup(self, job: JobInfo) -> None:
        self._bounded(self._host.cleanup, job)

    def _bounded(self, ask: Callable[[JobInfo], _T], job: JobInfo) -> _T:
        way = (job.access, id(job.route))
        patience = self._patience
        left = None if self._end is None else self._end(job) - clock.now()
        if left is not None:
            patience = min(patience, max(left, LEAST))
        silent = self._silent.get(way)
        if silent is not None:
            is_over = not self._ask_again or (left is not None and left <= 0)
            if is_over or time.monotonic() - silent < min(self._patience, _PAUSE):
                raise _silence(patience)
        try:
            answer = within(patience, lambda: ask(job))
        except SilenceError:
            self._silent[way] = time.monotonic()
            raise
        self._silent.pop(way, None)
        return answer


def bounded_by(terms: Terms, host: JobHost) -> BoundedHost:
    """The host for a wait, or a single look, on these terms that begins now."""
    if not terms.wait:
        return BoundedHost(host, ask_again=False)
    began = clock.now()
    return BoundedHost(host, ask_again=True, end=lambda job: terms.end(job, began))


def _silence(seconds: float) -> SilenceError:
    return SilenceError(f"the host did not answer within {duration(seconds)}")


def _give_up(_number: int, _frame: object) -> None:
    raise _TooLongError
