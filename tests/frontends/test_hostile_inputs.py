"""Whatever lies in a project or a report: little time, little memory, one clear line, and nothing else is lost."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ansible_reap.cli import main
from ansible_reap.formats import CHECK_FORMATS
from support.command import Ended, assert_is_told_well, run
from support.hostile import FOUND_BESIDES, PLAY, PROJECTS, REPORTS

REPORT_FORMATS = ("prometheus", "otlp-json", "markdown", "github")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "good.yml").write_text(PLAY)
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_there_are_many_kinds() -> None:
    assert len(PROJECTS) + len(REPORTS) >= 100


@pytest.mark.parametrize("kind", PROJECTS)
def test_a_hostile_project_costs_little_and_hides_nothing(kind: str, root: Path) -> None:
    PROJECTS[kind](root)
    ended = run("check", "--format", "json", cwd=root)
    assert_is_told_well(ended)
    if not ended.out:  # settings that are refused
        assert ended.status == 2
        assert len(ended.err.splitlines()) == 1
        assert ended.err.startswith("ansible-reap check: ")
        return
    document = json.loads(ended.out)
    assert {"good.yml", FOUND_BESIDES.get(kind, "good.yml")} <= {finding["path"] for finding in document["findings"]}
    assert all("\n" not in error["message"] for error in document["errors"])
    assert ended.status == (2 if document["errors"] else 1)


@pytest.mark.parametrize("name", [name for name in CHECK_FORMATS if name != "json"])
def test_names_and_texts_of_others_command_no_reader_of_any_format(name: str, root: Path) -> None:
    for kind, make in PROJECTS.items():
        if "name" in kind and not kind.startswith("many"):
            make(root)
    ended = run("check", "--format", name, cwd=root)
    assert_is_told_well(ended)
    assert ended.status == 1
    commands = [line for line in ended.out.splitlines() if line.lstrip().startswith("::")]
    assert commands == [] or (name == "github" and all(line.count("::") == 2 for line in commands))


@pytest.mark.parametrize("kind", REPORTS)
def test_a_hostile_report_is_read_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    text = REPORTS[kind]
    (tmp_path / "run.json").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    for options in ([], ["--html", "page.html"]):
        ended = run("report", "run.json", *options, cwd=tmp_path)
        assert_is_told_well(ended)
        assert ended.status in (0, 2)
        assert len(ended.err.splitlines()) == (1 if ended.status == 2 else 0)
        assert bool(options) == (tmp_path / "page.html").exists() or ended.status == 2


@pytest.mark.parametrize("form", REPORT_FORMATS)
@pytest.mark.parametrize("kind", REPORTS)
def test_other_programs_are_told_of_a_hostile_report_in_their_own_form(
    kind: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = REPORTS[kind]
    file = tmp_path / "run.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    status = main(["report", str(file), "--format", form])
    told = capsys.readouterr()
    assert_is_told_well(Ended(status, told.out, told.err))
    assert status in (0, 2)
    assert len(told.err.splitlines()) == (1 if status == 2 else 0)
    if status == 0 and form == "otlp-json":
        json.loads(told.out, parse_constant=pytest.fail)
    if status == 0 and form == "prometheus":
        assert all(re.fullmatch(r"# (HELP|TYPE) .*|\w+(\{.*\})? -?[\d.e+-]+", line) for line in told.out.splitlines())
    if status == 0 and form == "github":
        assert all(re.match("::(error|warning|notice) [^:]*::", line) for line in told.out.splitlines())
