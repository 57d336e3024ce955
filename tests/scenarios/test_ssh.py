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
from scenarios.test_ad_hoc import ad_hoc
from scenarios.test_collect import JOB_ID, Controller
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


@pytest.mark.parametrize("after", ["", "    - {reap.jobs.wait: , no_log: true}\n", "collect"])
def test_at_no_verbosity_is_printed_what_a_job_under_no_log_has_said(
    run: Runner, server: sshd.Server, tmp_path: Path, after: str
) -> None:
    """From ``-vvv`` on a connection prints each answer that is not under ``no_log``."""
    secret = server.folder / "secret"
    secret.write_text("S3CRET")
    secret.chmod(0o644)
    hidden = "false" if "no_log" in after else "true"
    task = f"    - {{ansible.builtin.command: cat {secret}, async: 60, poll: 0, no_log: {hidden}}}\n"
    settings = {"hosts": inventory(server), "env": environment(server, tmp_path)}
    options = {"on_unreaped": "report", "look": str(after != "collect")}
    text = play(task, after if "no_log" in after else "", hosts="one", remote_user=server.users[0])
    got = [run(text, options=options, args=["-vvvv"], **settings)]
    if after == "collect":
        got.append(
            run("- ansible.builtin.import_playbook: reap.jobs.collect\n", args=["-vvvv", "-l", "one"], **settings)
        )
    assert [one.status for one in got] == [0] * len(got), got[-1].output
    assert got[-1].only_job()["state"] == ("unreaped" if after == "" else "reaped")
    assert "S3CRET" not in got[0].output + got[-1].output


def killed_controller(core: str, server: sshd.Server, folder: Path, tasks: list[str]) -> Controller:
    """A controller whose run was killed after these tasks had launched all their jobs."""
    (server.folder / "jobs").mkdir(exist_ok=True)
    (server.folder / "jobs").chmod(0o777)
    controller = Controller(core, folder, environment=environment(server, folder), hosts=tuple(inventory(server)))
    pause = "    - ansible.builtin.pause: {seconds: 60}\n"
    text = play(*tasks, pause, hosts="one", remote_user=server.users[0])
    reported = set(controller.run_until(text, len(tasks), 1, signal.SIGKILL))
    assert len(reported) == len(tasks)
    assert controller.jobs() == reported
    return controller


def processes_of(command: str) -> list[int]:
    """The processes with the command on their command line."""
    found = subprocess.run(["pgrep", "-f", command], capture_output=True, text=True, check=False).stdout
    return [int(pid) for pid in found.split()]


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
@pytest.mark.slow
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
        left = processes_of(command)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert got.status == 0, got.output
    assert {job["task"]: job["msg"] for job in got.jobs} == dict.fromkeys(LAUNCHES, "Stopped by reap.jobs.stop")
    assert left == [bystander.pid]


@pytest.mark.slow
@newest_first
def test_collect_stops_every_job(core: str, server: sshd.Server, tmp_path: Path) -> None:
    command = f"sleep 272.{os.getpid()}"
    # What has started on the controller itself has been killed with the run's workers.
    remote = [task for task in launches(server, command, 3600) if "on the controller" not in task]
    controller = killed_controller(core, server, tmp_path, remote)
    assert len(processes_of(command)) >= len(remote)
    bystander = subprocess.Popen(command.split())
    try:
        got = controller.collect("-e", "stop=true")
        left = processes_of(command)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert got.status == 0, got.output
    assert left == [bystander.pid]
    assert controller.jobs() == set()
    assert controller.ledgers() == []


@newest_first
def test_sweep_removes_what_is_old_in_the_folder_of_the_user_that_it_is(
    run: Runner, server: sshd.Server, tmp_path: Path
) -> None:
    """As the user who logs in, then as root. What is less than ten years old here may be somebody's."""
    files = {}
    for name in (server.users[0], "root"):
        folder = Path(f"~{name}/.ansible_async").expanduser()
        folder.mkdir(mode=0o700, exist_ok=True)
        files[name] = folder / f"j{os.getpid()}.1"
        files[name].write_text('{"rc": 0}')
        os.utime(files[name], (0, 0))
        for path in (folder, files[name]):
            shutil.chown(path, name)
    kept = []
    try:
        for become in ("false", "true"):
            task = f"    - {{name: Sweep, reap.jobs.sweep: {{days: 3650, remove: true}}, become: {become}}}\n"
            got = run(
                play(task, hosts="one", remote_user=server.users[0]),
                hosts=inventory(server),
                env=environment(server, tmp_path),
            )
            assert got.status == 0, got.output
            kept.append({name for name, path in files.items() if path.exists()})
    finally:
        for path in files.values():
            path.unlink(missing_ok=True)
    assert kept == [{"root"}, set()]


@pytest.mark.slow
@newest_first
def test_the_twin_of_every_job_is_found(run: Runner, server: sshd.Server, tmp_path: Path) -> None:
    """Each launch is made again as it was: its earlier job is found with that launch's own user and ``become``."""
    (server.folder / "jobs").mkdir(exist_ok=True)
    (server.folder / "jobs").chmod(0o777)
    command = f"sleep 273.{os.getpid()}"
    settings = {"hosts": inventory(server), "env": environment(server, tmp_path)}
    again = play(*launches(server, command, 3600), hosts="one", remote_user=server.users[0], ignore_errors="true")
    try:
        first = run(again, options={"on_unreaped": "report"}, **settings)
        assert first.status == 0, first.output
        assert len(first.jobs) == len(LAUNCHES)
        second = run(again, options={"on_unreaped": "report", "on_running_twin": "fail"}, **settings)
        assert second.status == 0, second.output
        said = " ".join(second.stdout.split())
        for job in first.jobs:
            assert f"'{job['task']}' at site.yml:{job['line']}: job {job['jid']} of the run" in said, job
        assert said.count('"msg": "Not started, for an earlier run has started it here') == len(LAUNCHES)
        assert "may still be running" not in said
        assert second.report is None or second.jobs == []
    finally:
        stop = "    - {name: Stop, reap.jobs.stop: {tasks: ['*']}}\n"
        stopped = run(play(stop, hosts="one", remote_user=server.users[0]), **settings)
    assert stopped.status == 0, stopped.output
    assert processes_of(command) == []


@pytest.mark.slow
@newest_first
def test_jobs_of_ad_hoc_commands_come_home(core: str, server: sshd.Server, tmp_path: Path) -> None:
    controller = Controller(core, tmp_path, environment=environment(server, tmp_path), hosts=tuple(inventory(server)))
    launch = ("-B", "600", "-P", "0", "-m", "command", "-a", "sleep 1")
    user, other = server.users
    ways = [("-u", user), ("-u", user, "-b"), ("-u", user, "-b", "--become-user", other), ("-u", other)]
    started = set()
    for way in ways:
        done = ad_hoc(controller, *launch, *way)
        assert done.returncode == 0, done.stdout + done.stderr
        started |= set(JOB_ID.findall(done.stdout))
    assert len(started) == 2 * len(ways)  # on the hosts one and two
    assert controller.jobs() == started
    got = controller.collect("-e", "wait=true")
    assert got.status == 0, got.output
    assert {job["jid"]: job["state"] for job in got.jobs} == dict.fromkeys(started, "reaped")
    assert left_over(server, started) == set()
    assert controller.ledgers() == []


@pytest.mark.slow
@in_matrix
def test_wait_reaps_every_job(over_ssh: Callable[..., Run], server: sshd.Server) -> None:
    got = over_ssh(WAIT)
    assert got.status == 0, got.output
    assert {job["task"]: job["state"] for job in got.jobs} == dict.fromkeys(LAUNCHES, "reaped")
    assert left_over(server, ids(got)) == set()
    assert ledgers(got) == []


@in_matrix
@pytest.mark.slow
def test_collect_brings_home_every_job(core: str, server: sshd.Server, tmp_path: Path) -> None:
    controller = killed_controller(core, server, tmp_path, launches(server))
    reported = controller.jobs()
    controller.end()
    got = controller.collect("-e", "wait=true")
    assert got.status == 0, got.output
    assert {job["task"]: job["state"] for job in got.jobs} == dict.fromkeys(LAUNCHES, "reaped")
    assert left_over(server, reported) == set()
    assert controller.ledgers() == []
