"""The result of the analysis: every launch and reap of a project with what is known of them. Immutable."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from ansible_reap.content.model import Place, Task
from ansible_reap.jobs import Detachment, Verdict
from ansible_reap.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a number (seconds or a count) can be over all the ways in which the task is reached.

    ``values`` holds the numbers that could be worked out; ``is_open`` says that there may be others.
    """

    values: frozenset[float]
    is_open: bool
    text: str
    """As written."""

    @property
    def known(self) -> bool:
        """Whether the values are all that there are."""
        return bool(self.values) and not self.is_open

    @property
    def single(self) -> float | None:
        """The number, where there is exactly one."""
        return next(iter(self.values)) if self.known and len(self.values) == 1 else None


def _is_below(quantity: Quantity, bound: float) -> bool:
    return quantity.known and max(quantity.values) < bound


@dataclass(frozen=True, slots=True)
class Setting:
    """Where, as whom and under what a task runs in one of its contexts, after inheritance; templates as written."""

    via: tuple[str, ...] = ()
    """``path:line`` of the play, role entry, include and so on that lead to the task, outermost first, task last."""
    playbook: str | None = None
    play: Place | None = None
    hosts: str | None = None
    become: object = None
    become_user: str | None = None
    delegate_to: str | None = None
    run_once: object = None
    check_mode: object = None
    ignore_errors: object = None
    """Of a template that the play's own variables settle, its value."""
    async_dir: str | None = None
    """The shell option ``ansible_async_dir`` where a vars: sets it, else None."""
    connection: object = None
    variables: Mapping[str, object] = field(default_factory=dict)
    """Of the variables by which Ansible reaches a host (``ansible_host``, ``ansible_become`` and so on) those that some
    ``vars:`` around the task sets, or a file of the play's ``vars_files``, as written."""


class ReapKind(str, Enum):
    """What a task does with the jobs that it looks at."""

    WAIT = "wait"
    """Waits until the job has finished."""
    PEEK = "peek"
    """Looks once, or with a condition that a running job already meets."""
    CLEANUP = "cleanup"
    """Deletes the status file."""


@dataclass(frozen=True, slots=True, eq=False)
class Reap:
    """A task that looks at or waits for jobs."""

    task: Task
    kind: ReapKind
    retries: Quantity | None = None
    delay: Quantity | None = None
    budget: Quantity | None = None
    """How long it waits in seconds, retries x delay; None where it does not wait by ``until``."""
    settings: tuple[Setting, ...] = ()
    ways: tuple[tuple[str, ...], ...] = ()
    """Every ``via`` of the settings, and those of ways to its file that hold nothing new."""
    misses_results: bool = False
    """It reads ``.ansible_job_id`` of a looped register, whose ids stand in ``.results``."""
    never_fails: bool = False
    """Its ``failed_when`` never holds, by the values that its variables have on every way on which it is reached."""
    never_holds: bool = False
    """Nor does its ``until``, however the job ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Launch:
    """A task that starts jobs for which Ansible does not poll, on at least one way in which it is reached."""

    task: Task
    limit: Quantity
    poll: Quantity
    register: str | None
    is_looped: bool
    verdict: Verdict
    sub_tag: str | None = None
    """The sub-tag of async-unreaped, where the verdict is unreaped or partial."""
    explanation: str = ""
    """One or two sentences: what is missing and why."""
    confidence: str = "high"
    reaps: tuple[Reap, ...] = ()
    """The reaps that wait for its jobs."""
    looks: tuple[Reap, ...] = ()
    """Peeks, cleanups and waits that come near but do not count."""
    settings: tuple[Setting, ...] = ()
    via: tuple[str, ...] = ()
    """The context at fault, or the first one."""
    detached: Detachment | None = None
    expected: Quantity | None = None
    """``async_reaper_expect`` in seconds."""
    beside: tuple[Task, ...] = ()
    """Other launches whose jobs may still be running, on the same hosts, when this one starts."""
    overwritten: Task | None = None
    """The task that gives its register another value before anything has waited for its jobs."""
    cut_off_by: Task | None = None
    """The task, perhaps itself, that fails in every run before a wait for its jobs is reached."""
    fails_at: tuple[Task, ...] = ()
    """The tasks that ask a skipped item of its loop for a job id, which is not there."""
    read_by: tuple[tuple[Task, str], ...] = ()
    """The tasks that read from its own result what only an ended job has, each with the name by which it does."""
    is_changed: bool = True
    """Whether it counts as changed on every way, as far as that is known: ``changed_when`` may say otherwise."""
    fails_at_once: bool = False
    """Whether on every way its own ``failed_when`` calls it failed as soon as the job has been started."""
    loses_id: bool = False
    """Whether on every way ``poll`` is null: the job is started, the task fails, and nobody is told the job's id."""
    runs_handlers: bool = True
    """Whether handlers may run, on some way, between its start and the end of its play."""

    @property
    def is_never_polled(self) -> bool:
        """Ansible polls for none of its jobs: on every way ``poll`` is below 1, or the limit below 0."""
        return _is_below(self.poll, 1) or _is_below(self.limit, 0)


@dataclass(frozen=True, slots=True, eq=False)
class AsyncUse:
    """Any task, include or block that bears ``async`` or ``poll``, a launch or not."""

    task: Task
    limit: Quantity | None
    poll: Quantity | None
    settings: tuple[Setting, ...] = ()
    launch: Launch | None = None
    is_read: bool = False
    """It is an entry of ``roles``, for which these are variables, and a task of the role reads one of them."""


@dataclass(frozen=True, slots=True)
class ReadError:
    """A file that cannot be read or parsed, or a place that could not be checked."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class NotFollowed:
    """A launch, by its place, whose jobs were followed up to a bound: which one was reached, and where."""

    path: str
    line: int
    bound: ReadError

    def __str__(self) -> str:
        at = self.bound
        where, until = f"{self.path}:{self.line}", f"{at.path}:{at.line}"
        return f"{where}: is not followed past {until}, so its verdict is unknown: {at.message}"


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What one look at a project found."""

    root: str
    launches: tuple[Launch, ...]
    reaps: tuple[Reap, ...]
    uses: tuple[AsyncUse, ...]
    errors: tuple[ReadError, ...]
    """Files that cannot be read or parsed, in the words of whatever refuses them."""
    files: int
    passed_over: tuple[ReadError, ...] = ()
    """Files that do not parse, or cannot be read, and concern no job."""
    encrypted: tuple[ReadError, ...] = ()
    """Files of tasks or plays that are encrypted as a whole, so that nothing in them is looked at."""
    crashes: tuple[ReadError, ...] = ()
    """Places that were not checked for an error of our own; the launches that this may concern are unknown."""
    cuts: tuple[ReadError, ...] = ()
    """Places at which a bound has ended the look at what follows, and launches were passed by or are unknown for it.

    ``.`` is the path of one that has ended it for all files."""
    not_followed: tuple[NotFollowed, ...] = ()
    """Launches that are unknown because a bound was reached."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """The text of the files that hold launches or reaps, by path relative to the root."""
    steps: Mapping[str, tuple[Task, ...]] = field(default_factory=dict)
    """Every task of those files, and of those that lead to a reap, in the order of the text; blocks as tasks too."""
    set_elsewhere: frozenset[str] = frozenset()
    """The variables of the connection that an inventory may set, or a role, a file of variables or a task for later
    ones."""
    become: bool | None = False
    """Whether tasks become another user that are not told to, by ansible.cfg; None where that is not known."""
    become_user: str | None = "root"
    """Whom tasks become that are not told whom, by ansible.cfg; None where that is not known."""
    strategy: str | None = None
    """The one of ansible.cfg."""
    controllers: frozenset[str] = frozenset()
    """The hosts and groups that an inventory gives the local connection: they are the controller itself."""
    hosts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The hosts behind the names of hosts and groups; nothing where an inventory does not tell."""
    addresses: frozenset[str] | None = None
    """What an inventory may set ``ansible_host`` to; None where that is not known."""
