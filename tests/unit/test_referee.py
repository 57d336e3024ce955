"""What the referee makes of observations, and the projects that it makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from referee import grammar, minimise
from referee.judgement import Twin, of_twin, of_verdicts
from referee.observation import Job, Observation
from referee.project import Project, Setting
from referee.static import Checked, Launch, check

JOB = Job("j1.1", "L1", "h1", (), "ok", looks=2, waited=True, cleaned=False, polled=False)
LEFT = replace(JOB, waited=False)
REPORTED = {"jid": "j1.1", "state": "reaped", "seen_by": "playbook", "poll": 0, "swallowed": False}
FAILING = {"on_unreaped": "fail"}


def a_run(*jobs: Job, status: int = 0, failures: tuple[str, ...] = ()) -> Observation:
    return Observation(status, jobs, failures, {"h1": {"failures": 0, "unreachable": 0}}, Counter(), ())


def kinds(verdict: str, *runs: Observation, exhaustive: bool = True) -> list[str]:
    """What is held against a verdict on a launch that went so in those runs."""
    checked = Checked({"L1": Launch("L1", "site.yml", 3, verdict, ())}, (), (), None)
    truths: list[tuple[Setting, Observation]] = [({"c1": bool(number)}, run) for number, run in enumerate(runs)]
    return [found.kind for found in of_verdicts(checked, {"L1"}, truths, exhaustive=exhaustive)]


def reports(alone: Observation, guarded: Observation, *jobs: dict[str, object], options: dict[str, str]) -> list[str]:
    """What is held against a report on a run."""
    summary = Counter(str(job["state"]) for job in jobs)
    report = {"jobs": list(jobs), "summary": summary}
    return [found.kind for found in of_twin(Twin(alone, guarded, report, options, {}, ""), set())]


@pytest.mark.parametrize(
    ("verdict", "jobs", "kind"),
    [
        ("reaped", (JOB, LEFT), "reaped-but-left"),
        ("unreaped", (JOB, JOB), "unreaped-but-always-waited"),
        ("unreaped", (JOB, LEFT), "unreaped-but-sometimes-waited"),
        ("partial", (JOB, JOB), "partial-but-always-waited"),
        ("partial", (LEFT, LEFT), "partial-but-never-waited"),
    ],
)
def test_a_verdict_is_held_against_what_was_waited_for(verdict: str, jobs: tuple[Job, ...], kind: str) -> None:
    assert kinds(verdict, *(a_run(job) for job in jobs)) == [kind]


@pytest.mark.parametrize(
    ("verdict", "jobs"),
    [
        ("reaped", (JOB, JOB)),
        ("unreaped", (LEFT, LEFT)),
        ("partial", (JOB, LEFT)),
        ("unknown", (JOB, LEFT)),
        ("unknown", (LEFT, LEFT)),
    ],
)
def test_a_right_verdict_and_an_unknown_one_are_let_be(verdict: str, jobs: tuple[Job, ...]) -> None:
    assert kinds(verdict, *(a_run(job) for job in jobs)) == []


def test_a_job_that_is_left_because_something_failed_is_not_held_against_reaped() -> None:
    assert kinds("reaped", a_run(LEFT, status=2, failures=("h1 Break: broken",))) == []


def test_partial_is_not_judged_where_some_settings_were_not_run() -> None:
    assert kinds("partial", a_run(JOB), exhaustive=False) == []


def test_a_job_that_ansible_polls_is_no_launch() -> None:
    assert kinds("unreaped", a_run(replace(JOB, polled=True))) == []


def test_a_launch_that_is_not_listed_though_it_started_jobs_is_told() -> None:
    found = of_verdicts(Checked({}, (), (), None), {"L1"}, [({}, a_run(LEFT))], exhaustive=True)
    assert [each.kind for each in found] == ["launch-not-listed"]


def test_a_right_report_is_let_be() -> None:
    assert reports(a_run(JOB), a_run(JOB), REPORTED, options=FAILING) == []


@pytest.mark.parametrize(
    ("reported", "kind"),
    [
        ({"state": "unreaped", "seen_by": None}, "state-unreaped-not-reaped"),
        ({"state": "reaped", "seen_by": "gate"}, "state-reaped-seen-by-gate"),
        ({"state": "lost", "seen_by": None}, "state-lost-not-reaped"),
    ],
)
def test_a_state_is_held_against_what_was_waited_for(reported: dict[str, object], kind: str) -> None:
    assert kind in reports(a_run(JOB), a_run(JOB), {**REPORTED, **reported}, options={"on_unreaped": "report"})


def test_a_job_that_the_report_leaves_out_is_told() -> None:
    assert reports(a_run(JOB), a_run(JOB), options={"on_unreaped": "report"}) == ["job-not-reported"]


def test_a_green_run_with_an_unreaped_job_is_told() -> None:
    unreaped = {**REPORTED, "state": "unreaped", "seen_by": None}
    assert reports(a_run(LEFT), a_run(LEFT), unreaped, options=FAILING) == ["green-with-problems"]
    assert reports(a_run(LEFT), a_run(LEFT, status=2), unreaped, options=FAILING) == []


def test_a_clean_run_that_is_failed_is_told() -> None:
    assert reports(a_run(JOB), a_run(JOB, status=2), REPORTED, options=FAILING) == ["fails-a-clean-run"]


def test_another_course_with_the_callback_than_without_is_told() -> None:
    other = replace(a_run(JOB), course=Counter({("h1", "site.yml:9", "skipped"): 1}))
    assert reports(a_run(JOB), other, REPORTED, options={"on_unreaped": "report"}) == ["other-course"]


def test_a_seed_makes_the_same_project_again_and_another_seed_another() -> None:
    assert grammar.project("7-1") == grammar.project("7-1")
    assert len({str(grammar.project(f"7-{number}").texts()) for number in range(50)}) == 50


def test_generated_projects_are_yaml_that_the_linter_takes_and_lists_the_launches_of(tmp_path: Path) -> None:
    listed = 0
    for number in range(40):
        project = grammar.project(f"8-{number}")
        for path, text in project.texts().items():
            assert path.endswith(".ini") or isinstance(yaml.safe_load(text), list | dict)
        project.write(tmp_path / "project")
        checked = check(tmp_path / "project")
        assert (checked.crash, checked.errors) == (None, ())
        listed += len(checked.launches)
    assert listed > 40


def test_a_project_is_run_in_every_combination_of_the_switches_that_it_names() -> None:
    task = {"name": "Launch L1", "command": "work L1 ok", "when": "c1 and not c2"}
    project = Project({"site.yml": [{"hosts": "all", "tasks": [task]}]}, ("site.yml",), ("h1",), ("c1", "c2", "c3"))
    assert project.used_switches() == ("c1", "c2")
    assert len({tuple(sorted(setting.items())) for setting in project.settings()}) == 4


def test_a_project_is_made_as_small_as_what_it_shows_allows() -> None:
    project = next(
        made
        for made in (grammar.project(f"9-{number}") for number in range(200))
        if len(made.files) > 3 and "until" in str(made.texts()) and len(made.hosts) > 1
    )

    def shows(projects: Sequence[Project]) -> Project | None:
        """Any that still has a task that starts a job and one that waits."""
        for each in projects:
            tasks = list(each.tasks())
            if any("async" in task for task in tasks) and any("until" in task for task in tasks):
                return each
        return None

    small = minimise.smallest(project, shows, 60)
    assert len(small.hosts) == 1
    named = [task for task in small.tasks() if "async" in task or "until" in task]
    assert len(named) == 2
    assert {key for task in named for key in task} <= {"name", "async", "poll", "register", "until"}
    assert len(str(small.texts())) < 700 < len(str(project.texts()))
