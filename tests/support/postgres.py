"""A PostgreSQL server of the test's own: made from Debian's packages, on loopback, as a user that is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGES = Path("/usr/lib/postgresql")


def missing() -> str | None:
    """Why no server can be started here, or None where one can."""
    if _binaries() is None:
        return "no PostgreSQL server here: apt-get install postgresql"
    if os.getuid() == 0 and _unprivileged() is None:
        return "PostgreSQL refuses to run as root, and there is no user 'postgres' or 'nobody'"
    return None


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A running server with its data in a new folder; gives the URL of a database on it."""
    binaries = _binaries()
    assert binaries is not None
    user = _unprivileged() if os.getuid() == 0 else None
    home = _home(folder, user)
    port = _free_port()
    drop: Any = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    data = home / "data"
    subprocess.run(
        [str(binaries / "initdb"), *f"-D {data} -U reaper -A trust --no-sync -E UTF8 --locale=C".split()],
        check=True,
        capture_output=True,
        cwd=home,
        **drop,
    )
    log = (folder / "postgres.log").open("wb")
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    process = subprocess.Popen(
        [str(binaries / "postgres"), "-D", str(data), "-p", str(port), *options],
        stdout=log,
        stderr=log,
        cwd=home,
        **drop,
    )
    try:
        _wait_until_ready(port, process, folder / "postgres.log")
        yield f"postgresql://reaper@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: open sessions are ended
        process.wait(20)
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def _binaries() -> Path | None:
    found = sorted(PACKAGES.glob("*/bin/postgres"), key=lambda each: int(each.parts[-3]), reverse=True)
    if found:
        return found[0].parent
    elsewhere = shutil.which("postgres")
    return Path(elsewhere).parent if elsewhere else None


def _unprivileged() -> pwd.struct_passwd | None:
    known = {each.pw_name: each for each in pwd.getpwall()}
    return known.get("postgres") or known.get("nobody")


def _home(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """A folder that the server's user can reach; below root's own temporary folder it could not."""
    if user is None:
        home = folder / "postgres"
        home.mkdir()
        return home
    home = Path(f"/tmp/reap-postgres-{os.getpid()}-{time.monotonic_ns()}")
    home.mkdir(mode=0o700)
    os.chown(home, user.pw_uid, user.pw_gid)
    return home


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < give_up:
        if b"ready to accept connections" in log.read_bytes():
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return
        time.sleep(0.05)
    raise RuntimeError(log.read_text(errors="replace"))
