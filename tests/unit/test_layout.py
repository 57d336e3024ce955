"""The package's rooms are those that CONTRIBUTING.md names, and its two large halves can be taken in at a glance."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from support.environments import ROOT, chosen_cores, program

PACKAGE = ROOT / "src" / "ansible_reap"
OF_THE_PACKAGE_ITSELF = {"__init__.py", "__main__.py", "py.typed"}


def _named() -> set[str]:
    """What the first column of the layout table names: rooms as ``flow/walk``, modules as ``jobs.py``."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("## Layout", 1)[1].split("| elsewhere |", 1)[0]
    firsts = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name.rstrip("/") for first in firsts for name in re.findall(r"`([^`]+)`", first)}


def _entries(folder: Path) -> list[str]:
    names = {path.relative_to(PACKAGE).parts[len(folder.relative_to(PACKAGE).parts)] for path in _files(folder)}
    return sorted(names - OF_THE_PACKAGE_ITSELF)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_the_layout_table_names_every_room_and_nothing_else() -> None:
    folders = {path.parent for path in _files(PACKAGE) if path.suffix == ".py"} - {PACKAGE}
    rooms = {folder.relative_to(PACKAGE).as_posix() for folder in folders} | set(_entries(PACKAGE))
    assert _named() == rooms


@pytest.mark.parametrize("half", ["flow", "runtime"])
def test_a_half_shows_at_most_twelve_entries(half: str) -> None:
    entries = _entries(PACKAGE / half)
    assert 1 < len(entries) <= 12, entries


@pytest.mark.parametrize("core", chosen_cores())
def test_a_collection_of_an_earlier_version_finds_what_it_imports(core: str) -> None:
    imports = (
        "from ansible_reap.runtime import entry; entry.session_for, entry.current; "
        "from ansible_reap.runtime.wait_action import ARGUMENTS, wait; "
        "from ansible_reap.runtime.collect_action import ARGUMENTS, collect"
    )
    python, environ = program(f"core-{core}", "python"), {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([python, "-c", imports], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SHARED = {
    "cleanup": "the rule, and the fix of its findings",
    "conditions": "`when`, `until` and `failed_when`: whether one holds, and what it says",
    "doctor": "the command, and the room behind it",
    "finished": "the rule, and the fix of its findings",
    "history": "measured run times: the room, the command, the page",
    "jobs": "async jobs: the words for them, and the command that lists them",
    "junit": "JUnit XML",
    "keywords": "the keywords of a task",
    "lsp": "the command, and the room behind it",
    "reboot": "the rule, and the fix of its findings",
    "report": "a run's report, written and read",
    "wait": "what reaps a job: the task that a fix adds, and the action",
    "walk": "the walk, and the room that it is in",
    "wording": "words for people: shared ones, those for run times, those for jobs",
    "Play": "Ansible's play: as written, and as it runs",
    "Role": "Ansible's role: as written, and as it runs",
    "Task": "Ansible's task: as written, and as it runs",
}
"""Names of more than one module or class, with the meaning that they have in common."""


def test_modules_and_classes_of_one_name_have_one_meaning() -> None:
    """A name that is new here: give one of the two another name, or say in SHARED what they have in common."""
    modules = [
        path for path in _files(PACKAGE) if path.suffix == ".py" and path.parent != PACKAGE / "doctor" / "probes"
    ]
    names = Counter(path.parent.name if path.stem == "__init__" else path.stem for path in modules)
    for path in modules:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        public = {each.name for each in body if isinstance(each, ast.ClassDef) and not each.name.startswith("_")}
        names.update(public)
    assert {name for name, count in names.items() if count > 1} == SHARED.keys()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git tells which files there are")
def test_ruff_and_mypy_see_every_python_file() -> None:
    """``make lint`` checks ``lint_rules`` with ansible-lint beside it, in a run of its own."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    files = [name for name in listed if (ROOT / name).is_file() and _is_python(ROOT / name)]
    tomllib = pytest.importorskip("tomllib", reason="new in Python 3.11")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    covered = (*settings["mypy"]["files"], "lint_rules")
    of_cases = [re.compile(pattern) for pattern in settings["mypy"]["exclude"]]
    others = [name for name in files if not any(name == each or name.startswith(f"{each}/") for each in covered)]
    assert others == []
    scripts = {name for name in files if not name.endswith(".py") and not any(each.search(name) for each in of_cases)}
    assert scripts <= {*settings["mypy"]["files"]} & {*settings["ruff"]["extend-include"]}


def _is_python(path: Path) -> bool:
    if path.suffix == ".py":
        return True
    with path.open("rb") as file:
        return re.match(rb"#!.*python", file.readline(200)) is not None
