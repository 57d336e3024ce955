"""Everything that must hold before a release, one line each; what is to be published is left in ``dist/``.

    python3 tools/release_check.py               # all of it; 'make release-check' makes the environments first
    python3 tools/release_check.py --tag v0.1.0  # for this tag: the changelogs must have a section for its version

Checked: one version everywhere, both changelogs, a clean work tree, the wheel and the sdist (by twine, and that the
sdist makes the same wheel), the collection (built, and read by the importer of Galaxy), the docs (strictly), the
workflows. Left in ``dist/``: wheel, sdist, collection, ``sbom.cdx.json`` and the release's ``notes.md``. The exit
status is 1 where one of them does not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import envs

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"

VERSIONS = {
    "src/ansible_reap/__init__.py": r'^__version__ = "([^"]+)"$',
    "collection/galaxy.yml": r"^version: (\S+)$",
    "collection/requirements.txt": r"^ansible-reap==(\S+)$",
    "README.md": r"^ *rev: v(\S+)$",
}
"""Where the version stands: file -> a pattern whose group it is."""


class ProblemError(Exception):
    """What is off and what to do about it, in one line."""


def version() -> str:
    """The version of the package."""
    name, pattern = next(iter(VERSIONS.items()))
    return _found(name, pattern)[0]


def _found(name: str, pattern: str) -> list[str]:
    found: list[str] = re.findall(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise ProblemError(f"{name}: no version, looked for {pattern}")
    return found


def one_version(arguments: argparse.Namespace) -> str:
    wanted = version()
    if arguments.tag not in (None, f"v{wanted}"):
        raise ProblemError(f"the tag is {arguments.tag}, the package is {wanted}")
    others = {name: found for name, pattern in VERSIONS.items() for found in _found(name, pattern) if found != wanted}
    if others:
        said = ", ".join(f"{name} says {other}" for name, other in others.items())
        raise ProblemError(f"the package is {wanted}, but {said}")
    return f"{wanted} in {len(VERSIONS)} files"


def notes(*, is_tagged: bool) -> tuple[str, str]:
    """The changelog's section for the version, and its heading: before the tag is made it may be "Unreleased"."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for heading in (version(), *(() if is_tagged else ("Unreleased",))):
        section = re.search(rf"^## {re.escape(heading)}\b[^\n]*\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
        if section is not None and section[1].strip():
            return heading, section[1].strip() + "\n"
    raise ProblemError(f"CHANGELOG.md: no section '## {version()}'; rename 'Unreleased'")


def changelogs(arguments: argparse.Namespace) -> str:
    heading, text = notes(is_tagged=arguments.tag is not None)
    name = "collection/changelogs/changelog.yaml"
    if not re.search(rf"^  {re.escape(version())}:$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE):
        raise ProblemError(f"{name}: no release {version()}")
    return f"{len(text.splitlines())} lines under '{heading}'"


def clean_tree(arguments: argparse.Namespace) -> str:
    del arguments
    changed = _run(["git", "status", "--porcelain"]).splitlines()
    if changed:
        raise ProblemError(f"{len(changed)} changed or unknown files, the first is {changed[0][3:]}; commit them")
    return _run(["git", "rev-parse", "--short", "HEAD"]).strip()


def package(arguments: argparse.Namespace) -> str:
    del arguments
    shutil.rmtree(DIST, ignore_errors=True)
    build = [_program("dev", "python"), "-m", "build", "--no-isolation"]
    _run([*build, "--outdir", str(DIST), str(ROOT)])
    wheel, sdist = _one("*.whl"), _one("ansible_reap-*.tar.gz")
    _run([_program("tools", "twine"), "check", "--strict", str(wheel), str(sdist)])
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        source = Path(folder) / sdist.name.removesuffix(".tar.gz")
        _run([*build, "--wheel", "--outdir", folder, str(source)])
        if _contents(Path(folder) / wheel.name) != _contents(wheel):
            raise ProblemError("the wheel that the sdist makes differs from the one that the source makes")
    return f"{wheel.name}, {sdist.name}: twine has no complaint, and the sdist makes the same wheel"


def collection(arguments: argparse.Namespace) -> str:
    del arguments
    core = envs.envs_root() / envs.resolve(["newest"])[0].name / "bin"
    _run([str(core / "ansible-galaxy"), "collection", "build", str(ROOT / "collection"), "--output-path", str(DIST)])
    archive = _one("reap-jobs-*.tar.gz")
    galaxy = envs.envs_root() / "galaxy" / "bin"
    # The importer starts ansible-lint, ansible-doc and the like by name.
    variables = {"PATH": f"{galaxy}:{os.environ['PATH']}", "GALAXY_IMPORTER_CONFIG": os.devnull}
    with tempfile.TemporaryDirectory() as folder:
        said = _run([str(galaxy / "python"), "-m", "galaxy_importer.main", str(archive)], variables, folder)
    if "Importer processing completed successfully" not in said:
        raise ProblemError(f"galaxy-importer did not finish: {said.strip().splitlines()[-1]}")
    complaints = [line for line in said.splitlines() if line.startswith(("ERROR", "WARNING"))]
    if complaints:
        raise ProblemError(
            f"galaxy-importer: {complaints[0]}" + (f" and {len(complaints) - 1} more" if complaints[1:] else "")
        )
    return f"{archive.name}: Galaxy's importer has no complaint"


def docs(arguments: argparse.Namespace) -> str:
    del arguments
    with tempfile.TemporaryDirectory() as folder:
        build = [_program("docs", "python"), "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
        _run(build, {"NO_MKDOCS_2_WARNING": "1"})
        pages = len(list(Path(folder).rglob("index.html")))
    return f"{pages} pages"


def workflows(arguments: argparse.Namespace) -> str:
    del arguments
    programs = str(envs.envs_root() / "tools" / "bin")
    _run([sys.executable, str(ROOT / "tools" / "check_workflows.py"), programs])
    return "zizmor and the schemas have no complaint"


def papers(arguments: argparse.Namespace) -> str:
    """What the release shows beside its files: a bill of materials of a fresh install, and the changelog's section."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        _run([_program("dev", "python"), "-m", "venv", "--without-pip", str(python.parents[1])])
        _run([_program("dev", "python"), "-m", "pip", "--python", str(python), "install", "-q", str(_one("*.whl"))])
        sbom = DIST / "sbom.cdx.json"
        _run([_program("tools", "cyclonedx-py"), "environment", str(python), "--output-reproducible", "-o", str(sbom)])
    if '"ansible-reap"' not in sbom.read_text(encoding="utf-8"):
        raise ProblemError("the bill of materials does not name ansible-reap")
    (DIST / "notes.md").write_text(notes(is_tagged=arguments.tag is not None)[1], encoding="utf-8")
    return f"{sbom.name}, notes.md"


CHECKS: dict[str, Callable[[argparse.Namespace], str]] = {
    "version": one_version,
    "changelogs": changelogs,
    "work tree": clean_tree,
    "package": package,
    "collection": collection,
    "docs": docs,
    "workflows": workflows,
    "papers": papers,
}
"""Name -> a function that returns what it found right; it raises ProblemError where something is off."""


def _program(environment: str, name: str) -> str:
    return str(envs.envs_root() / environment / "bin" / name)


def _one(pattern: str) -> Path:
    found = sorted(DIST.glob(pattern))
    if len(found) != 1:
        raise ProblemError(f"dist/ holds {len(found)} files {pattern}, not one")
    return found[0]


def _contents(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def _run(command: Sequence[str], variables: dict[str, str] | None = None, folder: str | None = None) -> str:
    """Run a step; its output. Raises ProblemError with its last line where it fails."""
    environment = {**os.environ, **(variables or {})}
    try:
        reply = subprocess.run(
            command,
            cwd=folder or ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ProblemError(f"{command[0]}: {error.strerror}; 'make release-check' makes the environments") from error
    if reply.returncode != 0:
        lines = reply.stdout.strip().splitlines() or ["no output"]
        raise ProblemError(f"{' '.join(command[:4])} ...: status {reply.returncode}: {lines[-1]}")
    return reply.stdout


def _holds(name: str, arguments: argparse.Namespace) -> bool:
    try:
        said, holds = CHECKS[name](arguments), True
    except ProblemError as problem:
        said, holds = str(problem), False
    print(f"{name:<11} {'ok ' if holds else 'OFF'}  {said}", flush=True)
    return holds


def main(argv: Sequence[str] | None = None) -> int:
    """Run the checks, all of them or those that are named; the return value is the exit status."""
    parser = argparse.ArgumentParser(prog="release_check.py", description="Everything that must hold before a release.")
    parser.add_argument("names", nargs="*", metavar="CHECK", help=f"{', '.join(CHECKS)} (default: all)")
    parser.add_argument("--tag", help="the tag that is to be released, as in v0.1.0")
    arguments = parser.parse_args(argv)
    unknown = [name for name in arguments.names if name not in CHECKS]
    if unknown:
        parser.error(f"no check '{unknown[0]}': use one of {', '.join(CHECKS)}")
    held = [_holds(name, arguments) for name in arguments.names or CHECKS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
