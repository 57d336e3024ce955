"""What a check costs grows with the number of launches in a file, not with its square. Counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from ansible_reap import linting
from ansible_reap.content.library import Library
from ansible_reap.content.project import Project
from ansible_reap.content.tasks import read_content
from ansible_reap.flow.walk.entries import walk_project
from ansible_reap.jobs import Verdict
from ansible_reap.shell.parser import Command
from support.files import lay

HEAD = "- hosts: all\n  tasks:\n"
UNREGISTERED = "    - {{name: Start {0}, command: /bin/work {0}, async: 300, poll: 0}}\n"
UNREGISTERED_LINES = "    - name: Start {0}\n      command: /bin/work {0}\n      async: 300\n      poll: 0\n"
REGISTERED = UNREGISTERED_LINES + "      register: job{0}\n"
WAIT = """\
    - name: Wait {0}
      async_status:
        jid: "{{{{ job{0}.ansible_job_id }}}}"
      register: res{0}
      until: res{0} is finished
      retries: 40
      delay: 10
      failed_when: false
"""


@contextmanager
def counted(of: Callable[..., object] | None = None) -> Iterator[Callable[[], int]]:
    """Gives a function that tells how many Python functions have been called so far, or how often this one."""
    calls = 0
    code = None if of is None else of.__code__

    def count_call(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call" and (code is None or frame.f_code is code)

    sys.setprofile(count_call)
    try:
        yield lambda: calls
    finally:
        sys.setprofile(None)


def calls_for(root: Path, parts: list[str], count: int) -> int:
    """How many Python functions are called while a file with that many launches is checked."""
    root.mkdir()
    (root / "ansible.cfg").touch()
    text = "".join(part.format(number) for part in parts for number in range(count))
    (root / "site.yml").write_text(HEAD + text)
    with counted() as calls:
        outcome = linting.lint(root)
    assert len(outcome.launches) == count
    return calls()


@pytest.mark.parametrize(
    "parts",
    [[REGISTERED], [UNREGISTERED_LINES], [UNREGISTERED], [REGISTERED, WAIT]],
    ids=["never-waited-for", "unregistered", "in-flow-style", "waited-for-at-the-end"],
)
def test_four_times_the_launches_cost_at_most_five_times_as_much(tmp_path: Path, parts: list[str]) -> None:
    calls_for(tmp_path / "warm-up", parts, 2)
    few = calls_for(tmp_path / "few", parts, 100)
    many = calls_for(tmp_path / "many", parts, 400)
    assert many <= 5 * few


def plays_of_one_role(root: Path, plays: int) -> None:
    tasks = root / "roles" / "worker" / "tasks" / "main.yml"
    tasks.parent.mkdir(parents=True)
    tasks.write_text("".join(f"- {{command: /bin/work, register: job{n}, async: 60, poll: 0}}\n" for n in range(20)))
    (root / "ansible.cfg").touch()
    (root / "site.yml").write_text("- {hosts: all, roles: [worker]}\n" * plays)


def test_a_play_costs_the_same_however_many_share_its_role(tmp_path: Path) -> None:
    costs = []
    for plays in (2, 10, 40):
        root = tmp_path / f"plays{plays}"
        plays_of_one_role(root, plays)
        with counted() as count:
            linting.lint(root)
        costs.append(count())
    assert costs[2] <= 5 * costs[1]


def test_launches_past_the_bound_of_what_is_looked_at_are_unknown(tmp_path: Path) -> None:
    plays_of_one_role(tmp_path, 220)
    outcome = linting.lint(tmp_path)
    assert {launch.verdict for launch in outcome.launches} == {Verdict.UNKNOWN}
    assert not outcome.findings


def test_a_long_chain_of_facts_is_no_error_and_hides_no_launch(tmp_path: Path) -> None:
    links = "".join(
        f'    - set_fact: {{v{n}: "{{{{ v{n - 1} ~ v{n - 1} }}}}"}}\n      when: c{n}\n' for n in range(1, 400)
    )
    launch = '    - {command: /bin/work, async: "{{ v399 }}", poll: "{{ v398 }}", register: job}\n'
    (tmp_path / "site.yml").write_text(HEAD + links + launch + UNREGISTERED.format(1))
    outcome = linting.lint(tmp_path)
    assert not outcome.errors
    assert [launch.verdict for launch in outcome.launches] == [Verdict.UNKNOWN, Verdict.UNREAPED]


LAUNCH_UNDER_A_CONDITION = HEAD + (
    "    - {name: Start, command: /bin/work, when: wanted, async: 300, poll: 0, register: job}\n"
)


@pytest.mark.parametrize(
    ("later", "is_reached"),
    [
        ("    - {set_fact: {wanted: false}}\n", False),
        ("    - {set_fact: {wanted: false}}\n    - {debug: {var: job}}\n", True),
        ("    - {set_fact: {wanted: false}}\n    - {async_status: {jid: '{{ given }}'}}\n", True),
        ("    - {set_fact: {wanted: false}}\n    - {include_tasks: waits.yml}\n", True),
    ],
    ids=["nothing", "its-register", "a-look", "a-look-in-a-file"],
)
def test_plays_after_a_launch_are_gone_through_where_they_may_wait_for_it(
    tmp_path: Path, later: str, is_reached: bool
) -> None:
    imports = "- import_playbook: later.yml\n- import_playbook: end.yml\n"
    (tmp_path / "site.yml").write_text(LAUNCH_UNDER_A_CONDITION + imports)
    (tmp_path / "later.yml").write_text(HEAD + later)
    (tmp_path / "waits.yml").write_text("- {async_status: {jid: '{{ given }}'}, until: true}\n")
    (tmp_path / "end.yml").write_text(HEAD + "    - {debug: {msg: done}}\n")
    record = walk_project(Library(Project(tmp_path)))
    assert ("later.yml" in record.played) is is_reached
    assert "end.yml" not in record.played


def cost_of_roles(root: Path, count: int, on: Callable[[int], list[int]]) -> int:
    """What roles cost that each launch a job; ``on`` tells by the number of one on which others it depends."""
    files = {"ansible.cfg": "", "site.yml": "- {hosts: all, roles: [r0]}\n"}
    for number in range(count):
        names = [f"r{other}" for other in on(number) if other < count]
        files[f"roles/r{number}/meta/main.yml"] = f"dependencies: {names}\n"
        files[f"roles/r{number}/tasks/main.yml"] = "- {command: work, async: 60, poll: 0, register: job}\n"
    lay(root, files)
    with counted() as calls:
        record = walk_project(Library(Project(root)))
    assert len(record.instances) >= count
    return calls()


def test_roles_that_all_depend_on_each_other_cost_little_more_than_their_number(tmp_path: Path) -> None:
    some = cost_of_roles(tmp_path / "some", 8, lambda number: [number + 1, number + 2])
    every = cost_of_roles(tmp_path / "every", 8, lambda number: [other for other in range(8) if other != number])
    assert every <= 60 * some


def handlers_in_a_row(count: int) -> dict[str, str]:
    handlers = "".join(
        f"    - {{name: h{n}, command: work {n}, async: 60, poll: 0, notify: h{n + 1}}}\n" for n in range(count)
    )
    start = "    - {command: work, changed_when: true, notify: h0}\n"
    return {"site.yml": f"{HEAD}{start}  handlers:\n{handlers}"}


def waits_in_a_row(count: int) -> dict[str, str]:
    wait = WAIT.replace("      failed_when: false\n", "")
    return {"site.yml": HEAD + "".join(wait.format(n) for n in range(count))}


def launches_before_kills(count: int) -> dict[str, str]:
    kill = "    - shell: kill {{{{ found{0}.stdout }}}}\n    - {{shell: pgrep other{0}, register: found{0}}}\n"
    return {
        "site.yml": HEAD
        + "".join(REGISTERED.format(n) for n in range(count))
        + "".join(kill.format(n) for n in range(count))
    }


def roles_with_variables(count: int) -> dict[str, str]:
    files = {"site.yml": f"- {{hosts: all, roles: {[f'r{n}' for n in range(count)]}}}\n"}
    for n in range(count):
        files[f"roles/r{n}/vars/main.yml"] = f"v{n}: 1\nw{n}: '{{{{ v{n} }}}}'\n"
        files[f"roles/r{n}/defaults/main.yml"] = f"d{n}: 60\n"
        files[f"roles/r{n}/tasks/main.yml"] = (
            f"- {{command: 'work {{{{ v{n} }}}}', when: w{n}, async: '{{{{ d{n} }}}}', poll: 0, register: job{n}}}\n"
        )
    return files


def files_with_a_launch(count: int) -> dict[str, str]:
    includes = "".join(f"    - include_tasks: t{n}.yml\n" for n in range(count))
    return {
        "site.yml": HEAD + includes,
        **{f"t{n}.yml": f"- {{command: work, async: 60, poll: 0, register: job{n}}}\n" for n in range(count)},
    }


def cost_of(root: Path, files: dict[str, str], of: Callable[..., object] | None = None) -> int:
    """How many functions are called while these files are checked, or how often this one."""
    lay(root, {"ansible.cfg": "", **files})
    with counted(of) as calls:
        linting.lint(root)
    return calls()


@pytest.mark.parametrize(
    ("shape", "count"),
    [(handlers_in_a_row, 60), (waits_in_a_row, 200), (roles_with_variables, 40)],
)
def test_six_times_as_many_cost_at_most_nine_times_as_much(
    tmp_path: Path, shape: Callable[[int], dict[str, str]], count: int
) -> None:
    cost_of(tmp_path / "warm-up", shape(2))
    few = cost_of(tmp_path / "few", shape(count))
    many = cost_of(tmp_path / "many", shape(6 * count))
    assert many <= 9 * few  # what earlier tests have warmed up makes the few cheaper


def test_a_file_is_not_read_anew_for_each_launch_that_leads_past_it(tmp_path: Path) -> None:
    assert cost_of(tmp_path, files_with_a_launch(100), of=read_content) <= 300


def test_commands_are_not_taken_apart_anew_for_each_launch_above_them(tmp_path: Path) -> None:
    assert cost_of(tmp_path, launches_before_kills(60), of=Command.programs) <= 4500


def test_what_is_kept_of_a_file_that_does_not_parse_holds_no_text_of_it(tmp_path: Path) -> None:
    lay(tmp_path, {"site.yml": HEAD + UNREGISTERED.format(1), "roles/r/tasks/main.yml": "- {async: 60, poll: 0\n"})
    library = Library(Project(tmp_path))
    walk_project(library)
    (error,) = library.errors.values()
    assert (error.__traceback__, error.__context__) == (None, None)
