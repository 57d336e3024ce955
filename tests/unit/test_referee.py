"""What the referee makes of observations, and the projects that it makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from referee import grammar, mending, minimise, relations
from referee.grammar.novelty import Novelty
from referee.judgement import Twin, of_twin, of_verdicts
from referee.observation import Job, Observation
from referee.project import Project, Setting, Task
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


def test_a_job_that_the_gate_could_not_wait_for_may_fail_the_run() -> None:
    unreaped = {**REPORTED, "state": "unreaped", "seen_by": None}
    assert reports(a_run(LEFT), a_run(LEFT, status=2), unreaped, options={"on_unreaped": "reap"}) == []
    assert reports(a_run(LEFT), a_run(LEFT), unreaped, options={"on_unreaped": "reap"}) == ["green-with-problems"]


def test_a_clean_run_that_is_failed_is_told() -> None:
    assert reports(a_run(JOB), a_run(JOB, status=2), REPORTED, options=FAILING) == ["fails-a-clean-run"]


def test_another_course_with_the_callback_than_without_is_told() -> None:
    other = replace(a_run(JOB), course=Counter({("h1", "site.yml:9", "skipped"): 1}))
    assert reports(a_run(JOB), other, REPORTED, options={"on_unreaped": "report"}) == ["other-course"]


@pytest.mark.parametrize(
    ("reported", "outstanding", "kinds"),
    [
        ({"state": "unreaped", "seen_by": None, "last_seen": "running"}, {"j1.1"}, []),
        ({"state": "unreaped", "seen_by": None, "last_seen": "running"}, set(), ["ledger-forgets"]),
        ({"state": "reaped", "last_seen": "finished"}, {"j1.1"}, ["ledger-keeps"]),
        ({"state": "reaped", "last_seen": "finished"}, set(), []),
    ],
)
def test_the_ledger_is_held_against_the_report(
    reported: dict[str, object], outstanding: set[str], kinds: list[str]
) -> None:
    job = {**REPORTED, **reported}
    run = a_run(JOB if job["state"] == "reaped" else LEFT)
    report = {"jobs": [job], "summary": Counter([str(job["state"])])}
    twin = Twin(run, run, report, {"on_unreaped": "report"}, {}, "", outstanding=frozenset(outstanding))
    assert [found.kind for found in of_twin(twin, set())] == kinds


def test_a_detached_job_that_is_reported_otherwise_is_told() -> None:
    report = {"jobs": [{**REPORTED, "state": "unreaped", "seen_by": None}], "summary": Counter(["unreaped"])}
    twin = Twin(a_run(LEFT), a_run(LEFT), report, {"on_unreaped": "report"}, {}, "")
    assert [found.kind for found in of_twin(twin, {"L1"})] == ["state-unreaped-not-detached"]


def test_a_project_that_fix_has_mended_is_run_again_and_held_against_what_it_was(tmp_path: Path) -> None:
    project = Project({"hosts.ini": "h1\n", "site.yml": a_play(LAUNCH)}, ("site.yml",), ("h1",))
    project.write(tmp_path / "before")
    labels = mending.fixable(check(tmp_path / "before"))
    after = mending.mended(project, tmp_path / "after")
    assert labels == {"L1"}
    assert len(after.files["site.yml"][0]["tasks"]) == 2
    before: list[tuple[Setting, Observation]] = [({}, a_run(LEFT))]

    def held_against(run: Observation, fixed: Project = after) -> list[str]:
        found = mending.of_mending(labels, fixed, tmp_path / "scratch", before, [({}, run)])
        return [each.kind for each in found]

    assert held_against(a_run(JOB)) == []
    assert held_against(a_run(LEFT)) == ["fix-does-not-wait"]
    assert held_against(a_run(JOB, status=2, failures=("h1 Wait: broken",))) == ["fix-breaks-a-run"]
    assert held_against(a_run(JOB), project) == ["fix-does-not-convince"]


def test_a_seed_makes_the_same_project_again_and_another_seed_another() -> None:
    assert grammar.project("7-1") == grammar.project("7-1")
    assert len({str(grammar.project(f"7-{number}").texts()) for number in range(50)}) == 50


def test_generated_projects_are_yaml_that_the_linter_takes_and_lists_the_launches_of(tmp_path: Path) -> None:
    listed = 0
    for number in range(40):
        project = grammar.project(f"8-{number}")
        for path, text in project.texts().items():
            assert isinstance(project.files[path], str) or isinstance(yaml.safe_load(text), list | dict)
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


def test_a_variable_that_may_be_set_for_all_of_a_project_is_set_both_ways_besides() -> None:
    task = {"name": "Launch L1", "command": "work L1 ok", "when": "c1 and wanted1", "vars": {"wanted1": True}}
    files = {"site.yml": [{"hosts": "all", "tasks": [task]}]}
    project = Project(files, ("site.yml",), ("h1",), ("c1",), given=("wanted1", "wanted2"))
    assert project.settings() == [
        {"c1": True},
        {"c1": False},
        {"c1": True, "wanted1": True},
        {"c1": True, "wanted1": False},
    ]


def test_who_is_in_a_group_is_up_to_the_inventory_where_the_project_leaves_no_host_out() -> None:
    task = {"name": "Wait", "debug": None, "when": "'some' in group_names"}
    files = {"hosts.ini": "h1\n[some]\nh1\n", "site.yml": [{"hosts": "all", "tasks": [task]}]}
    assert not Project(files, ("site.yml",), ("h1", "h2")).hosts_are_the_same()
    assert Project(files, ("site.yml",), ("h1", "h2", "h3")).hosts_are_the_same()


def test_on_how_many_hosts_a_play_runs_is_up_to_the_inventory_unless_it_runs_on_all_of_them() -> None:
    def project(pattern: str) -> Project:
        task = {"name": "Wait", "debug": None, "run_once": True}
        return Project({"site.yml": [{"hosts": pattern, "tasks": [task]}]}, ("site.yml",), ("h1", "h2"))

    assert project("all").hosts_are_the_same()
    assert not project("all:!h2").hosts_are_the_same()


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


def a_play(*tasks: Task) -> list[Task]:
    return [{"name": "Play", "hosts": "all", "tasks": list(tasks)}]


LAUNCH: Task = {"name": "Launch L1", "command": "work L1 ok", "async": 600, "poll": 0, "register": "job"}
WAIT: Task = {
    "name": "Wait",
    "async_status": {"jid": "{{ job.ansible_job_id }}"},
    "register": "seen",
    "until": "seen is finished",
    "retries": 900,
    "delay": 1,
}


def test_a_project_is_written_out_in_place_with_its_conditions() -> None:
    files = {
        "hosts.ini": "h1\n",
        "site.yml": a_play(
            {"name": "Call", "include_tasks": "tasks/part.yml", "when": "c1"},
            {"name": "Block", "block": [WAIT], "when": ["c1", "c2"]},
        ),
        "tasks/part.yml": [{**LAUNCH, "when": "c3"}],
    }
    written = relations.inlined(Project(files, ("site.yml",), ("h1",)))
    assert written.files == {
        "hosts.ini": "h1\n",
        "site.yml": a_play({**LAUNCH, "when": ["c1", "c3"]}, {**WAIT, "when": ["c1", "c2"]}),
    }


def test_what_a_call_hands_over_is_written_out_where_it_is_used() -> None:
    call = {"name": "Call", "include_tasks": "tasks/part.yml", "vars": {"wanted": "{{ c1 }}", "who": "job"}}
    part = {**LAUNCH, "command": "work {{ who }}", "when": "wanted | bool and 'wanted' != x.wanted"}
    files = {"site.yml": a_play(call), "tasks/part.yml": [part]}
    written = relations.inlined(Project(files, ("site.yml",), ("h1",)))
    wanted = {**LAUNCH, "command": "work {{ 'job' }}"}
    assert written.files == {"site.yml": a_play({**wanted, "when": "(c1) | bool and 'wanted' != x.wanted"})}


@pytest.mark.parametrize("more", [{"apply": {"when": "c1"}}, {"public": True}])
def test_a_call_that_says_more_is_not_written_out(more: Task) -> None:
    call = {"name": "Call", "include_tasks": {"file": "tasks/part.yml", **more}}
    files = {"site.yml": a_play(call), "tasks/part.yml": [LAUNCH]}
    assert relations.inlined(Project(files, ("site.yml",), ("h1",))).files == files


def test_what_a_call_hands_over_stays_where_a_fact_of_that_name_is_set_too() -> None:
    fact = {"name": "Set", "set_fact": {"wanted": True}}
    block = {"name": "Block", "block": [{**LAUNCH, "when": "wanted"}], "vars": {"wanted": "{{ c1 }}"}}
    files = {"site.yml": a_play(fact, block)}
    assert relations.inlined(Project(files, ("site.yml",), ("h1",))).files == files


def test_what_calls_itself_or_runs_in_a_loop_is_not_written_out() -> None:
    files = {
        "site.yml": a_play({"name": "Call", "include_tasks": "tasks/part.yml", "loop": [1, 2]}),
        "tasks/part.yml": [LAUNCH, {"name": "Again", "include_tasks": "part.yml", "when": "c1"}],
    }
    assert relations.inlined(Project(files, ("site.yml",), ("h1",))).files == files


@pytest.mark.parametrize(
    "tasks",
    [
        [{"name": "Flush", "meta": "flush_handlers"}],  # which it does whatever its condition says
        [LAUNCH | {"name": "Launch L2"}],  # whose register is that of another one: it is set even where it is skipped
    ],
)
def test_what_a_condition_would_not_keep_from_acting_is_not_written_out_under_one(tasks: list[Task]) -> None:
    files = {
        "site.yml": a_play(LAUNCH, {"name": "Call", "include_tasks": "tasks/part.yml", "when": "c1"}),
        "tasks/part.yml": tasks,
    }
    assert relations.inlined(Project(files, ("site.yml",), ("h1",))).files == files


def test_a_role_with_variables_of_its_own_is_not_written_out() -> None:
    files = {
        "site.yml": [{"hosts": "all", "roles": ["one"]}],
        "roles/one/tasks/main.yml": [LAUNCH | {"when": "wanted"}],
        "roles/one/defaults/main.yml": {"wanted": True},
    }
    assert relations.inlined(Project(files, ("site.yml",), ("h1",))).files == files


def test_waits_are_added_after_launches_and_looks_are_taken_away() -> None:
    project = Project({"site.yml": a_play(LAUNCH, WAIT)}, ("site.yml",), ("h1",))
    with_waits, labels = relations.waited_at_once(project)
    names = [task["name"] for task in with_waits.files["site.yml"][0]["tasks"]]
    assert (names, labels) == (["Launch L1", "Wait at once", "Wait"], {"L1"})
    assert [task["name"] for task in relations.without_looks(project).files["site.yml"][0]["tasks"]] == [
        "Launch L1",
        "Wait",
    ]


@pytest.mark.parametrize("layout", [grammar.Layout.FLAT, grammar.Layout.NEUTRAL])
def test_other_spellings_and_layouts_of_a_seed_have_the_same_launches(layout: grammar.Layout) -> None:
    for number in range(30):
        labels = [grammar.project(f"6-{number}", layout, spelling).labels() for spelling in "012"]
        assert labels[0] == labels[1] == labels[2]


def test_a_verdict_that_a_rearranged_project_does_not_get_is_told(tmp_path: Path) -> None:
    project = Project({"site.yml": a_play(LAUNCH, WAIT)}, ("site.yml",), ("h1",))
    checked = Checked({"L1": Launch("L1", "site.yml", 3, "unreaped", ())}, (), (), None)  # a wrong verdict
    found = list(relations.of_relations(project, checked, None, tmp_path / "scratch"))
    assert [(each.kind, each.subject) for each in found] == [("relation-inlined", "L1")]


def test_small_projects_are_chosen_by_what_ran_least_and_always_the_same_ones() -> None:
    novelty, again = Novelty(), Novelty()
    names = [novelty.name(f"1-{number}") for number in range(100)]
    assert [again.name(f"1-{number}") for number in range(5)] == names[:5]
    assert len(_productions(names)) > 1.1 * len(_productions([f"1-{number}.0" for number in range(100)]))


def _productions(names: list[str]) -> set[str]:
    return {note for name in names for note in grammar.project(name, grammar.Layout.SMALL, "0").notes}


def test_what_an_entry_of_roles_hands_over_to_a_file_that_stays_one_is_not_written_out() -> None:
    files = {
        "site.yml": [{"hosts": "all", "roles": [{"role": "one", "handed": "{{ job.ansible_job_id }}"}]}],
        "roles/one/tasks/main.yml": [{"name": "Call", "include_tasks": "tasks/part.yml", "loop": [1, 2]}],
        "tasks/part.yml": [{"name": "Wait", "async_status": {"jid": "{{ handed }}"}}],
    }
    assert relations.inlined(Project(files, ("site.yml",), ("h1",))).files == files


@pytest.mark.parametrize(("ends", "kinds"), [(True, []), (False, ["relation-waited-at-once"])])
def test_a_launch_that_never_runs_may_be_detached_though_waited_for(
    *, ends: bool, kinds: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = {"name": "End", "meta": "end_play"}
    project = Project({"site.yml": a_play(*([end] if ends else []), LAUNCH)}, ("site.yml",), ("h1",))

    def checked(folder: Path) -> Checked:
        is_over = "end_play" in (folder / "site.yml").read_text()
        verdict = "detached" if is_over or not ends else "reaped"
        return Checked({"L1": Launch("L1", "site.yml", 3, verdict, ())}, (), (), None)

    monkeypatch.setattr(relations, "check", checked)
    found = relations.of_relations(project, checked_alone(), None, tmp_path / "scratch")
    assert [each.kind for each in found if "waited" in each.kind] == kinds


def checked_alone() -> Checked:
    return Checked({"L1": Launch("L1", "site.yml", 3, "detached", ())}, (), (), None)


def test_what_an_entry_of_roles_hands_over_is_written_out_with_its_role() -> None:
    wait: Task = {"name": "Wait", "async_status": {"jid": "{{ handed }}"}}
    for given in ({"handed": "{{ job.ansible_job_id }}"}, {"vars": {"handed": "{{ job.ansible_job_id }}"}}):
        play: Task = {"hosts": "all", "roles": [{"role": "waiter", **given}]}
        project = Project({"site.yml": [play], "roles/waiter/tasks/main.yml": [wait]}, ("site.yml",), ("h1",))
        assert relations.inlined(project).files["site.yml"][0]["tasks"] == [
            {"name": "Wait", "async_status": {"jid": "{{ job.ansible_job_id }}"}}
        ]
