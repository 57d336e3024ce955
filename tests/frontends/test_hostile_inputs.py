"""Whatever lies in a project or a report: little time, little memory, one clear line, and nothing else is lost."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_reap.formats import CHECK_FORMATS
from support.hostile import PLAY, PROJECTS, REPORTS

SECONDS = 5
"""Processor time that any of these may cost, user and system."""
MEGABYTES = 200
BOUNDED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({2 * SECONDS}, {2 * SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from ansible_reap.cli import main
sys.exit(main(sys.argv[1:]))
"""
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


def _peak_memory(pid: int) -> float:
    """Megabytes that the process has used at most, asked of the kernel until it ends.

    What wait4 says counts the memory of the process that it was forked from, which is a whole test run.
    """
    peak = 0.0
    while True:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found is None:  # it has ended and waits to be asked for its status
            return peak
        if "pytest" not in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace"):
            peak = max(peak, int(found[1]) / 1024)
        time.sleep(0.005)


def run(*arguments: str | Path, cwd: Path) -> Ended:
    """The command in a process of its own, which is stopped where it goes beyond the bounds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([sys.executable, "-c", BOUNDED, *map(str, arguments)], cwd=cwd, stdout=out, stderr=err)
        peak = _peak_memory(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape"))
    assert usage.ru_utime + usage.ru_stime < SECONDS
    assert peak < MEGABYTES
    return Ended(child.returncode, *texts)


def assert_is_told_well(ended: Ended) -> None:
    assert ended.status in (0, 1, 2)
    assert "Traceback" not in ended.err
    assert "please report" not in ended.err + ended.out
    assert not CONTROL.search(ended.err.replace("\n", "")), ended.err
    assert not CONTROL.search(ended.out.replace("\n", "")), ended.out
    assert max(map(len, ended.err.splitlines()), default=0) < 2000


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
    assert "good.yml" in [finding["path"] for finding in document["findings"]]
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
