"""One project from end to end: checked, run in every setting without our callback and in some with it, judged."""

from __future__ import annotations

import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

from referee.controller import OBSERVER, OURS, Asked, Controller, Ran
from referee.judgement import Disagreement, Half, Truth, Twin, of_twin, of_verdicts
from referee.observation import Observation, observe
from referee.project import MOST_SWITCHES, Project, Setting
from referee.static import Checked, check, outstanding

GUARDED = 2
"""In so many runs of a project our callback takes part."""
REPORT = {"on_unreaped": "report", "on_failed": "report"}
OPTIONS: tuple[dict[str, str], ...] = (
    REPORT,
    {"on_unreaped": "fail"},
    {"on_unreaped": "reap"},
    {"on_unreaped": "fail", "gate": "run"},
    {"on_unreaped": "fail", "gate": "play", "recap": "always"},
    {"on_unreaped": "reap", "on_failed": "report", "on_swallowed": "fail"},
    {"on_unreaped": "fail", "look": "false"},
)


@dataclass(frozen=True)
class Focus:
    """The one setting and the options with which a disagreement was seen; None: all settings, without our callback."""

    setting: Setting | None
    options: dict[str, str] | None


@dataclass(frozen=True)
class _Planned:
    """One run: in which setting, with our callback and its options or without, every job made to end well or not."""

    setting: Setting
    options: dict[str, str] | None
    well: bool
    asked: Asked
    variant: tuple[str, ...] = ()
    """The project's further arguments, where it is run with them."""


@dataclass(frozen=True)
class Result:
    """What a project came to."""

    project: Project
    checked: Checked
    runs: int
    cpu_s: float
    disagreements: tuple[Disagreement, ...]
    invalid: str | None
    """Why the project says nothing: Ansible did not take it."""
    ran: frozenset[str] = frozenset()
    """Labels of launches that started jobs in a run in which nothing failed."""
    truths: tuple[Truth, ...] = ()
    """The runs by which the verdicts were judged."""


class Trial:
    """A project in a folder of its own. ``runs`` says what to run; ``judge`` takes what came of it, in that order."""

    def __init__(self, project: Project, folder: Path, focus: Focus | None = None) -> None:
        self._project = project
        self._folder = folder / "project"
        project.write(self._folder)
        self._checked = check(self._folder)
        self._planned = self._plan(folder, focus)

    def observed(self, rans: list[Ran]) -> list[Observation]:
        """What was seen in each run."""
        return [observe(ran, str(self._folder), self._project.ends()) for ran in rans]

    @property
    def runs(self) -> list[Asked]:
        """The runs that are wanted."""
        return [planned.asked for planned in self._planned]

    def _plan(self, folder: Path, focus: Focus | None) -> list[_Planned]:
        project = self._project
        settings = project.settings()
        planned: list[_Planned] = []
        # What needs our callback runs beside one that changes nothing, in place of a run without it.
        needs_us = project.needs_us()

        def add(setting: Setting, options: dict[str, str] | None, *, well: bool, variant: tuple[str, ...] = ()) -> None:
            asked = Asked(
                self._folder,
                folder / f"run{len(planned)}",
                (*project.argv(setting), *variant),
                project.hosts,
                OBSERVER if options is None and not needs_us else OURS,
                options or (REPORT if needs_us else {}),
                1 + project.peeks,
                well=well,
            )
            planned.append(_Planned(setting, options, well, asked, variant))

        if focus is not None and focus.setting is not None:
            settings = [focus.setting]
        for setting in settings:
            add(setting, None, well=True)
        if focus is not None:
            if focus.options is not None and not project.ends_well():
                add(settings[0], None, well=False)
            if focus.options is not None:
                add(settings[0], focus.options, well=False)
            if focus.options == REPORT and project.variant:
                add(settings[0], None, well=False, variant=project.variant)
                add(settings[0], REPORT, well=False, variant=project.variant)
            return planned
        # Which settings and options the guarded runs have is the project's own matter: the same whenever it is tried.
        start = zlib.crc32("".join(project.texts().values()).encode())
        for number in range(GUARDED):
            setting = settings[(start + number) % len(settings)]
            if not project.ends_well():
                add(setting, None, well=False)
            # Each playbook of several answers for its own jobs, so that only telling of them changes nothing.
            changes = number > 0 and project.knowable
            add(setting, OPTIONS[(start // 7 + number) % len(OPTIONS)] if changes else REPORT, well=False)
        if project.variant:
            add(settings[0], None, well=False, variant=project.variant)
            add(settings[0], REPORT, well=False, variant=project.variant)
        return planned

    def judge(self, rans: list[Ran]) -> Result:
        """Compare the three of them."""
        project = self._project
        runs = list(zip(self._planned, rans, self.observed(rans), strict=True))
        alone = [(planned, ran, seen) for planned, ran, seen in runs if planned.options is None]
        cpu = sum(ran.cpu_s for ran in rans)
        for _, ran, seen in alone:
            if seen.recap is None and seen.status is not None:
                return Result(project, self._checked, len(rans), cpu, (), ran.output()[-600:] or "no recap")
        found: list[Disagreement] = []
        truths = [(planned.setting, seen) for planned, _, seen in alone if planned.well]  # no variant among them
        # Whether a playbook is run together with another one, and which hosts there are, cannot be known from its text.
        knowable = project.knowable and project.hosts_are_the_same()
        exhaustive = knowable and len(project.used_switches()) <= MOST_SWITCHES
        found += of_verdicts(self._checked, project.labels(), truths, exhaustive=exhaustive)
        # Not those whose verdict is reboot: no generated work is one, whatever a task is called.
        detached = {label for label, launch in self._checked.launches.items() if launch.verdict == "detached"}
        for planned, ran, seen in runs:
            if planned.options is not None:
                twin = self._twin(planned, [(other, run) for other, _, run in alone])
                found += of_twin(
                    Twin(
                        twin,
                        seen,
                        ran.report(),
                        planned.options,
                        planned.setting,
                        ran.output(),
                        "--check" in planned.variant,
                        frozenset(outstanding(ran.run / "ledger")),
                    ),
                    detached,
                )
        found += [
            Disagreement(Half.OTHER, "timeout", "", str(p.setting)) for p, _, seen in alone if seen.status is None
        ]
        labels = frozenset(job.label for _, seen in truths if seen.ordinary for job in seen.jobs)
        return Result(project, self._checked, len(rans), cpu, tuple(found), None, labels, tuple(truths))

    def _twin(self, guarded: _Planned, alone: list[tuple[_Planned, Observation]]) -> Observation:
        """The run without our callback in the same setting, in which jobs end as they do in the guarded one."""
        well = self._project.ends_well()
        return next(
            seen
            for planned, seen in alone
            if (planned.setting, planned.variant) == (guarded.setting, guarded.variant) and (well or not planned.well)
        )


def trials(
    controller: Controller, projects: list[Project], scratch: Path, at_once: int, focus: Focus | None = None
) -> list[Result]:
    """Try these, ``at_once`` runs at a time."""
    made = [Trial(project, scratch / f"p{number}", focus) for number, project in enumerate(projects)]
    rans = controller.run_all([asked for trial in made for asked in trial.runs], at_once)
    results = []
    for trial in made:
        count = len(trial.runs)
        results.append(trial.judge(rans[:count]))
        rans = rans[count:]
    shutil.rmtree(scratch, ignore_errors=True)
    return results
