"""Runs every benchmark and writes what came out into RESULTS.md beside this file: ratios only, no machine.

    .envs/dev/bin/python benchmarks/run_all.py [--quick] [--lint PROJECT ...] [PROJECT ...]

The PROJECTs are folders of real projects: for `check`, and behind ``--lint`` for ansible-lint, which takes its time for
large ones. ``--quick`` takes fewer rounds and smaller generated projects; its figures are no results, and nothing is
written. ``--only`` runs the scripts of these names and keeps the other rows that RESULTS.md has. The exit status is 1
where a figure is out of bounds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from measure import ROOT, SIGN, environment

import ansible_reap

RESULTS = Path(__file__).with_name("RESULTS.md")
ENVS = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
CORE = "2.21"
HEAD = """\
# What the benchmarks measured

Written by `make bench PROJECTS="..."`: {date}, ansible-reap {ours}, Python {python}, PyYAML {yaml}, Jinja2 {jinja}.
Each value is the median of ratios of processor times of whole processes that took turns (the callback's: wall times),
so that neither the machine nor its other work matters. *asked* is the most that it may be.

| What | measured | asked |
| --- | --- | --- |
"""


def commands(projects: list[Path], linted: list[Path], *, quick: bool) -> list[list[str]]:
    """Each benchmark with its arguments, and the environment that it runs in."""
    dev, core = sys.executable, str(ENVS / f"core-{CORE}" / "bin" / "python")
    rounds = ["--rounds", "1" if quick else "5"]
    found = [[dev, "check_speed.py", *rounds, "--files", "1000" if quick else "100000", *map(str, projects)]]
    found += [[dev, "hook_speed.py", *rounds, "--launches", launches] for launches in ("0", "10")]
    if linted:
        found.append([dev, "lint_overhead.py", *rounds, *map(str, linted)])
    found.append([dev, "history_check.py", *rounds, "--core", CORE])
    if Path(core).exists():
        size = ["--hosts", "4", "--tasks", "2"] if quick else []
        found += [[dev, "follow_cost.py", "--core", CORE, *size]]
        found += [[core, "callback_overhead.py", "--core", CORE, "--pairs", "1" if quick else "7"]]
        found += [[dev, "callback_start.py", "--core", CORE, "--pairs", "1" if quick else "15"]]
        found += [[core, "callback_scale.py", "--core", CORE]]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", type=Path, metavar="PROJECT")
    parser.add_argument("--lint", nargs="*", type=Path, default=[], metavar="PROJECT")
    parser.add_argument("--only", action="append", default=[], metavar="SCRIPT")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    rows: dict[str, str] = {}
    if args.only and RESULTS.exists():
        old = [line for line in RESULTS.read_text(encoding="utf-8").splitlines(keepends=True) if line.startswith("| ")]
        rows = {line.split(" | ")[0]: line for line in old[2:]}
    failed: list[str] = []
    here = Path(__file__).parent
    projects, linted = ([path.resolve() for path in paths] for paths in (args.projects, args.lint))
    for python, script, *arguments in commands(projects, linted, quick=args.quick):
        if args.only and script not in args.only:
            continue
        print(f"--- {script}", flush=True)
        with subprocess.Popen(
            [python, here / script, *arguments], env=environment(), stdout=subprocess.PIPE, text=True
        ) as child:
            for line in child.stdout or ():
                print(line, end="", flush=True)
                if line.startswith(SIGN):
                    row = f"| {line.removeprefix(SIGN).strip()} |\n"
                    rows[row.split(" | ", maxsplit=1)[0]] = row
        if child.returncode:
            failed.append(script)
    if not args.quick:
        head = HEAD.format(
            date=dt.datetime.now(dt.timezone.utc).date(),
            ours=ansible_reap.__version__,
            python=platform.python_version(),
            yaml=version("PyYAML"),
            jinja=version("Jinja2"),
        )
        RESULTS.write_text(head + "".join(rows.values()), encoding="utf-8")
    print(f"out of bounds: {', '.join(failed) or 'none'}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
