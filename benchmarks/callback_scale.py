"""What a job costs the callback, from a hundred jobs to ten thousand.

    PYTHONPATH=src .envs/core-2.21/bin/python benchmarks/callback_scale.py [--core 2.21] [--record-hosts 10]

A real run of ansible-playbook launches ten jobs on each of some local hosts and leaves its ledger: each intent, launch
and answer, as they came. These events, with other host names and ids, are then fed to the tracker, the gatekeeper and a
ledger, in ever larger numbers; each job is seen to end as well. Prints microseconds and bytes a job; ends with status 1
where the cost a job is not flat (over 1.5 times that of the smallest number), or a job takes 2 kB or more.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

from measure import result

from ansible_reap.runtime.gate.keeper import Gatekeeper
from ansible_reap.runtime.ledger.lines import Answer, Intent, Record, RunRecord, decode, encode
from ansible_reap.runtime.ledger.writer import Ledger
from ansible_reap.runtime.policy.options import Options
from ansible_reap.runtime.remote.mailbox import Mailbox
from ansible_reap.runtime.tracking.info import JobInfo
from ansible_reap.runtime.tracking.phases import Sight, Source
from ansible_reap.runtime.tracking.tracker import Sighting, Tracker

ROOT = Path(__file__).resolve().parents[1]
ENVS = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
JOBS_A_HOST = 10
SIZES = (100, 300, 1000, 3000, 10_000)
ROUNDS = 5
FLAT = 1.5
BYTES = 2000
CORE = (2, 21, 0)
PLAYBOOK = f"""\
- hosts: all
  gather_facts: false
  tasks:
    - name: Start one of many
      ansible.builtin.command: sleep 0
      async: 60
      poll: 0
      loop: "{{{{ range({JOBS_A_HOST}) | list }}}}"
"""


def record(core: str, hosts: int) -> list[Record]:
    """The events of a real run, from the ledger that it leaves where nobody looks at its jobs."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:  # the last jobs still end
        folder = Path(name)
        local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
        (folder / "hosts").write_text(
            "".join(f"host{n} {local} ansible_async_dir={folder}/jobs\n" for n in range(hosts))
        )
        (folder / "site.yml").write_text(PLAYBOOK)
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "async_reaper",
            "ASYNC_REAPER_ON_UNREAPED": "report",
            "ASYNC_REAPER_LOOK": "false",
            "ASYNC_REAPER_RECAP": "never",
            "ASYNC_REAPER_LEDGER_DIR": str(folder / "ledger"),
        }
        program = ENVS / f"core-{core}" / "bin" / "ansible-playbook"
        subprocess.run(
            [program, "-i", "hosts", "site.yml"], env=environment, cwd=folder, stdout=subprocess.DEVNULL, check=True
        )
        (ledger,) = (folder / "ledger").iterdir()
        return [decode(line) for line in ledger.read_bytes().splitlines()[1:]]


def enlarged(events: list[Record], jobs: int) -> list[Record]:
    """So many jobs' worth of the events: the run over and over, each time on other hosts."""
    found: list[Record] = []
    launched = turn = 0
    while launched < jobs:
        for event in events:
            if isinstance(event, JobInfo):
                if launched == jobs:
                    break
                launched += 1
                found.append(replace(event, jid=f"j{turn}{event.jid[1:]}", host=f"{event.host}-{turn}"))
            elif isinstance(event, Intent | Answer):
                found.append(replace(event, host=f"{event.host}-{turn}"))
        turn += 1
    # Sites are one object for all jobs of a task in a run; decoding has made one each.
    sites = {event.site: event.site for event in found if isinstance(event, JobInfo | Intent)}
    return [replace(event, site=sites[event.site]) if isinstance(event, JobInfo | Intent) else event for event in found]


def feed(events: list[Record], folder: Path) -> tuple[Tracker, float]:
    """Run the events through; the tracker, and the seconds of processor time that it took."""
    tracker = Tracker()
    keeper = Gatekeeper(Options(), CORE, lambda function, *args, **named: function(*args, **named))
    keeper.watch(tracker, Mailbox())
    run = RunRecord("benchmark", os.getpid(), None, "here", "2026-01-01T00:00:00Z")
    tracker.listen(Ledger(folder, run, print))
    began = time.process_time()
    for event in events:
        if isinstance(event, Intent):
            tracker.intent(event.key, event.site, event.host, event.when)
        elif isinstance(event, JobInfo):
            keeper.file(tracker.launch(event))
        elif isinstance(event, Answer):
            tracker.answered(event.key, event.host)
    for event in events:
        if isinstance(event, JobInfo):
            job = tracker.see(event.jid, Sighting(Source.PLAYBOOK, Sight.FINISHED, event.launched + 1, rc=0))
            if job is not None:
                keeper.file(job)
    tracker.close(complete=True)
    return tracker, time.process_time() - began


def bytes_a_job(events: list[Record], jobs: int, folder: Path) -> float:
    """What stays in memory, the jobs' own records included."""
    gc.collect()
    tracemalloc.start()
    kept = [fresh(event) for event in events]
    tracker, _ = feed(kept, folder)
    del kept
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tracker) == jobs
    return used / jobs


def fresh(event: Record) -> Record:
    """The event with strings of its own, as Ansible would bring it; only the site is shared."""
    copy = decode(encode(event))
    if isinstance(copy, JobInfo | Intent) and isinstance(event, JobInfo | Intent):
        return replace(copy, site=event.site)
    return copy


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", default="2.21")
    parser.add_argument("--record-hosts", type=int, default=10)
    options = parser.parse_args()
    recorded = record(options.core, options.record_hosts)
    count = sum(isinstance(event, JobInfo) for event in recorded)
    print(f"recorded: {count} jobs, {len(recorded)} events, ansible-core {options.core}", flush=True)
    failed = False
    first = None
    with tempfile.TemporaryDirectory() as name:
        for jobs in SIZES:
            events = enlarged(recorded, jobs)
            cost = statistics.median(feed(events, Path(name))[1] for _ in range(ROUNDS)) / jobs
            memory = bytes_a_job(events, jobs, Path(name))
            first = first or cost
            good = cost <= FLAT * first and memory < BYTES
            failed = failed or not good
            if jobs == SIZES[-1]:
                result(f"callback: time for a job of {jobs:,} to one of {SIZES[0]}", cost / first, FLAT)
            print(
                f"{jobs:6} jobs: {1e6 * cost:6.1f} us and {memory:5.0f} bytes a job{'' if good else '  OUT OF BOUNDS'}",
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
