"""podman, and a base image for Containerfile: Python's official one where it is here, else this machine's files."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OFFICIAL = "docker.io/library/python:3.13-slim"
IMAGE = "localhost/ansible-reap-test"
LOCAL = "localhost/ansible-reap-test-base"

MODEST = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
"""
"""For a machine that is a container itself: no limit may be raised there, and crun does not take its cgroups."""

_NOT_NEEDED = {"__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo"}


class NotHereError(Exception):
    """No container can be run on this machine; the message says why."""


@dataclass(frozen=True)
class Podman:
    variables: dict[str, str]

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["podman", *arguments],
            env={**os.environ, **self.variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def podman(python: Path, folder: Path) -> tuple[Podman, str]:
    """podman, with the settings that it needs here, and the base image."""
    if shutil.which("podman") is None or not sys.platform.startswith("linux"):
        raise NotHereError("no podman")
    base = os.environ.get("ANSIBLE_REAP_BASE_IMAGE", OFFICIAL)
    if Podman({})("image", "exists", base).returncode:
        base = LOCAL
        import_machine(python, folder / "base.tar")
    settings = folder / "containers.conf"
    settings.write_text(MODEST)
    said = []
    for variables in ({}, {"CONTAINERS_CONF": str(settings)}):
        reply = Podman(variables)("run", "--rm", "--network", "none", base, "python3", "-c", "")
        if reply.returncode == 0:
            return Podman(variables), base
        said.append(reply.stderr.strip())
    raise NotHereError(f"podman runs no container here: {'; '.join(said)}")


def import_machine(python: Path, archive: Path) -> None:
    """Make an image of this machine's sh, git and Python, with what pip needs to reach the index from here."""
    ask = "import json, os, sys; print(json.dumps([os.path.realpath(sys.executable), os.path.dirname(os.__file__)]))"
    reply = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True)
    interpreter, library = map(Path, json.loads(reply.stdout))
    programs = {
        "/bin/sh": Path("/bin/sh"),
        "/usr/bin/git": Path(shutil.which("git") or "/usr/bin/git"),
        str(interpreter): interpreter,
    }
    files = {**programs, **{str(file): file for file in _standard_library(library)}}
    settings = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
    files |= {name: Path(name) for name in (*settings, *map(str, Path("/usr/share/python-wheels").glob("*")))}
    loaded = [file for name, file in files.items() if name in programs or file.suffix == ".so"]
    files |= {name: Path(name) for name in _libraries(loaded)}
    with tarfile.open(archive, "w") as tar:
        for name, file in files.items():
            if file.is_file():
                tar.add(file.resolve(), name)
        link = tarfile.TarInfo("/usr/local/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, str(interpreter)
        tar.addfile(link)
        scratch = tarfile.TarInfo("/tmp")
        scratch.type, scratch.mode = tarfile.DIRTYPE, stat.S_ISVTX | 0o777
        tar.addfile(scratch)
        users = b"root:x:0:0:root:/root:/bin/sh\n"
        entry = tarfile.TarInfo("/etc/passwd")
        entry.size = len(users)
        tar.addfile(entry, io.BytesIO(users))
    change = ("--change", "ENV PATH=/usr/local/bin:/usr/bin:/bin")
    imported = Podman({})("import", *change, str(archive), LOCAL)
    archive.unlink()
    if imported.returncode:
        raise NotHereError(imported.stderr)


def _standard_library(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_NEEDED and not name.startswith("config-")]
        yield from (Path(place, name) for name in names if not name.startswith("_tkinter"))


def _libraries(programs: list[Path]) -> set[str]:
    listed = subprocess.run(["ldd", *map(str, programs)], check=False, capture_output=True, text=True).stdout
    return set(re.findall(r"^\t(?:\S+ => )?(/\S+)", listed, re.MULTILINE))
