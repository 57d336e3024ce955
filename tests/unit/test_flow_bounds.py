"""Past each bound of the analysis a launch is unknown, never called unreaped, and one line says which bound it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ansible_reap import linting
from ansible_reap.cli import main
from ansible_reap.content import library
from ansible_reap.flow import assembly
from ansible_reap.flow.engine import analyse
from ansible_reap.flow.walk import walk
from ansible_reap.jobs import Verdict
from support.files import lay

PLAY = "- hosts: all\n  tasks:\n"


def launch(register: str = "job", when: str = "") -> str:
    condition = f", when: '{when}'" if when else ""
    return f"    - {{command: work, async: 60, poll: 0, register: {register}{condition}}}\n"


def wait(jid: str = "job.ansible_job_id", *, loop: Iterable[str] = (), over: str = "", when: str = "") -> str:
    """A task that waits, for each of the expressions in ``loop`` or for each item of the one in ``over``."""
    items = "".join(f"        - '{{{{ {each} }}}}'\n" for each in loop)
    return (
        f'    - async_status: {{jid: "{{{{ {jid} }}}}"}}\n'
        "      register: seen\n      until: seen is finished\n      retries: 30\n      delay: 5\n"
        + (f"      when: {when}\n" if when else "")
        + (f"      loop:\n{items}" if items else "")
        + (f"      loop: '{{{{ {over} }}}}'\n" if over else "")
    )


def fact(expression: str, name: str = "id", *, when: str) -> str:
    return f"    - set_fact: {{{name}: '{{{{ {expression} }}}}'}}\n      when: {when}\n"


def listed(expressions: Iterable[str]) -> str:
    return f"[{', '.join(expressions)}]"


def alone(tasks: str) -> str:
    """Tasks of a play as a file of their own."""
    return re.sub(r"^    ", "", tasks, flags=re.MULTILINE)


def numbered(count: int, text: Callable[[int], str]) -> str:
    return "".join(map(text, range(count)))


def ids(count: int) -> list[str]:
    return [f"j{number}.ansible_job_id" for number in range(count)]


LOOPED = "    - {command: work, async: 60, poll: 0, register: jobs, loop: '{{ range(30) | list }}'}\n"

LONG = listed(f"a{number}" for number in range(401))

CASES: dict[str, tuple[dict[str, str], str]] = {
    "items of a list": (
        {"site.yml": PLAY + numbered(205, lambda n: launch(f"j{n}")) + wait("item", loop=ids(205))},
        "more than 200 items",
    ),
    "keys of a dictionary": (
        {
            "site.yml": PLAY
            + launch()
            + numbered(
                405, lambda n: f"    - set_fact: {{d: \"{{{{ d | default({{}}) | combine({{'k{n}': job}}) }}}}\"}}\n"
            )
            + wait("d.k404.ansible_job_id")
        },
        "a dictionary of more than 400 keys",
    ),
    "rounds of a loop": (
        {"site.yml": PLAY + numbered(205, lambda n: launch(f"j{n}")) + wait("item", over=listed(ids(205)))},
        "a loop of more than 200 rounds",
    ),
    "items of a list of lists": (
        {
            "site.yml": PLAY
            + numbered(3, lambda n: launch(f"j{n}"))
            + wait("item", over=f"[{listed(ids(2) * 220)}, [j2.ansible_job_id]] | flatten")
        },
        "more than 400 items",
    ),
    "rows of a product": (
        {
            "site.yml": PLAY
            + numbered(20, lambda n: launch(f"j{n}"))
            + wait("item.0", over=f"{listed(ids(20))} | product(range(15)) | list")
        },
        "more than 200 items",
    ),
    "alternatives of a variable": (
        {
            "site.yml": PLAY
            + numbered(14, lambda n: launch(f"j{n}", f"v == {n}") + fact(f"j{n}.ansible_job_id", when=f"v == {n}"))
            + wait("id")
        },
        "more than 12 alternatives",
    ),
    "pairs of a sum": (
        {
            "site.yml": PLAY
            + numbered(5, lambda n: launch(f"j{n}", f"v == {n}"))
            + numbered(5, lambda n: launch(f"j{n + 5}", f"w == {n}"))
            + numbered(5, lambda n: fact(f"[j{n}.ansible_job_id]", "first", when=f"v == {n}"))
            + numbered(5, lambda n: fact(f"[j{n + 5}.ansible_job_id]", "second", when=f"w == {n}"))
            + wait("item", over="first + second")
        },
        "more than 24 possible pairs",
    ),
    "an expression within itself": (
        {"site.yml": PLAY + launch() + wait("job.ansible_job_id" + " | string" * 30)},
        "24 within each other",
    ),
    "conditions": (
        {
            "site.yml": PLAY
            + launch(when=" or ".join(f"(a{n} and b{n})" for n in range(7)))
            + wait(when=" or ".join(f"(b{n} and a{n})" for n in reversed(range(7))))
        },
        "more than 10 conditions",
    ),
    "a list of conditions": (
        {"site.yml": PLAY + launch().replace("}", f", when: {LONG}}}") + wait(when=LONG)},
        "more than 400 conditions",
    ),
    "waits for one job": (
        {"site.yml": PLAY + launch() + numbered(201, lambda n: wait(when=f"x == {n}")) + wait()},
        "more than 200 tasks that look at the job",
    ),
    "rounds of an include": (
        {
            "site.yml": PLAY
            + LOOPED
            + "    - include_tasks: wait.yml\n      loop: '{{ jobs.results + jobs.results + jobs.results }}'\n",
            "wait.yml": alone(wait("item.ansible_job_id")),
        },
        "in a loop of more than 64 rounds",
    ),
    "files within each other": (
        {
            "site.yml": PLAY + launch() + "    - include_tasks: t0.yml\n",
            **{f"t{n}.yml": f"- include_tasks: t{n + 1}.yml\n" for n in range(42)},
            "t42.yml": alone(wait()),
        },
        "more than 40 deep",
    ),
    "roles within each other": (
        {
            "site.yml": PLAY + launch() + "    - import_role: {name: r0}\n",
            **{f"roles/r{n}/tasks/main.yml": f"- import_role: {{name: r{n + 1}}}\n" for n in range(25)},
            "roles/r25/tasks/main.yml": alone(wait()),
        },
        "more than 40 deep",
    ),
    "calls of a file": (
        {
            "site.yml": PLAY + numbered(201, lambda n: f"    - {{include_tasks: more.yml, vars: {{n: {n}}}}}\n"),
            "more.yml": alone(launch()),
        },
        "called more than 200 times",
    ),
    "files that a name may mean": (
        {
            "site.yml": PLAY + launch() + "    - include_role: {name: '{{ which }}'}\n",
            **{f"roles/r{n}/tasks/main.yml": alone(wait()) for n in range(45)},
        },
        "may mean more than 40 files",
    ),
    "files gone through for what they may set": (
        {
            "site.yml": PLAY
            + launch("first", "flag")
            + numbered(100, lambda n: f"    - include_tasks: t{n}.yml\n")
            + wait("first.ansible_job_id", when="first.ansible_job_id is defined")
            + launch(when="flag")
            + "    - include_tasks: last.yml\n"
            + wait(when="flag"),
            "last.yml": "- include_vars: more.yml\n",
            **{f"t{n}.yml": f"- include_vars: v{n}.yml\n" for n in range(100)},
        },
        "more than 100 files that may change its condition",
    ),
    "playbooks that a name may mean": (
        {
            "site.yml": PLAY + launch() + "- import_playbook: \"{{ 'p' if x else 'q' }}{{ which }}.yml\"\n",
            **{f"{letter}{n}.yml": PLAY + wait() for letter in "pq" for n in range(35)},
        },
        "may mean more than 60 playbooks",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_past_a_bound_a_launch_is_unknown_and_one_line_says_which(case: str, tmp_path: Path) -> None:
    files, bound = CASES[case]
    analysis = analyse(lay(tmp_path, files))
    verdicts = {launch.verdict for launch in analysis.launches}
    assert verdicts <= {Verdict.UNKNOWN, Verdict.REAPED}
    told = {(each.path, each.line): str(each) for each in analysis.not_followed}
    unknown = {
        (launch.task.path, launch.task.line) for launch in analysis.launches if launch.verdict is Verdict.UNKNOWN
    }
    assert told.keys() == unknown
    assert unknown
    for line in told.values():
        assert bound in line
        assert re.fullmatch(r"\S+:\d+: is not followed past \S+:\d+, so its verdict is unknown: [^\n]+; [^\n]+", line)


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("MAX_STEPS", "a playbook that leads through more than 20 tasks"),
        ("MAX_STEPS_TOGETHER", "its share of the 25 tasks that all playbooks may lead through"),
        ("MAX_LAUNCHES", "its share of the 21 ways in which launches may be reached"),
        ("MAX_WORK", "its share of the time for values, conditions and commands"),
    ],
)
def test_the_same_holds_of_the_bounds_of_a_whole_walk(
    name: str, bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, name, 20)
    root = lay(tmp_path, {"site.yml": PLAY + numbered(30, lambda n: launch(f"j{n}")) + wait("j0.ansible_job_id")})
    analysis = analyse(root)
    assert {launch.verdict for launch in analysis.launches} == {Verdict.UNKNOWN}
    assert all(bound in str(each) for each in analysis.not_followed)
    assert len(analysis.not_followed) == len(analysis.launches)


def test_the_same_holds_of_the_roles_that_are_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_ROLES", 20)
    roles = {f"roles/r{n}/tasks/main.yml": alone(launch(f"j{n}")) for n in range(30)}
    root = lay(tmp_path, {**roles, "site.yml": f"- {{hosts: all, roles: {[f'r{n}' for n in range(30)]}}}\n"})
    analysis = analyse(root)
    assert {launch.verdict for launch in analysis.launches} == {Verdict.UNKNOWN}
    assert len(analysis.not_followed) == len(analysis.launches)
    assert all("its share of the 51 times that roles may be entered" in str(each) for each in analysis.not_followed)


@pytest.mark.parametrize("name", ["MAX_STEPS_TOGETHER", "MAX_LAUNCHES", "MAX_WORK", "JUDGING"])
def test_a_file_that_costs_too_much_loses_its_own_verdicts_and_no_other_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "JUDGING":
        monkeypatch.setattr(assembly, "MAX_WORK", 5_000)
    elif name == "MAX_WORK":
        monkeypatch.setattr(walk, "MAX_WORK", 60_000)
        monkeypatch.setattr(walk, "WORK_PER_FILE", 0)
    else:
        monkeypatch.setattr(walk, name, 120)
    if name == "JUDGING":
        some = [" or ".join(f"(a{n} and b{n})" for n in order) for order in (range(5), reversed(range(5)))]
        hostile = PLAY + numbered(20, lambda n: launch(f"j{n}", some[0]) + wait(f"j{n}.ansible_job_id", when=some[1]))
    else:
        hostile = PLAY + numbered(190, lambda n: launch(f"j{n}", f"flag{n} and other"))
    ordinary = PLAY + launch("seen") + wait("seen.ansible_job_id") + launch("lost")
    names = [f"p{n}.yml" for n in range(10)]
    root = lay(tmp_path, {"a.yml": hostile, **dict.fromkeys(names, ordinary)})
    assert main(["check", "--project-dir", str(root), "--format", "json"]) == 2
    document = json.loads(capsys.readouterr().out)
    verdicts = {each: [found["verdict"] for found in document["launches"] if found["path"] == each] for each in names}
    assert verdicts == {each: ["reaped", "unreaped"] for each in names}
    assert [each["path"] for each in document["findings"] if each["rule"] == "async-unreaped"][-10:] == names
    assert "unknown" in {found["verdict"] for found in document["launches"] if found["path"] == "a.yml"}
    (error,) = document["errors"]
    assert error["path"] == "."
    assert "is not looked at in full: a.yml is looked at no further than a.yml:" in error["message"]
    assert "its share of the" in error["message"]


def test_what_only_a_file_that_was_cut_short_calls_is_not_judged_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MAX_STEPS", 20)
    files = {
        "site.yml": PLAY
        + numbered(30, lambda n: launch(f"j{n}"))
        + "    - include_tasks: more.yml\n"
        + wait("k.ansible_job_id"),
        "more.yml": alone(launch("k")),
        "other.yml": PLAY + launch("other"),
    }
    analysis = analyse(lay(tmp_path, files))
    found = {each.task.path: each.verdict for each in analysis.launches}
    assert found["more.yml"] is Verdict.UNKNOWN
    assert found["other.yml"] is Verdict.UNREAPED


def test_a_file_past_the_bound_of_all_tasks_is_refused_and_costs_no_other_its_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "MAX_TASKS", 100)
    root = lay(tmp_path, {f"p{n}.yml": PLAY + launch() * (20 if n == 1 else 3) for n in range(3)})
    analysis = analyse(root)
    (error,) = analysis.errors
    assert error.path == "p1.yml"
    assert error.message == "is not read: the project has more than 12 launches or 100 tasks; check parts of it"
    assert {each.task.path for each in analysis.launches} == {"p0.yml", "p2.yml"}
    assert Verdict.UNKNOWN not in {each.verdict for each in analysis.launches}


def test_launches_behind_a_bound_of_one_walk_are_unknown_and_an_error_says_so(tmp_path: Path) -> None:
    files, bound = CASES["files that a name may mean"]
    tail = "    - {command: work, async: 60, poll: 0, register: later}\n    - {command: work, async: 60, poll: 10}\n"
    analysis = analyse(lay(tmp_path, {**files, "site.yml": files["site.yml"] + tail}))
    assert [(each.task.line, each.verdict) for each in analysis.launches if each.task.path == "site.yml"] == [
        (3, Verdict.UNKNOWN),
        (5, Verdict.UNKNOWN),
    ]
    (cut,) = analysis.cuts
    assert (cut.path, cut.line) == ("site.yml", 4)
    assert bound in cut.message


@pytest.mark.parametrize("case", ["calls of a file", "files within each other", "files that a name may mean"])
def test_a_bound_of_one_walk_that_leaves_a_launch_unknown_is_an_error(case: str, tmp_path: Path) -> None:
    files, bound = CASES[case]
    analysis = analyse(lay(tmp_path, files))
    assert analysis.not_followed
    (cut,) = analysis.cuts
    assert bound in cut.message
    assert main(["check", "--project-dir", str(tmp_path)]) == 2


def test_a_bound_of_one_walk_is_told_although_its_launch_is_waited_for_on_another_way(tmp_path: Path) -> None:
    files, bound = CASES["calls of a file"]
    other = PLAY + "    - include_tasks: more.yml\n" + wait()
    analysis = analyse(lay(tmp_path, {**files, "other.yml": other}))
    assert [bound in cut.message for cut in analysis.cuts] == [True]


def test_a_bound_of_one_walk_that_leaves_no_launch_unknown_is_no_error(tmp_path: Path) -> None:
    files, _ = CASES["calls of a file"]
    waited_for = PLAY + launch("early") + wait("early.ansible_job_id") + files["site.yml"].removeprefix(PLAY)
    analysis = analyse(lay(tmp_path, {"site.yml": waited_for, "more.yml": alone(launch() + wait())}))
    assert {launch.verdict for launch in analysis.launches} == {Verdict.REAPED}
    assert analysis.cuts == ()


def test_a_bound_that_concerns_no_unknown_launch_is_not_told(tmp_path: Path) -> None:
    hopeless = wait(when=" or ".join(f"(a{n} and b{n})" for n in range(7)))
    analysis = analyse(lay(tmp_path, {"site.yml": PLAY + launch() + hopeless}))
    assert [launch.verdict for launch in analysis.launches] == [Verdict.PARTIAL], "there is a run without the wait"
    assert analysis.not_followed == ()


def test_the_lines_are_on_standard_error_and_change_no_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = lay(tmp_path, CASES["conditions"][0])
    for form in ("text", "json"):
        assert main(["check", "--project-dir", str(root), "--format", form]) == 0
        output = capsys.readouterr()
        assert output.err.count("so its verdict is unknown") == 1
        assert "so its verdict is unknown" not in output.out


DEEP = {
    "the condition of the wait": (wait(when=" and ".join(["flag"] * 900)), Verdict.PARTIAL),
    "the id that it asks for": (wait("job." + "a." * 20_000 + "b"), Verdict.UNKNOWN),
    "what it loops over": (wait("item", over="[job.ansible_job_id]" + " + []" * 900), Verdict.UNKNOWN),
}


@pytest.mark.parametrize("where", DEEP)
def test_an_expression_of_very_many_levels_is_no_error(tmp_path: Path, where: str) -> None:
    text, verdict = DEEP[where]
    lay(tmp_path, {"ansible.cfg": "", "site.yml": PLAY + launch() + text})
    told = linting.lint(tmp_path)
    assert [error.message for error in told.errors] == []
    assert [each.verdict for each in told.launches] == [verdict]
