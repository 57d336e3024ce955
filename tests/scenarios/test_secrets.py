"""Secrets given in every way, for launches that end in every way: no callback, log or file of ours has a byte of one.

A run takes one of the ways below, three kinds of launches and one stdout callback, all at ``-vvvv``, with every other
callback beside it; the kinds change from run to run, so that each way meets each kind. ``SECRET_ROUNDS`` says how many
times all ways are gone through, 1 by default. ``MORE_CALLBACKS`` names a folder with callback plugins of collections,
``MORE_STDOUT`` those of them that print, ``MORE_OTHERS`` those that write.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from scenarios.conftest import CALLBACKS, Runner
from scenarios.plays import launch, play, reap
from scenarios.test_runner import run_project
from scenarios.test_wait import collection_at
from support import environments
from support.server import Done, Server

ASIDE = Path(__file__).parent
ROUNDS = int(os.environ.get("SECRET_ROUNDS", "1"))
STDOUT = ("default", "minimal", "oneline", *os.environ.get("MORE_STDOUT", "").split())
OTHERS = ("everything", "tree", "junit", *os.environ.get("MORE_OTHERS", "").split())
MARK = "S3CRET"
CONNECTION = {
    "ansible_become_password": f"{MARK}-become",
    "ansible_password": f"{MARK}-password",
    "ansible_ssh_common_args": f'-o ProxyCommand="sshpass -p {MARK}-proxy ssh bastion"',
    "ansible_become_flags": f"-p {MARK}-prompt",
}
VARIABLES = json.dumps(CONNECTION)
VAULT_PASSWORD = "open sesame"
NUMBERS = (7, 42, 365, 4096, 58213, 918273)
"""A secret of one digit stands in every output; those of five and more are looked for."""


@dataclass(frozen=True)
class Way:
    """How secrets come into a run: into the launches themselves, around them, the inventory, the command line."""

    name: str
    task: str = ""
    block: str = ""
    head: tuple[tuple[str, str], ...] = ()
    """Keywords of the play."""
    inventory: str = ""
    args: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


@functools.cache
def vaulted(core: str) -> str:
    """A variables file in which each value is encrypted."""
    values = {**CONNECTION, **{f"number_{number}": str(number) for number in NUMBERS}}
    # Its options come before the texts, and each text takes the name at its own place.
    names = [part for name in values for part in ("-n", name)]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "vault").write_text(VAULT_PASSWORD, encoding="utf-8")
        program = environments.program(f"core-{core}", "ansible-vault")
        command = [str(program), "encrypt_string", "--vault-password-file", "vault", *names, "--", *values.values()]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def ways(core: str) -> Iterator[Way]:
    templates = json.dumps({name: f"{{{{ {name}_ }}}}" for name in CONNECTION})
    yield Way("task", task=VARIABLES)
    yield Way(
        "templates",
        task=templates,
        head=(("vars", json.dumps({f"{name}_": value for name, value in CONNECTION.items()})),),
    )
    yield Way("block", block=VARIABLES)
    yield Way("play", head=(("vars", VARIABLES),))
    yield Way("host", inventory="\n".join(f"{name}='{value}'" for name, value in CONNECTION.items()))
    yield Way("group", files={"group_vars/all.json": VARIABLES})
    prompts = [
        {"name": name, "prompt": "it", "private": True, "default": value.replace('"', "")}
        for name, value in CONNECTION.items()
    ]
    yield Way("prompt", head=(("vars_prompt", json.dumps(prompts)),))
    yield Way("extra vars", args=("-e", VARIABLES))
    yield Way("file of extra vars", args=("-e", "@extra.json"), files={"extra.json": VARIABLES})
    keys = {"become": f"{MARK}-become", "connection": f"{MARK}-password"}
    yield Way(
        "key files",
        args=tuple(part for name in keys for part in (f"--{name}-password-file", f"key-{name}")),
        files={f"key-{name}": value for name, value in keys.items()},
    )
    yield Way(
        "lookup",
        task=json.dumps({"ansible_password": "{{ lookup('file', playbook_dir + '/one') }}"}),
        files={"one": f"{MARK}-looked-up"},
    )
    vault = {"vaulted.yml": vaulted(core), "vault": VAULT_PASSWORD}
    yield Way("vault", head=(("vars_files", "[vaulted.yml]"),), files=vault,
              args=("--vault-password-file", "vault"))  # fmt: skip
    yield Way(
        "vaulted numbers",
        task=json.dumps({"ansible_password": "{{ number_918273 }}", "ansible_become_password": "{{ number_58213 }}"}),
        head=(("vars_files", "[vaulted.yml]"),),
        files=vault,
        args=("--vault-password-file", "vault"),
    )


@dataclass(frozen=True)
class Kind:
    """A way in which launches end, and what becomes of their jobs."""

    tasks: tuple[str, ...]
    states: tuple[str, ...]
    fails: bool = True


def kinds(way: Way) -> dict[str, Kind]:
    def start(name: str, command: str, **more: object) -> str:
        return launch(command, name=name, **{"register": "", **more, **({"vars": way.task} if way.task else {})})  # type: ignore[arg-type]

    option = start("Option", "").replace(
        "ansible.builtin.shell: \n",
        # Ansible's junit callback shows arguments as they stand in the playbook.
        f"ansible.builtin.uri: {{url: 'http://127.0.0.1:9/', url_password: \"{{{{ '{MARK[::-1]}'[::-1] }}}}\"}}\n",
    )
    return {
        "Well": Kind((start("Well", "exit 0"),), ("reaped",), fails=False),
        "Badly": Kind((start("Badly", "exit 3"),), ("failed",)),
        "Hidden": Kind((start("Hidden", f"echo {MARK}-hidden; exit 3", no_log="true"),), ("failed",)),
        "Looped": Kind((start("Looped", "exit {{ item }}", loop="[0, 3]"),), ("failed", "reaped")),
        "Elsewhere": Kind((start("Elsewhere", "exit 3", delegate_to="h2"),), ("failed",)),
        "Swallowed": Kind(
            (
                start("Swallowed", "exit 3", register="swallowed"),
                reap("swallowed", failed_when="false", name="Swallow"),
            ),
            ("failed",),
            fails=False,
        ),
        "Seen": Kind(
            (
                start("Seen", f"echo {MARK}-seen", register="seen", no_log="true"),
                reap("seen", no_log="true", name="See"),
            ),
            ("reaped",),
            fails=False,
        ),
        "Killed": Kind((start("Killed", f"echo {MARK}-killed; sleep 30", limit=1, no_log="true"),), ("timed_out",)),
        "Awaited": Kind(
            (
                start("Awaited", f"echo {MARK}-awaited; exit 3", no_log="true"),
                # With a task that fails ansible-core 2.19 shows the lines before it, as they stand in the playbook.
                "#\n#\n#\n- reap.jobs.wait: {tasks: [Awaited]}\n  ignore_errors: true\n",
            ),
            ("failed",),
            fails=False,
        ),
        "Option": Kind((option,), ("failed",)),
        "Skipped in part": Kind(
            (start("Skipped in part", f"echo {MARK}-{{{{ item }}}}", loop="[0, 1]", when="item == 0", no_log="true"),),
            ("reaped",),
            fails=False,
        ),
    }


A_RUN = 3
"""Kinds of launches in a run."""


def chosen(way: Way, number: int) -> dict[str, Kind]:
    found = kinds(way)
    names = list(found)
    return {
        names[(number * A_RUN + i) % len(names)]: found[names[(number * A_RUN + i) % len(names)]] for i in range(A_RUN)
    }


def playbook(way: Way, these: dict[str, Kind]) -> str:
    tasks = "".join(task for kind in these.values() for task in kind.tasks)
    if way.block:
        tasks = f"- vars: {way.block}\n  block:\n{indent(tasks, '    ')}"
    return play(tasks, hosts="h1", **dict(way.head))


def in_what_is_written(folder: Path, way: Way) -> Iterator[str]:
    """Every file below the folder but those that we were given; the folder of the status files too."""
    inputs = {"site.yml", "hosts", *(Path(name).name for name in way.files)}
    numbers = re.compile(rb"(?<![\w.-])(?:58213|918273)(?![\w.-])")
    for path in folder.rglob("*"):
        if not path.is_file() or path.name in inputs:
            continue
        # At this verbosity Ansible shows its own arguments.
        text = re.sub(rb"(?m)^extra_vars: .*$", b"", path.read_bytes())
        at = text.find(MARK.encode())
        found = numbers.search(text)
        if at < 0 and found is not None:
            at = found.start()
        if at >= 0:
            yield f"{path.relative_to(folder)}: {text[max(at - 100, 0) : at + 20]!r}"


def problems(done: Done, folder: Path, way: Way, these: dict[str, Kind]) -> Iterator[str]:
    expected_status = 2 if any(kind.fails for kind in these.values()) else 0
    if done.status != expected_status:
        yield f"status {done.status}: {done.output[-1500:]}"
    found: dict[str, list[str]] = {}
    for job in (done.report or {}).get("jobs", []):
        found.setdefault(job["task"], []).append(job["state"])
    if {task: tuple(sorted(states)) for task, states in found.items()} != {n: kind.states for n, kind in these.items()}:
        yield f"{found}"
    yield from in_what_is_written(folder, way)


def settings_with(stdout: str, folder: Path) -> dict[str, str]:
    more = os.environ.get("MORE_CALLBACKS")
    folders = (CALLBACKS, ASIDE / "callbacks", *([more] if more else []))
    return {
        "ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join(map(str, folders)),
        "ANSIBLE_CALLBACKS_ENABLED": ",".join(("async_reaper", *OTHERS)),
        "ANSIBLE_STDOUT_CALLBACK": stdout,
        "ANSIBLE_PIPELINING": "1",
        "ASYNC_REAPER_ON_UNREAPED": "reap",
        **collection_at(folder),
    }


def surroundings(folder: Path) -> dict[str, str]:
    """Where a run's callbacks write."""
    return {
        "EVERYTHING_PATH": f"{folder}/everything",
        "ANSIBLE_CALLBACK_TREE_DIR": f"{folder}/tree",
        "JUNIT_OUTPUT_DIR": f"{folder}/junit",
        "ANSIBLE_LOG_FOLDER": f"{folder}/plays",
        "ASYNC_REAPER_JUNIT_PATH": f"{folder}/junit.xml",
        "ASYNC_REAPER_HISTORY": f"{folder}/history.db",
        "ASYNC_REAPER_LEDGER_DIR": f"{folder}/ledger",
        "SYSLOG_SERVER": "127.0.0.1",
    }


def laid_out(folder: Path, way: Way, text: str) -> None:
    hosts = f"h1\nh2\n[all:vars]\nansible_connection=local\nansible_python_interpreter={sys.executable}\n"
    files = {"site.yml": text, "hosts": f"{hosts}ansible_async_dir={folder}/async\n{way.inventory}\n", **way.files}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def gone_through(core: str, stdout: str, folder: Path, only: Sequence[str] = ()) -> tuple[int, list[str]]:
    """How many runs there were, and what was wrong in them."""
    runs, found = 0, []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog,
        Server(core, folder / "server", settings_with(stdout, folder)) as server,
    ):
        syslog.bind(("127.0.0.1", 0))
        for number in range(ROUNDS):
            for index, way in enumerate(ways(core)):
                if only and way.name not in only:
                    continue
                run = folder / f"run{runs}"
                run.mkdir()
                these = chosen(way, index + 5 * number + 3 * STDOUT.index(stdout))
                laid_out(run, way, playbook(way, these))
                more = {**surroundings(run), "SYSLOG_PORT": str(syslog.getsockname()[1])}
                done = server.run(run, ["-i", "hosts", "site.yml", "-vvvv", *way.args], more)
                (run / "syslog").write_bytes(_received(syslog))
                runs += 1
                about = f"{way.name}, {', '.join(these)}"
                found += [f"{about}: {problem}" for problem in problems(done, run, way, these)]
                shutil.rmtree(run)
    # Ansible's own folder, with the modules of jobs, which a job's wrapper removes some seconds after its end.
    for _ in range(30):
        if not list((folder / "server").rglob("AnsiballZ_*")):
            break
        time.sleep(1)
    found += [f"in the end: {problem}" for problem in in_what_is_written(folder / "server", Way("server"))]
    print(f"{runs} runs on ansible-core {core} with {stdout}, {len(found)} problems")
    return runs, found


def _received(syslog: socket.socket) -> bytes:
    syslog.setblocking(False)
    text = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            text += syslog.recv(1 << 16)
    return text


@pytest.mark.parametrize("core", environments.side_cores())
def test_no_secret_of_a_task_or_a_vault_leaves_through_us(core: str, tmp_path: Path) -> None:
    runs, found = gone_through(core, "default", tmp_path, only=("task", "block", "vaulted numbers"))
    assert runs == 3 * ROUNDS
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("stdout", STDOUT)
@pytest.mark.parametrize("core", environments.chosen_cores())
def test_no_secret_leaves_through_us(core: str, stdout: str, tmp_path: Path) -> None:
    runs, found = gone_through(core, stdout, tmp_path)
    assert runs >= 13 * ROUNDS
    assert found == []


KILLED = f"""\
- hosts: h1
  tasks:
    - name: Hidden
      ansible.builtin.shell: echo {MARK}-hidden; exit 3
      async: 60
      poll: 0
      no_log: true
      vars: {VARIABLES}
    - ansible.builtin.shell: kill -9 {{{{ lookup('ansible.builtin.pipe', 'ps -o ppid= -p $PPID') }}}}
"""


@pytest.mark.slow
@pytest.mark.parametrize("core", environments.chosen_cores())
def test_no_secret_leaves_through_collect(core: str, tmp_path: Path) -> None:
    way = Way("collect")
    run = tmp_path / "run"
    run.mkdir()
    laid_out(run, way, KILLED)
    with Server(core, tmp_path / "server", settings_with("default", tmp_path)) as server:
        killed = server.run(run, ["-i", "hosts", "site.yml", "-vvvv"], surroundings(run))
        assert killed.status == -9, killed.output
        assert list((run / "ledger").iterdir())
        found = server.run(run, ["-i", "hosts", "reap.jobs.collect", "-e", "wait=true", "-vvvv"], surroundings(run))
    assert found.status == 2, found.output
    assert [job["state"] for job in (found.report or {})["jobs"]] == ["failed"], found.output
    assert list(in_what_is_written(run, way)) == []


@pytest.mark.slow
@pytest.mark.skipif(environments.environment("runner") is None, reason="there is no environment with ansible-runner")
@pytest.mark.parametrize("number", range(4))
def test_no_secret_is_in_the_events_of_ansible_runner(tmp_path: Path, number: int) -> None:
    way = Way("task", task=VARIABLES)
    these = chosen(way, number)
    got = run_project(tmp_path, playbook(way, these), on_unreaped="reap", report_path=f"{tmp_path}/report.json")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert {job["task"] for job in report["jobs"]} == set(these), got.stdout
    written: list[Any] = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    assert written
    assert [path for path in written if MARK.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("core", environments.side_cores(), indirect=True)
def test_what_no_log_hides_is_gone_from_the_host_once_it_is_known(run: Runner) -> None:
    hidden = [
        launch(f"echo {MARK}; exit {status}", name=f"Exit {status}", register="", no_log="true") for status in (0, 3)
    ]
    seen = [launch(f"echo {MARK}", name="Seen", no_log="true"), reap(no_log="true")]
    got = run(play(*hidden, *seen, launch("echo open", name="Open", register="")), options={"on_unreaped": "reap"})
    assert got.status == 2, got.output
    assert got.stdout.count("async_reaper : Remove the status files of jobs that have ended") == 1
    assert [path.name for path in (got.folder / "async").iterdir()] == []
    told = run(play(*seen), options={"recap": "always"})
    assert told.status == 0, told.output
    assert told.stdout.count("async_reaper : Remove the status files of no_log jobs") == 1
    assert list((told.folder / "async").iterdir()) == []


@pytest.mark.parametrize("core", environments.side_cores(), indirect=True)
def test_status_files_of_hidden_jobs_stay_where_the_option_says_so(run: Runner) -> None:
    seen = [launch(f"echo {MARK}", name="Seen", no_log="true"), reap(no_log="true")]
    got = run(play(*seen), options={"clean_secrets": "false"})
    assert got.status == 0, got.output
    (left,) = (got.folder / "async").iterdir()
    assert MARK in left.read_text()
    assert "async_reaper" not in got.stdout + got.stderr


@pytest.mark.parametrize("core", environments.side_cores(), indirect=True)
def test_a_host_that_never_came_to_the_gate_is_told_of(run: Runner) -> None:
    seen = [launch(f"echo {MARK}", name="Seen", no_log="true"), reap(no_log="true")]
    got = run(play(*seen, '- ansible.builtin.command: "false"\n'))
    assert got.status == 2, got.output
    said = " ".join(got.stderr.split())
    assert "what no_log hides is still in clear in the status files of 1 ended job, as of 'Seen' on h1" in said


@pytest.mark.parametrize("core", environments.side_cores(), indirect=True)
def test_what_a_hidden_job_has_said_is_not_among_what_ansible_tells_of_itself(run: Runner) -> None:
    hidden = launch(f"echo {MARK[::-1]} | rev", name="Hidden", register="", no_log="true")
    env = {"ANSIBLE_DEBUG": "1"}
    got = run(play(hidden), options={"on_unreaped": "reap"}, env=env)
    assert [job["state"] for job in got.jobs] == ["reaped"], got.output
    assert "_low_level_execute_command() done" in got.stdout
    assert MARK not in got.stdout + got.stderr
