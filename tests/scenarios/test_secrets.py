"""Secrets given in every way, for launches that end in every way: no callback, log or file of ours has a byte of one.

``SECRET_ROUNDS`` says how many of the ways below are tried with each stdout callback; all of them by default.
``MORE_CALLBACKS`` names a folder with callback plugins of collections, and ``MORE_STDOUT`` those that print.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scenarios.conftest import CALLBACKS
from scenarios.plays import launch, play, reap
from scenarios.test_wait import collection_at
from support import environments
from support.server import Done, Server

ASIDE = Path(__file__).parent
ROUNDS = int(os.environ.get("SECRET_ROUNDS", "0"))
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


@dataclass(frozen=True)
class Way:
    """How secrets come into a run: into the launches themselves, their play, the inventory, the command line."""

    name: str
    task: str = ""
    play: str = ""
    inventory: str = ""
    args: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def ways(folder: Path) -> Iterator[Way]:
    yield Way("task", task=VARIABLES)
    yield Way("templates", task=json.dumps({name: f"{{{{ {name}_ }}}}" for name in CONNECTION}), play=json.dumps(
        {f"{name}_": value for name, value in CONNECTION.items()}))  # fmt: skip
    yield Way("play", play=VARIABLES)
    yield Way("inventory", inventory="\n".join(f"{name}='{value}'" for name, value in CONNECTION.items()))
    yield Way("extra vars", args=("-e", VARIABLES))
    yield Way("file", args=("-e", f"@{folder}/extra.json"), files={"extra.json": VARIABLES})
    keys = {"become": f"{MARK}-become", "connection": f"{MARK}-password"}
    yield Way(
        "key files",
        args=tuple(part for name in keys for part in (f"--{name}-password-file", f"{folder}/{name}")),
        files=keys,
    )
    yield Way("lookup", task=json.dumps({"ansible_password": f"{{{{ lookup('file', '{folder}/one') }}}}"}),
              files={"one": f"{MARK}-looked-up"})  # fmt: skip


def playbook(way: Way) -> str:
    def start(name: str, command: str, **more: object) -> str:
        return launch(command, name=name, **{"register": "", **more, **({"vars": way.task} if way.task else {})})  # type: ignore[arg-type]

    tasks = [
        start("Well", "sleep 0"),
        start("Badly", "exit 3"),
        start("Hidden", f"echo {MARK}-hidden; exit 3", no_log="true"),
        start("Looped", "exit {{ item }}", loop="[0, 3]", register="looped"),
        start("Elsewhere", "exit 3", delegate_to="h2"),
        start("Swallowed", "exit 3", register="swallowed"),
        reap("swallowed", failed_when="false", name="Swallow"),
        reap("looped", jid="looped.results[0].ansible_job_id"),
        "- reap.jobs.wait: {tasks: [Well, Elsewhere]}\n  ignore_errors: true\n",
    ]
    return play(*tasks, hosts="h1", **({"vars": way.play} if way.play else {}))


EXPECTED = {
    "Well": ["reaped"],
    "Badly": ["failed"],
    "Hidden": ["failed"],
    "Looped": ["failed", "reaped"],
    "Elsewhere": ["failed"],
    "Swallowed": ["failed"],
}


def problems(done: Done, folder: Path, way: Way) -> Iterator[str]:
    if done.status != 2:
        yield f"status {done.status}"
    found: dict[str, list[str]] = {}
    for job in (done.report or {}).get("jobs", []):
        found.setdefault(job["task"], []).append(job["state"])
    if {task: sorted(states) for task, states in found.items()} != EXPECTED:
        yield f"{found}"
    inputs = {"site.yml", "hosts", *way.files}
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in inputs and "async" not in path.parts and b"S3CRET" in path.read_bytes():
            at = path.read_bytes().find(b"S3CRET")
            yield f"{path.relative_to(folder)}: {path.read_bytes()[max(at - 100, 0) : at + 20]!r}"


@pytest.mark.slow
@pytest.mark.parametrize("stdout", STDOUT)
@pytest.mark.parametrize("core", environments.chosen_cores())
def test_no_secret_leaves_through_us(core: str, stdout: str, tmp_path: Path) -> None:
    more = os.environ.get("MORE_CALLBACKS")
    settings = {
        "ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join(
            map(str, (CALLBACKS, ASIDE / "callbacks", *([more] if more else [])))
        ),
        "ANSIBLE_CALLBACKS_ENABLED": ",".join(("async_reaper", *OTHERS)),
        "ANSIBLE_STDOUT_CALLBACK": stdout,
        **collection_at(tmp_path),
    }
    runs, found = 0, []
    with Server(core, tmp_path / "server", settings) as server:
        for way in list(ways(tmp_path))[: ROUNDS or None]:
            folder = tmp_path / f"run{runs}"
            folder.mkdir()
            hosts = f"h1\nh2\n[all:vars]\nansible_connection=local\nansible_python_interpreter={sys.executable}\n"
            files = {
                "site.yml": playbook(way),
                "hosts": f"{hosts}ansible_async_dir={tmp_path}/async\n{way.inventory}\n",
            }
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
            for name, text in way.files.items():
                (tmp_path / name).write_text(text, encoding="utf-8")
            env = {
                "EVERYTHING_PATH": f"{folder}/everything",
                "ANSIBLE_CALLBACK_TREE_DIR": f"{folder}/tree",
                "JUNIT_OUTPUT_DIR": f"{folder}/junit",
                "ANSIBLE_LOG_FOLDER": f"{folder}/plays",
                "ASYNC_REAPER_JUNIT_PATH": f"{folder}/junit.xml",
                "ASYNC_REAPER_HISTORY": f"{folder}/history.db",
                "ASYNC_REAPER_LEDGER_DIR": f"{folder}/ledger",
            }
            done = server.run(folder, ["-i", "hosts", "site.yml", "-vvvv", *way.args], env)
            runs += 1
            found += [f"{way.name}: {problem}" for problem in problems(done, folder, way)]
    print(f"{runs} runs on ansible-core {core} with {stdout}, {len(found)} problems")
    assert found == []
