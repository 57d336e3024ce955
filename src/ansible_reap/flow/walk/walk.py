"""The state of one walk through the project, and the services that whoever handles a task relies on."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ansible_reap.content import expressions
from ansible_reap.content.call_graph import CallGraph
from ansible_reap.content.library import Library
from ansible_reap.content.model import Place, Task, as_list
from ansible_reap.content.roles import Finder, Role
from ansible_reap.content.tasks import Play, Step, TaskBlock
from ansible_reap.flow.analysis import ReadError
from ansible_reap.flow.evaluation import bounds
from ansible_reap.flow.evaluation.conditions import MAGIC, condition
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj, disj, neg
from ansible_reap.flow.evaluation.host_sets import HostSet
from ansible_reap.flow.evaluation.layers import Layer, Scope
from ansible_reap.flow.evaluation.patterns import patterns
from ansible_reap.flow.evaluation.values import (
    UNDEFINED,
    UNKNOWN,
    Const,
    Lazy,
    Unknown,
    Value,
    handles,
    plain,
    replaced,
)
from ansible_reap.flow.walk import alterations, special
from ansible_reap.flow.walk.hosts import OF_PLAY
from ansible_reap.flow.walk.other_values import OtherValues
from ansible_reap.flow.walk.record import Record
from ansible_reap.flow.walk.relevance import Relevance
from ansible_reap.flow.walk.state import INHERITED, Earlier, Facts, Frame, State, bearing, tags_of
from ansible_reap.flow.walk.variables import FileVariables, GroupVariables, RoleVariables, Shared
from ansible_reap.jobs import OF_ENDED
from ansible_reap.late_patterns import expression
from ansible_reap.records import dataclass, field

MAX_STEPS = 12_000
"""Tasks and imported playbooks looked at in one walk; past it everything that is still open is unknown."""
MAX_STEPS_TOGETHER = 60_000
"""The same for all walks of a project together, with STEPS_PER_FILE more for each of its files."""
STEPS_PER_FILE = 5
MAX_LAUNCHES = 2000
"""Launches of all walks, each counted in every way in which it is reached; LAUNCHES_PER_FILE more for each file."""
LAUNCHES_PER_FILE = 1
MAX_ROLES = 6000
"""Roles that all walks enter for plays and for other roles, each time counted; ROLES_PER_FILE more for each file."""
ROLES_PER_FILE = 1
MAX_WORK = 3_750_000
"""What all walks do for values and formulas, as ``bounds.spend`` counts it; WORK_PER_FILE more for each file.

The public repository that takes the most of some 150 takes 6.9 million, and has 2,787 files."""
WORK_PER_FILE = 2500
MAX_VISITS = 200
"""How often one walk goes through one file."""
MAX_DEPTH = 40
_PARTS = "split it, or check parts of the project"
TOO_DEEP = f"files that call each other more than {MAX_DEPTH} deep; call them from fewer others"
"""What is said where that is so."""

FAILED = "failed "
"""How the text of a condition begins that only a run meets in which the block has failed that is named after it."""
_BEARING = frozenset({"async", "poll", "notify"})
_TELLING = frozenset({"debug", "pause"})
"""Modules of ansible-core 2.16 to 2.22 after which a play goes on as before."""


class Mark(NamedTuple):
    """What a walk has open at some point."""

    pending: frozenset[int]
    notified: dict[str, frozenset[Formula]]
    ended: Formula


Handle = Callable[["Walk", Task, Frame], None]
"""What is done with each task that the walk comes by; ``effects.task`` is what is meant."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is the same for all walks of a project: its files, who calls whom, where things are found."""

    library: Library
    graph: CallGraph
    finder: Finder
    inventory: GroupVariables
    role_variables: RoleVariables
    entries: dict[object, list[tuple[Role, str, str]]] = field(default_factory=dict)
    """Roles that names may mean, with entry points and their files, by what they were looked up for."""


class Walk:
    """One entry of the project on its way from start to end: what is known so far, and what every task needs to ask.

    The order in which plays and roles come stands in ``order`` and ``calls``, what a task does in ``effects``.
    """

    def __init__(self, ground: Ground, record: Record, handle: Handle) -> None:
        self._handle = handle
        self.library = ground.library
        self.graph = ground.graph
        self.finder = ground.finder
        self.inventory = ground.inventory
        self.role_variables = ground.role_variables
        self.entries = ground.entries
        self.record = record
        self.state = State(alterations.LastSet(self.inventory.may_define, self.inventory.of_hosts.names_behind))
        self.roles_of_play = ""
        """The roles that the play has so far, as written."""
        self.handlers: list[tuple[Step, Frame]] = []
        self.hidden_handlers: set[str] = set()
        """Files of handlers that are encrypted as a whole."""
        self.passed_by: set[str] = set()
        """Files that were called and not gone through, as nothing could become of a job there."""
        self.cut_off: dict[int, tuple[Task, int]] = {}
        """Launches after which their host surely fails: at which task, and how many looks there were before."""
        self.silent: set[int] = set()
        """Handlers, by identity, that are notified by nothing but tasks that never count as changed."""
        self.stack: list[str] = []
        self.ahead: list[tuple[str, tuple[Play, ...]]] = []
        """The playbooks that are gone through, the outermost first, each with the plays that are still to come."""
        self.steps = 0
        files = len(ground.library.project.yaml)
        self._most_steps = MAX_STEPS_TOGETHER + STEPS_PER_FILE * files
        self._most_roles = MAX_ROLES + ROLES_PER_FILE * files
        self._most_work = MAX_WORK + WORK_PER_FILE * files
        self._most_launches = MAX_LAUNCHES + LAUNCHES_PER_FILE * files
        self._before = record.steps, len(record.instances), bounds.spent() - record.spent_before, record.roles
        """What all walks before this one have taken."""
        self.entry = ""
        """The file that the walk has begun with."""
        self.place = Place("", 1)
        """Where the walk is."""
        self.relevance = Relevance(self.graph, self.state, record, lambda: self.place)
        self.cut_at: ReadError | None = None
        """The bound that has cut the walk short: where, and which."""
        self.has_crashed = False
        self.launched: list[int] = []
        self._launched_in: tuple[frozenset[int], frozenset[str]] = frozenset(), frozenset()
        """Launches that were pending when their files were asked for last, and these files."""
        self.looks: set[int] = set()
        """The tasks, by identity, that this walk has seen look at jobs."""
        self._texts: dict[int, str] = {}
        self._visits: Counter[str] = Counter()
        self.shared_vars = Shared()
        self.shared_defaults = Shared()
        self.values = OtherValues(self.inventory, injects_facts=self.library.project.settings.injects_facts)

    # ---- variables and roles

    def magic(self, playbook_folder: str, hosts: str | None = None, name: object = None) -> dict[str, Any]:
        """What Ansible itself defines, within a play on these hosts and of this name."""
        of_play = HostSet((hosts,) if hosts else (), is_play=True, written=hosts if hosts and "{" in hosts else "")
        magic: dict[str, Any] = {
            **dict.fromkeys(special.TAKEN, UNKNOWN),
            **MAGIC,
            **dict.fromkeys(OF_PLAY, Unknown(hosts=of_play)),
            "hostvars": Unknown(hosts=HostSet(("all",))),
            "playbook_dir": Const(self.finder.absolute(playbook_folder)),
        }
        if name is not None:
            magic["ansible_play_name"] = name
        return magic

    def _magic_of(self, role: Role, around: Mapping[str, Any]) -> dict[str, Any]:
        """What Ansible itself defines for the role's tasks."""
        magic = {**around, **dict.fromkeys(special.TAKEN_IN_ROLES, UNKNOWN)}
        magic["role_path"] = Const(self.finder.absolute(role.path))
        magic["role_name"] = magic["ansible_role_name"] = Const(role.name)
        return magic

    def load_variables(self, name: str, frame: Frame) -> dict[str, Any] | None:
        """The variables of a file named by a template; None where the name or the file is not known."""
        evaluator = self.evaluator(frame)
        for pattern in patterns(evaluator, name):
            if "*" in pattern:
                continue
            found = self.files_of_variables(pattern, frame)
            if found:
                return self.library.variables(found[0])
        return None

    def files_of_variables(self, name: str, frame: Frame) -> list[str]:
        """The files of variables that a name may mean, with ``*`` in it where a part is not known."""
        folders = [posixpath.join(folder, part) for folder in frame.folders for part in ("", "vars")]
        if frame.role is not None:
            folders.insert(0, frame.role.part("vars"))
        return self.finder.find_files(name, folders)

    def share_variables(
        self,
        role: Role,
        vars_from: str = "main",
        defaults_from: str = "main",
        *,
        of: Role | None = None,
        again: bool = False,
    ) -> tuple[FileVariables, FileVariables]:
        """A role's variables and defaults, which all that follows in the play sees too.

        Those of the role that was named last count, and before those of a role that another depends on those of that
        one, ``of``. ``again``: the role is made known once more (all seen on ansible-core 2.16 and 2.22).
        """
        variables = self.role_variables.of(role, "vars", vars_from)
        defaults = self.role_variables.of(role, "defaults", defaults_from)
        for shared, part, layer in (
            (self.shared_vars, "vars", variables),
            (self.shared_defaults, "defaults", defaults),
        ):
            shared.put(layer, None if of is None else self.role_variables.of(of, part, "main"), again=again)
        return variables, defaults

    def enter_role(
        self,
        frame: Frame,
        role: Role,
        params: Mapping[str, Any],
        vars_from: str = "main",
        defaults_from: str = "main",
        *,
        of: Role | None = None,
    ) -> Frame:
        """The frame of a role's tasks; it sees what the roles around it see. ``of`` is one that depends on it."""
        variables, defaults = self.share_variables(role, vars_from, defaults_from, of=of)
        around = [entry for entry in frame.settings if entry[0] is Layer.DEFAULTS]
        settings = (
            (Layer.ROLE, variables),
            *(entry for entry in frame.settings if entry[0] not in (Layer.DEFAULTS, Layer.MAGIC)),
            (Layer.DEFAULTS, defaults),
            *(entry for entry in around if entry[1] is not self.shared_defaults),
            (Layer.DEFAULTS, self.shared_defaults),
            *((layer, self._magic_of(role, known)) for layer, known in frame.settings if layer is Layer.MAGIC),
        )
        outer = frame.role.path if frame.role is not None and frame.role is not role else None
        return frame._replace(
            role=role,
            parents=frame.parents if outer is None else (outer, *frame.parents),
            folders=(role.part("tasks"), role.path, *(folder for folder in frame.folders if folder != role.path))[:8],
            settings=settings,
            keywords={**frame.keywords, "collections": self.finder.collections_of(role)},
        ).with_params(params)

    def add_role_handlers(self, role: Role, frame: Frame, entry: str = "main", *, comes_last: bool = False) -> None:
        """Make a role's handlers known to the play, or known again with the parameters that the role has by now."""
        for path in self.finder.part_files(role, "handlers", entry):
            # a handler of the same name takes another's place
            reads_output = _READS_OUTPUT.search(self.library.text(path)) is not None
            if reads_output or self.graph.matters(path) or self.relevance.notifies(path):
                inner = frame._replace(path=path, role=role, folders=(role.part("handlers"), *frame.folders))
                self.hidden_handlers.update([path] if path in self.library.vaulted else [])
                own = self.library.content(path).tasks
                self.record.reached.add(path)
                self.add_handlers(own, inner, comes_last=comes_last)

    def add_handlers(self, steps: Iterable[Step], frame: Frame, *, comes_last: bool = False) -> None:
        """Make handlers known to the play; those that are known already get this frame.

        Where they come last they go behind all others, as those of a role that is called once more do.
        """
        given = {id(step): step for step in steps}
        if comes_last:
            self.handlers = [(step, at) for step, at in self.handlers if id(step) not in given]
        known = {id(step) for step, _ in self.handlers}
        self.handlers = [(step, frame if id(step) in given else at) for step, at in self.handlers]
        self.handlers += [(step, frame) for key, step in given.items() if key not in known]
        concerned = filter(_may_concern, given.values())
        self.relevance.topics.update(topic for step in concerned for topic in topics_of(step))

    # ---- steps

    def may_go_on(self) -> bool:
        """Counts a step; False once there were too many."""
        self.steps += 1
        self.record.steps += 1
        return self._is_within_bounds()

    def may_enter_role(self) -> bool:
        """Counts a role that is entered; False once there were too many."""
        self.record.roles += 1
        return self._is_within_bounds()

    def _is_within_bounds(self) -> bool:
        if self.steps > MAX_STEPS:
            self.cut(f"a playbook that leads through more than {MAX_STEPS:,} tasks; split it, or include less often")
        elif self._is_used_up(self._most_steps, self.record.steps, self._before[0]):
            what = f"its share of the {self._most_steps:,} tasks that all playbooks may lead through; {_PARTS}"
            self.cut(what, is_for_all=True)
        elif self._is_used_up(self._most_launches, len(self.record.instances), self._before[1]):
            what = f"its share of the {self._most_launches:,} ways in which launches may be reached; {_PARTS}"
            self.cut(what, is_for_all=True)
        elif self._is_used_up(self._most_work, bounds.spent() - self.record.spent_before, self._before[2]):
            self.cut(f"its share of the time for values, conditions and commands; {_PARTS}", is_for_all=True)
        elif self._is_used_up(self._most_roles, self.record.roles, self._before[3]):
            what = f"its share of the {self._most_roles:,} times that roles may be entered"
            self.cut(f"{what}; let fewer depend on each other", is_for_all=True)
        return self.goes_on()

    def _is_used_up(self, most: int, taken: int, before: int) -> bool:
        return self.record.shares.is_used_up(most, taken, taken - before)

    def cut(self, what: str, *, is_for_all: bool = False) -> None:
        """A bound has been reached here, for one walk or for all together: what is still open is unknown."""
        if self.cut_at is None:
            self.cut_at = ReadError(self.place.path, self.place.line, what)
            self.record.cut(self.cut_at, self.entry if is_for_all else None)

    def goes_on(self) -> bool:
        """Whether no bound has been hit yet."""
        return self.cut_at is None

    def run(self, steps: Iterable[Step], frame: Frame) -> None:
        """Tasks and blocks one after the other."""
        depth = len(self.stack)
        for step in steps:
            if not self.may_go_on():
                return
            if isinstance(step, TaskBlock):
                self._block(step, frame)
                continue
            self.place = step.place
            ended = disj(self.state.ended, self.state.role_ended, self.state.block_failed)
            try:
                self._handle(self, step, frame if ended is False else frame.under(neg(ended)))
            except Exception as error:  # noqa: BLE001 - what we get wrong at one task hides nothing of the others
                del self.stack[depth:]
                self.crashed(step.place.path, step.place.line, error)
            for number, what in bounds.taken().items():
                self.record.beyond(number, step.place, what)

    def crashed(self, path: str, line: int, error: Exception) -> None:
        """Note an error of our own: what this walk launches is unknown from here on."""
        self.has_crashed = True
        self.record.crashed(path, line, error)

    def _block(self, block: TaskBlock, frame: Frame) -> None:
        inner = self.inside(frame, block.block.keywords)
        had_failed = self.state.block_failed
        caught = inner._replace(is_caught=inner.is_caught or bool(block.rescue or block.always))
        ends_here = bool(block.always) and not block.rescue and inner.failing_under is None
        body = self._rescued(caught, block) if block.rescue else caught
        self.run(block.body, body._replace(failing_under=self._runs_under(caught)) if ends_here else body)
        if block.rescue:
            before = self.state.facts.now
            surely = self.state.block_failed and not had_failed
            end: Step = block
            while isinstance(end, TaskBlock) and end.body and (end is block or not (end.rescue or end.always)):
                end = end.body[-1]
            last = end.block.place if isinstance(end, TaskBlock) else end.place
            failed: Formula = surely or Atom(f"{FAILED}{block.block.place} at the latest in {last}")
            held = frozenset().union(*(handles(value) for value in self.state.facts.values()))
            loose: dict[str, Value] = {"ansible_failed_result": self.record.anything(held)}
            self.state.changes.perhaps(alterations.FAILURE, self.steps)
            self.state.block_failed = had_failed
            in_rescue = inner._replace(is_caught=inner.is_caught or bool(block.always))
            self.run(block.rescue, in_rescue.under(failed).in_loop(loose))
            self.join(before, failed)
        has_failed, self.state.block_failed = self.state.block_failed, had_failed
        self.run(block.always, inner)
        self.state.block_failed = had_failed if ends_here else has_failed or self.state.block_failed

    def _runs_under(self, frame: Frame) -> Formula:
        """Under what the tasks of a block run that have no condition of their own."""
        evaluator = self.evaluator(frame)
        return conj(frame.guard, *(self.asked(evaluator, when) for when in frame.whens))

    def _rescued(self, frame: Frame, block: TaskBlock) -> Frame:
        """The frame of tasks whose failure a ``rescue`` takes up."""
        under = self._runs_under(frame)
        if not _goes_on(block):
            return frame._replace(failing_under=under)
        is_passed_over = all(isinstance(step, Task) and step.module in _TELLING for step in block.rescue)
        return frame._replace(failing_under=under, rescued_under=under, is_passed_over=is_passed_over)

    def inside(self, frame: Frame, keywords: Mapping[str, Any]) -> Frame:
        """The frame within a block or a static import that bears these keywords."""
        given = keywords.get("vars")
        named = {str(key): value for key, value in given.items()} if isinstance(given, dict) else {}
        inherited = {key: keywords[key] for key in INHERITED if key in keywords and key not in ("vars", "when")}
        defaults, outer = inherited.get("module_defaults"), frame.keywords.get("module_defaults")
        if isinstance(defaults, dict) and isinstance(outer, dict):
            inherited["module_defaults"] = {**outer, **defaults}
        if "environment" in inherited:
            inherited["environment"] = [*as_list(inherited["environment"]), *as_list(frame.keywords.get("environment"))]
        return frame._replace(
            tags=frame.tags | tags_of(keywords) if "tags" in keywords else frame.tags,
            blocks=(named, *frame.blocks) if named else frame.blocks,
            declared=(named, *frame.declared) if named else frame.declared,
            whens=(*frame.whens, keywords["when"]) if "when" in keywords else frame.whens,
            keywords={**frame.keywords, **inherited} if inherited else frame.keywords,
        )

    def join(self, before: int, guard: Formula) -> None:
        """Forget what has been set since some point in time wherever the guard did not hold."""
        if guard is True:
            return
        facts = self.state.facts
        for name in facts.set_since(before):
            old, value = facts.then(name, before), facts[name]
            if old is not value:
                facts[name] = replaced(old if old is not None else UNDEFINED, value, guard)

    # ---- helpers for the tasks

    def asked(self, evaluator: Evaluator, written: Any, step: Task | None = None) -> Formula:
        """A condition as it is meant where the walk is; ``step`` is the task that asks, None for a block."""
        matters = step is None or "async" in step.keywords or "include" in step.module or "import" in step.module
        if not (matters or self.state.live.all):
            return condition(evaluator, written)
        return self.values.asked(evaluator, written, self.steps)

    def evaluator(
        self, frame: Frame, task_vars: Mapping[str, Any] | None = None, bound: Mapping[str, Any] | None = None
    ) -> Evaluator:
        """An evaluator of what a task in the frame sees now; ``bound`` are its own loop's variables."""
        scope = frame.scope(self.state, task_vars)
        return Evaluator(scope.with_layer(Layer.LOOP, bound) if bound else scope, self.state.live.all)

    def later(self, evaluator: Evaluator, raw: Any) -> Value:
        """The value of what is written; worked out only when asked for, where no handle can be in it."""
        if not isinstance(raw, (str, list, dict)):
            return Const(raw)
        text = str(raw)
        if "{" not in text and isinstance(raw, str):
            return evaluator.data(raw)
        layers = evaluator.scope.layers
        names = set(self.state.facts.tainted())
        for layer, entries in layers:
            if layer in (Layer.LOOP, Layer.PARAMS):
                names.update(bearing(entries))
        if any(name in text for name in names):
            return evaluator.data(raw)
        snapshot = Scope(
            tuple((layer, Earlier(entries) if isinstance(entries, Facts) else entries) for layer, entries in layers)
        )
        template = raw if isinstance(raw, str) else ""

        def unfolded() -> Value:
            """As a condition sees it: what is true or false by a default alone, somebody else may set."""
            value = Evaluator(snapshot).data(raw)
            if not isinstance(plain(value), bool) or not all(map(snapshot.is_left_open, expressions.names_in(raw))):
                return value
            evaluator = Evaluator(snapshot)
            evaluator.folds_settings = False
            return evaluator.data(raw)

        return Lazy(
            lambda: Evaluator(snapshot).data(raw), text, template=template, scope=snapshot, read_unfolded=unfolded
        )

    def is_named(self, task: Task, frame: Frame) -> bool:
        """Whether the task's text holds the name of a variable with a handle: a cheap test before any parsing."""
        if not (frame.carried or self.state.facts.tainted()):
            return False
        names = {*self.state.facts.tainted(), *frame.carried}
        for given in (*frame.blocks, task.keywords.get("vars")):
            if isinstance(given, dict):
                names.update(str(key) for key, raw in given.items() if any(name in str(raw) for name in names))
        text = self.text_of(task)
        return any(name in text for name in names)

    def handed_on(self, frame: Frame, *written: Mapping[str, Any]) -> frozenset[str]:
        """The variables of a call, and of what is around it, that may be given a handle."""
        held = {*self.state.facts.tainted(), *frame.carried}
        if not held:
            return frozenset()
        pairs = (pair for each in (*frame.blocks, *written) for pair in each.items())
        return frame.carried.union(str(key) for key, raw in pairs if any(name in str(raw) for name in held))

    def text_of(self, task: Task) -> str:
        """All that the task's arguments and keywords say."""
        text = self._texts.get(id(task))
        if text is None:
            text = self._texts[id(task)] = f"{task.args} {task.keywords}"
        return text

    def reaped(self, number: int) -> None:
        """A wait for the launch's jobs has been seen."""
        self.state.live.discard(number)
        self.state.pending.discard(number)

    def is_settled(self, what: str, path: str, frame: Frame) -> bool:
        """Whether the file or role was gone through in the same way, and nothing here could turn out otherwise."""
        if (what, frame.signature, frame.collections) not in self.record.settled:
            return False
        return not self.state.pending or not self.relevance.touches_pending(path)

    def may_enter(self, path: str) -> bool:
        """Whether the walk still goes into the file; a file that is entered time and again cuts the walk short."""
        self._visits[path] += 1
        if self._visits[path] > MAX_VISITS:
            self.cut(f"a file that is called more than {MAX_VISITS} times, {path}; call it less often, or in a loop")
        return self.goes_on()

    def has_seen_round(self, what: str) -> bool:
        """Whether a file or role calls itself here, by way of others or not, and once more shows nothing new.

        It does where a job is on its way that was launched since: it is launched anew, before it is waited for.
        """
        if what not in self.stack:
            return False
        since = self.stack[self.stack.index(what) :]
        return since.count(what) > 1 or self._launching().isdisjoint(since)

    def _launching(self) -> frozenset[str]:
        """The files of the launches of which a job is not waited for yet."""
        pending, found = self._launched_in
        if pending != self.state.pending:
            found = frozenset(self.record.instances[number].task.path for number in self.state.pending)
            self._launched_in = frozenset(self.state.pending), found
        return found

    def mark(self) -> Mark:
        """What a file or role finds, to be compared with what it leaves."""
        state = self.state
        notified = {topic: frozenset(under) for topic, under in state.notified.items()}
        return Mark(frozenset(state.pending), notified, state.ended)

    def settle(self, what: str, frame: Frame, before: Mark) -> None:
        """The file or role has been gone through; remember that where it has left nothing behind."""
        if self.mark() == before and self.goes_on():
            self.record.settled.add((what, frame.signature, frame.collections))


_READS_OUTPUT = expression(rb"(?:\.|\[['\"])(?:" + "|".join(OF_ENDED).encode() + rb")\b")
"""What reads the output of a task, be it that of a launch."""


def _goes_on(block: TaskBlock) -> bool:
    """Whether the play goes on after the block has failed: its ``rescue`` does not end by failing in its turn."""
    last = block.rescue[-1] if block.rescue else None
    fails = isinstance(last, Task) and last.module == "fail" and "when" not in last.keywords
    return last is not None and not fails


def topics_of(step: Step) -> list[str]:
    """What a handler listens to: its ``listen``, and its name."""
    return [*listened_to(step), *names_of(step)]


def listened_to(step: Step) -> list[str]:
    """The topics of a handler's ``listen``."""
    task = step if isinstance(step, Task) else step.as_task()
    return task.topics


def names_of(step: Step) -> list[str]:
    """A handler's name, with and without its role's."""
    task = step if isinstance(step, Task) else step.as_task()
    if not task.name:
        return []
    role = task.place.path.split("/handlers/")[0].rpartition("/")[2]
    return [task.name, f"{role} : {task.name}"]


def _may_concern(step: Step) -> bool:
    """Whether a handler may launch or look, by itself or through what it calls or notifies."""
    if isinstance(step, TaskBlock):
        return True
    text = f"{step.module} {step.args}"
    return not _BEARING.isdisjoint(step.keywords) or "async_status" in text or "include" in text or "import" in text
