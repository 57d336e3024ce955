"""What the callback costs a run in which nothing is launched.

    python3 benchmarks/callback_overhead.py [--core 2.21] [--hosts 200] [--pairs 7] [--forks 20]

Two plays of four trivial tasks on local hosts: one that cannot launch (no async task, no dynamic include or role) and
gets no gate, and one that could but does not, which has an empty one. Each runs with the callback and without, in
turns, so that other work on the machine hits both alike. The figure is the median of the pairs' ratios, by the clock
and by processor time. Ends with status 1 where the clock's is out of bounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measure import result

ROOT = Path(__file__).resolve().parents[1]
ENVS = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
TRIVIAL = """\
    - name: Trivial {n}
      ansible.builtin.debug:
        msg: "{{{{ inventory_hostname }}}} {n}"
"""
LAUNCH = """\
    - name: Could launch
      ansible.builtin.command: sleep 0
      async: 60
      poll: 0
      when: inventory_hostname == 'nobody'
"""
HEAD = "- hosts: all\n  gather_facts: false\n  tasks:\n"
PLAYS = {
    "cannot launch": (HEAD + "".join(TRIVIAL.format(n=n) for n in range(4)), 1.03),
    "could, but does not": (HEAD + "".join(TRIVIAL.format(n=n) for n in range(3)) + LAUNCH, 1.10),
}


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of the processor, workers included."""

    wall: float
    cpu: float


def run_once(folder: Path, playbook: Path, core: str, forks: int, *, guarded: bool) -> Cost:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT / "src"),
        "ANSIBLE_FORKS": str(forks),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    if guarded:
        environment["ANSIBLE_CALLBACK_PLUGINS"] = str(ROOT / "callback_plugins")
        environment["ANSIBLE_CALLBACKS_ENABLED"] = "async_reaper"
    program = ENVS / f"core-{core}" / "bin" / "ansible-playbook"
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [program, "-i", folder / "hosts", playbook], env=environment, cwd=folder, capture_output=True, check=False
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(done.stdout.decode() + done.stderr.decode())
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", default="2.21")
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--forks", type=int, default=20)
    parser.add_argument("--only", default="", metavar="WORD", help="only the plays whose title has this word in it")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
        (folder / "hosts").write_text("".join(f"host{n} {local}\n" for n in range(options.hosts)))
        for title, (text, bound) in PLAYS.items():
            if options.only not in title:
                continue
            playbook = folder / "site.yml"
            playbook.write_text(text)
            run_once(folder, playbook, options.core, options.forks, guarded=True)  # byte code and caches
            pairs = []
            for number in range(options.pairs):
                order = (True, False) if number % 2 else (False, True)
                costs = {
                    guarded: run_once(folder, playbook, options.core, options.forks, guarded=guarded)
                    for guarded in order
                }
                pairs.append((costs[False], costs[True]))
            wall = statistics.median(with_.wall / without.wall for without, with_ in pairs)
            cpu = statistics.median(with_.cpu / without.cpu for without, with_ in pairs)
            plain = statistics.median(without.wall for without, _ in pairs)
            verdict = "ok" if wall <= bound else "OUT OF BOUNDS"
            failed = failed or wall > bound
            result(
                f"ansible-playbook with the callback, {title}: wall time to without",
                wall,
                bound,
            )
            print(
                f"{title}: {wall:.3f} times the clock (bound {bound}), {cpu:.3f} times the processor, "
                f"of {plain:.2f} s; {options.hosts} hosts, {options.pairs} pairs, "
                f"ansible-core {options.core}: {verdict}",
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
