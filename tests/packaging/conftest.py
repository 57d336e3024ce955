"""The built wheel and sdist, and fresh environments into which pip has installed the wheel: made once a test run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support import environments, sharing
from support.venv import Dist, Once, Venv, copy_venv


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run have in common."""
    return sharing.common_folder(tmp_path_factory)


@pytest.fixture(scope="session")
def dist(shared: Path) -> Dist:
    """The wheel and the sdist of this source tree."""
    folder = shared / "dist"
    with sharing.once(folder) as first:
        if first:
            build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(environments.ROOT)]
            subprocess.run(build, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return Dist(wheel=next(folder.glob("*.whl")), sdist=next(folder.glob("*.tar.gz")))


@pytest.fixture(scope="session")
def once(shared: Path) -> Once:
    """``once(name, make)``: the folder of that name, which ``make(folder)`` fills when the first worker asks for it."""

    def get(name: str, make: Callable[[Path], None]) -> Path:
        folder = shared / name
        with sharing.once(folder) as first:
            if first:
                make(folder)
        return folder

    return get


def _install(folder: Path, *arguments: str | Path) -> None:
    pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-input", *arguments]
    subprocess.run(pip, check=True, capture_output=True, text=True)


MakeVenv = Callable[..., Venv]


@pytest.fixture(scope="session")
def make_venv(once: Once, dist: Dist) -> MakeVenv:
    """``make_venv(name, like, *requirements)``: a copy of an environment of ours, into which pip installs the wheel."""

    def make(name: str, like: str, *requirements: str) -> Venv:
        source = environments.environment(like)
        if source is None:
            pytest.skip(f"no environment {like}: tools/envs.py make {like}")

        def fill(folder: Path) -> None:
            copy_venv(source, folder)
            # What the wheel needs is there: pip holds its requirements against that, and asks no index.
            _install(folder, *([] if requirements else ["--no-index"]), dist.wheel, *requirements)

        return Venv(once(f"venv-{name}", fill))

    return make


@pytest.fixture(scope="session", params=environments.chosen_cores())
def bare(request: pytest.FixtureRequest, once: Once, dist: Dist) -> Venv:
    """The wheel and what it requires, nothing else, on the Pythons of the ansible-core versions in this run."""

    def fill(folder: Path) -> None:
        python = environments.program(f"core-{request.param}", "python")
        subprocess.run([python, "-m", "venv", folder], check=True, capture_output=True)
        _install(folder, dist.wheel)

    return Venv(once(f"venv-bare-{request.param}", fill))


@pytest.fixture(scope="session", params=environments.chosen_cores())
def with_core(request: pytest.FixtureRequest, make_venv: MakeVenv) -> Venv:
    """The wheel and one ansible-core."""
    return make_venv(f"core-{request.param}", f"core-{request.param}")


@pytest.fixture(scope="session", params=[pytest.param("lint-oldest", marks=pytest.mark.slow), "lint"])
def with_lint(request: pytest.FixtureRequest, make_venv: MakeVenv) -> Venv:
    """The wheel, one ansible-lint, and the PyPI package whose name one of our rules has."""
    return make_venv(request.param, request.param, "async-timeout")


@pytest.fixture(scope="session")
def complete(make_venv: MakeVenv) -> Venv:
    """The wheel, the newest ansible-core and ansible-lint in one environment, as on a developer's machine."""
    versions = environments.chosen_cores()
    if not versions:
        pytest.skip("no environment with ansible-core: tools/envs.py make newest")
    return make_venv("complete", f"core-{versions[-1]}", "ansible-lint")
