"""Lets what really happens judge the linter and the callback, on projects that nobody wrote by hand.

    PYTHONPATH=tools:src python -m referee --core 2.21 --seed 1 --minutes 10

Each project is made from the seed and its number, checked, run in every setting of its switches by a real
ansible-playbook and judged by what an observer saw that knows nothing of our code. Disagreements are kept as folders.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from referee import grammar
from referee.controller import ROOT, Controller
from referee.minimise import Minimiser
from referee.project import Project
from referee.trial import Result, trials


class Session:
    """Tries projects and counts what came of them."""

    def __init__(self, controller: Controller, scratch: Path, at_once: int, kept: Path, minutes: float) -> None:
        self._controller = controller
        self._scratch = scratch
        self._at_once = at_once
        self._kept = kept
        self._minutes = minutes
        self._minimised: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.cpu_s = 0.0

    @property
    def disagreed(self) -> bool:
        """Whether there was any disagreement."""
        return any(":" in name for name in self.counts)

    def try_them(self, projects: dict[str, Project]) -> None:
        """Try these, by name."""
        results = trials(self._controller, list(projects.values()), self._scratch / "trials", self._at_once)
        for name, result in zip(projects, results, strict=True):
            self._count(result)
            if result.disagreements or result.invalid:
                keep(result, self._kept / f"{self._controller.core}-{name}")
                self._minimise(result, self._kept / f"{self._controller.core}-{name}")
            for found in result.disagreements:
                print(f"{name} {str(found)[:300]}", flush=True)
            if result.invalid:
                print(f"{name} invalid {result.invalid[-300:]!r}", flush=True)

    def _minimise(self, result: Result, folder: Path) -> None:
        """Write the smallest project that shows the first of the differences, where its kind is new in this session."""
        for found in result.disagreements[:1]:
            if found.kind in self._minimised or self._minutes <= 0:
                continue
            self._minimised.add(found.kind)
            minimiser = Minimiser(self._controller, self._scratch / "minimise", found, self._at_once)
            smallest = minimiser.smallest(result.project, self._minutes * 60)
            smallest.write(folder / "minimal")
            print(f"  {folder / 'minimal'}: {minimiser.tried} tries", flush=True)

    def _count(self, result: Result) -> None:
        self.counts["projects"] += 1
        self.counts["runs"] += result.runs
        self.counts["projects with an ordinary run"] += bool(result.ran)
        self.counts["invalid projects"] += bool(result.invalid)
        self.counts.update(f"verdict {each.verdict}" for each in result.checked.launches.values())
        if result.project.knowable:
            verdicts = [each.verdict for each in result.checked.launches.values() if each.label in result.ran]
            self.counts["launches that ran"] += len(verdicts)
            self.counts["launches that ran and are unknown"] += verdicts.count("unknown")
        self.counts.update({f"{found.half.value}: {found.kind}" for found in result.disagreements})
        self.cpu_s += result.cpu_s


def keep(result: Result, folder: Path) -> None:
    """Write the project and what was found."""
    result.project.write(folder / "project")
    lines = [str(each) for each in result.disagreements] + ([f"invalid: {result.invalid}"] if result.invalid else [])
    lines.append(f"run: {' '.join(result.project.argv({}))} with {result.project.switches}")
    (folder / "found.txt").write_text("\n\n".join([*lines, ""]), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="referee", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--core", default="2.21", help="version of ansible-core (default: 2.21)")
    parser.add_argument("--seed", default="1", help="projects are SEED-0, SEED-1 and so on")
    parser.add_argument("--start", type=int, default=0, help="number of the first project")
    parser.add_argument("--projects", type=int, default=10**9, help="try no more than so many")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--minimise", type=float, default=2, help="minutes that the first case of each kind may take")
    parser.add_argument("--without", default="", help="leave out projects with these productions, comma separated")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--keep", type=Path, default=Path("referee-found"), help="where disagreements are kept")
    return parser.parse_args()


def main() -> int:
    """Try projects until the time is up; the return value is the exit status: 1 where anything disagrees."""
    args = _arguments()
    environments = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
    without = {each.strip() for each in args.without.split(",")}
    scratch = Path(tempfile.mkdtemp(prefix="referee-"))
    began = time.monotonic()
    number = args.start
    with Controller(environments / f"core-{args.core}", scratch / "server", args.core) as controller:
        session = Session(controller, scratch, args.at_once, args.keep, args.minimise)
        while time.monotonic() - began < args.minutes * 60 and number - args.start < args.projects:
            batch = min(2 * args.at_once, args.start + args.projects - number)
            made = {
                f"{args.seed}-{each}": grammar.project(f"{args.seed}-{each}") for each in range(number, number + batch)
            }
            number += batch
            session.try_them({name: each for name, each in made.items() if without.isdisjoint(each.notes)})
    hours = (time.monotonic() - began) / 3600
    print(json.dumps(dict(sorted(session.counts.items())), indent=1))
    runs = max(session.counts["runs"], 1)
    cpu_s = (session.cpu_s + controller.modules_cpu_s) / runs
    print(f"{runs / hours:.0f} runs an hour, {cpu_s:.2f} s of processor time a run")
    shutil.rmtree(scratch, ignore_errors=True)
    return int(session.disagreed)


if __name__ == "__main__":
    sys.exit(main())
