"""``tools/envs.py``: what it makes, what it leaves alone, and what it says of what it cannot make."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import environments

sys.path.insert(0, str(environments.ROOT / "tools"))
import envs

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_REAP_ENVS", str(tmp_path))


@pytest.fixture
def tiny() -> envs.Environment:
    """An environment that takes seconds: it holds what venv puts there anyway."""
    return envs.Environment("tiny", ("pip",), (HERE,))


@pytest.fixture
def no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envs, "interpreter", lambda version: None)


@pytest.mark.slow
def test_two_runs_at_once_make_it_once_and_a_third_has_nothing_to_do(tiny: envs.Environment, tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=2) as pool:
        notes = sorted(made.note for made in pool.map(envs.make, [tiny, tiny]))
    assert notes[0].startswith(f"made with Python {HERE}")
    assert notes[1] == "up to date"
    assert (tmp_path / "tiny" / "bin" / "python").exists()
    changed = envs.Environment("tiny", ("pip>=1",), (HERE,))
    assert envs.make(changed).note.startswith("made with")


@pytest.mark.slow
def test_an_interrupted_one_is_made_anew(tiny: envs.Environment, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / envs.STAMP).write_text("{}")
    assert envs.make(tiny).note.startswith("made with")


def test_a_folder_that_is_not_ours_is_used_as_it_is(tiny: envs.Environment, tmp_path: Path) -> None:
    (tmp_path / "tiny" / "bin").mkdir(parents=True)
    assert envs.make(tiny).note == "not made by this program, used as it is"
    assert list((tmp_path / "tiny").iterdir()) == [tmp_path / "tiny" / "bin"]


def test_a_step_that_fails_is_shown_and_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    broken = envs.Environment("broken", (str(tmp_path / "no-such.whl"),), (HERE,))
    with pytest.raises(RuntimeError, match=r"no-such\.whl"):
        envs.make(broken)
    assert "digest" not in json.loads((tmp_path / "broken" / envs.STAMP).read_text())


def test_a_named_one_without_an_interpreter_is_an_error(no_python: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert envs.main(["make", "core-2.20"]) == 1
    assert "core-2.20: NOT MADE, needs one of Python 3.12, 3.13, 3.14" in capsys.readouterr().err


def test_without_any_fitting_python_the_newest_is_an_error_that_says_what_to_install(no_python: None) -> None:
    with pytest.raises(SystemExit, match="python3-venv"):
        envs.main(["make", "newest"])


def test_of_a_group_each_one_left_out_is_named(no_python: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert envs.main(["make", "cores"]) == 0
    assert capsys.readouterr().err.count("NOT MADE") == len(envs.CORES)


def test_the_end_of_a_test_run_names_what_was_not_tested(tmp_path: Path) -> None:
    python = tmp_path / "core-2.19" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    summary = environments.summary()
    assert summary.startswith("tested on ansible-core 2.19; NOT TESTED")
    assert summary.endswith("2.16, 2.17, 2.18, 2.20, 2.21, 2.22")


def test_oldest_and_newest_are_those_that_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envs, "interpreter", lambda version: "python" if version == "3.11" else None)
    assert [environment.name for environment in envs.resolve(["oldest", "newest"])] == ["core-2.16", "core-2.19"]


def test_the_tests_and_the_tool_know_the_same_versions() -> None:
    assert tuple(envs.CORE_PYTHONS) == environments.SUPPORTED_CORES
