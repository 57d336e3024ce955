"""What is put at the end of a play so that unreaped jobs fail it from within, as any task would.

The gate is a block behind the last flush of handlers that flushes once more, and three handlers that nothing but the
gate notifies: one looks at the jobs of a host or waits for them, one removes status files there, of jobs that were
waited for and of those under ``no_log``, one fails the host. Handlers, because Ansible runs them on the
notified hosts alone, without a worker, an event or a ``skipped`` for the others. The block is there for every play
that could start jobs, and empty until one is launched, so that a play without jobs runs as if there were no gate.
PLAY RECAP, ``any_errors_fatal``, ``max_fail_percentage``, ``serial``, later plays and every strategy treat the
failure as an ordinary one.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from ansible.playbook.block import Block
from ansible.playbook.handler import Handler
from ansible.playbook.handler_task_include import HandlerTaskInclude
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader
from ansible.plugins.strategy import StrategyBase
from ansible.utils.sentinel import Sentinel

from ansible_reap.runtime.events.ansible_objects import Host, Play, Values, Variables
from ansible_reap.runtime.events.ansible_objects import Task as TaskLike
from ansible_reap.runtime.events.as_data import as_data, as_template
from ansible_reap.runtime.events.callers import variable_of_caller
from ansible_reap.runtime.events.results import identity
from ansible_reap.runtime.tracking.faults import kept_from_the_run

_CONNECTION_KEYWORDS = frozenset(
    [
        "become",
        "become_exe",
        "become_flags",
        "become_method",
        "become_user",
        "connection",
        "delegate_to",
        "port",
        "remote_user",
    ]
)
"""Those of ``tracking.info``, which a run that launches nothing does not load."""
VARIABLE = "async_reaper_at_gate"
"""The host variable that holds the message of the gate's failure: ``{"message": "..."}``.

Not ``async_reaper_gate``: that is an option's extra var, which would win over it."""

LOOK_ACTION = "async_reaper_look"
LOOK_NAME = "async_reaper : Look at the jobs that nobody waited for"
WAIT_NAME = "async_reaper : Wait for the jobs that nobody waited for"
CLEAN_NAME = "async_reaper : Remove the status files of no_log jobs"
CLEAN_WAITED_NAME = "async_reaper : Remove the status files of jobs that have ended"
FAIL_NAME = "async_reaper : Fail for the jobs that nobody answered for"

_NOBODY = object()


class Errand(str, Enum):
    """What one of the gate's tasks does about the jobs of a host."""

    LOOK = "look"
    """Look at them once, and remove what those under ``no_log`` have left there."""
    WAIT = "wait"
    CLEAN = "clean"
    """Remove status files of jobs whose end is known."""


class FlushTask(Task):  # type: ignore[misc]
    """Flushes the handlers once more, and tells us of each host that does so.

    Strategies ask a meta task with a condition whether it holds for a host, in the parent process. No event names the
    host, and under the free strategy each host comes in its own time. The variables do not tell it either: among
    them ``inventory_hostname`` may be a fact, which is the host's own word.
    """

    on_enter: Callable[[Host], None] | None = None

    @kept_from_the_run(otherwise=True)
    def evaluate_conditional(self, templar: object, all_vars: Variables) -> bool:  # up to ansible-core 2.18
        del templar, all_vars
        return self._entered()

    @kept_from_the_run(otherwise=True)
    def _resolve_conditional(self, conditional: object, variables: Variables, **_: object) -> bool:  # from 2.19
        del conditional, variables
        return self._entered()

    def _entered(self) -> bool:
        if self.on_enter is not None:
            host: Host | None = variable_of_caller(StrategyBase, "target_host")
            if host is None:
                raise RuntimeError("the strategy does not say which host has come to the gate")
            self.on_enter(host)
        return True


class OwnSurroundings:
    """Keeps from a task of ours what the play says of ``environment``, and of how hosts are reached.

    It may name variables that only the play's tasks have. A look goes the way of each launch in any case.
    """

    def _get_parent_attribute(self, attr: str, omit: bool = False) -> object:
        if attr == "environment":
            return []
        if attr in _CONNECTION_KEYWORDS:
            return Sentinel if omit else getattr(self, f"_{attr}", Sentinel)  # what the task says itself
        inherited: object = super()._get_parent_attribute(attr, omit=omit)  # type: ignore[misc]
        return inherited


class LookHandler(OwnSurroundings, HandlerTaskInclude):  # type: ignore[misc]
    """A handler that PLAY RECAP does not count: the strategies leave out includes, which they tell by this class."""


class FailHandler(OwnSurroundings, Handler):  # type: ignore[misc]
    """The handler that fails a host."""


# Up to ansible-core 2.18 a task's fields are finalised only if its class is called so.
LookHandler.__name__ = FailHandler.__name__ = "Handler"


class Gate:
    """The gate of one play (of one batch, under ``serial``)."""

    def __init__(self, play: Play, on_enter: Callable[[Host], None], *, look: bool, wait: bool, clean: bool) -> None:
        """Make the gate's tasks; ``on_enter`` is called with each host that reaches it.

        ``play`` is the copy that ``v2_playbook_on_play_start`` brings.
        """
        self._play = play
        self.block = Block(play=play)
        self._flush = self._task(FlushTask, {"meta": "flush_handlers", "when": [True], "tags": ["always"]})
        self._flush.implicit = True
        self._flush.on_enter = on_enter
        self._stand()
        self.handlers = Block(play=play)
        self._look = self._make_look(LOOK_NAME, Errand.LOOK) if look else None
        self._clean = self._make_look(CLEAN_NAME, Errand.CLEAN) if clean else None
        if wait:
            self._look = self._make_look(WAIT_NAME, Errand.WAIT)
            self._clean = self._make_look(CLEAN_WAITED_NAME, Errand.CLEAN)
        self._fail = self._make_fail()
        self.handlers.block = [task for task in (self._look, self._clean, self._fail) if task is not None]
        self._identities = {identity(task) for task in (self._flush, *self.handlers.block)}
        self._entered = False

    def _stand(self) -> None:
        """Make Ansible keep the block in the play although it is still empty."""
        # Tags do not select it: a guard is not to be skipped.
        self.block.filter_tagged_tasks = lambda _all_vars: self.block
        self.block.has_tasks = lambda: True
        # The linear strategy keeps all hosts in step by this list, which is read before any job is launched.
        self.block.get_tasks = lambda: [self._flush]

    def arm(self, armed: bool) -> None:
        """Switch the gate on or off. Once a host has entered it, it stays on."""
        if not self._entered:
            self.block.block = [self._flush] if armed else []
            # A flush that Ansible makes of its own accord is left out where no handler has been notified of any host.
            self._fail.notified_hosts = [_NOBODY] if armed else []

    def owns(self, task: TaskLike) -> bool:
        """Whether the task is one of the gate's own."""
        return identity(task) in self._identities

    def is_entrance(self, task: TaskLike) -> bool:
        """The task is the one with which a host comes to the gate."""
        return identity(task) == identity(self._flush)

    def is_look(self, task: TaskLike) -> bool:
        """The task, one of the gate's own, looks at jobs or removes their files."""
        return task.action == LOOK_ACTION

    def is_clean_up(self, task: TaskLike) -> bool:
        """The task is the one that removes files."""
        return self._clean is not None and identity(task) == identity(self._clean)

    def tell(self, host: str, message: str) -> None:
        """Give the host the message that it is to fail with, should it have to."""
        self._play.get_variable_manager().set_nonpersistent_facts(host, {VARIABLE: as_data({"message": message})})

    def silence_others(self, host: Host) -> None:
        """Take the host off the handlers that are not ours.

        A handler may notify one that stands before it. Ansible runs that one at the next flush, and behind the last
        one there is none, so it must not run at ours.
        """
        for block in self._play.handlers:
            for handler in block.block:
                if not self.owns(handler) and handler.is_host_notified(host):
                    handler.remove_host(host)

    def enter(self, host: Host, *, look: bool, clean: bool, fail: bool) -> None:
        """The host is at the gate: what is to be done there. A look cleans as well, a wait does not."""
        self._entered = True
        if clean and self._clean is not None:
            self._clean.notify_host(host)
        if look and self._look is not None:
            self._look.notify_host(host)
        if fail:
            self._fail.notify_host(host)

    def go_on(self, host: Host, *, clean: bool, fail: bool) -> None:
        """After a look: whether files are to be removed on the host, and whether it is to fail."""
        if clean and self._clean is not None:
            self._clean.notify_host(host)
        if fail:
            self._fail.notify_host(host)
        elif self._fail.is_host_notified(host):
            self._fail.remove_host(host)

    def _make_look(self, name: str, errand: Errand) -> Any:
        add_action_folder()
        return self._task(
            LookHandler,
            {
                "name": name,
                "action": LOOK_ACTION,
                "args": {"errand": errand.value},
                "become": False,
                "check_mode": False,
                "diff": False,
                "ignore_errors": True,
                "ignore_unreachable": True,
                "any_errors_fatal": False,
                "no_log": False,
                "timeout": 0,
            },
        )

    def _make_fail(self) -> Any:
        return self._task(
            FailHandler,
            {
                "name": FAIL_NAME,
                "action": "ansible.builtin.fail",
                "args": {"msg": as_template(f"{{{{ {VARIABLE}.message }}}}")},
                "ignore_errors": False,
                "no_log": False,
                "become": False,
                "timeout": 0,
            },
        )

    def _task(self, kind: type[Any], data: Values) -> Any:
        task = kind(block=self.block)
        # Each host comes to the gate for its own jobs, also in a play with ``run_once``.
        settings = {"run_once": False, **data}
        task.load_data(settings, variable_manager=self._play.get_variable_manager(), loader=self._play.get_loader())
        # From ansible-core 2.19 an error shows where its task stands: the play, for want of a place of its own.
        task._ds = self._play.get_ds()  # noqa: SLF001
        return task


def add_action_folder() -> None:
    """Let Ansible find the gate's action."""
    folder = str(Path(__file__).parent / "action_plugins")
    if not action_loader.has_plugin(LOOK_ACTION):
        action_loader.add_directory(folder)
