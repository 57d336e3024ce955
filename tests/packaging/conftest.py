"""The built wheel and sdist, and fresh environments into which pip has installed the wheel: made once a test run."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import environments
from support.venv import Dist, Venv


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def _once(folder: Path) -> Iterator[bool]:
    """True for the first worker that comes, False for those after it, who wait until the first is done."""
    done = folder.with_name(f"{folder.name}.done")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first = not done.exists()
        yield first
        done.touch()


@pytest.fixture(scope="session")
def dist(shared: Path) -> Dist:
    """The wheel and the sdist of this source tree."""
    folder = shared / "dist"
    with _once(folder) as first:
        if first:
            build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(environments.ROOT)]
            subprocess.run(build, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return Dist(wheel=next(folder.glob("*.whl")), sdist=next(folder.glob("*.tar.gz")))


MakeVenv = Callable[..., Venv]


@pytest.fixture(scope="session")
def make_venv(shared: Path, dist: Dist) -> MakeVenv:
    """``make_venv(name, like, *requirements)``: a fresh environment with the wheel, on the Python that ``like`` has."""

    def make(name: str, like: str, *requirements: str) -> Venv:
        if environments.environment(like) is None:
            pytest.skip(f"no environment {like}: tools/envs.py make {like}")
        folder = shared / f"venv-{name}"
        with _once(folder) as first:
            if first:
                python = environments.program(like, "python")
                subprocess.run([python, "-m", "venv", str(folder)], check=True, capture_output=True, text=True)
                pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--no-input", str(dist.wheel)]
                subprocess.run([*pip, *requirements], check=True, capture_output=True, text=True)
        return Venv(folder)

    return make


def _requirement(environment: str, package: str) -> str:
    """The version of a package that an environment has, be it one before the release."""
    ask = f"from importlib.metadata import version; print(version({package!r}))"
    python = environments.program(environment, "python")
    version = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
    return f"{package}=={version}"


@pytest.fixture(scope="session", params=environments.chosen_cores())
def bare(request: pytest.FixtureRequest, make_venv: MakeVenv) -> Venv:
    """The wheel and what it requires, nothing else, on the Pythons of the ansible-core versions in this run."""
    return make_venv(f"bare-{request.param}", f"core-{request.param}")


@pytest.fixture(scope="session", params=environments.chosen_cores())
def with_core(request: pytest.FixtureRequest, make_venv: MakeVenv) -> Venv:
    """The wheel and one ansible-core."""
    version = request.param
    return make_venv(f"core-{version}", f"core-{version}", _requirement(f"core-{version}", "ansible-core"))


@pytest.fixture(scope="session", params=[pytest.param("lint-oldest", marks=pytest.mark.slow), "lint"])
def with_lint(request: pytest.FixtureRequest, make_venv: MakeVenv) -> Venv:
    """The wheel, one ansible-lint, and the PyPI package whose name one of our rules has."""
    name = request.param
    if environments.environment(name) is None:
        pytest.skip(f"no environment {name}: tools/envs.py make {name}")
    return make_venv(name, name, _requirement(name, "ansible-lint"), "async-timeout")


@pytest.fixture(scope="session")
def complete(make_venv: MakeVenv) -> Venv:
    """The wheel, the newest ansible-core and ansible-lint in one environment, as on a developer's machine."""
    versions = environments.chosen_cores()
    if not versions:
        pytest.skip("no environment with ansible-core: tools/envs.py make newest")
    newest = f"core-{versions[-1]}"
    return make_venv("complete", newest, _requirement(newest, "ansible-core"), "ansible-lint")
