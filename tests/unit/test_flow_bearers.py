from __future__ import annotations

from pathlib import Path

import pytest

from ansible_reap.content.library import Library
from ansible_reap.content.model import Task
from ansible_reap.content.roles import Finder
from ansible_reap.flow import bearers
from ansible_reap.flow.engine import analyse

TASKS = "- command: work\n  async: 60\n  poll: 0\n  register: job\n"


def _project(root: Path, count: int) -> None:
    entries = "".join(f"    - {{role: r{number}, async: 60, poll: 0}}\n" for number in range(count))
    (root / "site.yml").write_text(f"- hosts: all\n  roles:\n{entries}")
    for number in range(count):
        tasks = root / f"roles/r{number}/tasks"
        tasks.mkdir(parents=True)
        (tasks / "main.yml").write_text(TASKS)


def _asked(root: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How often tasks were read for names, and how often an index of roles was made, in a project of so many roles."""
    root.mkdir()
    _project(root, count)
    tasks, finders = 0, 0
    names_asked = bearers._names_asked

    def reading(task: Task) -> frozenset[str]:
        nonlocal tasks
        tasks += 1
        return names_asked(task)

    def finding(library: Library) -> Finder:
        nonlocal finders
        finders += 1
        return Finder(library)

    monkeypatch.setattr(bearers, "_names_asked", reading)
    monkeypatch.setattr(bearers, "Finder", finding)
    assert len([use for use in analyse(root).uses if use.task.module == bearers.ROLE]) == count
    monkeypatch.undo()
    return tasks, finders


def test_what_is_read_for_entries_of_roles_grows_as_they_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (_asked(tmp_path / str(count), count, monkeypatch) for count in (10, 40))
    assert many[0] <= 4 * few[0]
    assert (few[1], many[1]) == (1, 1)
