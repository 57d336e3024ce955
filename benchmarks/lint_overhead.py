"""What our rules cost ansible-lint: the same projects linted with our wheel installed and without it.

    .envs/dev/bin/python benchmarks/lint_overhead.py [--rounds N] [--venvs DIR] PROJECT ...

Makes two virtual environments with the packages of the environment `lint`, our wheel in one of them. Then whole
processes, in turns (with, without, without, with, ...), each on its own copy of the project: processor time with all
subprocesses, and wall time. Ends with status 1 where the processor time of a project that takes 10 s or more exceeds
the bound. `--venvs` keeps the environments for the next time; the wheel is built anew in any case.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import result

ROOT = Path(__file__).resolve().parents[1]
ENVS = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
RATIO = 1.02
LONG_ENOUGH = 10.0
"""Seconds that a project must take to say something of the bound."""
SIDES = ("without", "with")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run of ansible-lint, in seconds; ``matches`` is how many lines it wrote."""

    processor: float
    wall: float
    matches: int


def make_environments(folder: Path) -> None:
    """Both environments in ``folder``, from the same pins; our wheel goes into the second one."""
    pins = subprocess.run(
        [ENVS / "lint" / "bin" / "python", "-m", "pip", "freeze", "--exclude", "ansible-reap"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    listed = folder / "pins.txt"
    listed.write_text(pins, encoding="utf-8")
    for side in SIDES:
        python = folder / side / "bin" / "python"
        if not python.exists():
            base = (ENVS / "lint" / "bin" / "python").resolve()
            subprocess.run([base, "-m", "venv", folder / side], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", listed], check=True)
    dist = folder / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = dist.glob("*.whl")
    install: list[Path | str] = [
        folder / "with" / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--force-reinstall",
        "--no-deps",
    ]
    subprocess.run([*map(str, install), str(wheel)], check=True)


def lint(venv: Path, project: Path, home: Path, options: Sequence[str]) -> Cost:
    """Lint the whole project as a user of that environment would."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "PYTHON", "VIRTUAL_ENV"))
    }
    environment |= {"PATH": f"{venv / 'bin'}:/usr/bin:/bin", "HOME": str(home)}
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [venv / "bin" / "ansible-lint", "--offline", "--nocolor", "-f", "pep8", *options],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in {0, 2}:
            said.seek(0)
            sys.exit(f"ansible-lint ended with {process.returncode} on {project}: {said.read().decode()[-2000:]}")
        out.seek(0)
        return Cost(usage.ru_utime + usage.ru_stime, wall, len(out.readlines()))


def compare(project: Path, venvs: Path, rounds: int, folder: Path, options: Sequence[str]) -> float:
    """Print what both sides cost; the ratio of their processor times, 0 where the project is too small to tell."""
    copies = {}
    for side in SIDES:
        copies[side] = folder / side / project.name
        shutil.copytree(project, copies[side], symlinks=True)
        (folder / side / "home").mkdir(exist_ok=True)

    def run(side: str) -> Cost:
        return lint(venvs / side, copies[side], folder / side / "home", options)

    matches = {side: run(side).matches for side in SIDES}  # warms every cache, ansible-lint's own too
    costs: dict[str, list[Cost]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES if number % 2 else reversed(SIDES):
            costs[side].append(run(side))
    print(f"{project.name}: {matches['without']} matches, with our rules {matches['with']}")
    for side in SIDES:
        processor = [each.processor for each in costs[side]]
        wall = [each.wall for each in costs[side]]
        print(
            f"  {side:8} processor {statistics.median(processor):7.2f} s (least {min(processor):.2f}), "
            f"wall {statistics.median(wall):7.2f} s (least {min(wall):.2f})"
        )
    pairs = list(zip(costs["with"], costs["without"], strict=True))
    ratio = statistics.median(one.processor / other.processor for one, other in pairs)
    walls = statistics.median(one.wall / other.wall for one, other in pairs)
    least = min(each.processor for each in costs["with"]) / min(each.processor for each in costs["without"])
    print(f"  ratio of processor times {ratio:.3f} (of the least {least:.3f}), of wall times {walls:.3f}", flush=True)
    result(f"{project.name}: ansible-lint with our rules to without", ratio, RATIO)
    enough = statistics.median(each.processor for each in costs["without"]) >= LONG_ENOUGH
    return ratio if enough else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path, metavar="PROJECT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--venvs", type=Path, help="keep the environments there")
    parser.add_argument("--option", action="append", default=[], help="one more option for ansible-lint")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        venvs = args.venvs.absolute() if args.venvs else Path(folder, "venvs")
        venvs.mkdir(parents=True, exist_ok=True)
        make_environments(venvs)
        ratios = []
        for number, project in enumerate(args.projects):
            ratios.append(compare(project, venvs, args.rounds, Path(folder, str(number)), args.option))
    worst = max(ratios)
    print(f"worst ratio of processor times: {worst:.3f}  (bound {RATIO})")
    return int(worst > RATIO)


if __name__ == "__main__":
    sys.exit(main())
