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
from referee.project import Project
from referee.trial import Result, Trial


def trials(controller: Controller, projects: list[Project], scratch: Path, at_once: int) -> list[Result]:
    """Try these, some runs at a time."""
    made = [Trial(project, scratch / f"p{number}") for number, project in enumerate(projects)]
    rans = controller.run_all([asked for trial in made for asked in trial.runs], at_once)
    results = []
    for trial in made:
        count = len(trial.runs)
        results.append(trial.judge(rans[:count]))
        rans = rans[count:]
    return results


def keep(result: Result, folder: Path) -> None:
    """Write the project and what was found."""
    result.project.write(folder / "project")
    lines = [str(each) for each in result.disagreements] + ([f"invalid: {result.invalid}"] if result.invalid else [])
    lines.append(f"run: {' '.join(result.project.argv({}))} with {result.project.switches}")
    (folder / "found.txt").write_text("\n\n".join([*lines, ""]), encoding="utf-8")


def main() -> int:
    """Try projects until the time is up; the return value is the exit status: 1 where anything disagrees."""
    parser = argparse.ArgumentParser(
        prog="referee", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--core", default="2.21", help="version of ansible-core (default: 2.21)")
    parser.add_argument("--seed", default="1", help="projects are SEED-0, SEED-1 and so on")
    parser.add_argument("--start", type=int, default=0, help="number of the first project")
    parser.add_argument("--projects", type=int, default=10**9, help="try no more than so many")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--keep", type=Path, default=Path("referee-found"), help="where disagreements are kept")
    args = parser.parse_args()
    environments = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
    scratch = Path(tempfile.mkdtemp(prefix="referee-"))
    counts: Counter[str] = Counter()
    cpu = 0.0
    began = time.monotonic()
    number = args.start
    with Controller(environments / f"core-{args.core}", scratch / "server", args.core) as controller:
        while time.monotonic() - began < args.minutes * 60 and number - args.start < args.projects:
            numbers = list(range(number, min(number + 2 * args.at_once, args.start + args.projects)))
            number = numbers[-1] + 1
            projects = [grammar.project(f"{args.seed}-{each}") for each in numbers]
            for each, result in zip(
                numbers, trials(controller, projects, scratch / "trials", args.at_once), strict=True
            ):
                counts["projects"] += 1
                counts["runs"] += result.runs
                counts["ordinary"] += result.ordinary
                counts.update(f"verdict {launch.verdict}" for launch in result.checked.launches.values())
                cpu += result.cpu_s
                if result.invalid:
                    counts["invalid"] += 1
                if result.disagreements or result.invalid:
                    counts.update(
                        each for each in {f"{found.half.value}: {found.kind}" for found in result.disagreements}
                    )
                    keep(result, args.keep / f"{args.core}-{args.seed}-{each}")
                    for found in result.disagreements:
                        print(f"{args.seed}-{each} {str(found)[:300]}", flush=True)
                    if result.invalid:
                        print(f"{args.seed}-{each} invalid {result.invalid[-300:]!r}", flush=True)
    hours = (time.monotonic() - began) / 3600
    print(json.dumps(dict(sorted(counts.items())), indent=1))
    print(f"{counts['runs'] / hours:.0f} runs an hour, {cpu / max(counts['runs'], 1):.2f} s of processor time a run")
    shutil.rmtree(scratch, ignore_errors=True)
    return 1 if any(":" in name for name in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
