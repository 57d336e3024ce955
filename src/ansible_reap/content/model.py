"""Plays, blocks, tasks and roles as data. Values are plain Python data; positions come from the YAML nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_reap.records import dataclass, field


def as_list(written: object) -> list[Any]:
    """What a keyword is given that takes one value or several, or nothing."""
    if written is None:
        return []
    return written if isinstance(written, list) else [written]


def names_of(written: object) -> tuple[str, ...]:
    """The names that a keyword is given which takes one or several."""
    return tuple(str(each).strip() for each in as_list(written))


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file. ``path`` is relative to the project root; lines and columns count from 1."""

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A block, play or include around a task: the keywords it hands down.

    ``parent`` is the next one out; the outermost is the play (or None in a file that is read on its own).
    """

    place: Place
    keywords: Mapping[str, Any]
    parent: Block | None = None
    is_play: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One task or handler as written, includes and imports too. Identity is the object: one per place in a file."""

    place: Place
    end_line: int
    name: str | None
    action: str
    """The action as written, as in ``ansible.builtin.command``."""
    module: str
    """The action without ``ansible.builtin.`` or ``ansible.legacy.``; another collection's name stays whole."""
    args: Mapping[str, Any]
    """The action's arguments; ``key=value`` text is split up, free-form text stands under ``_raw_params``."""
    keywords: Mapping[str, Any]
    """Every other key of the task: ``async``, ``register``, ``when``, ``vars`` and so on, merge keys resolved."""
    block: Block | None
    """The innermost block of the same file (or its play) that this task stands in."""
    key_lines: Mapping[str, int] = field(default_factory=dict)
    """The line of each key as written: the action, its arguments and the keywords."""
    is_handler: bool = False
    other_action: str | None = None
    """A second module of ansible-core in the same task: Ansible loads no file that holds such a task."""

    @property
    def topics(self) -> list[str]:
        """What a handler listens to besides its name."""
        return [str(topic) for topic in as_list(self.keywords.get("listen") or None)]

    @property
    def path(self) -> str:
        return self.place.path

    @property
    def line(self) -> int:
        return self.place.line

    @property
    def short_name(self) -> str:
        """The module's name without any collection's."""
        return self.module.rsplit(".", 1)[-1]

    @property
    def vars(self) -> dict[str, Any]:
        """The task's own ``vars:``, as written; empty for what is no mapping."""
        given = self.keywords.get("vars")
        return {str(key): value for key, value in given.items()} if isinstance(given, dict) else {}

    def whens(self) -> list[Any]:
        """What ``when`` says at the task and at the blocks around it, innermost first; None where it says nothing."""
        return [self.keywords.get("when"), *(block.keywords.get("when") for block in self.enclosing())]

    @property
    def loop_keyword(self) -> str | None:
        """``loop`` or the ``with_*`` of the task; None for a task without a loop."""
        if "loop" in self.keywords:
            return "loop"
        return next((key for key in self.keywords if key.startswith("with_")), None)

    @property
    def loop_variable(self) -> str:
        """The variable that holds the loop's item."""
        return self._loop_control("loop_var") or "item"

    @property
    def index_variable(self) -> str | None:
        """The variable that counts the loop's rounds from 0, where the task asks for one."""
        return self._loop_control("index_var")

    @property
    def has_extended_loop(self) -> bool:
        """Whether ``ansible_loop`` is there."""
        return self._loop_control("extended") is not None

    def _loop_control(self, key: str) -> str | None:
        control = self.keywords.get("loop_control")
        name = control.get(key) if isinstance(control, dict) else None
        return str(name) if name else None

    @property
    def label(self) -> str:
        """What to call the task in a message: its name, else its action."""
        return self.name or self.action

    def line_of(self, key: str) -> int:
        """The line of a key of the task; the task's own where the key is not there."""
        return self.key_lines.get(key, self.place.line)

    def enclosing(self) -> Iterator[Block]:
        """The blocks around the task, innermost first, ending with the play where the file has one."""
        block = self.block
        while block is not None:
            yield block
            block = block.parent

    def inherited(self, keyword: str, default: Any = None) -> Any:
        """The keyword as the task sees it within its own file: its own, else of the nearest block around it."""
        if keyword in self.keywords:
            return self.keywords[keyword]
        for block in self.enclosing():
            if keyword in block.keywords:
                return block.keywords[keyword]
        return default


class Tasks(tuple[Task, ...]):
    """The tasks of a file. Identity is the object, so what is known of them is found without a look at each."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__
