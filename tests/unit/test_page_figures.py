"""The bounds and defaults that pages name in numbers are those of the code, and the places that they name are there."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from support import environments

DOCS = environments.ROOT / "docs"
SOURCE = environments.ROOT / "src" / "ansible_reap"

FIGURES: list[tuple[str, str, str, str, object]] = [
    ("awx", "whose limit is above 30 days", "runtime/ledger/artifact.py", "LONGEST_LIMIT", 30 * 86400),
    ("history", "removes rows older than 400 days", "history/store.py", "MAX_AGE", timedelta(days=400)),
    ("history", "beyond the newest 5,000", "history/store.py", "MAX_PER_LAUNCH", 5_000),
    ("history", "beyond the newest 200,000", "history/store.py", "MAX_ROWS", 200_000),
    ("history", "at most 100 runs wait there", "history/store.py", "MAX_WAITING", 100),
    ("history", "The newest 50 runs count", "history/runs.py", "MAX_RUNS", 50),
    ("history", "to two seconds", "runtime/remote/status_file.py", "STEP", 2.0),
    ("history", "Below five runs there is none", "history/estimate.py", "ENOUGH_RUNS", 5),
    ("history", "that reaches 95 %", "history/estimate.py", "LEVEL", 0.95),
    ("history", "(2 by default)", "checks/timeout.py", "DEFAULT_HEADROOM", 2.0),
    ("operate", "Below five runs nothing is said", "history/estimate.py", "ENOUGH_RUNS", 5),
    ("operate", "A host with nine runs or more", "history/forecast.py", "RUNS_OF_ONE_HOST", 9),
    ("operate", "Where ten runs or more", "history/forecast.py", "RUNS_THAT_MOVE", 10),
    ("operate", "and 90 % within the second", "history/forecast.py", "LEVEL", 0.9),
    ("operate", "A wait of more than half a minute", "runtime/remote/waiting.py", "FIRST_WORD_AFTER", 30.0),
    ("operate", "not answered for half a minute", "runtime/gate/twins.py", "_LONGEST_LOOK", 30.0),
    ("operate", "(the first 200)", "reports/summary.py", "MOST_ROWS", 200),
    ("operate", "the first twenty problems", "runtime/output/receivers.py", "MOST_PROBLEMS", 20),
    ("operate", "have a second to answer", "posting.py", "TIMEOUT", 1.0),
    ("operate", "the port is 4317", "runtime/output/spans.py", "_GRPC_PORT", 4317),
    ("threat-model", "takes two minutes at most", "runtime/remote/bounded.py", "PATIENCE", 120.0),
    ("threat-model", "30 seconds where the job's time is up", "runtime/remote/bounded.py", "LEAST", 30.0),
    ("threat-model", "15 seconds a job", "runtime/actions/stop.py", "MOST_FOR_A_JOB", 15.0),
    ("threat-model", "half an hour at most", "runtime/actions/sweep.py", "LONGEST_SWEEP", 1800.0),
    ("threat-model", "ends after half a minute", "history/database.py", "LONGEST_READ", 30.0),
    ("threat-model", "the first 5,000", "content/files_beside.py", "MAX_LOOKED_BESIDE", 5_000),
    ("threat-model", "is given: 10 seconds", "linting/ours.py", "SECONDS", 10),
    ("threat-model", "and 60 with `--diff-base`", "linting/git.py", "SECONDS", 60),
    ("threat-model", "`.rst` or `.py`", "content/project.py", "SELDOM_CALLED", (".j2", ".md", ".rst", ".py")),
    ("troubleshooting", "a list of more than 200 items", "flow/evaluation/values.py", "MAX_ITEMS", 200),
    ("wait-and-collect", "more than 1,000 files", "runtime/actions/collect.py", "MOST_STRAYS", 1000),
    ("wait-and-collect", "nobody has touched for 90 days", "runtime/ledger/writer.py", "KEPT_DAYS", 90),
    ("your-run", "on four or more hosts", "runtime/output/recap.py", "_SEVERAL", 4),
    ("your-run", "are a warning each, up to three", "runtime/tracking/faults.py", "_MOST_TOLD", 3),
]
"""Page, what it says, the module and its constant, and the value with which both are right."""


@pytest.mark.parametrize(("page", "said", "module", "name", "value"), FIGURES, ids=lambda each: str(each)[:40])
def test_a_figure_on_a_page_is_the_one_in_the_code(page: str, said: str, module: str, name: str, value: object) -> None:
    text = " ".join((DOCS / f"{page}.md").read_text(encoding="utf-8").split())
    assert said in text
    assert constant(SOURCE / module, name) == value


def constant(file: Path, name: str) -> object:
    """The value of a constant of a module, without an import of it: some modules need Ansible."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return eval(ast.unparse(node.value), {"timedelta": timedelta})
    raise AssertionError(f"{file.name} has no constant {name}")


def test_the_page_about_the_architecture_names_what_is_there() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = [SOURCE, environments.ROOT, SOURCE / "runtime", SOURCE / "flow", SOURCE / "flow" / "evaluation"]
    named = set(re.findall(r"`((?:\w+/)+[\w.]*|\w+\.py)`", text))
    assert len(named) > 30
    assert [name for name in sorted(named) if not any(_is_there(room / name) for room in rooms)] == []


def _is_there(path: Path) -> bool:
    return path.exists() or path.with_name(f"{path.name}.py").exists()


def test_the_page_for_contributors_names_every_extra() -> None:
    extras = (environments.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = extras.partition("[project.optional-dependencies]\n")[2].partition("\n\n")[0]
    told = (environments.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Dependencies\n")[2]
    told = told.partition("\n## ")[0]
    assert re.findall(r"^(\w+) =", extras, re.MULTILINE) == re.findall(r"^\| `(\w+)`", told, re.MULTILINE)


def test_the_page_about_ci_names_every_input_of_the_action_with_its_default() -> None:
    action = yaml.safe_load((environments.ROOT / "action.yml").read_text(encoding="utf-8"))
    text = (
        (DOCS / "ci.md").read_text(encoding="utf-8").partition("| input | default | meaning |")[2].partition("\n\n")[0]
    )
    told = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) ?\|", text, re.MULTILINE))
    given = {name: f"`{each['default']}`" if each["default"] else told[name] for name, each in action["inputs"].items()}
    assert told == given
