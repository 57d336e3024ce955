"""Jobs and reaps whose results callbacks may not see: they are read from where Ansible keeps registered results.

Under ``no_log`` a callback sees nothing of a result; from ansible-core 2.22 on every registered secret in it is
masked, so that ids and times may come with holes. What the task registers is true. It is stored for the host right
after the event, and can be read there at the next one. A task that does not register its whole result is given a
register of ours. What goes into that is kept here and never among the host's variables, which the next task can read.
Under ``no_log`` nothing but the id, the path of the status file and how the job stands is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ansible_reap.records import dataclass
from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.action_names import is_reap
from ansible_reap.runtime.events.ansible_objects import Host, Task, VariableManager, Variables
from ansible_reap.runtime.events.plays import may_launch
from ansible_reap.runtime.events.replies import ANSIBLES_OWN, STANDS_FOR, UNREADABLE, unheard_launch
from ansible_reap.runtime.tracking.display_text import MASK
from ansible_reap.runtime.tracking.info import LaunchSite

_KEPT = (
    "ansible_job_id",
    "results_file",
    "started",
    "finished",
    "child_pid",
    "attempts",
    "failed",
    "skipped",
    "ansible_loop_var",
    "ansible_index_var",
    "ansible_loop",
)
_MASKABLE = ("ansible_job_id", "rc", "start", "end", "attempts")
_PROBE = "async_reaper_probe"


class Event(Protocol):
    """What is told of the result itself."""

    @property
    def task(self) -> Task: ...
    @property
    def host(self) -> Host: ...
    @property
    def data(self) -> Variables: ...


EventT = TypeVar("EventT", bound=Event)


class ResultSlot(NamedTuple):
    """What the event of a result, or of one item of a loop, has told though the result itself was hidden."""

    site: LaunchSite | None = None
    """The launch as it stood for it."""
    asked: str | None = None
    """The id of the job that the task looked at."""
    reached: str = ""
    """The host that has answered."""
    label: str | None = None
    """What the loop calls the item."""
    is_seen: bool = True
    """There is nothing to wait for: it was not hidden."""


@dataclass(frozen=True, slots=True)
class Awaited(Generic[EventT]):
    """A result that is about to be stored."""

    event: EventT
    register: str
    when: float
    slots: tuple[ResultSlot, ...] = ()
    """One for each item of a loop, else at most one."""
    wanted: bool = True
    """False: nothing is to be read, and only the register that we added has to go."""

    @property
    def is_ours(self) -> bool:
        """Whether the register is one that we have added."""
        return self.register.startswith(results.OUR_REGISTER)


def is_hidden(data: Mapping[str, object]) -> bool:
    """``no_log`` has hidden the result."""
    return "censored" in data


def is_masked(data: Mapping[str, object]) -> bool:
    """Something that we need has been masked."""
    return any(isinstance(value := data.get(key), str) and MASK in value for key in _MASKABLE)


def is_scope_masked(scope: Mapping[str, object]) -> bool:
    """Something that the loop has set has been masked."""
    return MASK in str(scope)


class HiddenResults(Generic[EventT]):
    """Registers what launches and reaps return that may be hidden, and reads it back."""

    def __init__(self, *, is_masking: bool) -> None:
        """``is_masking`` says that this ansible-core masks secrets in what callbacks get."""
        self._is_masking = is_masking
        self._count = 0
        self._awaited: list[Awaited[EventT]] = []
        self._kept: dict[str, dict[str, object]] = {}
        """What went into the registers that we have added, by register and host."""
        self._kept_from: VariableManager | None = None

    def prepare(self, task: Task, variable_manager: VariableManager) -> None:
        """The task is about to start on a host: see to it that it registers its whole result."""
        if not (may_launch(task) or is_reap(task.action)) or whole_register(task) is not None:
            return
        if task.no_log in (False, None) and not self._is_masking:
            return
        self._count += 1
        name = f"{results.OUR_REGISTER}{self._count}"
        before = task.register
        task.register = name
        try:
            # From ansible-core 2.21 this puts a mapping there; a bare name would break the run.
            task._validate_register(task.fattributes.get("register"), "register", name)  # noqa: SLF001
            if isinstance(before, Mapping) and isinstance(task.register, Mapping):
                task.register = {**before, **task.register}
        except Exception:
            task.register = before
            raise
        if self._kept_from is not variable_manager:
            self._keep_from(variable_manager)

    def _keep_from(self, variable_manager: VariableManager) -> None:
        """Have what goes into registers of ours kept here, and not among the variables of the host."""
        store, self._kept_from = variable_manager.set_nonpersistent_facts, variable_manager

        def store_others(host: str, facts: Variables) -> None:
            others = facts
            if isinstance(facts, Mapping):
                ours = [name for name in facts if str(name).startswith(results.OUR_REGISTER)]
                for name in ours:
                    self._kept.setdefault(name, {})[str(host)] = facts[name]
                if ours:
                    others = {name: value for name, value in facts.items() if name not in ours}
            store(host, others)

        variable_manager.set_nonpersistent_facts = store_others  # type: ignore[method-assign]

    def expect(self, awaited: Awaited[EventT]) -> None:
        """A result that callbacks may not see has been made: read it from its register at the next event."""
        self._awaited.append(awaited)

    def take_back(self, event: EventT) -> None:
        """The task has ended on the host, whatever came of it: the register that we have added has to go."""
        task = event.task
        register = whole_register(task) if may_launch(task) or is_reap(task.action) else None
        if register is None or not register.startswith(results.OUR_REGISTER):
            return
        self._awaited.append(Awaited(event, register, 0.0, wanted=False))

    @property
    def awaited(self) -> tuple[Awaited[EventT], ...]:
        """The results that are still to be read."""
        return tuple(self._awaited)

    @property
    def is_waiting(self) -> bool:
        """Whether a result is still to be read."""
        return bool(self._awaited)

    def arrived(
        self, variable_manager: VariableManager
    ) -> Iterator[tuple[Awaited[EventT], list[dict[str, object]] | None]]:
        """Each hidden result since the last call, item by item where it is looped; None where none was stored."""
        awaited, self._awaited = self._awaited, []
        stored = variable_manager._nonpersistent_fact_cache  # noqa: SLF001 - no other way
        nothing: dict[str, Any] = {}
        values = []
        for each in awaited:
            name = each.event.host.get_name()
            found = self._kept.get(each.register, nothing) if each.is_ours else stored.get(name, nothing)
            values.append(found.get(name if each.is_ours else each.register))
        for each in awaited:
            if each.is_ours and each.event.task.run_once:
                self._kept.pop(each.register, None)  # it was stored for every host of the play
            elif each.is_ours:
                self._kept.get(each.register, nothing).pop(each.event.host.get_name(), None)
        for each, value in zip(awaited, values, strict=True):
            if each.wanted:
                yield each, _items(each, value) if isinstance(value, Mapping) else None


def whole_register(task: Task) -> str | None:
    """The register that takes the whole result, or None. From ansible-core 2.21 one may take any part of it."""
    register = task.register
    if isinstance(register, Mapping):
        whole = _whole_expression(task)
        return next((str(name) for name, taken in register.items() if whole is not None and str(taken) == whole), None)
    return str(register) if register else None


def _whole_expression(task: Task) -> str | None:
    """What Ansible itself writes for a plain ``register: name``."""
    before = task.register
    try:
        task._validate_register(task.fattributes.get("register"), "register", _PROBE)  # noqa: SLF001 - it is the authority
        made = task.register
    finally:
        task.register = before
    return str(made[_PROBE]) if isinstance(made, Mapping) and _PROBE in made else None


def _items(awaited: Awaited[EventT], value: Mapping[str, object]) -> list[dict[str, object]]:
    """The results of the items. Where Ansible has fallen over one those before it have gone, and its own is last."""
    event, found = awaited.event, value.get("results")
    gone = STANDS_FOR[UNREADABLE]
    items: Sequence[object] = [value]
    if results.is_loop(event.task):
        items = found if isinstance(found, list | tuple) else [*(gone for _ in awaited.slots), value]
    whole = [item if isinstance(item, Mapping) else {} for item in items]
    return [_stripped(event.task, item) if is_hidden(event.data) else dict(item) for item in whole]


def _stripped(task: Task, item: Mapping[str, object]) -> dict[str, object]:
    kept = {key: item[key] for key in _KEPT if key in item}
    # For the way to the host, should that depend on the loop's variables; they are never shown.
    kept.update(results.item_scope(task, item))
    if item.get("msg") in ANSIBLES_OWN:
        kept["msg"] = item["msg"]
    if item.get("rc") not in (None, 0):
        kept["rc"] = 1
    elif "rc" in item:
        kept["rc"] = 0
    if "failed_when_suppressed_exception" in item:
        kept["failed_when_suppressed_exception"] = True
    return {**kept, **STANDS_FOR.get(unheard_launch(item) or "", {})}
