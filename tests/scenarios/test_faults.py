"""Errors of our own, put in at every function that a run comes by: none lets a run end green, none breaks a play.

The functions are found by reading the runtime and the callback, and by a run without any fault that tells which of
them are called. Each is then made to raise once, and to raise always. ``FAULT_POINTS`` says how many of them are tried
in the slow tests, spread over all rooms; 0 is all of them, some 300.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.conftest import CALLBACKS
from scenarios.plays import launch, play, reap, say
from support import environments
from support.playbook_server import CALLBACK
from support.server import Done, Server

PACKAGE = environments.ROOT / "src" / "ansible_reap"
HOSTS = f"h1\nh2\n[all:vars]\nansible_connection=local\nansible_python_interpreter={sys.executable}\n"
UNANSWERED = play(
    launch("exit 3", name="Nobody waits", register="", when="inventory_hostname == 'h1'"),
    launch("exit 3", name="Hidden", register="", no_log="true", when="inventory_hostname == 'h1'"),
    launch("exit 0", name="Reaped", register="jobs", loop="[1]", when="inventory_hostname == 'h2'"),
    reap("jobs", jid="jobs.results[0].ansible_job_id", when="inventory_hostname == 'h2'"),
    say("has run all tasks"),
)
SETTINGS = {
    "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
    "ANSIBLE_CALLBACKS_ENABLED": CALLBACK,
    "ANSIBLE_LOCALHOST_WARNING": "0",
    "ANSIBLE_PIPELINING": "1",
}
MOST = int(os.environ.get("FAULT_POINTS", "70"))
FEW = 6
CANNOT = {(CALLBACK, "CallbackModule.__init__")}
"""Ansible does without a plugin that cannot be made, before we have any say."""


def points() -> Iterator[tuple[str, str, int]]:
    """Module, name and first line of every function and method of the runtime and the callback."""
    # What the gate's action raises fails its task, as Ansible would have it.
    files = [path for path in sorted((PACKAGE / "runtime").rglob("*.py")) if path.parent.name != "action_plugins"]
    for file in [CALLBACKS / f"{CALLBACK}.py", *files]:
        is_ours = file.is_relative_to(PACKAGE)
        module = ".".join(("ansible_reap", *file.relative_to(PACKAGE).with_suffix("").parts)) if is_ours else CALLBACK
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                yield module, node.name, _first_line(node)
            elif isinstance(node, ast.ClassDef) and not any("Protocol" in ast.unparse(base) for base in node.bases):
                for member in node.body:
                    if isinstance(member, ast.FunctionDef) and (module, f"{node.name}.{member.name}") not in CANNOT:
                        yield module, f"{node.name}.{member.name}", _first_line(member)


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def called(server: Server, folder: Path) -> list[tuple[str, str]]:
    """The functions that the run comes by without any fault."""
    trace = folder / "trace"
    done = server.run(folder, ["-i", "hosts", "site.yml"], trace=trace)
    assert done.status == 2, done.output
    met = set(trace.read_text(encoding="utf-8").split())
    return [(module, name) for module, name, line in points() if f"{module}:{line}" in met]


def problems(done: Done, *, first_only: bool) -> list[str]:
    """What must not be. Where the one event that the error hits is of h2, a job is lost there, and the run says so."""
    said = done.output
    h2_may_fail = not first_only or ": lost: " in said
    return [
        *(["ended with status 0"] if done.status == 0 else []),
        *([f"ended with status {done.status}"] if done.status not in (0, 2) else []),
        *(["a traceback"] if "Traceback" in said else []),
        *(f"{host} has not run all tasks" for host in ("h1", "h2") if f"{host} has run all tasks" not in said),
        *(["h2 failed"] if not h2_may_fail and "fatal: [h2]" in said else []),
    ]


def tried(core: str, folder: Path, most: int, *, first_only: bool) -> tuple[int, list[str]]:
    """How many functions have raised, and what came of it that must not."""
    (folder / "site.yml").write_text(UNANSWERED, encoding="utf-8")
    (folder / "hosts").write_text(HOSTS, encoding="utf-8")
    mark = folder / "called"
    found: list[str] = []
    met = 0
    with Server(core, folder / "server", SETTINGS) as server:
        everywhere = called(server, folder)
        step = max(len(everywhere) // most, 1) if most else 1
        for module, name in everywhere[step - 1 :: step]:
            mark.unlink(missing_ok=True)
            fault = {"module": module, "name": name, "mark": str(mark), "first_only": first_only}
            done = server.run(folder, ["-i", "hosts", "site.yml"], faults=[fault])
            if not mark.exists():
                continue  # a look came by there in the run without faults, but not now
            met += 1
            wrong = problems(done, first_only=first_only)
            if wrong:
                found.append(f"{module}.{name}: {', '.join(wrong)}")
    print(f"ansible-core {core}: {met} functions have raised, {len(found)} problems")
    return met, found


@pytest.mark.parametrize("core", environments.side_cores())
@pytest.mark.parametrize("first_only", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["once", "always"])
def test_an_error_of_ours_neither_lets_a_run_end_green_nor_breaks_it(
    core: str, tmp_path: Path, first_only: bool
) -> None:
    met, found = tried(core, tmp_path, FEW, first_only=first_only)
    assert met >= FEW
    assert found == []


@pytest.mark.parametrize("core", environments.chosen_cores())
def test_a_job_whose_wait_could_not_be_read_is_lost_and_says_why(core: str, tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(UNANSWERED, encoding="utf-8")
    (tmp_path / "hosts").write_text(HOSTS, encoding="utf-8")
    module = "ansible_reap.runtime.events.sightings"
    fault = {"module": module, "name": "sighting_of", "mark": str(tmp_path / "called"), "first_only": True}
    with Server(core, tmp_path / "server", SETTINGS) as server:
        done = server.run(tmp_path, ["-i", "hosts", "site.yml"], faults=[fault])
    assert (tmp_path / "called").exists()
    assert problems(done, first_only=True) == []
    assert done.report is not None
    (job,) = (job for job in done.report["jobs"] if job["host"] == "h2")
    assert job["state"] == "lost", done.output
    assert "an error of async_reaper" in job["msg"]


@pytest.mark.slow
@pytest.mark.parametrize("core", environments.side_cores())
@pytest.mark.parametrize("first_only", [True, False], ids=["once", "always"])
def test_no_error_of_ours_lets_a_run_end_green(core: str, tmp_path: Path, first_only: bool) -> None:
    met, found = tried(core, tmp_path, MOST, first_only=first_only)
    assert met >= 60
    assert found == []
