"""A job as it was launched: which task, on which host, reached how. Pure, and nothing in it ever changes.

Times are seconds since the epoch unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_reap.records import dataclass, field
from ansible_reap.timing import kill_margin

LOCAL_CONNECTIONS = frozenset({"local", "ansible.builtin.local"})


@dataclass(frozen=True, slots=True)
class Access:
    """How the launch reached its host: what a later look at the job must use as well. Shared by many jobs."""

    delegate_to: str | None = None
    become: bool = False
    become_user: str | None = None
    become_method: str | None = None
    become_flags: str | None = None
    become_exe: str | None = None
    connection: str | None = None
    remote_user: str | None = None
    port: int | None = None
    variables: tuple[tuple[str, str | int | float | bool], ...] = ()
    """Connection variables (``ansible_user`` and the like) that the play, role, include, block or task set itself, as
    far as they are plain values there."""
    vaulted: frozenset[str] = frozenset()
    """The keywords among these, and other connection variables, whose values came out of a vault: they are used and
    never written."""
    home: str | None = None
    """What ``~`` comes to for the job's wrapper: as ``environment`` sets it, or the HOME of a run on the controller."""

    def keywords(self) -> dict[str, str | int | bool | None]:
        """The keywords of a task that goes there; None for what is left to the defaults."""
        return {name: getattr(self, name) for name in self.__match_args__ if name in CONNECTION_KEYWORDS}


CONNECTION_KEYWORDS = frozenset(Access.__match_args__) - {"variables", "vaulted", "home"}
"""The keywords of a task that say how its host is reached."""
HIDDEN = "{{ what a vault holds }}"
"""What stands in an access for a value that is not written."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Route:
    """How a launch got to its host: the connection variables that it had, templates and vaulted values among them.

    They are not worked out here: only the worker that looks at the job does that, and nothing shows or writes them.
    """

    variables: Mapping[str, object]
    """As they were when the launch started, wherever they had been set."""
    known: Mapping[str, object] = field(default_factory=dict)
    """The variables that templates among these name, as they were then."""
    scope: Mapping[str, object] = field(default_factory=dict)
    """What the loop set for the item: a template may lead each item to another machine."""


@dataclass(frozen=True, slots=True)
class LaunchSite:
    """A task that starts jobs, as it stood for one result. Shared by all jobs of that task with the same settings."""

    play: str
    task: str
    path: str
    """Relative to the root of the project where it lies below it, else absolute."""
    line: int
    role: str | None
    register: str | None
    limit_s: int
    poll: int
    no_log: bool
    async_dir: str | None = None
    """The shell option ``ansible_async_dir`` where the play sets it; None for the default folder."""
    access: Access = field(default_factory=Access)
    reason: str | None = None
    """Why its jobs are detached, or None."""
    empty_reason: bool = False
    """The detach marker stands there without a reason, so it does not detach."""

    @property
    def place(self) -> str:
        """``path:line``; what is in no file has no line."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class JobInfo:
    """One job as launched. Never changes."""

    jid: str
    host: str
    site: LaunchSite
    item: str | None
    """The loop item's label; always None under ``no_log``."""
    launched: float
    route: Route | None = field(default=None, compare=False, repr=False)
    """Kept in memory only."""
    told_folder: str | None = field(default=None, compare=False, repr=False)
    """Where its status file is, in the words of its host; kept in memory only. No file is looked for by them."""

    @property
    def delegated_to(self) -> str | None:
        """The host that the job runs on where that is not ``host``."""
        return self.site.access.delegate_to

    @property
    def play(self) -> str:
        return self.site.play

    @property
    def task(self) -> str:
        return self.site.task

    @property
    def path(self) -> str:
        return self.site.path

    @property
    def line(self) -> int:
        return self.site.line

    @property
    def role(self) -> str | None:
        return self.site.role

    @property
    def limit_s(self) -> int:
        """The limit (``async``) in seconds."""
        return self.site.limit_s

    @property
    def poll(self) -> int:
        """The poll interval in seconds; 0 for a launch that nobody waits for by itself."""
        return self.site.poll

    @property
    def access(self) -> Access:
        return self.site.access

    def deadline(self, core: tuple[int, ...]) -> float:
        """When even a job killed at its limit must have ended on this ansible-core."""
        return self.launched + self.limit_s + kill_margin(core)
