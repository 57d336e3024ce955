"""A generated project: files as data, what to run, and which of its variables decide what happens."""

from __future__ import annotations

import copy
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Task: TypeAlias = "dict[str, Any]"
Setting: TypeAlias = "dict[str, bool]"
LABEL = re.compile(r"\bL\d+\b")
"""Each launching task has one in its name; its jobs say it of themselves."""
IN_GROUP = 2
"""So many hosts, the first ones, are in the group of the inventory."""
OF_HOSTS = ("run_once", "ansible_play", "hostvars", "inventory_hostname", "delegate_to", "play_hosts")
"""Words by which it matters on how many hosts a play runs, and on which."""
UNREADABLE = ("own plugin", "filters of a role", "vaulted: tasks", "carried")
"""How the notes of productions begin in which a handle leaves what can be read: Python of the project's own, files that
are encrypted as a whole, an id that a command or another program is given. The contract calls such a launch unknown."""
MOST_SWITCHES = 3
"""So many switches are tried in all combinations."""


@dataclass(frozen=True)
class Project:
    """``files`` by path below the project's folder: a string is written as it is, anything else as YAML."""

    files: dict[str, Any]
    playbooks: tuple[str, ...]
    hosts: tuple[str, ...]
    switches: tuple[str, ...] = ()
    """Variables of its conditions, given from outside, each true and false in some run."""
    peeks: int = 0
    """How many of its tasks look at jobs without waiting."""
    args: tuple[str, ...] = ()
    """Further arguments of ansible-playbook."""
    variant: tuple[str, ...] = ()
    """Further arguments with which the project is run once besides, without our callback and with it."""
    knowable: bool = True
    """False where something in it cannot be known without running it, so that ``unknown`` is a right verdict."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """Which productions made it."""
    given: tuple[str, ...] = ()
    """Variables to which it gives values of its own, and which somebody may give another one for all of it."""

    def settings(self) -> list[Setting]:
        """Every combination of the switches; besides, each variable of ``given`` true and false."""
        switches = self.used_switches()[:MOST_SWITCHES]
        rest = dict.fromkeys(self.switches, True)
        return [
            {**rest, **dict(zip(switches, values, strict=True))}
            for values in itertools.product((True, False), repeat=len(switches))
        ] + [{**rest, name: value} for name in self._named(self.given) for value in (True, False)]

    def used_switches(self) -> tuple[str, ...]:
        """Those that some file names."""
        return self._named(self.switches)

    def _named(self, variables: tuple[str, ...]) -> tuple[str, ...]:
        text = "\n".join(self.texts().values())
        return tuple(each for each in variables if re.search(rf"\b{each}\b", text))

    def texts(self) -> dict[str, str]:
        """The files as they are written."""
        return {path: data if isinstance(data, str) else to_yaml(data) for path, data in self.files.items()}

    def write(self, folder: Path) -> None:
        """Write it as the only content of ``folder``."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "ansible.cfg").touch()
        for path, text in self.texts().items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")

    def argv(self, setting: Setting) -> tuple[str, ...]:
        """Arguments for ansible-playbook in the project's folder."""
        extra = ("-e", json.dumps(setting)) if setting else ()
        return (*self.playbooks, "-i", "hosts.ini", *extra, *self.args)

    def labels(self) -> set[str]:
        """Those of its launching tasks."""
        return {found for task in self.tasks() if "async" in task for found in LABEL.findall(str(task.get("name")))}

    def ends(self) -> dict[str, str]:
        """How the work of each label's jobs ends by itself: ok, fail or long."""
        return dict(re.findall(r"\b(L\d+)\W+(ok|fail|long)\b", "\n".join(self.texts().values())))

    def can_be_read(self) -> bool:
        """Whether all of it can be known from its text, so that ``unknown`` is a verdict that is too cautious."""
        return self.knowable and not any(note.startswith(UNREADABLE) for note in self.notes)

    def needs_us(self) -> bool:
        """Whether one of its tasks is an action of our collection, which only works beside our callback."""
        return "reap.jobs." in "".join(self.texts().values())

    def hosts_are_the_same(self) -> bool:
        """Whether all of its plays name the same hosts; how other patterns overlap is up to the inventory.

        So is who is in a group that a condition asks for, where none of these hosts is left out, and how many hosts
        a play runs on that names another pattern than all, where that matters.
        """
        text = "".join(text for path, text in self.texts().items() if path != "hosts.ini")
        hosts = {str(each["hosts"]) for each in self.tasks() if "hosts" in each}
        if "group" in text and len(self.hosts) < IN_GROUP + 1:
            return False
        return len(hosts) < 2 and (hosts == {"all"} or not any(word in text for word in OF_HOSTS))

    def ends_well(self) -> bool:
        """Whether every job is one that ends well by itself."""
        return set(self.ends().values()) <= {"ok"}

    def tasks(self) -> Iterator[Task]:
        """Every mapping that may be a task, in no order that matters."""
        for data in self.files.values():
            yield from _mappings(data)

    def copy(self) -> Project:
        """One that can be changed without changing this one."""
        return Project(
            copy.deepcopy(self.files),
            self.playbooks,
            self.hosts,
            self.switches,
            self.peeks,
            self.args,
            self.variant,
            self.knowable,
            self.notes,
            self.given,
        )


class _Dumper(yaml.SafeDumper):
    """Writes the same object twice where it stands twice: projects have no anchors unless they mean to."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def to_yaml(data: object) -> str:
    """Block style, keys in their order."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
    return f"---\n{text}"


def _mappings(data: object) -> Iterator[Task]:
    if isinstance(data, dict):
        yield data
        for value in data.values():
            yield from _mappings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _mappings(value)
