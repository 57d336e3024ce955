"""Pages that list something list all of it, and nothing that is gone: messages, options, keys, fields, formats."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ansible_reap.checks.registry import RULES
from ansible_reap.cli.catalogue import Subcommand, commands
from ansible_reap.formats import CHECK_FORMATS
from ansible_reap.jobs import JobState
from ansible_reap.runtime.policy.options import NAMES as OPTIONS
from support import environments

sys.path.insert(0, str(environments.ROOT / "tools"))
import docs_pages

DOCS = environments.ROOT / "docs"
SOURCE = environments.ROOT / "src" / "ansible_reap"
TROUBLESHOOTING = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
PLACEHOLDER = "\N{REPLACEMENT CHARACTER}"


def section(page: str, heading: str) -> str:
    """The text of a page's section, without those after it."""
    _, found, rest = page.partition(f"## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """What stands in the first column of the tables, without their heads."""
    rows = re.findall(r"^\| (.+?) \|.*\n", text, re.MULTILINE)
    assert rows
    return [row for row in rows[1:] if not set(row) <= {"-", " "}]


# ---- messages


def messages(files: list[Path], callers: set[str]) -> Iterator[tuple[str, str]]:
    """Where a message is made and its text: the first argument of calls of these names, and what functions return.

    A constant's name in a text has its value, all other values are a character in their place. A text that consists of
    a value alone is made elsewhere.
    """
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        constants = _constants(tree)
        for node in ast.walk(tree):
            text = ""
            if isinstance(node, ast.Call) and node.args and _name(node.func) in callers:
                text = _text(node.args[0], constants)
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.JoinedStr) and "return" in callers:
                text = _text(node.value, constants)
            if len(text.removeprefix("async_reaper: ").replace(PLACEHOLDER, "")) > 5:
                yield f"{file.name}:{getattr(node, 'lineno', 0)}", text


def _constants(tree: ast.Module) -> dict[str, str]:
    """Text by the name of the constant that holds it, also where it is imported from another module of ours."""
    found = {}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
        ):
            found[node.targets[0].id] = str(node.value.value)
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("ansible_reap"):
            names = (name.name for name in node.names if name.name.isupper())
            with suppress(ModuleNotFoundError):  # of Ansible, which this environment does not have
                module = import_module(str(node.module))
                found |= {name: value for name in names if isinstance(value := getattr(module, name), str)}
    return found


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _text(node: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, constants) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return constants.get(_name(node.value), PLACEHOLDER)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _text(node.func.value, constants)  # "...".replace(...)
    return ""


def phrases(heading: str) -> list[re.Pattern[str]]:
    """What the page's table quotes of each line; ``...`` and single capital letters stand for values."""
    quoted = [
        phrase for cell in first_cells(section(TROUBLESHOOTING, heading)) for phrase in re.findall("`([^`]+)`", cell)
    ]
    assert all(len(phrase) >= 10 for phrase in quoted)
    parts = [re.split(r"(\.\.\.|\b[XYN]\b)", phrase) for phrase in quoted]
    return [re.compile("".join(".*" if n % 2 else re.escape(word) for n, word in enumerate(words))) for words in parts]


DOCTOR = sorted((SOURCE / "doctor").glob("*.py"))
RUNTIME = [
    *sorted((SOURCE / "runtime").rglob("*.py")),
    SOURCE / "history" / "store.py",
    environments.ROOT / "callback_plugins" / "async_reaper.py",
]


@pytest.mark.parametrize(
    ("heading", "files", "callers"),
    [
        ("What doctor says", DOCTOR, {"off", "absent", "ProbeError"}),
        ("What the callback warns of", RUNTIME, {"warn", "_warn", "warning"}),
    ],
)
def test_every_line_of_doctor_and_every_warning_has_its_cause_and_cure(
    heading: str, files: list[Path], callers: set[str]
) -> None:
    made = dict(messages(files, callers))
    known = phrases(heading)
    assert len(made) > 10
    assert {where: text for where, text in made.items() if not any(each.search(text) for each in known)} == {}
    made |= dict(messages([SOURCE / "history" / "store.py"], {"return"}))
    assert [each.pattern for each in known if not any(each.search(text) for text in made.values())] == []


def test_every_warning_of_the_history_has_its_cause_and_cure() -> None:
    made = {
        where: text for where, text in messages([SOURCE / "history" / "store.py"], {"return"}) if "history: " in text
    }
    assert len(made) >= 3
    known = phrases("What the callback warns of")
    assert {where: text for where, text in made.items() if not any(each.search(text) for each in known)} == {}


# ---- options of commands, of the callback, of the configuration


@pytest.fixture(scope="module")
def page_of_commands() -> str:
    return docs_pages.commands()


@pytest.mark.parametrize("command", commands(), ids=lambda command: str(command.words[0]))
def test_the_page_of_commands_has_every_option(command: Subcommand, page_of_commands: str) -> None:
    for each in command.with_children():
        level = "#" * (1 + len(each.words))
        _, found, rest = page_of_commands.partition(f"{level} {' '.join(each.words)}\n")
        assert found
        told = re.split("^##", rest, maxsplit=1, flags=re.MULTILINE)[0]
        flags = [flag for option in each.options for flag in option.flags]
        assert [flag for flag in flags if not re.search(rf"(?<![\w-]){re.escape(flag)}\b(?!-)", told)] == []


def test_the_page_of_options_has_every_option_of_the_callback() -> None:
    assert set(docs_pages.documented_options()) == set(OPTIONS)
    assert set(re.findall(r"^## (\w+)$", docs_pages.options(), re.MULTILINE)) == set(OPTIONS)


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SOURCE / "schemas" / name).read_text(encoding="utf-8"))
    return schema


CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")


def test_the_page_of_configuration_has_every_key() -> None:
    listed = {cell.strip("`") for cell in first_cells(section(CONFIGURATION, "`.ansible-reap.yml`"))}
    assert listed == set(_schema("config.json")["properties"])


def test_each_rule_s_page_has_its_options() -> None:
    for rule in RULES:
        page = (environments.ROOT / "lint_rules" / f"{rule.id.replace('-', '_')}.md").read_text(encoding="utf-8")
        told = section(page, "Options")
        assert {name for name in rule.defaults if f"`{name}`" not in told} == set(), rule.id


def test_the_page_of_configuration_has_every_format() -> None:
    assert [cell.strip("`") for cell in first_cells(section(CONFIGURATION, "Formats"))][1:] == list(CHECK_FORMATS)[1:]
    assert {cell.strip("`") for cell in first_cells(section(CONFIGURATION, "Formats"))} == set(CHECK_FORMATS)


def test_the_page_of_configuration_has_every_field_of_the_json() -> None:
    told = set(re.findall(r"`(\w+)`", section(CONFIGURATION, "The fields of the JSON")))
    schema = _schema("check.json")
    assert _fields(schema) - told == set()


def _fields(node: object) -> set[str]:
    """The names of all properties below a schema's node."""
    found: set[str] = set()
    if isinstance(node, dict):
        found |= set(node.get("properties", {}))
        for value in node.values():
            found |= _fields(value)
    elif isinstance(node, list):
        for value in node:
            found |= _fields(value)
    return found


def test_the_page_about_a_run_has_every_state_that_needs_something_to_be_done() -> None:
    page = (DOCS / "your-run.md").read_text(encoding="utf-8")
    told = {cell.strip("`") for cell in first_cells(section(page, "How to read the recap"))}
    states = {state.value.replace("_", " ") for state in JobState} - {"reaped"}
    assert told == states | {"swallowed"}


def test_the_threat_model_names_tests_that_are_there() -> None:
    page = (DOCS / "threat-model.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .+ \| .+ \| (.+) \|$", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`((?:tests|tools)/[^`]+)`", row)}
    assert len(named) > 8
    assert [name for name in sorted(named) if not (environments.ROOT / name).exists()] == []
