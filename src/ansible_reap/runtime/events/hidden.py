"""Jobs and reaps that ``no_log`` hides: their ids are fetched from where Ansible keeps registered results.

A callback sees nothing of such a result. What the task registers is stored for the host right after the event, and can
be read there at the next one. A task without ``register`` is given one of ours, which is removed again. Nothing but
the id, the path of the status file and how the job stands is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.action_names import is_reap
from ansible_reap.runtime.events.plays import may_launch

_OURS = "async_reaper_registered_"
_KEPT = ("ansible_job_id", "results_file", "started", "finished", "child_pid", "attempts", "failed", "skipped")
_ANSIBLES_OWN = (results.NOT_FOUND, results.KILLED)


@dataclass(frozen=True, slots=True)
class Awaited:
    """A hidden result that is about to be stored."""

    task: Any
    host: Any
    register: str
    when: float
    failed: bool
    ignored: bool


class HiddenResults:
    """Registers what hidden launches and reaps return, and reads it back."""

    def __init__(self) -> None:
        self._count = 0
        self._awaited: list[Awaited] = []

    def prepare(self, task: Any) -> None:
        """The task is about to start: see to it that it registers."""
        if task.no_log in (False, None) or not (may_launch(task) or is_reap(task.action)):
            return
        if results.register_name(task) is not None:
            return
        self._count += 1
        name = f"{_OURS}{self._count}"
        task.register = name
        try:
            # From ansible-core 2.21 this puts a mapping there; a bare name would break the run.
            task._validate_register(task.fattributes.get("register"), "register", name)  # noqa: SLF001
        except Exception:
            task.register = None
            raise

    def expect(self, awaited: Awaited) -> None:
        self._awaited.append(awaited)

    @property
    def awaited(self) -> tuple[Awaited, ...]:
        return tuple(self._awaited)

    @property
    def is_waiting(self) -> bool:
        return bool(self._awaited)

    def arrived(self, variable_manager: Any) -> Iterator[tuple[Awaited, int, dict[str, Any]]]:
        """Each hidden result since the last call, a looped one item by item, with the item's place in the loop."""
        awaited, self._awaited = self._awaited, []
        for each in awaited:
            facts = variable_manager._nonpersistent_fact_cache.get(each.host.get_name(), {})  # noqa: SLF001 - no other way
            value = facts.get(each.register)
            if each.register.startswith(_OURS):
                facts.pop(each.register, None)
            if isinstance(value, Mapping):
                items = value.get("results")
                looped = each.task.loop is not None or bool(each.task.loop_with)
                for place, item in enumerate(items if looped and isinstance(items, list | tuple) else [value]):
                    if isinstance(item, Mapping):
                        yield each, place, _stripped(item)


def _stripped(item: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: item[key] for key in _KEPT if key in item}
    if item.get("msg") in _ANSIBLES_OWN:
        kept["msg"] = item["msg"]
    if item.get("rc") not in (None, 0):
        kept["rc"] = 1
    elif "rc" in item:
        kept["rc"] = 0
    return kept
