"""Jobs whose results only their waits hide: ``no_log`` stands there alone, as the launch tells no secret.

A look of ours would fetch such a result again, so it is treated as if the launch had ``no_log`` as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_reap.records import dataclass
from ansible_reap.runtime.events.action_names import is_reap, own_action
from ansible_reap.runtime.events.ansible_objects import Play, Task
from ansible_reap.runtime.events.plays import may_launch, tasks_in
from ansible_reap.runtime.events.results import register_name
from ansible_reap.runtime.gate.names_read import names_read
from ansible_reap.runtime.tracking.info import LaunchSite


@dataclass(frozen=True, slots=True)
class HiddenWaits:
    """The waiting tasks under ``no_log``: for each the variables that its id comes from, None where that is not known.

    ``registers`` are the names that launches register: an id that comes from another name may be anybody's.
    """

    names: tuple[frozenset[str] | None, ...]
    registers: frozenset[str]

    def cover(self, site: LaunchSite) -> bool:
        """Whether one of them may wait for the jobs of the launch."""
        return any(
            names is None or site.register is None or site.register in names or bool(names - self.registers)
            for names in self.names
        )


def hidden_waits(play: Play) -> HiddenWaits:
    """Those that a play is known to have, whether or not they will run."""
    kind: Any = type(play)
    compiled = kind.compile(play)  # the play's own would make a gate once more
    return of_tasks(tasks_in([*compiled, *play.compile_roles_handlers(), *play.handlers]))


def of_tasks(tasks: Iterable[Task]) -> HiddenWaits:
    """Those among the tasks."""
    names = []
    registers = set()
    for task in tasks:
        if may_launch(task):
            registers.add(register_name(task))
        elif task.no_log not in (False, None) and (is_reap(task.action) or own_action(task) is not None):
            names.append(names_read(task) if is_reap(task.action) else None)  # ours take all jobs
    return HiddenWaits(tuple(names), frozenset(name for name in registers if name is not None))
