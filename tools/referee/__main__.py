"""Lets what really happens judge the linter and the callback, on projects that nobody wrote by hand.

    PYTHONPATH=tools:src python -m referee --core 2.16,2.22 --seed 1 --minutes 10

Each project is made from the seed and its number, checked, run in every setting of its switches by a real
ansible-playbook and judged by what an observer saw that knows nothing of our code. Disagreements are kept as folders,
the first of each kind also as small as it can be made. Needs Linux (inotify) and the environments of tools/envs.py.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from referee import grammar
from referee.controller import ROOT, Controller
from referee.grammar.novelty import Novelty
from referee.judgement import Disagreement, Half
from referee.mending import fixable, mended, of_mending
from referee.minimise import Showing, smallest
from referee.project import Project
from referee.reached import Reached, report
from referee.relations import of_relations
from referee.static import check
from referee.trial import Focus, Result, trials

ONE_BIG_IN = 6
"""One in so many projects is a big one, in which productions meet."""
NEWER = {"end_role"}
"""Productions that ansible-core 2.18 brought."""


class Session:
    """Tries projects and counts what came of them."""

    def __init__(self, scratch: Path, at_once: int, kept: Path, minutes: float) -> None:
        self._scratch = scratch
        self._at_once = at_once
        self._kept = kept
        self._minutes = minutes
        self._minimised: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.productions: Counter[str] = Counter()
        """How many projects used each."""
        self.cpu_s = 0.0

    @property
    def disagreed(self) -> bool:
        """Whether there was any disagreement."""
        return any(":" in name for name in self.counts)

    def try_them(self, controller: Controller, projects: dict[str, Project]) -> None:
        """Try these, by name."""
        results = [self._with_mending(controller, result) for result in self._repeated(controller, projects)]
        for name, result in zip(projects, results, strict=True):
            self._count(result)
            told = f"{controller.core} {name}"
            for found in result.disagreements:
                print(f"{told} {str(found)[:300]}", flush=True)
            if result.invalid:
                print(f"{told} invalid {result.invalid[-300:]!r}", flush=True)
            if result.disagreements or result.invalid:
                folder = self._kept / f"{controller.core}-{name}"
                keep(result, folder)
                self._minimise(controller, result, folder)

    def relate(self, name: str, project: Project, respelled: Project) -> None:
        """Hold the verdicts on a project against those on projects that must agree with them."""
        folder = self._scratch / "relations"
        project.write(folder)
        checked = check(folder)
        for found in of_relations(project, checked, respelled, folder):
            self.counts[f"{found.half.value}: {found.kind}"] += 1
            print(f"{name} {found}", flush=True)
            project.write(self._kept / f"{found.kind}-{name}" / "project")

    def _with_mending(self, controller: Controller, result: Result) -> Result:
        """With what is wrong about the project that ``--fix`` makes of it, where it makes anything of it."""
        labels = fixable(result.checked)
        if not labels or result.invalid or result.disagreements:
            return result
        self.counts["projects mended by --fix"] += 1
        after = mended(result.project, self._scratch / "mended")
        (second,) = trials(controller, [after], self._scratch / "trials", self._at_once, Focus(None, None))
        found = of_mending(labels, after, self._scratch / "mended", result.truths, second.truths)
        if not result.project.knowable:
            # Playbooks that are only run together on a command line: what waits in another one may stand in the way.
            found = (each for each in found if each.kind != "fix-breaks-a-run")
        if second.invalid:
            found = iter([Disagreement(Half.STATIC, "fix-breaks-a-run", "", second.invalid)])
        return replace(result, disagreements=tuple(found), runs=result.runs + second.runs)

    def _repeated(self, controller: Controller, projects: dict[str, Project]) -> list[Result]:
        """What came of each, where it disagreed without what a second try does not show: machines stumble."""
        results = trials(controller, list(projects.values()), self._scratch / "trials", self._at_once)
        for index, result in enumerate(results):
            if not result.disagreements:
                continue
            (second,) = trials(controller, [result.project], self._scratch / "trials", self._at_once)
            again = {(found.kind, found.subject) for found in second.disagreements}
            kept = tuple(found for found in result.disagreements if (found.kind, found.subject) in again)
            self.counts["disagreements not repeated"] += len(result.disagreements) - len(kept)
            results[index] = replace(result, disagreements=kept, runs=result.runs + second.runs)
        return results

    def _minimise(self, controller: Controller, result: Result, folder: Path) -> None:
        """Write the smallest project that shows the first of the differences, where its kind is new in this session."""
        for found in result.disagreements[:1]:
            if found.kind in self._minimised or found.kind.startswith("fix-") or self._minutes <= 0:
                continue
            self._minimised.add(found.kind)
            showing = Showing(controller, self._scratch / "minimise", found, self._at_once)
            seconds = self._minutes * 60
            small = smallest(result.project, showing.shows, seconds, may=showing.may, at_once=self._at_once)
            small.write(folder / "minimal")
            print(f"  {folder / 'minimal'}: {showing.tried} tries", flush=True)

    def _count(self, result: Result) -> None:
        self.counts["projects"] += 1
        self.counts["runs"] += result.runs
        self.counts["launches judged"] += len(result.ran)
        self.productions.update(result.project.notes)
        self.counts["projects with an ordinary run"] += bool(result.ran)
        self.counts["invalid projects"] += bool(result.invalid)
        self.counts.update(f"verdict {each.verdict}" for each in result.checked.launches.values())
        if result.project.can_be_read():
            verdicts = [each.verdict for each in result.checked.launches.values() if each.label in result.ran]
            self.counts["launches that ran"] += len(verdicts)
            self.counts["launches that ran and are unknown"] += verdicts.count("unknown")
        self.counts.update({f"{found.half.value}: {found.kind}" for found in result.disagreements})
        self.cpu_s += result.cpu_s


def keep(result: Result, folder: Path) -> None:
    """Write the project and what was found."""
    result.project.write(folder / "project")
    lines = [str(each) for each in result.disagreements] + ([f"invalid: {result.invalid}"] if result.invalid else [])
    argv = " ".join((*result.project.argv({}), *result.project.variant))
    lines.append(f"run: {argv} with {result.project.switches}")
    (folder / "found.txt").write_text("\n\n".join([*lines, ""]), encoding="utf-8")


def cores(wanted: str, environments: Path) -> list[str]:
    """The ansible-core versions that are meant: a list, ``all`` that have an environment, or the ``newest``."""
    present = sorted(
        (folder.name.removeprefix("core-") for folder in environments.glob("core-*") if (folder / "bin").is_dir()),
        key=lambda version: int(version.partition(".")[2]),
    )
    if wanted == "all":
        return present
    return present[-1:] if wanted == "newest" else [each for each in wanted.split(",") if each]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="referee", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--core", default="newest", help="versions of ansible-core: newest, all, or as in 2.16,2.22")
    parser.add_argument("--seed", default="1", help="projects are SEED-0, SEED-1 and so on")
    parser.add_argument("--start", type=int, default=0, help="number of the first project")
    parser.add_argument("--projects", type=int, default=10**9, help="try no more than so many")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--minimise", type=float, default=2, help="minutes that the first case of each kind may take")
    parser.add_argument("--without", default="", help="leave out projects with these productions, comma separated")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--reached", type=Path, help="tell which branches were reached; a file for what is measured")
    parser.add_argument("--keep", type=Path, default=Path("referee-found"), help="where disagreements are kept")
    return parser.parse_args()


def _make(name: str, spelling: str) -> Project:
    """The project of this name: small ones bear the number of a candidate."""
    layout = grammar.Layout.SMALL if "." in name else grammar.Layout.ANY
    return grammar.project(name, layout, spelling)


def _try(args: argparse.Namespace, scratch: Path) -> Session:
    """Try projects until the time is up, each batch of them on the next version."""
    environments = Path(os.environ.get("ANSIBLE_REAP_ENVS") or ROOT / ".envs")
    given = {each.strip() for each in args.without.split(",")}
    novelty = Novelty()
    session = Session(scratch, args.at_once, args.keep, args.minimise)
    began = time.monotonic()
    number, end = args.start, args.start + args.projects
    with contextlib.ExitStack() as stack:
        controllers = [
            stack.enter_context(Controller(environments / f"core-{core}", scratch / core, core, args.reached))
            for core in cores(args.core, environments)
        ]
        for controller in itertools.cycle(controllers):
            if time.monotonic() - began > args.minutes * 60 or number >= end:
                break
            numbers = range(number, min(number + 6 * args.at_once, end))
            number = numbers.stop
            names = [
                f"{args.seed}-{each}" if each % ONE_BIG_IN == 0 else novelty.name(f"{args.seed}-{each}")
                for each in numbers
            ]
            made = {name: _make(name, "0") for name in names}
            for name, project in made.items():
                session.relate(name, project, _make(name, "1"))
            without = given | (NEWER if int(controller.core.partition(".")[2]) < 18 else set())
            session.try_them(controller, {name: each for name, each in made.items() if without.isdisjoint(each.notes)})
            print(
                f"... {session.counts['projects']} projects, {session.counts['runs']} runs", file=sys.stderr, flush=True
            )
    session.cpu_s += sum(controller.modules_cpu_s for controller in controllers)
    hours = (time.monotonic() - began) / 3600
    for name in ("runs", "launches judged"):
        session.counts[f"{name} an hour"] = round(session.counts[name] / hours)
    return session


def main() -> int:
    """Try projects; the return value is the exit status: 1 where anything disagrees."""
    args = _arguments()
    scratch = Path(tempfile.mkdtemp(prefix="referee-"))
    reached = Reached(args.reached) if args.reached else None
    if reached is not None:
        args.reached.parent.mkdir(parents=True, exist_ok=True)
        args.reached.unlink(missing_ok=True)
        reached.start()
    try:
        session = _try(args, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if reached is not None:
        reached.write()
        report(args.reached)
    print(json.dumps(dict(sorted(session.counts.items())), indent=1))
    print(f"{session.cpu_s / max(session.counts['runs'], 1):.2f} s of processor time a run")
    return int(session.disagreed)


if __name__ == "__main__":
    sys.exit(main())
