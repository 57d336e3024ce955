"""The words that both halves use for a job and what becomes of it."""

from __future__ import annotations

from enum import Enum

from ansible_reap.records import dataclass

DETACH_VARIABLE = "async_reaper_detach"
"""The variable that declares a launch detached; its value is the reason."""

EXPECT_VARIABLE = "async_reaper_expect"
"""The task variable that states the expected run time in seconds."""

REBOOT_REASON = "reboot"
"""The reason given for a launch that cuts its own connection on purpose."""

CONTROLLER = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of the host that Ansible itself runs on; they need no inventory."""

LOCAL_CONNECTIONS = frozenset({"local", "ansible.builtin.local"})
"""The connection by which tasks run there."""

OF_ENDED = ("rc", "stdout", "stdout_lines", "stderr", "stderr_lines", "delta")
"""Attributes of the result of an ended job only. A launch registers its id, ``started``, ``finished``,
``results_file`` and ``changed`` (ansible-core 2.16 to 2.22)."""


class Verdict(str, Enum):
    """What the static half says of a launch."""

    REAPED = "reaped"
    PARTIAL = "partial"
    UNREAPED = "unreaped"
    REBOOT = "reboot"
    DETACHED = "detached"
    UNKNOWN = "unknown"


class JobState(str, Enum):
    """What the runtime half says of a job when the run is over."""

    REAPED = "reaped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    UNREAPED = "unreaped"
    DETACHED = "detached"


BAD_STATES = frozenset({JobState.FAILED, JobState.TIMED_OUT, JobState.LOST})
"""The job did not end well, as far as anybody can tell."""


class LastSeen(str, Enum):
    """What the last look at a job found."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    MISSING = "missing"


class SeenBy(str, Enum):
    """Who saw a job end."""

    PLAYBOOK = "playbook"
    GATE = "gate"


@dataclass(frozen=True, slots=True)
class Detachment:
    """A declaration that a launch is never to be reaped. An empty reason does not detach."""

    reason: str

    @property
    def is_valid(self) -> bool:
        """Whether it gives a reason, and so detaches."""
        return bool(self.reason.strip())
