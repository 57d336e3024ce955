"""What Ansible tells of one result of a task, or of one item of its loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_reap.runtime.events import results
from ansible_reap.runtime.events.hidden import is_hidden, is_masked

if TYPE_CHECKING:
    from ansible_reap.runtime.events.ansible_objects import Host, Task, Variables


class TaskEvent(NamedTuple):
    """One result of a task or loop item, and how it came out."""

    task: Task
    host: Host
    data: Variables
    failed: bool = False
    ignored: bool = False
    is_item: bool = False
    is_retry: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.host.get_name(), results.identity(self.task)

    @property
    def poll(self) -> int:
        return results.poll(self.task)

    @property
    def ends_a_loop(self) -> bool:
        return results.is_loop(self.task) and not self.is_item and not self.is_retry

    @property
    def scope(self) -> dict[str, object]:
        """What the loop has set for the item; nothing where that is not told."""
        return results.item_scope(self.task, self.data, is_retry=self.is_retry)

    @property
    def label(self) -> str | None:
        """What the loop calls the item."""
        return results.item_label(self.task, self.data, is_retry=self.is_retry)

    @property
    def is_hidden(self) -> bool:
        """``no_log`` has hidden the result."""
        return is_hidden(self.data)

    @property
    def is_unseen(self) -> bool:
        """What we need of the result is hidden or masked."""
        return self.is_hidden or is_masked(self.data)

    @property
    def reached(self) -> str:
        """The host that has answered."""
        return str(self.task.delegate_to or self.host.get_name())
