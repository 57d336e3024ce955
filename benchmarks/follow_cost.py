"""What ``jobs --follow`` costs while a run of 200 jobs on 20 hosts goes on, and whether it is right at every moment.

    PYTHONPATH=src .envs/dev/bin/python benchmarks/follow_cost.py [--core 2.22] [--hosts 20] [--tasks 10]

A real run of ansible-playbook launches a job of each task on each of some local hosts; one in ten fails. Two followers
watch it: one on a terminal of 80 columns, one with JSON into a pipe. Each frame of the table and each line of JSON is
held against the status files, which are read four times a second; what has changed within the last seconds may be told
either way. Prints the processor time of each follower in thousandths of a core; ends with status 1 where that is over
20, a line is wider than the terminal, or anything that they said was not so.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from measure import environment, result

from ansible_reap.history.database import parse_address
from ansible_reap.history.identity import Identity
from ansible_reap.history.observation import Ending, Observation
from ansible_reap.history.store import Store

ROOT = Path(__file__).resolve().parents[1]
ENVS = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
COLUMNS = 80
BOUND = 20
"""Thousandths of a core."""
LATE = 3.0
"""Seconds by which what is told may be behind: two looks, and the pause of whoever reads the status files."""
_FRAME = "\x1b[H"
_ROW = re.compile(r"(\w+)\s+(host\d+)\s+(Work \d+)\s")


@dataclass
class Truth:
    """What the status files have said, by host and job id: each state, and since when."""

    folder: Path
    states: dict[tuple[str, str], list[tuple[float, str]]] = field(default_factory=dict)

    def read(self) -> None:
        """Read the files that have changed their meaning since the last time."""
        for path in self.folder.glob("*/j*.*"):
            if path.suffix == ".tmp":  # about to be renamed
                continue
            which = (path.parent.name, path.name)
            known = self.states.get(which, [])
            if known and known[-1][1] != "running":
                continue
            try:
                said = json.loads(path.read_text())
            except (ValueError, OSError):  # it is just being written
                continue
            state = "running" if said.get("started") and not said.get("finished") else "ended"
            if said.get("failed") or said.get("rc"):
                state = "failed"
            if not known or known[-1][1] != state:
                self.states.setdefault(which, []).append((time.time(), state))

    def could_be(self, which: tuple[str, str], when: float) -> set[str]:
        """What may be told of the job at that time; empty where nothing is known of it."""
        known = self.states.get(which, [])
        found = set()
        for number, (since, state) in enumerate(known):
            until = known[number + 1][0] if number + 1 < len(known) else float("inf")
            # The files are read now and then, so a follower may know a little earlier too.
            if since - 1.0 <= when <= until + LATE:
                found.add(state)
        return found


class Share(NamedTuple):
    """Processor time of a follower to the time that went by: since all jobs were launched, and since its start."""

    then: float
    overall: float


class Launch(NamedTuple):
    """What the ledger says of a launch."""

    jid: str
    when: float


class Followed:
    """What one follower has said, and when it was read."""

    def __init__(self, command: list[str], folder: Path, rows: int | None) -> None:
        """``rows`` is the height of its terminal; None gives it a pipe."""
        self.parts: list[tuple[float, str]] = []
        if rows is None:
            self._from, into = os.pipe()
        else:
            self._from, into = pty.openpty()
            fcntl.ioctl(into, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
        environ = {**environment(), "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
        for name in ("COLUMNS", "LINES"):
            environ.pop(name, None)
        self.process = subprocess.Popen(command, cwd=folder, env=environ, stdout=into, stderr=subprocess.PIPE)
        os.close(into)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.began = time.time()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # what a terminal says when nobody is left on the other side
            while chunk := os.read(self._from, 1 << 16):
                self.parts.append((time.time(), chunk.decode("utf-8", "replace")))

    def spent(self) -> float:
        """Processor time so far, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()
        self._reader.join(5)

    def pieces(self, mark: str) -> Iterator[tuple[float, str]]:
        """The text between the marks, each with the time when its end was read."""
        text = ""
        for when, part in self.parts:
            text += part
            *whole, text = text.split(mark)
            for each in whole:
                yield when, each


def playbook(tasks: int) -> str:
    work = "".join(
        f"""\
    - name: Work {number}
      ansible.builtin.command: >-
        sh -c 'sleep {{{{ 100 + (60 | random(seed=inventory_hostname ~ {number})) }}}};
        exit {{{{ 3 if (10 | random(seed=inventory_hostname ~ "x{number}")) == 0 else 0 }}}}'
      async: 600
      poll: 0
"""
        for number in range(tasks)
    )
    return f"- hosts: all\n  gather_facts: false\n  tasks:\n{work}    - ansible.builtin.pause: {{seconds: 200}}\n"


def measured(folder: Path, tasks: int) -> str:
    """A history of twenty runs, so that each job has an expected end."""
    store = str(folder / "history.db")
    address = parse_address(store)
    assert address is not None
    template = Observation(
        run="",
        job="",
        project=folder.name,
        identity=Identity("site.yml", ""),
        host="host0",
        outcome=Ending.FINISHED,
        seconds=0.0,
        uncertainty=0.0,
        limit=600.0,
        launched=datetime(2026, 11, 1, tzinfo=timezone.utc),
        core="2.22.0",
    )
    Store(address, 10.0).add(
        [
            replace(
                template,
                run=f"run-{n:02}",
                job=f"j{n}.{task}",
                identity=Identity("site.yml", f"Work {task}"),
                seconds=90.0 + 4 * n,
            )
            for n in range(20)
            for task in range(tasks)
        ]
    )
    return store


def launches(ledgers: Path) -> dict[tuple[str, str], Launch]:
    """The jobs by host and task: the table has no room for their ids."""
    (path,) = ledgers.glob("*.ledger")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {
        (line["host"], line["site"]["task"]): Launch(line["jid"], line["launched"])
        for line in lines
        if line["kind"] == "launch"
    }


def wrong_frames(followed: Followed, truth: Truth, jobs: Mapping[tuple[str, str], Launch]) -> tuple[int, list[str]]:
    """How many frames there were, and what in them was not so."""
    wrong: list[str] = []
    frames = 0
    for when, frame in followed.pieces(_FRAME):
        frames += 1
        lines = [re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line).rstrip("\r") for line in frame.split("\n")]
        wrong += [f"{len(line)} columns: {line}" for line in lines if len(line) > COLUMNS]
        rows = [found for line in lines if (found := _ROW.match(line))]
        told = {(row[2], jobs[row[2], row[3]].jid): row[1] for row in rows}
        for which, state in told.items():
            if state not in truth.could_be(which, when):
                wrong.append(f"{when:.1f}: {which} told as {state}: {truth.states.get(which)}")
        # The next frame's mark ends this one, a second after it was made.
        due = {(host, job.jid) for (host, _), job in jobs.items() if job.when < when - LATE - 1}
        wrong += [f"{when:.1f}: {which} is missing" for which in due - told.keys()]
    return frames, wrong


def wrong_lines(followed: Followed, truth: Truth) -> tuple[int, list[str]]:
    """How many lines there were, and what in them was not so; the last of each job is held against the files too."""
    wrong: list[str] = []
    last: dict[tuple[str, str], str] = {}
    count = 0
    for when, line in followed.pieces("\n"):
        count += 1
        said = json.loads(line)
        which = (said["job"]["host"], said["job"]["jid"])
        last[which] = said["became"]
        if said["became"] not in truth.could_be(which, when):
            wrong.append(f"{when:.1f}: {which} became {said['became']}: {truth.states.get(which)}")
    ends = {which: known[-1][1] for which, known in truth.states.items()}
    wrong += [
        f"{which} ended as {state}, told as {last.get(which)}"
        for which, state in ends.items()
        if last.get(which) != state
    ]
    return count, wrong


def ansible_environment(folder: Path) -> Mapping[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
        "ANSIBLE_FORKS": "4",
        "ASYNC_REAPER_ON_UNREAPED": "report",
        "ASYNC_REAPER_LEDGER_DIR": str(folder / "ledger"),
        "ASYNC_REAPER_HISTORY": "",
    }


def watch(
    run: subprocess.Popen[bytes], truth: Truth, followers: Sequence[Followed], jobs: int
) -> dict[Followed, Share]:
    """Read the status files until all jobs have ended; what each follower costs from when all were launched."""
    began: dict[Followed, tuple[float, float]] = {}
    while run.poll() is None:
        truth.read()
        if not began and sum(map(bool, truth.states.values())) == jobs:
            began = {each: (time.time(), each.spent()) for each in followers}
        if began and all(known[-1][1] != "running" for known in truth.states.values()):
            break
        time.sleep(0.25)
    costs = {
        each: Share((each.spent() - spent) / (time.time() - since), each.spent() / (time.time() - each.began))
        for each, (since, spent) in began.items()
    }
    time.sleep(2 * LATE)  # for the last changes to be told
    if not costs:
        raise SystemExit("the run ended before all of its jobs were launched")
    return costs


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--core", default="2.22")
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=10)
    args = parser.parse_args()
    count = args.hosts * args.tasks
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, contextlib.ExitStack() as ends:
        folder = Path(name)
        (folder / ".git").mkdir()
        (folder / "ledger").mkdir(mode=0o700)
        local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
        (folder / "hosts").write_text(
            "".join(f"host{n} {local} ansible_async_dir={folder}/async/host{n}\n" for n in range(args.hosts))
        )
        (folder / "site.yml").write_text(playbook(args.tasks))
        command = [sys.executable, "-m", "ansible_reap", "jobs", "--follow"]
        command += ["--ledger-dir", str(folder / "ledger"), "--history", measured(folder, args.tasks)]
        truth = Truth(folder / "async")
        on_terminal = Followed(command, folder, count + 10)
        ends.callback(on_terminal.end)
        in_pipe = Followed([*command, "--format", "json"], folder, None)
        ends.callback(in_pipe.end)
        run = subprocess.Popen(
            [ENVS / f"core-{args.core}" / "bin" / "ansible-playbook", "-i", "hosts", "site.yml"],
            cwd=folder,
            env=ansible_environment(folder),
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        ends.callback(run.wait)
        ends.callback(run.terminate)
        costs = watch(run, truth, (on_terminal, in_pipe), count)
        kept = True
        for what, each in (("on a terminal", on_terminal), ("JSON", in_pipe)):
            share = costs[each]
            kept &= result(f"follow, {what}, all jobs launched: thousandths of a core", 1000 * share.then, BOUND)
            kept &= result(f"follow, {what}, from its start: thousandths of a core", 1000 * share.overall, BOUND)
        jobs = launches(folder / "ledger")
        frames, wrong = wrong_frames(on_terminal, truth, jobs)
        lines, more = wrong_lines(in_pipe, truth)
        wrong += more
        kinds = [known[-1][1] for known in truth.states.values()]
        print(f"{len(kinds)} jobs, {kinds.count('failed')} failed: {frames} frames, {lines} lines of JSON")
        kept &= result("follow: what was not so", len(wrong), 0)
        print("\n".join(wrong[:20]))
        return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
