"""What the walks have seen, over all entries of the project."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable

from ansible_reap.content.host_groups import HostGroups
from ansible_reap.content.model import Place, Task
from ansible_reap.flow.analysis import Quantity, ReadError, ReapKind, Setting
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.formulas import Formula, atoms, conj, granting, neg
from ansible_reap.flow.evaluation.host_sets import HostSet
from ansible_reap.flow.evaluation.values import EACH, Unknown, Value
from ansible_reap.flow.walk.hosts import PlayHosts
from ansible_reap.flow.walk.own_plugins import OwnPlugins
from ansible_reap.flow.walk.shares import Shares
from ansible_reap.flow.walk.state import Frame, is_yes
from ansible_reap.records import dataclass, field, replace
from ansible_reap.shell.disconnects import Disconnect
from ansible_reap.wording import not_checked

MAX_COVERS = 200
MAX_SETTINGS = 50
"""Contexts of one task that are remembered."""


@dataclass(slots=True)
class Cover:
    """One reap's reach over one launch: some or all of its jobs, under a condition."""

    task: Task
    kind: ReapKind
    guard: Formula
    index: int | None
    is_partial: bool
    is_sure: bool = True
    """False where it cannot be told whether this launch's job is meant."""
    hosts: PlayHosts | None = None
    """The play of the reap and its hosts, where it is each host's own variable that holds the job."""
    run_once: object = None
    """The keyword as written, where it is each host's own variable that holds the job."""
    read: HostSet | None = None
    """The hosts through whose ``hostvars`` the job's id is read: the jobs of others are not meant."""
    given: tuple[tuple[str, str], ...] = ()
    """What the play says of the variables in them."""
    may_hold_early: bool = False
    """Whether its own ``until`` is what is not understood, for the job that it names."""
    asks: frozenset[str] = frozenset()
    """The variables, and words that may be some, on which its condition hangs and which no task has set."""
    by_default: Formula = False
    """The condition where nobody sets the project's variables otherwise."""


@dataclass(slots=True)
class Instance:
    """One launch in one context, and what the walk has seen of its jobs."""

    number: int
    task: Task
    frame: Frame
    guard: Formula
    is_looped: bool
    count: int | None
    """How many jobs, where the loop's list is known."""
    never_runs: bool
    """Its conditions do not hold in this context."""
    is_doubtful: bool
    """Whether it may be no launch at all: the poll interval is not known."""
    register: str | None
    covers: list[Cover] = field(default_factory=list)
    escaped_at: Task | None = None
    """Where its handle leaves what can be read."""
    overwritten: Task | None = None
    beside: tuple[Task, ...] = ()
    detached: str | None = None
    """The declared reason, templated where it can be; None where nothing is declared."""
    lacks_reason: tuple[tuple[int | None, Formula], ...] = ()
    """The items (None for all) of which the reason comes to nothing, and under what: their jobs are not detached."""
    reaps_itself: bool = False
    may_reap_itself: bool = False
    disconnect: Disconnect | None = None
    """How it cuts its own connection on purpose. Where it works first, it is not known whether anybody is to hear."""
    changed: bool | None = True
    """Whether the launch counts as changed; None where that is not known."""
    fails_at_once: bool = False
    """Whether its own ``failed_when`` is met by each job that has just been started."""
    loses_id: bool | None = False
    """Whether its poll interval is null, so that nothing is ever told of the job that it starts. None: perhaps."""
    misses_handlers: bool = False
    """Whether its host has left the play, whenever it runs, before the handlers that it notifies come to run."""
    starts_again: bool | None = False
    """Whether its own ``until`` starts one more job at each try: none but the last is known. None: perhaps."""
    run_once: object = None
    """The keyword, of the task or of an include around it, as written."""
    skips: frozenset[int] = frozenset()
    """The items (EACH for those of a list that is not known) that its own condition may leave without a job."""
    leaves_out: frozenset[int] = frozenset()
    """Those of them for which it never holds."""
    lacking: dict[int, Formula] = field(default_factory=dict)
    """The items (EACH as above) whose result may be that of a skipped one, each with under what."""
    holds: Formula = True
    """What is true besides its conditions wherever there is a job: of what it loops over, of what it is given."""
    by_default: Formula = True
    """Under what it runs where nobody sets the project's variables otherwise."""
    own_condition: Formula = True
    """What must hold for one item besides the conditions of the includes around."""
    stopped_at: Task | None = None
    """The wait that fails at an item without a job."""
    fails_at: dict[Task, None] = field(default_factory=dict)
    """The tasks that ask a skipped item for its job id, and fail."""
    read_by: dict[Task, str] = field(default_factory=dict)
    """The tasks that read from its own result what only an ended job has, by which name."""
    cut_off_by: Task | None = None
    """The task at which its host fails in every run, so that a wait after it is not reached."""
    asks: frozenset[str] = frozenset()
    """The variables, and words that may be some, on which its conditions hang."""
    past_aside: Place | None = None
    """Where a file was called that may have set some of them and, past a bound, was not gone through for that."""
    past_encrypted: Place | None = None
    """Where tasks were called that nobody can read, before a wait for its jobs had been seen."""
    cleaned: list[Cover] = field(default_factory=list)
    """Clean-ups of status files that no wait came before."""

    @property
    def is_detached(self) -> bool:
        """Whether all its jobs are."""
        return bool(self.detached) and not self.lacks_reason

    @property
    def runs_once(self) -> bool:
        """On the first host of the play alone."""
        return is_yes(self.run_once)


@dataclass(slots=True)
class Numbers:
    """What is known of a task's numbers over all contexts."""

    values: set[float] = field(default_factory=set)
    is_open: bool = False

    def add_all(self, found: tuple[set[float], bool]) -> None:
        """As ``numbers`` gives them."""
        self.values |= found[0]
        self.is_open = self.is_open or found[1]

    def quantity(self, text: object) -> Quantity:
        return Quantity(frozenset(self.values), self.is_open or not self.values, "" if text is None else str(text))


@dataclass(slots=True)
class SettingsSeen:
    """The settings of one task in the contexts in which it is reached, each way once."""

    _sure: dict[tuple[str, ...], Setting] = field(default_factory=dict)
    """Those of ways on which it runs whatever the project does not tell."""
    _perhaps: dict[tuple[str, ...], Setting] = field(default_factory=dict)
    _never: dict[tuple[str, ...], Setting] = field(default_factory=dict)
    """Those of ways on which its conditions do not hold."""

    def add(self, setting: Setting, guard: Formula) -> None:
        """Remember a context, in which the task runs under ``guard``."""
        decided = self._sure if guard is True else self._never
        into = decided if isinstance(guard, bool) else self._perhaps
        if len(into) < MAX_SETTINGS:
            into.setdefault(setting.via, setting)

    def all(self) -> tuple[Setting, ...]:
        """All, those first in which the task surely runs, and those last in which it does not."""
        return tuple((self._sure | self._perhaps | self._never).values())


@dataclass(slots=True)
class UseRecord:
    """A task with ``async`` or ``poll``: its numbers and settings over all contexts."""

    task: Task
    limit: Numbers = field(default_factory=Numbers)
    poll: Numbers = field(default_factory=Numbers)
    expected: Numbers = field(default_factory=Numbers)
    settings: SettingsSeen = field(default_factory=SettingsSeen)


@dataclass(slots=True)
class LookRecord:
    """A task that looks at jobs, over all contexts."""

    task: Task
    kind: ReapKind
    retries: Numbers = field(default_factory=Numbers)
    delay: Numbers = field(default_factory=Numbers)
    has_until: bool = False
    never_fails: bool | None = None
    """Its ``failed_when`` holds on no way on which it is reached; None: no walk has come by."""
    never_holds: bool | None = None
    """Nor does its ``until``."""
    settings: SettingsSeen = field(default_factory=SettingsSeen)
    misses_results: bool = False
    is_loose: bool = False
    """On some way on which it is reached it is not known whose job it means."""


class Record:
    """Grows while the project is walked; read once at the end."""

    def __init__(self, own: OwnPlugins, host_groups: HostGroups) -> None:
        self.host_groups = host_groups
        self.instances: list[Instance] = []
        self.steps = 0
        """Tasks and imported playbooks that the walks have looked at."""
        self.roles = 0
        """Roles that the walks have entered, each time counted."""
        self.spent_before = bounds.spent()
        """What had been done for values and formulas before the walks."""
        self.uses: dict[int, UseRecord] = {}
        self.looks: dict[int, LookRecord] = {}
        self.reached: set[str] = set()
        """Files that a walk has come to, as whatever."""
        self.shares = Shares((), self.reached)
        """What the entries may cost together."""
        self.starts: list[int] = []
        """How many launches there were when each walk began."""
        self.behind: set[str] = set()
        """Files that are called, by way of others too, from where a walk has ended at a bound."""
        self.played: set[str] = set()
        """Those that it has come to as playbooks; an include with a templated name may reach any file as tasks."""
        self.ran_handlers: set[tuple[str, int]] = set()
        self.cut_short: dict[int, ReadError | None] = {}
        """Launches whose walk has not come to its end, each with the bound that it has met; None: an error of ours."""
        self.bounds: dict[int, ReadError] = {}
        """The first bound that keeps what becomes of a launch's jobs from being known: where, and which."""
        self.cuts: dict[ReadError, ReadError] = {}
        """The bounds at which walks have ended, each as it is told: what comes behind is not looked at."""
        self.first_cut: ReadError | None = None
        """The first such bound, as it is told of launches."""
        self._spent: set[str] = set()
        """The bounds of all walks together that were told."""
        self.crashes: dict[ReadError, None] = {}
        """What could not be gone through for an error of our own, each once."""
        self.set_on_the_way: set[str] = set()
        """The variables that say how a host is reached, and that a task or a role may have set for others."""
        self.own = own
        self.seen_with: dict[int, set[int]] = {}
        """For each launch, the looks (by task identity) that its walk went through."""
        self.settled: set[tuple[str, int, tuple[str, ...]]] = set()
        """Files and signatures that were gone through and left nothing pending: once is enough."""
        self.more_ways: dict[str, list[tuple[str, ...]]] = {}
        """Ways to files that were gone through before."""
        self._numbers = itertools.count()

    def fresh(self) -> int:
        """A number not used before."""
        return next(self._numbers)

    def also_by(self, path: str, via: tuple[str, ...]) -> None:
        """Note a way to a file that need not be gone through again."""
        ways = self.more_ways.setdefault(path, [])
        if len(ways) < MAX_SETTINGS:
            ways.append(via)

    def crashed(self, path: str, line: int, error: Exception) -> None:
        """Note an error of our own at this place."""
        self.crashes[ReadError(path, line, not_checked(error))] = None

    def cut(self, bound: ReadError, entry: str | None) -> None:
        """A walk ends at this bound; one for all walks is told once, and of the project, with the entry that met it."""
        self.first_cut = self.first_cut or bound
        if entry is None:
            self.cuts[bound] = replace(bound, message=f"is looked at no further: {bound.message}")
        elif bound.message not in self._spent:
            self._spent.add(bound.message)
            past = f"{entry} is looked at no further than {bound.path}:{bound.line}"
            self.cuts[bound] = ReadError(".", 1, f"is not looked at in full: {past}: {bound.message}")

    def beyond(self, number: int, place: Place, what: str) -> None:
        """A bound was reached at this place, and the launch's jobs are not followed behind it."""
        self.bounds.setdefault(number, ReadError(place.path, place.line, what))

    def anything(self, jobs: Iterable[int]) -> Value:
        """Something that may hold any of the jobs' handles."""
        return Unknown(frozenset(jobs))

    def escape(self, number: int, task: Task) -> None:
        """The handle leaves what can be read."""
        if 0 <= number < len(self.instances):
            self.instances[number].escaped_at = self.instances[number].escaped_at or task

    def cover(self, number: int, cover: Cover) -> None:
        """A task reaches the launch's jobs. A wait that finds their status files deleted reaches nothing."""
        if not 0 <= number < len(self.instances):
            return
        instance = self.instances[number]
        if len(instance.covers) >= MAX_COVERS:
            instance.is_doubtful = True
            bounds.met(f"more than {MAX_COVERS} tasks that look at the job; one wait is enough", [number])
            return
        if cover.kind is ReapKind.WAIT:
            for cleaned in instance.cleaned:
                if cleaned.index in (cover.index, None, EACH):
                    cover.guard = conj(cover.guard, neg(cleaned.guard))
        is_cleanup = cover.kind is ReapKind.CLEANUP and cover.is_sure and not cover.is_partial
        if is_cleanup and all(other.kind is not ReapKind.WAIT for other in instance.covers):
            instance.cleaned.append(cover)
        instance.covers.append(cover)

    def insist(self, number: int, register: str, guard: Formula, *, is_sure: bool) -> None:
        """The play goes on only where the look with this register has found the job finished; perhaps, if not sure."""
        for cover in self.instances[number].covers:
            if cover.kind is ReapKind.PEEK and cover.task.keywords.get("register") == register:
                cover.kind = ReapKind.WAIT
                cover.is_sure = cover.is_sure and is_sure
                cover.guard = conj(cover.guard, guard)

    def promote(self, paths: Collection[str], guard: Formula, *, or_asking: bool = False, is_sure: bool = True) -> None:
        """Looks in files that are gone through again and again until the jobs have finished amount to a wait.

        ``guard`` is what the repetition depends on: the jobs whose state it asks for are meant. With ``or_asking`` a
        look that itself depends on the job's state counts too.
        """
        asking = list(atoms(guard))
        asked = frozenset().union(*(atom.about for atom in asking))
        texts = frozenset(atom.text for atom in asking if not atom.is_choice and atom.about)
        for instance in self.instances:
            for cover in instance.covers:
                if cover.kind is not ReapKind.PEEK or cover.task.place.path not in paths:
                    continue
                asks = or_asking and any(instance.number in atom.about for atom in atoms(cover.guard))
                if instance.number in asked or asks:
                    cover.kind = ReapKind.WAIT
                    cover.is_sure = cover.is_sure and is_sure
                    cover.guard = granting(cover.guard, texts)
