"""A launch whose job an earlier run has started on the same host, where it still runs: ``on_running_twin``."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.test_collect import Controller
from scenarios.test_wait import in_matrix

LONG = """\
- hosts: all
  tasks:
    - name: Start the long one
      ansible.builtin.command: sleep {seconds}
      async: 600
      poll: 0
{more}"""


class Runs(Controller):
    """Runs one after another, each of which leaves its jobs behind."""

    def start(self, playbook: str, *args: str, **options: str) -> tuple[int, str]:
        """The exit status, and what was printed as one line."""
        (self.folder / "site.yml").write_text(playbook)
        done = subprocess.run(
            self._command("site.yml", *args),
            cwd=self.folder,
            env={**self.environment, **{f"ASYNC_REAPER_{name.upper()}": value for name, value in options.items()}},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def starts(self) -> int:
        """How many jobs were ever started."""
        return len(list(self.folder.glob("async*/j*")))


@pytest.fixture
def runs(core: str, tmp_path: Path) -> Iterator[Runs]:
    made = Runs(core, tmp_path, hosts=("h1",), environment={"ASYNC_REAPER_ON_UNREAPED": "report"})
    yield made
    made.end()


@pytest.mark.slow
def test_a_running_twin_is_reported_or_fails_its_host_or_is_ignored(runs: Runs) -> None:
    status, said = runs.start(LONG.format(seconds=300, more=""))
    assert (status, runs.starts()) == (0, 1), said
    assert "twice" not in said

    status, said = runs.start(LONG.format(seconds=300, more=""))
    assert (status, runs.starts()) == (0, 2), said
    assert "[h1] started twice: 'Start the long one' at site.yml:3: job j" in said
    assert "with a limit of 10 min, is still running" in said

    (runs.ledgers()[0].parent / "broken.ledger").write_text("?")
    status, said = runs.start(LONG.format(seconds=300, more=""))
    assert (status, runs.starts()) == (0, 3), said
    assert re.search(r"async_reaper: \S[^(]*: cannot be read as a ledger \(.*?\); skipped\.", said), said

    status, said = runs.start(LONG.format(seconds=300, more=""), on_running_twin="ignore")
    assert (status, runs.starts()) == (0, 4), said
    assert "twice" not in said

    before = len(runs.ledgers())
    rescued = """\
- hosts: all
  tasks:
    - block:
        - name: Start the long one
          ansible.builtin.command: sleep 300
          async: 600
          poll: 0
      rescue:
        - ansible.builtin.debug: {msg: "{{ ansible_failed_result.msg }}"}
"""
    status, said = runs.start(rescued, on_running_twin="fail")
    assert (status, runs.starts()) == (0, 4), said
    assert said.count("Not started, for an earlier run has started it here: 'Start the long one'") >= 1
    assert len(runs.ledgers()) == before, "a run that has started nothing leaves no ledger"
    status, said = runs.start(LONG.format(seconds=300, more=""), on_running_twin="fail")
    assert (status, runs.starts()) == (2, 4), said


def test_what_a_condition_skips_has_no_twin(runs: Runs) -> None:
    runs.start(LONG.format(seconds=300, more=""))
    for reaction in ("report", "fail"):
        status, said = runs.start(LONG.format(seconds=300, more="      when: false\n"), on_running_twin=reaction)
        assert (status, runs.starts()) == (0, 1), said
        assert "twice" not in said


def test_a_launch_waits_for_its_twin(runs: Runs) -> None:
    go = runs.folder / "go"
    launch = LONG.format(seconds=0, more="").replace("sleep 0", f"sh -c 'until test -e {go}; do sleep 0.2; done'")
    assert runs.start(launch)[0] == 0
    output = runs.folder / "output"
    with output.open("wb") as stream:
        waiting = subprocess.Popen(
            runs._command("site.yml"),
            cwd=runs.folder,
            env={**runs.environment, "ASYNC_REAPER_ON_RUNNING_TWIN": "wait", "PYTHONUNBUFFERED": "1"},
            stdout=stream,
        )
    try:
        deadline = time.monotonic() + 200
        while "[h1] waits for an earlier run's job: 'Start the long one'" not in output.read_text():
            assert time.monotonic() < deadline, output.read_text()
            assert waiting.poll() is None, output.read_text()
            time.sleep(0.1)
        assert runs.starts() == 1
        go.touch()
        assert waiting.wait(200) == 0, output.read_text()
    finally:
        waiting.kill()
        waiting.wait()
    assert runs.starts() == 2


@pytest.mark.slow
def test_what_has_ended_is_gone_or_is_another_launch_is_no_twin(runs: Runs, tmp_path: Path) -> None:
    """The ledgers have all of these jobs open, and none of them is the launch's own, at work."""
    short = LONG.format(seconds=0, more="    - ansible.builtin.pause: {seconds: 1}\n")
    assert runs.start(short)[0] == 0  # it has ended
    two = LONG.format(
        seconds=300,
        more="""\
    - name: Start another
      ansible.builtin.command: sleep 300
      async: 600
      poll: 0
""",
    )
    assert runs.start(two)[0] == 0
    status, said = runs.start(short, on_running_twin="report")
    assert said.count("started twice") == 1, said  # the one at work, and not the ended one
    # Another project of the same name, task and host.
    other = tmp_path / "else" / tmp_path.name
    other.mkdir(parents=True)
    elsewhere = Runs(
        runs.core, other, hosts=("h1",), environment={"XDG_STATE_HOME": runs.environment["XDG_STATE_HOME"]}
    )
    try:
        status, said = elsewhere.start(LONG.format(seconds=300, more=""), on_running_twin="fail", on_unreaped="report")
        assert status == 0, said
        # Of a loop, only the same item is.
        loop = "      loop: [{}]\n"
        item = LONG.replace("sleep {seconds}", "sleep 300").replace("long one", "looped one")
        assert elsewhere.start(item.format(more=loop.format("a")), on_unreaped="report")[0] == 0
        status, said = elsewhere.start(item.format(more=loop.format("b, a")), on_unreaped="report")
        assert said.count("started twice") == 1, said
    finally:
        elsewhere.end()


@pytest.mark.slow
@pytest.mark.parametrize("many", [4, 20])
@in_matrix
def test_of_many_runs_at_once_none_sees_a_twin_that_is_none(core: str, tmp_path: Path, many: int) -> None:
    """They share the folder of ledgers, the hosts' names and the tasks' names; and each launches one task twice."""
    made = []
    for number in range(many):
        folder = tmp_path / f"run{number}" / "project"
        folder.mkdir(parents=True)
        shared = {
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "ASYNC_REAPER_ON_RUNNING_TWIN": "fail",
            "ANSIBLE_PIPELINING": "true",  # half the processes
        }
        made.append(Runs(core, folder, hosts=("h1", "h2"), environment=shared))
        (folder / "site.yml").write_text(
            LONG.format(seconds=1, more="      loop: [a, b]\n")
            + """\
    - reap.jobs.wait:
"""
            + LONG.format(seconds=1, more="    - reap.jobs.wait:\n")
        )
    started = [
        subprocess.Popen(
            run._command("site.yml"), cwd=run.folder, env=run.environment, stdout=subprocess.PIPE, text=True
        )
        for run in made
    ]
    try:
        for process in started:
            output, _ = process.communicate(timeout=800)
            assert process.returncode == 0, output
            assert "Not started" not in output
    finally:
        for process in started:
            process.kill()
            process.wait()
        for run in made:
            run.end()
    assert sum(run.starts() for run in made) == 0, "all were reaped"
