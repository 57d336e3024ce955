"""The walk: tasks in the order in which Ansible would run them, from one entry of the project."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_reap.content.mentions import DOTTED
from ansible_reap.content.model import Task
from ansible_reap.content.roles import Role
from ansible_reap.content.tasks import Play, Step, TaskBlock
from ansible_reap.flow.evaluation.conditions import MAGIC, condition
from ansible_reap.flow.evaluation.evaluator import Evaluator
from ansible_reap.flow.evaluation.formulas import Atom, Formula, conj
from ansible_reap.flow.evaluation.patterns import patterns
from ansible_reap.flow.evaluation.scope import Layer, Scope
from ansible_reap.flow.evaluation.values import UNDEFINED, Const, Lazy, Value, handles, replaced, taints
from ansible_reap.flow.ground import Ground
from ansible_reap.flow.walk import calls, effects, handlers
from ansible_reap.flow.walk.record import Record
from ansible_reap.flow.walk.state import INHERITED, Frame, State, bearing
from ansible_reap.flow.walk.variables import Shared

MAX_STEPS = 12_000
"""Tasks and imported playbooks looked at in one walk; past it everything that is still open is unknown."""
MAX_VISITS = 200
"""How often one walk goes through one file."""
MAX_DEPTH = 40
MAX_PLAYBOOKS = 60
"""How many playbooks a name that is not known may mean."""


class Walk:
    """One entry of the project walked from its start to its end."""

    def __init__(self, ground: Ground, record: Record) -> None:
        self.library = ground.library
        self.graph = ground.graph
        self.finder = ground.finder
        self.inventory = ground.inventory
        self.role_variables = ground.role_variables
        self.record = record
        self.state = State()
        self.handlers: list[tuple[Step, Frame]] = []
        self.stack: list[str] = []
        self.steps = 0
        self.is_cut_short = False
        self.has_crashed = False
        self.launched: list[int] = []
        self.looks: set[int] = set()
        """The tasks, by identity, that this walk has seen look at jobs."""
        self.plugins, self.self_reaping = record.plugins, record.self_reaping
        self._texts: dict[int, str] = {}
        self._visits: Counter[str] = Counter()
        self._shared_vars = Shared()
        self._shared_defaults = Shared()

    # ---- entries

    def playbook(self, path: str, frame: Frame | None = None) -> None:
        """A playbook from its first play to its last."""
        if path in self.stack or len(self.stack) > MAX_DEPTH:
            return
        self.stack.append(path)
        self.record.reached.add(path)
        for play in self.library.content(path).plays:
            if play.imports is not None:
                self._import_playbook(play, path, frame)
            else:
                self._play(play, path, frame)
        self.stack.pop()

    def tasks_file(self, path: str, role: Role | None) -> None:
        """A tasks or handlers file that nothing calls, on its own."""
        self.stack.append(path)
        self.record.reached.add(path)
        frame = self._role_frame(self._bare_frame(path), role, {}, "main", "main") if role else self._bare_frame(path)
        frame = frame._replace(path=path, folders=(posixpath.dirname(path), *frame.folders))
        if role is not None:
            self.collect_handlers(role, frame)
        self.run(self.library.content(path).tasks, frame)
        handlers.flush(self)
        self.stack.pop()

    def role(self, role: Role) -> None:
        """A role that nothing calls, on its own."""
        calls.run_role(self, role, self._bare_frame(role.path), {})
        handlers.flush(self)

    def _bare_frame(self, path: str) -> Frame:
        settings = (
            (Layer.ROLE, self._shared_vars),
            (Layer.INVENTORY, self.inventory),
            (Layer.DEFAULTS, self._shared_defaults),
            (Layer.MAGIC, self._magic(posixpath.dirname(path), None)),
        )
        return Frame(path=path, via=(), settings=settings)

    def _magic(self, playbook_folder: str, role: Role | None) -> dict[str, Any]:
        magic: dict[str, Any] = {
            **MAGIC,
            "playbook_dir": Const(self.finder.absolute(playbook_folder)),
        }
        if role is not None:
            magic["role_path"] = Const(self.finder.absolute(role.path))
            magic["role_name"] = magic["ansible_role_name"] = Const(role.name)
        return magic

    # ---- plays

    def _import_playbook(self, play: Play, path: str, frame: Frame | None) -> None:
        assert play.imports is not None
        folder = posixpath.dirname(path)
        base = frame or Frame(path=path, via=())
        given = play.block.keywords.get("vars")
        inner = base._replace(
            via=(*base.via, str(play.block.place)),
            params=(given, *base.params) if isinstance(given, dict) else base.params,
            signature=hash((base.signature, repr(given))) if isinstance(given, dict) else base.signature,
            declared=(given, *base.declared) if isinstance(given, dict) else base.declared,
            whens=(*base.whens, play.block.keywords["when"]) if "when" in play.block.keywords else base.whens,
        )
        asking = inner._replace(settings=((Layer.INVENTORY, self.inventory), (Layer.MAGIC, self._magic(folder, None))))
        found: dict[str, None] = {}
        for pattern in patterns(self.evaluator(asking), play.imports):
            for target in self.finder.find_playbook(pattern, folder) if pattern.strip("*") else ():
                if self.concerns(target):
                    found[target] = None
        subject = f"choice at {play.block.place} {self.record.fresh()}"
        for target in list(found)[:MAX_PLAYBOOKS]:
            if not self._may_go_on():
                break
            if len(found) == 1:
                self.playbook(target, inner)
                continue
            choice = Atom(f"{subject} {target}", subject, target, is_choice=True)
            before = self.state.facts.copy()
            self.playbook(target, inner.under(choice))
            self.join(before, choice)
        self.is_cut_short = self.is_cut_short or len(found) > MAX_PLAYBOOKS

    def _play(self, play: Play, path: str, base: Frame | None) -> None:
        folder = posixpath.dirname(path)
        keywords = play.block.keywords
        play_vars = {str(k): v for k, v in keywords["vars"].items()} if isinstance(keywords.get("vars"), dict) else {}
        self._shared_vars, self._shared_defaults = Shared(), Shared()
        outer = base or Frame(path=path, via=())
        frame = outer._replace(
            path=path,
            via=(*outer.via, str(play.block.place)),
            playbook=path,
            play=play.block.place,
            hosts=play.hosts,
            folders=(folder,),
            settings=(
                (Layer.ROLE, self._shared_vars),
                (Layer.PLAY, play_vars),
                (Layer.INVENTORY, self.inventory),
                (Layer.DEFAULTS, self._shared_defaults),
                (Layer.MAGIC, self._magic(folder, None)),
            ),
            keywords={key: keywords[key] for key in INHERITED if key in keywords},
            declared=(play_vars, *outer.declared),
            signature=hash((outer.signature, repr(play_vars)[:2000])) if play_vars else outer.signature,
        )
        files = self._vars_files(keywords.get("vars_files"), frame)
        if files:
            settings = (frame.settings[0], (Layer.PLAY, files), *frame.settings[1:])
            frame = frame._replace(settings=settings)
        self.handlers = []
        self.state.notified.clear()
        roles = [found for entry in play.roles if (found := calls.role_entry(self, entry[1], entry[0], frame))]
        for call in roles:
            self.collect_handlers(call.role, call.frame)
        self.handlers += [(step, frame) for step in play.handlers]
        self.run(play.pre_tasks, frame)
        handlers.flush(self)
        for call in roles:
            calls.run_role(self, call.role, call.frame, call.params, with_handlers=False)
        self.run(play.tasks, frame)
        handlers.flush(self)
        self.run(play.post_tasks, frame)
        handlers.flush(self)
        handlers.flush_unseen(self)

    def _vars_files(self, written: Any, frame: Frame) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for entry in written if isinstance(written, list) else [written] if written else []:
            for name in entry if isinstance(entry, list) else [entry]:
                found = self.load_variables(str(name), frame)
                if found is not None:
                    merged.update(found)
                    break
        return merged

    def load_variables(self, name: str, frame: Frame) -> dict[str, Any] | None:
        """The variables of a file named by a template; None where the name or the file is not known."""
        evaluator = self.evaluator(frame)
        for pattern in patterns(evaluator, name):
            if "*" in pattern:
                continue
            folders = [posixpath.join(folder, part) for folder in frame.folders for part in ("", "vars")]
            if frame.role is not None:
                folders.insert(0, frame.role.part("vars"))
            found = self.finder.find_files(pattern, folders)
            if found:
                return self.library.variables(found[0])
        return None

    # ---- roles

    def _role_frame(
        self, frame: Frame, role: Role, params: Mapping[str, Any], vars_from: str, defaults_from: str
    ) -> Frame:
        variables = self.role_variables.of(role, "vars", vars_from)
        defaults = self.role_variables.of(role, "defaults", defaults_from)
        self._shared_vars.put_first(variables)
        self._shared_defaults.put_last(defaults)
        settings = (
            (Layer.ROLE, variables),
            *(entry for entry in frame.settings if entry[0] not in (Layer.DEFAULTS, Layer.MAGIC)),
            (Layer.DEFAULTS, defaults),
            (Layer.DEFAULTS, self._shared_defaults),
            (Layer.MAGIC, self._magic(frame.playbook_folder, role)),
        )
        return frame._replace(
            role=role,
            folders=(role.part("tasks"), role.path, *(folder for folder in frame.folders if folder != role.path))[:8],
            settings=settings,
        ).with_params(params)

    def enter_role(
        self, frame: Frame, role: Role, params: Mapping[str, Any], vars_from: str = "main", defaults_from: str = "main"
    ) -> Frame:
        """The frame of a role's tasks."""
        return self._role_frame(frame, role, params, vars_from, defaults_from)

    def collect_handlers(self, role: Role, frame: Frame, entry: str = "main") -> None:
        """Make a role's handlers known to the play."""
        for path in self.finder.part_files(role, "handlers", entry):
            if self.graph.matters(path):
                inner = frame._replace(path=path, role=role, folders=(role.part("handlers"), *frame.folders))
                known = {id(step) for step, _ in self.handlers}
                self.record.reached.add(path)
                self.handlers += [(step, inner) for step in self.library.content(path).tasks if id(step) not in known]

    # ---- steps

    def _may_go_on(self) -> bool:
        """Counts a step; False once there were too many."""
        self.steps += 1
        self.is_cut_short = self.is_cut_short or self.steps > MAX_STEPS
        return not self.is_cut_short

    def goes_on(self) -> bool:
        """Whether no bound has been hit yet."""
        return not self.is_cut_short

    def run(self, steps: Iterable[Step], frame: Frame) -> None:
        """Tasks and blocks one after the other."""
        depth = len(self.stack)
        for step in steps:
            if not self._may_go_on():
                return
            if isinstance(step, TaskBlock):
                self._block(step, frame)
                continue
            try:
                effects.task(self, step, frame)
            except Exception as error:  # noqa: BLE001 - what we get wrong at one task hides nothing of the others
                del self.stack[depth:]
                self.crashed(step.place.path, step.place.line, error)

    def crashed(self, path: str, line: int, error: Exception) -> None:
        """Note an error of our own: what this walk launches is unknown from here on."""
        self.has_crashed = True
        self.record.crashed(path, line, error)

    def _block(self, block: TaskBlock, frame: Frame) -> None:
        inner = self.inside(frame, block.block.keywords)
        self.run(block.body, inner)
        if block.rescue:
            before = self.state.facts.copy()
            failed = Atom(f"failed {block.block.place}")
            held = frozenset().union(*(handles(value) for value in self.state.facts.values()))
            loose: dict[str, Value] = {"ansible_failed_result": self.record.anything(held)}
            self.run(block.rescue, inner.under(failed).in_loop(loose))
            self.join(before, failed)
        self.run(block.always, inner)

    def inside(self, frame: Frame, keywords: Mapping[str, Any]) -> Frame:
        """The frame within a block or a static import that bears these keywords."""
        given = keywords.get("vars")
        named = {str(key): value for key, value in given.items()} if isinstance(given, dict) else {}
        inherited = {key: keywords[key] for key in INHERITED if key in keywords and key not in ("vars", "when")}
        return frame._replace(
            blocks=(named, *frame.blocks) if named else frame.blocks,
            declared=(named, *frame.declared) if named else frame.declared,
            whens=(*frame.whens, keywords["when"]) if "when" in keywords else frame.whens,
            keywords={**frame.keywords, **inherited} if inherited else frame.keywords,
        )

    def join(self, before: dict[str, Value], guard: Formula) -> None:
        """Forget what a stretch has set wherever its guard did not hold."""
        if guard is True:
            return
        for name, value in list(self.state.facts.items()):
            old = before.get(name)
            if old is not value:
                self.state.facts[name] = replaced(old if old is not None else UNDEFINED, value, guard)

    # ---- helpers for the tasks

    def evaluator(
        self, frame: Frame, task_vars: Mapping[str, Any] | None = None, bound: Mapping[str, Any] | None = None
    ) -> Evaluator:
        """An evaluator of what a task in the frame sees now; ``bound`` are its own loop's variables."""
        scope = frame.scope(self.state, task_vars)
        return Evaluator(scope.with_layer(Layer.LOOP, bound) if bound else scope, frozenset(self.state.live))

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
            tuple((layer, dict(entries) if layer is Layer.FACTS else entries) for layer, entries in layers)
        )
        return Lazy(lambda: Evaluator(snapshot).data(raw), text)

    def guard_of(self, task: Task, frame: Frame, evaluator: Evaluator) -> Formula:
        """Under what the task itself runs, inherited conditions included; that of the includes is the frame's."""
        return conj(
            *(condition(evaluator, when) for when in frame.whens), condition(evaluator, task.keywords.get("when"))
        )

    def is_named(self, task: Task, frame: Frame) -> bool:
        """Whether the task's text holds the name of a variable with a handle: a cheap test before any parsing."""
        if not (frame.carried or self.state.facts.tainted()):
            return False
        names = {*self.state.facts.tainted(), *frame.carried}
        for given in (*frame.blocks, task.keywords.get("vars")):
            if isinstance(given, dict):
                names.update(str(key) for key, raw in given.items() if any(name in str(raw) for name in names))
        text = self._texts.get(id(task))
        if text is None:
            text = self._texts[id(task)] = f"{task.args} {task.keywords}"
        return any(name in text for name in names)

    def reaped(self, number: int) -> None:
        """A wait for the launch's jobs has been seen."""
        self.state.live.discard(number)
        self.state.pending.discard(number)

    def is_settled(self, what: str, path: str, frame: Frame) -> bool:
        """Whether the file or role was gone through in the same way, and nothing here could turn out otherwise."""
        if (what, frame.signature) not in self.record.settled:
            return False
        return not self.state.pending or not self._touches_pending(path)

    def may_enter(self, path: str) -> bool:
        """Whether the walk still goes into the file; a file that is entered time and again cuts the walk short."""
        self._visits[path] += 1
        self.is_cut_short = self.is_cut_short or self._visits[path] > MAX_VISITS
        return not self.is_cut_short

    def settle(self, what: str, frame: Frame, pending: frozenset[int]) -> None:
        """The file or role has been gone through; remember that where it left no launch pending but those before."""
        if self.state.pending == pending and not self.is_cut_short:
            self.record.settled.add((what, frame.signature))

    def _touches_pending(self, path: str) -> bool:
        names = [name for name in self.state.facts.tainted() if not self.state.pending.isdisjoint(self._held(name))]
        return self.graph.mentions(path, [*names, DOTTED])

    def _held(self, name: str) -> frozenset[int]:
        return taints(self.state.facts[name])

    def concerns(self, path: str) -> bool:
        """Whether anything can become of a job in the file or in what it calls."""
        return self.graph.matters(path) or self.touches(path)

    def touches(self, path: str) -> bool:
        """Whether the file, or what it calls, names a variable that holds a handle now."""
        names = self.state.facts.tainted()
        return bool(names) and self.graph.mentions(path, names)
