"""What a history costs: `check` with 10,000 launches in it, and the callback's start with it turned on.

    PYTHONPATH=src .envs/dev/bin/python benchmarks/history_check.py [--identities N] [--rounds N] [--core 2.21]

Each pair of cases runs side by side, in turns, in processes of their own, and is compared by processor time: other work
on the machine then hits both alike. Ends with status 1 where a figure is out of bounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from check_speed import LAUNCH, ROOT
from measure import result

from ansible_reap import files
from ansible_reap.history import committed
from ansible_reap.history.estimate import RunTime
from ansible_reap.history.identity import Identity
from ansible_reap.history.runs import LaunchHistory, MeasuredRun

FILES = 60
CHECK_RATIO = 1.05
START_MS = 50.0

TASKS = (
    LAUNCH
    + """\
- name: Say so
  ansible.builtin.debug: {{msg: done}}
"""
)

CHECK = """\
import sys, time
from pathlib import Path
from ansible_reap import linting
before = time.process_time()
found = linting.lint(Path(sys.argv[1]))
print(time.process_time() - before, len(found.findings))
"""

START = """\
import sys, time
import ansible.executor.playbook_executor, ansible.plugins.callback, ansible.template, ansible.cli
sys.path[:0] = [sys.argv[1] + "/src", sys.argv[1] + "/callback_plugins"]
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.vars.manager import VariableManager
loader = DataLoader()
playbook = Playbook.load(sys.argv[2], variable_manager=VariableManager(loader=loader), loader=loader)
before = time.process_time()
import async_reaper
callback = async_reaper.CallbackModule()
values = {name: None for name in async_reaper.OPTIONS}
values["history"] = sys.argv[3] or ""
callback.get_option = values.get
callback.v2_playbook_on_start(playbook)
print((time.process_time() - before) * 1000, int(callback.disabled))
"""


def make_project(root: Path) -> None:
    """A project of many roles, some of whose launches are known to take nearly as long as they may."""
    for number in range(FILES):
        tasks = root / "roles" / f"role{number}" / "tasks"
        tasks.mkdir(parents=True)
        (tasks / "main.yml").write_text(TASKS.format(n=number))
    roles = "".join(f"    - role{number}\n" for number in range(FILES))
    (root / "site.yml").write_text(f"- hosts: all\n  gather_facts: false\n  roles:\n{roles}")
    (root / "ansible.cfg").touch()


def write_history(root: Path, identities: int) -> int:
    """A committed history with that many launches, FILES of them in the project; the file's size."""
    runs = tuple(
        MeasuredRun(f"2026-11-{1 + n // 24:02}T{n % 24:02}:00:00Z-4711", RunTime(310.0 + n), 600.0) for n in range(30)
    )
    histories = [
        LaunchHistory("", Identity(f"role:role{number}/tasks/main.yml", f"Start work {number}"), runs)
        for number in range(identities)
    ]
    files.write(root / committed.FILE, committed.dump(histories), private=False)
    return (root / committed.FILE).stat().st_size


def measure(python: str | Path, program: str, *args: object) -> tuple[float, int]:
    """The two numbers that the program prints, run in a process of its own."""
    done = subprocess.run(
        [python, "-c", program, *map(str, args)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    cost, fact = done.stdout.split()[-2:]
    return float(cost), int(fact)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identities", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--core", default="2.21")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        roots = [Path(folder, name) for name in ("none", "few", "many")]
        for root in roots:
            root.mkdir()
            make_project(root)
        sizes = [0, write_history(roots[1], FILES), write_history(roots[2], args.identities)]
        rounds = [[measure(sys.executable, CHECK, root) for root in roots] for _ in range(args.rounds)]
        for known, case, size in zip((0, FILES, args.identities), range(3), sizes, strict=True):
            cost = statistics.median(each[case][0] for each in rounds)
            print(f"check, {FILES} launches, {known:6} in the history ({size // 1024:6} KiB): {cost * 1000:7.1f} ms")
        ratio = statistics.median(each[2][0] / each[1][0] for each in rounds)
        print(f"ratio of {args.identities} to {FILES}, median of the rounds:  {ratio:7.3f}  (bound {CHECK_RATIO})")
        found = [fact for _, fact in rounds[0]]
        assert found[1] == found[2] == found[0] + FILES, "every launch's limit must be found too tight"
        title = f"check with {args.identities:,} launches in the history to {FILES}"
        good = result(title, ratio, CHECK_RATIO)
        envs = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
        python = envs / f"core-{args.core}" / "bin" / "python"
        if not python.exists():
            print(f"callback: not measured, no environment core-{args.core}")
            return int(not good)
        store, playbook = Path(folder, "history.db"), Path(folder, "start.yml")
        playbook.write_text("- hosts: all\n  gather_facts: false\n  tasks: []\n")
        starts = [
            tuple(measure(python, START, ROOT, playbook, where) for where in ("", store)) for _ in range(args.rounds)
        ]
        assert not any(fact for pair in starts for _, fact in pair), "the callback has turned itself off"
        off, on = (statistics.median(pair[side][0] for pair in starts) for side in (0, 1))
        least_off, least_on = (min(pair[side][0] for pair in starts) for side in (0, 1))
        print(f"callback's import and start, history off: {off:5.1f} ms (least {least_off:5.1f})")
        print(f"callback's import and start, history on:  {on:5.1f} ms (least {least_on:5.1f})")
        added = statistics.median(on[0] - off[0] for off, on in starts)
        print(f"what the history adds, median of the rounds: {added:5.1f} ms  (bound {START_MS})")
        return int(not (good and added < START_MS))


if __name__ == "__main__":
    sys.exit(main())
