"""Over ssh, as different users and with sudo: a look goes where the job is, the way its launch went."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from scenarios.conftest import Run, Runner
from scenarios.test_collect import Controller
from scenarios.test_first import play
from scenarios.test_wait import WAIT, collection_at, in_matrix, ledgers
from support import environments, sshd

LAUNCHES = {
    "as the remote user": "",
    "as root": "become: true",
    "as root, with flags": "{become: true, become_flags: -H -n}",
    "as another user": "{become: true, become_user: USER_B}",
    "as another remote user": "remote_user: USER_B",
    "on another host": "delegate_to: two",
    "on another host, as root": "{delegate_to: two, become: true}",
    "on the controller": "delegate_to: localhost",
    "in a folder of its own": "vars: {ansible_async_dir: FOLDER/jobs}",
}


newest_first = pytest.mark.parametrize(
    "core",
    [
        pytest.param(core, marks=() if core in environments.side_cores()[-1:] else pytest.mark.slow)
        for core in environments.chosen_cores()
    ],
    indirect=True,
)
"""On each chosen ansible-core, of which all but the newest are slow."""


@pytest.fixture(scope="module")
def server() -> Iterator[sshd.Server]:
    missing = sshd.what_is_missing()
    if missing is not None:
        pytest.skip(f"NOT TESTED OVER SSH: {missing}")
    folder = Path(tempfile.mkdtemp(prefix="reap-"))
    try:
        with sshd.serving(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def inventory(server: sshd.Server) -> list[str]:
    """``one`` and ``two`` are one machine, as two users; for ``one`` the play names the user, not the inventory."""
    variables = {**server.variables, "ansible_async_dir": "~/.ansible_async"}
    shared = " ".join(f"{name}={value}" for name, value in variables.items())
    return [f"one {shared}", f"two {shared} ansible_user={server.users[1]}"]


def launches(server: sshd.Server, command: str = "sleep 0", limit: int = 60) -> list[str]:
    tasks = []
    for name, keywords in LAUNCHES.items():
        settings = keywords.replace("USER_B", server.users[1]).replace("FOLDER", str(server.folder))
        if settings and not settings.startswith("{"):
            key, _, value = settings.partition(": ")
            settings = f"{{{key}: {value}}}"
        tasks.append(
            f"    - {{name: {name!r}, ansible.builtin.command: {command}, async: {limit}, poll: 0"
            + (f", {settings[1:-1]}" if settings else "")
            + "}\n"
        )
    return tasks


@pytest.fixture
def over_ssh(run: Runner, server: sshd.Server, tmp_path: Path) -> Callable[..., Run]:
    """``over_ssh(*tasks)`` launches in every way and runs the tasks after that."""
    (server.folder / "jobs").mkdir(exist_ok=True)
    (server.folder / "jobs").chmod(0o777)

    def run_over_ssh(*tasks: str, options: Mapping[str, str] | None = None) -> Run:
        return run(
            play(*launches(server), *tasks, hosts="one", remote_user=server.users[0]),
            hosts=inventory(server),
            options=options,
            env=environment(server, tmp_path),
        )

    return run_over_ssh


def environment(server: sshd.Server, folder: Path) -> dict[str, str]:
    return {**server.environment, **collection_at(folder), "ANSIBLE_REMOTE_TMP": "~/.ansible/tmp"}


def left_over(server: sshd.Server, jids: set[str]) -> set[str]:
    """The status files of these jobs, wherever they are."""
    folders = [
        server.folder / "jobs",
        *(Path(f"~{user}/.ansible_async").expanduser() for user in (*server.users, "root")),
    ]
    return {str(path) for folder in folders if folder.is_dir() for path in folder.iterdir() if path.name in jids}


def ids(got: Run) -> set[str]:
    return {job["jid"] for job in got.jobs}


@pytest.mark.slow
def test_the_gate_sees_every_job(over_ssh: Callable[..., Run]) -> None:
    got = over_ssh()
    assert got.status == 2
    assert {job["task"]: job["last_seen"] for job in got.jobs} == dict.fromkeys(LAUNCHES, "finished"), got.output


@in_matrix
def test_the_gate_reaps_every_job(over_ssh: Callable[..., Run], server: sshd.Server) -> None:
    got = over_ssh(options={"on_unreaped": "reap"})
    assert got.status == 0, got.output
    assert {job["task"]: job["state"] for job in got.jobs} == dict.fromkeys(LAUNCHES, "reaped")
    assert left_over(server, ids(got)) == set()


@newest_first
def test_stop_ends_every_job(run: Runner, server: sshd.Server, tmp_path: Path) -> None:
    (server.folder / "jobs").mkdir(exist_ok=True)
    (server.folder / "jobs").chmod(0o777)
    command = f"sleep 271.{os.getpid()}"
    stop = "    - {name: Stop, reap.jobs.stop: {tasks: ['*']}}\n"
    bystander = subprocess.Popen(command.split())
    try:
        got = run(
            play(*launches(server, command, 3600), stop, hosts="one", remote_user=server.users[0]),
            hosts=inventory(server),
            env=environment(server, tmp_path),
        )
        left = subprocess.run(["pgrep", "-f", command], capture_output=True, text=True, check=False).stdout.split()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert got.status == 0, got.output
    assert {job["task"]: job["msg"] for job in got.jobs} == dict.fromkeys(LAUNCHES, "Stopped by reap.jobs.stop")
    assert left == [str(bystander.pid)]


@in_matrix
def test_wait_reaps_every_job(over_ssh: Callable[..., Run], server: sshd.Server) -> None:
    got = over_ssh(WAIT)
    assert got.status == 0, got.output
    assert {job["task"]: job["state"] for job in got.jobs} == dict.fromkeys(LAUNCHES, "reaped")
    assert left_over(server, ids(got)) == set()
    assert ledgers(got) == []


@in_matrix
def test_collect_brings_home_every_job(core: str, server: sshd.Server, tmp_path: Path) -> None:
    (server.folder / "jobs").mkdir(exist_ok=True)
    (server.folder / "jobs").chmod(0o777)
    hosts = inventory(server)
    controller = Controller(core, tmp_path, environment=environment(server, tmp_path), hosts=tuple(hosts))
    text = play(
        *launches(server), "    - ansible.builtin.pause: {seconds: 60}\n", hosts="one", remote_user=server.users[0]
    )
    reported = set(controller.run_until(text, len(LAUNCHES), 1, signal.SIGKILL))
    assert len(reported) == len(LAUNCHES)
    assert controller.jobs() == reported
    controller.end()
    got = controller.collect("-e", "wait=true")
    assert got.status == 0, got.output
    assert {job["task"]: job["state"] for job in got.jobs} == dict.fromkeys(LAUNCHES, "reaped")
    assert left_over(server, reported) == set()
    assert controller.ledgers() == []
