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

from ansible_reap.runtime.remote.waiting import JobHost, NoAnswerError
from ansible_reap.runtime.tracking.info import Access, JobInfo
from ansible_reap.wording import duration

PATIENCE = 120.0
"""Seconds for one answer, the connection included."""

_AT_ONCE = 0.001
"""Seconds: a timer set to nothing never rings."""

_T = TypeVar("_T")


class _TooLongError(BaseException):
    """No Exception, so that nothing on the way takes it for a failure of its own, as Ansible does it."""


class BoundedHost:
    """A host whose every answer takes ``patience`` seconds at most.

    That holds in the main thread of a process, where Ansible's workers act, and ``ansible-playbook`` as well.
    """

    def __init__(self, host: JobHost, patience: float = PATIENCE, *, ask_again: bool) -> None:
        """``ask_again`` says whether whoever has not answered once is asked again: a wait does, a look does not."""
        self._host = host
        self._patience = patience
        self._ask_again = ask_again
        self._silent: set[tuple[Access, int]] = set()

    def status(self, job: JobInfo) -> Mapping[str, object]:
        return self._bounded(self._host.status, job)

    def ended_ago(self, job: JobInfo) -> float | None:
        return self._bounded(self._host.ended_ago, job)

    def cleanup(self, job: JobInfo) -> None:
        self._bounded(self._host.cleanup, job)

    def _bounded(self, ask: Callable[[JobInfo], _T], job: JobInfo) -> _T:
        way = (job.access, id(job.route))
        if way in self._silent:
            raise NoAnswerError(self._told())
        began = time.monotonic()
        task_ends_in, _ = signal.getitimer(signal.ITIMER_REAL)
        if 0 < task_ends_in <= self._patience or threading.current_thread() is not threading.main_thread():
            return ask(job)  # the task has a ``timeout``, which comes first; or there is no alarm for us
        before = signal.signal(signal.SIGALRM, _give_up)
        signal.setitimer(signal.ITIMER_REAL, self._patience)
        try:
            return ask(job)
        except _TooLongError:
            if not self._ask_again:
                self._silent.add(way)
            raise NoAnswerError(self._told()) from None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            if task_ends_in:
                signal.setitimer(signal.ITIMER_REAL, max(task_ends_in - (time.monotonic() - began), _AT_ONCE))

    def _told(self) -> str:
        return f"the host did not answer within {duration(self._patience)}"


def _give_up(_number: int, _frame: object) -> None:
    raise _TooLongError
