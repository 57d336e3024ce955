"""A real sshd on loopback with two users of its own, who may use sudo without a password. Needs root."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("sshd", "ssh", "ssh-keygen", "sudo", "useradd", "userdel", "usermod")
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@dataclass(frozen=True)
class Server:
    """The server, and how to get in: ``users`` are the names of its two users."""

    port: int
    users: tuple[str, str]
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """Inventory variables with which Ansible reaches it; they say nothing of the user."""
        options = f"-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i {self.folder}/client"
        return {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": str(self.port),
            "ansible_ssh_common_args": f"'{options}'",
            "ansible_python_interpreter": "/usr/bin/python3",
            # One plain user becomes another: without ACLs this is the one way to hand over the module's file.
            "ansible_shell_allow_world_readable_temp": "true",
        }

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=10s",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "cp"),
        }


def what_is_missing() -> str | None:
    """Why there can be no such server here, or None."""
    if os.geteuid() != 0:
        return "not root: no users can be made"
    absent = [program for program in PROGRAMS if shutil.which(program, path=_PATH) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Run the server. ``folder`` must be short: the path of a control socket has at most 108 characters."""
    names = tuple(f"reap{kind}{os.getpid()}" for kind in "ab")
    rules = Path(f"/etc/sudoers.d/ansible-reap-{os.getpid()}")
    folder.chmod(0o755)
    try:
        for name in names:
            _run("useradd", "--create-home", "--shell", "/bin/sh", name)
            _run("usermod", "--password", "*", name)  # no password, but not locked: sshd refuses those
        rules.write_text("".join(f"{name} ALL=(ALL) NOPASSWD: ALL\n" for name in names))
        rules.chmod(0o440)
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "client"))
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host"))
        with _started(folder) as port:
            yield Server(port, (names[0], names[1]), folder)
    finally:
        rules.unlink(missing_ok=True)
        for name in names:
            subprocess.run([_which("userdel"), "--remove", "--force", name], capture_output=True, check=False)


@contextmanager
def _started(folder: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\n"
        f"HostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/client.pub\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin no\n"
        "MaxStartups 200\nMaxSessions 100\nSubsystem sftp internal-sftp\n"
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd locks itself up; made by its service otherwise
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [_which("sshd"), "-D", "-e", "-f", str(folder / "sshd_config")], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((folder / "log").read_text()) from None
                time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _which(program: str) -> str:
    found = shutil.which(program, path=_PATH)
    if found is None:
        raise FileNotFoundError(program)
    return found


def _run(program: str, *arguments: str) -> None:
    subprocess.run([_which(program), *arguments], check=True, capture_output=True)
